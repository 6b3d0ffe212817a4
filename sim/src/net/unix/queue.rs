//! What lies between two Unix sockets, and what it costs the one that sent it.
//!
//! The bytes lie at the receiver and are charged to the sender until they are read, by Linux's
//! measure: a piece costs its own bookkeeping and the memory that was set aside for it, so that many
//! small writes fill the buffer long before their bytes do.

use std::collections::VecDeque;

use super::name::Card;
use super::urgent::Mark;
use crate::world::weak::Weak;

/// Linux's `net.core.wmem_default`.
pub(crate) const SEND_BUFFER: u32 = 212_992;

const PAGE: usize = 4096;
/// Bookkeeping of a piece beside its memory, and within the memory.
const HEADER: usize = 256;
const TRAILER: usize = 320;

/// One write, or a part of one, or one datagram.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// How many of the bytes are taken already.
    pub(super) taken: usize,
    pub(super) cost: usize,
    pub(super) sender: Weak,
    /// The sender's name, of what is read with it.
    pub(super) from: Option<Card>,
    pub(super) mark: Mark,
}

impl Piece {
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }
}

/// Copies the front of a queue of bytes without taking it.
pub(super) fn peek<'a>(queue: impl Iterator<Item = &'a Piece>, buf: &mut [u8]) -> usize {
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

/// Takes what was copied; answers the cost of the pieces that are used up.
pub(super) fn consume(queue: &mut VecDeque<Piece>, mut length: usize) -> usize {
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
pub(super) fn piece_of_stream(length: usize, send_buffer: usize) -> (usize, usize) {
    /// A piece keeps this much in its head and the rest in pages, of which it has so many bytes.
    const HEAD_MAX: usize = PAGE - TRAILER;
    const PAGED_MAX: usize = 32_768;
    let length = length.min(send_buffer / 2 - 64).min(HEAD_MAX + PAGED_MAX);
    (length, cost(length, HEAD_MAX))
}

/// What a datagram costs.
pub(super) fn cost_of_datagram(length: usize) -> usize {
    const HEAD_MAX: usize = 4 * PAGE - TRAILER;
    cost(length, HEAD_MAX)
}

fn cost(length: usize, head_max: usize) -> usize {
    let paged = length.saturating_sub(head_max).next_multiple_of(PAGE).min(length);
    let head = (length - paged).next_multiple_of(64) + TRAILER;
    HEADER + head.next_power_of_two() + paged
}
