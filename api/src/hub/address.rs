//! Addresses, and the families and kinds of sockets that have them.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::net as unix;

/// Where a socket is: an internet address and port, or a name of the host's Unix domain.
#[derive(Clone, Debug)]
pub enum Address {
    /// IPv4 or IPv6.
    Inet(SocketAddr),
    /// A path, an abstract name, or no name at all.
    Unix(Box<unix::SocketAddr>),
}

impl Address {
    /// The internet address in this one.
    ///
    /// # Errors
    ///
    /// `EAFNOSUPPORT` for one of the Unix domain.
    pub fn inet(&self) -> io::Result<SocketAddr> {
        match self {
            Address::Inet(address) => Ok(*address),
            Address::Unix(_) => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
        }
    }
    /// The name of the Unix domain in this address.
    ///
    /// # Errors
    ///
    /// `EINVAL`, as Linux has it, for an internet address.
    pub fn unix(&self) -> io::Result<&unix::SocketAddr> {
        match self {
            Address::Unix(address) => Ok(address),
            Address::Inet(_) => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        }
    }
    /// The address of a Unix socket that has no name.
    pub fn unnamed() -> Address {
        let unnamed = unix::SocketAddr::from_pathname("");
        Address::Unix(Box::new(unnamed.expect("an empty path is short enough")))
    }
    /// The family it belongs to.
    pub fn domain(&self) -> Domain {
        match self {
            Address::Inet(SocketAddr::V4(_)) => Domain::V4,
            Address::Inet(SocketAddr::V6(_)) => Domain::V6,
            Address::Unix(_) => Domain::Unix,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        Address::Inet(address)
    }
}
impl From<unix::SocketAddr> for Address {
    fn from(address: unix::SocketAddr) -> Address {
        Address::Unix(Box::new(address))
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Address) -> bool {
        match (self, other) {
            (Address::Inet(a), Address::Inet(b)) => a == b,
            (Address::Unix(a), Address::Unix(b)) => {
                (a.as_pathname(), abstract_name(a)) == (b.as_pathname(), abstract_name(b))
            }
            _ => false,
        }
    }
}
impl Eq for Address {}

/// As Linux's tools show them: `10.0.0.1:80`, `/run/db.sock`, `@abstract`, `(unnamed)`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match self {
            Address::Inet(address) => return address.fmt(f),
            Address::Unix(address) => address,
        };
        match (address.as_pathname(), abstract_name(address)) {
            (Some(path), _) => path.display().fmt(f),
            (None, Some(name)) => write!(f, "@{}", name.escape_ascii()),
            (None, None) => f.write_str("(unnamed)"),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn abstract_name(address: &unix::SocketAddr) -> Option<&[u8]> {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;
    address.as_abstract_name()
}

/// Abstract names are Linux's.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn abstract_name(_: &unix::SocketAddr) -> Option<&[u8]> {
    None
}

/// The address family of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// Between processes of one host.
    Unix,
}

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A stream of bytes: TCP in the internet domains.
    Stream,
    /// Datagrams: UDP in the internet domains.
    Datagram,
    /// Records in order over a connection; of the Unix domain.
    SeqPacket,
}

/// The family of an internet address.
pub(crate) fn domain_of(address: &SocketAddr) -> Domain {
    if address.is_ipv4() { Domain::V4 } else { Domain::V6 }
}
