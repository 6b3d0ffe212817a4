//! `std::net` under greenlets: same names, same signatures, same errors.
//!
//! A program ports by its import line: `use std::net::…` becomes `use greenroom::net::…`. What std
//! has for Unix only is under [`greenroom::os`](crate::os), pipes are in
//! [`greenroom::io`](crate::io). [`Socket`] has the rest: options before `bind`, in socket2's shape.
//!
//! # Where a socket may be used
//!
//! A handle is a number over a hub's table, so it is `Send + Sync` like std's; but only the thread
//! whose hub made it can make calls on it. What is not possible is an error, never a panic:
//!
//! | a call | returns |
//! | --- | --- |
//! | outside any hub | [`NotConnected`](io::ErrorKind::NotConnected), which names `run` |
//! | under another hub | [`InvalidInput`](io::ErrorKind::InvalidInput), which says so |
//! | after its hub ended | [`NotConnected`](io::ErrorKind::NotConnected), which says so |
//! | once closed, wherever | `EBADF` |
//!
//! Closing and dropping are possible anywhere: on another thread they reach the hub as a message,
//! after its end they do nothing, and a second close does nothing either. Timeouts, and whether it
//! blocks, can be set anywhere too.
//!
//! ```
//! use std::io::ErrorKind;
//! use greenroom::net::TcpStream;
//!
//! let nowhere = TcpStream::connect("127.0.0.1:7").unwrap_err();
//! assert_eq!(nowhere.kind(), ErrorKind::NotConnected);
//! assert!(nowhere.to_string().contains("run"), "{nowhere}");
//! ```
//!
//! ```no_run
//! # use std::io::{self, ErrorKind, Read};
//! # use greenroom::{net::UdpSocket, wait::wait_read};
//! # fn program() -> io::Result<()> {
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! socket.close();
//! socket.close();
//! assert_eq!(socket.recv(&mut [0; 8]).unwrap_err().raw_os_error(), Some(libc::EBADF));
//! assert_eq!(wait_read(&socket, None).unwrap_err().raw_os_error(), Some(libc::EBADF));
//!
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let elsewhere = std::thread::spawn(move || socket.recv(&mut [0; 8])).join().unwrap();
//! assert_eq!(elsewhere.unwrap_err().kind(), ErrorKind::NotConnected);
//! # Ok(()) }
//! ```

mod connect;
pub(crate) mod handle;
mod lookup;
pub mod socket;
mod tcp;
mod udp;

use std::io;

pub use std::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6,
};

pub use crate::call::Source;
pub(crate) use crate::hub::domain_of;
pub use connect::{CONNECTION_ATTEMPT_DELAY, connect_racing, create_connection};
pub use lookup::ToSocketAddrs;
pub use socket::{
    Control, Domain, InterfaceIndexOrAddress, MsgHdr, MsgHdrMut, PacketInfoV4, PacketInfoV6,
    Protocol, Queued, ReceivedControl, RecvFlags, SockAddr, Socket, TcpInfo, TcpKeepalive,
    TcpState, Type,
};
pub use tcp::{Incoming, TcpListener, TcpStream};
pub use udp::UdpSocket;

/// Tries each address in turn; returns the first success or the last error.
fn each_address<T>(
    addresses: impl ToSocketAddrs,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = None;
    for address in addresses.to_socket_addrs()? {
        match attempt(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(no_addresses))
}

fn no_addresses() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any addresses")
}
