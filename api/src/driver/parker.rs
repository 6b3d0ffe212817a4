//! The token of `park` and `unpark`, and who waits for it.

use std::sync::{Arc, Mutex};

use super::mailbox::Mailbox;
use super::ticket::Ticket;

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
    pub(crate) fn of_nobody() -> Parker {
        Parker::new(0, Arc::new(Mailbox::ended()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (bool, Option<Ticket>)> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn take_token(&self) -> bool {
        let mut state = self.lock();
        state.1 = None;
        std::mem::take(&mut state.0)
    }

    /// The caller parks next if there is no token: the ticket is for that wait.
    pub(crate) fn take_token_or_wait(&self, ticket: Ticket) -> bool {
        let mut state = self.lock();
        let token = std::mem::take(&mut state.0);
        state.1 = (!token).then_some(ticket);
        token
    }

    /// Leaves the token; returns the wait to be ended with it.
    pub(crate) fn give_token(&self) -> Option<Ticket> {
        let mut state = self.lock();
        state.0 = true;
        state.1.take()
    }

    /// The hub whose greenlet waits for it, and how that is reached from elsewhere.
    pub(crate) fn hub(&self) -> (u64, &Mailbox) {
        (self.hub, &self.mailbox)
    }
}
