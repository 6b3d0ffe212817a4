//! Unix datagrams: nothing is lost. A receiver that lags holds its senders back.

use std::io;
use std::os::unix::net::SocketAddr;
use std::rc::Rc;

use greenroom::hub::{Io, Kind, Readiness, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::pieces::Taken;
use crate::net::unix::{callers, pieces};
use crate::net::{naming, readiness};
use crate::socket::unix::Peer;
use crate::socket::unix::name::Name;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn connect(world: &mut World, id: SocketId, to: &SocketAddr) -> io::Result<()> {
    let name = Rc::new(Name::of(to).ok_or_else(|| errno(libc::EINVAL))?);
    let host = world.sockets[id].host;
    let peer = callers::find(world, host, &name, Kind::Datagram)?;
    if !world.unix(peer).takes_from(id) {
        return Err(errno(libc::EPERM));
    }
    if !world.unix(id).hears_only(peer) {
        lose_queued(world, id);
    }
    naming::of_unix(world, id, '>', &name);
    world.unix_mut(id).peer = Peer::Here(peer);
    callers::add(world, peer, id);
    // One that waited to send here may now, if it is the peer, and the others never will.
    callers::tell(world, id);
    let number = world.sockets[id].number;
    let peer = world.name_ref(Some(&name));
    world.record(Actor::Running, Call::Connect { socket: number, peer });
    readiness::tell(world, id);
    Ok(())
}

/// Forgets the peer, and with it what it sent.
pub(crate) fn disconnect(world: &mut World, id: SocketId) {
    lose_queued(world, id);
    world.unix_mut(id).peer = Peer::None;
    callers::tell(world, id);
}

/// A connected socket leaves its peer: what lies here is lost, and a peer that was connected to
/// it is told so.
fn lose_queued(world: &mut World, id: SocketId) {
    let socket = world.unix_mut(id);
    if matches!(socket.peer, Peer::None) || socket.incoming.is_empty() {
        return;
    }
    let (lost, peer) = (std::mem::take(&mut socket.incoming), socket.peer.clone());
    for piece in lost {
        callers::discharge(world, piece.sender, piece.cost);
        world.discarded.extend(piece.rights);
    }
    if let Peer::Here(peer) = peer
        && peer != id
        && world.unix(peer).hears_only(id)
    {
        world.unix_mut(peer).error = Some(libc::ECONNRESET);
        readiness::tell(world, peer);
    }
    callers::tell(world, id);
}

pub(crate) fn send(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    to: Option<&SocketAddr>,
    rights: &[SocketId],
) -> io::Result<usize> {
    let wanted = match to {
        Some(to) => Some(Rc::new(Name::of(to).ok_or_else(|| errno(libc::EINVAL))?)),
        None => None,
    };
    pieces::may_be_long(world, id, buf.len())?;
    if let Some(error) = world.unix_mut(id).take_error() {
        return Err(error);
    }
    if world.unix(id).shut_write {
        return Err(errno(libc::EPIPE));
    }
    pieces::may_charge(world, io, id)?;
    let receiver = receiver(world, id, wanted.as_ref())?;
    let target = world.unix(receiver);
    if !target.takes_from(id) {
        return Err(errno(libc::EPERM));
    }
    if target.shut_read {
        return Err(errno(libc::EPIPE));
    }
    if receiver != id && !target.hears_only(id) && target.is_full() {
        callers::add(world, receiver, id);
        world.want(io, Readiness::WRITE);
        return Err(errno(libc::EAGAIN));
    }
    pieces::put(world, id, receiver, buf, rights);
    let (number, name) = (world.sockets[id].number, world.unix(receiver).name.get().cloned());
    let (bytes, payload) = (buf.len() as u64, world.trace.payload(buf));
    let to = world.name_ref(name.as_deref());
    world.record(Actor::Running, Call::SendTo { socket: number, bytes, payload, to });
    readiness::tell(world, receiver);
    Ok(buf.len())
}

/// The first datagram to a peer that closed is refused, and the socket is connected no more.
fn receiver(world: &mut World, id: SocketId, wanted: Option<&Rc<Name>>) -> io::Result<SocketId> {
    if let Some(name) = wanted {
        let host = world.sockets[id].host;
        return callers::find(world, host, name, Kind::Datagram);
    }
    match world.unix(id).peer {
        Peer::Here(peer) => Ok(peer),
        Peer::None => Err(errno(libc::ENOTCONN)),
        Peer::Gone(_) => {
            lose_queued(world, id);
            world.unix_mut(id).peer = Peer::None;
            Err(errno(libc::ECONNREFUSED))
        }
    }
}

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<Taken> {
    let socket = world.unix_mut(id);
    if let Some(error) = socket.take_error() {
        return Err(error);
    }
    let was_full = socket.is_full();
    let taken = match (socket.incoming.is_empty(), socket.shut_read) {
        (false, _) => pieces::take(world, id, buf, take),
        // What a recv that waits returns, once shut.
        (true, true) => Taken::bytes(0),
        (true, false) => {
            world.want(io, Readiness::READ);
            return Err(errno(libc::EAGAIN));
        }
    };
    let number = world.sockets[id].number;
    let (bytes, name) = (taken.length as u64, world.name_ref(taken.from.as_deref()));
    world.trace.carry(&buf[..taken.length]);
    world.record(Actor::Running, Call::RecvFrom { socket: number, bytes, from: name });
    if was_full && take == Take::Remove {
        callers::tell(world, id);
    }
    Ok(taken)
}
