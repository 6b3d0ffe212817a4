//! Packets that arrive, from other hosts and from the own one, and the end of an instant, when every socket
//! sends what it has.

use crate::id::{PacketId, SocketId};
use crate::link::packet::{Body, Packet};
use crate::net::readiness::{self, When};
use crate::net::{connection, datagram, icmp, listener, multicast, outgoing};
use crate::socket::Proto;
use crate::socket::flow::Flow;
use crate::tcp::{Connection, Segment};
use crate::trace::event::Wire;
use crate::world::World;
use crate::world::journal::Actor;

/// Lets every socket that was touched send what it has to other hosts. Done when an instant ends,
/// so that an answer carries the acknowledgement of its question.
pub(crate) fn flush(world: &mut World) {
    loop_back(world);
    let mut at = 0;
    while at < world.dirty.len() {
        let id = world.dirty[at];
        at += 1;
        connection::transmit(world, id, When::NextPoll);
    }
    world.dirty.clear();
    if !world.memory_waiters.is_empty() {
        readiness::share_out_memory(world);
    }
}

/// Lets what hosts have sent themselves arrive, and what is sent in reply, until nothing of
/// the kind is in flight. A burst arrives before there is a reply to any of it.
#[inline]
pub(crate) fn loop_back(world: &mut World) {
    if !world.loopback.packets.is_empty() || !world.loopback.dirty.is_empty() {
        loop_all_back(world);
    }
}

#[inline(never)]
fn loop_all_back(world: &mut World) {
    loop {
        if let Some(packet) = world.loopback.packets.pop_front() {
            arrive(world, packet, When::AfterLoopback);
        } else if let Some(id) = world.loopback.dirty.pop_front() {
            connection::transmit(world, id, When::AfterLoopback);
        } else {
            break;
        }
    }
}

#[inline]
pub(crate) fn packet_arrives(world: &mut World, id: PacketId) {
    let packet = world.packets.remove(id).expect("a packet arrives once");
    arrive(world, packet, When::NextPoll);
}

fn arrive(world: &mut World, packet: Box<Packet>, when: When) {
    if world.hosts[packet.to_host].is_up {
        match packet.body {
            Body::Segment(ref segment) => segment_arrives(world, &packet, segment, when),
            Body::Datagram => return datagram::arrives(world, packet, when),
            Body::ForMany(interface) => return multicast::arrives(world, packet, interface, when),
            Body::Icmp(icmp) => icmp::arrives(world, &packet, icmp, when),
        }
    }
    world.recycle_packet(packet);
}

#[inline]
fn segment_arrives(world: &mut World, packet: &Packet, segment: &Segment, when: When) {
    let flow = Flow { host: packet.to_host, local: packet.to, peer: packet.from };
    let (sender, likely) = packet.between;
    match world.routed(&flow, likely) {
        Some(id) if gives_way(world, id, segment) => {
            world.forget_socket(id);
            segment_for_port(world, packet, segment);
        }
        Some(id) => {
            world.sockets[id].far = sender;
            connection::segment_arrives(world, id, packet, segment, when);
        }
        None => segment_for_port(world, packet, segment),
    }
}

/// Whether a connection in TIME-WAIT makes room for a new one (RFC 6191).
fn gives_way(world: &World, id: SocketId, segment: &Segment) -> bool {
    let socket = &world.sockets[id];
    match &socket.proto {
        Proto::Stream(connection) => {
            socket.descriptors.is_empty() && connection.gives_way_to(segment)
        }
        _ => false,
    }
}

/// No connection is there: a listener takes a SYN, all else is answered by a reset.
#[cold]
fn segment_for_port(world: &mut World, packet: &Packet, segment: &Segment) {
    if segment.flags.syn
        && !segment.flags.ack
        && !segment.flags.rst
        && let Some(listener) = listener::at(world, packet.to_host, packet.to, packet.sender)
    {
        return listener::open_half(world, listener, packet, segment);
    }
    if let Some(reset) = Connection::reset_for(segment, packet.payload.len()) {
        let (from, to, host) = (packet.to, packet.from, packet.to_host);
        let path = world.hosts[host].entity.path;
        let sent = Wire::Segment { socket: 0, path, from, to, segment: reset };
        world.record(Actor::Host(host), sent);
        outgoing::send(world, None, host, from, to, Body::Segment(reset), Vec::new());
    }
}
