//! What becomes of a packet that one host sends another: the one place where that is decided, from its
//! fate, the cut between the two, the neighbour, the path's MTU and the queue.
//!
//! A route with a bandwidth is a queue in each direction, first in, first out, shared by all that two hosts
//! send each other: a packet leaves it when those before it have, and is dropped where the queue is full
//! (tail drop). Nothing ticks: a queue is the time at which it will be empty.

use super::icmp::Why;
use super::packet::{Body, Packet};
use super::pair::Pair;
use super::wire;
use crate::choices::Fate;
use crate::weather::Weather;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The two hosts are cut off from each other; what a router says of it, if one says anything.
    CutOff(Option<Why>),
    /// Nobody has the other's address; how long after now the sender is told.
    NoNeighbour { after_ns: u64 },
    /// A hop on the way is too narrow, and the packet may not be fragmented there.
    TooBig,
    /// The queue has no room.
    QueueFull,
    /// It takes its room in the queue, leaves it then and gets no further.
    Lost { at_ns: u64 },
    /// It leaves the queue then.
    Leaves { at_ns: u64, fate: Fate },
}

/// A packet at the beginning of its way.
pub(crate) struct Crossing<'a> {
    pub(crate) packet: &'a Packet,
    pub(crate) fate: Fate,
    /// Which of the pair's two directions it takes.
    pub(crate) way: usize,
    pub(crate) now_ns: u64,
    /// Whether the host it is for has power.
    pub(crate) is_up: bool,
}

/// Linux asks three times, a second apart, who has an address (`mcast_solicit`, `retrans_time_ms`).
const ASKING_NS: u64 = 3_000_000_000;
/// How long an answer to that is believed: 30 s, then 5 s of doubt, then three more questions.
const BELIEVED_NS: u64 = 38_000_000_000;

impl Pair {
    /// What becomes of a packet between these two. The pair remembers what the next one has to know.
    #[inline]
    pub(crate) fn judge(&mut self, weather: &Weather, crossing: &Crossing<'_>) -> Verdict {
        let &Crossing { fate, way, now_ns, is_up, .. } = crossing;
        if self.cut_ns.is_some_and(|(from, until)| (from..until).contains(&now_ns)) {
            return Verdict::CutOff(self.cut_answer);
        }
        self.sent_ns[way] = Some(now_ns);
        if weather.neighbours
            && !is_up
            && let Some(after_ns) = self.neighbour_fails_after(way, now_ns)
        {
            return Verdict::NoNeighbour { after_ns };
        }
        if fate != Fate::Lost && self.is_too_big(weather, crossing) {
            return Verdict::TooBig;
        }
        match (self.leaves_queue(weather, crossing), fate) {
            (None, _) => Verdict::QueueFull,
            (Some(at_ns), Fate::Lost) => Verdict::Lost { at_ns },
            (Some(at_ns), fate) => Verdict::Leaves { at_ns, fate },
        }
    }

    /// A neighbour without power answers no question for its address. How long after now the sender
    /// is told, if it asks: it does not while it believes an earlier answer.
    fn neighbour_fails_after(&mut self, way: usize, now_ns: u64) -> Option<u64> {
        let heard_ns = self.sent_ns[1 - way];
        if heard_ns.is_some_and(|at| now_ns < at.saturating_add(BELIEVED_NS)) {
            return None;
        }
        let until_ns = &mut self.asking_until_ns[way];
        if *until_ns <= now_ns {
            *until_ns = now_ns.saturating_add(ASKING_NS);
        }
        Some(*until_ns - now_ns)
    }

    /// Whether a hop on the way is too narrow for a packet that may not be fragmented. A host fragments
    /// datagrams that are over its own link's MTU, or what it knows of the path's. A router fragments these
    /// further if they are of IPv4; in IPv6 routers fragment nothing.
    #[inline]
    fn is_too_big(&self, weather: &Weather, crossing: &Crossing<'_>) -> bool {
        let &Crossing { packet, way, now_ns, .. } = crossing;
        let Some(path_mtu) = weather.path_mtu_bytes else { return false };
        let payload = packet.payload.len() as u64;
        let over = |size: u64| size > u64::from(wire::mtu_towards(path_mtu, packet.to));
        let ip = wire::ip_header(packet.to);
        match packet.body {
            Body::Segment(_) => over(ip + wire::TCP + payload),
            Body::Datagram => {
                let size = ip + wire::UDP + payload;
                let fragmented_at_first = size > u64::from(weather.mtu_bytes);
                let may_be_fragmented = packet.to.is_ipv4() && fragmented_at_first;
                over(size) && !may_be_fragmented && !self.knows_mtu(way, now_ns)
            }
            Body::ForMany(_) | Body::Icmp(_) => false,
        }
    }

