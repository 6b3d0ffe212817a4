//! A `timeout` that a greenlet is inside of, and what says that its time is up.

use std::fmt;
use std::io;

use crate::hub::Tick;

/// A `timeout` the greenlet is inside of.
pub(crate) struct Timeout {
    pub(super) id: u64,
    pub(super) deadline: Tick,
    pub(super) expired: bool,
    /// How many errors for it were returned, and how often it was raised.
    pub(super) ignored: u32,
    raised: u32,
}

impl Timeout {
    pub(super) fn new(id: u64, deadline: Tick) -> Timeout {
        Timeout { id, deadline, expired: false, ignored: 0, raised: 0 }
    }

    /// It is about to be raised; returns how often it was.
    pub(super) fn raise(&mut self) -> u32 {
        self.raised = self.raised.saturating_add(1);
        self.raised
    }
}

/// How often a kill or an expiry is raised in a greenlet before each further one costs it its turn.
pub(super) const RAISES_IN_A_TURN: u32 = 100;

/// A [`timeout`](crate::time::timeout) came before its closure was done.
///
/// Inside the closure it travels as the source of the [`TimedOut`](io::ErrorKind::TimedOut) errors
/// that the blocking calls return; it knows which timeout it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed {
    timeout: u64,
}

impl Elapsed {
    pub(crate) fn of(timeout: u64) -> Elapsed {
        Elapsed { timeout }
    }
    /// The error a blocking call inside the timeout returns.
    pub(crate) fn error(self) -> io::Error {
        self.into()
    }
}

/// [`TimedOut`](io::ErrorKind::TimedOut), so that `timeout(..)??` works in what returns an
/// [`io::Result`].
impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the enclosing timeout has elapsed")
    }
}
impl std::error::Error for Elapsed {}

/// What unwinds a greenlet to the timeout that expired when a call that cannot fail is met.
pub(crate) struct Unwind {
    pub(crate) timeout: u64,
}
