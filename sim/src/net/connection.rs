//! A connection between its calls: what it sends, what arrives for it, its timer and its end.

use std::io;

use crate::clock::Event;
use crate::id::SocketId;
use crate::link::packet::{Body, Packet};
use crate::net::readiness::When;
use crate::net::{memory, outgoing, readiness};
use crate::socket::{Dirty, Proto, Socket};
use crate::tcp::{Segment, State};
use crate::trace::event::Wire;
use crate::world::World;
use crate::world::journal::Actor;

#[inline(always)] // Into the loop for other hosts, and the rare one for the own.
pub(crate) fn transmit(world: &mut World, id: SocketId, when: When) {
    world.sockets[id].dirty = Dirty::No;
    let now_ns = world.clock.now_ns();
    loop {
        let Proto::Stream(connection) = &mut world.sockets[id].proto else { return };
        if connection.falls_silent(now_ns) || !transmit_one(world, id, now_ns) {
            break;
        }
        let Proto::Stream(connection) = &mut world.sockets[id].proto else { return };
        if connection.has_said_all() {
            break;
        }
    }
    settle(world, id, when);
}

/// Sends the connection's next segment, which is written where it stays until it has arrived; false if it has none.
fn transmit_one(world: &mut World, id: SocketId, now_ns: u64) -> bool {
    let mut packet = world.blank_packet();
    let socket = &mut world.sockets[id];
    let (Some(from), Some(to), Proto::Stream(connection)) =
        (socket.local, socket.peer(), &mut socket.proto)
    else {
        world.recycle_packet(packet);
        return false;
    };
    let Some(segment) = connection.poll_transmit(now_ns, &mut packet.payload) else {
        world.recycle_packet(packet);
        return false;
    };
    let (host, number, path) = (socket.host, socket.number, socket.entity.path);
    (packet.from, packet.to, packet.sender) = (from, to, path);
    packet.between = (Some(id), socket.far);
    packet.body = Body::Segment(segment);
    world.trace.carry(&packet.payload);
    world.record(Actor::Host(host), Wire::Segment { socket: number, path, from, to, segment });
    outgoing::send_packet(world, id, host, packet);
    true
}

/// Sends what a program has written, as far as the windows and Nagle's rule let it out. Asked before
/// each call that could take it back or change those rules: Linux transmits inside write(2), so
/// nothing that comes later in the same instant is in time. Its SYN likewise.
pub(crate) fn send_written(world: &mut World, id: SocketId) {
    let now_ns = world.clock.now_ns();
    loop {
        let socket = &world.sockets[id];
        let Proto::Stream(connection) = &socket.proto else { return };
        let is_waiting = socket.dirty == Dirty::Link && connection.has_to_send();
        if !is_waiting || !transmit_one(world, id, now_ns) {
            return;
        }
    }
}

/// Sends what the program has written, as above, and has the connection end: its last word leaves at
/// once. Returns the error that is pending then.
pub(crate) fn disconnect(world: &mut World, id: SocketId) -> Option<io::Error> {
    send_written(world, id);
    let now_ns = world.clock.now_ns();
    let Proto::Stream(connection) = &mut world.sockets[id].proto else { return None };
    let error = connection.disconnect();
    while transmit_one(world, id, now_ns) {}
    error
}

/// After a connection was fed or emptied: its timer, its flow, its listener.
#[inline]
fn settle(world: &mut World, id: SocketId, when: When) {
    let socket = &world.sockets[id];
    let Proto::Stream(connection) = &socket.proto else { return };
    let is_timed = connection.poll_timeout().is_none_or(|due_ns| is_timed(socket, due_ns));
    if is_timed && socket.listener.is_none() && connection.state() != State::Closed {
        return;
    }
    move_on(world, id, when);
}

/// As above, where there is something to do.
fn move_on(world: &mut World, id: SocketId, when: When) {
    let Proto::Stream(connection) = &world.sockets[id].proto else { return };
    let (state, finished) = (connection.state(), connection.is_finished());
    set_timer(world, id);
    leave_half_open(world, id, (state, finished), when);
    // Once: what is bound anew afterwards stays bound.
    if state == State::Closed && world.sockets[id].is_routed {
        world.unroute(id);
    }
    if finished && world.sockets[id].descriptors.is_empty() {
        world.forget_socket(id);
    }
}

