//! Operations on files: each takes its time and then happens on its host's disk, whether or not anybody still
//! waits for it. Those of a program that was ended never happen.

use std::io;

use greenroom::hub::{FileAnswer, FileCall, Io, OnFile, Readiness};

use crate::choices::{Bytes, Choices, Decision, Entity, Fate, Fault};
use crate::clock::{Event, calendar};
use crate::disk::{Answer, Disk, OpenId, SECTOR, Survival, Unsynced};
use crate::errno::errno;
use crate::id::{FileCallId, HostId, SocketId};
use crate::net::readiness;
use crate::path::escaped;
use crate::socket::Proto;
use crate::socket::source::FileWait;
use crate::trace::event::{Call, Struck};
use crate::world::World;
use crate::world::files::Operation;
use crate::world::journal::Actor;

/// What is in memory takes a helper thread there and back.
const TYPICAL_NS: u64 = 50_000;
/// A sync waits for the device.
const SYNC_TYPICAL_NS: u64 = 2_000_000;
/// A device that is busy.
const LONGEST_NS: u64 = 100_000_000;
/// How long Linux waits for a device before it resets it.
const STALL_MAX_NS: u64 = 30_000_000_000;

/// An operation begins; the source is readable when it is over.
pub(crate) fn begin(world: &mut World, call: FileCall) -> io::Result<Io> {
    let host = world.host_here();
    let (name, typical_ns) = (name_of(&call), typical_ns(&call));
    let on = match &call {
        FileCall::On { file, .. } => {
            let socket = world.socket_of(*file)?;
            let Proto::File(open) = world.sockets[socket].proto else {
                return Err(errno(libc::EINVAL));
            };
            disk(world, host).hold(open);
            Some(open)
        }
        _ => None,
    };
    let path = world.current().map_or(world.hosts[host].entity.path, |slot| {
        // Of operations there are too many for a path each.
        world.greenlets[slot].entity.path
    });
    let (socket, io) = world.add_source_at(path, Proto::FileCall(FileWait { name, ended: None }));
    let waiter = world.weak(socket);
    let at_ns = world.clock.now_ns().saturating_add(delay_ns(world, socket, typical_ns));
    let call = shortened(world, call);
    let fails = on.is_some() && draws_error(world, &call);
    let id = world.operations.insert(Operation { host, waiter, on, call, fails });
    world.clock.schedule(at_ns, true, Event::File(id));
    world.stirred = true;
    Ok(io)
}

/// It happens now.
pub(crate) fn due(world: &mut World, id: FileCallId) {
    // Its program or its host is gone.
    let Some(Operation { host, waiter, on, call, fails }) = world.operations.remove(id) else {
        return;
    };
    let now = calendar(world.clock.now_ns());
    let waiter = world.upgrade(waiter);
    let takes_descriptor = matches!(call, FileCall::Open { .. });
    let room = world.hosts[host].check_descriptors(takes_descriptor.into());
    let disk = disk(world, host);
    let ended = room.and_then(|()| match (call, on) {
        (FileCall::On { what: OnFile::Sync | OnFile::SyncData, .. }, Some(open)) if fails => {
            disk.fail_sync(open).map(|()| Answer::Other(FileAnswer::Done))
        }
        (_, Some(_)) if fails => Err(errno(libc::EIO)),
        (FileCall::On { what, .. }, Some(open)) => disk.on(open, what, now),
        (call, _) => disk.named(call, now),
    });
    if let Some(open) = on {
        disk.release(open);
    }
    match (waiter, ended) {
        (Some(waiter), ended) => {
            if let Proto::FileCall(wait) = &mut world.sockets[waiter].proto {
                wait.ended = Some(ended);
            }
            readiness::tell(world, waiter);
        }
        (None, Ok(Answer::Opened(open))) => disk.release(open),
        (None, _) => {}
    }
}

/// What came of an operation, which is over then; `WouldBlock` before.
pub(crate) fn end(world: &mut World, io: Io) -> io::Result<FileAnswer> {
    let id = world.socket_of(io)?;
    let Proto::FileCall(wait) = &mut world.sockets[id].proto else {
        return Err(errno(libc::EINVAL));
    };
    let name = wait.name;
    let Some(ended) = wait.ended.take() else {
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    };
    world.stirred = true;
    let answer = ended.map_err(|error| world.failed(name, 0, error))?;
    let answer = match answer {
        Answer::Other(answer) => answer,
        Answer::Opened(open) => {
            let host = world.sockets[id].host;
            FileAnswer::Opened(descriptor_of(world, host, open))
        }
    };
    let bytes = match &answer {
        FileAnswer::Read(bytes) => bytes.len() as u64,
        FileAnswer::Count(count) => *count,
        FileAnswer::Stat(stat) => stat.length,
        _ => 0,
    };
    world.record(Actor::Running, Call::File { call: name, bytes });
    Ok(answer)
}

