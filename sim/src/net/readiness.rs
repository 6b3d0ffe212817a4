//! What a socket is ready for, and who is told of it.

use greenroom::hub::{Kind, Readiness, Ready};

use crate::id::{DescriptorId, SocketId};
use crate::net::memory;
use crate::socket::mailbox::Mailbox;
use crate::socket::options::RECV_BUFFER;
use crate::socket::pipe::{PAGES_MAX, PipeEnd};
use crate::socket::unix::queue::Mark;
use crate::socket::unix::{Peer, Role, UnixSocket};
use crate::socket::{Proto, Socket};
use crate::tcp::Connection;
use crate::world::World;

/// What poll(2) reports now, and what a program finds there.
#[inline]
pub(crate) fn of(world: &World, id: SocketId) -> Readiness {
    let socket = &world.sockets[id];
    let read = |ready: bool| Readiness::READ.when(ready);
    let shown = match &socket.proto {
        Proto::Stream(connection) => of_stream(world, connection, id),
        Proto::Listener(queue) => read(queue.pending() > 0),
        Proto::Udp(mailbox) => {
            let send_buffer = socket.options.send_buffer.unwrap_or(RECV_BUFFER);
            of_udp(mailbox, send_buffer)
        }
        Proto::Unix(socket) => of_unix(world, socket, id),
        Proto::Pipe(end) => of_pipe(world, end),
        Proto::Query(query) => read(query.is_answered()),
        Proto::Job(work) => read(work.is_due),
        Proto::FileCall(wait) => read(wait.ended.is_some()),
        Proto::File(_) => Readiness::BOTH,
        Proto::Signal(source) => read(source.is_pending),
        Proto::Fresh => of_fresh(socket),
    };
    shown.as_found()
}

/// When those who wait are told of what is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    NextPoll,
    /// What a host sent itself takes its time (`net/loopback.rs`).
    AfterLoopback,
}

/// Tells those who wait for what is ready now on the socket's descriptors, in the next poll.
pub(crate) fn tell(world: &mut World, socket: SocketId) {
    tell_when(world, socket, When::NextPoll);
}

/// Tells them at the time that `when` says.
pub(crate) fn tell_when(world: &mut World, socket: SocketId, when: When) {
    let wanted = |id: &DescriptorId| world.descriptors.get(*id).map(|it| it.wanted);
    let awaited = world.sockets[socket].descriptors.iter().filter_map(wanted);
    let awaited = awaited.fold(Readiness::NONE, Readiness::with);
    // What nobody waits for is not looked at.
    if awaited.is_none() {
        return;
    }
    let ready = of(world, socket).with(calls_that_fail(world, socket));
    if awaited.and(ready).is_none() {
        return;
    }
    let socket = &world.sockets[socket];
    let told = match when {
        When::AfterLoopback => &mut world.hosts[socket.host].loopback.told,
        When::NextPoll => &mut world.ready,
    };
    for &id in &socket.descriptors {
        let Some(descriptor) = world.descriptors.get_mut(id) else { continue };
        let hit = descriptor.wanted.and(ready);
        if !hit.is_none() {
            descriptor.wanted = descriptor.wanted.without(hit);
            told.push(Ready::Io(descriptor.io, ready));
        }
    }
}

/// A call that waits for room among records is told that they were shut, though poll(2) shows nothing.
fn calls_that_fail(world: &World, id: SocketId) -> Readiness {
    match &world.sockets[id].proto {
        Proto::Unix(socket) => Readiness::WRITE.when(socket.shut_write),
        _ => Readiness::NONE,
    }
}

/// Tells those who wait for memory to write, as soon as there is some.
pub(crate) fn share_out_memory(world: &mut World) {
    for waiter in std::mem::take(&mut world.memory_waiters) {
        let Some(id) = world.upgrade(waiter) else { continue };
        match of(world, id).is_writable() {
            true => tell(world, id),
            false => world.memory_waiters.push(waiter),
        }
    }
}

// Of each kind of socket.

