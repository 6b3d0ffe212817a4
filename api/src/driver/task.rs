//! [`Task`]: what a greenlet runs.

/// What a greenlet runs, once or never.
pub(crate) trait Task {
    fn run(&self);
    /// It never will: what it would have run with is dropped.
    fn cancel(&self);
}
