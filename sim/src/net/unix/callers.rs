//! Who waits for a Unix socket: senders for room, and those that are to be told when it closes.

use std::io;
use std::rc::Rc;

use greenroom::hub::Kind;

use crate::errno::errno;
use crate::id::{HostId, SocketId, Weak};
use crate::net::readiness;
use crate::socket::unix::Peer;
use crate::socket::unix::name::{Name, key_of};
use crate::world::World;

/// Who is bound to this name of the host.
pub(crate) fn find(
    world: &World,
    host: HostId,
    name: &Rc<Name>,
    kind: Kind,
) -> io::Result<SocketId> {
    let key = key_of(name, kind);
    let holder = match (world.hosts[host].names.get(&key), &**name) {
        (None, Name::Path(_)) => return Err(errno(libc::ENOENT)),
        (holder, _) => holder.and_then(|&holder| world.upgrade(holder)),
    };
    let holder = holder.ok_or_else(|| errno(libc::ECONNREFUSED))?;
    match world.unix(holder).kind == kind {
        true => Ok(holder),
        false => Err(errno(libc::EPROTOTYPE)),
    }
}

/// What a sender is charged for less, now that it was read; it hears of the room.
pub(crate) fn discharge(world: &mut World, sender: Weak, cost: usize) {
    if let Some(sender) = world.upgrade(sender) {
        world.unix_mut(sender).charged -= cost;
        readiness::tell(world, sender);
    }
}

/// There is room here, or no hope of any: those who wait for it look again.
pub(crate) fn tell(world: &mut World, id: SocketId) {
    let callers = std::mem::take(&mut world.unix_mut(id).callers);
    if callers.is_empty() {
        return;
    }
    for &caller in &callers {
        if let Some(caller) = world.upgrade(caller) {
            readiness::tell(world, caller);
        }
    }
    let is_peer = |&caller: &Weak| {
        let peer = world.upgrade(caller).map(|caller| &world.unix(caller).peer);
        matches!(peer, Some(&Peer::Here(peer)) if peer == id)
    };
    let kept: Vec<Weak> = callers.into_iter().filter(is_peer).collect();
    world.unix_mut(id).callers = kept;
}

pub(crate) fn add(world: &mut World, id: SocketId, caller: SocketId) {
    let mut callers = std::mem::take(&mut world.unix_mut(id).callers);
    world.add_hold(&mut callers, world.weak(caller));
    world.unix_mut(id).callers = callers;
}
