//! [`SockAddr`]: the address of any family, as [`Socket`](super::Socket) takes it.

use std::io;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net as unix;
use std::path::Path;

use super::Domain;
use crate::hub::Address;
use crate::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// The address of a socket of any family.
///
/// # Examples
///
/// ```
/// use greenroom::net::{Domain, SockAddr, SocketAddr};
///
/// let internet = SockAddr::from("10.0.0.1:80".parse::<SocketAddr>().unwrap());
/// assert_eq!(internet.domain(), Domain::IPV4);
/// assert_eq!(internet.as_socket().unwrap().port(), 80);
///
/// let unix = SockAddr::unix("/run/db.sock")?;
/// assert_eq!(unix.as_pathname().unwrap().to_str(), Some("/run/db.sock"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SockAddr(pub(super) Address);

impl SockAddr {
    /// The address of a path in the Unix domain; of no path it has no name. On Linux a zero byte
    /// before the rest makes it a name in the abstract name space, as in socket2.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for one that is too long or holds a zero byte.
    pub fn unix<P: AsRef<Path>>(path: P) -> io::Result<SockAddr> {
        #[cfg(target_os = "linux")]
        if let [0, name @ ..] = path.as_ref().as_os_str().as_bytes() {
            use std::os::linux::net::SocketAddrExt;
            return unix::SocketAddr::from_abstract_name(name).map(SockAddr::from);
        }
        unix::SocketAddr::from_pathname(path).map(SockAddr::from)
    }

    /// The family it belongs to.
    pub fn domain(&self) -> Domain {
        Domain::from(self.0.domain())
    }

    /// Whether it is of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.domain() == Domain::IPV4
    }
    /// Whether it is of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.domain() == Domain::IPV6
    }
    /// Whether it is of the Unix domain.
    pub fn is_unix(&self) -> bool {
        self.domain() == Domain::UNIX
    }
    /// Whether it is of the Unix domain and has no name.
    pub fn is_unnamed(&self) -> bool {
        self.0.unix().is_ok_and(|address| address.is_unnamed())
    }

    /// The internet address, if it is one.
    pub fn as_socket(&self) -> Option<SocketAddr> {
        self.0.inet().ok()
    }
    /// The IPv4 address, if it is one.
    pub fn as_socket_ipv4(&self) -> Option<SocketAddrV4> {
        match self.as_socket() {
            Some(SocketAddr::V4(address)) => Some(address),
            _ => None,
        }
    }
    /// The IPv6 address, if it is one.
    pub fn as_socket_ipv6(&self) -> Option<SocketAddrV6> {
        match self.as_socket() {
            Some(SocketAddr::V6(address)) => Some(address),
            _ => None,
        }
    }
    /// The address as std's Unix sockets have it, if it is of their domain.
    pub fn as_unix(&self) -> Option<unix::SocketAddr> {
        self.0.unix().ok().cloned()
    }
    /// The path, if it is one.
    pub fn as_pathname(&self) -> Option<&Path> {
        self.0.unix().ok()?.as_pathname()
    }
    /// The name in Linux's abstract name space, if it is one.
    #[cfg(target_os = "linux")]
    pub fn as_abstract_namespace(&self) -> Option<&[u8]> {
        use std::os::linux::net::SocketAddrExt;
        self.0.unix().ok()?.as_abstract_name()
    }
}

impl From<SocketAddr> for SockAddr {
    fn from(address: SocketAddr) -> SockAddr {
        SockAddr(address.into())
    }
}
impl From<SocketAddrV4> for SockAddr {
    fn from(address: SocketAddrV4) -> SockAddr {
        SocketAddr::from(address).into()
    }
}
impl From<SocketAddrV6> for SockAddr {
    fn from(address: SocketAddrV6) -> SockAddr {
        SocketAddr::from(address).into()
    }
}
impl From<unix::SocketAddr> for SockAddr {
    fn from(address: unix::SocketAddr) -> SockAddr {
        SockAddr(address.into())
    }
}
