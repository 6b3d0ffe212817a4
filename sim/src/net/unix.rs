//! Unix sockets: streams, datagrams and records between programs of one host.
//!
//! No link lies between the two ends and no packet moves: what is written can be read in the same
//! instant, and no weather touches it but that reads of a stream may be short. Names, queues,
//! errors and readiness are Linux's. Descriptors go with what is written. Not modelled: credentials sent along,
//! permissions, and `SO_RCVBUF`, which counts for nothing on Linux either.

mod callers;
mod datagram;
mod pieces;
mod record;
pub(crate) mod rights;
mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod urgent;

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::SocketAddr;
use std::rc::Rc;

use greenroom::hub::{Address, Io, Kind, Queued, Readiness, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::pieces::Taken;
use crate::net::{naming, readiness};
use crate::socket::Proto;
use crate::socket::unix::name::{Name, key_of};
use crate::socket::unix::queue::{Mark, around_marks};
use crate::socket::unix::{Peer, Role, UnixSocket};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

// Made and named.

pub(crate) fn make(world: &mut World, kind: Kind) -> Io {
    make_named(world, kind, ".unix")
}

fn make_named(world: &mut World, kind: Kind, label: &str) -> Io {
    let (host, path) = (world.host_here(), world.path_for_socket(label));
    let id = world.add_socket(host, path, Proto::Unix(UnixSocket::new(kind)));
    world.add_descriptor(id)
}

pub(crate) fn pair(world: &mut World, kind: Kind) -> io::Result<(Io, Io)> {
    let [near, far] = [(); 2].map(|()| make_named(world, kind, ".pair"));
    let (a, b) = (world.socket_of(near)?, world.socket_of(far)?);
    for (id, other) in [(a, b), (b, a)] {
        world.sockets[id].is_named = true;
        let other_weak = world.weak(other);
        let socket = world.unix_mut(id);
        socket.peer = Peer::Here(other);
        match kind {
            Kind::Datagram => socket.callers.push(other_weak),
            _ => socket.role = Role::Connected,
        }
    }
    world.record_pair("pair", a, b);
    Ok((near, far))
}

pub(crate) fn bind(world: &mut World, id: SocketId, local: &SocketAddr) -> io::Result<()> {
    let wanted = Name::of(local);
    let has_name = world.unix(id).name.get().is_some();
    if has_name && !matches!(wanted, Some(Name::Path(_))) {
        // Asking for any name is granted by the one that is there.
        return if wanted.is_none() { Ok(()) } else { Err(errno(libc::EINVAL)) };
    }
    let host = world.sockets[id].host;
    let name = match wanted {
        Some(name) => Rc::new(name),
        None => free_name(world, id)?,
    };
    let key = key_of(&name, world.unix(id).kind);
    let is_taken = world.hosts[host].names.get(&key).is_some_and(|&holder| match *name {
        Name::Path(_) => true,
        Name::Abstract(_) => world.upgrade(holder).is_some(),
    });
    if is_taken {
        return Err(errno(libc::EADDRINUSE));
    }
    if has_name {
        // The file is made before the socket is looked at, and removed again.
        return Err(errno(libc::EINVAL));
    }
    let holder = world.weak(id);
    world.hosts[host].names.insert(key, holder);
    let number = world.sockets[id].number;
    let local = world.name_ref(Some(&name));
    world.record(Actor::Running, Call::Bind { socket: number, local });
    naming::of_unix(world, id, ':', &name);
    world.unix(id).name.set(name).expect("it had none");
    Ok(())
}

/// An abstract name of five hexadecimal digits that nobody has.
fn free_name(world: &World, id: SocketId) -> io::Result<Rc<Name>> {
    let names = &world.hosts[world.sockets[id].host].names;
    let kind = world.unix(id).kind;
    let is_free = |name: &Rc<Name>| {
        let holder = names.get(&key_of(name, kind));
        holder.is_none_or(|&holder| world.upgrade(holder).is_none())
    };
    (1..1 << 20)
        .map(|number| Rc::new(Name::Abstract(format!("{number:05x}").into_bytes())))
        .find(is_free)
        .ok_or_else(|| errno(libc::ENOSPC))
}

pub(crate) fn listen(world: &mut World, id: SocketId, backlog: u32) -> io::Result<()> {
    let socket = world.unix_mut(id);
    if socket.kind == Kind::Datagram {
        return Err(errno(libc::EOPNOTSUPP));
    }
    let backlog_now = backlog as usize;
    match &mut socket.role {
        _ if socket.name.get().is_none() => return Err(errno(libc::EINVAL)),
        Role::Connected => return Err(errno(libc::EINVAL)),
        Role::Listening { backlog, .. } => *backlog = backlog_now,
        role => {
            *role = Role::Listening { backlog: backlog_now, pending: VecDeque::new() };
        }
    }
    let socket = world.sockets[id].number;
    world.record(Actor::Running, Call::Listen { socket, backlog });
    callers::tell(world, id);
    Ok(())
}

/// A connection stands at once, or not at all; while the listener's queue is full the call has
/// to wait.
pub(crate) fn connect(world: &mut World, io: Io, id: SocketId, to: &SocketAddr) -> io::Result<()> {
    let kind = world.unix(id).kind;
    if kind == Kind::Datagram {
        return datagram::connect(world, id, to);
    }
    let name = Rc::new(Name::of(to).ok_or_else(|| errno(libc::EINVAL))?);
    let target = callers::find(world, world.sockets[id].host, &name, kind)?;
    let listener = world.unix(target);
    match &listener.role {
        Role::Listening { backlog, pending } if !listener.shut_read => {
            if pending.len() > *backlog {
                callers::add(world, target, id);
                world.want(io, Readiness::WRITE);
                return Err(errno(libc::EAGAIN));
            }
        }
        _ => return Err(errno(libc::ECONNREFUSED)),
    }
    match world.unix(id).role {
        Role::Plain => {}
        Role::Connected => return Err(errno(libc::EISCONN)),
        Role::Listening { .. } => return Err(errno(libc::EINVAL)),
    }
    naming::of_unix(world, id, '>', &name);
    let far = stream::make_far_end(world, target, id);
    let near = world.unix_mut(id);
    near.role = Role::Connected;
    near.peer = Peer::Here(far);
    let number = world.sockets[id].number;
    let peer = world.name_ref(Some(&name));
    world.record(Actor::Running, Call::Connect { socket: number, peer });
    readiness::tell(world, target);
    Ok(())
}

pub(crate) fn accept(world: &mut World, io: Io, id: SocketId) -> io::Result<(Io, Address)> {
    let socket = world.unix_mut(id);
    if socket.kind == Kind::Datagram {
        return Err(errno(libc::EOPNOTSUPP));
    }
    let Role::Listening { pending, .. } = &mut socket.role else {
        return Err(errno(libc::EINVAL));
    };
    let Some(accepted) = pending.pop_front() else {
        if socket.shut_read {
            return Err(errno(libc::EINVAL));
        }
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    };
    world.stirred = true;
    let io = world.add_descriptor(accepted);
    let peer = match &world.unix(accepted).peer {
        Peer::Here(peer) => world.unix(*peer).name.get().cloned(),
        Peer::Gone(name) => name.clone(),
        Peer::None => None,
    };
    let number = world.sockets[accepted].number;
    let name = world.name_ref(peer.as_deref());
    world.record(Actor::Running, Call::Accept { socket: number, peer: name });
    callers::tell(world, id);
    Ok((io, Name::address(peer.as_deref())))
}

/// A datagram socket forgets its peer; the others have theirs for good.
pub(crate) fn disconnect(world: &mut World, id: SocketId) -> io::Result<()> {
    match world.unix(id).kind {
        Kind::Datagram => datagram::disconnect(world, id),
        Kind::Stream | Kind::SeqPacket => return Err(errno(libc::EINVAL)),
    }
    Ok(())
}

// Asked about.

/// `FIONREAD` and `SIOCOUTQ`.
pub(crate) fn queued(socket: &UnixSocket) -> io::Result<Queued> {
    if socket.is_listening() {
        return Err(errno(libc::EINVAL));
    }
    let lengths = socket.incoming.iter().filter(|piece| piece.mark != Mark::Taken);
    let mut lengths = lengths.map(|piece| piece.rest().len());
    let to_read = match socket.kind {
        Kind::Datagram => lengths.next().unwrap_or(0),
        Kind::Stream | Kind::SeqPacket => lengths.sum(),
    };
    Ok(Queued { to_read, to_send: socket.charged })
}

pub(crate) fn name(world: &World, id: SocketId) -> Address {
    Name::address(world.unix(id).name.get().map(|name| &**name))
}

pub(crate) fn peer(world: &World, id: SocketId) -> io::Result<Address> {
    match &world.unix(id).peer {
        Peer::None => Err(errno(libc::ENOTCONN)),
        Peer::Here(peer) => Ok(name(world, *peer)),
        Peer::Gone(name) => Ok(Name::address(name.as_deref())),
    }
}

// Bytes, whatever the kind.

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<(usize, Address)> {
    let (taken, from) = recv_all(world, io, id, buf, take)?;
    world.discarded.extend(taken.rights);
    Ok((taken.length, from))
}

/// With the descriptors that came, which are nobody's yet.
pub(crate) fn recv_all(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<(Taken, Address)> {
    match world.unix(id).kind {
        Kind::Datagram => {
            let taken = datagram::recv(world, io, id, buf, take)?;
            let from = Name::address(taken.from.as_deref());
            Ok((taken, from))
        }
        kind => {
            // Bytes come from the peer; the end comes from nobody.
            let inline = world.sockets[id].urgent_is_inline();
            let (_, bytes) = around_marks(&world.unix(id).incoming, inline);
            let is_end = match kind {
                Kind::Stream => bytes == 0,
                _ => world.unix(id).incoming.is_empty(),
            };
            let from = match is_end {
                true => Address::unnamed(),
                false => peer(world, id).unwrap_or_else(|_| Address::unnamed()),
            };
            let taken = match kind {
                Kind::Stream => stream::recv(world, io, id, buf, take)?,
                _ => record::recv(world, io, id, buf, take)?,
            };
            Ok((taken, from))
        }
    }
}

pub(crate) fn send(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    peer: Option<&Address>,
    rights: &[SocketId],
) -> io::Result<usize> {
    match (world.unix(id).kind, peer) {
        (Kind::Datagram, peer) => {
            let peer = peer.map(Address::unix).transpose()?;
            datagram::send(world, io, id, buf, peer, rights)
        }
        (Kind::Stream, Some(_)) => match world.unix(id).role {
            Role::Connected => Err(errno(libc::EISCONN)),
            _ => Err(errno(libc::EOPNOTSUPP)),
        },
        (Kind::Stream, None) => stream::send(world, io, id, buf, rights),
        (Kind::SeqPacket, _) => record::send(world, io, id, buf, rights),
    }
}

// Ends.

/// What one end of a connection shuts, the other end finds shut; a datagram socket shuts for
/// itself alone.
pub(crate) fn shutdown(world: &mut World, id: SocketId, read: bool, write: bool) {
    let socket = world.unix_mut(id);
    socket.shut_read |= read;
    socket.shut_write |= write;
    let peer = match (&socket.peer, socket.kind) {
        (&Peer::Here(peer), Kind::Stream | Kind::SeqPacket) => Some(peer),
        _ => None,
    };
    if let Some(peer) = peer {
        let other = world.unix_mut(peer);
        other.shut_read |= write;
        other.shut_write |= read;
        readiness::tell(world, peer);
    }
    callers::tell(world, id);
}

/// The last descriptor is gone. The name stays where it is a path.
pub(crate) fn close(world: &mut World, id: SocketId) {
    end(world, id, false);
}

/// `embryo`: nobody ever accepted it, so its client finds the connection reset.
fn end(world: &mut World, id: SocketId, embryo: bool) {
    let gone = Proto::Fresh;
    let proto = std::mem::replace(&mut world.sockets[id].proto, gone);
    let Proto::Unix(socket) = proto else { return };
    let UnixSocket { kind, name, role, peer, incoming, callers, .. } = *socket;
    let name = name.get().cloned();
    world.forget_socket(id);
    if let (Kind::Stream | Kind::SeqPacket, Peer::Here(peer)) = (kind, peer) {
        let other = world.unix_mut(peer);
        // A record of no bytes that comes first is overlooked.
        let overlooked = incoming.front().is_some_and(|first| first.rest().is_empty());
        if embryo || incoming.len() > usize::from(overlooked) {
            other.error = Some(libc::ECONNRESET);
        }
        other.shut_read = true;
        other.shut_write = true;
        other.peer = Peer::Gone(name.clone());
        readiness::tell(world, peer);
    }
    // Before anybody is told of anything: being told means looking at the peer.
    for &caller in &callers {
        let Some(caller) = world.upgrade(caller) else { continue };
        let other = world.unix_mut(caller);
        if matches!(other.peer, Peer::Here(peer) if peer == id) {
            other.peer = Peer::Gone(name.clone());
        }
    }
    for piece in incoming {
        callers::discharge(world, piece.sender, piece.cost);
        world.discarded.extend(piece.rights);
    }
    if let Role::Listening { pending, .. } = role {
        pending.into_iter().for_each(|client| end(world, client, true));
    }
    for caller in callers {
        if let Some(caller) = world.upgrade(caller) {
            readiness::tell(world, caller);
        }
    }
}
