//! What one host sends another: its fate and its delay are drawn, `link/verdict.rs` says what becomes of it,
//! and here it is done.
//!
//! Fate and delay are decisions about the socket that sends, so another socket on the same link
//! changes nothing for this one. A partition is a decision about the pair of hosts; nothing is made
//! for a pair before it first talks.

use std::net::SocketAddr;

use crate::choices::{Bytes, Decision, Entity, Fate, Fault, Ns, Unit};
use crate::clock::Event;
use crate::id::{HostId, PairId, SocketId};
use crate::link::icmp::Why;
use crate::link::packet::{Body, Packet};
use crate::link::pair::{Pair, direction};
use crate::link::verdict::{Crossing, Verdict};
use crate::link::wire::segment_of;
use crate::net::readiness;
use crate::socket::Proto;
use crate::socket::mailbox::cost_of;
use crate::tcp;
use crate::trace::event::Struck;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn send(world: &mut World, socket: Option<SocketId>, host: HostId, packet: Box<Packet>) {
    let is_stream = matches!(packet.body, Body::Segment(_));
    let is_icmp = matches!(packet.body, Body::Icmp(_));
    let (fate, delay_ns) = decide_fate(world, socket, host, is_stream, is_icmp);
    match judge(world, socket, host, &packet, fate) {
        Verdict::CutOff(answer) => {
            strike(world, socket, host, &packet, Fault::CutOff);
            if let Some(why) = answer {
                refuse_way(world, socket, host, &packet, why, delay_ns);
            }
        }
        Verdict::NoNeighbour { after_ns } => {
            refuse_way(world, socket, host, &packet, Why::Host, after_ns);
        }
        Verdict::TooBig => {
            strike(world, socket, host, &packet, Fault::TooBig);
            answer(world, host, &packet, Why::TooBig, delay_ns);
        }
        Verdict::QueueFull => {
            strike(world, socket, host, &packet, Fault::QueueFull);
        }
        Verdict::Lost { at_ns } => {
            stands_in_line(world, socket, &packet, at_ns);
            strike(world, socket, host, &packet, Fault::Lost);
        }
        Verdict::Leaves { at_ns, fate } => {
            stands_in_line(world, socket, &packet, at_ns);
            let arrival_ns = at_ns.saturating_add(delay_ns);
            let late_ns = arrival_ns.saturating_add(delay_ns);
            if fate == Fate::Overtaken {
                strike(world, socket, host, &packet, Fault::Overtaken);
                return world.deliver_at(late_ns, packet);
            }
            if fate == Fate::Duplicated {
                strike(world, socket, host, &packet, Fault::Duplicated);
                let copy = Packet { payload: world.copy_of(&packet.payload), ..*packet };
                let copy = world.pack(copy);
                world.deliver_at(late_ns, copy);
            }
            let arrival_ns = match socket {
                Some(id) if is_stream => in_order(world, id, arrival_ns),
                _ => arrival_ns,
            };
            if fate == Fate::Usual
                && let Some(id) = socket
                && let Some(first) = split(world, id, &packet)
            {
                strike(world, socket, host, &packet, Fault::Split);
                let (first, second) = parts(world, packet, first);
                world.deliver_at(arrival_ns, first);
                let second_ns = in_order(world, id, arrival_ns.saturating_add(delay_ns));
                return world.deliver_at(second_ns, second);
            }
            return world.deliver_at(arrival_ns, packet);
        }
    }
    world.recycle_packet(packet);
}

/// A fault strikes a packet: a socket's, by which of its packets it is, or the host's own.
#[cold]
#[inline(never)]
fn strike(
    world: &mut World,
    socket: Option<SocketId>,
    host: HostId,
    packet: &Packet,
    fault: Fault,
) {
    let (number, nth) = socket.map_or((0, 0), |id| {
        let socket = &world.sockets[id];
        (socket.number, socket.packets_sent)
    });
    let struck = Struck::Packet { socket: number, path: packet.sender, nth, to: packet.to };
    world.strike(Actor::Host(host), fault, struck);
}

/// A datagram that does not leave at once takes its sender's room meanwhile. What a stream sends has
/// its room until it is acknowledged.
#[inline]
fn stands_in_line(world: &mut World, socket: Option<SocketId>, packet: &Packet, until_ns: u64) {
    let is_datagram = matches!(packet.body, Body::Datagram | Body::ForMany(_));
    let Some(id) = socket.filter(|_| is_datagram && until_ns > world.clock.now_ns()) else {
        return;
    };
    let socket = &mut world.sockets[id];
    let generation = socket.generation;
    let Proto::Udp(mailbox) = &mut socket.proto else { return };
    let cost = cost_of(packet.from, packet.payload.len());
    mailbox.sending += cost;
    world.clock.schedule(until_ns, true, Event::Sent { socket: id, generation, cost: cost as u32 });
}

