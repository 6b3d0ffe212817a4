//! What a [`Socket`] receives and sends: bytes, datagrams, and the urgent byte.

use std::ffi::c_int;
use std::io::{self, IoSlice, IoSliceMut};

use super::flags::Flags;
use super::{SockAddr, Socket};
use crate::call::Direction;
use crate::hub::{Ask, Message, RecvFlags, Take};

/// Receiving.
///
/// Each call returns `WouldBlock` when it may not wait, or no longer, and `EBADF` once the socket is
/// closed; what else goes wrong is the system's: `NotConnected`, `ConnectionReset`,
/// `ConnectionRefused`.
impl Socket {
    /// Takes bytes, or one datagram cut to the buffer; 0 is the end of a stream.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("recv", Direction::Read, |hub, io| hub.recv(io, buf, Take::Remove))
    }

    /// Looks at what [`recv`](Socket::recv) would take.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("peek", Direction::Read, |hub, io| hub.recv(io, buf, Take::Peek))
    }

    /// As [`recv`](Socket::recv), with `MSG_PEEK`, `MSG_DONTWAIT`, `MSG_OOB` or none of them.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for any other flag, named by its number.
    pub fn recv_with_flags(&self, buf: &mut [u8], flags: c_int) -> io::Result<usize> {
        let flags = Flags::receiving(flags)?;
        if flags.urgent {
            return self.recv_out_of_band(buf);
        }
        let nonblocking = flags.nonblocking || self.0.is_nonblocking();
        self.0.block_unless(nonblocking, "recv", Direction::Read, |hub, io| {
            hub.recv(io, buf, flags.take)
        })
    }

    /// Takes bytes into several buffers, one after the other, and says what else the system has to say
    /// of them.
    pub fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<(usize, RecvFlags)> {
        self.recv_vectored_with_flags(bufs, 0)
    }

    /// As [`recv_vectored`](Socket::recv_vectored), with flags as
    /// [`recv_with_flags`](Socket::recv_with_flags) has them, but for `MSG_OOB`.
    pub fn recv_vectored_with_flags(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        flags: c_int,
    ) -> io::Result<(usize, RecvFlags)> {
        let flags = Flags::receiving(flags)?.not_urgent()?;
        let ask = Ask { take: flags.take, control: false };
        let taken = self.recv_message(bufs, ask, flags.nonblocking, "recv")?;
        Ok((taken.length, taken.flags))
    }

    /// Takes the urgent byte of a stream (`MSG_OOB`). It never waits.
    ///
    /// # Errors
    ///
    /// `EINVAL` where there is none, or urgent bytes are among the others
    /// ([`set_out_of_band_inline`](Socket::set_out_of_band_inline)); `WouldBlock` where one was
    /// announced and has not come; [`Unsupported`](io::ErrorKind::Unsupported) on a hub without it.
    pub fn recv_out_of_band(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.ask(|hub, io| hub.recv_urgent(io, buf))
    }

    /// Takes one datagram cut to the buffer, and says who sent it. Of a connected stream it takes
    /// bytes as [`recv`](Socket::recv) does, and the sender is
    /// [unnamed](SockAddr::is_unnamed): the system says nothing of who it is.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        self.recv_from_with_flags(buf, 0)
    }

    /// Looks at the datagram that [`recv_from`](Socket::recv_from) would take.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        self.recv_from_with_flags(buf, libc::MSG_PEEK)
    }

    /// Who sent the datagram that [`recv_from`](Socket::recv_from) would take.
    pub fn peek_sender(&self) -> io::Result<SockAddr> {
        self.peek_from(&mut [0; 8]).map(|(_, sender)| sender)
    }

    /// As [`recv_from`](Socket::recv_from), with flags as
    /// [`recv_with_flags`](Socket::recv_with_flags) has them, but for `MSG_OOB`.
    pub fn recv_from_with_flags(
        &self,
        buf: &mut [u8],
        flags: c_int,
    ) -> io::Result<(usize, SockAddr)> {
        let flags = Flags::receiving(flags)?.not_urgent()?;
        let nonblocking = flags.nonblocking || self.0.is_nonblocking();
        self.0.block_unless(nonblocking, "recv_from", Direction::Read, |hub, io| {
            let (n, sender) = hub.recv_from(io, buf, flags.take)?;
            Ok((n, SockAddr(sender)))
        })
    }

    /// Takes one datagram into several buffers, one after the other, and says who sent it and
    /// whether all of it is there.
    pub fn recv_from_vectored(
        &self,
        bufs: &mut [IoSliceMut<'_>],
    ) -> io::Result<(usize, RecvFlags, SockAddr)> {
        self.recv_from_vectored_with_flags(bufs, 0)
    }

    /// As [`recv_from_vectored`](Socket::recv_from_vectored), with flags as
    /// [`recv_from_with_flags`](Socket::recv_from_with_flags) has them.
    pub fn recv_from_vectored_with_flags(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        flags: c_int,
    ) -> io::Result<(usize, RecvFlags, SockAddr)> {
        let flags = Flags::receiving(flags)?.not_urgent()?;
        let ask = Ask { take: flags.take, control: false };
        let taken = self.recv_message(bufs, ask, flags.nonblocking, "recv_from")?;
        Ok((taken.length, taken.flags, SockAddr(taken.from)))
    }
}

