//! How a socket ends: it is shut down, it is closed, its program or its host is gone.

use crate::id::SocketId;
use crate::world::World;

impl World {
    /// Closes a socket that has no descriptor any more.
    pub(crate) fn close_if_last(&mut self, index: SocketId) {
        if self.sockets[index].descriptors.is_empty() {
            self.close_socket(index);
            self.loop_back();
        }
    }
}
