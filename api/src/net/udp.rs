//! [`UdpSocket`], as in std.

use std::fmt;
use std::io;
use std::time::Duration;

use super::descriptor::{Descriptor, Direction, source};
use super::{SocketAddr, ToSocketAddrs, domain_of, each_address};
use crate::driver;
use crate::hub::{Address, Kind, Opt, Take};

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
pub struct UdpSocket(Descriptor);

impl UdpSocket {
    /// Binds to the first of the addresses that can be bound.
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        each_address(addr, |local| {
            let driver = driver::current().ok_or_else(driver::outside)?;
            let mut hub = driver.hub.borrow_mut();
            let io = hub.socket(domain_of(&local), Kind::Datagram)?;
            let bound = hub.bind(io, &local.into());
            if bound.is_err() {
                hub.close(io);
            }
            drop(hub);
            bound.map(|()| UdpSocket(Descriptor::new(&driver, io)))
        })
    }

    /// Sets whom `send` sends to and the only one `recv` hears.
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        each_address(addr, |peer| self.0.ask(|hub, io| hub.connect(io, &peer.into())))
    }
    /// Receives one datagram, cut to the buffer, and who sent it.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.block("recv_from", Direction::Read, |hub, io| {
            from_inet(hub.recv_from(io, buf, Take::Remove)?)
        })
    }
    /// Receives one datagram without taking it.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.block("peek_from", Direction::Read, |hub, io| {
            from_inet(hub.recv_from(io, buf, Take::Peek)?)
        })
    }
    /// Sends one datagram to the first of the addresses.
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
    /// Receives one datagram of the connected peer.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("recv", Direction::Read, |hub, io| hub.recv(io, buf, Take::Remove))
    }
    /// Receives one datagram of the connected peer without taking it.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("peek", Direction::Read, |hub, io| hub.recv(io, buf, Take::Peek))
    }
    /// Sends one datagram to the connected peer.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.block("send", Direction::Write, |hub, io| hub.send(io, buf))
    }
    /// The address of this side.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.ask(|hub, io| hub.local_addr(io)?.inet())
    }
    /// The address of the connected peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.ask(|hub, io| hub.peer_addr(io)?.inet())
    }
    /// A second handle of the same socket.
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        self.0.dup().map(UdpSocket)
    }
    /// Closes this handle now: calls parked on it answer `EBADF`. Not in std.
    pub fn close(&self) {
        self.0.close();
    }
    /// How long a receive may take; `None` is for ever.
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Read, dur)
    }
    /// How long a send may take; `None` is for ever.
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Write, dur)
    }
    /// How long a receive may take.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.io().map(|_| self.0.timeout(Direction::Read))
    }
    /// How long a send may take.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.io().map(|_| self.0.timeout(Direction::Write))
    }
    /// Whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.set(Opt::Broadcast, broadcast.into())
    }
    /// Whether datagrams may go to broadcast addresses.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.flag(Opt::Broadcast)
    }
    /// The hops a packet may take (`IP_TTL`).
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.set(Opt::Ttl, ttl)
    }
    /// The hops a packet may take.
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.ask(|hub, io| hub.option(io, Opt::Ttl))
    }
    /// Takes the pending error (`SO_ERROR`).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.ask(|hub, io| hub.take_error(io))
    }
    /// Whether calls answer `WouldBlock` where they would wait, for every clone.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }
}

fn from_inet((n, peer): (usize, Address)) -> io::Result<(usize, SocketAddr)> {
    Ok((n, peer.inet()?))
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("UdpSocket", "", f)
    }
}

source!(UdpSocket);
