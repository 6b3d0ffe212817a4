//! [`UnixDatagram`], as in std.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{SocketAddr, at_path};
use crate::call::{Descriptor, Direction};
use crate::hub::{Address, Domain, Kind, Take};
use crate::net::Shutdown;
use crate::net::handle::{handle, socket_modes, timeouts};

/// A socket for datagrams between processes of one host. See
/// [`std::os::unix::net::UnixDatagram`].
///
/// None is lost and none overtakes another: a send waits while the receiver's queue is full.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::os::unix::net::UnixDatagram;
///
/// let socket = UnixDatagram::unbound()?;
/// socket.send_to(b"up", "/run/watchdog.sock")?;
/// # Ok(()) }
/// ```
pub struct UnixDatagram(pub(crate) Descriptor);

handle!(UnixDatagram);
socket_modes!(UnixDatagram);
timeouts!(UnixDatagram);

impl UnixDatagram {
    /// Receives on this path, which must not exist.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where there is such a path; `NotFound` where its folder is not;
    /// `InvalidInput` for one that is too long; `NotConnected` outside a hub.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_to(&at_path(path.as_ref())?)
    }

    /// Receives on this address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// As [`bind`](UnixDatagram::bind).
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_to(&Address::from(socket_addr.clone()))
    }

    fn bind_to(local: &Address) -> io::Result<UnixDatagram> {
        let socket = UnixDatagram::unbound()?;
        socket.0.ask(|hub, io| hub.bind(io, local))?;
        Ok(socket)
    }

    /// Makes a socket without a name: it can send, and nobody can answer it.
    ///
    /// # Errors
    ///
    /// `EMFILE` where descriptors are out; `NotConnected` outside a hub.
    pub fn unbound() -> io::Result<UnixDatagram> {
        Descriptor::socket(Domain::Unix, Kind::Datagram).map(UnixDatagram)
    }

    /// Makes two sockets without names that are connected to each other.
    ///
    /// # Errors
    ///
    /// As [`unbound`](UnixDatagram::unbound).
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (a, b) = Descriptor::pair(Domain::Unix, Kind::Datagram)?;
        Ok((UnixDatagram(a), UnixDatagram(b)))
    }

    /// Sets whom [`send`](UnixDatagram::send) sends to, and the only one that is heard.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no such path; `ConnectionRefused` where nobody receives on it any
    /// more; `InvalidInput` for one that is too long. It never waits.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.connect_to(&at_path(path.as_ref())?)
    }

    /// As [`connect`](UnixDatagram::connect), to an address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixDatagram::connect).
    pub fn connect_addr(&self, socket_addr: &SocketAddr) -> io::Result<()> {
        self.connect_to(&Address::from(socket_addr.clone()))
    }

    fn connect_to(&self, peer: &Address) -> io::Result<()> {
        self.0.ask(|hub, io| hub.connect(io, peer))
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_unix()
    }

    /// The address of the connected peer.
    ///
    /// # Errors
    ///
    /// `NotConnected` where there is none; `EBADF` once closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_unix()
    }

    /// Receives one datagram, and who sent it. What does not fit the buffer is lost.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it may not wait, or no longer; `EBADF` once closed.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.block("recv_from", Direction::Read, |hub, io| {
            let (n, peer) = hub.recv_from(io, buf, Take::Remove)?;
            Ok((n, peer.unix()?.clone()))
        })
    }

    /// Receives one datagram. What does not fit the buffer is lost.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](UnixDatagram::recv_from).
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("recv", Direction::Read, |hub, io| hub.recv(io, buf, Take::Remove))
    }

    /// Sends one datagram to this path, whole or not at all.
    ///
    /// # Errors
    ///
    /// `NotFound` and `ConnectionRefused` as [`connect`](UnixDatagram::connect)'s; `EMSGSIZE` when
    /// it is too long; `PermissionDenied` when the receiver is connected to somebody else;
    /// `WouldBlock`; `EBADF` once closed.
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        self.send_it(buf, &at_path(path.as_ref())?)
    }

    /// As [`send_to`](UnixDatagram::send_to), to an address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// As [`send_to`](UnixDatagram::send_to).
    pub fn send_to_addr(&self, buf: &[u8], socket_addr: &SocketAddr) -> io::Result<usize> {
        self.send_it(buf, &Address::from(socket_addr.clone()))
    }

    fn send_it(&self, buf: &[u8], peer: &Address) -> io::Result<usize> {
        self.0.block("send_to", Direction::Write, |hub, io| hub.send_to(io, buf, peer))
    }

    /// Sends one datagram to the connected peer, whole or not at all.
    ///
    /// # Errors
    ///
    /// `NotConnected` where there is none; `ConnectionRefused` where it is gone; else as
    /// [`send_to`](UnixDatagram::send_to).
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.block("send", Direction::Write, |hub, io| hub.send(io, buf))
    }

    /// Ends receiving, sending or both, for every clone. Those parked in what ended wake.
    ///
    /// # Errors
    ///
    /// `NotConnected` where no peer is; `EBADF` once closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.ask(|hub, io| hub.shutdown(io, how))
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_unix("UnixDatagram", true, f)
    }
}
