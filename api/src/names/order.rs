//! The order of a list of addresses: the destination rules of RFC 6724, with the policy table that
//! glibc has without a gai.conf(5).

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::call::Descriptor;
use crate::hub::Kind;
use crate::hub::domain_of;

/// Sorts addresses by how well they would be reached from here; the order of those that are alike
/// stays. One that cannot be reached at all comes last.
pub(crate) fn sort<T>(list: &mut [T], address_of: impl Fn(&T) -> SocketAddr) {
    let mut known: Vec<(IpAddr, Rank)> = Vec::new();
    list.sort_by_cached_key(|item| {
        let address = address_of(item);
        if let Some((_, rank)) = known.iter().find(|(ip, _)| *ip == address.ip()) {
            return *rank;
        }
        let rank = rank(address.ip(), source_for(address).map(|source| source.ip()));
        known.push((address.ip(), rank));
        rank
    });
}

/// Whether an address beyond this host can be sent to in a family.
pub(crate) fn speaks(v6: bool) -> bool {
    // Addresses of documentation: a route is looked up, nothing is sent.
    let beyond = if v6 { "[2001:db8::1]:9" } else { "203.0.113.1:9" };
    source_for(beyond.parse().expect("it is an address")).is_some()
}

/// The address that would be sent from. A datagram socket that connects asks for a route and sends
/// nothing.
fn source_for(destination: SocketAddr) -> Option<SocketAddr> {
    let socket = Descriptor::socket(domain_of(&destination), Kind::Datagram).ok()?;
    let port = if destination.port() == 0 { 9 } else { destination.port() };
    let peer = SocketAddr::new(destination.ip(), port);
    socket.ask(|hub, io| hub.connect(io, &peer.into())).ok()?;
    socket.local_inet().ok()
}

/// The rules in their order; less is better. Rules 3, 4 and 7 ask what no program can know; rule 9 is
/// for IPv6 alone, as IPv4's needs the masks of interfaces.
type Rank = (bool, bool, bool, Reverse<u8>, u8, Reverse<u32>);

fn rank(destination: IpAddr, source: Option<IpAddr>) -> Rank {
    let to = in_v6(destination);
    let (label, precedence) = policy(to);
    let scope = scope(to);
    let differs = |of: fn(Ipv6Addr) -> u8, mine: u8| source.is_some_and(|ip| of(in_v6(ip)) != mine);
    let common = match (destination, source) {
        (IpAddr::V6(to), Some(IpAddr::V6(from))) => {
            (u128::from(to) ^ u128::from(from)).leading_zeros()
        }
        _ => 0,
    };
    (
        source.is_none(),
        differs(self::scope, scope),
        differs(|ip| policy(ip).0, label),
        Reverse(precedence),
        scope,
        Reverse(common),
    )
}

fn in_v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// How far an address reaches: 2 the link, 5 the site, 14 the world.
fn scope(ip: Ipv6Addr) -> u8 {
    if let Some(v4) = ip.to_ipv4_mapped() {
        return if v4.is_loopback() || v4.is_link_local() { 2 } else { 14 };
    }
    match ip.segments()[0] {
        first if first & 0xff00 == 0xff00 => (first & 0xf) as u8,
        _ if ip.is_loopback() || ip.is_unicast_link_local() => 2,
        first if first & 0xffc0 == 0xfec0 => 5,
        _ => 14,
    }
}

/// The label and the precedence of an address.
fn policy(ip: Ipv6Addr) -> (u8, u8) {
    let segments = ip.segments();
    if ip.is_loopback() {
        (0, 50)
    } else if ip.to_ipv4_mapped().is_some() {
        (4, 10)
    } else if segments[..6] == [0; 6] {
        (3, 20)
    } else if segments[0] == 0x2002 {
        (2, 30)
    } else if segments[..2] == [0x2001, 0] {
        (7, 40)
    } else if segments[0] & 0xffc0 == 0xfec0 {
        (5, 40)
    } else if segments[0] & 0xfe00 == 0xfc00 {
        (6, 40)
    } else {
        (1, 40)
    }
}
