//! What is counted and told apart: the driver's clock, sources, greenlets, hosts.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A point on the driver's clock, in nanoseconds since the hub was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl Tick {
    /// The tick `ns` nanoseconds after the hub was made.
    pub const fn from_ns(ns: u64) -> Tick {
        Tick(ns)
    }
    /// Nanoseconds since the hub was made.
    pub const fn as_ns(self) -> u64 {
        self.0
    }
    /// The tick that is `duration` later; the end of time when there is none.
    pub fn after(self, duration: Duration) -> Tick {
        self.after_ns(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
    /// The tick that is so many nanoseconds later; the end of time when there is none.
    pub(crate) const fn after_ns(self, ns: u64) -> Tick {
        Tick(self.0.saturating_add(ns))
    }
    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Names one socket, pipe or query of a hub. Never reused in a process.
///
/// It is an index into the hub's table together with a serial number of the process, so a table
/// finds its entry in one step and tells a stale number from a live one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Io(NonZeroU64);

const INDEX_BITS: u32 = 24;
static NEXT_SERIAL: AtomicU64 = AtomicU64::new(1);

impl Io {
    /// The most entries a hub's table may have.
    pub const INDEX_MAX: usize = (1 << INDEX_BITS) - 1;

    /// A new number for the table entry `index`.
    ///
    /// # Panics
    ///
    /// If `index` is over [`INDEX_MAX`](Io::INDEX_MAX).
    pub fn new(index: usize) -> Io {
        assert!(index <= Io::INDEX_MAX, "a hub holds at most {} sources", Io::INDEX_MAX + 1);
        let serial = NEXT_SERIAL.fetch_add(1, Ordering::Relaxed);
        let number = NonZeroU64::new(serial << INDEX_BITS | index as u64);
        Io(number.expect("there are never as many sources as serial numbers"))
    }
    /// The table entry this number was made for.
    pub const fn index(self) -> usize {
        self.0.get() as usize & Io::INDEX_MAX
    }
}

impl std::fmt::Debug for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Io({}.{})", self.index(), self.0.get() >> INDEX_BITS)
    }
}

/// Names one greenlet of a driver: its slot, and which of the slot's greenlets it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GreenletId(u64);

impl GreenletId {
    /// The `generation`th greenlet in slot `slot`.
    pub const fn new(slot: u32, generation: u32) -> GreenletId {
        GreenletId((generation as u64) << 32 | slot as u64)
    }
    /// The slot; slots are dense and reused.
    pub const fn slot(self) -> usize {
        self.0 as u32 as usize
    }
    /// Which of the slot's greenlets this is, counted from 1.
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
    /// The id as one number, for tables and atomics; never 0.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
    /// The id that [`as_u64`](GreenletId::as_u64) made this number of.
    pub const fn from_u64(number: u64) -> GreenletId {
        GreenletId(number)
    }
}

/// Names one host of a scenario, in the order they were declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);
