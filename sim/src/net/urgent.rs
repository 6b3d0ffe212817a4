//! Urgent bytes: `MSG_OOB`, on whatever socket. TCP's marks are in `tcp`; those of Unix streams are
//! pieces of their own between two sockets of one machine.

use std::io;

use greenroom::hub::{Domain, Interest, Io, Kind, Opt, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::udp;
use crate::socket::Proto;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    /// Gives bytes of which the last is urgent.
    pub(crate) fn send_urgent(&mut self, io: Io, index: SocketId, buf: &[u8]) -> io::Result<usize> {
        let socket = &mut self.sockets[index];
        let is_v6 = socket.domain == Domain::V6 && !socket.peer.is_some_and(|peer| peer.is_ipv4());
        match &mut socket.proto {
            Proto::Stream(connection) => {
                let sent = connection.send_urgent(buf);
                self.sent_on_stream(io, index, buf, sent, true)
            }
            // Of IPv6 it is a flag that UDP does not look at.
            Proto::Udp(_) if is_v6 => self.send_datagram(index, buf, None),
            Proto::Udp(_) => Err(self.refuse_urgent_datagram(index, buf.len())),
            Proto::Unix(_) => self.send_urgent_unix(io, index, buf),
            Proto::Pipe(_) | Proto::Query(_) | Proto::Job(_) | Proto::Signal(_) => {
                Err(errno(libc::ENOTSOCK))
            }
            Proto::Fresh | Proto::Listener(_) => Err(self.not_to_be_written(index)),
        }
    }

    /// Takes the urgent byte. It never waits, and is not told when one comes.
    pub(crate) fn recv_urgent(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        let taken = match &mut self.sockets[index].proto {
            Proto::Stream(connection) => connection.recv_urgent(buf)?,
            // A flag that UDP does not look at.
            Proto::Udp(_) => {
                return self.recv_datagram(io, index, buf, Take::Remove).map(|(n, _)| n);
            }
            Proto::Unix(_) => self.recv_urgent_unix(index, buf)?,
            Proto::Pipe(_) | Proto::Query(_) | Proto::Job(_) | Proto::Signal(_) => {
                return Err(errno(libc::ENOTSOCK));
            }
            Proto::Fresh => return Err(errno(libc::EINVAL)),
            Proto::Listener(_) => return Err(errno(libc::ENOTCONN)),
        };
        let number = self.sockets[index].number;
        let read = Call::Read { socket: number, bytes: taken as u64, is_urgent: true };
        self.record(Actor::Running, read);
        Ok(taken)
    }

    /// UDP has no urgent datagrams, and says so once it has a port and the length is one it could send.
    fn refuse_urgent_datagram(&mut self, index: SocketId, length: usize) -> io::Error {
        match self.autobind(index) {
            Err(error) => error,
            Ok(()) if length > udp::LENGTH_MAX => errno(libc::EMSGSIZE),
            Ok(()) => errno(libc::EOPNOTSUPP),
        }
    }

    /// Notes what TCP took of a write, or that it took nothing yet.
    pub(super) fn sent_on_stream(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &[u8],
        sent: io::Result<usize>,
        is_urgent: bool,
    ) -> io::Result<usize> {
        match &sent {
            Ok(length) => {
                let number = self.sockets[index].number;
                let payload = self.trace.payload(&buf[..*length]);
                let bytes = *length as u64;
                self.record(
                    Actor::Running,
                    Call::Write { socket: number, bytes, payload, is_urgent },
                );
                self.mark_dirty(index);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.want(io, Interest::WRITE);
            }
            Err(_) => {}
        }
        sent
    }
}

/// Whether sockets of this kind of the Unix domain have urgent bytes.
pub(super) fn has_urgent(kind: Kind) -> io::Result<()> {
    if kind == Kind::Stream { Ok(()) } else { Err(errno(libc::EOPNOTSUPP)) }
}

#[cfg(test)]
mod tests;
