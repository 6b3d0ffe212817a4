//! [`UnixListener`] and [`Incoming`], as in std.

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{SocketAddr, UnixStream, at_path};
use crate::call::{Descriptor, Direction};
use crate::hub::{Address, Domain, Kind};
use crate::net::handle::{handle, socket_modes};

/// std lets as many connections wait for `accept` as the system does.
const BACKLOG: u32 = u32::MAX;

/// A socket that accepts connections on a path or an abstract name. See
/// [`std::os::unix::net::UnixListener`].
///
/// As in std, the path outlives it: whoever listens there again removes the file first.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::{os::unix::net::UnixListener, thread};
///
/// let listener = UnixListener::bind("/run/db.sock")?;
/// for stream in &listener {
///     let stream = stream?;
///     thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
/// }
/// # Ok(()) }
/// ```
pub struct UnixListener(pub(crate) Descriptor);

handle!(UnixListener);
socket_modes!(UnixListener);

impl UnixListener {
    /// Listens on this path, which must not exist.
    ///
    /// # Errors
    ///
    /// `AddrInUse` where there is such a path; `NotFound` where its folder is not;
    /// `InvalidInput` for one that is too long; `NotConnected` outside a hub.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::bind_to(&at_path(path.as_ref())?)
    }

    /// Listens on this address, which may be an abstract name.
    ///
    /// # Errors
    ///
    /// As [`bind`](UnixListener::bind).
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::bind_to(&Address::from(socket_addr.clone()))
    }

    fn bind_to(local: &Address) -> io::Result<UnixListener> {
        let made = Descriptor::socket(Domain::Unix, Kind::Stream)?;
        made.ask(|hub, io| hub.bind(io, local))?;
        made.ask(|hub, io| hub.listen(io, BACKLOG))?;
        Ok(UnixListener(made))
    }

    /// Takes the oldest connection, and says whose it is, which most often has no name.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when it may not wait, or no longer; `EBADF` once closed; `EMFILE` where
    /// descriptors are out.
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (accepted, peer) = self.0.accept()?;
        Ok((UnixStream(accepted), peer.unix()?.clone()))
    }

    /// The connections to come, without end: each what [`accept`](UnixListener::accept) returns.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// `EBADF` once closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_unix()
    }

    /// How long `accept` may take; `None` is for ever. Not in std.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for zero; `EBADF` once closed.
    pub fn set_accept_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_timeout(Direction::Read, timeout)
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_unix("UnixListener", false, f)
    }
}

impl<'a> IntoIterator for &'a UnixListener {
    type Item = io::Result<UnixStream>;
    type IntoIter = Incoming<'a>;
    fn into_iter(self) -> Incoming<'a> {
        self.incoming()
    }
}

/// The connections of a listener, without end. See [`std::os::unix::net::Incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a UnixListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<UnixStream>;
    fn next(&mut self) -> Option<io::Result<UnixStream>> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}
