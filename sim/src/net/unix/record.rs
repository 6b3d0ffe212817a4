//! Unix records: SOCK_SEQPACKET.

use std::io;

use greenroom::hub::{Io, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix::pieces;
use crate::socket::unix::Role;
use crate::world::World;

pub(crate) fn send(world: &mut World, io: Io, index: SocketId, buf: &[u8]) -> io::Result<usize> {
    if let Some(error) = world.unix_mut(index).take_error() {
        return Err(error);
    }
    let peer = pieces::peer_to_write_to(world, index)?;
    pieces::may_be_long(world, index, buf.len())?;
    pieces::may_charge(world, io, index)?;
    pieces::put(world, index, peer, buf);
    pieces::wrote(world, index, peer, buf, false);
    Ok(buf.len())
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
        return Err(errno(libc::ENOTCONN));
    }
    if socket.error.is_some() || socket.incoming.is_empty() {
        return pieces::nothing_to_read(world, io, index);
    }
    let (length, _) = pieces::take(world, index, buf, take);
    world.record_read(index, length, length);
    Ok(length)
}
