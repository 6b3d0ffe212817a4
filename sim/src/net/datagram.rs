//! Datagrams: in how many pieces they are given, whose those are that arrive, and whether there is room.

use std::io;
use std::net::{IpAddr, SocketAddr};

use greenroom::hub::{Domain, Io, Kind, Opt, PIECES_MAX};

use crate::errno::errno;
use crate::id::SocketId;
use crate::link::icmp::Why;
use crate::link::packet::{Body, Interface, Packet};
use crate::net::readiness::{self, When};
use crate::net::{interface, memory, outgoing, ports};
use crate::socket::Proto;
use crate::socket::flow::Transport;
use crate::socket::mailbox::{Letter, cost_of};
use crate::socket::options::RECV_BUFFER;
use crate::world::World;

/// How many of so many buffers a call takes. Of what has boundaries a part would be something else.
pub(crate) fn check_pieces(world: &World, io: Io, count: usize) -> io::Result<usize> {
    let has_boundaries = match &world.sockets[world.socket_of(io)?].proto {
        Proto::Udp(_) => true,
        Proto::Unix(socket) => socket.kind() != Kind::Stream,
        _ => false,
    };
    match count > PIECES_MAX && has_boundaries {
        true => Err(errno(libc::EMSGSIZE)),
        false => Ok(count.min(PIECES_MAX)),
    }
}

pub(crate) fn arrives(world: &mut World, mut packet: Box<Packet>, when: When) {
    let Some(id) = receiver_of(world, &packet) else {
        let (host, from, to) = (packet.to_host, packet.to, packet.from);
        let body = Body::Icmp(packet.icmp(Why::Port));
        outgoing::send(world, None, host, from, to, body, Vec::new());
        return world.recycle_packet(packet);
    };
    let interface = interface::of_own(packet.to.ip());
    let came = Came { from: packet.from, to: packet.to.ip(), interface };
    let payload = std::mem::take(&mut packet.payload);
    world.recycle_packet(packet);
    queue(world, id, came, payload, when);
}

/// A connected socket hears its peer only; the more exact address wins, then the very family.
fn receiver_of(world: &World, packet: &Packet) -> Option<SocketId> {
    let to = packet.to;
    let bound = ports::bound_at(world, packet.to_host, Transport::Udp, to.port());
    let score = |&id: &SocketId| {
        let socket = &world.sockets[id];
        let local = socket.local.filter(|_| socket.covers(to))?;
        let hears = socket.peer().is_none_or(|peer| is_from(peer, packet.from));
        let is_own_family = socket.domain == Domain::V4;
        hears.then_some(((socket.peer().is_some(), local.ip() == to.ip(), is_own_family), id))
    };
    ports::choose_receiver(world, bound.iter().filter_map(score), packet.sender)
}

/// How a datagram came.
#[derive(Clone, Copy)]
pub(crate) struct Came {
    pub(crate) from: SocketAddr,
    pub(crate) to: IpAddr,
    pub(crate) interface: Interface,
}

pub(crate) fn queue(world: &mut World, id: SocketId, came: Came, payload: Vec<u8>, when: When) {
    let Came { from, to, interface } = came;
    let left = memory::left(world, world.sockets[id].host);
    let socket = &mut world.sockets[id];
    let bytes_max = socket.options.recv_buffer.unwrap_or(RECV_BUFFER) as usize;
    let is_described =
        [Opt::PacketInfoV4, Opt::PacketInfoV6].iter().any(|&it| socket.options.get(it) != 0);
    let Proto::Udp(mailbox) = &mut socket.proto else { return };
    let cost = cost_of(from, payload.len());
    // However large, one fits; but for the host.
    let is_full = !mailbox.queue.is_empty() && mailbox.bytes + cost > bytes_max;
    if is_full || left.is_some_and(|left| left < cost as u64) {
        return world.recycle(payload);
    }
    mailbox.bytes += cost;
    let interface = interface::number_of(interface);
    mailbox.queue.push_back(Letter { from, payload, to, interface, is_described });
    readiness::tell_when(world, id, when);
}

/// A datagram went no further: only a connected socket is told (linux-truth 174).
pub(crate) fn refusal_arrives(world: &mut World, packet: &Packet, error: i32, when: When) {
    let bound = ports::bound_at(world, packet.to_host, Transport::Udp, packet.to.port());
    let told = bound.iter().copied().find(|&id| {
        let socket = &world.sockets[id];
        // One that was connected in IPv6 before does not hear what comes back by IPv4.
        socket.covers(packet.to) && socket.peer().is_some_and(|peer| is_from(peer, packet.from))
    });
    let Some(id) = told else { return };
    if let Proto::Udp(mailbox) = &mut world.sockets[id].proto {
        mailbox.error = Some(error);
        readiness::tell_when(world, id, when);
    }
}

/// Whether what comes from there is for one connected to `peer`: to port 0 means any of its ports.
fn is_from(peer: SocketAddr, from: SocketAddr) -> bool {
    peer.ip() == from.ip() && (peer.port() == 0 || peer.port() == from.port())
}
