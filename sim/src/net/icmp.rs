//! ICMP messages that arrive, and what they do to whoever sent what they are about.

#[cfg(test)]
mod tests;

use crate::link::icmp::{Icmp, Why};
use crate::link::packet::Packet;
use crate::link::pair::direction;
use crate::link::wire::segment_of;
use crate::net::readiness::When;
use crate::net::{datagram, outgoing, readiness};
use crate::socket::Proto;
use crate::socket::flow::Flow;
use crate::world::World;

#[cold]
pub(crate) fn arrives(world: &mut World, packet: &Packet, icmp: Icmp, when: When) {
    if icmp.why == Why::TooBig {
        learn_path(world, packet, icmp);
    }
    match (icmp.seq, icmp.why) {
        (Some(seq), why) => for_connection(world, packet, (seq, why), when),
        (None, Why::Port) => datagram::refusal_arrives(world, packet, libc::ECONNREFUSED, when),
        (None, Why::TooBig) => datagram::refusal_arrives(world, packet, libc::EMSGSIZE, when),
        // It may pass: not even a connected socket is told, unless it asks with IP_RECVERR.
        (None, Why::Host | Why::Net) => {}
    }
}

/// A path is learned for a host and all its connections to the other.
fn learn_path(world: &mut World, packet: &Packet, icmp: Icmp) {
    let Some(mtu) = world.weather.path_mtu_bytes else { return };
    let (now_ns, (key, way)) = (world.clock.now_ns(), direction(packet.to_host, icmp.far));
    let pair = world.pairs.find(key).expect("they have met");
    world.pairs.get_mut(pair).learn_mtu(way, now_ns);
    let hit = Flow { host: packet.to_host, local: packet.to, peer: packet.from };
    for (flow, &id) in &world.flows {
        let is_along = flow.host == hit.host && flow.peer.ip() == hit.peer.ip();
        if is_along
            && *flow != hit
            && let Proto::Stream(connection) = &mut world.sockets[id].proto
        {
            connection.limit_segments(segment_of(mtu, flow.peer));
        }
    }
}

fn for_connection(world: &mut World, packet: &Packet, (seq, why): (u64, Why), when: When) {
    let now_ns = world.clock.now_ns();
    let flow = Flow { host: packet.to_host, local: packet.to, peer: packet.from };
    let Some(&id) = world.flows.get(&flow) else { return };
    let path_mtu = world.weather.path_mtu_bytes;
    let Proto::Stream(connection) = &mut world.sockets[id].proto else { return };
    match (why, path_mtu) {
        (Why::TooBig, Some(mtu)) => {
            connection.too_big(now_ns, seq, segment_of(mtu, packet.from));
        }
        (Why::Host | Why::Net, _) => connection.unreachable(now_ns, seq, why == Why::Net),
        (Why::Port | Why::TooBig, _) => {}
    }
    outgoing::mark_dirty(world, id);
    readiness::tell_when(world, id, when);
}
