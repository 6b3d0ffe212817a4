//! ICMP: what a router or a host says of a packet that went no further, and what that does to whoever
//! sent it. A message names the packet it is about by its addresses, and a segment by its position.
//!
//! A router stands halfway: its answer is back when the packet would have been there. It answers
//! every packet, where Linux's answers one a second after the first six.

use std::net::SocketAddr;

use crate::choices::{Fault, Kind};
use crate::id::HostId;
use crate::link::icmp::{Icmp, Why};
use crate::link::packet::{Body, Packet};
use crate::link::pair::direction;
use crate::link::wire::{TCP, UDP, ip_header, mtu_towards, segment_of};
use crate::net::link::LOST;
use crate::socket::Proto;
use crate::socket::flow::Flow;
use crate::tcp;
use crate::trace::event::Struck;
use crate::world::World;
use crate::world::journal::Actor;

/// Linux's `mtu_expires`: how long a host remembers what a router said of a path.
const REMEMBERED_NS: u64 = 600_000_000_000;
/// Linux asks three times, a second apart, who has an address (`mcast_solicit`, `retrans_time_ms`).
const ASKING_NS: u64 = 3_000_000_000;
/// How long an answer to that is believed: 30 s, then 5 s of doubt, then three more questions.
const BELIEVED_NS: u64 = 38_000_000_000;

impl World {
    // Out.

    /// A router, or the sender's own host, answers a packet, `after_ns` from now.
    pub(super) fn answer_packet(&mut self, host: HostId, packet: &Packet, why: Why, after_ns: u64) {
        let ppm = self.weather.icmp_loss_ppm;
        let entity = &mut self.hosts[host].entity;
        let fate = self.choices.pick(entity, Kind::Fate, |draw| u64::from(draw.happens(ppm)));
        if fate == LOST {
            let struck = Struck::Message { to: packet.to };
            return self.strike(Actor::Host(host), Fault::IcmpLost, struck);
        }
        let answer = Packet {
            from: packet.to,
            to: packet.from,
            to_host: host,
            sender: packet.sender,
            body: Body::Icmp(Icmp::about(packet, why)),
            payload: Vec::new(),
        };
        self.deliver_at(self.clock.now_ns().saturating_add(after_ns), answer);
    }

    /// Whether a hop on the way is too narrow for a packet that may not be cut. A host cuts datagrams
    /// that are over its own link's MTU, or what it knows of the path's. A router cuts these further
    /// if they are of IPv4; in IPv6 routers cut nothing.
    pub(super) fn is_too_big(&self, host: HostId, packet: &Packet) -> bool {
        let Some(path_mtu) = self.weather.path_mtu_bytes else { return false };
        let payload = packet.payload.len() as u64;
        let over = |size: u64| size > u64::from(mtu_towards(path_mtu, packet.to));
        let ip = ip_header(packet.to);
        match packet.body {
            Body::Segment(_) => over(ip + TCP + payload),
            Body::Datagram => {
                let size = ip + UDP + payload;
                let cut_at_first = size > u64::from(self.weather.mtu_bytes);
                let may_be_cut = packet.to.is_ipv4() && cut_at_first;
                over(size) && !may_be_cut && !self.knows_path(host, packet.to_host)
            }
            Body::ForMany(_) | Body::Icmp(_) => false,
        }
    }

    fn knows_path(&self, from: HostId, to: HostId) -> bool {
        let (key, way) = direction(from, to);
        self.pairs.get(&key).is_some_and(|pair| pair.mtu_known_ns[way] > self.clock.now_ns())
    }

    /// What TCP begins with towards this host: a side that knows the path says so in its SYN.
    pub(super) fn fit_to_path(
        &self,
        config: tcp::Config,
        host: HostId,
        far: HostId,
        peer: SocketAddr,
    ) -> tcp::Config {
        match self.weather.path_mtu_bytes {
            Some(mtu) if self.knows_path(host, far) || self.knows_path(far, host) => {
                tcp::Config { mss: config.mss.min(segment_of(mtu, peer)), ..config }
            }
            _ => config,
        }
    }

    /// A neighbour without power answers no question for its address. How long after now the sender
    /// is told, if it asks: it does not while it believes an earlier answer.
    pub(super) fn neighbour_fails_after(&mut self, host: HostId, far: HostId) -> Option<u64> {
        if !self.weather.neighbours || self.hosts[far].is_up {
            return None;
        }
        let now_ns = self.clock.now_ns();
        let (key, way) = direction(host, far);
        let pair = self.pairs.get_mut(&key).expect("they have met");
        let heard_ns = pair.sent_ns[1 - way];
        if heard_ns.is_some_and(|at| now_ns < at.saturating_add(BELIEVED_NS)) {
            return None;
        }
        let until_ns = &mut pair.asking_until_ns[way];
        if *until_ns <= now_ns {
            *until_ns = now_ns.saturating_add(ASKING_NS);
        }
        Some(*until_ns - now_ns)
    }

    // In.

    pub(super) fn icmp_arrives(&mut self, packet: &Packet, icmp: Icmp) {
        if icmp.why == Why::TooBig {
            self.learn_path(packet, icmp);
        }
        match (icmp.seq, icmp.why) {
            (Some(seq), why) => self.icmp_for_connection(packet, seq, why),
            (None, Why::Port) => self.refusal_arrives(packet, libc::ECONNREFUSED),
            (None, Why::TooBig) => self.refusal_arrives(packet, libc::EMSGSIZE),
            // It may pass: not even a connected socket is told, unless it asks with IP_RECVERR.
            (None, Why::Host | Why::Net) => {}
        }
    }

    /// A path is learned for a host and all its connections to the other.
    fn learn_path(&mut self, packet: &Packet, icmp: Icmp) {
        let Some(mtu) = self.weather.path_mtu_bytes else { return };
        let (now_ns, (key, way)) = (self.clock.now_ns(), direction(packet.to_host, icmp.far));
        let pair = self.pairs.get_mut(&key).expect("they have met");
        pair.mtu_known_ns[way] = now_ns.saturating_add(REMEMBERED_NS);
        let hit = Flow { host: packet.to_host, local: packet.to, peer: packet.from };
        for (flow, &index) in &self.flows {
            let is_along = flow.host == hit.host && flow.peer.ip() == hit.peer.ip();
            if is_along
                && *flow != hit
                && let Proto::Stream(connection) = &mut self.sockets[index].proto
            {
                connection.limit_segments(segment_of(mtu, flow.peer));
            }
        }
    }

    fn icmp_for_connection(&mut self, packet: &Packet, seq: u64, why: Why) {
        let now_ns = self.clock.now_ns();
        let flow = Flow { host: packet.to_host, local: packet.to, peer: packet.from };
        let Some(&index) = self.flows.get(&flow) else { return };
        let path_mtu = self.weather.path_mtu_bytes;
        let Proto::Stream(connection) = &mut self.sockets[index].proto else { return };
        match (why, path_mtu) {
            (Why::TooBig, Some(mtu)) => {
                connection.too_big(now_ns, seq, segment_of(mtu, packet.from));
            }
            (Why::Host | Why::Net, _) => connection.unreachable(now_ns, seq, why == Why::Net),
            (Why::Port | Why::TooBig, _) => {}
        }
        self.mark_dirty(index);
        self.name_ready(index);
    }
}

#[cfg(test)]
mod tests;
