//! Messages of a socket: the same memory of what is drained and full as for its plain bytes.

use std::io::{self, IoSliceMut};
use std::os::fd::{OwnedFd, RawFd};

use greenroom::hub::{Address, Ask, Message, PIECES_MAX, RecvFlags, Take};
use socket2::SockAddr;

use super::{SEND_FLAGS, Socket, would_block};
use crate::address::from_system;
use crate::sys::control::{self, Raw};

/// Bytes, sender, flags, control data.
type Taken = (usize, Address, RecvFlags, Vec<Raw<OwnedFd>>);

impl Socket {
    pub(crate) fn send_message(
        &mut self,
        message: &Message<'_>,
        to: Option<&SockAddr>,
        control: &[Raw<RawFd>],
    ) -> io::Result<usize> {
        if std::mem::take(&mut self.full) {
            return Err(would_block());
        }
        #[cfg(not(target_vendor = "apple"))]
        let more = if message.more { libc::MSG_MORE } else { 0 };
        #[cfg(target_vendor = "apple")]
        let more = 0;
        let end = if message.end_of_record { libc::MSG_EOR } else { 0 };
        let most = self.most_pieces(message.bufs.len());
        let bufs = &message.bufs[..most];
        let n = control::send(&self.os, bufs, to, control, SEND_FLAGS | more | end)?;
        self.full = self.is_filled_by(n, bufs.iter().map(|buf| buf.len()).sum());
        Ok(n)
    }

    pub(crate) fn recv_message(
        &mut self,
        bufs: &mut [IoSliceMut<'_>],
        ask: Ask,
    ) -> io::Result<Taken> {
        if std::mem::take(&mut self.drained) && !bufs.iter().all(|buf| buf.is_empty()) {
            return Err(would_block());
        }
        let most = self.most_pieces(bufs.len());
        let bufs = &mut bufs[..most];
        let flags = if ask.take == Take::Peek { libc::MSG_PEEK } else { 0 };
        let got = control::recv(&self.os, bufs, flags, ask.control);
        let got = got.map(|got| (got.length, from_system(&got.peer), got.flags, got.control));
        let got = self.or_shut(got, || Ok((0, self.nobody(), RecvFlags::default(), Vec::new())))?;
        if ask.take == Take::Remove {
            self.drained = self.is_drained_by(got.0, bufs.iter().map(|buf| buf.len()).sum());
        }
        Ok(got)
    }

    /// More buffers are as good as a short call to what flows.
    fn most_pieces(&self, count: usize) -> usize {
        if self.flows { count.min(PIECES_MAX) } else { count }
    }
}
