//! One socket of the operating system, and what is remembered of its readiness.
//!
//! It is watched from the first call that would block, edge-triggered and for both directions, and
//! until it is closed: an unconnected TCP socket, which epoll calls hung up at once, is thus never
//! watched by accident. Waiting and waking are not known here.
//!
//! A TCP stream that gave fewer bytes than asked for is drained, so the next read would only be told
//! so: it returns `WouldBlock` from memory, *once*, which saves a system call a message. What comes
//! later is a new edge. The guess is wrong, and not made, where an end, an error or urgent data
//! (whose mark cuts a read short) was already reported; nor for anything but TCP, where a read may
//! be short for other reasons (passed descriptors, lines of a terminal).
//!
//! A pipe, a terminal and whatever else is read and written but is no socket goes here as well. The
//! system returns `ENOTSOCK` where a verb is for sockets alone.

mod connection;
mod message;
mod report;

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::thread;

use greenroom::hub::{Address, Domain, Kind, PIECES_MAX, Readiness, Take};
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Registry, Token};
use socket2::{MaybeUninitSlice, SockAddr, Type};

use crate::address::from_system;
use crate::retries::Patience;
use crate::sys;

pub(crate) use report::{everything, reported};

/// A peer that is gone makes a write an error, not a signal.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: libc::c_int = 0;

/// What the verbs have to know of the thing behind the descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    /// A TCP stream of the hub's own making: a short read or write tells something.
    Tcp,
    /// A socket of the Unix domain: what is full may be another's queue, of which nothing is told.
    Unix,
    /// Read from and written to; not a socket.
    File,
    /// Any other socket.
    Other,
}

pub(crate) struct Socket {
    os: socket2::Socket,
    nature: Nature,
    /// Bytes without boundaries: a cut list of buffers is a short write, not a cut message.
    flows: bool,
    watched: bool,
    /// A read came back short: the next one is not tried.
    drained: bool,
    /// A write came back short: the next one is not tried.
    full: bool,
    /// An end, an error or urgent data was reported: a short read proves nothing any more.
    read_marked: bool,
    write_marked: bool,
    /// An end was reported.
    read_closed: bool,
    /// The connection attempt was reported to be over, well or badly.
    attempted: bool,
    bound: bool,
    pub(crate) patience: Patience,
}

impl Socket {
    pub(crate) fn new(domain: Domain, kind: Kind) -> io::Result<Socket> {
        let os = socket2::Socket::new_raw(family(domain), type_of(kind), None)?;
        let nature = nature(domain, kind);
        settle(Socket::over(os, nature, kind == Kind::Stream))
    }

    pub(crate) fn pair(domain: Domain, kind: Kind) -> io::Result<(Socket, Socket)> {
        let (one, other) = socket2::Socket::pair_raw(family(domain), type_of(kind), None)?;
        let of = |os| settle(Socket::over(os, nature(domain, kind), kind == Kind::Stream));
        Ok((of(one)?, of(other)?))
    }

    /// The end of a pipe that is read from, and the one that is written to.
    pub(crate) fn pipe() -> io::Result<(Socket, Socket)> {
        let (reader, writer) = io::pipe()?;
        Ok((Socket::adopt(reader.into())?, Socket::adopt(writer.into())?))
    }

