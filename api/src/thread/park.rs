//! `park` and `unpark`: one token a greenlet, and [`Thread`], who holds the other end of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::{self, Driver, Parker, Woken};
use crate::hub::{GreenletId, On};

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

fn park_until(timeout: Option<Duration>) {
    let driver = driver::current().expect(driver::OUTSIDE);
    driver.after_switch();
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

/// A handle to a greenlet. See [`std::thread::Thread`].
#[derive(Clone)]
pub struct Thread {
    pub(super) parker: Arc<Parker>,
    pub(super) name: Arc<str>,
}

impl Thread {
    pub(super) fn of(driver: &Driver, id: GreenletId) -> Thread {
        Thread { parker: driver.parker(id), name: driver.name(id).into() }
    }
    /// Lets the greenlet's current or next [`park`] return. May be called from any thread.
    pub fn unpark(&self) {
        if let Some(ticket) = self.parker.give_token() {
            let (hub, mailbox) = self.parker.hub();
            driver::wake_anywhere(hub, mailbox, ticket);
        }
    }
    /// The greenlet's place in the spawn tree.
    pub fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("name", &self.name).finish_non_exhaustive()
    }
}
