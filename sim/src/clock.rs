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
    Sent { socket: SocketId, generation: u32, cost: u32 },
    /// This operation on files happens.
    File(FileCallId),
    /// A host's program is sent a signal.
    Signal(HostId, Kind),
    /// A host's power fails.
    PowerCut(HostId),
}

/// When something happens: its time, and then when it was scheduled, counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Order {
    at_ns: u64,
    /// The lowest bit says whether it is foreground.
    arrival: u64,
}

impl Order {
    #[inline]
    fn word(self) -> u128 {
        u128::from(self.at_ns) << 64 | u128::from(self.arrival)
    }
    #[inline]
    fn is_foreground(self) -> bool {
        self.arrival & 1 == 1
    }
}

/// An entry of a heap, which moves and compares a lot.
#[derive(Clone, Copy)]
struct Entry<T> {
    order: Order,
    what: T,
}

/// Earliest first: the heap is a maximum heap.
impl<T> Ord for Entry<T> {
    #[inline]
    fn cmp(&self, other: &Entry<T>) -> Ordering {
        other.order.word().cmp(&self.order.word())
    }
}
impl<T> PartialOrd for Entry<T> {
    #[inline]
    fn partial_cmp(&self, other: &Entry<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
    // What the heap asks.
    #[inline]
    fn le(&self, other: &Entry<T>) -> bool {
        self.order.word() >= other.order.word()
    }
}
impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Entry<T>) -> bool {
        self.order == other.order
    }
}
impl<T> Eq for Entry<T> {}

/// The clock of the virtual world.
#[derive(Default)]
pub struct Clock {
    now_ns: u64,
    arrivals: u64,
    /// Packets apart from all else: they come soon, and need not pass by every connection's timer, which is far off
    /// and mostly put off.
    packets: BinaryHeap<Entry<PacketId>>,
    others: BinaryHeap<Entry<Event>>,
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
    #[inline]
    pub fn schedule(&mut self, at_ns: u64, foreground: bool, event: Event) {
        debug_assert!(at_ns >= self.now_ns, "the past cannot be scheduled");
        self.arrivals += 2;
        self.foreground += usize::from(foreground);
        let order = Order { at_ns, arrival: self.arrivals | u64::from(foreground) };
        match event {
            Event::Packet(what) => self.packets.push(Entry { order, what }),
            what => self.others.push(Entry { order, what }),
        }
    }

    /// Whether anything but background is yet to happen.
    pub fn has_foreground(&self) -> bool {
        self.foreground > 0
    }

    /// When the next event is.
    #[inline]
    pub fn next_at_ns(&self) -> Option<u64> {
        let (packet, other) = (self.packets.peek(), self.others.peek());
        match (packet.map(|entry| entry.order.at_ns), other.map(|entry| entry.order.at_ns)) {
            (Some(packet), Some(other)) => Some(packet.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The next event, without moving the clock: it may turn out to be void.
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, Event)> {
        let other = self.others.peek().map(|entry| entry.order.word());
        let is_packet = self
            .packets
            .peek()
            .is_some_and(|entry| other.is_none_or(|other| entry.order.word() < other));
        let (order, event) = match is_packet {
            true => self.packets.pop().map(|entry| (entry.order, Event::Packet(entry.what)))?,
            false => self.others.pop().map(|entry| (entry.order, entry.what))?,
        };
        self.foreground -= usize::from(order.is_foreground());
        Some((order.at_ns, event))
    }

    /// Moves the clock forward.
    #[inline]
    pub fn advance_to(&mut self, at_ns: u64) {
        debug_assert!(at_ns >= self.now_ns, "time does not go backwards");
        self.now_ns = at_ns;
    }
}