/// A datagram has left its queue.
pub(crate) fn left_line(world: &mut World, id: SocketId, generation: u32, cost: u32) {
    let socket = &mut world.sockets[id];
    if let (true, Proto::Udp(mailbox)) = (socket.generation == generation, &mut socket.proto) {
        mailbox.sending -= cost as usize;
        readiness::tell(world, id);
    }
}

/// How many bytes of a segment are in its first part, if it is split.
#[inline]
fn split(world: &mut World, id: SocketId, packet: &Packet) -> Option<usize> {
    let (ppm, length) = (world.weather.split_ppm, packet.payload.len() as u64);
    if ppm == 0 || length < 2 || !matches!(packet.body, Body::Segment(_)) {
        return None;
    }
    let entity = &mut world.sockets[id].entity;
    let Bytes(first) = world
        .choices
        .pick(entity, Decision::Split, |draw| Bytes(draw.sometimes(ppm, 1, length - 1)));
    // A token may be of a longer one.
    (1..length).contains(&first).then_some(first as usize)
}

/// The two parts of a packet with a segment.
#[cold]
fn parts(world: &mut World, mut packet: Box<Packet>, first: usize) -> (Box<Packet>, Box<Packet>) {
    let Body::Segment(whole) = packet.body else { unreachable!("only segments are split") };
    let (head, tail) = whole.split_at(first as u32);
    let mut payload = world.copy_of(&packet.payload);
    payload.drain(..first);
    let second = Packet { body: Body::Segment(tail), payload, ..*packet };
    let second = world.pack(second);
    packet.body = Body::Segment(head);
    packet.payload.truncate(first);
    (packet, second)
}

/// One route, one queue: what a connection sends arrives in order but where it is overtaken.
fn in_order(world: &mut World, id: SocketId, arrival_ns: u64) -> u64 {
    let last_ns = &mut world.sockets[id].last_arrival_ns;
    *last_ns = arrival_ns.max(*last_ns);
    *last_ns
}

/// What becomes of the packet. Hosts that never talked meet first.
#[inline]
fn judge(
    world: &mut World,
    socket: Option<SocketId>,
    host: HostId,
    packet: &Packet,
    fate: Fate,
) -> Verdict {
    let (far, way) = (packet.to_host, usize::from(host > packet.to_host));
    // A host that is ahead by its clock reads sends at its own time.
    let now_ns = world.clock.now_ns().max(world.hosts[host].reads_until_ns.get());
    let is_up = world.hosts[far].is_up;
    let last = socket.and_then(|id| world.sockets[id].last_pair);
    let pair = match last {
        Some((known, pair)) if known == far => pair,
        _ => pair_of(world, socket, host, far),
    };
    let crossing = Crossing { packet, fate, way, now_ns, is_up };
    world.pairs.get_mut(pair).judge(&world.weather, &crossing)
}

/// What lies between two hosts; the socket that sends remembers it.
#[cold]
fn pair_of(world: &mut World, socket: Option<SocketId>, host: HostId, far: HostId) -> PairId {
    let (key, _) = direction(host, far);
    let pair = match world.pairs.find(key) {
        Some(pair) => pair,
        None => {
            let pair = meet(world, key.0, key.1);
            world.pairs.insert(key, pair)
        }
    };
    if let Some(id) = socket {
        world.sockets[id].last_pair = Some((far, pair));
    }
    pair
}

/// Somebody says that there is no way. Nobody says so of an ICMP message, or of what was sent to
/// many.
#[cold]
fn refuse_way(
    world: &mut World,
    socket: Option<SocketId>,
    host: HostId,
    packet: &Packet,
    why: Why,
    after_ns: u64,
) {
    if matches!(packet.body, Body::Icmp(_) | Body::ForMany(_)) {
        return;
    }
    let is_net = why == Why::Net;
    let fault = if is_net { Fault::NetUnreachable } else { Fault::HostUnreachable };
    strike(world, socket, host, packet, fault);
    answer(world, host, packet, why, after_ns);
}

