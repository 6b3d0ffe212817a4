//! Programs with a bug that is known, so that what finds bugs can be measured. Each stands beside
//! its corrected twin, and none is part of a default run.
//!
//! All hold where nothing deviates. The knob `bystander` adds a greenlet that has nothing to do
//! with the bug: a token made without it must fail with it too.

pub mod half_open;
pub mod lost_reply;
pub mod lost_wakeup;

use std::io;
use std::time::Duration;

use greenroom::thread;

use crate::common::spawn;

/// Somebody who yields and sleeps beside the program, and ends by itself.
fn bystander(is_there: bool) -> io::Result<()> {
    if is_there {
        spawn("bystander", || {
            for _ in 0..3 {
                thread::yield_now();
            }
            for _ in 0..10 {
                thread::sleep(Duration::from_millis(7));
            }
        })?;
    }
    Ok(())
}
