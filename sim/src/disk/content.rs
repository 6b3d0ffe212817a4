//! The bytes of a file: pages where something was written, zeros everywhere else.

use std::collections::BTreeMap;

pub(super) const PAGE: u64 = 4096;
/// The longest file: what ext4 has with blocks of 4 KiB.
pub(super) const LENGTH_MAX: u64 = (1 << 44) - PAGE;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pages: BTreeMap<u64, Box<[u8]>>,
    length: u64,
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// How many pages take room on a disk.
    pub(super) fn page_count(&self) -> u64 {
        self.pages.len() as u64
    }

    /// How many more pages it would have if this were written.
    pub(super) fn pages_missing(&self, at: u64, length: u64) -> u64 {
        if length == 0 {
            return 0;
        }
        let (first, last) = (at / PAGE, (at + length - 1) / PAGE);
        (last - first + 1) - self.pages.range(first..=last).count() as u64
    }

    /// As many bytes from there as the buffer has and the file.
    pub(super) fn read(&self, at: u64, buffer: &mut [u8]) -> usize {
        let length = self.length.saturating_sub(at).min(buffer.len() as u64) as usize;
        for piece in pieces(at, length) {
            let there = &mut buffer[piece.from..piece.to];
            match self.pages.get(&piece.page) {
                Some(page) => there.copy_from_slice(&page[piece.inside..][..there.len()]),
                None => there.fill(0),
            }
        }
        length
    }

    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        for piece in pieces(at, bytes.len()) {
            let page = self.pages.entry(piece.page);
            let page = page.or_insert_with(|| vec![0; PAGE as usize].into());
            let here = &bytes[piece.from..piece.to];
            page[piece.inside..][..here.len()].copy_from_slice(here);
        }
        if !bytes.is_empty() {
            self.length = self.length.max(at + bytes.len() as u64);
        }
    }

    /// Cuts it, or has it grow by zeros.
    pub(super) fn set_len(&mut self, length: u64) {
        if length < self.length {
            self.pages.split_off(&length.div_ceil(PAGE));
            let inside = (length % PAGE) as usize;
            if inside > 0
                && let Some(page) = self.pages.get_mut(&(length / PAGE))
            {
                page[inside..].fill(0);
            }
        }
        self.length = length;
    }
}

/// Part of what is read or written, within one page.
struct Piece {
    page: u64,
    inside: usize,
    from: usize,
    to: usize,
}

fn pieces(at: u64, length: usize) -> impl Iterator<Item = Piece> {
    let mut from = 0;
    std::iter::from_fn(move || {
        if from == length {
            return None;
        }
        let here = at + from as u64;
        let inside = (here % PAGE) as usize;
        let to = length.min(from + PAGE as usize - inside);
        let piece = Piece { page: here / PAGE, inside, from, to };
        from = to;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &Content) -> Vec<u8> {
        let mut bytes = vec![7; content.len() as usize];
        assert_eq!(content.read(0, &mut bytes), bytes.len());
        bytes
    }

    #[test]
    fn holes_and_what_grows_again_are_zeros() {
        let mut content = Content::default();
        content.write(PAGE + 1, b"ab");
        assert_eq!((content.len(), content.page_count()), (PAGE + 3, 1));
        content.set_len(PAGE + 2);
        content.set_len(PAGE + 4);
        let mut end = [7; 9];
        assert_eq!(content.read(PAGE, &mut end), 4);
        assert_eq!(end, [0, b'a', 0, 0, 7, 7, 7, 7, 7]);
        content.set_len(PAGE);
        assert_eq!(content.page_count(), 0);
        assert_eq!(all(&content), vec![0; PAGE as usize]);
    }

    #[test]
    fn bytes_cross_pages() {
        let mut content = Content::default();
        let bytes: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        content.write(0, &bytes);
        content.write(PAGE - 1, b"xyz");
        let mut expected = bytes;
        expected[PAGE as usize - 1..][..3].copy_from_slice(b"xyz");
        assert_eq!(all(&content), expected);
        assert_eq!(content.pages_missing(0, 3 * PAGE + 1), 1);
    }
}
