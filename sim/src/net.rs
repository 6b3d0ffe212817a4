//! Packets and routes: what leaves a socket for another host meets its fate and arrives as an event,
//! what leaves for its own arrives in the same call.

pub(crate) mod address;
pub(crate) mod icmp;
pub(crate) mod job;
mod life;
pub(crate) mod link;
pub(crate) mod loopback;
mod memory;
pub(crate) mod multicast;
pub(crate) mod names;
pub(crate) mod options;
pub(crate) mod pipe;
pub(crate) mod ports;
mod readiness;
pub(crate) mod signal;
pub(crate) mod stream;
pub(crate) mod udp;
pub(crate) mod unix;
mod urgent;

use std::net::SocketAddr;

use crate::clock::Event;
use crate::id::{HostId, PacketId, SocketId};
use crate::link::packet::{Body, Packet};
use crate::socket::flow::Flow;
use crate::socket::{Dirty, Proto};
use crate::tcp::{Connection, Segment, State};
use crate::trace::event::Wire;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    // Out.

    pub(crate) fn mark_dirty(&mut self, index: SocketId) {
        let socket = &mut self.sockets[index];
        let host = &self.hosts[socket.host];
        let dirty = match socket.peer.is_some_and(|peer| host.owns(peer.ip())) {
            true => Dirty::Here,
            false => Dirty::Link,
        };
        if std::mem::replace(&mut socket.dirty, dirty) != dirty {
            match dirty {
                Dirty::Here => self.mark_dirty_here(index),
                _ => self.dirty.push(index),
            }
        }
    }

    /// Lets every socket that was touched send what it has to other hosts. Done when an instant ends,
    /// so that an answer carries the acknowledgement of its question.
    pub(crate) fn flush(&mut self) {
        self.loop_back();
        let mut at = 0;
        while at < self.dirty.len() {
            let index = self.dirty[at];
            at += 1;
            self.transmit_all(index);
        }
        self.dirty.clear();
        if !self.memory_waiters.is_empty() {
            self.share_out_memory();
        }
    }

    #[inline(always)] // Into the loop for other hosts, and the rare one for the own.
    fn transmit_all(&mut self, index: SocketId) {
        self.sockets[index].dirty = Dirty::No;
        let now_ns = self.clock.now_ns();
        loop {
            let socket = &mut self.sockets[index];
            let Proto::Stream(connection) = &mut socket.proto else { return };
            let mut payload = self.buffers.pop().unwrap_or_default();
            let Some(segment) = connection.poll_transmit(now_ns, &mut payload) else {
                self.buffers.push(payload);
                break;
            };
            let (Some(local), Some(peer)) = (socket.local, socket.peer) else { break };
            self.send_segment(index, local, peer, segment, payload);
        }
        self.settle_connection(index);
    }

    /// After a connection was fed or emptied: its timer, its place, its listener.
    fn settle_connection(&mut self, index: SocketId) {
        let socket = &mut self.sockets[index];
        let Proto::Stream(connection) = &mut socket.proto else { return };
        let (state, finished) = (connection.state(), connection.is_finished());
        if let Some(due_ns) = connection.poll_timeout()
            && socket.timer_ns.is_none_or(|scheduled| scheduled > due_ns)
        {
            let at_ns = due_ns.max(self.clock.now_ns());
            socket.timer_ns = Some(at_ns);
            let generation = socket.generation;
            let quiet = connection.window_closed_at().is_some_and(|at| at > self.last_step_ns);
            let foreground = !connection.timer_is_background() && !quiet;
            self.clock.schedule(at_ns, foreground, Event::Timer { socket: index, generation });
        }
        self.leave_half_open(index, state, finished);
        // Once: what is bound anew afterwards stays bound.
        let socket = &self.sockets[index];
        let is_routed = socket.flow().is_some_and(|flow| self.flows.get(&flow) == Some(&index));
        if state == State::Closed && is_routed {
            self.unroute(index);
        }
        if finished && self.sockets[index].descriptors.is_empty() {
            self.forget_socket(index);
        }
    }

    /// A connection that is no longer half-open can be accepted, or is over.
    fn leave_half_open(&mut self, index: SocketId, state: State, finished: bool) {
        let Some(listener) = self.sockets[index].listener else { return };
        if state == State::SynReceived {
            return;
        }
        let Proto::Listener(queue) = &mut self.sockets[listener].proto else { return };
        if finished {
            queue.abandon(&index);
        } else if queue.complete(&index) {
            self.name_ready(listener);
        }
    }

    /// Whether keepalive may yet find a peer dead. One that answered since anybody ran is alive and
    /// has nothing to say, nor will it ever.
    pub(crate) fn watches_a_peer(&self) -> bool {
        self.sockets.iter().filter(|socket| !socket.descriptors.is_empty()).any(|socket| {
            let Proto::Stream(connection) = &socket.proto else { return false };
            let answered = connection.kept_alive_at().is_some_and(|at| at > self.last_step_ns);
            connection.keeps_alive() && !answered
        })
    }

    fn send_segment(
        &mut self,
        index: SocketId,
        from: SocketAddr,
        to: SocketAddr,
        segment: Segment,
        payload: Vec<u8>,
    ) {
        let socket = &self.sockets[index];
        let (host, number) = (socket.host, socket.number);
        self.record(Actor::Host(host), Wire::Segment { socket: number, from, to, segment });
        self.send_packet(Some(index), host, from, to, Body::Segment(segment), payload);
    }

    /// Sends a packet on its way, from a socket or (a reset, an ICMP message) from the host itself.
    pub(crate) fn send_packet(
        &mut self,
        socket: Option<SocketId>,
        host: HostId,
        from: SocketAddr,
        to: SocketAddr,
        body: Body,
        payload: Vec<u8>,
    ) {
        let here = &self.hosts[host];
        let sender = match socket {
            Some(index) => self.sockets[index].entity.path,
            None => here.entity.path,
        };
        if here.owns(to.ip()) {
            let packet = Packet { from, to, to_host: host, sender, body, payload };
            return self.send_here(packet);
        }
        let to_host = self.host_at(to.ip()).filter(|_| self.leads_out(host, from, to));
        let Some(to_host) = to_host else { return self.buffers.push(payload) };
        let packet = Packet { from, to, to_host, sender, body, payload };
        self.send_over_link(socket, host, packet);
    }

    pub(crate) fn deliver_at(&mut self, at_ns: u64, packet: Packet) {
        let id = self.packets.insert(packet);
        self.clock.schedule(at_ns, true, Event::Packet(id));
    }

    // In.

    pub(crate) fn packet_arrives(&mut self, id: PacketId) {
        let packet = self.packets.remove(id).expect("a packet arrives once");
        self.arrive(packet);
    }

    #[inline(always)] // As above.
    fn arrive(&mut self, packet: Packet) {
        if self.hosts[packet.to_host].is_up {
            match packet.body {
                Body::Segment(segment) => self.segment_arrives(&packet, &segment),
                Body::Datagram => return self.datagram_arrives(packet),
                Body::ForMany(interface) => return self.deliver_to_many(packet, interface),
                Body::Icmp(icmp) => self.icmp_arrives(&packet, icmp),
            }
        }
        self.recycle(packet.payload);
    }

    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
        const KEPT_MAX: usize = 1024;
        if buffer.capacity() > 0 && self.buffers.len() < KEPT_MAX {
            self.buffers.push(buffer);
        }
    }

    fn segment_arrives(&mut self, packet: &Packet, segment: &Segment) {
        let flow = Flow { host: packet.to_host, local: packet.to, peer: packet.from };
        match self.flows.get(&flow).copied() {
            Some(index) if self.gives_way(index, segment) => {
                self.forget_socket(index);
                self.segment_for_port(packet, segment);
            }
            Some(index) => self.segment_for_connection(index, packet, segment),
            None => self.segment_for_port(packet, segment),
        }
    }

    /// Whether a connection in TIME-WAIT makes room for a new one (RFC 6191).
    fn gives_way(&self, index: SocketId, segment: &Segment) -> bool {
        let socket = &self.sockets[index];
        match &socket.proto {
            Proto::Stream(connection) => {
                socket.descriptors.is_empty() && connection.gives_way_to(segment)
            }
            _ => false,
        }
    }

    fn segment_for_connection(&mut self, index: SocketId, packet: &Packet, segment: &Segment) {
        let now_ns = self.clock.now_ns();
        if let Some(listener) = self.sockets[index].listener
            && let Proto::Listener(queue) = &self.sockets[listener].proto
            && let Proto::Stream(connection) = &self.sockets[index].proto
            && connection.state() == State::SynReceived
            && !queue.may_complete()
            && !segment.flags.syn
            && !segment.flags.rst
        {
            return;
        }
        let (segment, payload) = self.affordable_of(index, segment, &packet.payload);
        if let Proto::Stream(connection) = &mut self.sockets[index].proto {
            connection.handle_segment(now_ns, &segment, payload);
            let (state, finished) = (connection.state(), connection.is_finished());
            // At once, not with what it answers: the next one's last ACK has to find a full queue.
            self.leave_half_open(index, state, finished);
        }
        self.mark_dirty(index);
        self.name_ready(index);
    }

    /// No connection is there: a listener takes a SYN, all else is answered by a reset.
    fn segment_for_port(&mut self, packet: &Packet, segment: &Segment) {
        if segment.flags.syn
            && !segment.flags.ack
            && !segment.flags.rst
            && let Some(listener) = self.listener_at(packet.to_host, packet.to, packet.sender)
        {
            return self.open_half(listener, packet, segment);
        }
        if let Some(reset) = Connection::reset_for(segment, packet.payload.len()) {
            let (from, to, host) = (packet.to, packet.from, packet.to_host);
            let sent = Wire::Segment { socket: 0, from, to, segment: reset };
            self.record(Actor::Host(host), sent);
            self.send_packet(None, host, from, to, Body::Segment(reset), Vec::new());
        }
    }

    pub(crate) fn timer_due(&mut self, index: SocketId) {
        let now_ns = self.clock.now_ns();
        if let Proto::Stream(connection) = &mut self.sockets[index].proto {
            while connection.poll_timeout().is_some_and(|due_ns| due_ns <= now_ns) {
                connection.handle_timeout(now_ns);
            }
        }
        self.mark_dirty(index);
        self.name_ready(index);
    }
}
