//! What lies between two Unix sockets, and what it costs the one that sent it.
//!
//! The bytes lie at the receiver and are charged to the sender until they are read, by Linux's
//! measure: a piece costs its own bookkeeping and the memory that was set aside for it, so that many
//! small writes fill the buffer long before their bytes do.

use std::collections::VecDeque;

use greenroom::hub::Io;

use crate::id::Weak;
use crate::socket::unix::name::Card;

/// Linux's `net.core.wmem_default`.
pub(crate) const SEND_BUFFER: u32 = 212_992;

const PAGE: usize = 4096;
/// Bookkeeping of a piece beside its memory, and within the memory.
const HEADER: usize = 256;
const TRAILER: usize = 320;

/// What a piece is to `MSG_OOB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Plain,
    /// The latest urgent byte; those before it are plain.
    Urgent,
    /// It was taken by `MSG_OOB`, and where it stood a read still ends.
    Taken,
}

/// One write, or a part of one, or one datagram.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    /// How many of the bytes are taken already.
    pub(crate) taken: usize,
    pub(crate) cost: usize,
    pub(crate) sender: Weak,
    /// The sender's name, of what is read with it.
    pub(crate) from: Option<Card>,
    pub(crate) mark: Mark,
    /// Descriptors that go with it, until they are received or lost.
    pub(crate) rights: Vec<Io>,
}

impl Piece {
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }
}

/// How many pieces a read passes over, and how many bytes it may take then.
pub(crate) fn around_marks(queue: &VecDeque<Piece>, inline: bool) -> (usize, usize) {
    let awaits = queue.iter().any(|piece| piece.mark == Mark::Urgent);
    let (mut passed, mut most, mut begun) = (0, 0, false);
    for piece in queue {
        match piece.mark {
            Mark::Urgent if begun => break,
            Mark::Taken if begun && !awaits => break,
            Mark::Taken if begun => {}
            Mark::Urgent if inline => begun = true,
            Mark::Urgent | Mark::Taken => passed += 1,
            Mark::Plain => begun = true,
        }
        if begun {
            most += piece.rest().len();
        }
        // A read takes the descriptors of one piece, and goes no further.
        if begun && !piece.rights.is_empty() {
            break;
        }
    }
    (passed, most)
}

/// Copies the front of a queue of bytes without taking it.
pub(crate) fn peek<'a>(queue: impl Iterator<Item = &'a Piece>, buf: &mut [u8]) -> usize {
    let mut filled = 0;
    for piece in queue {
        let length = piece.rest().len().min(buf.len() - filled);
        buf[filled..filled + length].copy_from_slice(&piece.rest()[..length]);
        filled += length;
        if filled == buf.len() {
            break;
        }
    }
    filled
}

/// Takes what was copied; returns the cost of the pieces that are used up.
pub(crate) fn consume(queue: &mut VecDeque<Piece>, mut length: usize) -> usize {
    let mut freed = 0;
    while length > 0
        && let Some(piece) = queue.front_mut()
    {
        let here = piece.rest().len().min(length);
        piece.taken += here;
        length -= here;
        if !piece.rest().is_empty() {
            break;
        }
        freed += piece.cost;
        queue.pop_front();
    }
    freed
}

/// How much of a write becomes one piece of a stream, and what that costs.
pub(crate) fn piece_of_stream(length: usize, send_buffer: usize) -> (usize, usize) {
    /// A piece keeps this much in its head and the rest in pages, of which it has so many bytes.
    const HEAD_MAX: usize = PAGE - TRAILER;
    const PAGED_MAX: usize = 32_768;
    let length = length.min(send_buffer / 2 - 64).min(HEAD_MAX + PAGED_MAX);
    (length, cost(length, HEAD_MAX))
}

/// What a datagram costs.
pub(crate) fn cost_of_datagram(length: usize) -> usize {
    const HEAD_MAX: usize = 4 * PAGE - TRAILER;
    cost(length, HEAD_MAX)
}

fn cost(length: usize, head_max: usize) -> usize {
    let paged = length.saturating_sub(head_max).next_multiple_of(PAGE).min(length);
    let head = (length - paged).next_multiple_of(64) + TRAILER;
    HEADER + head.next_power_of_two() + paged
}
