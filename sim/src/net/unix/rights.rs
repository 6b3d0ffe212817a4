//! Descriptors that go with what is written (`SCM_RIGHTS`): each is one more of its socket, which nobody
//! has until it is received.

use std::io;

use greenroom::hub::{Io, RIGHTS_MAX, Take};

use crate::errno::errno;
use crate::id::SocketId;
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
            let copy = |io| Some(world.socket_of(io).map(|of| world.send_descriptor(of)).ok()?);
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

fn record(world: &mut World, id: SocketId, rights: &[SocketId], is_sent: bool) {
    let socket = world.sockets[id].number;
    let passed = rights.iter().map(|of| world.sockets[*of].number).collect();
    world.record(Actor::Running, Call::Rights { socket, passed, is_sent });
}
