//! [`Socket`]: BSD's verbs and options one by one, in socket2's shape and names.
//!
//! For what the other types have no method for: options before `bind` or `connect`, a backlog of
//! one's own, sockets of any kind behind one type. It turns into the others and back without cost.
//! [`Domain`], [`Type`], [`Protocol`], [`SockAddr`] and [`TcpKeepalive`] are socket2's too; buffers
//! are plain `&mut [u8]`.
//!
//! Beyond socket2 it tells how much it holds ([`Socket::bytes_queued`]) and how its TCP stands
//! ([`Socket::tcp_info`]), and forgets its peer ([`Socket::disconnect`]).
//!
//! What socket2 0.6 has and this has not, or otherwise:
//!
//! | socket2 | here |
//! | --- | --- |
//! | `new_raw`, `pair_raw`, `accept_raw`, `accept4`, `Type::nonblocking`, `Type::cloexec` | every descriptor is non-blocking and closed on exec underneath; [`Socket::set_nonblocking`] is what a caller sees of it |
//! | control data of `MsgHdr` and `MsgHdrMut` as bytes | typed: [`Control`] and [`ReceivedControl`]. A descriptor is a handle, also in a simulation |
//! | `MsgHdr::with_flags`, `MsgHdrMut::control_len` | none: sendmsg(2) ignores the one, and the other is the list's length |
//! | `RecvFlags::is_confirm`, `is_dont_route` | none: no socket that a hub has says so |
//! | flags but `MSG_PEEK`, `MSG_DONTWAIT`, `MSG_OOB`, `MSG_NOSIGNAL`, `MSG_MORE`, `MSG_EOR` | [`Unsupported`](std::io::ErrorKind::Unsupported) |
//! | `set_read_timeout(Some(0))` for none | `InvalidInput`, as everywhere in std |
//! | `set_read_timeout`, `set_write_timeout` | kept by the driver, to the nanosecond; the system's own (`SO_RCVTIMEO`) is never set |
//! | `Domain::VSOCK`, `Domain::PACKET`, `Type::RAW`, `Type::DCCP`, `Protocol::ICMPV4`, `SCTP`, `MPTCP`, … | [`Unsupported`](std::io::ErrorKind::Unsupported): the waist has TCP, UDP and the Unix domain |
//! | `header_included_*`, `set_dccp_*`, `dccp_*` | none: options of such sockets |
//! | `attach_filter`, `detach_filter`, `cookie`, `original_dst_*`, `sendfile`, `bind_device_by_index_*`, `device_index_*` | none: they speak of the system's own things. Through [`Socket::try_as_raw_fd`] |
//! | `SockAddr::view_as`, `try_init`, `as_ptr`, `as_storage`, `len`, `vsock`, … | none: an address is a value here, not storage |
//! | `SockRef::from(&stream)` | `Socket::from(stream.try_clone()?)` |
//! | `AsFd`, `AsRawFd`, `IntoRawFd`, `FromRawFd`, `From<OwnedFd>` | [`Socket::try_as_raw_fd`], [`Socket::try_to_owned_fd`], [`Socket::from_fd`], which may fail: not every hub has descriptors |

mod address;
mod bytes;
mod facts;
mod flags;
mod keepalive;
mod kind;
mod message;
mod options;

use std::ffi::c_int;
use std::fmt;
use std::io;
use std::time::Duration;

pub use crate::hub::{PacketInfoV4, PacketInfoV6, RecvFlags};
pub use crate::hub::{Queued, TcpInfo, TcpState};
pub use address::SockAddr;
pub use keepalive::TcpKeepalive;
pub use kind::{Domain, Protocol, Type};
pub use message::{Control, MsgHdr, MsgHdrMut, ReceivedControl};
pub use options::InterfaceIndexOrAddress;

use super::handle::{handle, reads, socket_modes, timeouts, writes};
use super::{Shutdown, TcpListener, TcpStream, UdpSocket};
use crate::call::{Descriptor, Direction};
use crate::hub;
use crate::io::{PipeReader, PipeWriter};
use crate::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

/// A socket of any kind, with BSD's verbs. See the [module's documentation](self).
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::net::{Domain, Socket, SocketAddr, TcpListener, Type};
///
/// let socket = Socket::new(Domain::IPV6, Type::STREAM, None)?;
/// socket.set_only_v6(false)?;
/// socket.set_reuse_port(true)?;
/// socket.bind(&"[::]:80".parse::<SocketAddr>().unwrap().into())?;
/// socket.listen(4096)?;
/// let listener = TcpListener::from(socket);
/// # Ok(()) }
/// ```
pub struct Socket(Descriptor);

handle!(Socket);
socket_modes!(Socket);
timeouts!(Socket);
reads!(Socket, &Socket);
writes!(Socket, &Socket);

impl Socket {
    /// Makes a socket that is neither bound nor connected. There is one protocol for each domain
    /// and type, so `None` always names it.
    ///
    /// # Errors
    ///
    /// `EPROTONOSUPPORT` for a protocol that does not fit; `EAFNOSUPPORT` and `EINVAL` for numbers
    /// that no system has a family or a type by; `Unsupported` for what the hub has not;
    /// `EMFILE` where descriptors are out; `NotConnected` outside a hub.
    pub fn new(domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
        let (domain, kind) = (domain.to_hub()?, ty.to_hub()?);
        protocol.map_or(Ok(()), |protocol| protocol.fits(domain, kind))?;
        Descriptor::socket(domain, kind).map(Socket)
    }

