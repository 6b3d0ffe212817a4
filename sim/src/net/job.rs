//! Work that would hold up its thread: for everybody else it takes a time that the seed chooses, and
//! then it is done at once, by whoever brought it.

use std::io;

use greenroom::hub::{Io, Readiness};

use crate::choices::Decision;
use crate::clock::Event;
use crate::errno::errno;
use crate::id::SocketId;
use crate::net::readiness;
use crate::socket::Proto;
use crate::socket::source::Work;
use crate::world::World;

/// How long a job takes that nothing is the matter with: a read of a file that is not in memory.
const TYPICAL_NS: u64 = 1_000_000;

/// A disk that is busy, or a helper thread that is.
const LONGEST_NS: u64 = 100_000_000;

/// A job begins; the source is readable when it is to be done.
pub(crate) fn begin(world: &mut World) -> io::Result<Io> {
    let (id, io) = world.add_source(".job", Proto::Job(Work::default()));
    // In calm weather only turns differ from run to run.
    let is_calm = world.weather.latency_min_ns == world.weather.latency_max_ns;
    let socket = &mut world.sockets[id];
    let delay_ns =
        world.choices.pick_time(&mut socket.entity, Decision::JobDelay, TYPICAL_NS, |draw| {
            // Each order of magnitude as often as the next.
            let at_most_ns = (TYPICAL_NS / 10) << draw.below(11);
            let delay_ns = draw.between(1, at_most_ns.min(LONGEST_NS));
            if is_calm { TYPICAL_NS } else { delay_ns }
        });
    let generation = socket.generation;
    let at_ns = world.clock.now_ns().saturating_add(delay_ns);
    world.clock.schedule(at_ns, true, Event::Job { socket: id, generation });
    Ok(io)
}

pub(crate) fn due(world: &mut World, id: SocketId, generation: u32) {
    let socket = &mut world.sockets[id];
    if !socket.live || socket.generation != generation {
        return;
    }
    if let Proto::Job(work) = &mut socket.proto {
        work.is_due = true;
    }
    readiness::tell(world, id);
}

/// Whether the job may be done; `WouldBlock` before.
pub(crate) fn end(world: &mut World, io: Io) -> io::Result<()> {
    let id = world.socket_of(io)?;
    match &world.sockets[id].proto {
        Proto::Job(work) if work.is_due => Ok(()),
        Proto::Job(_) => {
            world.want(io, Readiness::READ);
            Err(errno(libc::EAGAIN))
        }
        _ => Err(errno(libc::EINVAL)),
    }
}
