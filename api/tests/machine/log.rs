//! What performing a program leaves: one line for each call's begin and end.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use greenroom::time::Elapsed;

use super::program::UNIT;

/// One line of the log. Its place in the log is its place in the order of things.
#[derive(Clone)]
pub struct Entry {
    pub at: Duration,
    pub actor: usize,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Began(usize),
    Ended(usize, Outcome),
    /// A `scope` was left by a panic, its own or its body's.
    Fell(usize),
    Left(End),
}

/// How an actor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Returned,
    Killed,
    Panicked,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done,
    /// There was nothing to do it to.
    Nothing,
    Bytes(Vec<u8>),
    /// So much was written or accepted.
    Moved(u8),
    Ready,
    WasSet(bool),
    Locked {
        poisoned: bool,
    },
    Joined(End),
    Ebadf,
    /// Written after a shutdown.
    Epipe,
    /// Shut down after both sides had ended.
    NotConnected,
    /// A read's own timeout.
    WouldBlock,
    /// A wait's own timeout.
    TimedOut,
    Busy,
    /// `cancel_wait_with` this code.
    Cancelled(u8),
    /// The error of a scope, or a scope's own end.
    Elapsed(Elapsed),
    Other(String),
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_nanos() as f64 / UNIT.as_nanos() as f64;
        write!(f, "{at} g{} {:?}", self.actor, self.what)
    }
}

/// What a performance has left so far.
#[derive(Clone, Default)]
pub struct Log(Rc<Record>);

#[derive(Default)]
struct Record {
    entries: RefCell<Vec<Entry>>,
    finished: Cell<bool>,
}

impl Log {
    pub fn add(&self, entry: Entry) {
        self.0.entries.borrow_mut().push(entry);
    }
    pub fn len(&self) -> usize {
        self.0.entries.borrow().len()
    }
    pub fn take(&self) -> Vec<Entry> {
        self.0.entries.take()
    }
    /// All actors have left.
    pub fn finish(&self) {
        self.0.finished.set(true);
    }
    /// Whether all actors left by themselves; forgotten by this look.
    pub fn was_finished(&self) -> bool {
        self.0.finished.take()
    }
}
