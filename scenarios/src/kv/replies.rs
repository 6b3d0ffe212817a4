//! Replies on their way out: small ones are bytes, and a value that is large or one of many is a
//! share in what the store holds, copied piece by piece as the peer takes it.

use std::io::{self, Write};

use super::keyspace::Value;
use super::reply::push_nil;
use super::resp::push_header;
use greenroom::sync::Arc;

/// A value is copied out of the store at once if it is no longer than this,
const COPIED_MAX: usize = 1024;
/// or than this where there may be many of them: no longer than a share takes.
const COPIED_OF_MANY_MAX: usize = size_of::<Share>();
/// How many values are not yet many.
const FEW: usize = 16;

/// What is written at once at most where there are shares.
const PIECE_BYTES: usize = 128 * 1024;

/// A connection gives back the memory that long replies made it take.
const KEEP_BYTES_MAX: usize = 64 * 1024;

/// A value, and how many of the bytes stand before it.
type Share = (usize, Arc<Value>);

/// Replies in a row, to be written together.
#[derive(Debug, Default)]
pub struct Replies {
    /// Everything but the shared values.
    pub(super) bytes: Vec<u8>,
    shares: Vec<Share>,
    shared_bytes: usize,
}

impl Replies {
    /// How many bytes are to be written.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.shared_bytes
    }

    /// What they take of memory; shared values are the store's.
    pub(super) fn size(&self) -> usize {
        let piece = if self.shares.is_empty() { 0 } else { self.len().min(PIECE_BYTES) };
        self.bytes.capacity() + self.shares.capacity() * size_of::<Share>() + piece
    }

    /// At most how much more they take after a request of so many arguments and bytes.
    pub(super) fn growth_max(arg_count: usize, byte_count: usize) -> usize {
        // A header, a line's end, and a short value or a share; vectors double.
        const EACH: usize = 2 * (24 + COPIED_OF_MANY_MAX);
        2 * byte_count + arg_count * EACH
    }

    /// Appends the value of a key, one of `count`, or that there is none.
    pub(super) fn push_value(&mut self, value: Option<&Arc<Value>>, count: usize) {
        let Some(value) = value else {
            return push_nil(&mut self.bytes);
        };
        let bytes = value.bytes();
        push_header(&mut self.bytes, b'$', bytes.len() as i64);
        if bytes.len() <= if count <= FEW { COPIED_MAX } else { COPIED_OF_MANY_MAX } {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.shares.push((self.bytes.len(), value.clone()));
            self.shared_bytes += bytes.len();
        }
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Writes them all, and forgets them whether that went well or not.
    pub(super) fn write_to(&mut self, output: &mut impl Write) -> io::Result<()> {
        let written = self.write_pieces(output);
        self.bytes.clear();
        self.bytes.shrink_to(KEEP_BYTES_MAX);
        self.shares = Vec::new();
        self.shared_bytes = 0;
        written
    }

    fn write_pieces(&mut self, output: &mut impl Write) -> io::Result<()> {
        if self.shares.is_empty() {
            return output.write_all(&self.bytes);
        }
        let (mut piece, mut from) = (Vec::with_capacity(self.len().min(PIECE_BYTES)), 0);
        for (to, value) in self.shares.drain(..) {
            put(&mut piece, &self.bytes[from..to], output)?;
            put(&mut piece, value.bytes(), output)?;
            from = to;
        }
        put(&mut piece, &self.bytes[from..], output)?;
        output.write_all(&piece)
    }
}

/// Adds to the piece, which is written whenever it is full.
fn put(piece: &mut Vec<u8>, mut bytes: &[u8], output: &mut impl Write) -> io::Result<()> {
    while piece.len() + bytes.len() > PIECE_BYTES {
        let (now, later) = bytes.split_at(PIECE_BYTES - piece.len());
        piece.extend_from_slice(now);
        output.write_all(piece)?;
        piece.clear();
        bytes = later;
    }
    piece.extend_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::keyspace::Meter;
    use crate::kv::resp::push_bulk;

    #[test]
    fn shares_are_written_where_they_stand() {
        let meter = Meter::default();
        let lengths = [0, 1, COPIED_OF_MANY_MAX + 1, COPIED_MAX, COPIED_MAX + 1, 200_000];
        for count in [1, FEW + 1] {
            let (mut replies, mut expected) = (Replies::default(), Vec::new());
            for length in lengths {
                let value = Arc::new(Value::new(vec![length as u8; length], &meter));
                replies.push_value(Some(&value), count);
                push_bulk(&mut expected, value.bytes());
                replies.push_value(None, count);
                push_nil(&mut expected);
            }
            assert_eq!(replies.len(), expected.len());
            let mut written = Vec::new();
            replies.write_to(&mut written).unwrap();
            assert!(written == expected, "{count}");
            assert_eq!((replies.len(), meter.bytes()), (0, 0), "nothing is held any more");
        }
    }

    /// Many shares of one value take no more than what asked for them.
    #[test]
    fn shares_take_no_more_than_was_said() {
        let value = Arc::new(Value::new(vec![0; 100_000], &Meter::default()));
        let mut replies = Replies::default();
        (0..100_000).for_each(|_| replies.push_value(Some(&value), 100_000));
        let most = Replies::growth_max(100_001, 0) + PIECE_BYTES;
        assert!(replies.size() <= most, "{} of {most}", replies.size());
    }
}