    /// Takes in a descriptor that was made elsewhere, and has it block no more.
    pub(crate) fn adopt(descriptor: OwnedFd) -> io::Result<Socket> {
        let os = socket2::Socket::from(descriptor);
        os.set_nonblocking(true)?;
        let of = match os.r#type() {
            Ok(of) => of,
            Err(error) if error.raw_os_error() == Some(libc::ENOTSOCK) => {
                return Ok(Socket::over(os, Nature::File, true));
            }
            Err(error) => return Err(error),
        };
        let local = os.local_addr()?;
        let nature = if local.is_unix() { Nature::Unix } else { Nature::Other };
        let bound = local.as_socket().is_some_and(|local| local.port() != 0);
        Ok(Socket { bound, ..Socket::over(os, nature, of == Type::STREAM) })
    }

    /// A non-blocking descriptor.
    fn over(os: socket2::Socket, nature: Nature, flows: bool) -> Socket {
        Socket {
            os,
            nature,
            flows,
            watched: false,
            drained: false,
            full: false,
            read_marked: false,
            write_marked: false,
            read_closed: false,
            attempted: false,
            bound: false,
            patience: Patience::default(),
        }
    }

    pub(crate) fn dup(&self) -> io::Result<Socket> {
        let os = self.os.try_clone()?;
        let copy = Socket::over(os, self.nature, self.flows);
        Ok(Socket { bound: self.bound, ..copy })
    }

    /// The system's own handle, for what has nothing to be remembered.
    pub(crate) fn os(&self) -> &socket2::Socket {
        &self.os
    }
    pub(crate) fn descriptor(&self) -> RawFd {
        self.os.as_raw_fd()
    }
    /// A second descriptor of the same socket, the caller's own.
    pub(crate) fn export(&self) -> io::Result<OwnedFd> {
        self.os.try_clone().map(OwnedFd::from)
    }
    /// Of a datagram socket: none was given, or asked for.
    pub(crate) fn lacks_a_port(&self) -> bool {
        let local = || self.os.local_addr().ok().and_then(|local| local.as_socket());
        !self.flows && local().is_some_and(|local| local.port() == 0)
    }
    pub(crate) fn is_unix(&self) -> bool {
        self.nature == Nature::Unix
    }

    // Readiness.

    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    /// Has the poll report this socket from now on. Its present readiness is reported too.
    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if !self.watched {
            registry.register(&mut SourceFd(&self.os.as_raw_fd()), token, everything())?;
            self.watched = true;
        }
        Ok(())
    }

    /// Ends the reports; a copy made by `dup` would otherwise keep them coming after a close.
    pub(crate) fn unwatch(&mut self, registry: &Registry) {
        if self.watched {
            // An error would say that the descriptor is gone from the poll, as was asked.
            let _ = registry.deregister(&mut SourceFd(&self.os.as_raw_fd()));
        }
    }

    /// Takes a report in; returns what may be tried again.
    pub(crate) fn hear(&mut self, event: &Event) -> Readiness {
        let ready = reported(event);
        self.drained &= !ready.is_readable();
        self.full &= !ready.is_writable();
        self.attempted |= ready.is_writable();
        if !ready.without(Readiness::BOTH).is_none() {
            self.hear_more(event);
        }
        ready
    }

    #[cold]
    fn hear_more(&mut self, event: &Event) {
        let over = event.is_error();
        self.read_marked |= over || event.is_read_closed() || event.is_priority();
        self.write_marked |= over || event.is_write_closed();
        self.read_closed |= event.is_read_closed();
    }

    /// Whether the next read would be told from memory that there is nothing; it is told by this.
    #[inline]
    pub(crate) fn take_known_dry(&mut self) -> bool {
        self.watched && std::mem::take(&mut self.drained)
    }

    /// What would not block now, asked of the system.
    pub(crate) fn readiness(&mut self) -> io::Result<Readiness> {
        let ready = sys::readiness(self.descriptor())?;
        self.drained &= !ready.is_readable();
        self.full &= !ready.is_writable();
        if ready.is_readable() && self.ends_silently() {
            // A caller who does not wait asks here, and has had no report.
            self.read_closed = ready.is_read_closed();
        }
        Ok(ready
            .with(Readiness::WRITE.when(!ready.is_writable() && self.is_stream_that_was_shut())))
    }

    /// Whether this is a Unix stream that was shut for writing, from either end, which poll(2) does not say
    /// of a full one. To write nothing tells.
    pub(crate) fn is_stream_that_was_shut(&self) -> bool {
        let written = || self.os.send_with_flags(&[], SEND_FLAGS);
        self.is_unix_stream()
            && written().is_err_and(|error| error.raw_os_error() == Some(libc::EPIPE))
    }

    pub(crate) fn is_unix_stream(&self) -> bool {
        self.nature == Nature::Unix && self.flows
    }

    // Bytes.

    pub(crate) fn recv(&mut self, buf: &mut [u8], take: Take) -> io::Result<usize> {
        // A read of nothing is content with an urgent byte, which is no report of something to read.
        if std::mem::take(&mut self.drained) && !buf.is_empty() {
            return Err(would_block());
        }
        let n = match take {
            Take::Peek => return self.or_shut(self.os.peek(sys::as_uninit(buf)), || Ok(0)),
            Take::Remove if self.nature == Nature::File => return sys::read(&self.os, buf),
            Take::Remove => self.or_shut(sys::recv(&self.os, buf), || Ok(0))?,
        };
        self.drained = self.is_drained_by(n, buf.len());
        Ok(n)
    }

    pub(crate) fn recv_vectored(
        &mut self,
        bufs: &mut [IoSliceMut<'_>],
        take: Take,
    ) -> io::Result<usize> {
        if std::mem::take(&mut self.drained) && !bufs.iter().all(|buf| buf.is_empty()) {
            return Err(would_block());
        }
        // More are as good as a short call to what flows.
        let most = if self.flows { bufs.len().min(PIECES_MAX) } else { bufs.len() };
        let bufs = &mut bufs[..most];
        match take {
            Take::Peek => {
                let mut bufs: Vec<_> =
                    bufs.iter_mut().map(|buf| MaybeUninitSlice::new(sys::as_uninit(buf))).collect();
                let peeked = self.os.recv_vectored_with_flags(&mut bufs, libc::MSG_PEEK);
                self.or_shut(peeked.map(|(n, _)| n), || Ok(0))
            }
            Take::Remove if self.nature == Nature::File => sys::read_vectored(&self.os, bufs),
            Take::Remove => {
                let n = self.or_shut((&self.os).read_vectored(bufs), || Ok(0))?;
                self.drained = self.is_drained_by(n, bufs.iter().map(|buf| buf.len()).sum());
                Ok(n)
            }
        }
    }

    fn is_drained_by(&self, n: usize, asked: usize) -> bool {
        self.nature == Nature::Tcp && 0 < n && n < asked && !self.read_marked
    }

    pub(crate) fn send(&mut self, buf: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.full) {
            return Err(would_block());
        }
        if self.nature == Nature::File {
            return sys::write(&self.os, buf);
        }
        let n = sys::send(&self.os, buf, SEND_FLAGS)?;
        self.full = self.is_filled_by(n, buf.len());
        Ok(n)
    }

    pub(crate) fn send_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if std::mem::take(&mut self.full) {
            return Err(would_block());
        }
        let most = if self.flows { bufs.len().min(PIECES_MAX) } else { bufs.len() };
        let bufs = &bufs[..most];
        if self.nature == Nature::File {
            return sys::write_vectored(&self.os, bufs);
        }
        let n = self.os.send_vectored_with_flags(bufs, SEND_FLAGS)?;
        self.full = self.is_filled_by(n, bufs.iter().map(|buf| buf.len()).sum());
        Ok(n)
    }

    fn is_filled_by(&self, n: usize, asked: usize) -> bool {
        self.nature == Nature::Tcp && n < asked && !self.write_marked
    }

    pub(crate) fn recv_from(&self, buf: &mut [u8], take: Take) -> io::Result<(usize, Address)> {
        let buf = sys::as_uninit(buf);
        let answer = match take {
            Take::Remove => self.os.recv_from(buf),
            Take::Peek => self.os.peek_from(buf),
        };
        self.or_shut(answer.map(|(n, peer)| (n, from_system(&peer))), || Ok((0, self.nobody())))
    }

    /// Whom the end comes from.
    fn nobody(&self) -> Address {
        let nobody = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        if self.is_unix() { Address::unnamed() } else { nobody.into() }
    }

    /// The end, where a datagram or a connection is waited for that cannot come: once such a socket
    /// is shut, a call that waits returns so on Linux, but one that does not wait returns `EAGAIN` for
    /// ever.
    /// The hub's own never wait, and the greenlet's do. A stream says by itself that it has ended,
    /// and what was reported of it may be a failed attempt to connect.
    fn or_shut<T>(
        &self,
        answer: io::Result<T>,
        end: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let is_shut = self.read_closed && self.ends_silently();
        match answer {
            Err(error) if is_shut && error.kind() == io::ErrorKind::WouldBlock => end(),
            answer => answer,
        }
    }

    /// Whether Linux says of its end nothing to a call that does not wait.
    fn ends_silently(&self) -> bool {
        self.nature == Nature::Unix || (self.nature == Nature::Other && !self.flows)
    }

    pub(crate) fn send_to(&self, buf: &[u8], peer: &SockAddr) -> io::Result<usize> {
        self.os.send_to_with_flags(buf, peer, SEND_FLAGS)
    }

    /// Of datagrams, of which none is urgent, it is a receive that never waits.
    pub(crate) fn recv_urgent(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let answer = self.os.recv_out_of_band(sys::as_uninit(buf));
        let waits = answer.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        if waits && self.ends_silently() {
            self.read_closed = sys::readiness(self.descriptor())?.is_read_closed();
        }
        self.or_shut(answer, || Ok(0))
    }
    pub(crate) fn send_urgent(&self, buf: &[u8]) -> io::Result<usize> {
        self.os.send_with_flags(buf, SEND_FLAGS | libc::MSG_OOB)
    }

    // Its end and its names.

    pub(crate) fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        (self.drained, self.full) = (false, false);
        self.os.shutdown(how)
    }

    /// Closes. Linux has close(2) wait for a socket that lingers even where nothing else may wait,
    /// so that is left to a thread; without one to be had the hub waits.
    pub(crate) fn close_aside(self) {
        let lingers = matches!(self.os.linger(), Ok(Some(time)) if !time.is_zero());
        if lingers {
            // What cannot be given to a thread is dropped, and so closed, here.
            let _ = thread::Builder::new().name("greenroom close".into()).spawn(|| drop(self.os));
        }
    }

    pub(crate) fn local_addr(&self) -> io::Result<Address> {
        Ok(from_system(&self.os.local_addr()?))
    }
    pub(crate) fn peer_addr(&self) -> io::Result<Address> {
        Ok(from_system(&self.os.peer_addr()?))
    }
}