/// Whether there is an event of its timer as early as that.
#[inline]
fn is_timed(socket: &Socket, due_ns: u64) -> bool {
    socket.timer_ns.is_some_and(|scheduled| scheduled <= due_ns)
}

/// Has an event of the connection's timer where there is none as early.
fn set_timer(world: &mut World, id: SocketId) {
    let socket = &mut world.sockets[id];
    let Proto::Stream(connection) = &socket.proto else { return };
    let Some(due_ns) = connection.poll_timeout() else { return };
    if is_timed(socket, due_ns) {
        return;
    }
    let at_ns = due_ns.max(world.clock.now_ns());
    socket.timer_ns = Some(at_ns);
    let generation = socket.generation;
    let quiet = connection.window_closed_at().is_some_and(|at| at > world.last_step_ns);
    let foreground = !connection.timer_is_background() && !quiet;
    world.clock.schedule(at_ns, foreground, Event::Timer { socket: id, generation });
}

/// The event of its timer has come, and the timer was put off meanwhile. Mostly the event is put off too and
/// that is all; where the connection might have something to say by now, it is asked.
pub(crate) fn timer_was_put_off(world: &mut World, id: SocketId) {
    let socket = &world.sockets[id];
    let now_ns = world.clock.now_ns();
    match &socket.proto {
        Proto::Stream(connection) if socket.listener.is_none() && connection.is_at_rest(now_ns) => {
            set_timer(world, id);
        }
        _ => outgoing::mark_dirty(world, id),
    }
}

/// A connection that is no longer half-open can be accepted, or is over.
#[cold]
fn leave_half_open(world: &mut World, id: SocketId, (state, finished): (State, bool), when: When) {
    let Some(listener) = world.sockets[id].listener else { return };
    if state == State::SynReceived {
        return;
    }
    let Proto::Listener(queue) = &mut world.sockets[listener].proto else { return };
    if finished {
        queue.abandon(&id);
    } else if queue.complete(&id) {
        world.sockets[id].listener = None;
        readiness::tell_when(world, listener, when);
    }
}

pub(crate) fn segment_arrives(
    world: &mut World,
    id: SocketId,
    packet: &Packet,
    segment: &Segment,
    when: When,
) {
    let now_ns = world.clock.now_ns();
    if let Some(listener) = world.sockets[id].listener
        && let Proto::Listener(queue) = &world.sockets[listener].proto
        && let Proto::Stream(connection) = &world.sockets[id].proto
        && connection.state() == State::SynReceived
        && !queue.may_complete()
        && !segment.flags.syn
        && !segment.flags.rst
    {
        return;
    }
    let bare = memory::too_dear(world, id, segment, &packet.payload);
    let (segment, payload) = match &bare {
        Some(bare) => (bare, &[][..]),
        None => (segment, &packet.payload[..]),
    };
    let socket = &mut world.sockets[id];
    if let Proto::Stream(connection) = &mut socket.proto {
        connection.handle_segment(now_ns, segment, payload);
        let (state, finished) = (connection.state(), connection.is_finished());
        // At once, not when its reply leaves: the next one's last ACK has to find a full queue.
        if socket.listener.is_some() {
            leave_half_open(world, id, (state, finished), when);
        }
    }
    outgoing::mark_dirty(world, id);
    readiness::tell_when(world, id, when);
}

pub(crate) fn timer_due(world: &mut World, id: SocketId) {
    let now_ns = world.clock.now_ns();
    if let Proto::Stream(connection) = &mut world.sockets[id].proto {
        while connection.poll_timeout().is_some_and(|due_ns| due_ns <= now_ns) {
            connection.handle_timeout(now_ns);
        }
    }
    outgoing::mark_dirty(world, id);
    readiness::tell(world, id);
}

/// Whether keepalive may yet find a peer dead. One that answered since anybody ran is alive and
/// has nothing to say, nor will it ever.
pub(crate) fn watches_a_peer(world: &World) -> bool {
    world.sockets.iter().filter(|socket| !socket.descriptors.is_empty()).any(|socket| {
        let Proto::Stream(connection) = &socket.proto else { return false };
        let answered = connection.kept_alive_at().is_some_and(|at| at > world.last_step_ns);
        connection.keeps_alive() && !answered
    })
}
