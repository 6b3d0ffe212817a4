//! Datagrams for many: broadcast, and multicast of both families.
//!
//! A host has its links to others, and loopback. A datagram for many goes over one of them, as a
//! packet of its own, with its own fate, to each host that has somebody to hear it when it is sent: a
//! bound port for a broadcast, a member for a group, both for a group that all hosts are members of
//! (`ff02::1`). So a host that has nothing to do with it changes nobody's luck. `255.255.255.255`
//! and the net's own (`10.0.0.255`) reach all hosts of a link, `127.255.255.255` the own one, and any time to live but 0 reaches
//! everywhere. Over loopback IPv6 has no multicast, as on Linux.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use greenroom::hub::Opt;

use crate::id::{HostId, SocketId};
use crate::link::packet::{Body, Interface, Packet};
use crate::net::datagram::Came;
use crate::net::readiness::When;
use crate::net::{datagram, outgoing, ports, route};
use crate::socket::Proto;
use crate::socket::address::{is_of_all, scope_of};
use crate::socket::flow::Transport;
use crate::trace::event::Wire;
use crate::world::World;
use crate::world::journal::Actor;

// Out.

#[cold]
pub(crate) fn send(
    world: &mut World,
    id: SocketId,
    from: SocketAddr,
    to: SocketAddr,
    interface: Interface,
    buf: &[u8],
) {
    let socket = &world.sockets[id];
    let (host, number, sender) = (socket.host, socket.number, socket.entity.path);
    let mut reached = hosts_that_hear(world, to, interface);
    reached.retain(|&other| gets_there(world, id, from, to, interface, other));
    let bytes = buf.len() as u64;
    world.trace.carry(buf);
    let datagram = Wire::Datagram { socket: number, path: sender, from, to, bytes };
    world.record(Actor::Host(host), datagram);
    for to_host in reached {
        let payload = buf.to_vec();
        let body = Body::ForMany(interface);
        let packet =
            world.pack(Packet { from, to, to_host, sender, between: (None, None), body, payload });
        outgoing::pass_on(world, Some(id), host, packet);
    }
}

/// The hosts with somebody to hear it, wherever they are, in their order.
fn hosts_that_hear(world: &World, to: SocketAddr, interface: Interface) -> Vec<HostId> {
    let is_bound = |host: &HostId| {
        let bound = ports::bound_at(world, *host, Transport::Udp, to.port());
        bound.iter().any(|&id| world.sockets[id].covers(to))
    };
    if !to.ip().is_multicast() {
        return world.hosts.ids().filter(is_bound).collect();
    }
    let mut hosts = hosts_of_members(world, to.ip(), interface);
    hosts.retain(|host| !is_of_all(to.ip()) || is_bound(host));
    hosts
}

/// The hosts that have a member of the group on the interface, in the order of hosts.
fn hosts_of_members(world: &World, group: IpAddr, interface: Interface) -> Vec<HostId> {
    let present = world.members.iter().filter_map(|&member| world.upgrade(member));
    let hears = |&id: &SocketId| match &world.sockets[id].proto {
        Proto::Udp(mailbox) => mailbox.memberships(group, interface).next().is_some(),
        _ => false,
    };
    let mut hosts: Vec<HostId> = present.filter(hears).map(|id| world.sockets[id].host).collect();
    if let (true, Interface::Link(link)) = (is_of_all(group), interface) {
        let is_on = |host: &HostId| world.hosts[*host].address_on(link, group).is_some();
        hosts.extend(world.hosts.ids().filter(is_on));
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Whether what leaves by the interface gets to this host.
fn gets_there(
    world: &World,
    id: SocketId,
    from: SocketAddr,
    to: SocketAddr,
    interface: Interface,
    other: HostId,
) -> bool {
    const OWN_INTERFACE: u16 = 1;
    let (host, options) = {
        let socket = &world.sockets[id];
        (socket.host, &socket.options)
    };
    let Interface::Link(link) = interface else { return other == host };
    let (loops, hops, goes_out) = match to.ip() {
        ip if route::is_broadcast(world, host, ip) => (true, 1, true),
        IpAddr::V4(_) => {
            (options.get(Opt::MulticastLoop) != 0, options.get(Opt::MulticastTtl), true)
        }
        IpAddr::V6(group) => {
            let loops = options.get(Opt::MulticastLoopV6) != 0;
            // Nobody takes what claims to come from loopback, not even its own host.
            let loops = loops && !from.ip().is_loopback() && scope_of(&group) > 0;
            (loops, options.get(Opt::MulticastHopsV6), scope_of(&group) > OWN_INTERFACE)
        }
    };
    match other == host {
        true => loops,
        // No other host takes what claims to come from itself.
        false => {
            let is_on = world.hosts[other].address_on(link, to.ip()).is_some();
            goes_out && hops > 0 && is_on && !from.ip().is_loopback()
        }
    }
}

// In.

/// Every socket that hears it gets a copy; nobody answers that none does.
#[cold]
pub(crate) fn arrives(world: &mut World, packet: Box<Packet>, interface: Interface, when: When) {
    let (from, to) = (packet.from, packet.to);
    let group = to.ip();
    let is_host_member = !group.is_multicast()
        || hosts_of_members(world, group, interface).contains(&packet.to_host);
    if !is_host_member {
        return world.recycle_packet(packet);
    }
    let bound = ports::bound_at(world, packet.to_host, Transport::Udp, to.port());
    let wants_all = if group.is_ipv4() { Opt::MulticastAll } else { Opt::MulticastAllV6 };
    let hears = |id: &SocketId| {
        let socket = &world.sockets[*id];
        let all = socket.options.get(wants_all) != 0;
        socket.covers(to)
            && socket.peer().is_none_or(|peer| peer == from)
            && match &socket.proto {
                Proto::Udp(mailbox) if group.is_multicast() => {
                    mailbox.hears(group, interface, from.ip(), all)
                }
                _ => true,
            }
    };
    let receivers: Vec<SocketId> = bound.iter().copied().filter(hears).collect();
    let came = Came { from, to: group, interface };
    for receiver in receivers {
        datagram::queue(world, receiver, came, packet.payload.clone(), when);
    }
    world.recycle_packet(packet);
}
