//! Unix records: SOCK_SEQPACKET.

use std::io;

use greenroom::hub::{Io, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::pieces::{self, Taken};
use crate::socket::unix::Role;
use crate::world::World;

pub(crate) fn send(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    rights: &[SocketId],
) -> io::Result<usize> {
    if let Some(error) = world.unix_mut(id).take_error() {
        return Err(error);
    }
    let peer = pieces::peer_to_write_to(world, id)?;
    pieces::may_be_long(world, id, buf.len())?;
    pieces::may_charge(world, io, id)?;
    pieces::put(world, id, peer, buf, rights);
    pieces::wrote(world, id, peer, buf, false);
    Ok(buf.len())
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
        return Err(errno(libc::ENOTCONN));
    }
    if socket.error.is_some() || socket.incoming.is_empty() {
        return pieces::nothing_to_read(world, io, id).map(Taken::bytes);
    }
    let taken = pieces::take(world, id, buf, take);
    world.record_read(id, &buf[..taken.length], taken.length);
    Ok(taken)
}
