//! Virtual time and what is yet to happen, in order of (time, arrival). No ticks: time jumps.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use greenroom::signal::Kind;
use greenroom::time::{SystemTime, UNIX_EPOCH};

use crate::id::{FileCallId, HostId, PacketId, SocketId};

/// 2020-01-01 00:00:00 UTC: where every host's calendar begins.
const CALENDAR_START: Duration = Duration::from_secs(1_577_836_800);

/// What a host's calendar shows at this time of its own.
pub fn calendar(at_ns: u64) -> SystemTime {
    let since = CALENDAR_START + Duration::from_nanos(at_ns);
    UNIX_EPOCH.checked_add(since).expect("a run is shorter than the calendar")
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A host comes up.
    Start(HostId),
    /// A host's waiters are told what it sent itself.
    Loopback(HostId),
    /// This packet arrives.
    Packet(PacketId),
    /// This socket's TCP timer may be due; it is looked up when the event comes up.
    Timer { socket: SocketId, generation: u32 },
    /// This query is answered.
    Answer { socket: SocketId, generation: u32 },
    /// This job may be done.
    Job { socket: SocketId, generation: u32 },
    /// A datagram of this socket has left its host's queue: so much of its send buffer is free again.
    Sent { socket: SocketId, generation: u32, cost: usize },
    /// This operation on files happens.
    File(FileCallId),
    /// A host's program is sent a signal.
    Signal(HostId, Kind),
    /// A host's power fails.
    PowerCut(HostId),
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    at_ns: u64,
    arrival: u64,
    foreground: bool,
    event: Event,
}

/// Earliest first: the heap is a maximum heap.
impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (other.at_ns, other.arrival).cmp(&(self.at_ns, self.arrival))
    }
}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The clock of the virtual world.
#[derive(Default)]
pub struct Clock {
    now_ns: u64,
    arrivals: u64,
    heap: BinaryHeap<Entry>,
    foreground: usize,
}

impl Clock {
    /// Nanoseconds since the world began.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Lets something happen at `at_ns`. A background event (weather, TIME-WAIT) keeps nobody
    /// waiting: when only such are left, nothing can happen any more.
    pub fn schedule(&mut self, at_ns: u64, foreground: bool, event: Event) {
        debug_assert!(at_ns >= self.now_ns, "the past cannot be scheduled");
        self.arrivals += 1;
        self.foreground += usize::from(foreground);
        self.heap.push(Entry { at_ns, arrival: self.arrivals, foreground, event });
    }

    /// Whether anything but background is yet to happen.
    pub fn has_foreground(&self) -> bool {
        self.foreground > 0
    }

    /// When the next event is.
    #[inline]
    pub fn next_at_ns(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at_ns)
    }

    /// The next event, without moving the clock: it may turn out to be void.
    pub fn pop(&mut self) -> Option<(u64, Event)> {
        let entry = self.heap.pop()?;
        self.foreground -= usize::from(entry.foreground);
        Some((entry.at_ns, entry.event))
    }

    /// Moves the clock forward.
    #[inline]
    pub fn advance_to(&mut self, at_ns: u64) {
        debug_assert!(at_ns >= self.now_ns, "time does not go backwards");
        self.now_ns = at_ns;
    }
}
