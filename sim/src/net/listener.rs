//! A socket that listens: who calls, who is accepted, and what becomes of the others when it stops.

use std::io;
use std::net::SocketAddr;

use greenroom::hub::{Domain, Io, Readiness};

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::link::packet::Packet;
use crate::net::{connection, naming, outgoing, ports, stream};
use crate::socket::address::any;
use crate::socket::flow::{Flow, Transport};
use crate::socket::{Proto, Socket};
use crate::tcp::{Connection, Listener, Segment};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

const LOOPBACK_MSS_ACCEPTED: u32 = 32_768;

pub(crate) fn listen(world: &mut World, id: SocketId, backlog: u32) -> io::Result<()> {
    let socket = &mut world.sockets[id];
    if let Proto::Stream(old) = &mut socket.proto
        && old.is_as_new()
    {
        socket.left_error = old.take_error();
    }
    stream::renew(world, id);
    let socket = &world.sockets[id];
    if !socket.has_port && matches!(socket.proto, Proto::Fresh) {
        let ip = socket.local.map_or(any(socket.domain), |left| left.ip());
        ports::bind_to(world, id, SocketAddr::new(ip, 0))?;
    }
    match &mut world.sockets[id].proto {
        Proto::Listener(listener) => listener.set_backlog(backlog),
        Proto::Fresh => {
            if conflicts(world, id) {
                return Err(errno(libc::EADDRINUSE));
            }
            world.sockets[id].proto = Proto::Listener(Listener::new(backlog));
            naming::stands_at(world, id);
        }
        Proto::Stream(_) => return Err(errno(libc::EINVAL)),
        _ => return Err(errno(libc::EOPNOTSUPP)),
    }
    let socket = world.sockets[id].number;
    world.record(Actor::Running, Call::Listen { socket, backlog });
    Ok(())
}

fn conflicts(world: &World, id: SocketId) -> bool {
    let socket = &world.sockets[id];
    let Some(local) = socket.local else { return false };
    let bound = ports::bound_at(world, socket.host, Transport::Tcp, local.port());
    bound.iter().any(|&other| {
        let theirs = &world.sockets[other];
        other != id
            && theirs.overlaps(local, socket.options.only_v6)
            && matches!(theirs.proto, Proto::Listener(_))
            && !(socket.options.reuse_port && theirs.options.reuse_port)
    })
}

/// Who listens for connections to this address, the more exact one first, then one of the very
/// family. Those that share a port by SO_REUSEPORT divide the callers among them.
pub(crate) fn at(world: &World, host: HostId, to: SocketAddr, caller: u32) -> Option<SocketId> {
    let bound = ports::bound_at(world, host, Transport::Tcp, to.port());
    let score = |&id: &SocketId| {
        let socket = &world.sockets[id];
        let local = socket.local.filter(|_| socket.covers(to))?;
        let listens = matches!(socket.proto, Proto::Listener(_));
        listens.then_some(((local.ip() == to.ip(), socket.domain == Domain::V4), id))
    };
    ports::choose_receiver(world, bound.iter().filter_map(score), caller)
}

/// A SYN reached a listener: a connection begins, named after the socket that called.
pub(crate) fn open_half(world: &mut World, listener: SocketId, packet: &Packet, segment: &Segment) {
    let host = world.sockets[listener].host;
    let Proto::Listener(queue) = &world.sockets[listener].proto else { return };
    if queue.is_full() {
        return;
    }
    let path = world.path_of_accepted(listener, packet.sender);
    let config = stream::config_of(world, listener, packet.from, LOOPBACK_MSS_ACCEPTED);
    let config = world.shared(config);
    let mut connection = Connection::accept(config, stream::isn(world, host), segment);
    connection.shut_early(world.sockets[listener].shut_early);
    let id = world.add_socket(host, path, Proto::Stream(Box::new(connection)));
    let Proto::Listener(queue) = &mut world.sockets[listener].proto else { return };
    if !queue.begin(id) {
        return world.forget_socket(id);
    }
    let Socket { options, domain, ip_is_given, .. } = &world.sockets[listener];
    let (options, domain, ip_is_given) = (options.clone(), *domain, *ip_is_given);
    let socket = &mut world.sockets[id];
    (socket.options, socket.domain, socket.ip_is_given) = (options, domain, ip_is_given);
    socket.set_peer(packet.from, world.hosts[host].owns(packet.from.ip()));
    socket.is_named = true;
    socket.listener = Some(listener);
    let flow = Flow { host, local: packet.to, peer: packet.from };
    world.route(flow, id);
    ports::hold_connection(world, id, packet.to);
    outgoing::mark_dirty(world, id);
}

pub(crate) fn accept(world: &mut World, io: Io) -> io::Result<(Io, SocketAddr)> {
    let id = world.socket_of(io)?;
    let accepted = match &mut world.sockets[id].proto {
        Proto::Listener(queue) => queue.accept(),
        Proto::Udp(_) => return Err(errno(libc::EOPNOTSUPP)),
        _ => return Err(errno(libc::EINVAL)),
    };
    let Some(connection) = accepted else {
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    };
    world.stirred = true;
    let accepted = world.add_descriptor(connection);
    let socket = &world.sockets[connection];
    let (number, peer) = (socket.number, socket.peer().expect("a connection has a peer"));
    world.record(Actor::Running, Call::Accept { socket: number, peer: peer.into() });
    Ok((accepted, peer))
}

/// The socket listens no more, and is as one that never did (linux-truth 41 to 44).
pub(crate) fn stop(world: &mut World, id: SocketId) {
    let Proto::Listener(queue) = &mut world.sockets[id].proto else { return };
    let orphans: Vec<SocketId> = queue.close().collect();
    world.sockets[id].proto = Proto::Fresh;
    world.sockets[id].shut_early = (false, false);
    world.unroute(id);
    for orphan in orphans {
        connection::send_written(world, orphan);
        let socket = &mut world.sockets[orphan];
        socket.listener = None;
        if let Proto::Stream(connection) = &mut socket.proto {
            connection.abort();
        }
        outgoing::mark_dirty(world, orphan);
    }
}