/// What the system would have answered: by number, which is what callers look at first.
pub(crate) fn would_block() -> io::Error {
    io::Error::from_raw_os_error(libc::EAGAIN)
}

fn nature(domain: Domain, kind: Kind) -> Nature {
    match (domain, kind) {
        (Domain::Unix, _) => Nature::Unix,
        (_, Kind::Stream) => Nature::Tcp,
        _ => Nature::Other,
    }
}

fn family(domain: Domain) -> socket2::Domain {
    match domain {
        Domain::V4 => socket2::Domain::IPV4,
        Domain::V6 => socket2::Domain::IPV6,
        Domain::Unix => socket2::Domain::UNIX,
    }
}

/// The type, non-blocking from birth where the system has that.
fn type_of(kind: Kind) -> Type {
    let of = match kind {
        Kind::Stream => Type::STREAM,
        Kind::Datagram => Type::DGRAM,
        Kind::SeqPacket => Type::SEQPACKET,
    };
    #[cfg(not(target_vendor = "apple"))]
    let of = of.nonblocking().cloexec();
    of
}

/// A fresh socket, made non-blocking where the type could not say so.
fn settle(socket: Socket) -> io::Result<Socket> {
    #[cfg(target_vendor = "apple")]
    {
        socket.os.set_cloexec(true)?;
        socket.os.set_nosigpipe(true)?;
        socket.os.set_nonblocking(true)?;
    }
    Ok(socket)
}
