//! The values of a greenlet's waits: which one is meant, what ended it; and where a greenlet is from.

use std::io;
use std::panic::Location;

use crate::hub::{GreenletId, HostId};

/// Names one wait of one greenlet, so that a late wake cannot hit another wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) greenlet: GreenletId,
    pub(super) wait: u64,
}

/// What ended a wait.
#[derive(Debug)]
pub(crate) enum Woken {
    Event,
    TimedOut,
    Cancelled(io::Error),
    Closed,
    Killed,
}

/// Where a greenlet comes from.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) parent: Option<GreenletId>,
    /// Who stands in the scope it was spawned in, and so on a frame that it may borrow from.
    pub(crate) owner: Option<GreenletId>,
    pub(crate) host: HostId,
    /// Whether it runs its host's program.
    pub(crate) is_root: bool,
    /// Where in the program it was spawned.
    pub(crate) at: Option<&'static Location<'static>>,
}

impl Origin {
    /// Which program it runs, by its host's number.
    pub(super) fn program(&self) -> Option<usize> {
        self.is_root.then_some(self.host.0 as usize)
    }
}