/// A router, or the sender's own host, replies to a packet, `after_ns` from now. A router stands halfway: its
/// reply is back when the packet would have been there. It replies to every packet, where Linux replies to
/// one a second after the first six.
#[cold]
fn answer(world: &mut World, host: HostId, packet: &Packet, why: Why, after_ns: u64) {
    let ppm = world.weather.icmp_loss_ppm;
    let entity = &mut world.hosts[host].entity;
    let fate = world.choices.pick(entity, Decision::IcmpFate, |draw| {
        if draw.happens(ppm) { Fate::Lost } else { Fate::Usual }
    });
    if fate == Fate::Lost {
        let struck = Struck::Message { to: packet.to };
        return world.strike(Actor::Host(host), Fault::IcmpLost, struck);
    }
    let answer = Packet {
        from: packet.to,
        to: packet.from,
        to_host: host,
        sender: packet.sender,
        between: (None, None),
        body: Body::Icmp(packet.icmp(why)),
        payload: Vec::new(),
    };
    let answer = world.pack(answer);
    world.deliver_at(world.clock.now_ns().saturating_add(after_ns), answer);
}

/// Fate and delay.
fn decide_fate(
    world: &mut World,
    socket: Option<SocketId>,
    host: HostId,
    is_stream: bool,
    is_icmp: bool,
) -> (Fate, u64) {
    let weather = &world.weather;
    let icmp_loss_ppm = if is_icmp { weather.icmp_loss_ppm } else { 0 };
    let loss_ppm = (weather.loss_ppm + icmp_loss_ppm).min(1_000_000);
    let entity = match socket {
        Some(id) => {
            let socket = &mut world.sockets[id];
            socket.packets_sent += 1;
            &mut socket.entity
        }
        None => &mut world.hosts[host].entity,
    };
    let fate = world.choices.pick(entity, Decision::PacketFate, |draw| {
        if draw.happens(loss_ppm) {
            Fate::Lost
        } else if draw.happens(weather.duplicate_ppm) {
            Fate::Duplicated
        } else if is_stream && draw.happens(weather.reorder_ppm) {
            Fate::Overtaken
        } else {
            Fate::Usual
        }
    });
    let typical_ns = weather.latency_typical_ns;
    let delay_ns = world.choices.pick_time(entity, Decision::PacketDelay, typical_ns, |draw| {
        draw.between(weather.latency_min_ns, weather.latency_max_ns)
    });
    (fate, delay_ns)
}

/// Two hosts talk for the first time: whether and when they will be cut off.
#[cold]
fn meet(world: &mut World, a: HostId, b: HostId) -> Pair {
    let name = format!("{}={}", world.hosts[a].name, world.hosts[b].name);
    let path = world.paths.child(None, &name, 1);
    let mut entity = Entity::new(path, world.paths.hash(path));
    let weather = &world.weather;
    let Ns(start_ns) = world.choices.pick(&mut entity, Decision::PartitionStart, |draw| {
        Ns(draw.sometimes(weather.partition_ppm, 1, weather.partition_start_max_ns))
    });
    if start_ns == 0 {
        return Pair::new(None, None);
    }
    let Ns(length_ns) = world.choices.pick(&mut entity, Decision::PartitionLength, |draw| {
        Ns(draw.between(1, weather.partition_max_ns))
    });
    let answer = world.choices.pick(&mut entity, Decision::PartitionAnswer, |draw| {
        let [low, high] = [Fate::NetUnreachable, Fate::HostUnreachable].map(Fate::number);
        Fate::of(draw.sometimes(weather.partition_answered_ppm, low, high))
    });
    let answer = match answer {
        Fate::NetUnreachable => Some(Why::Net),
        Fate::HostUnreachable => Some(Why::Host),
        _ => None,
    };
    let from_ns = world.clock.now_ns().saturating_add(start_ns);
    Pair::new(Some((from_ns, from_ns.saturating_add(length_ns))), answer)
}

/// What TCP begins with towards this host: a side that knows the path says so in its SYN.
pub(crate) fn fit_to_path(
    world: &World,
    config: tcp::Config,
    host: HostId,
    far: HostId,
    peer: SocketAddr,
) -> tcp::Config {
    let Some(mtu) = world.weather.path_mtu_bytes else { return config };
    let now_ns = world.clock.now_ns();
    let is_known = world
        .pairs
        .find(direction(host, far).0)
        .map(|pair| world.pairs.get(pair))
        .is_some_and(|pair| pair.knows_mtu(0, now_ns) || pair.knows_mtu(1, now_ns));
    match is_known {
        true => tcp::Config { mss: config.mss.min(segment_of(mtu, peer)), ..config },
        false => config,
    }
}
