//! Unix streams.

use std::io;

use greenroom::hub::{Io, Readiness, Take};

use crate::choices::{Decision, Pieces};
use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::pieces::Taken;
use crate::net::unix::{callers, pieces, rights};
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
    world.sockets[far].is_named = true;
    if let Role::Listening { pending, .. } = &mut world.unix_mut(listener).role {
        pending.push_back(far);
    }
    far
}

/// The descriptors go with the first piece. Without a byte there is none, and they go nowhere.
pub(crate) fn send(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    rights: &[SocketId],
) -> io::Result<usize> {
    let limit = world.unix_send_buffer(id);
    let sender = world.weak(id);
    let peer = pieces::peer_to_write_to(world, id)?;
    let (mut charged, mut sent) = (world.unix(id).charged, 0);
    while sent < buf.len() && charged < limit {
        let (length, cost) = queue::piece_of_stream(buf.len() - sent, limit);
        let bytes = buf[sent..sent + length].to_vec();
        let rights = if sent == 0 { rights::send(world, id, rights) } else { Vec::new() };
        let mark = Mark::Plain;
        let piece = Piece { bytes, taken: 0, cost, sender, from: None, mark, rights };
        world.unix_mut(peer).incoming.push_back(piece);
        charged += cost;
        sent += length;
    }
    world.unix_mut(id).charged = charged;
    if sent == 0 && !buf.is_empty() {
        world.want(io, Readiness::WRITE);
        return Err(errno(libc::EAGAIN));
    }
    pieces::wrote(world, id, peer, &buf[..sent], false);
    Ok(sent)
}

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<Taken> {
    let socket = world.unix_mut(id);
    if !matches!(socket.role, Role::Connected) {
        return Err(errno(libc::EINVAL));
    }
    let inline = world.sockets[id].urgent_is_inline();
    let (mut passed, queued) = around_marks(&world.unix(id).incoming, inline);
    if take == Take::Remove {
        pieces::pass_marks(world, id, std::mem::take(&mut passed));
    }
    if world.unix(id).incoming.len() == passed {
        return pieces::nothing_to_read(world, io, id).map(Taken::bytes);
    }
    let there = queued.min(buf.len());
    let window = cut_between_pieces(world, id, there);
    let socket = world.unix_mut(id);
    let length = queue::peek(socket.incoming.iter().skip(passed), &mut buf[..window]);
    let rights = rights::of_stream(world, id, passed, length, take);
    let socket = world.unix_mut(id);
    if take == Take::Remove && length > 0 {
        let sender = socket.incoming.front().expect("it was just looked at").sender;
        let freed = queue::consume(&mut socket.incoming, length);
        world.stirred = true;
        callers::discharge(world, sender, freed);
    }
    world.record_read(id, &buf[..length], there);
    Ok(Taken { rights, ..Taken::bytes(length) })
}

/// How much a read takes of what is there: now and then less, as one does that looks before the
/// next write is done. What came as one piece is seen whole.
fn cut_between_pieces(world: &mut World, id: SocketId, there: usize) -> usize {
    let mut end = 0;
    let ends = world.unix(id).incoming.iter().map(|piece| {
        end += piece.rest().len();
        end
    });
    let cuts: Vec<usize> = ends.take_while(|&end| end < there).collect();
    if cuts.is_empty() {
        return there;
    }
    let ppm = world.weather.short_read_ppm;
    let entity = &mut world.sockets[id].entity;
    let Pieces(nth) = world.choices.pick(entity, Decision::ShortUnixRead, |draw| {
        Pieces(draw.sometimes(ppm, 1, cuts.len() as u64))
    });
    nth.checked_sub(1).and_then(|at| cuts.get(at as usize)).copied().unwrap_or(there)
}
