//! What a program waits for by a descriptor although it is no socket: a query, a job, a signal.

use std::io;
use std::net::IpAddr;

use greenroom::signal::Kind;

use crate::disk::Answer;

/// A question and, once it is there, the answer.
pub(crate) struct Query {
    pub(crate) host: String,
    /// `None` until it is there; empty where the name is unknown.
    pub(crate) answer: Option<Vec<IpAddr>>,
}

impl Query {
    pub(crate) fn is_answered(&self) -> bool {
        self.answer.is_some()
    }
}

/// A job in progress.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) is_due: bool,
}

/// Waits for an operation on files, by the name that traces have for it.
pub(crate) struct FileWait {
    pub(crate) name: &'static str,
    /// What came of it, once it is over.
    pub(crate) ended: Option<io::Result<Answer>>,
}

/// One kind of signal, for a program that handles it.
pub(crate) struct SignalSource {
    pub(crate) kind: Kind,
    /// As with a signal that is blocked, any number that are pending are one.
    pub(crate) is_pending: bool,
}
