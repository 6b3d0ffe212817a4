//! What a [`Socket`] tells of itself, and how it forgets its peer.

use std::io;

use super::Socket;
use crate::hub::{Queued, TcpInfo};

impl Socket {
    /// How many bytes are here to be read, and how many were written and are still held
    /// (`FIONREAD`, `SIOCOUTQ`). [`Queued`] says what counts as which.
    ///
    /// # Errors
    ///
    /// `EINVAL` of what listens; `ENOTTY` of a pipe's end; `EBADF` once closed; `Unsupported` where the
    /// hub has no such numbers.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> std::io::Result<()> {
    /// use greenroom::net::{Socket, TcpStream};
    ///
    /// let stream = TcpStream::connect("10.0.0.1:80")?;
    /// let socket = Socket::from(stream.try_clone()?);
    /// if socket.bytes_queued()?.to_send > 1 << 20 {
    ///     println!("the peer is slow");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn bytes_queued(&self) -> io::Result<Queued> {
        self.0.ask(|hub, io| hub.queued(io))
    }

    /// How its TCP stands: the state, what was sent again, how long a round trip takes
    /// (`TCP_INFO`).
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`, and `ENOPROTOOPT` of UDP over IPv6, for a socket of another kind; `EBADF` once
    /// closed; `Unsupported` where the hub does not know.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> std::io::Result<()> {
    /// use greenroom::net::{Socket, TcpState, TcpStream};
    ///
    /// let socket = Socket::from(TcpStream::connect("10.0.0.1:80")?);
    /// let info = socket.tcp_info()?;
    /// assert_eq!(info.state, TcpState::Established);
    /// println!("{:?} a round trip, {} segments sent again", info.rtt, info.total_retrans);
    /// # Ok(()) }
    /// ```
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {
        self.0.ask(|hub, io| hub.tcp_info(io))
    }

    /// Forgets the peer, as connect(2) to an address of no family (`AF_UNSPEC`); it may then be
    /// connected again. Its address is given up as far as the program did not name it.
    ///
    /// A TCP connection is reset, whatever was written and not sent is lost, and who is parked in it
    /// wakes with `ConnectionReset`; a listener stops listening. A UDP socket keeps what was received
    /// and stays shut where it was; a Unix datagram socket loses what its peer sent. Without a peer
    /// there is nothing to do, and that is no error.
    ///
    /// # Errors
    ///
    /// `EINVAL` of Unix streams and records; `EBADF` once closed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> std::io::Result<()> {
    /// use greenroom::net::{Domain, Socket, SocketAddr, Type};
    ///
    /// let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    /// socket.connect(&"10.0.0.1:53".parse::<SocketAddr>().unwrap().into())?;
    /// socket.disconnect()?;
    /// assert!(socket.peer_addr().is_err());
    /// # Ok(()) }
    /// ```
    pub fn disconnect(&self) -> io::Result<()> {
        self.0.ask(|hub, io| hub.disconnect(io))
    }
}
