//! The inputs under way, in memory that the process which reads them shares with the one that watches it: what
//! ends the reader leaves them.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, memfd_create};

/// How many inputs are under way at most: to tell of each would take as long as to read many an input.
pub const INPUTS: usize = 64;

/// Where the inputs stand, behind the number of their batch.
const FIRST: u64 = 8;

/// What both sides have.
pub struct Shared(File);

impl Shared {
    pub fn new() -> io::Result<Shared> {
        Ok(Shared(File::from(memfd_create("xtask-fuzz", MemfdFlags::CLOEXEC)?)))
    }

    /// Where a child of this process opens it.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// The batch under way has another number each time; 0 before the first.
    pub fn number(&self) -> u64 {
        let mut number = [0; 8];
        // Nothing was written before the first.
        let read = self.0.read_exact_at(&mut number, 0);
        read.map_or(0, |()| u64::from_le_bytes(number))
    }

    /// The inputs of the batch under way.
    pub fn inputs(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut bytes = vec![0; self.0.metadata()?.len().saturating_sub(FIRST) as usize];
        self.0.read_exact_at(&mut bytes, FIRST)?;
        let (mut inputs, mut rest) = (Vec::new(), &bytes[..]);
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let Some((input, after)) = after.split_at_checked(length) else { break };
            inputs.push(input.to_vec());
            rest = after;
        }
        Ok(inputs)
    }
}

/// The reader's side.
pub struct Batches {
    shared: File,
    number: u64,
    bytes: Vec<u8>,
}

impl Batches {
    /// What a parent's [`Shared::path`] names.
    pub fn open(path: &str) -> io::Result<Batches> {
        let shared = OpenOptions::new().write(true).open(path)?;
        Ok(Batches { shared, number: 0, bytes: Vec::new() })
    }

    /// Says that these are read from now on.
    pub fn begin(&mut self, inputs: &[Vec<u8>]) -> io::Result<()> {
        self.number += 1;
        self.bytes.clear();
        self.bytes.extend_from_slice(&self.number.to_le_bytes());
        for input in inputs {
            self.bytes.extend_from_slice(&(input.len() as u32).to_le_bytes());
            self.bytes.extend_from_slice(input);
        }
        self.shared.write_all_at(&self.bytes, 0)?;
        // What the batch before had more of is not this one's.
        self.shared.set_len(self.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_batch_is_what_is_found() {
        let shared = Shared::new().unwrap();
        assert_eq!((shared.number(), shared.inputs().unwrap()), (0, Vec::new()));
        let mut batches = Batches::open(&shared.path()).unwrap();
        let all = [b"GET / HTTP/1.1\r\n".to_vec(), Vec::new(), vec![0; 5000]];
        batches.begin(&all).unwrap();
        assert_eq!((shared.number(), shared.inputs().unwrap()), (1, all.to_vec()));
        batches.begin(&all[..2]).unwrap();
        assert_eq!((shared.number(), shared.inputs().unwrap()), (2, all[..2].to_vec()));
    }
}