/// Sending. A peer that is gone makes it an error, never a signal.
///
/// Each call returns `WouldBlock` when it may not wait, or no longer, and `EBADF` once the socket is
/// closed; what else goes wrong is the system's: `BrokenPipe`, `EMSGSIZE`, `EDESTADDRREQ`.
impl Socket {
    /// Gives bytes, of which fewer may be taken, or one whole datagram.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.block("send", Direction::Write, |hub, io| hub.send(io, buf))
    }

    /// As [`send`](Socket::send), with `MSG_DONTWAIT`, `MSG_OOB`, `MSG_NOSIGNAL` (which always
    /// holds), `MSG_MORE`, `MSG_EOR` or none of them.
    ///
    /// `MSG_MORE`: what belongs to these bytes comes with the next send. TCP waits for it with what
    /// does not fill a segment, for about 200 ms; UDP makes one datagram of them, which leaves with
    /// the first send without the flag. `MSG_EOR`: TCP puts nothing more into the segment in which
    /// they end. Elsewhere both do nothing.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for any other flag, named by its number.
    pub fn send_with_flags(&self, buf: &[u8], flags: c_int) -> io::Result<usize> {
        let flags = Flags::sending(flags)?;
        if !flags.is_plain() {
            return self.send_all(&[IoSlice::new(buf)], None, &flags, "send");
        }
        let nonblocking = flags.nonblocking || self.0.is_nonblocking();
        self.0.block_unless(nonblocking, "send", Direction::Write, |hub, io| match flags.urgent {
            true => hub.send_urgent(io, buf),
            false => hub.send(io, buf),
        })
    }

    /// Gives the bytes of several buffers, as [`send`](Socket::send) those of one.
    pub fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.block("send", Direction::Write, |hub, io| hub.send_vectored(io, bufs))
    }

    /// As [`send_vectored`](Socket::send_vectored), with flags as
    /// [`send_with_flags`](Socket::send_with_flags) has them, but for `MSG_OOB`.
    pub fn send_vectored_with_flags(
        &self,
        bufs: &[IoSlice<'_>],
        flags: c_int,
    ) -> io::Result<usize> {
        let flags = Flags::sending(flags)?.not_urgent()?;
        self.send_all(bufs, None, &flags, "send")
    }

    /// Gives bytes of which the last is urgent (`MSG_OOB`).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on a hub without it.
    pub fn send_out_of_band(&self, buf: &[u8]) -> io::Result<usize> {
        self.send_with_flags(buf, libc::MSG_OOB)
    }

    /// Gives one datagram to this address, whole or not at all.
    pub fn send_to(&self, buf: &[u8], addr: &SockAddr) -> io::Result<usize> {
        self.send_to_with_flags(buf, addr, 0)
    }

    /// As [`send_to`](Socket::send_to), with flags as [`send_with_flags`](Socket::send_with_flags)
    /// has them, but for `MSG_OOB`.
    pub fn send_to_with_flags(
        &self,
        buf: &[u8],
        addr: &SockAddr,
        flags: c_int,
    ) -> io::Result<usize> {
        let flags = Flags::sending(flags)?.not_urgent()?;
        if !flags.is_plain() {
            return self.send_all(&[IoSlice::new(buf)], Some(addr), &flags, "send_to");
        }
        let nonblocking = flags.nonblocking || self.0.is_nonblocking();
        self.0.block_unless(nonblocking, "send_to", Direction::Write, |hub, io| {
            hub.send_to(io, buf, &addr.0)
        })
    }

    /// Gives one datagram whose bytes are in several buffers.
    pub fn send_to_vectored(&self, bufs: &[IoSlice<'_>], addr: &SockAddr) -> io::Result<usize> {
        self.send_to_vectored_with_flags(bufs, addr, 0)
    }

    /// As [`send_to_vectored`](Socket::send_to_vectored), with flags as
    /// [`send_to_with_flags`](Socket::send_to_with_flags) has them.
    pub fn send_to_vectored_with_flags(
        &self,
        bufs: &[IoSlice<'_>],
        addr: &SockAddr,
        flags: c_int,
    ) -> io::Result<usize> {
        let flags = Flags::sending(flags)?.not_urgent()?;
        self.send_all(bufs, Some(addr), &flags, "send_to")
    }

    fn send_all(
        &self,
        bufs: &[IoSlice<'_>],
        addr: Option<&SockAddr>,
        flags: &Flags,
        op: &'static str,
    ) -> io::Result<usize> {
        let message = Message {
            bufs,
            to: addr.map(|addr| &addr.0),
            control: &[],
            more: flags.more,
            end_of_record: flags.end_of_record,
        };
        self.send_message(&message, flags.nonblocking, op)
    }
}
