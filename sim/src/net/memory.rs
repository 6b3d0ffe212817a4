//! The memory of a host's sockets, where its machine limits it: `tcp_mem` and `udp_mem` in one, as far
//! as a program sees them. It is counted when it is asked for, so a host without a limit pays nothing.

use crate::id::{HostId, SocketId};
use crate::socket::{Proto, Socket};
use crate::tcp::Segment;
use crate::world::World;

/// What a stream may write whatever others hold: Linux's SOCK_MIN_SNDBUF.
const SEND_MIN: u64 = 4608;

/// How many bytes the host's sockets may hold more; `None` without a limit.
#[inline]
pub(crate) fn left(world: &World, host: HostId) -> Option<u64> {
    let limit = world.hosts[host].socket_memory?;
    Some(left_of(world, host, limit))
}

#[cold]
fn left_of(world: &World, host: HostId, limit: u64) -> u64 {
    let own = world.sockets.iter().filter(|socket| socket.live && socket.host == host);
    limit.saturating_sub(own.map(held_by).sum())
}

/// How much of so many bytes a stream takes as far as memory goes.
#[inline]
pub(crate) fn affordable(world: &World, id: SocketId, length: usize) -> usize {
    match left(world, world.sockets[id].host) {
        None => length,
        Some(left) => affordable_with(world, id, length, left),
    }
}

#[cold]
fn affordable_with(world: &World, id: SocketId, length: usize, left: u64) -> usize {
    let Socket { ref proto, .. } = world.sockets[id];
    let Proto::Stream(connection) = proto else { return length };
    let is_idle = connection.unsent() + connection.unacked() == 0;
    let least = if is_idle { SEND_MIN } else { 0 };
    length.min(usize::try_from(left.max(least)).unwrap_or(usize::MAX))
}

/// Whether a stream may write anything as far as memory goes.
#[inline]
pub(crate) fn affords_any(world: &World, id: SocketId) -> bool {
    world.hosts[world.sockets[id].host].socket_memory.is_none() || affordable(world, id, 1) > 0
}

/// What a connection takes of a segment that is too dear for its host: where there is no memory for what it
/// carries, only what it says of the other direction. One that has nothing to read takes all.
#[inline]
pub(crate) fn too_dear(
    world: &World,
    id: SocketId,
    segment: &Segment,
    payload: &[u8],
) -> Option<Segment> {
    let Socket { host, ref proto, .. } = world.sockets[id];
    match (left(world, host)?, proto) {
        (left, Proto::Stream(connection))
            if left < payload.len() as u64 && connection.queued() > 0 =>
        {
            let mut bare = *segment;
            (bare.flags.fin, bare.flags.psh, bare.len) = (false, false, 0);
            Some(bare)
        }
        _ => None,
    }
}

fn held_by(socket: &Socket) -> u64 {
    match &socket.proto {
        Proto::Stream(tcp) => (tcp.queued() + tcp.unsent() + tcp.unacked()) as u64,
        Proto::Udp(mailbox) => mailbox.bytes() as u64,
        _ => 0,
    }
}
