//! [`Listener`]: what a [`StreamServer`](super::StreamServer) takes connections from.

use std::io;

use crate::net::{Domain, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, Type};
use crate::os::unix::net::{SocketAddr as UnixAddr, UnixListener, UnixStream};

/// Gives out connections until it is closed.
pub trait Listener: 'static {
    /// A connection.
    type Stream: 'static;
    /// Who calls.
    type Peer: 'static;

    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// The system's; `EBADF` once closed.
    fn next(&self) -> io::Result<(Self::Stream, Self::Peer)>;
    /// Stops listening; who waits in [`next`](Listener::next) is told.
    fn end(&self);
}

impl Listener for TcpListener {
    type Stream = TcpStream;
    type Peer = SocketAddr;

    fn next(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.accept()
    }
    fn end(&self) {
        self.close();
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;
    type Peer = UnixAddr;

    fn next(&self) -> io::Result<(UnixStream, UnixAddr)> {
        self.accept()
    }
    fn end(&self) {
        self.close();
    }
}

/// Listens on the first of the addresses that can be had, which others of this process may share:
/// the system divides the callers among all that listen there (`SO_REUSEPORT`).
pub(super) fn shared(addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
    /// As `TcpListener::bind` has it.
    const BACKLOG: i32 = 128;
    let none = || io::Error::new(io::ErrorKind::InvalidInput, "there is no address to listen on");
    let mut last = none();
    for address in addr.to_socket_addrs()? {
        let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let listening = crate::net::Socket::new(domain, Type::STREAM, None).and_then(|socket| {
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            Ok(TcpListener::from(socket))
        });
        match listening {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}
