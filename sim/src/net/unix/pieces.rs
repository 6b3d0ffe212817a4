//! What lies between two Unix sockets, whatever their kind: whether a sender has room, and what a receiver takes.

use std::io;
use std::rc::Rc;

use greenroom::hub::{Io, Readiness, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::readiness;
use crate::net::unix::{callers, rights};
use crate::socket::unix::Peer;
use crate::socket::unix::name::Name;
use crate::socket::unix::queue::{self, Mark, Piece};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

/// What a receive took.
pub(crate) struct Taken {
    pub(crate) length: usize,
    /// How long the datagram or record was.
    pub(crate) whole: usize,
    pub(crate) from: Option<Rc<Name>>,
    pub(crate) rights: Vec<Io>,
}

impl Taken {
    /// So many bytes of a stream.
    pub(crate) fn bytes(length: usize) -> Taken {
        Taken { length, whole: length, from: None, rights: Vec::new() }
    }
}

pub(crate) fn peer_to_write_to(world: &World, id: SocketId) -> io::Result<SocketId> {
    let socket = world.unix(id);
    match socket.peer {
        Peer::None => Err(errno(libc::ENOTCONN)),
        Peer::Here(peer) if !socket.shut_write => Ok(peer),
        _ => Err(errno(libc::EPIPE)),
    }
}

/// Whether the sender's buffer could ever hold a datagram or record of this length.
pub(crate) fn may_be_long(world: &World, id: SocketId, length: usize) -> io::Result<()> {
    match length > world.unix_send_buffer(id) - 32 {
        true => Err(errno(libc::EMSGSIZE)),
        false => Ok(()),
    }
}

/// Whether the sender's buffer has room for a datagram or record: it goes whole or not at all.
pub(crate) fn may_charge(world: &mut World, io: Io, id: SocketId) -> io::Result<()> {
    if world.unix(id).charged >= world.unix_send_buffer(id) {
        world.want(io, Readiness::WRITE);
        return Err(errno(libc::EAGAIN));
    }
    Ok(())
}

pub(crate) fn put(
    world: &mut World,
    id: SocketId,
    receiver: SocketId,
    buf: &[u8],
    rights: &[SocketId],
) {
    let (sender, cost) = (world.weak(id), queue::cost_of_datagram(buf.len()));
    let socket = world.unix_mut(id);
    socket.charged += cost;
    let from = Some(socket.name.clone());
    let (mark, rights) = (Mark::Plain, rights::send(world, id, rights));
    let piece = Piece { bytes: buf.to_vec(), taken: 0, cost, sender, from, mark, rights };
    world.unix_mut(receiver).incoming.push_back(piece);
}

/// Takes the first datagram or record, cut to the buffer; what is cut off is lost.
pub(crate) fn take(world: &mut World, id: SocketId, buf: &mut [u8], take: Take) -> Taken {
    let incoming = &mut world.unix_mut(id).incoming;
    let piece = incoming.front().expect("the caller looked");
    let whole = piece.bytes.len();
    let length = whole.min(buf.len());
    buf[..length].copy_from_slice(&piece.bytes[..length]);
    let from = piece.from.as_ref().and_then(|from| from.get().cloned());
    let rights = rights::take(world, id, 0, take);
    if take == Take::Remove {
        let piece = world.unix_mut(id).incoming.pop_front().expect("it was just looked at");
        world.stirred = true;
        callers::discharge(world, piece.sender, piece.cost);
    }
    Taken { length, whole, from, rights }
}

pub(crate) fn wrote(
    world: &mut World,
    id: SocketId,
    peer: SocketId,
    bytes: &[u8],
    is_urgent: bool,
) {
    let number = world.sockets[id].number;
    let (length, payload) = (bytes.len() as u64, world.trace.payload(bytes));
    let written = Call::Write { socket: number, bytes: length, payload, is_urgent };
    world.record(Actor::Running, written);
    readiness::tell(world, peer);
}

/// An error is told once, after what was there to read; the end for ever after.
pub(crate) fn nothing_to_read(world: &mut World, io: Io, id: SocketId) -> io::Result<usize> {
    let socket = world.unix_mut(id);
    if let Some(error) = socket.take_error() {
        return Err(error);
    }
    if !socket.shut_read {
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    }
    world.record_read(id, &[], 0);
    Ok(0)
}

/// A read begins: the pieces it passes over are gone, and a mark among the others with it.
pub(crate) fn pass_marks(world: &mut World, id: SocketId, passed: usize) {
    for _ in 0..passed {
        let piece = world.unix_mut(id).incoming.pop_front().expect("it was just looked at");
        callers::discharge(world, piece.sender, piece.cost);
    }
    if let Some(first) = world.unix_mut(id).incoming.front_mut() {
        first.mark = Mark::Plain;
    }
}
