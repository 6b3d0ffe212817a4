//! How what stands behind a number ends: sockets at once, files where nobody waits for it.

use greenroom::hub::Io;

use super::RealHub;
use crate::table::Entry;

impl RealHub {
    pub(super) fn give_up(&mut self, io: Io) {
        match self.table.remove(io) {
            Some(Entry::Watch(watch)) => self.stop_watch(*watch),
            Some(Entry::File(file)) => self.close_file(file),
            Some(Entry::FileCall(outcome)) => self.forget_file_call(&outcome),
            Some(Entry::Socket(mut socket)) => {
                socket.unwatch(self.poll.registry());
                if self.may_linger {
                    socket.close_aside();
                }
            }
            Some(mut entry) => {
                if let Ok(socket) = entry.socket() {
                    socket.unwatch(self.poll.registry());
                }
            }
            None => {}
        }
    }
}
