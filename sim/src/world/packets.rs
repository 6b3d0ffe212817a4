//! Packets in flight between hosts, each in its own memory from when it is made until it has arrived; and the
//! memory that they leave behind.

use crate::clock::Event;
use crate::link::packet::Packet;
use crate::world::World;

/// As many packets, and as many buffers, are kept for others.
const KEPT_MAX: usize = 1024;

impl World {
    /// A packet that is yet to be filled in, with the memory that another one had if there is some.
    #[inline]
    pub(crate) fn blank_packet(&mut self) -> Box<Packet> {
        self.spare.pop().unwrap_or_else(|| Box::new(Packet::blank()))
    }

    /// A packet.
    pub(crate) fn pack(&mut self, packet: Packet) -> Box<Packet> {
        let mut spare = self.blank_packet();
        let before = std::mem::replace(&mut *spare, packet);
        self.recycle(before.payload);
        spare
    }

    #[inline]
    pub(crate) fn deliver_at(&mut self, at_ns: u64, packet: Box<Packet>) {
        let id = self.packets.insert(packet);
        self.clock.schedule(at_ns, true, Event::Packet(id));
    }

    /// A packet has come to its end.
    #[inline]
    pub(crate) fn recycle_packet(&mut self, packet: Box<Packet>) {
        if self.spare.len() < KEPT_MAX {
            self.spare.push(packet);
        }
    }

    #[inline]
    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
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
