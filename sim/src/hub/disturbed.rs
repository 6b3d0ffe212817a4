//! Threads that have no business in a simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

/// Whether a thread from outside has touched the run, which then is not determined by its seed.
#[derive(Default)]
pub(crate) struct Disturbed(AtomicBool);

impl Disturbed {
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Disturbed {
    fn wake(self: Arc<Disturbed>) {
        self.0.store(true, Ordering::Release);
    }
}
