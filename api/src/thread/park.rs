//! `park`: one token a greenlet. [`Thread`] holds the other end of it.

use std::time::Duration;

use super::Thread;
use crate::driver::{self, Woken};
use crate::hub::On;

/// The current greenlet, for others to [`unpark`](Thread::unpark).
///
/// # Panics
///
/// Outside any hub.
pub fn current() -> Thread {
    let driver = driver::current().expect(driver::OUTSIDE);
    let id = driver.current_id().expect(driver::OUTSIDE);
    Thread::of(&driver, id)
}

/// Waits until somebody unparks this greenlet; one unpark may come before.
///
/// # Panics
///
/// Outside any hub.
pub fn park() {
    park_until(None);
}

/// Waits until somebody unparks this greenlet, or the time is up.
///
/// # Panics
///
/// Outside any hub.
pub fn park_timeout(timeout: Duration) {
    park_until(Some(timeout));
}

/// As [`park_timeout`], in milliseconds.
///
/// # Panics
///
/// Outside any hub.
#[deprecated(note = "replaced by `greenroom::thread::park_timeout`, as in std")]
pub fn park_timeout_ms(ms: u32) {
    park_timeout(Duration::from_millis(ms.into()));
}

fn park_until(timeout: Option<Duration>) {
    let driver = driver::current().expect(driver::OUTSIDE);
    driver.after_switch();
    driver::count_call();
    let id = driver.current_id().expect(driver::OUTSIDE);
    let parker = driver.parker(id);
    let deadline = timeout.map(|timeout| driver.now().after(timeout));
    loop {
        if parker.take_token() || driver.may_wait().is_err() {
            return;
        }
        if deadline.is_some_and(|deadline| driver.now() >= deadline) {
            return;
        }
        if parker.take_token_or_wait(driver.ticket()) {
            return;
        }
        let woken = driver.park("park", On::Sync(None), deadline);
        driver.raise_kill();
        // An unpark in time counts, even if a scope expired before this turn came.
        if parker.take_token() {
            return;
        }
        driver.after_switch();
        if !matches!(woken, Woken::Event) {
            return;
        }
    }
}
