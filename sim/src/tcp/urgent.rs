//! The urgent byte that a peer announced, as Linux has it (RFC 6093): a mark in the stream, and the
//! one byte at it, which is read by its own way while the others are read around it.

/// The latest mark, until what is behind it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Urgent {
    mark: Option<(u64, Byte)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Byte {
    Announced,
    Here(u8),
    Taken,
}

impl Urgent {
    /// Position of the byte, if one was announced that the reader has not passed.
    #[inline]
    pub(super) fn at(&self) -> Option<u64> {
        self.mark.map(|(at, _)| at)
    }

    /// EPOLLPRI's rule.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.mark, Some((_, Byte::Here(_))))
    }

    /// A segment says that the byte at `at` is urgent. True if that is news; the mark before it is
    /// forgotten, and its byte is one like the others.
    pub(super) fn announce(&mut self, at: u64) -> bool {
        let is_new = self.at().is_none_or(|known| known < at);
        if is_new {
            self.mark = Some((at, Byte::Announced));
        }
        is_new
    }

    /// Bytes came, in order or not: the urgent one is taken out of them at once.
    #[inline]
    pub(super) fn arrived(&mut self, seq: u64, bytes: &[u8]) {
        if let Some((at, byte @ Byte::Announced)) = &mut self.mark
            && let Some(offset) = at.checked_sub(seq)
            && let Some(&value) = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX))
        {
            *byte = Byte::Here(value);
        }
    }

    /// All before `read` is read.
    #[inline]
    pub(super) fn passed(&mut self, read: u64) {
        self.mark = self.mark.filter(|(at, _)| *at >= read);
    }

    /// One was announced that was not taken yet.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.mark, Some((_, Byte::Announced | Byte::Here(_))))
    }

    /// Takes the byte, if it is here.
    pub(super) fn take(&mut self) -> Option<u8> {
        let Some((_, byte)) = &mut self.mark else { return None };
        let Byte::Here(value) = *byte else { return None };
        *byte = Byte::Taken;
        Some(value)
    }
}
