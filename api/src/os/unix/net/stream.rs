//! [`UnixStream`], as in std.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{SocketAddr, at_path};
use crate::call::{Descriptor, Direction};
use crate::hub::{Address, Domain, Kind};
use crate::net::Shutdown;
use crate::net::handle::{handle, reads, socket_modes, timeouts, writes};

/// A stream of bytes between two processes of one host. See [`std::os::unix::net::UnixStream`].
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::io::{Read, Write};
/// use greenroom::os::unix::net::UnixStream;
///
/// let mut stream = UnixStream::connect("/run/db.sock")?;
/// stream.write_all(b"hello")?;
/// let mut answer = String::new();
/// stream.read_to_string(&mut answer)?;
/// # Ok(()) }
/// ```
pub struct UnixStream(pub(crate) Descriptor);

handle!(UnixStream);
socket_modes!(UnixStream);
timeouts!(UnixStream);
reads!(UnixStream, &UnixStream);
writes!(UnixStream, &UnixStream);

impl UnixStream {
    /// Connects to the listener of this path. Where its queue is full it waits for room.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no such path; `ConnectionRefused` where nobody listens on it any
    /// more; `InvalidInput` for a path that is too long; `NotConnected` outside a hub.
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_to(&at_path(path.as_ref())?)
    }

    /// Connects to the listener of this address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixStream::connect); an abstract name nobody has is `ConnectionRefused`.
    pub fn connect_addr(socket_addr: &SocketAddr) -> io::Result<UnixStream> {
        UnixStream::connect_to(&Address::from(socket_addr.clone()))
    }

    fn connect_to(peer: &Address) -> io::Result<UnixStream> {
        let made = Descriptor::socket(Domain::Unix, Kind::Stream)?;
        made.connect(peer, None)?;
        Ok(UnixStream(made))
    }

    /// Makes two streams without names that are connected to each other.
    ///
    /// # Errors
    ///
    /// `EMFILE` where descriptors are out; `NotConnected` outside a hub.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (a, b) = Descriptor::pair(Domain::Unix, Kind::Stream)?;
        Ok((UnixStream(a), UnixStream(b)))
    }

    /// The address of this side; most often it has no name.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_unix()
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_unix()
    }

    /// Ends reading, writing or both, for every clone. Those parked in what ended wake.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.ask(|hub, io| hub.shutdown(io, how))
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_unix("UnixStream", true, f)
    }
}
