//! A pipe's two ends, and the pages between them.

use std::collections::VecDeque;

use crate::id::SocketId;

const PAGE: usize = 4096;
pub(crate) const PAGES_MAX: usize = 16;

/// One end of a pipe; the other, while it is open.
pub(crate) enum PipeEnd {
    Read { pages: VecDeque<Page>, writer: Option<SocketId> },
    Write { reader: Option<SocketId> },
}

/// Bytes written, and how many of them were read.
#[derive(Default)]
pub(crate) struct Page {
    bytes: Vec<u8>,
    taken: usize,
}

pub(crate) fn take_from(pages: &mut VecDeque<Page>, buf: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < buf.len()
        && let Some(page) = pages.front_mut()
    {
        let rest = &page.bytes[page.taken..];
        let length = rest.len().min(buf.len() - filled);
        buf[filled..filled + length].copy_from_slice(&rest[..length]);
        filled += length;
        page.taken += length;
        if page.taken == page.bytes.len() {
            pages.pop_front();
        }
    }
    filled
}

/// What does not fill pages goes behind what the last page holds, if it fits there in one piece.
pub(crate) fn put_into(pages: &mut VecDeque<Page>, buf: &[u8]) -> usize {
    let odd = buf.len() % PAGE;
    let mut put = 0;
    if odd > 0
        && let Some(last) = pages.back_mut()
        && last.bytes.len() + odd <= PAGE
    {
        last.bytes.extend_from_slice(&buf[..odd]);
        put = odd;
    }
    while put < buf.len() && pages.len() < PAGES_MAX {
        let length = (buf.len() - put).min(PAGE);
        pages.push_back(Page { bytes: buf[put..put + length].to_vec(), taken: 0 });
        put += length;
    }
    put
}
