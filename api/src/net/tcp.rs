//! [`TcpStream`], [`TcpListener`] and [`Incoming`], as in std.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::time::Duration;

use super::descriptor::{Descriptor, Direction, source};
use super::{Shutdown, SocketAddr, ToSocketAddrs, domain_of, each_address};
use crate::block::Call;
use crate::driver;
use crate::hub::{Hub, Interest, Io, Kind, Opt, Take};

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
pub struct TcpStream(Descriptor);

impl TcpStream {
    /// Connects to the first of the addresses that answers.
    ///
    /// # Errors
    ///
    /// The last address's error; `NotConnected` outside a hub.
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        each_address(addr, |address| TcpStream::connect_one(address, None))
    }

    /// Connects to one address within `timeout`.
    ///
    /// # Errors
    ///
    /// `TimedOut` when the time is up; `InvalidInput` for a zero timeout.
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "cannot set a 0 duration timeout",
            ));
        }
        TcpStream::connect_one(*addr, Some(timeout))
    }

    fn connect_one(peer: SocketAddr, timeout: Option<Duration>) -> io::Result<TcpStream> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().socket(domain_of(&peer), Kind::Stream)?;
        // Owned before the wait, so that a kill or an error closes it.
        let descriptor = Descriptor::new(&driver, io);
        let call = Call {
            op: "connect",
            io,
            interest: Interest::WRITE,
            timeout,
            expiry: io::ErrorKind::TimedOut,
            nonblocking: false,
        };
        let peer = peer.into();
        call.run(&driver, |hub, io| hub.connect(io, &peer))?;
        Ok(TcpStream(descriptor))
    }

    /// The address of the other side.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.ask(|hub, io| hub.peer_addr(io)?.inet())
    }
    /// The address of this side.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.ask(|hub, io| hub.local_addr(io)?.inet())
    }
    /// Ends reading, writing or both, for every clone. Those parked in what ended wake.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.ask(|hub, io| hub.shutdown(io, how))
    }
    /// Closes this handle now: calls parked on it answer `EBADF`, and then the peer sees the end.
    /// Not in std. Closing twice is nothing.
    pub fn close(&self) {
        self.0.close();
    }
    /// A second handle of the same socket.
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        self.0.dup().map(TcpStream)
    }
    /// How long a read may take; `None` is for ever.
    pub fn set_read_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Read, dur)
    }
    /// How long a write may take; `None` is for ever.
    pub fn set_write_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Write, dur)
    }
    /// How long a read may take.
    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.io().map(|_| self.0.timeout(Direction::Read))
    }
    /// How long a write may take.
    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.io().map(|_| self.0.timeout(Direction::Write))
    }
    /// Reads without taking.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("peek", Direction::Read, |hub, io| hub.recv(io, buf, Take::Peek))
    }
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set(Opt::NoDelay, nodelay.into())
    }
    /// Whether small writes are sent at once.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.flag(Opt::NoDelay)
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

    fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.block("read", Direction::Read, |hub, io| hub.recv(io, buf, Take::Remove))
    }
    fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.block("write", Direction::Write, |hub, io| hub.send(io, buf))
    }
    fn recv_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.block("read", Direction::Read, |hub, io| hub.recv_vectored(io, bufs, Take::Remove))
    }
    fn send_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.block("write", Direction::Write, |hub, io| hub.send_vectored(io, bufs))
    }
}

macro_rules! stream_io {
    ($($type:ty),*) => {$(
        impl Read for $type {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.recv(buf)
            }
            fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.recv_vectored(bufs)
            }
        }
        impl Write for $type {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.send(buf)
            }
            fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
                self.send_vectored(bufs)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
    )*};
}

stream_io!(TcpStream, &TcpStream);

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("TcpStream", "peer", f)
    }
}

/// A socket that accepts TCP connections. See [`std::net::TcpListener`].
pub struct TcpListener(Descriptor);

impl TcpListener {
    /// Listens on the first of the addresses that can be bound.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied` as the OS has them; `NotConnected`
    /// outside a hub.
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        each_address(addr, |local| {
            let driver = driver::current().ok_or_else(driver::outside)?;
            let mut hub = driver.hub.borrow_mut();
            let io = hub.socket(domain_of(&local), Kind::Stream)?;
            let listening = listen(&mut **hub, io, local);
            if listening.is_err() {
                hub.close(io);
            }
            drop(hub);
            listening.map(|()| TcpListener(Descriptor::new(&driver, io)))
        })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.ask(|hub, io| hub.local_addr(io)?.inet())
    }
    /// A second handle of the same socket.
    pub fn try_clone(&self) -> io::Result<TcpListener> {
        self.0.dup().map(TcpListener)
    }
    /// Takes the oldest finished connection.
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.with(|driver, _| {
            // Owned within the call, which may switch before it returns: a kill then closes it.
            self.0.block("accept", Direction::Read, |hub, io| {
                let (io, peer) = hub.accept(io)?;
                let stream = TcpStream(Descriptor::new(driver, io));
                Ok((stream, peer.inet()?))
            })
        })
    }
    /// The connections to come, without end.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }
    /// How long `accept` may take; `None` is for ever. Not in std.
    pub fn set_accept_timeout(&self, dur: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Read, dur)
    }
    /// Closes this handle now: calls parked on it answer `EBADF`. Not in std.
    pub fn close(&self) {
        self.0.close();
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
    /// Whether `accept` answers `WouldBlock` where it would wait, for every clone.
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(nonblocking)
    }
}

fn listen(hub: &mut dyn Hub, io: Io, local: SocketAddr) -> io::Result<()> {
    // As std does on Unix: a restarted server may take its address again at once.
    hub.set_option(io, Opt::ReuseAddress, 1)?;
    hub.bind(io, &local.into())?;
    hub.listen(io, BACKLOG)
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug("TcpListener", "", f)
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

source!(TcpStream, TcpListener);
