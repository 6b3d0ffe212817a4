//! A packet's fate between two hosts: lost, duplicated, overtaken, cut off, or merely late.
//!
//! A route with a bandwidth is a queue in each direction, first in, first out, shared by all that
//! two hosts send each other: a packet leaves it when those before it have, and is dropped where the
//! queue is full (tail drop). Nothing ticks: a queue is the time at which it will be empty.
//!
//! Fate and delay are decisions about the socket that sends, so another socket on the same link
//! changes nothing for this one. A partition is a decision about the pair of hosts; nothing is made
//! for a pair before it first talks.

use crate::choices::{Entity, Fault, Kind};
use crate::id::{HostId, SocketId};
use crate::link::icmp::Why;
use crate::link::packet::{Body, Packet};
use crate::link::pair::{Pair, direction};
use crate::link::wire::wire_bytes;
use crate::trace::event::Struck;
use crate::world::World;
use crate::world::journal::Actor;

/// The first way to be lost: of a packet, and of a message about one.
pub(super) const LOST: u64 = 1;
const DUPLICATED: u64 = 2;
const OVERTAKEN: u64 = 3;
// Of a cut.
const NET_UNREACHABLE: u64 = 4;
const HOST_UNREACHABLE: u64 = 5;

const SECOND_NS: u128 = 1_000_000_000;

impl World {
    pub(super) fn send_over_link(
        &mut self,
        socket: Option<SocketId>,
        host: HostId,
        packet: Packet,
    ) {
        let is_stream = matches!(packet.body, Body::Segment(_));
        let is_icmp = matches!(packet.body, Body::Icmp(_));
        let (fate, delay_ns, number, nth) = self.decide_fate(socket, host, is_stream, is_icmp);
        let struck = Struck::Packet { socket: number, nth, to: packet.to };
        if let Some(answer) = self.cut_off(host, packet.to_host) {
            self.strike(Actor::Host(host), Fault::CutOff, struck);
            if let Some(why) = answer {
                self.refuse_way(host, &packet, struck, why, delay_ns);
            }
            return self.recycle(packet.payload);
        }
        if let Some(after_ns) = self.neighbour_fails_after(host, packet.to_host) {
            self.refuse_way(host, &packet, struck, Why::Host, after_ns);
            return self.recycle(packet.payload);
        }
        if fate != LOST && self.is_too_big(host, &packet) {
            self.strike(Actor::Host(host), Fault::TooBig, struck);
            self.answer_packet(host, &packet, Why::TooBig, delay_ns);
            return self.recycle(packet.payload);
        }
        let Some(leaves_ns) = self.leaves_queue(host, &packet) else {
            self.strike(Actor::Host(host), Fault::QueueFull, struck);
            return self.recycle(packet.payload);
        };
        let mut arrival_ns = leaves_ns.saturating_add(delay_ns);
        match fate {
            LOST => {
                self.strike(Actor::Host(host), Fault::Lost, struck);
                return self.recycle(packet.payload);
            }
            DUPLICATED => {
                self.strike(Actor::Host(host), Fault::Duplicated, struck);
                let mut payload = self.buffers.pop().unwrap_or_default();
                payload.clear();
                payload.extend_from_slice(&packet.payload);
                let copy = Packet { payload, ..packet };
                self.deliver_at(arrival_ns.saturating_add(delay_ns), copy);
            }
            OVERTAKEN => {
                self.strike(Actor::Host(host), Fault::Overtaken, struck);
                return self.deliver_at(arrival_ns.saturating_add(delay_ns), packet);
            }
            _ => {}
        }
        // One route, one queue: what a connection sends arrives in order but where it is overtaken.
        if let Some(index) = socket.filter(|_| is_stream) {
            let last_ns = &mut self.sockets[index].last_arrival_ns;
            arrival_ns = arrival_ns.max(*last_ns);
            *last_ns = arrival_ns;
        }
        self.deliver_at(arrival_ns, packet);
    }

    /// Somebody says that there is no way. Nobody says so of an ICMP message, or of what was sent to
    /// many.
    fn refuse_way(
        &mut self,
        host: HostId,
        packet: &Packet,
        struck: Struck,
        why: Why,
        after_ns: u64,
    ) {
        if matches!(packet.body, Body::Icmp(_) | Body::ForMany(_)) {
            return;
        }
        let is_net = why == Why::Net;
        let fault = if is_net { Fault::NetUnreachable } else { Fault::HostUnreachable };
        self.strike(Actor::Host(host), fault, struck);
        self.answer_packet(host, packet, why, after_ns);
    }

