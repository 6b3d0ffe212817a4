//! Clock reads in a row: from the thousandth on, each takes a microsecond of its host's time.
//!
//! A loop that waits for a time by reading the clock would never see it come: time moves only inside `poll`.
//! The host's clock runs ahead instead, for its own programs alone: their deadlines are counted from there, and
//! what they send leaves then. The world's time follows in polls, for no other host earlier or later than ever.

use std::cell::Cell;

use crate::world::World;

/// The first read of a turn that takes time.
const FREE_READS: u32 = 1000;
const READ_NS: u64 = 1_000;

/// How often the greenlet that runs has read a clock, and how far the host furthest ahead is.
#[derive(Default)]
pub(super) struct Reads {
    in_a_row: Cell<u32>,
    any: Cell<bool>,
    furthest_ns: Cell<u64>,
}

impl Reads {
    /// A greenlet has the turn that had none.
    pub(super) fn begin(&self) {
        self.in_a_row.set(0);
    }

    /// The time as the greenlet that runs has it; the world's where none does.
    #[inline]
    pub(super) fn now_ns(&self, world: &World) -> u64 {
        let now_ns = world.clock.now_ns();
        if self.furthest_ns.get() <= now_ns || world.current().is_none() {
            return now_ns;
        }
        now_ns.max(world.hosts[world.host_here()].reads_until_ns.get())
    }

    /// The same, read by a program.
    pub(super) fn read_ns(&self, world: &World) -> u64 {
        let now_ns = self.now_ns(world);
        self.any.set(true);
        self.in_a_row.set(self.in_a_row.get().saturating_add(1));
        if self.in_a_row.get() < FREE_READS || world.current().is_none() {
            return now_ns;
        }
        let until_ns = now_ns + READ_NS;
        world.hosts[world.host_here()].reads_until_ns.set(until_ns);
        self.furthest_ns.set(self.furthest_ns.get().max(until_ns));
        until_ns
    }

    /// Whether a program has read a clock since this was asked last.
    pub(super) fn take_any(&self) -> bool {
        self.any.take()
    }
}
