//! Signals to a host's program: where it listens they are events; where it does not they end it, as
//! `kill -9` would: no destructor runs, and the host's system closes what it had open.

use std::io;

use greenroom::hub::{Interest, Io, Take};
use greenroom::signal::Kind;

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::{life, readiness};
use crate::socket::source::SignalSource;
use crate::socket::{NO_SOCKET, Proto};
use crate::trace::event::What;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn listen(world: &mut World, kind: Kind) -> io::Result<Io> {
    let path = world.path_for_socket(".signal");
    let host = world.host_here();
    let source = SignalSource { kind, is_pending: false };
    let id = world.add_socket(host, path, Proto::Signal(source));
    world.sockets[id].number = NO_SOCKET;
    Ok(world.add_descriptor(id))
}

pub(crate) fn take(world: &mut World, io: Io, id: SocketId, take: Take) -> io::Result<usize> {
    let Proto::Signal(source) = &mut world.sockets[id].proto else {
        return Err(errno(libc::EINVAL));
    };
    if !source.is_pending {
        world.want(io, Interest::READ);
        return Err(errno(libc::EAGAIN));
    }
    source.is_pending = take == Take::Peek;
    Ok(1)
}

pub(crate) fn arrives(world: &mut World, host: HostId, kind: Kind) {
    if !world.hosts[host].is_up {
        return;
    }
    world.record(Actor::Host(host), What::Signal { kind });
    let mut is_heard = false;
    for id in world.sockets.ids() {
        let socket = &mut world.sockets[id];
        match &mut socket.proto {
            Proto::Signal(source) if socket.live && socket.host == host && source.kind == kind => {
                source.is_pending = true;
                is_heard = true;
            }
            _ => continue,
        }
        readiness::tell(world, id);
    }
    if !is_heard {
        life::end_process(world, host);
    }
}
