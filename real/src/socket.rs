//! One socket of the operating system, and what is remembered of its readiness.
//!
//! It is watched from the first call that would block, edge-triggered and for both directions, and
//! until it is closed: an unconnected TCP socket, which epoll calls hung up at once, is thus never
//! watched by accident. Waiting and waking are not known here.
//!
//! A stream that gave fewer bytes than asked for is drained, so the next read would only be told
//! so: it answers `WouldBlock` from memory, *once*, which saves a system call a message. What comes
//! later is a new edge. The guess is wrong, and not made, where an end, an error or urgent data
//! (whose mark cuts a read short) was already reported.

use std::io::{self, Read};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use greenroom::hub::{Domain, Interest, Kind, Opt, Take, unsupported};
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Registry, Token};
use socket2::{SockAddr, Type};

use crate::sys;

/// A peer that is gone makes a write an error, not a signal.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: libc::c_int = 0;

pub(crate) struct Socket {
    os: socket2::Socket,
    kind: Kind,
    watched: bool,
    /// A read came back short: the next one is not tried.
    drained: bool,
    /// A write came back short: the next one is not tried.
    full: bool,
    /// An end, an error or urgent data was reported: a short read proves nothing any more.
    read_marked: bool,
    write_marked: bool,
    connecting: bool,
    /// The connection attempt was reported to be over, well or badly.
    attempted: bool,
    bound: bool,
}

impl Socket {
    pub(crate) fn new(domain: Domain, kind: Kind) -> io::Result<Socket> {
        let domain = match domain {
            Domain::V4 => socket2::Domain::IPV4,
            Domain::V6 => socket2::Domain::IPV6,
            Domain::Unix => return Err(unsupported("Unix sockets")),
        };
        let of = match kind {
            Kind::Stream => Type::STREAM,
            Kind::Datagram => Type::DGRAM,
            Kind::SeqPacket => Type::SEQPACKET,
        };
        let os = new_nonblocking(domain, of)?;
        Ok(Socket::over(os, kind))
    }

    /// A non-blocking socket that exists already.
    pub(crate) fn over(os: socket2::Socket, kind: Kind) -> Socket {
        Socket {
            os,
            kind,
            watched: false,
            drained: false,
            full: false,
            read_marked: false,
            write_marked: false,
            connecting: false,
            attempted: false,
            bound: false,
        }
    }

    pub(crate) fn dup(&self) -> io::Result<Socket> {
        let os = self.os.try_clone()?;
        Ok(Socket { connecting: self.connecting, bound: self.bound, ..Socket::over(os, self.kind) })
    }

    // Readiness.

    pub(crate) fn is_watched(&self) -> bool {
        self.watched
    }

    /// Has the poll report this socket from now on. Its present readiness is reported too.
    pub(crate) fn watch(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        if !self.watched {
            let both = mio::Interest::READABLE | mio::Interest::WRITABLE;
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let both = both | mio::Interest::PRIORITY;
            registry.register(&mut SourceFd(&self.os.as_raw_fd()), token, both)?;
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

    /// Takes a report in; answers what may be tried again.
    pub(crate) fn hear(&mut self, event: &Event) -> Interest {
        let over = event.is_error();
        let mut ready = Interest::NONE;
        if over || event.is_readable() || event.is_read_closed() {
            self.drained = false;
            ready = ready.with(Interest::READ);
        }
        if over || event.is_writable() || event.is_write_closed() {
            self.full = false;
            self.attempted = true;
            ready = ready.with(Interest::WRITE);
        }
        self.read_marked |= over || event.is_read_closed() || event.is_priority();
        self.write_marked |= over || event.is_write_closed();
        ready
    }

    /// What would not block now, asked of the system.
    pub(crate) fn readiness(&mut self) -> io::Result<Interest> {
        let ready = sys::readiness(self.os.as_fd())?;
        self.drained &= !ready.reads();
        self.full &= !ready.writes();
        Ok(ready)
    }

    // Bytes.

    pub(crate) fn recv(&mut self, buf: &mut [u8], take: Take) -> io::Result<usize> {
        if std::mem::take(&mut self.drained) {
            return Err(would_block());
        }
        match take {
            Take::Peek => self.os.peek(sys::as_uninit(buf)),
            Take::Remove => {
                let n = (&self.os).read(buf)?;
                self.drained =
                    self.kind == Kind::Stream && 0 < n && n < buf.len() && !self.read_marked;
                Ok(n)
            }
        }
    }

    pub(crate) fn send(&mut self, buf: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.full) {
            return Err(would_block());
        }
        let n = self.os.send_with_flags(buf, SEND_FLAGS)?;
        self.full = self.kind == Kind::Stream && n < buf.len() && !self.write_marked;
        Ok(n)
    }

    pub(crate) fn recv_from(&self, buf: &mut [u8], take: Take) -> io::Result<(usize, SocketAddr)> {
        let buf = sys::as_uninit(buf);
        let (n, peer) = match take {
            Take::Remove => self.os.recv_from(buf)?,
            Take::Peek => self.os.peek_from(buf)?,
        };
        Ok((n, internet(&peer)?))
    }

    pub(crate) fn send_to(&self, buf: &[u8], peer: SocketAddr) -> io::Result<usize> {
        self.os.send_to_with_flags(buf, &SockAddr::from(peer), SEND_FLAGS)
    }

    // Connections.

    pub(crate) fn bind(&mut self, local: SocketAddr) -> io::Result<()> {
        self.os.bind(&SockAddr::from(local))?;
        self.bound = true;
        Ok(())
    }

    /// Connects from this address, unless the socket has one.
    pub(crate) fn leave_from(&mut self, source: Ipv4Addr) -> io::Result<()> {
        if !self.bound && !self.connecting {
            sys::bind_source(&self.os, source)?;
            self.bound = true;
        }
        Ok(())
    }

    pub(crate) fn listen(&self, backlog: u32) -> io::Result<()> {
        self.os.listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    /// Starts a connection; once one is under way, says how it went.
    pub(crate) fn connect(&mut self, peer: SocketAddr) -> io::Result<()> {
        if self.connecting {
            return self.how_it_went();
        }
        match self.os.connect(&SockAddr::from(peer)) {
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                self.connecting = true;
                self.attempted = false;
                Err(io::ErrorKind::WouldBlock.into())
            }
            answer => answer,
        }
    }

    /// An attempt is over when the socket is writable; its error is then pending, and without one
    /// only a peer's address proves that it stands.
    fn how_it_went(&mut self) -> io::Result<()> {
        if !self.attempted && !sys::readiness(self.os.as_fd())?.writes() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.attempted = false;
        if let Some(error) = self.os.take_error()? {
            self.connecting = false;
            return Err(error);
        }
        match self.os.peer_addr() {
            Err(error) if error.raw_os_error() == Some(libc::ENOTCONN) => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            stands => {
                self.connecting = false;
                stands.map(|_| ())
            }
        }
    }

    pub(crate) fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        let (os, peer) = sys::accept(&self.os)?;
        Ok((Socket { bound: true, ..Socket::over(os, Kind::Stream) }, internet(&peer)?))
    }

