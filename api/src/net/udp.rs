//! [`UdpSocket`], as in std.

use std::fmt;
use std::io;
use std::time::Duration;

use super::handle::{handle, packet_ttl, socket_modes, timeouts};
use super::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, domain_of, each_address};
use crate::call::{Descriptor, Direction};
use crate::hub::{Address, Group, Kind, Opt, Take};

/// A UDP socket. See [`std::net::UdpSocket`].
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::net::UdpSocket;
///
/// let socket = UdpSocket::bind("0.0.0.0:0")?;
/// socket.send_to(b"ping", "srv:9")?;
/// # Ok(()) }
/// ```
pub struct UdpSocket(pub(super) Descriptor);

handle!(UdpSocket);
socket_modes!(UdpSocket);
timeouts!(UdpSocket);
packet_ttl!(UdpSocket);

impl UdpSocket {
    /// Binds to the first of the addresses that can be bound; port 0 asks for a free one.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` as the system has them, of the last
    /// address; `NotConnected` outside a hub.
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        each_address(addr, |local| {
            let made = Descriptor::socket(domain_of(&local), Kind::Datagram)?;
            made.ask(|hub, io| hub.bind(io, &local.into()))?;
            Ok(UdpSocket(made))
        })
    }

    /// Sets whom [`send`](UdpSocket::send) sends to, and the only one that is heard from here on.
    ///
    /// # Errors
    ///
    /// The last address's; it never waits but for a look-up.
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        each_address(addr, |peer| self.0.ask(|hub, io| hub.connect(io, &peer.into())))
    }

    /// Receives one datagram, and who sent it. What does not fit the buffer is lost.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it may not wait, or no longer; `ConnectionRefused` when an earlier send
    /// met a closed port; `EBADF` once closed.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.block("recv_from", Direction::Read, |hub, io| {
            from_inet(hub.recv_from(io, buf, Take::Remove)?)
        })
    }

    /// Receives one datagram without taking it.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](UdpSocket::recv_from).
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.block("peek_from", Direction::Read, |hub, io| {
            from_inet(hub.recv_from(io, buf, Take::Peek)?)
        })
    }

    /// Sends one datagram to the first of the addresses, whole or not at all.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` when it is too long; `PermissionDenied` to a broadcast address without
    /// [`set_broadcast`](UdpSocket::set_broadcast); `WouldBlock`; `EBADF` once closed.
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> io::Result<usize> {
        match addr.to_socket_addrs()?.next() {
            Some(peer) => {
                let peer = peer.into();
                self.0.block("send_to", Direction::Write, |hub, io| hub.send_to(io, buf, &peer))
            }
            None => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "no addresses to send data to"))
            }
        }
    }

    /// Receives one datagram of the connected peer, or of anybody where there is none.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](UdpSocket::recv_from).
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("recv", Direction::Read, |hub, io| hub.recv(io, buf, Take::Remove))
    }

    /// Receives one datagram of the connected peer without taking it.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](UdpSocket::recv_from).
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("peek", Direction::Read, |hub, io| hub.recv(io, buf, Take::Peek))
    }

    /// Sends one datagram to the connected peer, whole or not at all.
    ///
    /// # Errors
    ///
    /// `EDESTADDRREQ` where none is connected; `ConnectionRefused` when an earlier one met a closed
    /// port; else as [`send_to`](UdpSocket::send_to).
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.block("send", Direction::Write, |hub, io| hub.send(io, buf))
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_inet()
    }

    /// The address of the connected peer.
    ///
    /// # Errors
    ///
    /// `NotConnected` where there is none; `EBADF` once closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_inet()
    }

    /// Sets whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// `Unsupported` on a hub without broadcast; `EBADF` once closed.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.set(Opt::Broadcast, broadcast.into())
    }

    /// Whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.flag(Opt::Broadcast)
    }
}

/// Multicast: groups, and how their datagrams travel. A hub without it returns
/// [`Unsupported`](io::ErrorKind::Unsupported).
impl UdpSocket {
    /// Joins a group, on the interface of this address; the unspecified one leaves it to the system
    /// (`IP_ADD_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// `AddrInUse` for a group it is in; `EINVAL` for an address of no group; `ENODEV` where there
    /// is no such interface.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.ask(|hub, io| hub.join(io, Group::V4(*group, *interface)))
    }

    /// Joins a group, on the interface of this index; 0 leaves it to the system
    /// (`IPV6_ADD_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// As [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.ask(|hub, io| hub.join(io, Group::V6(*group, interface)))
    }

    /// Leaves a group that was joined so (`IP_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` for a group it is not in.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.ask(|hub, io| hub.leave(io, Group::V4(*group, *interface)))
    }

    /// Leaves a group that was joined so (`IPV6_DROP_MEMBERSHIP`).
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` for a group it is not in.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.ask(|hub, io| hub.leave(io, Group::V6(*group, interface)))
    }

    /// Sets whether this host hears what it sends to a group (`IP_MULTICAST_LOOP`).
    pub fn set_multicast_loop_v4(&self, multicast_loop_v4: bool) -> io::Result<()> {
        self.0.set(Opt::MulticastLoop, multicast_loop_v4.into())
    }
    /// Whether this host hears what it sends to a group (`IP_MULTICAST_LOOP`).
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::MulticastLoop)
    }
    /// Sets how many hops a datagram to a group may take (`IP_MULTICAST_TTL`), 1 by default.
    pub fn set_multicast_ttl_v4(&self, multicast_ttl_v4: u32) -> io::Result<()> {
        self.0.set(Opt::MulticastTtl, multicast_ttl_v4)
    }
    /// How many hops a datagram to a group may take (`IP_MULTICAST_TTL`).
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.0.get(Opt::MulticastTtl)
    }
    /// Sets whether this host hears what it sends to a group (`IPV6_MULTICAST_LOOP`).
    pub fn set_multicast_loop_v6(&self, multicast_loop_v6: bool) -> io::Result<()> {
        self.0.set(Opt::MulticastLoopV6, multicast_loop_v6.into())
    }
    /// Whether this host hears what it sends to a group (`IPV6_MULTICAST_LOOP`).
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::MulticastLoopV6)
    }
}

fn from_inet((n, peer): (usize, Address)) -> io::Result<(usize, SocketAddr)> {
    Ok((n, peer.inet()?))
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_inet("UdpSocket", false, f)
    }
}
