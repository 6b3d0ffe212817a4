//! What is asked of a resolver, and what it answers: [`Request`], [`Hints`], [`AddrInfo`],
//! [`HostEntry`], and the numbers of the flags, which are Linux's everywhere.

use std::net::{IpAddr, SocketAddr};

/// Without a host, the wildcard address to bind to, and not loopback's to connect to.
pub const AI_PASSIVE: i32 = 0x1;
/// Asks for the host's canonical name.
pub const AI_CANONNAME: i32 = 0x2;
/// The host is an address, not a name.
pub const AI_NUMERICHOST: i32 = 0x4;
/// IPv4 addresses in IPv6's form where IPv6 is asked for and there are none.
pub const AI_V4MAPPED: i32 = 0x8;
/// With [`AI_V4MAPPED`]: those too where there are addresses of IPv6.
pub const AI_ALL: i32 = 0x10;
/// Only families that this host can speak beyond itself.
pub const AI_ADDRCONFIG: i32 = 0x20;
/// The name may be of another alphabet than ASCII. Here it may not: such a name is
/// [`GaiError::IdnEncode`](super::GaiError::IdnEncode).
pub const AI_IDN: i32 = 0x40;
/// The canonical name may be of another alphabet than ASCII.
pub const AI_CANONIDN: i32 = 0x80;
/// The service is a number, not a name.
pub const AI_NUMERICSERV: i32 = 0x400;
/// All of them, with two that mean nothing any more.
pub(super) const AI_KNOWN: i32 = 0x7ff;

/// The host as an address, unnamed.
pub const NI_NUMERICHOST: i32 = 0x1;
/// The service as a number, unnamed.
pub const NI_NUMERICSERV: i32 = 0x2;
/// Hosts of the own domain without it.
pub const NI_NOFQDN: i32 = 0x4;
/// A host without a name is an error.
pub const NI_NAMEREQD: i32 = 0x8;
/// The service is one of datagrams.
pub const NI_DGRAM: i32 = 0x10;
/// All of them, with those for other alphabets.
pub(super) const NI_KNOWN: i32 = 0xff;

/// What `getaddrinfo(3)` is to look for; 0 leaves it open. The numbers are the system's:
/// [`libc::AF_INET`], [`libc::SOCK_STREAM`], [`libc::IPPROTO_TCP`], and the flags [`AI_PASSIVE`] and
/// so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hints {
    /// The address family.
    pub family: i32,
    /// The kind of socket.
    pub socktype: i32,
    /// The protocol.
    pub protocol: i32,
    /// Flags, added up.
    pub flags: i32,
}

impl Hints {
    /// What TCP connects to and binds to.
    pub fn stream() -> Hints {
        Hints { socktype: libc::SOCK_STREAM, ..Hints::default() }
    }
    /// What UDP sends to and binds to.
    pub fn datagram() -> Hints {
        Hints { socktype: libc::SOCK_DGRAM, ..Hints::default() }
    }
    /// The same with this family.
    #[must_use]
    pub fn family(self, family: i32) -> Hints {
        Hints { family, ..self }
    }
    /// The same with these flags too.
    #[must_use]
    pub fn flags(self, flags: i32) -> Hints {
        Hints { flags: self.flags | flags, ..self }
    }
    pub(crate) fn has(self, flag: i32) -> bool {
        self.flags & flag != 0
    }
}

/// One call of `getaddrinfo(3)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Request<'a> {
    /// A name or an address; none for this host's own.
    pub host: Option<&'a str>,
    /// A service's name or its port; none for port 0.
    pub service: Option<&'a str>,
    /// What to look for.
    pub hints: Hints,
}

/// One way to reach what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddrInfo {
    /// The kind of socket.
    pub socktype: i32,
    /// The protocol.
    pub protocol: i32,
    /// The address.
    pub address: SocketAddr,
    /// The host's canonical name: on the first only, and if it was asked for.
    pub canonical: Option<String>,
}

impl AddrInfo {
    /// The address family.
    pub fn family(&self) -> i32 {
        if self.address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }
    }
}

/// A host's names and addresses: what `gethostbyname(3)` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostEntry {
    /// The canonical name.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its addresses, in the order they were found.
    pub addresses: Vec<IpAddr>,
}

/// Which addresses of a name are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Those of both families.
    Any,
    /// IPv4's.
    V4,
    /// IPv6's.
    V6,
}

impl Family {
    /// Whether an address is of this family.
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}
