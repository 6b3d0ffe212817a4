//! Random programs against the model of DESIGN §3.1, over loopback sockets of the system.
//! `GREENROOM_CASES=2000` looks longer.
//!
//! Nothing here depends on how fast the machine is. A program's times are nothing or for ever, its
//! actors feed each other's streams, and once nobody has moved for a few looks at the world the run
//! is over and whoever is left was stuck. So the model judges as strictly as elsewhere who gets
//! which bytes in which order, who switches and who may not, what close, cancel, kill, shutdown and
//! a scope that is over do, locks, parks and joins, and that nobody waits for what is there. What
//! it leaves to the other worlds is the order of deadlines. Other greenlets may run after a read
//! that did not wait, where the real hub looks at the world now and then, and one that has drained a
//! stream is told of what comes next by such a look.
#![cfg(target_os = "linux")]

#[path = "../../api/tests/machine/mod.rs"]
mod machine;
#[path = "machine/world.rs"]
mod world;

use machine::{cases, explore_part};
use world::Loopback;

#[test]
fn random_programs_do_what_the_model_allows() {
    // As many threads as a small machine has: each has a hub of its own, and other programs.
    const PARTS: u8 = 2;
    let each = cases(100).div_ceil(PARTS.into());
    let explore = |part| move || explore_part(&Loopback::new(), each, part);
    let parts: Vec<_> = (0..PARTS).map(|part| std::thread::spawn(explore(part))).collect();
    for part in parts {
        if let Err(failure) = part.join().expect("a part panics only where the machine does") {
            panic!("{failure}");
        }
    }
}
