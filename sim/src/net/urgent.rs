//! Urgent bytes: `MSG_OOB`, on whatever socket. TCP's marks are in `tcp`; those of Unix streams are
//! pieces of their own between two sockets of one machine.

#[cfg(test)]
mod tests;

use std::io;

use greenroom::hub::{Domain, Io, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::udp::Letting;
use crate::net::{stream, udp, unix};
use crate::socket::Proto;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

/// Gives bytes of which the last is urgent.
pub(crate) fn send(world: &mut World, io: Io, id: SocketId, buf: &[u8]) -> io::Result<usize> {
    let socket = &mut world.sockets[id];
    let is_v6 = socket.domain == Domain::V6 && !socket.peer().is_some_and(|peer| peer.is_ipv4());
    match &mut socket.proto {
        Proto::Stream(connection) => {
            let sent = connection.send_urgent(buf);
            stream::sent(world, io, id, buf, sent, true)
        }
        // Of IPv6 it is a flag that UDP does not look at.
        Proto::Udp(_) if is_v6 => udp::send(world, io, id, buf, &Letting::default()),
        Proto::Udp(_) => Err(udp::refuse_urgent(world, id, buf.len())),
        Proto::Unix(_) => unix::urgent::send(world, io, id, buf),
        Proto::Pipe(_)
        | Proto::Query(_)
        | Proto::Job(_)
        | Proto::File(_)
        | Proto::FileCall(_)
        | Proto::Signal(_) => Err(errno(libc::ENOTSOCK)),
        Proto::Fresh | Proto::Listener(_) => Err(stream::not_to_be_written(world, id)),
    }
}

/// Takes the urgent byte. It never waits, and is not told when one comes.
pub(crate) fn recv(world: &mut World, io: Io, id: SocketId, buf: &mut [u8]) -> io::Result<usize> {
    let taken = match &mut world.sockets[id].proto {
        Proto::Stream(connection) => connection.recv_urgent(buf)?,
        // A flag that UDP does not look at.
        Proto::Udp(_) => {
            return udp::recv(world, io, id, buf, Take::Remove).map(|taken| taken.length);
        }
        Proto::Unix(_) => unix::urgent::recv(world, id, buf)?,
        Proto::Pipe(_)
        | Proto::Query(_)
        | Proto::Job(_)
        | Proto::File(_)
        | Proto::FileCall(_)
        | Proto::Signal(_) => {
            return Err(errno(libc::ENOTSOCK));
        }
        Proto::Fresh => return Err(errno(libc::EINVAL)),
        Proto::Listener(_) => return Err(errno(libc::ENOTCONN)),
    };
    let number = world.sockets[id].number;
    world.trace.carry(&buf[..taken]);
    let read = Call::Read { socket: number, bytes: taken as u64, is_urgent: true };
    world.record(Actor::Running, read);
    Ok(taken)
}