    /// Makes two sockets that are connected to each other; of the Unix domain, on most systems.
    ///
    /// # Errors
    ///
    /// `Unsupported` (`EOPNOTSUPP`) for another domain; else as [`new`](Socket::new).
    pub fn pair(
        domain: Domain,
        ty: Type,
        protocol: Option<Protocol>,
    ) -> io::Result<(Socket, Socket)> {
        let (domain, kind) = (domain.to_hub()?, ty.to_hub()?);
        protocol.map_or(Ok(()), |protocol| protocol.fits(domain, kind))?;
        let (a, b) = Descriptor::pair(domain, kind)?;
        Ok((Socket(a), Socket(b)))
    }

    /// Gives it its local address; port 0 asks for a free one.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` as the system has them; `EINVAL` where
    /// it is bound already; `EAFNOSUPPORT` for another family's address.
    pub fn bind(&self, address: &SockAddr) -> io::Result<()> {
        self.0.ask(|hub, io| hub.bind(io, &address.0))
    }

    /// Connects, and waits for it no longer than the socket's write timeout.
    ///
    /// On a non-blocking socket, and when the time is up, the attempt goes on: `EINPROGRESS` says
    /// so, `EALREADY` from then on, and the first call after its end how it went.
    /// [`wait_write`](crate::wait::wait_write) waits for that end.
    ///
    /// # Errors
    ///
    /// `EINPROGRESS` and `EALREADY` (there is no kind for the latter) as above, in the Unix domain
    /// `WouldBlock`; `EISCONN` once connected; `ConnectionRefused`, `TimedOut` and others as the
    /// system has them.
    pub fn connect(&self, address: &SockAddr) -> io::Result<()> {
        self.0.connect_or_go_on(&address.0)
    }

    /// Connects within `timeout`, whatever the socket's modes. An attempt that is out of time goes
    /// on until the socket is closed.
    ///
    /// # Errors
    ///
    /// `TimedOut` when the time is up, which a zero timeout is after one try; else as
    /// [`connect`](Socket::connect).
    pub fn connect_timeout(&self, addr: &SockAddr, timeout: Duration) -> io::Result<()> {
        self.0.connect(&addr.0, Some(timeout))
    }

    /// Makes a bound stream socket accept connections, of which about `backlog` may wait for
    /// [`accept`](Socket::accept); a negative one is the most the system has.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where somebody listens there; `EINVAL` once connected.
    pub fn listen(&self, backlog: c_int) -> io::Result<()> {
        let backlog = u32::try_from(backlog).unwrap_or(u32::MAX);
        self.0.ask(|hub, io| hub.listen(io, backlog))
    }

    /// Takes the oldest finished connection, and says whose it is. It waits as a receive does. A TCP
    /// connection has its listener's timeouts, as on Linux.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it may not wait, or no longer; `EINVAL` on what does not listen; `EBADF`
    /// once closed; `EMFILE` where descriptors are out.
    pub fn accept(&self) -> io::Result<(Socket, SockAddr)> {
        let (accepted, peer) = self.0.accept()?;
        if peer.domain() != hub::Domain::Unix {
            accepted.inherit_timeouts(&self.0);
        }
        Ok((Socket(accepted), SockAddr(peer)))
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.0.ask(|hub, io| hub.local_addr(io)).map(SockAddr)
    }

    /// The address of the connected peer.
    ///
    /// # Errors
    ///
    /// `NotConnected` where there is none; `EBADF` once closed.
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        self.0.ask(|hub, io| hub.peer_addr(io)).map(SockAddr)
    }

    /// Whether calls return `WouldBlock` where they would wait.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn nonblocking(&self) -> io::Result<bool> {
        self.0.ask(|_, _| Ok(self.0.is_nonblocking()))
    }

    /// Whether its descriptor is closed when the process runs another program (`FD_CLOEXEC`), which it
    /// is from birth. In a simulation no program is ever run, and this only says what was set.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed; `Unsupported` on a hub without descriptors.
    pub fn cloexec(&self) -> io::Result<bool> {
        self.0.ask(|hub, io| hub.cloexec(io))
    }

    /// Sets whether its descriptor is closed when the process runs another program, as
    /// [`cloexec`](Socket::cloexec) says. Clones have descriptors of their own.
    ///
    /// # Errors
    ///
    /// As of [`cloexec`](Socket::cloexec).
    pub fn set_cloexec(&self, close_on_exec: bool) -> io::Result<()> {
        self.0.ask(|hub, io| hub.set_cloexec(io, close_on_exec))
    }

    /// Ends reading, writing or both, for every clone. Those parked in what ended wake.
    ///
    /// # Errors
    ///
    /// `NotConnected` where no peer is; `EBADF` once closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.ask(|hub, io| hub.shutdown(io, how))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_number("Socket", f)
    }
}

macro_rules! same_socket {
    ($($type:ident),*) => {$(
        /// The same socket, with its timeouts and modes.
        impl From<$type> for Socket {
            fn from(handle: $type) -> Socket {
                Socket(handle.0)
            }
        }
        /// The same socket. Nobody asks whether it is of this type: calls that do not fit it return
        /// errors.
        impl From<Socket> for $type {
            fn from(socket: Socket) -> $type {
                $type(socket.0)
            }
        }
    )*};
}

same_socket!(TcpStream, TcpListener, UdpSocket, UnixStream, UnixListener, UnixDatagram);
// An end of a pipe that came with a message is a socket to whoever does not know better.
same_socket!(PipeReader, PipeWriter);
