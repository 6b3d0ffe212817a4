//! What a program waits for by a descriptor although it is no socket: a query, a job, a signal.

use std::net::IpAddr;

use greenroom::signal::Kind;

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

/// A job under way.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) is_due: bool,
}

/// Where one kind of signal is heard.
pub(crate) struct Ear {
    pub(crate) kind: Kind,
    /// As with a signal that is blocked, any number that were not heard yet are one.
    pub(crate) has_come: bool,
}
