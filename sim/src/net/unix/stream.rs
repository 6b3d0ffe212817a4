//! Unix streams.

use std::io;

use greenroom::hub::{Interest, Io, Take};

use crate::choices;
use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::{callers, pieces};
use crate::socket::Proto;
use crate::socket::unix::queue::{self, Mark, Piece, around_marks};
use crate::socket::unix::{Peer, Role, UnixSocket};
use crate::world::World;

/// The end that the listener will give out, named after the socket that called.
pub(crate) fn make_far_end(world: &mut World, listener: SocketId, near: SocketId) -> SocketId {
    let path = world.path_of_accepted(listener, world.sockets[near].entity.path);
    let host = world.sockets[listener].host;
    let mut socket = UnixSocket::new(world.unix(listener).kind);
    socket.name = world.unix(listener).name.clone();
    socket.role = Role::Connected;
    socket.peer = Peer::Here(near);
    let far = world.add_socket(host, path, Proto::Unix(socket));
    if let Role::Listening { pending, .. } = &mut world.unix_mut(listener).role {
        pending.push_back(far);
    }
    far
}

pub(crate) fn send(world: &mut World, io: Io, index: SocketId, buf: &[u8]) -> io::Result<usize> {
    let limit = world.unix_send_buffer(index);
    let sender = world.weak(index);
    let peer = pieces::peer_to_write_to(world, index)?;
    let (mut charged, mut sent) = (world.unix(index).charged, 0);
    while sent < buf.len() && charged < limit {
        let (length, cost) = queue::piece_of_stream(buf.len() - sent, limit);
        let bytes = buf[sent..sent + length].to_vec();
        let piece = Piece { bytes, taken: 0, cost, sender, from: None, mark: Mark::Plain };
        world.unix_mut(peer).incoming.push_back(piece);
        charged += cost;
        sent += length;
    }
    world.unix_mut(index).charged = charged;
    if sent == 0 && !buf.is_empty() {
        world.want(io, Interest::WRITE);
        return Err(errno(libc::EAGAIN));
    }
    pieces::wrote(world, index, peer, &buf[..sent], false);
    Ok(sent)
}

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    index: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<usize> {
    let socket = world.unix_mut(index);
    if !matches!(socket.role, Role::Connected) {
        return Err(errno(libc::EINVAL));
    }
    let inline = world.sockets[index].urgent_is_inline();
    let (mut passed, queued) = around_marks(&world.unix(index).incoming, inline);
    if take == Take::Remove {
        pieces::pass_marks(world, index, std::mem::take(&mut passed));
    }
    if world.unix(index).incoming.len() == passed {
        return pieces::nothing_to_read(world, io, index);
    }
    let there = queued.min(buf.len());
    let window = cut_between_pieces(world, index, there);
    let socket = world.unix_mut(index);
    let length = queue::peek(socket.incoming.iter().skip(passed), &mut buf[..window]);
    if take == Take::Remove && length > 0 {
        let sender = socket.incoming.front().expect("it was just looked at").sender;
        let freed = queue::consume(&mut socket.incoming, length);
        world.took = true;
        callers::discharge(world, sender, freed);
    }
    world.record_read(index, length, there);
    Ok(length)
}

/// How much a read takes of what is there: now and then less, as one does that looks before the
/// next write is done. What came as one piece is seen whole.
fn cut_between_pieces(world: &mut World, index: SocketId, there: usize) -> usize {
    let mut end = 0;
    let ends = world.unix(index).incoming.iter().map(|piece| {
        end += piece.rest().len();
        end
    });
    let cuts: Vec<usize> = ends.take_while(|&end| end < there).collect();
    if cuts.is_empty() {
        return there;
    }
    let ppm = world.weather.short_read_ppm;
    let entity = &mut world.sockets[index].entity;
    let nth = world.choices.pick(entity, choices::Kind::Size, |draw| {
        if draw.happens(ppm) { draw.between(1, cuts.len() as u64) } else { 0 }
    });
    nth.checked_sub(1).and_then(|at| cuts.get(at as usize)).copied().unwrap_or(there)
}