    /// When a packet that joins the queue will have left it; `None` if there is no room. Without a
    /// bandwidth it leaves at once.
    #[inline]
    fn leaves_queue(&mut self, weather: &Weather, crossing: &Crossing<'_>) -> Option<u64> {
        const SECOND_NS: u128 = 1_000_000_000;
        let &Crossing { packet, way, now_ns, .. } = crossing;
        let Some(bandwidth) = weather.bandwidth_bytes_per_s else { return Some(now_ns) };
        let bandwidth = u128::from(bandwidth.max(1));
        let empty_ns = &mut self.empty_ns[way];
        let begins_ns = now_ns.max(*empty_ns);
        let waiting_bytes = u128::from(begins_ns - now_ns) * bandwidth / SECOND_NS;
        let bytes = wire::wire_bytes(packet, weather.narrowest_mtu());
        let room = weather.queue_bytes.unwrap_or(u64::MAX);
        if waiting_bytes + u128::from(bytes) > u128::from(room) {
            return None;
        }
        let takes_ns = (u128::from(bytes) * SECOND_NS).div_ceil(bandwidth);
        *empty_ns = begins_ns.saturating_add(u64::try_from(takes_ns).unwrap_or(u64::MAX));
        Some(*empty_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(length: usize) -> Packet {
        let to = "10.0.0.2:1".parse().expect("an address");
        let payload = vec![0; length];
        Packet { from: to, to, payload, ..Packet::blank() }
    }

    fn judge(
        pair: &mut Pair,
        weather: &Weather,
        packet: &Packet,
        now_ns: u64,
        fate: Fate,
    ) -> Verdict {
        pair.judge(weather, &Crossing { packet, fate, way: 0, now_ns, is_up: true })
    }

    #[test]
    fn a_cut_comes_before_all_else_and_passes() {
        let (mut pair, weather) = (Pair::new(Some((5, 9)), Some(Why::Net)), Weather::calm());
        let mut at = |now_ns, fate| judge(&mut pair, &weather, &datagram(1), now_ns, fate);
        assert_eq!(at(4, Fate::Usual), Verdict::Leaves { at_ns: 4, fate: Fate::Usual });
        assert_eq!(at(5, Fate::Lost), Verdict::CutOff(Some(Why::Net)));
        assert_eq!(at(9, Fate::Lost), Verdict::Lost { at_ns: 9 });
    }

    /// 128 bytes on the wire take 128 ns at a byte a nanosecond; what is lost has taken its room.
    #[test]
    fn a_queue_is_first_in_first_out_and_has_room_for_so_much() {
        let weather = Weather {
            bandwidth_bytes_per_s: Some(1_000_000_000),
            queue_bytes: Some(300),
            ..Weather::calm()
        };
        let mut pair = Pair::new(None, None);
        let mut at = |now_ns, fate| judge(&mut pair, &weather, &datagram(100), now_ns, fate);
        assert_eq!(at(0, Fate::Usual), Verdict::Leaves { at_ns: 128, fate: Fate::Usual });
        assert_eq!(at(0, Fate::Lost), Verdict::Lost { at_ns: 256 });
        assert_eq!(at(0, Fate::Usual), Verdict::QueueFull);
        let third = Verdict::Leaves { at_ns: 384, fate: Fate::Duplicated };
        assert_eq!(at(100, Fate::Duplicated), third);
    }

    #[test]
    fn a_path_too_narrow_is_learned_and_a_lost_packet_never_meets_it() {
        let weather = Weather { path_mtu_bytes: Some(1000), ..Weather::calm() };
        let (mut pair, packet) = (Pair::new(None, None), datagram(1200));
        let lost = Verdict::Lost { at_ns: 0 };
        assert_eq!(judge(&mut pair, &weather, &packet, 0, Fate::Lost), lost);
        assert_eq!(judge(&mut pair, &weather, &packet, 0, Fate::Usual), Verdict::TooBig);
        pair.learn_mtu(0, 0);
        let leaves = Verdict::Leaves { at_ns: 0, fate: Fate::Usual };
        assert_eq!(judge(&mut pair, &weather, &packet, 0, Fate::Usual), leaves);
    }

    #[test]
    fn a_neighbour_without_power_is_asked_for_three_seconds_by_all_who_wait() {
        const SECOND: u64 = 1_000_000_000;
        let weather = Weather { neighbours: true, ..Weather::calm() };
        let (mut pair, packet) = (Pair::new(None, None), datagram(1));
        let mut at = |now_ns| {
            let (packet, fate) = (&packet, Fate::Usual);
            pair.judge(&weather, &Crossing { packet, fate, way: 0, now_ns, is_up: false })
        };
        assert_eq!(at(0), Verdict::NoNeighbour { after_ns: 3 * SECOND });
        assert_eq!(at(SECOND), Verdict::NoNeighbour { after_ns: 2 * SECOND });
        assert_eq!(at(3 * SECOND), Verdict::NoNeighbour { after_ns: 3 * SECOND });
    }
}
