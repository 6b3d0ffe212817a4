//! Events that several kinds of socket have in common.

use crate::id::SocketId;
use crate::trace::Op;
use crate::world::World;

impl World {
    /// Records that two sockets were made at once; the text tells them by their numbers.
    pub(crate) fn record_pair(&mut self, name: &'static str, a: SocketId, b: SocketId) {
        let number = |index: SocketId| self.sockets[index].number;
        let (a, b) = (number(a), number(b));
        self.record_full(Op::Connected, a, b.into(), 0, None, name);
    }

    /// Records a read, and whether less was given than was there.
    pub(crate) fn record_read(&mut self, index: SocketId, length: usize, there: usize) {
        let (number, value) = (self.sockets[index].number, length as u64);
        if length < there {
            self.fired.short_reads += 1;
            self.record_full(Op::ShortRead, number, value, there as u64, None, "");
        }
        self.record(Op::Read, number, value);
    }
}
