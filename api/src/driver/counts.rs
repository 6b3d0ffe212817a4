//! How much a hub holds, for tests that nothing piles up.

use super::with_current;
use crate::greenlet::stack;

/// What this thread's driver and its stacks come to.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Places for greenlets, taken and free.
    pub slots: usize,
    /// Greenlets that are not over.
    pub live: usize,
    /// Turns waited for.
    pub queued: usize,
    /// Stacks ever made on this thread, and how many of them nobody stands on.
    pub stacks: usize,
    pub free_stacks: usize,
}

/// Counts; `None` outside a hub.
#[doc(hidden)]
pub fn counts() -> Option<Counts> {
    with_current(|driver| {
        let table = driver.table.borrow();
        let (stacks, free_stacks) = stack::counts();
        let (slots, live) = (table.slots(), table.live().count());
        Counts { slots, live, queued: table.queue.len(), stacks, free_stacks }
    })
}
