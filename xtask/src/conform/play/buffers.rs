//! Sending until a buffer is full, and receiving until it is empty.

use std::io;
use std::time::Duration;

use super::{Line, Player};

impl Player<'_> {
    pub(super) fn received(&self, n: usize) {
        let filled = &mut self.world.common().filled;
        *filled = filled.saturating_sub(n as u64);
    }

    /// Sends until there is no room, not even after a while.
    pub(super) fn fill(&mut self, slot: u8, n: u32) -> Line {
        /// More than any buffer takes; datagrams that are dropped never fill one.
        const BYTES_MAX: u64 = 64 << 20;
        let thing = self.thing(slot)?;
        let block = vec![b'f'; n as usize];
        let (mut taken, mut was_full) = (0u64, false);
        while taken < BYTES_MAX {
            match thing.send_at_once(&block) {
                Ok(n) => {
                    taken += n.max(1) as u64;
                    self.world.common().filled += n as u64;
                    was_full = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if was_full {
                        return Ok("full".into());
                    }
                    was_full = true;
                    greenroom::thread::sleep(self.world.settle.max(Duration::from_millis(1)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok("never full".into())
    }

    /// Sends as long as poll says that it can.
    pub(super) fn fill_to_the_brink(&mut self, slot: u8, n: u32) -> Line {
        let thing = self.thing(slot)?;
        let block = vec![b'f'; n as usize];
        while thing.poll()?.contains('w') {
            let n = thing.send_at_once(&block)?;
            self.world.common().filled += n as u64;
        }
        Ok("brink".into())
    }

    /// Receives until there is nothing, not even after a while; or so many bytes.
    pub(super) fn drain(&mut self, slot: u8, most: Option<u64>) -> Line {
        let thing = self.thing(slot)?;
        let mut buf = vec![0; 64 << 10];
        let mut left = most.unwrap_or(u64::MAX);
        let mut was_empty = false;
        loop {
            let room = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if room == 0 {
                return Ok("drained".into());
            }
            match thing.recv_at_once(&mut buf[..room]) {
                Ok(0) if thing.ends_in_nothing()? => {
                    return Ok(match std::mem::take(&mut self.world.common().filled) {
                        0 => "end".into(),
                        missing => format!("end, {missing} bytes short"),
                    });
                }
                Ok(n) => {
                    was_empty = false;
                    left -= n as u64;
                    self.received(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if was_empty {
                        return Ok("drained".into());
                    }
                    was_empty = true;
                    greenroom::thread::sleep(self.world.settle.max(Duration::from_millis(1)));
                }
                Err(error) => return Err(error),
            }
        }
    }
}
