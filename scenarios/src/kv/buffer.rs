//! Bytes received and not yet consumed, in one growing piece of memory.
//! Not a parser: it knows neither RESP nor where a message ends.

use std::io::{self, Read};

/// What one read asks for at least half of, as Redis does (`PROTO_IOBUF_LEN`).
const CHUNK_BYTES: usize = 16 * 1024;

/// A connection gives back what a single large message made it take.
const KEEP_BYTES_MAX: usize = 256 * 1024;

/// Up to here a buffer doubles when it is full, or more where more is announced; a larger one grows by
/// half: long strides leave holes behind that the allocator finds no use for.
const DOUBLED_BYTES_MAX: usize = 1024 * 1024;

/// `bytes[start..end]` is what arrived and waits; the rest is room.
#[derive(Debug, Default)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
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
        loop {
            match source.read(&mut self.bytes[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
            }
        }
    }

    /// Growth follows what a peer has sent, and what it has announced by no more than four times that:
    /// a length of a gigabyte costs nothing until the bytes are here.
    fn make_room(
        &mut self,
        due: usize,
        grow: impl FnOnce(usize) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.bytes.len() > KEEP_BYTES_MAX {
                self.bytes = Vec::new();
            }
        }
        if self.start > 0 && self.bytes.len() - self.end < CHUNK_BYTES / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let mut size = self.bytes.len();
        if self.end == size {
            let announced = (self.start + due).min(4 * size).min(DOUBLED_BYTES_MAX);
            size += if size < DOUBLED_BYTES_MAX { size.max(CHUNK_BYTES) } else { size / 2 };
            size = size.max(announced);
        }
        grow(size)?;
        self.bytes.reserve_exact(size - self.bytes.len());
        self.bytes.resize(size, 0);
        assert!(self.end < self.bytes.len());
        Ok(())
    }

    /// What it takes of memory.
    pub fn size(&self) -> usize {
        self.bytes.capacity()
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
        let sent = vec![7; 3 * KEEP_BYTES_MAX];
        let mut source = sent.as_slice();
        let mut buffer = ReadBuffer::default();
        while buffer.fill(&mut source, 0, |_| Ok(())).unwrap() > 0 {
            assert!(buffer.bytes.len() <= (2 * buffer.end).max(CHUNK_BYTES));
        }
        buffer.consume(sent.len());
        assert_eq!(buffer.fill(&mut [1].as_slice(), 0, |_| Ok(())).unwrap(), 1);
        assert_eq!(buffer.bytes.len(), CHUNK_BYTES);
    }

    #[test]
    fn what_is_announced_costs_four_times_what_came_at_most() {
        let mut buffer = ReadBuffer::default();
        let mut source = io::repeat(1).take(100_000);
        while buffer.fill(&mut source, 1 << 30, |_| Ok(())).unwrap() > 0 {
            assert!(buffer.bytes.len() <= (4 * buffer.end).max(CHUNK_BYTES));
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