#[inline]
fn of_stream(world: &World, connection: &Connection, id: SocketId) -> Readiness {
    if connection.is_plain() {
        let has_room = connection.has_room_to_wake() && memory::affords_any(world, id);
        let is_readable = connection.has_bytes();
        return Readiness::READ.when(is_readable).with(Readiness::WRITE.when(has_room));
    }
    let now = connection.readiness();
    let has_room = now.writable && memory::affords_any(world, id);
    Readiness::READ
        .when(now.readable)
        .with(Readiness::WRITE.when(has_room))
        .with(Readiness::HANG_UP.when(now.hup))
        .with(Readiness::READ_CLOSED.when(now.read_closed))
        .with(Readiness::ERROR.when(now.error))
        .with(Readiness::URGENT.when(now.urgent))
}

/// A stream that never connected: there is room to write, and nobody to write to.
fn of_fresh(socket: &Socket) -> Readiness {
    let is_shut = socket.shut_early.0;
    Readiness::WRITE
        .with(Readiness::HANG_UP)
        .with(Readiness::READ_CLOSED.when(is_shut))
        .with(Readiness::ERROR.when(socket.left_error.is_some()))
}

fn of_udp(mailbox: &Mailbox, send_buffer: u32) -> Readiness {
    Readiness::READ
        .when(mailbox.is_readable())
        .with(Readiness::WRITE.when(mailbox.has_room_to_wake(send_buffer)))
        .with(ended(mailbox.shut_read, mailbox.shut_write))
        .with(Readiness::ERROR.when(mailbox.error.is_some()))
}

/// What is reported of a socket that is shut.
fn ended(read: bool, write: bool) -> Readiness {
    Readiness::READ_CLOSED.when(read).with(Readiness::HANG_UP.when(read && write))
}

fn of_unix(world: &World, socket: &UnixSocket, id: SocketId) -> Readiness {
    let is_urgent = socket.incoming.iter().any(|piece| piece.mark == Mark::Urgent);
    let always = ended(socket.shut_read, socket.shut_write)
        .with(Readiness::ERROR.when(socket.error.is_some()))
        .with(Readiness::URGENT.when(is_urgent));
    let queued = socket.shut_read || !socket.incoming.is_empty();
    // A write that will fail at once waits for nothing; of records only poll(2) could tell, and does not.
    let fails = socket.shut_write && socket.kind == Kind::Stream;
    let room = Readiness::WRITE.when(fails || has_room(world, socket, id));
    always.with(match &socket.role {
        Role::Listening { pending, .. } => {
            Readiness::READ.when(socket.shut_read || !pending.is_empty())
        }
        // It never connected.
        Role::Plain if socket.kind != Kind::Datagram => Readiness::HANG_UP.with(room),
        Role::Plain | Role::Connected => Readiness::READ.when(queued).with(room),
    })
}

/// Linux's rule: three quarters of the buffer are free, and a datagram's receiver has room.
fn has_room(world: &World, socket: &UnixSocket, id: SocketId) -> bool {
    let receiver_is_full = match socket.peer {
        Peer::Here(peer) if socket.kind == Kind::Datagram => {
            let receiver = world.unix(peer);
            !receiver.hears_only(id) && receiver.is_full()
        }
        _ => false,
    };
    socket.charged * 4 <= world.unix_send_buffer(id) && !receiver_is_full
}

fn of_pipe(world: &World, end: &PipeEnd) -> Readiness {
    match end {
        PipeEnd::Read { pages, writer } => {
            let hung_up = Readiness::HANG_UP.when(writer.is_none());
            Readiness::READ.when(!pages.is_empty()).with(hung_up)
        }
        PipeEnd::Write { reader: None } => Readiness::WRITE.with(Readiness::ERROR),
        PipeEnd::Write { reader: Some(reader) } => {
            Readiness::WRITE.when(pages_of(world, *reader) < PAGES_MAX)
        }
    }
}

fn pages_of(world: &World, reader: SocketId) -> usize {
    match &world.sockets[reader].proto {
        Proto::Pipe(PipeEnd::Read { pages, .. }) => pages.len(),
        _ => 0,
    }
}
