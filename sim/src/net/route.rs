//! The way to an address: which host has it, and which of a host's own addresses packets to it leave from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::host::locate;
use crate::id::HostId;
use crate::socket::address::LOOPBACK_BROADCAST;
use crate::world::World;

/// The host that has this address.
#[inline]
pub(crate) fn host_at(world: &World, ip: IpAddr) -> Option<HostId> {
    let (host, _) = locate(ip)?;
    world.hosts.get(host)?.owns(ip).then_some(host)
}

/// The link of the host that this is the broadcast address of.
pub(crate) fn link_of_broadcast(world: &World, host: HostId, ip: IpAddr) -> Option<u8> {
    world.hosts[host].link_of_broadcast(ip, world.hosts.iter().len())
}

/// Whether an address is that of all hosts of a link, or of all sockets of the own one, as this host has it.
#[inline]
pub(crate) fn is_broadcast(world: &World, host: HostId, ip: IpAddr) -> bool {
    let is_broadcast = ip == Ipv4Addr::BROADCAST || ip == LOOPBACK_BROADCAST;
    is_broadcast || link_of_broadcast(world, host, ip).is_some()
}

/// Whether an address is that of many.
#[inline]
pub(crate) fn is_for_many(world: &World, host: HostId, ip: IpAddr) -> bool {
    ip.is_multicast() || is_broadcast(world, host, ip)
}

/// The address that packets to `to` leave from; `None` if no link of the host leads there. A link
/// leads to those who are on it, and nowhere else.
pub(crate) fn source(world: &World, host: HostId, to: IpAddr) -> Option<IpAddr> {
    let here = &world.hosts[host];
    match to {
        IpAddr::V4(ip) if ip.is_loopback() => Some(Ipv4Addr::LOCALHOST.into()),
        _ if here.owns(to) => Some(to),
        _ => {
            host_at(world, to)?;
            here.address_on(locate(to)?.1, to)
        }
    }
}

/// The host that a packet from a socket or from a host itself goes to, which may be its own; `None` if it gets
/// nowhere: no link leads there, or it claims to come from loopback, which whoever gets it drops.
#[inline]
pub(crate) fn next_hop(
    world: &World,
    host: HostId,
    from: SocketAddr,
    to: SocketAddr,
) -> Option<HostId> {
    let (here, ip) = (&world.hosts[host], to.ip());
    if ip.is_loopback() {
        return Some(host);
    }
    let (far, link) = locate(ip)?;
    let there = world.hosts.get(far).filter(|there| there.is_on(ip, link));
    let leads_there = far == host || (!from.ip().is_loopback() && here.is_on(ip, link));
    there.filter(|_| leads_there).map(|_| far)
}
