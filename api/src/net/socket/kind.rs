//! [`Domain`], [`Type`] and [`Protocol`]: what a socket is made as, numbered as the system does.

use std::ffi::c_int;
use std::fmt;
use std::io;

use crate::hub::{self, Kind, unsupported};
use crate::net::SocketAddr;

/// Families and types that Linux numbers. What is beyond is no kind of socket anywhere, and refused
/// as the system refuses it (linux-truth 37); what is within may be one, which no hub has.
const FAMILIES: c_int = 46;
const TYPES: c_int = 11;

/// The family of a socket's addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain(c_int);

impl Domain {
    /// IPv4 (`AF_INET`).
    pub const IPV4: Domain = Domain(libc::AF_INET);
    /// IPv6 (`AF_INET6`).
    pub const IPV6: Domain = Domain(libc::AF_INET6);
    /// Between processes of one host (`AF_UNIX`).
    pub const UNIX: Domain = Domain(libc::AF_UNIX);

    /// The family of an internet address.
    pub const fn for_address(address: SocketAddr) -> Domain {
        match address {
            SocketAddr::V4(_) => Domain::IPV4,
            SocketAddr::V6(_) => Domain::IPV6,
        }
    }

    pub(super) fn to_hub(self) -> io::Result<hub::Domain> {
        match self {
            Domain::IPV4 => Ok(hub::Domain::V4),
            Domain::IPV6 => Ok(hub::Domain::V6),
            Domain::UNIX => Ok(hub::Domain::Unix),
            Domain(other) if !(0..FAMILIES).contains(&other) => {
                Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT))
            }
            Domain(other) => Err(unsupported(&format!("sockets of the address family {other}"))),
        }
    }
}

impl From<hub::Domain> for Domain {
    fn from(domain: hub::Domain) -> Domain {
        match domain {
            hub::Domain::V4 => Domain::IPV4,
            hub::Domain::V6 => Domain::IPV6,
            hub::Domain::Unix => Domain::UNIX,
        }
    }
}

/// What a socket carries.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Type(c_int);

impl Type {
    /// A stream of bytes (`SOCK_STREAM`): TCP in the internet families.
    pub const STREAM: Type = Type(libc::SOCK_STREAM);
    /// Datagrams (`SOCK_DGRAM`): UDP in the internet families.
    pub const DGRAM: Type = Type(libc::SOCK_DGRAM);
    /// Records in order over a connection (`SOCK_SEQPACKET`), of the Unix domain.
    pub const SEQPACKET: Type = Type(libc::SOCK_SEQPACKET);

    pub(super) fn to_hub(self) -> io::Result<Kind> {
        match self {
            Type::STREAM => Ok(Kind::Stream),
            Type::DGRAM => Ok(Kind::Datagram),
            Type::SEQPACKET => Ok(Kind::SeqPacket),
            Type(other) if !(0..TYPES).contains(&other) => {
                Err(io::Error::from_raw_os_error(libc::EINVAL))
            }
            Type(other) => Err(unsupported(&format!("sockets of the type {other}"))),
        }
    }
}

/// How a socket carries it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protocol(c_int);

impl Protocol {
    /// TCP (`IPPROTO_TCP`): what streams of the internet families are.
    pub const TCP: Protocol = Protocol(libc::IPPROTO_TCP);
    /// UDP (`IPPROTO_UDP`): what datagrams of the internet families are.
    pub const UDP: Protocol = Protocol(libc::IPPROTO_UDP);

    /// Nothing is left to choose: there is one protocol for each domain and type.
    pub(super) fn fits(self, domain: hub::Domain, kind: Kind) -> io::Result<()> {
        let is_internet = domain != hub::Domain::Unix;
        match (self, kind) {
            (Protocol(0), _) => Ok(()),
            (Protocol::TCP, Kind::Stream) | (Protocol::UDP, Kind::Datagram) if is_internet => {
                Ok(())
            }
            (Protocol::TCP | Protocol::UDP, _) => {
                Err(io::Error::from_raw_os_error(libc::EPROTONOSUPPORT))
            }
            (Protocol(other), _) => Err(unsupported(&format!("sockets of the protocol {other}"))),
        }
    }
}

macro_rules! system_number {
    ($($type:ident),*) => {$(
        /// By the system's own number.
        impl From<c_int> for $type {
            fn from(number: c_int) -> $type {
                $type(number)
            }
        }
        /// The system's own number.
        impl From<$type> for c_int {
            fn from(value: $type) -> c_int {
                value.0
            }
        }
    )*};
}

system_number!(Domain, Type, Protocol);

/// As socket2 shows them: by the system's own name, or the number where there is none here.
macro_rules! shown_by_name {
    ($type:ident: $($name:ident),*) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $(libc::$name => f.write_str(stringify!($name)),)*
                    number => number.fmt(f),
                }
            }
        }
    };
}

shown_by_name!(Domain: AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC);
shown_by_name!(Type: SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW);
shown_by_name!(Protocol: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_systems() {
        let domains = [Domain::IPV4, Domain::IPV6, Domain::UNIX, Domain(99)];
        assert_eq!(format!("{domains:?}"), "[AF_INET, AF_INET6, AF_UNIX, 99]");
        let types = [Type::STREAM, Type::DGRAM, Type::SEQPACKET];
        assert_eq!(format!("{types:?}"), "[SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET]");
        assert_eq!(format!("{:?}", [Protocol::TCP, Protocol::UDP]), "[IPPROTO_TCP, IPPROTO_UDP]");
    }
}
