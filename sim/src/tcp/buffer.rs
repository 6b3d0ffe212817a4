//! The two windows over a stream's positions: bytes kept until acknowledged, and bytes kept until
//! read. Rings that grow to what is used and then allocate no more; nothing here knows of states,
//! time or segments.

use std::collections::VecDeque;
use std::ops::Range;

use super::sack::{BLOCKS, Blocks};

/// Islands kept beyond a gap; a segment that would make one more is dropped, and sent again. It
/// bounds the work that a peer of one-byte segments can cause.
const ISLANDS_MAX: usize = 256;

/// Bytes written by the application and not yet acknowledged, sent or not.
#[derive(Debug)]
pub(super) struct SendBuffer {
    ring: VecDeque<u8>,
    start: u64,
    capacity: usize,
}

impl SendBuffer {
    pub(super) fn new(start: u64, capacity: u32) -> SendBuffer {
        SendBuffer { ring: VecDeque::new(), start, capacity: capacity.max(1) as usize }
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Position after the last byte: where FIN goes.
    pub(super) fn end(&self) -> u64 {
        self.start + self.ring.len() as u64
    }

    /// `spare` is what the last segment that is not sent has room for. Linux asks for no memory to fill
    /// that, which shows where a program has made the buffer smaller than what it holds.
    #[inline]
    pub(super) fn write(&mut self, data: &[u8], spare: impl FnOnce() -> usize) -> usize {
        let room = match self.ring.len() > self.capacity {
            true => spare(),
            false => self.capacity - self.ring.len(),
        };
        let taken = data.len().min(room);
        self.ring.extend(&data[..taken]);
        taken
    }

    /// EPOLLOUT's rule: a third of the buffer is free.
    #[inline]
    pub(super) fn has_room_to_wake(&self) -> bool {
        self.capacity.saturating_sub(self.ring.len()) * 3 >= self.capacity
    }

    #[inline]
    pub(super) fn acknowledge(&mut self, until: u64) {
        let gone = until.saturating_sub(self.start).min(self.ring.len() as u64);
        self.ring.drain(..gone as usize);
        self.start += gone;
    }

    #[inline]
    pub(super) fn copy(&self, from: u64, len: usize, out: &mut Vec<u8>) {
        let offset = (from - self.start) as usize;
        match in_one_piece(&self.ring, offset, len) {
            Some(bytes) => out.extend_from_slice(bytes),
            None => for_slices(&self.ring, offset, len, |bytes| out.extend_from_slice(bytes)),
        }
    }

    pub(super) fn capacity(&self) -> u32 {
        self.capacity as u32
    }

    pub(super) fn set_capacity(&mut self, capacity: u32) {
        self.capacity = capacity.max(1) as usize;
    }

    pub(super) fn grow(&mut self, capacity: u64) {
        self.capacity = self.capacity.max(capacity as usize);
    }

    pub(super) fn clear(&mut self) {
        self.ring = VecDeque::new();
    }
}

/// What became of arriving bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Nothing new, or nothing that fits the window.
    Useless,
    /// Kept, but bytes before it are missing.
    Island,
    /// The readable bytes grew, and no gap is left behind them unless there was one.
    Next,
}

/// Bytes received and not yet read. The ring holds `start..next` in order, and behind it the
/// islands at their places, with garbage in the gaps.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    ring: VecDeque<u8>,
    start: u64,
    next: u64,
    /// Sorted, disjoint, none touching `next`.
    islands: Vec<Range<u64>>,
    /// Where bytes last came to one, the latest first.
    latest: [u64; BLOCKS],
    /// Right edge of the window as announced; never moves left (RFC 9293 §3.8.6).
    edge: u64,
    capacity: u64,
}

impl ReceiveBuffer {
    pub(super) fn new(start: u64, capacity: u32) -> ReceiveBuffer {
        let capacity = u64::from(capacity.max(1));
        ReceiveBuffer {
            ring: VecDeque::new(),
            start,
            next: start,
            islands: Vec::new(),
            latest: [0; BLOCKS],
            edge: start.saturating_add(capacity),
            capacity,
        }
    }

    /// Bytes that can be read.
    pub(super) fn len(&self) -> usize {
        (self.next - self.start) as usize
    }

