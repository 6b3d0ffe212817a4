//! What programs of a run return instead of `Ok`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// Host, error and time of each, in the order they came.
#[derive(Clone, Default)]
pub(super) struct Errors(Rc<RefCell<Vec<(String, String, u64)>>>);

impl Errors {
    pub(super) fn add(&self, host: &str, error: &io::Error, at_ns: u64) {
        self.0.borrow_mut().push((host.to_owned(), error.to_string(), at_ns));
    }

    /// Host and error of the first.
    pub(super) fn first(&self) -> Option<(String, String)> {
        self.0.borrow().first().map(|(host, wrong, _)| (host.clone(), wrong.clone()))
    }

    /// When the first came.
    pub(super) fn first_ns(&self) -> Option<u64> {
        self.0.borrow().first().map(|(.., at_ns)| *at_ns)
    }

    /// Host and error of each.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        self.0.borrow().iter().map(|(host, wrong, _)| (host.clone(), wrong.clone())).collect()
    }
}
