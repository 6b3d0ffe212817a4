//! What a thread that runs a hub is at, asked from another thread: for keepers of runs that hang.

use std::time::Duration;

use super::calls::own_calls;
use super::engine::write_current;
use crate::greenlet::interrupt::ThreadNumber;

/// A thread that runs hubs.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Probe(ThreadNumber);

/// What it is at.
#[doc(hidden)]
#[derive(Debug)]
pub struct Running {
    /// `greenlet`, its path and where it was spawned; empty if it could not be told.
    pub greenlet: String,
    /// The calls that it is in, a line or two each.
    pub calls: String,
}

impl Probe {
    /// Of this thread.
    pub fn here() -> Probe {
        Probe(ThreadNumber::here())
    }

    /// Interrupts the thread and has it say which greenlet it runs: `greenlet`, its path and where it was
    /// spawned. It goes on then. `None` where it does not answer in time, runs none, or the program has a
    /// use of its own for the signal (`SIGURG`).
    pub fn ask_who(&self, patience: Duration) -> Option<String> {
        self.0.ask_who(write_current, patience)
    }

    /// Interrupts the thread and has it say what it is at. `None` if it does not answer in time. It
    /// may be stopped inside the allocator: only for a process that is about to end.
    pub fn ask(&self, patience: Duration) -> Option<Running> {
        let found = self.0.ask(write_current, patience)?;
        let calls = own_calls(&found.calls.to_string()).concat();
        Some(Running { greenlet: found.who, calls })
    }
}
