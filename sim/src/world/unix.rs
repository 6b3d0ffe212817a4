//! Sockets of the Unix domain, where a number is known to be one.

use crate::id::SocketId;
use crate::socket::Proto;
use crate::socket::unix::{UnixSocket, queue};
use crate::world::World;

impl World {
    pub(crate) fn unix(&self, id: SocketId) -> &UnixSocket {
        match &self.sockets[id].proto {
            Proto::Unix(socket) => socket,
            _ => unreachable!("only Unix sockets have calls of Unix sockets"),
        }
    }

    pub(crate) fn unix_mut(&mut self, id: SocketId) -> &mut UnixSocket {
        match &mut self.sockets[id].proto {
            Proto::Unix(socket) => socket,
            _ => unreachable!("only Unix sockets have calls of Unix sockets"),
        }
    }

    pub(crate) fn unix_send_buffer(&self, id: SocketId) -> usize {
        let options = &self.sockets[id].options;
        options.send_buffer.unwrap_or(queue::SEND_BUFFER) as usize
    }

    /// The path of what a listener will give out: named after the socket that called.
    pub(crate) fn path_of_accepted(&mut self, listener: SocketId, caller: u32) -> u32 {
        let above = self.sockets[listener].entity.path;
        // Neither mark may stand inside a label: a token's text is read back by them.
        let caller = self.paths.text(caller).replace('/', "|").replace('#', "~");
        self.paths.child(Some(above), &format!("from({caller})"), 1)
    }
}
