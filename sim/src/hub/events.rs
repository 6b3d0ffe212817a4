//! What happens by itself: each event, when its time has come.

use crate::clock::Event;
use crate::id::SocketId;
use crate::net::{self, connection, deliver, job, life, loopback, names};
use crate::socket::Proto;
use crate::world::World;

/// Has things happen until somebody is named, `until_ns` has come, or, if it `advances`, a host has been
/// caught up with; returns whether the run's time is over by then.
pub(super) fn pass(
    world: &mut World,
    until_ns: Option<u64>,
    advances: bool,
    time_limit_ns: u64,
) -> bool {
    let mut caught_up = false;
    loop {
        deliver::flush(world);
        // Events that name nobody may go on for ever.
        let is_late = world.clock.now_ns() > time_limit_ns;
        if !world.ready.is_empty() || (caught_up && advances) || is_late {
            break;
        }
        if !has_next(world, until_ns) {
            break;
        }
        // All of one instant together, so that its order is the scheduler's to choose.
        caught_up |= happen(world);
        while world.clock.next_at_ns() == Some(world.clock.now_ns()) {
            caught_up |= happen(world);
        }
    }
    world.clock.now_ns() > time_limit_ns
}

/// Whether anything happens before `until_ns`, for which time moves on. Without it, whether anything but
/// background is yet to happen.
fn has_next(world: &mut World, until_ns: Option<u64>) -> bool {
    let clock = &mut world.clock;
    match (clock.next_at_ns(), until_ns) {
        (None, None) => false,
        (Some(_), None) => clock.has_foreground() || connection::watches_a_peer(world),
        (Some(next), Some(until)) if next <= until => true,
        (_, Some(until)) => {
            clock.advance_to(until.max(clock.now_ns()));
            false
        }
    }
}

/// Lets the next event happen; returns whether time has caught up with a host by it.
fn happen(world: &mut World) -> bool {
    let Some((at_ns, event)) = world.clock.pop() else { return false };
    if let Event::Timer { socket, generation } = event {
        if is_timer_due(world, socket, generation, at_ns) {
            world.clock.advance_to(at_ns);
            connection::timer_due(world, socket);
        }
        return false;
    }
    world.clock.advance_to(at_ns);
    match event {
        Event::Timer { .. } => {}
        Event::Answer { socket, generation } => names::answer_arrives(world, socket, generation),
        Event::Loopback(host) => {
            let is_up = world.hosts[host].is_up;
            loopback::due(world, host);
            return is_up;
        }
        Event::Packet(packet) => deliver::packet_arrives(world, packet),
        Event::Sent { socket, generation, cost } => {
            net::link::left_line(world, socket, generation, cost)
        }
        Event::Start(host) => life::start_host(world, host),
        Event::File(operation) => net::file::due(world, operation),
        Event::Job { socket, generation } => job::due(world, socket, generation),
        Event::Signal(host, kind) => net::signal::arrives(world, host, kind),
        Event::PowerCut(host) => life::cut_power(world, host),
    }
    false
}

/// Whether a connection's timer is due. One that was put off meanwhile is looked at again when it may be, and
/// time does not move for it.
fn is_timer_due(world: &mut World, socket: SocketId, generation: u32, at_ns: u64) -> bool {
    let entry = &mut world.sockets[socket];
    if !entry.live || entry.generation != generation || entry.timer_ns != Some(at_ns) {
        return false;
    }
    entry.timer_ns = None;
    let Proto::Stream(connection) = &entry.proto else { return false };
    let is_due = connection.poll_timeout().is_some_and(|due_ns| due_ns <= at_ns);
    if !is_due {
        connection::timer_was_put_off(world, socket);
    }
    is_due
}
