//! Urgent bytes of Unix streams: each is a piece of its own, which a read stops before and the next
//! one passes over.

use std::io;

use greenroom::hub::{Io, Kind};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::{pieces, stream};
use crate::socket::unix::Role;
use crate::socket::unix::queue::{self, Mark, Piece};
use crate::world::World;

pub(crate) fn send(world: &mut World, io: Io, id: SocketId, buf: &[u8]) -> io::Result<usize> {
    may_be_urgent(world, id, true)?;
    let Some((last, before)) = buf.split_last() else { return Err(errno(libc::EOPNOTSUPP)) };
    let peer = pieces::peer_to_write_to(world, id)?;
    let sent = match before {
        [] => 0,
        _ => stream::send(world, io, id, before, &[])?,
    };
    let limit = world.unix_send_buffer(id);
    if sent < before.len() || world.unix(id).charged >= limit {
        // What is urgent comes last or not at all.
        return if sent > 0 { Ok(sent) } else { pieces::may_charge(world, io, id).map(|()| 0) };
    }
    let (sender, (_, cost)) = (world.weak(id), queue::piece_of_stream(1, limit));
    let incoming = &mut world.unix_mut(peer).incoming;
    for piece in incoming.iter_mut().filter(|piece| piece.mark == Mark::Urgent) {
        piece.mark = Mark::Plain;
    }
    let bytes = vec![*last];
    let (mark, rights) = (Mark::Urgent, Vec::new());
    incoming.push_back(Piece { bytes, taken: 0, cost, sender, from: None, mark, rights });
    world.unix_mut(id).charged += cost;
    pieces::wrote(world, id, peer, &[*last], true);
    Ok(buf.len())
}

pub(crate) fn recv(world: &mut World, id: SocketId, buf: &mut [u8]) -> io::Result<usize> {
    may_be_urgent(world, id, false)?;
    let inline = world.sockets[id].urgent_is_inline();
    let incoming = &mut world.unix_mut(id).incoming;
    let piece = incoming.iter_mut().find(|piece| piece.mark == Mark::Urgent && !inline);
    let Some(piece) = piece else { return Err(errno(libc::EINVAL)) };
    let byte = piece.rest()[0];
    (piece.taken, piece.mark) = (piece.bytes.len(), Mark::Taken);
    Ok(buf.first_mut().map_or(0, |first| {
        *first = byte;
        1
    }))
}

/// Streams have urgent bytes; records look at their connection before they say that they have not.
fn may_be_urgent(world: &mut World, id: SocketId, sends: bool) -> io::Result<()> {
    let socket = world.unix_mut(id);
    if socket.kind == Kind::SeqPacket {
        if sends && let Some(error) = socket.error.take() {
            return Err(errno(error));
        }
        if !matches!(socket.role, Role::Connected) {
            return Err(errno(libc::ENOTCONN));
        }
    }
    has_urgent(world.unix(id).kind)
}

/// Whether sockets of this kind of the Unix domain have urgent bytes.
fn has_urgent(kind: Kind) -> io::Result<()> {
    if kind == Kind::Stream { Ok(()) } else { Err(errno(libc::EOPNOTSUPP)) }
}
