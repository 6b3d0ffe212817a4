//! A hold on a socket that does not keep it: the socket may be gone, and its slot another's.

use crate::id::SocketId;
use crate::world::World;

/// Names a socket for as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weak {
    index: SocketId,
    generation: u32,
}

impl World {
    pub(crate) fn weak(&self, index: SocketId) -> Weak {
        Weak { index, generation: self.sockets[index].generation }
    }

    /// The socket, if it is still there.
    pub(crate) fn upgrade(&self, weak: Weak) -> Option<SocketId> {
        let socket = &self.sockets[weak.index];
        (socket.live && socket.generation == weak.generation).then_some(weak.index)
    }

    /// Adds a hold where it is missing. Those on sockets that are gone make room before the list
    /// has to grow.
    pub(crate) fn add_hold(&self, holds: &mut Vec<Weak>, new: Weak) {
        if holds.contains(&new) {
            return;
        }
        if holds.len() == holds.capacity() {
            holds.retain(|&hold| self.upgrade(hold).is_some());
        }
        holds.push(new);
    }
}
