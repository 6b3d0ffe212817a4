//! Urgent bytes of a connection: MSG_OOB both ways, and the mark that a read stops at.

use std::io;

use super::super::errno::Errno;
use super::super::segment::Segment;
use super::Connection;

impl Connection {
    /// send(2) with MSG_OOB: the last byte that is taken is urgent, and the one before it no more.
    pub fn send_urgent(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = self.send(data)?;
        if taken > 0 {
            self.snd_up = Some(self.outgoing.end());
        }
        Ok(taken)
    }

    /// recv(2) with MSG_OOB. EINVAL where there is none or it is among the others, EAGAIN where it
    /// was announced and has not come; it never takes the pending error.
    pub fn recv_urgent(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.config.urgent_inline || !self.urgent.is_awaited() {
            return Err(Errno::Inval.error());
        }
        // After a reset, but not after an end.
        if self.is_over() && !self.peer_finished {
            return Err(Errno::NotConn.error());
        }
        match (self.urgent.take(), buf.first_mut()) {
            (Some(byte), Some(first)) => {
                *first = byte;
                Ok(1)
            }
            (Some(_), None) => Ok(0),
            (None, _) if self.is_over() || self.shut_read => Ok(0),
            (None, _) => Err(Errno::Again.error()),
        }
    }

    /// How many bytes a read passes over first, and how many it may take then: it passes over an
    /// urgent byte that it begins at, and stops before one that it comes to.
    #[inline]
    pub(super) fn around_mark(&self) -> (usize, usize) {
        let way = self.urgent.at().and_then(|at| at.checked_sub(self.incoming.start()));
        match way {
            Some(0) if self.config.urgent_inline => (0, usize::MAX),
            Some(0) => (self.incoming.len().min(1), usize::MAX),
            Some(way) => (0, usize::try_from(way).unwrap_or(usize::MAX)),
            None => (0, usize::MAX),
        }
    }

    /// Bytes that the next read can give.
    #[inline]
    pub fn queued(&self) -> usize {
        let (passed, most) = self.around_mark();
        (self.incoming.len() - passed).min(most)
    }

    /// Linux's tcp_urg, before the bytes of a segment are looked at.
    #[inline]
    pub(super) fn arriving_urgent(&mut self, seg: &Segment, payload: &[u8]) {
        if seg.urgent > 0 {
            let at = seg.seq.saturating_add(u64::from(seg.urgent) - 1);
            // Who has read up to the mark before this one will not meet its byte among the others.
            let (passed, _) = self.around_mark();
            if at >= self.rcv_nxt() && self.urgent.announce(at) {
                self.incoming.consume(passed);
            }
        }
        self.urgent.arrived(seg.seq, payload);
    }

    /// What a segment that begins at `seq` says of the byte behind the urgent one.
    #[inline]
    pub(super) fn urgent_pointer(&self, seq: u64) -> u16 {
        let way = self.snd_up.map_or(0, |up| up.saturating_sub(seq));
        u16::try_from(way).unwrap_or(0)
    }
}
