//! A packet's fate between two hosts: lost, duplicated, overtaken, cut off, or merely late.
//!
//! A route with a bandwidth is a queue in each direction, first in, first out, shared by all that
//! two hosts send each other: a packet leaves it when those before it have, and is dropped where the
//! queue is full (tail drop). Nothing ticks: a queue is the time at which it will be empty.
//!
//! Fate and delay are decisions about the socket that sends, so another socket on the same link
//! changes nothing for this one. A partition is a decision about the pair of hosts; nothing is made
//! for a pair before it first talks.

use super::{Body, Packet};
use crate::choices::{Entity, Kind};
use crate::trace::Op;
use crate::world::World;

/// Two hosts that have talked.
pub(crate) struct Pair {
    /// When they are cut off from each other, from and until.
    cut_ns: Option<(u64, u64)>,
    /// When the last packet will have left each direction's queue; the first is the one from the
    /// host with the lower number.
    empty_ns: [u64; 2],
}

const LOST: u64 = 1;
const DUPLICATED: u64 = 2;
const OVERTAKEN: u64 = 3;

const SECOND_NS: u128 = 1_000_000_000;

/// What a packet is on the wire, IP's headers included; what is below IP is not counted.
fn wire_bytes(packet: &Packet, mtu_bytes: u32) -> u64 {
    const TCP: u64 = 20;
    const UDP: u64 = 8;
    // IPv6 says in a header of its own that a packet is a fragment.
    let (ip, of_fragment) = if packet.to.is_ipv4() { (20, 0) } else { (40, 8) };
    let payload = packet.payload.len() as u64;
    match packet.body {
        Body::Segment(_) => ip + TCP + payload,
        Body::Datagram | Body::ForMany(_) => {
            let (bytes, room) = (UDP + payload, u64::from(mtu_bytes).saturating_sub(ip));
            if bytes <= room {
                return ip + bytes;
            }
            // Fragments, but for the last, carry a multiple of eight bytes.
            let fragment = (room.saturating_sub(of_fragment) / 8 * 8).max(8);
            bytes + (ip + of_fragment) * bytes.div_ceil(fragment)
        }
        // ICMP: a header of eight, and the header of IP and eight bytes of what it answers.
        Body::Unreachable => ip + 8 + ip + 8,
    }
}

impl World {
    pub(super) fn send_over_link(&mut self, socket: Option<u32>, host: u16, packet: Packet) {
        let to = Some(packet.to);
        let is_stream = matches!(packet.body, Body::Segment(_));
        let (fate, delay_ns, number, nth) = self.decide_fate(socket, host, is_stream);
        if self.is_cut_off(host, packet.to_host) {
            self.fired.cut_off += 1;
            self.record_wire(host, Op::CutOff, number, nth, 0, to);
            return self.recycle(packet.payload);
        }
        let Some(leaves_ns) = self.leaves_queue(host, &packet) else {
            self.fired.queue_drops += 1;
            self.record_wire(host, Op::QueueFull, number, nth, 0, to);
            return self.recycle(packet.payload);
        };
        let mut arrival_ns = leaves_ns.saturating_add(delay_ns);
        match fate {
            LOST => {
                self.fired.lost += 1;
                self.record_wire(host, Op::Lost, number, nth, 0, to);
                return self.recycle(packet.payload);
            }
            DUPLICATED => {
                self.fired.duplicated += 1;
                self.record_wire(host, Op::Duplicated, number, nth, 0, to);
                let mut payload = self.buffers.pop().unwrap_or_default();
                payload.clear();
                payload.extend_from_slice(&packet.payload);
                let copy = Packet { payload, ..packet };
                self.deliver_at(arrival_ns.saturating_add(delay_ns), copy);
            }
            OVERTAKEN => {
                self.fired.overtaken += 1;
                self.record_wire(host, Op::Overtaken, number, nth, 0, to);
                return self.deliver_at(arrival_ns.saturating_add(delay_ns), packet);
            }
            _ => {}
        }
        // One route, one queue: what a connection sends arrives in order but where it is overtaken.
        if let Some(index) = socket.filter(|_| is_stream) {
            let last_ns = &mut self.sockets[index as usize].last_arrival_ns;
            arrival_ns = arrival_ns.max(*last_ns);
            *last_ns = arrival_ns;
        }
        self.deliver_at(arrival_ns, packet);
    }

