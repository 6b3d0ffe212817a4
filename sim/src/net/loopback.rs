//! A host's packets to itself. They arrive before the call that sent them returns, as on Linux:
//! what is sent there can be read at once, a connection stands, a refusal is known (linux-truth
//! 6(b), 88, 171, 195(a)).
//!
//! No call takes time, so what loopback costs is paid by others. Who waits for a packet is told of it
//! [`PACKET_NS`] later, so that two who answer each other for ever see time go by. A host whose
//! greenlets send without ever waiting runs ahead of time; when it is [`AHEAD_NS`] ahead, they give
//! way until time has caught up. All of it is the host's own affair: it changes nothing for others.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use greenroom::hub::Ready;

use crate::clock::Event;
use crate::id::{HostId, SocketId};
use crate::link::packet::{Body, Packet};
use crate::world::World;

/// What a packet takes on one machine, from socket to whoever waits for it.
const PACKET_NS: u64 = 10_000;

/// How far a host may run ahead of time: a thousand small packets.
const AHEAD_NS: u64 = 10_000_000;

/// What is under way on its own host, within one call.
#[derive(Default)]
pub(crate) struct UnderWay {
    packets: VecDeque<Packet>,
    /// Sockets that may have something to send to their own host.
    dirty: VecDeque<SocketId>,
    /// Such packets arrive now: who waits for them is told later.
    pub(crate) arrives: bool,
}

/// A host's loopback interface.
#[derive(Default)]
pub(crate) struct Loopback {
    /// Who is to be told.
    pub(crate) told: Vec<Ready>,
    /// An event is scheduled that tells them.
    is_due: bool,
    /// When all that was sent so far would be through, if calls took time.
    through_ns: u64,
}

impl Loopback {
    /// Nobody is there to be told any more, nor to have given way.
    pub(crate) fn power_off(&mut self) {
        self.told.clear();
        self.through_ns = 0;
    }
}

impl World {
    pub(super) fn mark_dirty_here(&mut self, index: SocketId) {
        self.under_way.dirty.push_back(index);
    }

    pub(super) fn send_here(&mut self, packet: Packet) {
        let now_ns = self.clock.now_ns();
        let loopback = &mut self.hosts[packet.to_host].loopback;
        // TCP's positions are counted by time, so that it must not be slower than they are used.
        let positions = if let Body::Segment(segment) = packet.body { segment.len } else { 0 };
        let lasts_ns = PACKET_NS + u64::from(positions);
        loopback.through_ns = loopback.through_ns.max(now_ns).saturating_add(lasts_ns);
        if !std::mem::replace(&mut loopback.is_due, true) {
            let at_ns = now_ns.saturating_add(PACKET_NS);
            self.clock.schedule(at_ns, true, Event::Loopback(packet.to_host));
        }
        self.under_way.packets.push_back(packet);
    }

    /// Lets what hosts have sent themselves arrive, and what answers it, until nothing of the kind
    /// is under way. A burst arrives before it is answered.
    #[inline]
    pub(crate) fn loop_back(&mut self) {
        if !self.under_way.packets.is_empty() || !self.under_way.dirty.is_empty() {
            self.loop_all_back();
        }
    }

    #[inline(never)]
    fn loop_all_back(&mut self) {
        self.under_way.arrives = true;
        loop {
            if let Some(packet) = self.under_way.packets.pop_front() {
                self.arrive(packet);
            } else if let Some(index) = self.under_way.dirty.pop_front() {
                self.transmit_all(index);
            } else {
                break;
            }
        }
        self.under_way.arrives = false;
    }

    /// Tells those who waited for what the host sent itself.
    pub(crate) fn loopback_due(&mut self, host: HostId) {
        let now_ns = self.clock.now_ns();
        let loopback = &mut self.hosts[host].loopback;
        self.named.append(&mut loopback.told);
        // One that is ahead has somebody who gave way, for whom time has to move.
        let through_ns = loopback.through_ns;
        loopback.is_due = through_ns > now_ns.saturating_add(AHEAD_NS);
        if loopback.is_due {
            self.clock.schedule(through_ns, true, Event::Loopback(host));
        }
    }

    /// Whether the host of whoever runs is ahead of time.
    #[inline]
    pub(crate) fn is_ahead(&self) -> bool {
        let loopback = &self.hosts[self.host_here()].loopback;
        loopback.through_ns > self.clock.now_ns().saturating_add(AHEAD_NS)
    }

    /// The host's time as its own calls have it: later with every packet it sends itself.
    pub(crate) fn now_on(&self, host: HostId) -> u64 {
        self.hosts[host].loopback.through_ns.max(self.clock.now_ns())
    }
}
