//! One program, over std's sockets and over the simulator: the scenes of the operating system's
//! hub, as `real/tests/parity.rs` plays them, see in the simulator what std shows.
#![cfg(target_os = "linux")]

/// What a scene needs and neither world has.
#[path = "../../real/tests/stage/mod.rs"]
mod stage;

#[allow(clippy::duplicate_mod)]
#[path = "../../real/tests/parity"]
mod with_std {
    use std::{io as pipes, net, os::unix::net as unix, thread};

    #[path = "behaviour.rs"]
    pub mod behaviour;
}

#[allow(clippy::duplicate_mod)]
#[path = "../../real/tests/parity"]
mod with_greenroom {
    use greenroom::{io as pipes, net, os::unix::net as unix, thread};

    #[path = "behaviour.rs"]
    pub mod behaviour;
}

use greenroom_sim::{Outcome, Sim, Weather};

/// Scenes that see something else on purpose, and why.
const DIFFER: &[(&str, &str)] = &[
    (
        "a connect runs out of time",
        "the full listener is one of the machine's: \"a backlog\" fills one of its own",
    ),
    ("Unix paths and files", "the virtual hosts have no files: a path is nothing but a name"),
    (
        "a TCP read into nothing runs out of time",
        "Linux answers Ok(0), as if it had read nothing; ours answers WouldBlock, as Linux itself \
         does on a Unix socket",
    ),
];

/// What a scene says in a calm world of one host.
fn in_sim(scene: fn() -> String) -> String {
    let told = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let tell = told.clone();
    let world = Sim::new().weather(Weather::calm()).client("host", move || {
        let seen = scene();
        *tell.lock().unwrap() = seen;
        Ok(())
    });
    let run = world.run();
    let told = told.lock().unwrap().clone();
    if matches!(run.outcome, Outcome::Held) { told } else { format!("{told} {}", run.outcome) }
}

#[test]
fn every_scene_looks_the_same_over_std_and_over_the_simulator() {
    let ours = with_greenroom::behaviour::SCENES;
    let mut unlike = Vec::new();
    for (&(name, over_std), &(_, over_ours)) in with_std::behaviour::SCENES.iter().zip(ours) {
        let (expected, seen) = (over_std(), in_sim(over_ours));
        let differs = DIFFER.iter().any(|(known, _)| *known == name);
        if (seen == expected) == differs {
            unlike.push(format!("{name}\n     std: {expected}\n    ours: {seen}"));
        }
    }
    assert!(unlike.is_empty(), "{} scenes:\n\n{}\n", unlike.len(), unlike.join("\n\n"));
    let known = |name: &str| ours.iter().any(|(scene, _)| *scene == name);
    assert!(DIFFER.iter().all(|(name, why)| known(name) && !why.is_empty()));
}