    /// Fate, delay, the sender's number and which of its packets this is.
    fn decide_fate(
        &mut self,
        socket: Option<u32>,
        host: u16,
        is_stream: bool,
    ) -> (u64, u64, u32, u64) {
        let weather = &self.weather;
        let (entity, number, nth) = match socket {
            Some(index) => {
                let socket = &mut self.sockets[index as usize];
                socket.packets_sent += 1;
                (&mut socket.entity, socket.number, socket.packets_sent)
            }
            None => (&mut self.hosts[usize::from(host)].entity, 0, 0),
        };
        let fate = self.choices.pick(entity, Kind::Fate, |draw| {
            if draw.happens(weather.loss_ppm) {
                LOST
            } else if draw.happens(weather.duplicate_ppm) {
                DUPLICATED
            } else if is_stream && draw.happens(weather.reorder_ppm) {
                OVERTAKEN
            } else {
                0
            }
        });
        let typical_ns = weather.latency_typical_ns;
        let delay_ns = self.choices.pick(entity, Kind::Delay, |draw| {
            let delay_ns = draw.between(weather.latency_min_ns, weather.latency_max_ns);
            if delay_ns == typical_ns { 0 } else { delay_ns }
        });
        (fate, if delay_ns == 0 { typical_ns } else { delay_ns }, number, nth)
    }

    fn is_cut_off(&mut self, a: u16, b: u16) -> bool {
        let now_ns = self.clock.now_ns();
        let key = (a.min(b), a.max(b));
        if !self.pairs.contains_key(&key) {
            let pair = self.meet(key.0, key.1);
            self.pairs.insert(key, pair);
        }
        self.pairs[&key].cut_ns.is_some_and(|(from, until)| (from..until).contains(&now_ns))
    }

    /// When a packet that joins the queue towards its host will have left it; `None` if there is no
    /// room. Without a bandwidth it leaves at once.
    fn leaves_queue(&mut self, from: u16, packet: &Packet) -> Option<u64> {
        let now_ns = self.clock.now_ns();
        let Some(bandwidth) = self.weather.bandwidth_bytes_per_s else { return Some(now_ns) };
        let (bandwidth, to) = (u128::from(bandwidth.max(1)), packet.to_host);
        let pair = self.pairs.get_mut(&(from.min(to), from.max(to))).expect("they have met");
        let empty_ns = &mut pair.empty_ns[usize::from(from > to)];
        let begins_ns = now_ns.max(*empty_ns);
        let waiting_bytes = u128::from(begins_ns - now_ns) * bandwidth / SECOND_NS;
        let bytes = wire_bytes(packet, self.weather.mtu_bytes);
        let room = self.weather.queue_bytes.unwrap_or(u64::MAX);
        if waiting_bytes + u128::from(bytes) > u128::from(room) {
            return None;
        }
        let takes_ns = (u128::from(bytes) * SECOND_NS).div_ceil(bandwidth);
        *empty_ns = begins_ns.saturating_add(u64::try_from(takes_ns).unwrap_or(u64::MAX));
        Some(*empty_ns)
    }

    /// Two hosts talk for the first time: whether and when they will be cut off.
    fn meet(&mut self, a: u16, b: u16) -> Pair {
        let name =
            format!("{}={}", self.hosts[usize::from(a)].name, self.hosts[usize::from(b)].name);
        let path = self.paths.child(None, &name, 1);
        let mut entity = Entity::new(path, self.paths.hash(path));
        let weather = &self.weather;
        let start_ns = self.choices.pick(&mut entity, Kind::Fault, |draw| {
            if draw.happens(weather.partition_ppm) {
                draw.between(1, weather.partition_start_max_ns)
            } else {
                0
            }
        });
        if start_ns == 0 {
            return Pair { cut_ns: None, empty_ns: [0; 2] };
        }
        let length_ns = self
            .choices
            .pick(&mut entity, Kind::Length, |draw| draw.between(1, weather.partition_max_ns));
        let from_ns = self.clock.now_ns().saturating_add(start_ns);
        Pair { cut_ns: Some((from_ns, from_ns.saturating_add(length_ns))), empty_ns: [0; 2] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_fragments_are_those_of_the_family() {
        let bytes = |to: &str, length: usize, mtu_bytes| {
            let to: std::net::SocketAddr = to.parse().expect("an address");
            let (body, payload) = (Body::Datagram, vec![0; length]);
            wire_bytes(&Packet { from: to, to, to_host: 0, sender: 0, body, payload }, mtu_bytes)
        };
        for (length, mtu_bytes, v4, v6) in [
            (100, 1500, 128, 148),
            // What fits whole is no fragment, be it of eight bytes or not.
            (1472, 1500, 1500, 1520 + 2 * 8 + 40),
            (1451, 1499, 1479, 1499),
            (1473, 1500, 1501 + 20, 1521 + 2 * 8 + 40),
        ] {
            assert_eq!(bytes("10.0.0.1:1", length, mtu_bytes), v4, "{length}");
            assert_eq!(bytes("[fd00::1]:1", length, mtu_bytes), v6, "{length}");
        }
    }
}