/// A file that was opened, for whoever runs.
fn descriptor_of(world: &mut World, host: HostId, open: OpenId) -> Io {
    let path = disk(world, host).path_of_open(open);
    let path = world.path_for_socket(&format!(".file>{}", escaped(&path)));
    let id = world.add_socket(host, path, Proto::File(open));
    world.add_descriptor(id)
}

/// The last descriptor of a file is gone, or nobody waits for an operation any more.
pub(crate) fn close(world: &mut World, id: SocketId) {
    let open = match &world.sockets[id].proto {
        Proto::File(open) => Some(*open),
        Proto::FileCall(FileWait { ended: Some(Ok(Answer::Opened(open))), .. }) => Some(*open),
        _ => None,
    };
    let host = world.sockets[id].host;
    if let Some(open) = open {
        disk(world, host).release(open);
    }
    world.forget_socket(id);
}

/// A host's program is no more: what it asked for and has not happened never does.
pub(crate) fn end_process(world: &mut World, host: HostId) {
    for id in world.operations.ids() {
        if world.operations.get(id).is_some_and(|operation| operation.host == host)
            && let Some(Operation { on: Some(open), .. }) = world.operations.remove(id)
        {
            disk(world, host).release(open);
        }
    }
}

/// The host's power fails: of what was not synced, chance decides what is left.
pub(crate) fn cut_power(world: &mut World, host: HostId) {
    end_process(world, host);
    let Some(mut files) = world.hosts[host].files.take() else { return };
    let loss_ppm = loss_of_run(world);
    let mut struck = Vec::new();
    files.disk.cut_power(|path, what| {
        let above = world.hosts[host].entity.path;
        let entity = files.entities.entry(path.to_owned()).or_insert_with(|| {
            let path = world.paths.child(Some(above), &format!(".disk>{}", escaped(path)), 1);
            Entity::new(path, world.paths.hash(path))
        });
        let survival = survival(&mut world.choices, entity, loss_ppm, what);
        match survival {
            Survival::Whole => {}
            Survival::Lost => struck.push((Fault::UnsyncedLost, entity.path)),
            Survival::Head(_) | Survival::Tail(_) => struck.push((Fault::Torn, entity.path)),
        }
        survival
    });
    for (fault, path) in struck {
        world.strike(Actor::Host(host), fault, Struck::File { path });
    }
    world.hosts[host].files = Some(files);
}

/// How often a change is lost in this run: in some all are, in some few.
fn loss_of_run(world: &World) -> u32 {
    let ppm = world.weather.unsynced_loss_ppm;
    match world.choices.draw("unsynced").below(4) {
        0 if ppm > 0 => 1_000_000,
        1 => ppm / 4,
        _ => ppm,
    }
}

/// What chance leaves of a change that was not synced.
fn survival(choices: &mut Choices, of: &mut Entity, loss_ppm: u32, what: Unsynced) -> Survival {
    let fate = choices.pick(of, Decision::Unsynced, |draw| match draw.happens(loss_ppm) {
        true => Fate::Lost,
        false => Fate::Usual,
    });
    let Unsynced::Data { sectors } = what else {
        return if fate == Fate::Lost { Survival::Lost } else { Survival::Whole };
    };
    // A write within one sector is whole or lost.
    let mut torn = |decision: fn(Bytes) -> Decision| {
        let Bytes(bytes) = choices.pick(of, decision, |draw| {
            Bytes(draw.sometimes(loss_ppm / 4, 1, sectors - 1) * SECTOR)
        });
        bytes.div_ceil(SECTOR).min(sectors - 1)
    };
    let (head, tail) = match sectors {
        2.. => (torn(Decision::TornAfter), torn(Decision::TornBefore)),
        _ => (0, 0),
    };
    match (fate, head, tail) {
        (Fate::Lost, ..) => Survival::Lost,
        (_, 0, 0) => Survival::Whole,
        (_, 0, tail) => Survival::Tail(tail),
        (_, head, _) => Survival::Head(head),
    }
}

