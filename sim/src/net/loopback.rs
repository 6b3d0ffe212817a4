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

use crate::clock::Event;
use crate::id::HostId;
use crate::link::packet::{Body, Packet};
use crate::world::World;

/// What a packet takes on one machine, from socket to whoever waits for it.
const PACKET_NS: u64 = 10_000;

/// How far a host may run ahead of time: a thousand small packets.
const AHEAD_NS: u64 = 10_000_000;

pub(crate) fn send(world: &mut World, packet: Box<Packet>) {
    let now_ns = world.clock.now_ns();
    let loopback = &mut world.hosts[packet.to_host].loopback;
    // TCP's positions are counted by time, so that it must not be slower than they are used.
    let positions = if let Body::Segment(segment) = packet.body { segment.len } else { 0 };
    let lasts_ns = PACKET_NS + u64::from(positions);
    loopback.through_ns = loopback.through_ns.max(now_ns).saturating_add(lasts_ns);
    if !std::mem::replace(&mut loopback.is_due, true) {
        let at_ns = now_ns.saturating_add(PACKET_NS);
        world.clock.schedule(at_ns, true, Event::Loopback(packet.to_host));
    }
    world.loopback.packets.push_back(packet);
}

/// Tells those who waited for what the host sent itself.
pub(crate) fn due(world: &mut World, host: HostId) {
    let now_ns = world.clock.now_ns();
    let loopback = &mut world.hosts[host].loopback;
    world.ready.append(&mut loopback.told);
    // One that is ahead has somebody who gave way, for whom time has to move.
    let through_ns = loopback.through_ns;
    loopback.is_due = through_ns > now_ns.saturating_add(AHEAD_NS);
    if loopback.is_due {
        world.clock.schedule(through_ns, true, Event::Loopback(host));
    }
}

/// Whether the host of whoever runs is ahead of time.
#[inline]
pub(crate) fn is_ahead(world: &World) -> bool {
    let loopback = &world.hosts[world.host_here()].loopback;
    loopback.through_ns > world.clock.now_ns().saturating_add(AHEAD_NS)
}

/// The host's time as its own calls have it: later with every packet it sends itself.
pub(crate) fn now_on(world: &World, host: HostId) -> u64 {
    world.hosts[host].loopback.through_ns.max(world.clock.now_ns())
}
