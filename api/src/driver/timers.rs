//! Deadlines of parked greenlets, in order of (deadline, creation).
//!
//! One lazy entry a greenlet: a wait whose deadline is later than the entry already in the heap
//! leaves the heap alone, and the entry is moved when it comes up. So a connection that arms and
//! disarms a read timeout a hundred thousand times a second costs no heap operation for it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::hub::Tick;

/// A deadline and its place among equal ones; 0 is none.
pub(super) type Due = (Tick, u64);

/// The heap entry and the deadline of one greenlet. Where the place is none, so are they.
#[derive(Clone, Copy, Default)]
pub(super) struct Timer {
    due: Due,
    armed: Due,
}

#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Due, u32)>>,
    made: u64,
}

impl Timers {
    /// Sets the deadline of the greenlet in `slot`.
    pub(super) fn set(&mut self, timer: &mut Timer, slot: u32, at: Tick) {
        self.made += 1;
        let due = (at, self.made);
        timer.due = due;
        if is_none(timer.armed) || timer.armed.0 > at {
            timer.armed = due;
            self.heap.push(Reverse((due, slot)));
        }
    }

    /// Whether no deadline was set that has not come up since.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The earliest deadline and whose it is. `timer` finds a slot's timer in what it is given.
    pub(super) fn next<S>(
        &mut self,
        slots: &mut S,
        timer: impl Fn(&mut S, u32) -> &mut Timer,
    ) -> Option<(Tick, u32)> {
        loop {
            let &Reverse((entry, slot)) = self.heap.peek()?;
            let timer = timer(slots, slot);
            if timer.armed == entry {
                if timer.due == entry {
                    return Some((entry.0, slot));
                }
                timer.armed = timer.due;
                if !is_none(timer.due) {
                    // Not before the entry it replaces, which is therefore still the first.
                    self.heap.push(Reverse((timer.due, slot)));
                }
            }
            self.heap.pop();
        }
    }
}

impl Timer {
    pub(super) fn clear(&mut self) {
        self.due = Due::default();
    }
}

fn is_none(due: Due) -> bool {
    due.1 == 0
}
