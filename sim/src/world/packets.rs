//! Packets in flight between hosts, and the buffers they leave behind.

use crate::clock::Event;
use crate::link::packet::Packet;
use crate::world::World;

impl World {
    #[inline]
    pub(crate) fn deliver_at(&mut self, at_ns: u64, packet: Packet) {
        let id = self.packets.insert(packet);
        self.clock.schedule(at_ns, true, Event::Packet(id));
    }

    #[inline]
    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
        const KEPT_MAX: usize = 1024;
        if buffer.capacity() > 0 && self.buffers.len() < KEPT_MAX {
            self.buffers.push(buffer);
        }
    }

    /// A payload of these bytes, in a buffer that was used before if there is one.
    pub(crate) fn copy_of(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut payload = self.buffers.pop().unwrap_or_default();
        payload.clear();
        payload.extend_from_slice(bytes);
        payload
    }
}