    /// First position not yet received in order.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Something arrived beyond a gap.
    pub(super) fn has_islands(&self) -> bool {
        !self.islands.is_empty()
    }

    pub(super) fn edge(&self) -> u64 {
        self.edge
    }

    pub(super) fn capacity(&self) -> u32 {
        self.capacity as u32
    }

    pub(super) fn set_capacity(&mut self, capacity: u32) {
        self.capacity = u64::from(capacity.max(1));
    }

    pub(super) fn grow(&mut self, capacity: u64) {
        self.capacity = self.capacity.max(capacity);
    }

    /// First position not yet read.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Takes what is new and before `limit`.
    #[inline]
    pub(super) fn insert(&mut self, seq: u64, bytes: &[u8], limit: u64) -> Arrival {
        let from = seq.max(self.next);
        let until = seq.saturating_add(bytes.len() as u64).min(self.edge).min(limit);
        if from >= until {
            return Arrival::Useless;
        }
        let bytes = &bytes[(from - seq) as usize..(until - seq) as usize];
        if from == self.next && self.islands.is_empty() {
            self.ring.extend(bytes);
            self.next = until;
            return Arrival::Next;
        }
        if !self.absorb(from..until) {
            return Arrival::Useless;
        }
        self.store(from, bytes);
        self.latest.rotate_right(1);
        self.latest[0] = from;
        self.join()
    }

    /// The islands that bytes last came to, and then others, as a segment tells of them.
    #[inline]
    pub(super) fn blocks(&self) -> Blocks {
        match self.islands.is_empty() {
            true => Blocks::default(),
            false => self.blocks_of_islands(),
        }
    }

    #[cold]
    fn blocks_of_islands(&self) -> Blocks {
        let mut blocks = Blocks::default();
        let offset = |at: u64| u32::try_from(at - self.next).unwrap_or(u32::MAX);
        let told = |island: &Range<u64>| (offset(island.start), offset(island.end));
        let latest = self.latest.iter().filter_map(|&at| {
            let nth = self.islands.partition_point(|island| island.end <= at);
            self.islands.get(nth).filter(|island| island.contains(&at))
        });
        let mut filled = 0;
        for block in latest.chain(&self.islands).map(told) {
            if filled < BLOCKS && !blocks[..filled].contains(&block) {
                blocks[filled] = block;
                filled += 1;
            }
        }
        blocks
    }

    /// Adds a range to the islands, merging those it touches; false if there are too many.
    #[cold]
    fn absorb(&mut self, mut new: Range<u64>) -> bool {
        let first = self.islands.partition_point(|island| island.end < new.start);
        let after = self.islands.partition_point(|island| island.start <= new.end);
        if first == after && self.islands.len() >= ISLANDS_MAX && new.start != self.next {
            return false;
        }
        if first < after {
            new.start = new.start.min(self.islands[first].start);
            new.end = new.end.max(self.islands[after - 1].end);
        }
        self.islands.splice(first..after, [new]);
        true
    }

    #[cold]
    fn store(&mut self, from: u64, bytes: &[u8]) {
        let offset = (from - self.start) as usize;
        if self.ring.len() < offset + bytes.len() {
            self.ring.resize(offset + bytes.len(), 0);
        }
        let (front, back) = self.ring.as_mut_slices();
        let split = front.len().saturating_sub(offset).min(bytes.len());
        if split > 0 {
            front[offset..offset + split].copy_from_slice(&bytes[..split]);
        }
        if split < bytes.len() {
            let offset = offset + split - front.len();
            back[offset..offset + bytes.len() - split].copy_from_slice(&bytes[split..]);
        }
    }

    #[cold]
    fn join(&mut self) -> Arrival {
        if self.islands[0].start > self.next {
            return Arrival::Island;
        }
        self.next = self.islands.remove(0).end;
        Arrival::Next
    }

