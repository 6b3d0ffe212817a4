//! A packet's fate between two hosts: lost, duplicated, overtaken, cut off, or merely late.
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
}

const LOST: u64 = 1;
const DUPLICATED: u64 = 2;
const OVERTAKEN: u64 = 3;

impl World {
    pub(super) fn send_over_link(&mut self, socket: Option<u32>, host: u16, packet: Packet) {
        let (now_ns, to) = (self.clock.now_ns(), Some(packet.to));
        let is_stream = matches!(packet.body, Body::Segment(_));
        let (fate, delay_ns, number, nth) = self.decide_fate(socket, host, is_stream);
        if self.is_cut_off(host, packet.to_host) {
            self.fired.cut_off += 1;
            self.record_wire(host, Op::CutOff, number, nth, 0, to);
            return self.recycle(packet.payload);
        }
        let mut arrival_ns = now_ns.saturating_add(delay_ns);
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
            return Pair { cut_ns: None };
        }
        let length_ns = self
            .choices
            .pick(&mut entity, Kind::Length, |draw| draw.between(1, weather.partition_max_ns));
        let from_ns = self.clock.now_ns().saturating_add(start_ns);
        Pair { cut_ns: Some((from_ns, from_ns.saturating_add(length_ns))) }
    }
}
