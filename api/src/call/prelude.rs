//! What every call that may wait does before it tries, and what the end of its wait means.

use std::io;

use super::closed;
use crate::driver::{Driver, Elapsed, Woken};

/// What ended a wait that was not ended by an error.
pub(crate) enum Wake {
    Event,
    TimedOut,
}

/// A kill unwinds here; a call inside a timeout that is known to be over is not even tried.
///
/// # Errors
///
/// That of the timeout.
#[inline]
pub(crate) fn begin(driver: &Driver) -> io::Result<()> {
    if driver.is_hurried() { begin_in_a_hurry(driver) } else { Ok(()) }
}

#[cold]
fn begin_in_a_hurry(driver: &Driver) -> io::Result<()> {
    driver.raise_kill();
    match driver.sticky_timeout() {
        Some(elapsed) => Err(elapsed.error()),
        None => Ok(()),
    }
}

/// The error of a timeout around the call whose time is up by now, and is known to be from here on.
#[inline]
pub(crate) fn check_timeouts(driver: &Driver) -> io::Result<()> {
    match driver.expired_timeout() {
        Some(timeout) => Err(Elapsed::of(timeout).error()),
        None => Ok(()),
    }
}

/// What the end of a wait means to the call that waited.
pub(crate) fn wake_of(woken: Woken) -> io::Result<Wake> {
    match woken {
        Woken::Event => Ok(Wake::Event),
        Woken::TimedOut => Ok(Wake::TimedOut),
        Woken::Cancelled(error) => Err(error),
        Woken::Closed => Err(closed()),
        Woken::Killed => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
    }
}