fn disk(world: &mut World, host: HostId) -> &mut Disk {
    let now = calendar(world.clock.now_ns());
    world.hosts[host].disk(now)
}

fn delay_ns(world: &mut World, source: SocketId, typical_ns: u64) -> u64 {
    // In calm weather only turns differ from run to run.
    let is_calm = world.weather.latency_min_ns == world.weather.latency_max_ns;
    let stall_ppm = world.weather.disk_stall_ppm;
    let entity = match world.current() {
        Some(slot) => &mut world.greenlets[slot].entity,
        None => &mut world.sockets[source].entity,
    };
    world.choices.pick_time(entity, Decision::FileDelay, typical_ns, |draw| {
        // Often as long as another, so that two end at once; else each order of magnitude as often as
        // the next.
        if draw.happens(stall_ppm) {
            return draw.between(LONGEST_NS, STALL_MAX_NS);
        }
        let is_typical = draw.happens(500_000);
        let at_most_ns = (typical_ns / 10) << draw.below(11);
        let delay_ns = draw.between(1, at_most_ns.min(LONGEST_NS));
        if is_calm || is_typical { typical_ns } else { delay_ns }
    })
}

/// Whether the device fails it.
fn draws_error(world: &mut World, call: &FileCall) -> bool {
    let ppm = world.weather.disk_error_ppm;
    let Some(slot) = world.current().filter(|_| ppm > 0) else { return false };
    let FileCall::On { what, .. } = call else { return false };
    if !matches!(what, OnFile::Read { .. } | OnFile::Write { .. } | OnFile::Sync | OnFile::SyncData)
    {
        return false;
    }
    let entity = &mut world.greenlets[slot].entity;
    let path = entity.path;
    let fate = world.choices.pick(entity, Decision::FileError, |draw| match draw.happens(ppm) {
        true => Fate::Lost,
        false => Fate::Usual,
    });
    if fate == Fate::Lost {
        world.strike(Actor::Running, Fault::DiskError, Struck::File { path });
    }
    fate == Fate::Lost
}

/// A read or a write that may move less than it asks to.
fn shortened(world: &mut World, mut call: FileCall) -> FileCall {
    let ppm = world.weather.file_short_ppm;
    let Some(slot) = world.current().filter(|_| ppm > 0) else { return call };
    let FileCall::On {
        what: OnFile::Read { buffer: bytes, .. } | OnFile::Write { bytes, .. }, ..
    } = &mut call
    else {
        return call;
    };
    let entity = &mut world.greenlets[slot].entity;
    let path = entity.path;
    let asked = bytes.len() as u64;
    let Bytes(most) = world.choices.pick(entity, Decision::ShortFile, |draw| {
        Bytes(if asked > 1 { draw.sometimes(ppm, 1, asked - 1) } else { 0 })
    });
    if (1..asked).contains(&most) {
        bytes.truncate(most as usize);
        world.strike(Actor::Running, Fault::ShortFile, Struck::File { path });
    }
    call
}

fn typical_ns(call: &FileCall) -> u64 {
    match call {
        FileCall::On { what: OnFile::Sync | OnFile::SyncData, .. } => SYNC_TYPICAL_NS,
        _ => TYPICAL_NS,
    }
}

/// What traces call it.
fn name_of(call: &FileCall) -> &'static str {
    match call {
        FileCall::Open { .. } => "open",
        FileCall::Stat { .. } => "stat",
        FileCall::ReadDir(_) => "readdir",
        FileCall::CreateDir { .. } => "mkdir",
        FileCall::Rename(..) => "rename",
        FileCall::Link(..) => "link",
        FileCall::Symlink(..) => "symlink",
        FileCall::ReadLink(_) => "readlink",
        FileCall::Unlink(_) => "unlink",
        FileCall::RemoveDir(_) => "rmdir",
        FileCall::RemoveTree(_) => "remove tree",
        FileCall::SetMode(..) => "chmod",
        FileCall::Canonicalize(_) => "realpath",
        FileCall::On { what, .. } => match what {
            OnFile::Read { .. } => "read",
            OnFile::Write { .. } => "write",
            OnFile::Seek(_) => "lseek",
            OnFile::SetLen(_) => "ftruncate",
            OnFile::Sync => "fsync",
            OnFile::SyncData => "fdatasync",
            OnFile::Stat => "fstat",
            OnFile::SetMode(_) => "fchmod",
        },
    }
}
