//! Addresses: what a program names and is shown, and what is on the wire.
//!
//! An IPv6 socket takes IPv4 as well, as `::ffff:a.b.c.d`, unless `IPV6_V6ONLY` is set. Within, such an
//! address is the IPv4 one that it stands for: so packets, connections and ports are of one family each.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use greenroom::hub::{Address, Domain};

use crate::errno::errno;
use crate::socket::unix::name::Name;

/// Linux's number of the loopback interface; the links follow.
pub(crate) const LOOPBACK_INDEX: u32 = 1;

/// The unspecified address of a socket's own family: "any of mine".
pub(crate) fn any(domain: Domain) -> IpAddr {
    match domain {
        Domain::V6 => Ipv6Addr::UNSPECIFIED.into(),
        Domain::V4 | Domain::Unix => Ipv4Addr::UNSPECIFIED.into(),
    }
}

/// An address as a socket of this family shows it.
pub(crate) fn shown_in(domain: Domain, address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if domain == Domain::V6 => {
            SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port()))
        }
        address => address,
    }
}

/// What an address of IPv6 stands for. A flow label is nothing that a program sees again, and a scope
/// means something with what is unique on one link only.
pub(crate) fn meant(address: SocketAddrV6) -> SocketAddr {
    match address.ip().to_ipv4_mapped() {
        Some(v4) => SocketAddr::from((v4, address.port())),
        None => {
            let scope = if needs_scope(address.ip()) { address.scope_id() } else { 0 };
            SocketAddrV6::new(*address.ip(), address.port(), 0, scope).into()
        }
    }
}

/// Whether an address is another one on each link.
pub(crate) fn needs_scope(ip: &Ipv6Addr) -> bool {
    const LINK: u16 = 2;
    ip.is_unicast_link_local() || ip.is_multicast() && (1..=LINK).contains(&scope_of(ip))
}

/// How far a group reaches (RFC 4291 §2.7): 1 its own interface, 2 its link.
pub(crate) fn scope_of(group: &Ipv6Addr) -> u16 {
    group.segments()[0] & 0xf
}

/// Whether a socket at this address, of IPv6 alone or not, hears what is sent to that one.
pub(crate) fn hears(local: IpAddr, only_v6: bool, to: IpAddr) -> bool {
    match (local, to) {
        (IpAddr::V6(any), IpAddr::V4(_)) => any.is_unspecified() && !only_v6,
        (local, to) => local == to || local.is_unspecified() && local.is_ipv4() == to.is_ipv4(),
    }
}

pub(crate) const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// The groups that every host of IPv6 is a member of: all nodes of an interface, of a link.
pub(crate) fn is_of_all(group: IpAddr) -> bool {
    const OF_INTERFACE: Ipv6Addr = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 1);
    const OF_LINK: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    group == OF_INTERFACE || group == OF_LINK
}

/// The internet address in this one. One of another family is refused, and before that one that is
/// too short to be an internet address, as few but unnamed ones are.
pub(crate) fn inet(address: &Address, domain: Domain) -> io::Result<SocketAddr> {
    /// What Linux needs, less the family and the byte at a name's end or beginning.
    const NAME_MIN_V4: usize = 16 - 3;
    const NAME_MIN_V6: usize = 24 - 3;
    if let Address::Unix(unix) = address {
        let length = match Name::of(unix) {
            Some(Name::Path(path)) => path.as_os_str().len(),
            Some(Name::Abstract(name)) => name.len(),
            None => 0,
        };
        if length < if domain == Domain::V6 { NAME_MIN_V6 } else { NAME_MIN_V4 } {
            return Err(errno(libc::EINVAL));
        }
    }
    address.inet()
}
