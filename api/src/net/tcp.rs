//! [`TcpStream`], [`TcpListener`] and [`Incoming`], as in std.

use std::fmt;
use std::io;
use std::time::Duration;

use super::handle::{handle, packet_ttl, reads, socket_modes, timeouts, writes};
use super::{Shutdown, SocketAddr, ToSocketAddrs, domain_of, each_address};
use crate::call::{Descriptor, Direction, refuse_zero};
use crate::hub::{Hub, Io, Kind, Opt, Take};

/// How many finished connections std lets wait for `accept`.
const BACKLOG: u32 = 128;

/// A TCP connection. See [`std::net::TcpStream`].
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
/// use greenroom::net::TcpStream;
///
/// let mut stream = TcpStream::connect("srv:7")?;
/// stream.write_all(b"hello")?;
/// let mut echo = [0; 5];
/// stream.read_exact(&mut echo)?;
/// # Ok(()) }
/// ```
pub struct TcpStream(pub(crate) Descriptor);

handle!(TcpStream);
socket_modes!(TcpStream);
timeouts!(TcpStream);
packet_ttl!(TcpStream);
reads!(TcpStream, &TcpStream);
writes!(TcpStream, &TcpStream);

impl TcpStream {
    /// Connects to the first of the addresses that answers, one after the other.
    /// [`connect_racing`](super::connect_racing) does not wait for one that is silent.
    ///
    /// # Errors
    ///
    /// The last address's error, [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) or
    /// [`TimedOut`](io::ErrorKind::TimedOut) among others; the look-up's; `InvalidInput` where there
    /// is no address; `NotConnected` outside a hub.
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        each_address(addr, |address| TcpStream::connect_one(address, None))
    }

    /// Connects to one address within `timeout`.
    ///
    /// # Errors
    ///
    /// `TimedOut` when the time is up; `InvalidInput` for a zero timeout; else as
    /// [`connect`](TcpStream::connect).
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        refuse_zero(timeout)?;
        TcpStream::connect_one(*addr, Some(timeout))
    }

    pub(super) fn connect_one(
        peer: SocketAddr,
        timeout: Option<Duration>,
    ) -> io::Result<TcpStream> {
        let made = Descriptor::socket(domain_of(&peer), Kind::Stream)?;
        made.connect(&peer.into(), timeout)?;
        Ok(TcpStream(made))
    }

    /// Connects from one address to another.
    pub(super) fn connect_from(
        source: Option<SocketAddr>,
        peer: SocketAddr,
        timeout: Option<Duration>,
    ) -> io::Result<TcpStream> {
        let made = Descriptor::socket(domain_of(&peer), Kind::Stream)?;
        if let Some(source) = source {
            made.ask(|hub, io| hub.bind(io, &source.into()))?;
        }
        made.connect(&peer.into(), timeout)?;
        Ok(TcpStream(made))
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// `NotConnected` once the connection is over, if it was reset; `EBADF` once closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_inet()
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_inet()
    }

    /// Ends reading, writing or both, for every clone. Those parked in what ended wake.
    ///
    /// # Errors
    ///
    /// `NotConnected` where there is no connection any more; `EBADF` once closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.ask(|hub, io| hub.shutdown(io, how))
    }

    /// Reads without taking: the next read sees the same bytes.
    ///
    /// # Errors
    ///
    /// As a read's.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("peek", Direction::Read, |hub, io| hub.recv(io, buf, Take::Peek))
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set(Opt::NoDelay, nodelay.into())
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.flag(Opt::NoDelay)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_inet("TcpStream", true, f)
    }
}

/// A socket that accepts TCP connections. See [`std::net::TcpListener`].
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::io::copy;
/// use greenroom::{net::TcpListener, thread};
///
/// let listener = TcpListener::bind("0.0.0.0:7")?;
/// for stream in listener.incoming() {
///     let stream = stream?;
///     thread::spawn(move || copy(&mut &stream, &mut &stream));
/// }
/// # Ok(()) }
/// ```
pub struct TcpListener(pub(super) Descriptor);

handle!(TcpListener);
socket_modes!(TcpListener);
packet_ttl!(TcpListener);

impl TcpListener {
    /// Listens on the first of the addresses that can be bound. As std does on Unix, it may be one
    /// that an earlier listener of the process left connections on (`SO_REUSEADDR`).
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` as the system has them, of the last
    /// address; `NotConnected` outside a hub.
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        each_address(addr, |local| {
            let made = Descriptor::socket(domain_of(&local), Kind::Stream)?;
            made.ask(|hub, io| listen(hub, io, local))?;
            Ok(TcpListener(made))
        })
    }

    /// The address it listens on, with the port that was chosen if 0 was asked for.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_inet()
    }

    /// Takes the oldest finished connection, and says whose it is.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it may not wait, or no longer; `EBADF` once closed; `EMFILE` where
    /// descriptors are out.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (accepted, peer) = self.0.accept()?;
        Ok((TcpStream(accepted), peer.inet()?))
    }

    /// The connections to come, without end: each what [`accept`](TcpListener::accept) returns.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// How long `accept` may take; `None` is for ever. Not in std.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero; `EBADF` once closed.
    pub fn set_accept_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Read, timeout)
    }

    /// Sets whether it takes IPv6 connections only (`IPV6_V6ONLY`).
    ///
    /// # Errors
    ///
    /// `EINVAL`: it is bound, and the option must come before. [`Socket`](super::Socket) can.
    #[deprecated(since = "0.1.0", note = "deprecated in std: it comes too late once bound")]
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.0.set(Opt::OnlyV6, only_v6.into())
    }

    /// Whether it takes IPv6 connections only (`IPV6_V6ONLY`).
    ///
    /// # Errors
    ///
    /// The system's where it is of IPv4; `EBADF` once closed.
    #[deprecated(since = "0.1.0", note = "deprecated in std: it comes too late once bound")]
    pub fn only_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::OnlyV6)
    }
}

fn listen(hub: &mut dyn Hub, io: Io, local: SocketAddr) -> io::Result<()> {
    hub.set_option(io, Opt::ReuseAddress, 1)?;
    hub.bind(io, &local.into())?;
    hub.listen(io, BACKLOG)
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_inet("TcpListener", false, f)
    }
}

/// The connections of a listener, without end. See [`std::net::Incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;
    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl std::iter::FusedIterator for Incoming<'_> {}
