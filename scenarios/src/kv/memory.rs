//! A stretch of bytes that grows. A large one is memory of its own from the system, which has a page
//! when something is written there and is given back whole: an allocator would keep holes of it.

use std::io;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// From this size on it is memory of its own.
const MAPPED_BYTES_MIN: usize = 1024 * 1024;

#[derive(Debug)]
pub(super) enum Memory {
    Heap(Vec<u8>),
    Mapped(MmapMut),
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::Heap(Vec::new())
    }
}

impl Memory {
    /// Whether only what was written takes memory.
    pub fn is_mapped(&self) -> bool {
        matches!(self, Memory::Mapped(_))
    }

    /// How large it is to be when it is full and `due` bytes are known to be needed: twice as large,
    /// or four times where so much is due; one of its own may be generous.
    pub fn grown(&self, due: usize) -> usize {
        const SMALLEST: usize = 16 * 1024;
        match self {
            Memory::Heap(bytes) if bytes.is_empty() => SMALLEST,
            Memory::Heap(bytes) => (2 * bytes.len()).max(due.min(4 * bytes.len())),
            Memory::Mapped(bytes) => 8 * bytes.len(),
        }
    }

    /// Makes it so large, keeping the first `used` bytes.
    pub fn grow(&mut self, size: usize, used: usize) -> io::Result<()> {
        match self {
            Memory::Heap(bytes) if size < MAPPED_BYTES_MIN => {
                bytes.reserve_exact(size - bytes.len());
                bytes.resize(size, 0);
            }
            _ => {
                let mut mapped = MmapMut::map_anon(size)?;
                mapped[..used].copy_from_slice(&self[..used]);
                *self = Memory::Mapped(mapped);
            }
        }
        Ok(())
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Memory::Heap(bytes) => bytes,
            Memory::Mapped(bytes) => bytes,
        }
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Memory::Heap(bytes) => bytes,
            Memory::Mapped(bytes) => bytes,
        }
    }
}
