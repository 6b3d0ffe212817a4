//! `park` and `unpark`: one token a greenlet, and [`Thread`], who holds the other end of it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::driver::{self, Driver, Mail, Mailbox, Ticket, Woken};
use crate::hub::{GreenletId, On};
use crate::mutant::{self, Mutant};

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
        self.parker.unpark();
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

/// The token of `park` and `unpark`, and who waits for it.
pub(crate) struct Parker {
    hub: u64,
    mailbox: Arc<Mailbox>,
    state: Mutex<(bool, Option<Ticket>)>,
}

impl Parker {
    pub(crate) fn new(hub: u64, mailbox: Arc<Mailbox>) -> Parker {
        Parker { hub, mailbox, state: Mutex::new((false, None)) }
    }

    /// For a greenlet that is over.
    pub(super) fn of_nobody() -> Parker {
        Parker::new(0, Arc::new(Mailbox::ended()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (bool, Option<Ticket>)> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take_token(&self) -> bool {
        let mut state = self.lock();
        state.1 = None;
        std::mem::take(&mut state.0)
    }

    /// The caller parks next if there is no token: the ticket is for that wait.
    fn take_token_or_wait(&self, ticket: Ticket) -> bool {
        let mut state = self.lock();
        let token = std::mem::take(&mut state.0);
        state.1 = (!token).then_some(ticket);
        token
    }

    fn unpark(&self) {
        let waiting = {
            let mut state = self.lock();
            state.0 = state.1.is_some() || !mutant::is_on(Mutant::UnparkNotKept);
            state.1.take()
        };
        if let Some(ticket) = waiting {
            wake_anywhere(self.hub, &self.mailbox, ticket);
        }
    }
}

/// Wakes a waiter of this thread's hub at once, or of another's through its letter box.
pub(crate) fn wake_anywhere(hub: u64, mailbox: &Mailbox, ticket: Ticket) {
    let here = driver::with_current(|driver| {
        let ours = driver.id == hub;
        if ours {
            driver.wake(ticket);
        }
        ours
    });
    if here != Some(true) {
        mailbox.post(Mail::Wake(ticket));
    }
}
