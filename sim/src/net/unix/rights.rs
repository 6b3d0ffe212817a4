//! Descriptors that go with what is written (`SCM_RIGHTS`): each is one more of its socket, which nobody
//! has until it is received.

use std::io;

use greenroom::hub::{Io, RIGHTS_MAX, Take};

use crate::errno::errno;
use crate::id::{Id, SocketId};
use crate::net::unix::callers;
use crate::socket::Proto;
use crate::socket::unix::Role;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

/// What a program wants to give, looked at before anything else is.
pub(crate) fn wanted(world: &World, ios: &[Io]) -> io::Result<Vec<SocketId>> {
    if ios.len() > RIGHTS_MAX {
        return Err(errno(libc::EINVAL));
    }
    ios.iter().map(|io| world.socket_of(*io)).collect()
}

/// They leave.
pub(super) fn send(world: &mut World, id: SocketId, rights: &[SocketId]) -> Vec<Io> {
    if rights.is_empty() {
        return Vec::new();
    }
    record(world, id, rights, true);
    rights.iter().map(|socket| world.send_descriptor(*socket)).collect()
}

/// Those of the piece that a read of so many bytes takes last, behind the pieces that it passes over.
pub(super) fn of_stream(
    world: &mut World,
    id: SocketId,
    passed: usize,
    length: usize,
    take: Take,
) -> Vec<Io> {
    let (mut at, mut before) = (passed, 0);
    for piece in world.unix(id).incoming.iter().skip(passed) {
        if !piece.rights.is_empty() {
            return self::take(world, id, at, take);
        }
        before += piece.rest().len();
        at += 1;
        if before >= length {
            break;
        }
    }
    Vec::new()
}

/// Those of a piece. Who only looks gets others to the same sockets.
pub(super) fn take(world: &mut World, id: SocketId, at: usize, take: Take) -> Vec<Io> {
    let piece = &mut world.unix_mut(id).incoming[at];
    if piece.rights.is_empty() {
        return Vec::new();
    }
    match take {
        Take::Remove => std::mem::take(&mut piece.rights),
        Take::Peek => {
            let looked_at = piece.rights.clone();
            let copy = |io| world.socket_of(io).map(|of| world.send_descriptor(of)).ok();
            looked_at.into_iter().filter_map(copy).collect()
        }
    }
}

/// A program gets as many as it may have; returns whether that is all.
pub(crate) fn land(world: &mut World, id: SocketId, mut rights: Vec<Io>) -> (Vec<Io>, bool) {
    let has_room = |world: &World| world.check_descriptors(1).is_ok();
    let mut landed = 0;
    while landed < rights.len() && has_room(world) {
        world.land_descriptor(rights[landed]);
        landed += 1;
    }
    let lost = rights.split_off(landed);
    let is_all = lost.is_empty();
    world.discarded.extend(lost);
    let sockets: Vec<SocketId> = rights.iter().filter_map(|io| world.socket_of(*io).ok()).collect();
    record(world, id, &sockets, false);
    (rights, is_all)
}

/// Discards those that nobody can ever receive: they lie in sockets that are open only because they lie in
/// such ones themselves. Linux looks for them as well when a Unix socket closes, and takes all that lies
/// there out before it closes any.
pub(crate) fn collect_unreachable(world: &mut World) {
    for id in unreachable(world) {
        for piece in std::mem::take(&mut world.unix_mut(id).incoming) {
            callers::discharge(world, piece.sender, piece.cost);
            world.discarded.extend(piece.rights);
        }
    }
}

/// The Unix sockets that nobody can ever get at.
fn unreachable(world: &World) -> Vec<SocketId> {
    let is_held = |id: SocketId| {
        let held = |of| world.descriptors.get(of).is_some_and(|it| !it.in_flight);
        world.sockets[id].live && world.sockets[id].descriptors.iter().any(|of| held(*of))
    };
    let in_flight = world.in_flight.iter().filter_map(|of| world.descriptors.get(*of));
    if in_flight.map(|descriptor| descriptor.socket).all(is_held) {
        return Vec::new();
    }
    let all: Vec<SocketId> = world.sockets.ids().collect();
    let mut reached: Vec<bool> = all.iter().map(|id| is_held(*id)).collect();
    let mut next: Vec<SocketId> = all.iter().copied().filter(|id| reached[id.row()]).collect();
    while let Some(id) = next.pop() {
        let Proto::Unix(socket) = &world.sockets[id].proto else { continue };
        let inside = socket.incoming.iter().flat_map(|piece| &piece.rights);
        let inside = inside.filter_map(|io| world.socket_of(*io).ok());
        let pending = match &socket.role {
            Role::Listening { pending, .. } => pending.iter().copied().collect(),
            _ => Vec::new(),
        };
        for of in inside.chain(pending) {
            if !std::mem::replace(&mut reached[of.row()], true) {
                next.push(of);
            }
        }
    }
    let is_lost = |id: &SocketId| {
        let socket = &world.sockets[*id];
        !reached[id.row()] && socket.live && matches!(socket.proto, Proto::Unix(_))
    };
    all.into_iter().filter(is_lost).collect()
}

fn record(world: &mut World, id: SocketId, rights: &[SocketId], is_sent: bool) {
    let socket = world.sockets[id].number;
    let passed = rights.iter().map(|of| world.sockets[*of].number).collect();
    world.record(Actor::Running, Call::Rights { socket, passed, is_sent });
}