    pub(crate) fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        (self.drained, self.full) = (false, false);
        self.os.shutdown(how)
    }

    // Addresses and options.

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.os.local_addr()?)
    }
    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        internet(&self.os.peer_addr()?)
    }
    pub(crate) fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.os.take_error()
    }

    pub(crate) fn option(&self, option: Opt) -> io::Result<u32> {
        let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        match option {
            Opt::NoDelay => self.os.tcp_nodelay().map(u32::from),
            Opt::Ttl => self.os.ttl_v4(),
            Opt::ReuseAddress => self.os.reuse_address().map(u32::from),
            Opt::Broadcast => self.os.broadcast().map(u32::from),
            Opt::SendBuffer => self.os.send_buffer_size().map(size),
            Opt::RecvBuffer => self.os.recv_buffer_size().map(size),
            Opt::Linger => Ok(match self.os.linger()? {
                None => 0,
                Some(time) => u32::try_from(time.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
            }),
            _ => Err(unsupported(&format!("the option {option:?}"))),
        }
    }

    pub(crate) fn set_option(&self, option: Opt, value: u32) -> io::Result<()> {
        match option {
            Opt::NoDelay => self.os.set_tcp_nodelay(value != 0),
            Opt::Ttl => self.os.set_ttl_v4(value),
            Opt::ReuseAddress => self.os.set_reuse_address(value != 0),
            Opt::Broadcast => self.os.set_broadcast(value != 0),
            Opt::SendBuffer => self.os.set_send_buffer_size(value as usize),
            Opt::RecvBuffer => self.os.set_recv_buffer_size(value as usize),
            Opt::Linger => {
                let time = value.checked_sub(1).map(|secs| Duration::from_secs(secs.into()));
                self.os.set_linger(time)
            }
            _ => Err(unsupported(&format!("the option {option:?}"))),
        }
    }
}

/// What the system would have answered: by number, which is what callers look at first.
fn would_block() -> io::Error {
    io::Error::from_raw_os_error(libc::EAGAIN)
}

#[cfg(not(target_vendor = "apple"))]
fn new_nonblocking(domain: socket2::Domain, of: Type) -> io::Result<socket2::Socket> {
    socket2::Socket::new_raw(domain, of.nonblocking().cloexec(), None)
}

#[cfg(target_vendor = "apple")]
fn new_nonblocking(domain: socket2::Domain, of: Type) -> io::Result<socket2::Socket> {
    let os = socket2::Socket::new(domain, of, None)?;
    os.set_nonblocking(true)?;
    Ok(os)
}

/// The internet address in this one; other families have none to show.
fn internet(address: &SockAddr) -> io::Result<SocketAddr> {
    address.as_socket().ok_or_else(|| io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
}
