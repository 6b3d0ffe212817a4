//! `std::os::linux::net` under greenlets: abstract names, and TCP options of Linux.

use std::io;

pub use std::os::linux::net::SocketAddrExt;

use crate::call::sealed::Sealed;
use crate::hub::Opt;
use crate::net::TcpStream;

/// What Linux adds to a [`TcpStream`]. See std's trait of this name.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::net::TcpStream;
/// use greenroom::os::linux::net::TcpStreamExt;
///
/// let stream = TcpStream::connect("srv:7")?;
/// stream.set_quickack(true)?;
/// # Ok(()) }
/// ```
pub trait TcpStreamExt: Sealed {
    /// Sets whether what arrives is acknowledged at once (`TCP_QUICKACK`). It is not lasting: the
    /// system returns to its own judgement.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on a hub without it; `EBADF` once closed.
    fn set_quickack(&self, quickack: bool) -> io::Result<()>;

    /// Whether what arrives is acknowledged at once (`TCP_QUICKACK`).
    ///
    /// # Errors
    ///
    /// As [`set_quickack`](TcpStreamExt::set_quickack).
    fn quickack(&self) -> io::Result<bool>;
}

impl TcpStreamExt for TcpStream {
    fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        self.0.set(Opt::QuickAck, quickack.into())
    }
    fn quickack(&self) -> io::Result<bool> {
        self.0.flag(Opt::QuickAck)
    }
}
