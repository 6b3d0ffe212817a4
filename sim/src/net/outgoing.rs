//! What leaves a socket: over a link to another host, or over loopback to its own.

use std::net::SocketAddr;

use crate::id::{HostId, SocketId};
use crate::link::packet::{Body, Packet};
use crate::net::{link, loopback, route};
use crate::socket::Dirty;
use crate::world::World;

#[inline]
pub(crate) fn mark_dirty(world: &mut World, id: SocketId) {
    let socket = &mut world.sockets[id];
    let dirty = if socket.leads_here() { Dirty::Here } else { Dirty::Link };
    if std::mem::replace(&mut socket.dirty, dirty) != dirty {
        match dirty {
            Dirty::Here => world.loopback.dirty.push_back(id),
            _ => world.dirty.push(id),
        }
    }
}

/// Sends a packet on its way, from a socket or (a reset, an ICMP message) from the host itself.
pub(crate) fn send(
    world: &mut World,
    socket: Option<SocketId>,
    host: HostId,
    from: SocketAddr,
    to: SocketAddr,
    body: Body,
    payload: Vec<u8>,
) {
    let (sender, far) = match socket {
        Some(id) => (world.sockets[id].entity.path, world.sockets[id].far),
        None => (world.hosts[host].entity.path, None),
    };
    match route::next_hop(world, host, from, to) {
        None => world.recycle(payload),
        Some(to_host) => {
            let packet = world.pack(Packet {
                from,
                to,
                to_host,
                sender,
                between: (socket, far),
                body,
                payload,
            });
            pass_on(world, socket, host, packet);
        }
    }
}

/// Sends a packet of a socket, filled in but for the host that it goes to.
#[inline]
pub(crate) fn send_packet(world: &mut World, id: SocketId, host: HostId, mut packet: Box<Packet>) {
    let way = world.sockets[id].way();
    match way.or_else(|| route::next_hop(world, host, packet.from, packet.to)) {
        None => world.recycle_packet(packet),
        Some(to_host) => {
            world.sockets[id].set_way(to_host);
            packet.to_host = to_host;
            pass_on(world, Some(id), host, packet);
        }
    }
}

/// Sends a packet on its way that says where it goes.
#[inline]
pub(crate) fn pass_on(
    world: &mut World,
    socket: Option<SocketId>,
    host: HostId,
    packet: Box<Packet>,
) {
    match packet.to_host == host {
        true => loopback::send(world, packet),
        false => link::send(world, socket, host, packet),
    }
}
