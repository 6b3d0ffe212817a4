//! How a socket begins, and how it ends: it is shut down, it is closed, its program or its host is gone.

use std::io;
use std::net::Shutdown;

use greenroom::hub::{Domain, GreenletId, How, Io, Kind, Ready};

use crate::choices::Fault;
use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::{
    connection, deliver, file, listener, outgoing, pipe, readiness, stream, udp, unix,
};
use crate::socket::Proto;
use crate::socket::mailbox::Mailbox;
use crate::trace::event::{Call, Struck};
use crate::world::World;
use crate::world::journal::Actor;

/// Makes a socket that is neither bound nor connected.
pub(crate) fn make_socket(world: &mut World, domain: Domain, kind: Kind) -> io::Result<Io> {
    let (label, proto) = match (domain, kind) {
        (Domain::Unix, _) => {
            world.check_descriptors(1)?;
            return Ok(unix::make(world, kind));
        }
        (_, Kind::Stream) => (".tcp", Proto::Fresh),
        (_, Kind::Datagram) => (".udp", Proto::Udp(Mailbox::default())),
        (_, Kind::SeqPacket) => return Err(errno(libc::ESOCKTNOSUPPORT)),
    };
    world.check_descriptors(1)?;
    let (host, path) = (world.host_here(), world.path_for_socket(label));
    let id = world.add_socket(host, path, proto);
    world.sockets[id].domain = domain;
    Ok(world.add_descriptor(id))
}

/// Closes a socket that has no descriptor any more.
pub(crate) fn close_if_last(world: &mut World, id: SocketId) {
    if world.sockets[id].descriptors.is_empty() {
        close(world, id);
        deliver::loop_back(world);
    }
    close_discarded(world);
}

/// Closes descriptors that went with messages nobody will receive; those that lie in what is closed by
/// that, too.
pub(crate) fn close_discarded(world: &mut World) {
    while let Some(io) = world.discarded.pop() {
        if let Some(id) = world.remove_descriptor(io)
            && world.sockets[id].descriptors.is_empty()
        {
            close(world, id);
            deliver::loop_back(world);
        }
    }
}

/// A host's program is ended from outside; the machine goes on.
pub(crate) fn end_process(world: &mut World, host: HostId) {
    file::end_process(world, host);
    let live = world.greenlets.iter().filter(|g| g.live && g.host == host);
    let dead: Vec<GreenletId> = live.map(|g| g.id).collect();
    world.ready.extend(dead.into_iter().map(|id| Ready::End(id, How::Abandon)));
    for id in world.descriptors.ids() {
        let Some(descriptor) = world.descriptors.get(id) else { continue };
        let (io, socket) = (descriptor.io, descriptor.socket);
        if world.sockets[socket].host == host
            && let Some(last_of) = world.remove_descriptor(io)
        {
            close_if_last(world, last_of);
        }
    }
}

pub(crate) fn shutdown(world: &mut World, id: SocketId, how: Shutdown) -> io::Result<()> {
    let outcome = shut(world, id, how);
    if outcome.is_ok() {
        let number = world.sockets[id].number;
        world.record(Actor::Running, Call::Shutdown { socket: number, how });
        outgoing::mark_dirty(world, id);
    }
    // What is refused may be done all the same.
    readiness::tell(world, id);
    outcome
}

fn shut(world: &mut World, id: SocketId, how: Shutdown) -> io::Result<()> {
    let (read, write) = match how {
        Shutdown::Read => (true, false),
        Shutdown::Write => (false, true),
        Shutdown::Both => (true, true),
    };
    match &mut world.sockets[id].proto {
        Proto::Stream(_) => {
            connection::send_written(world, id);
            stream::shutdown(world, id, read, write)
        }
        Proto::Udp(_) => udp::shutdown(world, id, read, write),
        Proto::Unix(_) => {
            unix::shutdown(world, id, read, write);
            Ok(())
        }
        Proto::Pipe(_) => Err(errno(libc::ENOTSOCK)),
        Proto::Listener(_) => {
            if read {
                listener::stop(world, id);
            }
            Ok(())
        }
        _ => {
            // Refused, and done all the same.
            let shut = &mut world.sockets[id].shut_early;
            *shut = (shut.0 | read, shut.1 | write);
            Err(errno(libc::ENOTCONN))
        }
    }
}

/// The last descriptor is gone.
fn close(world: &mut World, id: SocketId) {
    match &world.sockets[id].proto {
        Proto::Stream(_) => {
            connection::send_written(world, id);
            stream::close(world, id);
        }
        Proto::Listener(_) => {
            listener::stop(world, id);
            world.forget_socket(id);
        }
        Proto::Unix(_) => {
            unix::close(world, id);
            unix::rights::collect_unreachable(world);
        }
        Proto::Pipe(_) => pipe::close(world, id),
        Proto::File(_) | Proto::FileCall(_) => file::close(world, id),
        _ => world.forget_socket(id),
    }
}

pub(crate) fn start_host(world: &mut World, host: HostId) {
    world.hosts[host].is_up = true;
    world.ready.push(Ready::Start(host.into()));
}

/// The host's power fails: its greenlets stop where they stand, its sockets are gone, nothing
/// is sent.
pub(crate) fn cut_power(world: &mut World, host: HostId) {
    if !std::mem::replace(&mut world.hosts[host].is_up, false) {
        return;
    }
    world.hosts[host].down_ns = Some(world.clock.now_ns());
    world.hosts[host].loopback.power_off();
    world.strike(Actor::Host(host), Fault::PowerCut, Struck::Host);
    file::cut_power(world, host);
    let mut dead: Vec<GreenletId> = Vec::new();
    dead.extend(world.greenlets.iter().filter(|g| g.live && g.host == host).map(|g| g.id));
    world.ready.extend(dead.into_iter().map(|id| Ready::End(id, How::Abandon)));
    for id in world.sockets.ids() {
        let socket = &world.sockets[id];
        if socket.live && socket.host == host {
            world.forget_socket(id);
        }
    }
}
