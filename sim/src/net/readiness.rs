//! What a socket says of itself: what would not wait, and who the peer is.

use std::io;
use std::net::SocketAddr;

use greenroom::hub::{Interest, Ready};

use crate::errno::errno;
use crate::id::SocketId;
use crate::mutant::{self, Mutant};
use crate::socket::Proto;
use crate::tcp::State;
use crate::world::World;

impl World {
    /// What a call would not wait for now, as poll(2) has it: an end or an error is ready too.
    pub(crate) fn readiness_of(&self, index: SocketId) -> Interest {
        let read = |ready: bool| if ready { Interest::READ } else { Interest::NONE };
        match &self.sockets[index].proto {
            Proto::Stream(connection) => {
                let now = connection.readiness();
                let ended = now.hup || now.error;
                if mutant::is_on(Mutant::EndNotReady) && now.read_closed {
                    let write = if now.writable { Interest::WRITE } else { Interest::NONE };
                    return read(connection.queued() > 0).with(write);
                }
                let has_room = now.writable && self.affordable(index, 1) > 0;
                let write = if has_room || ended { Interest::WRITE } else { Interest::NONE };
                read(now.readable || now.urgent || now.read_closed || ended).with(write)
            }
            Proto::Listener(queue) => read(queue.pending() > 0),
            Proto::Udp(mailbox) => read(mailbox.is_readable()).with(Interest::WRITE),
            Proto::Unix(socket) => self.unix_readiness(socket, index),
            Proto::Pipe(end) => self.pipe_readiness(end),
            Proto::Query(query) => read(query.is_answered()),
            Proto::Job(work) => read(work.is_due),
            Proto::Signal(ear) => read(ear.has_come),
            Proto::Fresh => Interest::BOTH,
        }
    }

    pub(crate) fn peer_of(&self, index: SocketId) -> io::Result<SocketAddr> {
        let socket = &self.sockets[index];
        let connected = match &socket.proto {
            Proto::Stream(connection) => {
                !matches!(connection.state(), State::SynSent | State::Closed | State::TimeWait)
            }
            // Whoever is connected to port 0 says it is not.
            Proto::Udp(_) => socket.peer.is_some_and(|peer| peer.port() != 0),
            _ => false,
        };
        socket.peer.filter(|_| connected).ok_or_else(|| errno(libc::ENOTCONN))
    }

    /// Names the socket's descriptors to those who were told to wait for what is ready now: in the
    /// next poll, but for what its own host sent it, which takes its time (`net/loopback.rs`).
    pub(crate) fn name_ready(&mut self, socket: SocketId) {
        let ready = self.readiness_of(socket);
        if ready.is_none() {
            return;
        }
        let socket = &self.sockets[socket];
        let named = match self.under_way.arrives {
            true => &mut self.hosts[socket.host].loopback.told,
            false => &mut self.named,
        };
        for &id in &socket.descriptors {
            let Some(descriptor) = self.descriptors.get_mut(id) else { continue };
            let hit = descriptor.wanted.and(ready);
            if !hit.is_none() {
                descriptor.wanted = descriptor.wanted.without(hit);
                named.push(Ready::Io(descriptor.io, ready));
            }
        }
    }
}