    /// Fate, delay, the sender's number and which of its packets this is.
    fn decide_fate(
        &mut self,
        socket: Option<SocketId>,
        host: HostId,
        is_stream: bool,
        is_icmp: bool,
    ) -> (u64, u64, u32, u64) {
        let weather = &self.weather;
        let icmp_loss_ppm = if is_icmp { weather.icmp_loss_ppm } else { 0 };
        let loss_ppm = (weather.loss_ppm + icmp_loss_ppm).min(1_000_000);
        let (entity, number, nth) = match socket {
            Some(index) => {
                let socket = &mut self.sockets[index];
                socket.packets_sent += 1;
                (&mut socket.entity, socket.number, socket.packets_sent)
            }
            None => (&mut self.hosts[host].entity, 0, 0),
        };
        let fate = self.choices.pick(entity, Kind::Fate, |draw| {
            if draw.happens(loss_ppm) {
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

    /// Whether no packet gets from one to the other now, and what a router says of it.
    fn cut_off(&mut self, from: HostId, to: HostId) -> Option<Option<Why>> {
        let now_ns = self.clock.now_ns();
        let (key, way) = direction(from, to);
        if !self.pairs.contains_key(&key) {
            let pair = self.meet(key.0, key.1);
            self.pairs.insert(key, pair);
        }
        let pair = self.pairs.get_mut(&key).expect("they have met");
        let is_cut = pair.cut_ns.is_some_and(|(from, until)| (from..until).contains(&now_ns));
        if !is_cut {
            pair.sent_ns[way] = Some(now_ns);
        }
        is_cut.then_some(pair.cut_answer)
    }

    /// When a packet that joins the queue towards its host will have left it; `None` if there is no
    /// room. Without a bandwidth it leaves at once.
    fn leaves_queue(&mut self, from: HostId, packet: &Packet) -> Option<u64> {
        let now_ns = self.clock.now_ns();
        let Some(bandwidth) = self.weather.bandwidth_bytes_per_s else { return Some(now_ns) };
        let (bandwidth, to) = (u128::from(bandwidth.max(1)), packet.to_host);
        let (key, way) = direction(from, to);
        let empty_ns = &mut self.pairs.get_mut(&key).expect("they have met").empty_ns[way];
        let begins_ns = now_ns.max(*empty_ns);
        let waiting_bytes = u128::from(begins_ns - now_ns) * bandwidth / SECOND_NS;
        let bytes = wire_bytes(packet, self.weather.narrowest_mtu());
        let room = self.weather.queue_bytes.unwrap_or(u64::MAX);
        if waiting_bytes + u128::from(bytes) > u128::from(room) {
            return None;
        }
        let takes_ns = (u128::from(bytes) * SECOND_NS).div_ceil(bandwidth);
        *empty_ns = begins_ns.saturating_add(u64::try_from(takes_ns).unwrap_or(u64::MAX));
        Some(*empty_ns)
    }

    /// Two hosts talk for the first time: whether and when they will be cut off.
    fn meet(&mut self, a: HostId, b: HostId) -> Pair {
        let name = format!("{}={}", self.hosts[a].name, self.hosts[b].name);
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
            return Pair::new(None, None);
        }
        let length_ns = self
            .choices
            .pick(&mut entity, Kind::Length, |draw| draw.between(1, weather.partition_max_ns));
        let answer = self.choices.pick(&mut entity, Kind::Fate, |draw| {
            let is_answered = draw.happens(weather.partition_answered_ppm);
            if is_answered { draw.between(NET_UNREACHABLE, HOST_UNREACHABLE) } else { 0 }
        });
        let answer = match answer {
            NET_UNREACHABLE => Some(Why::Net),
            HOST_UNREACHABLE => Some(Why::Host),
            _ => None,
        };
        let from_ns = self.clock.now_ns().saturating_add(start_ns);
        Pair::new(Some((from_ns, from_ns.saturating_add(length_ns))), answer)
    }
}
