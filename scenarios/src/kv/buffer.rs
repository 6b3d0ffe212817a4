//! Bytes received and not yet consumed, in one growing piece of memory.
//! Not a parser: it knows neither RESP nor where a message ends.

use std::io::{self, Read};

use super::memory::Memory;

/// What one read asks for at least half of, as Redis does (`PROTO_IOBUF_LEN`).
const CHUNK_BYTES: usize = 16 * 1024;

/// A connection gives back what a single large message made it take.
const KEEP_BYTES_MAX: usize = 256 * 1024;

/// At most so much is read at once.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// `bytes[start..end]` is what arrived and waits; the rest is room.
#[derive(Debug, Default)]
pub(super) struct ReadBuffer {
    bytes: Memory,
    start: usize,
    end: usize,
    /// Where something was ever written: as much of mapped memory is taken.
    touched: usize,
}

impl ReadBuffer {
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Forgets the first `count` unread bytes.
    pub fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start);
        self.start += count;
    }

    /// One read, as large as there is room for. `Ok(0)` is the end of the stream. After an error
    /// everything received before is still there, so a read that timed out can be repeated. `due` is
    /// how many unread bytes are known to be needed; `grow` is told what the buffer is to take from
    /// now on, and may refuse it.
    pub fn fill(
        &mut self,
        source: &mut impl Read,
        due: usize,
        grow: impl FnOnce(usize) -> io::Result<()>,
    ) -> io::Result<usize> {
        self.make_room(due, grow)?;
        let to = self.bytes.len().min(self.end + READ_BYTES_MAX);
        loop {
            match source.read(&mut self.bytes[self.end..to]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.end += count;
                    self.touched = self.touched.max(self.end);
                    return Ok(count);
                }
            }
        }
    }

    /// What it takes of memory.
    pub fn size(&self) -> usize {
        if self.bytes.is_mapped() { self.touched } else { self.bytes.len() }
    }

    /// Growth follows what a peer has sent, and what it has announced by no more than a few times
    /// that: a length of a gigabyte costs nothing until the bytes are here.
    fn make_room(
        &mut self,
        due: usize,
        grow: impl FnOnce(usize) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.size() > KEEP_BYTES_MAX {
                *self = ReadBuffer::default();
            }
        }
        if self.start > 0 && self.bytes.len() - self.end < CHUNK_BYTES / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end < self.bytes.len() {
            let next = self.touched.max(self.bytes.len().min(self.end + READ_BYTES_MAX));
            return grow(if self.bytes.is_mapped() { next } else { self.bytes.len() });
        }
        let size = self.bytes.grown(self.start + due);
        grow(size.min(self.end + READ_BYTES_MAX))?;
        self.bytes.grow(size, self.end)?;
        self.touched = self.end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unread_bytes_survive_growth_and_compaction() {
        let sent: Vec<u8> = (0..100_000_u32).map(|i| (i % 251) as u8).collect();
        let mut source = sent.as_slice();
        let mut buffer = ReadBuffer::default();
        let mut received = Vec::new();
        while buffer.fill(&mut source, 0, |_| Ok(())).unwrap() > 0 {
            let take = buffer.unread().len() / 2;
            received.extend_from_slice(&buffer.unread()[..take]);
            buffer.consume(take);
        }
        received.extend_from_slice(buffer.unread());
        assert_eq!(received, sent);
    }

    #[test]
    fn memory_follows_the_bytes_and_is_given_back() {
        let sent = vec![7; 30 * KEEP_BYTES_MAX];
        let mut source = sent.as_slice();
        let mut buffer = ReadBuffer::default();
        while buffer.fill(&mut source, 0, |_| Ok(())).unwrap() > 0 {
            assert!(buffer.size() <= (2 * buffer.end).max(CHUNK_BYTES));
        }
        buffer.consume(sent.len());
        assert_eq!(buffer.fill(&mut [1].as_slice(), 0, |_| Ok(())).unwrap(), 1);
        assert_eq!(buffer.bytes.len(), CHUNK_BYTES);
    }

    #[test]
    fn what_is_announced_costs_four_times_what_came_at_most() {
        let mut buffer = ReadBuffer::default();
        let mut source = io::repeat(1).take(10_000_000);
        while buffer.fill(&mut source, 1 << 30, |_| Ok(())).unwrap() > 0 {
            assert!(buffer.size() <= (4 * buffer.end).max(CHUNK_BYTES));
        }
        let mut sizes = Vec::new();
        let (mut buffer, mut source) = (ReadBuffer::default(), io::repeat(1).take(60_000));
        while buffer.unread().len() < 60_000 {
            buffer.fill(&mut source, 60_000, |_| Ok(())).unwrap();
            sizes.push(buffer.size());
        }
        assert_eq!(sizes, [CHUNK_BYTES, 60_000]);
    }
}
