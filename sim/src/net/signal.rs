//! Signals to a host's program: one that it handles is pending until it is taken; any other ends it, as
//! `kill -9` would: no destructor runs, and the host's system closes what it had open.

use std::io;

use greenroom::hub::{Io, Readiness, Take};
use greenroom::signal::Kind;

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::{life, readiness};
use crate::socket::Proto;
use crate::socket::source::SignalSource;
use crate::trace::event::What;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn listen(world: &mut World, kind: Kind) -> io::Result<Io> {
    let source = SignalSource { kind, is_pending: false };
    Ok(world.add_source(".signal", Proto::Signal(source)).1)
}

pub(crate) fn take(world: &mut World, io: Io, id: SocketId, take: Take) -> io::Result<usize> {
    let Proto::Signal(source) = &mut world.sockets[id].proto else {
        return Err(errno(libc::EINVAL));
    };
    if !source.is_pending {
        world.want(io, Readiness::READ);
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
    let mut is_handled = false;
    for id in world.sockets.ids() {
        let socket = &mut world.sockets[id];
        match &mut socket.proto {
            Proto::Signal(source) if socket.live && socket.host == host && source.kind == kind => {
                source.is_pending = true;
                is_handled = true;
            }
            _ => continue,
        }
        readiness::tell(world, id);
    }
    if !is_handled {
        life::end_process(world, host);
    }
}
