//! How a socket forgets its peer: connect(2) to an address of no family. What each kind keeps is what
//! Linux was seen to keep.

#[cfg(test)]
mod tests;

use std::io;

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::{connection, listener, outgoing, ports, readiness, udp, unix};
use crate::socket::{Proto, Socket};
use crate::tcp::State;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn disconnect(world: &mut World, id: SocketId) -> io::Result<()> {
    match &world.sockets[id].proto {
        Proto::Stream(tcp) if tcp.state() == State::TimeWait => {
            leave_behind(world, id);
            begin_anew(world, id, None);
        }
        Proto::Stream(_) => {
            let error = connection::disconnect(world, id);
            world.unroute(id);
            begin_anew(world, id, error);
        }
        Proto::Listener(_) => listener::stop(world, id),
        Proto::Fresh => world.sockets[id].shut_early = (false, false),
        Proto::Udp(_) => udp::disconnect(world, id),
        Proto::Unix(_) => unix::disconnect(world, id)?,
        Proto::Pipe(_)
        | Proto::Query(_)
        | Proto::Job(_)
        | Proto::File(_)
        | Proto::FileCall(_)
        | Proto::Signal(_) => {
            return Err(errno(libc::ENOTSOCK));
        }
    }
    let socket = world.sockets[id].number;
    world.record(Actor::Running, Call::Disconnect { socket });
    readiness::tell(world, id);
    Ok(())
}

/// A socket of TCP is as new, but for the error that is pending. It goes on to say the port that it
/// had, and the address if the program named that.
fn begin_anew(world: &mut World, id: SocketId, error: Option<io::Error>) {
    let socket = &mut world.sockets[id];
    socket.forget_peer();
    (socket.proto, socket.listener) = (Proto::Fresh, None);
    (socket.shut_early, socket.left_error) = ((false, false), error);
    socket.forget_ip();
}

/// TIME-WAIT is the system's affair: it lasts, with the port and the way to the peer, on a socket that
/// nobody has.
fn leave_behind(world: &mut World, id: SocketId) {
    let socket = &mut world.sockets[id];
    let (Some(flow), host, path) = (socket.flow(), socket.host, socket.entity.path) else { return };
    if world.flows.get(&flow) != Some(&id) {
        return;
    }
    world.unroute(id);
    let mut proto = std::mem::replace(&mut world.sockets[id].proto, Proto::Fresh);
    if let Proto::Stream(tcp) = &mut proto {
        tcp.close();
    }
    let left = world.add_socket(host, path, proto);
    let Socket { options, domain, entity, .. } = &world.sockets[id];
    let (options, domain, entity) = (options.clone(), *domain, entity.clone());
    let socket = &mut world.sockets[left];
    (socket.options, socket.domain, socket.entity) = (options, domain, entity);
    socket.set_peer(flow.peer, world.hosts[host].owns(flow.peer.ip()));
    socket.is_named = true;
    world.route(flow, left);
    ports::hold_connection(world, left, flow.local);
    outgoing::mark_dirty(world, left);
}
