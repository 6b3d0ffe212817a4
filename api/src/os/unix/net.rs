//! `std::os::unix::net` under greenlets: sockets of the Unix domain, between processes of one host.
//!
//! Same names, same signatures, same errors, as in [`greenroom::net`](crate::net), whose
//! [section on where a socket may be used](crate::net#where-a-socket-may-be-used) holds here too. On
//! the operating system a path is one of the file system; a simulated host has a name space of its
//! own.

mod datagram;
mod listener;
mod stream;

use std::io;
use std::path::Path;

pub use std::os::unix::net::SocketAddr;

use crate::hub::Address;
pub use datagram::UnixDatagram;
pub use listener::{Incoming, UnixListener};
pub use stream::UnixStream;

/// The address of a path; std's error for one that is too long or holds a zero byte.
fn at_path(path: &Path) -> io::Result<Address> {
    SocketAddr::from_pathname(path).map(Address::from)
}