    /// Copies what can be read, but for the first `offset` bytes.
    #[inline]
    pub(super) fn peek(&self, offset: usize, buf: &mut [u8]) -> usize {
        let len = self.len().saturating_sub(offset).min(buf.len());
        if let Some(bytes) = in_one_piece(&self.ring, offset, len) {
            buf[..len].copy_from_slice(bytes);
            return len;
        }
        let mut rest = &mut buf[..len];
        for_slices(&self.ring, offset, len, |bytes| {
            let (head, tail) = std::mem::take(&mut rest).split_at_mut(bytes.len());
            head.copy_from_slice(bytes);
            rest = tail;
        });
        len
    }

    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.len());
        self.ring.drain(..len);
        self.start += len as u64;
    }

    /// Is the window worth announcing again? Silly window avoidance, RFC 9293 §3.8.6.2.2.
    #[inline]
    pub(super) fn update_due(&self, mss: u32) -> bool {
        let worth = u64::from(mss).min(self.capacity / 2).max(1);
        self.start.saturating_add(self.capacity).saturating_sub(self.edge) >= worth
    }

    /// The window to put into a segment that leaves now.
    #[inline]
    pub(super) fn announce(&mut self, mss: u32) -> u32 {
        if self.update_due(mss) {
            self.edge = self.start.saturating_add(self.capacity);
        }
        u32::try_from(self.edge - self.next).unwrap_or(u32::MAX)
    }

    /// The stream ends here: what lies beyond a gap will never be read.
    pub(super) fn drop_islands(&mut self) {
        self.ring.truncate((self.next - self.start) as usize);
        self.islands = Vec::new();
    }

    pub(super) fn clear(&mut self) {
        self.start = self.next;
        self.ring = VecDeque::new();
        self.islands = Vec::new();
    }
}

/// So many bytes from there on, where they lie in one piece.
#[inline]
fn in_one_piece(ring: &VecDeque<u8>, offset: usize, len: usize) -> Option<&[u8]> {
    ring.as_slices().0.get(offset..)?.get(..len)
}

/// Calls `put` with the one or two slices that hold `offset..offset + len`.
#[cold]
fn for_slices(ring: &VecDeque<u8>, offset: usize, len: usize, mut put: impl FnMut(&[u8])) {
    let (front, back) = ring.as_slices();
    let split = front.len().saturating_sub(offset).min(len);
    if split > 0 {
        put(&front[offset..offset + split]);
    }
    if split < len {
        let offset = offset + split - front.len();
        put(&back[offset..offset + len - split]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn islands_are_bounded_and_joined() {
        let mut buffer = ReceiveBuffer::new(10, 4000);
        for at in (11..2011).step_by(2) {
            buffer.insert(at, &[at as u8], u64::MAX);
        }
        assert_eq!((buffer.islands.len(), buffer.len()), (ISLANDS_MAX, 0));
        for at in (10..3010).rev() {
            buffer.insert(at, &[at as u8], u64::MAX);
        }
        let mut bytes = [0; 4000];
        let len = buffer.peek(0, &mut bytes);
        assert!(len > 0 && (10..).zip(&bytes[..len]).all(|(at, byte)| at as u8 == *byte));
    }

    #[test]
    fn overlaps_are_taken_once() {
        let mut buffer = ReceiveBuffer::new(0, 10);
        assert_eq!(buffer.insert(3, b"def", u64::MAX), Arrival::Island);
        assert_eq!(buffer.insert(5, b"fghijkl", u64::MAX), Arrival::Island);
        assert_eq!(buffer.insert(0, b"abcd", u64::MAX), Arrival::Next);
        assert_eq!(buffer.insert(0, b"abcd", u64::MAX), Arrival::Useless);
        let mut bytes = [0; 20];
        assert_eq!((buffer.peek(0, &mut bytes), &bytes[..10]), (10, &b"abcdefghij"[..]));
        buffer.consume(4);
        assert_eq!(buffer.insert(10, b"k", u64::MAX), Arrival::Useless);
        assert_eq!((buffer.announce(1), buffer.insert(10, b"k", u64::MAX)), (4, Arrival::Next));
    }

    #[test]
    fn positions_at_the_end_of_the_world_do_no_harm() {
        let mut buffer = ReceiveBuffer::new(u64::MAX, 100);
        assert_eq!(buffer.insert(u64::MAX, b"abc", u64::MAX), Arrival::Useless);
        assert_eq!(buffer.announce(1460), 0);
    }
}
