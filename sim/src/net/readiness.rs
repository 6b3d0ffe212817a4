//! What would not block now, and who is told of it.

use greenroom::hub::{Interest, Kind, Ready};

use crate::id::SocketId;
use crate::net::memory;
use crate::socket::Proto;
use crate::socket::options::RECV_BUFFER;
use crate::socket::pipe::{PAGES_MAX, PipeEnd};
use crate::socket::unix::{Peer, Role, UnixSocket};
use crate::world::World;

/// What a call would not wait for now, as poll(2) has it: an end or an error is ready too.
pub(crate) fn of(world: &World, id: SocketId) -> Interest {
    let read = |ready: bool| if ready { Interest::READ } else { Interest::NONE };
    match &world.sockets[id].proto {
        Proto::Stream(connection) => {
            let now = connection.readiness();
            let ended = now.hup || now.error;
            let has_room = now.writable && memory::affordable(world, id, 1) > 0;
            let write = if has_room || ended { Interest::WRITE } else { Interest::NONE };
            read(now.readable || now.urgent || now.read_closed || ended).with(write)
        }
        Proto::Listener(queue) => read(queue.pending() > 0),
        Proto::Udp(mailbox) => {
            let send_buffer = world.sockets[id].options.send_buffer.unwrap_or(RECV_BUFFER);
            let has_room = mailbox.has_room_to_wake(send_buffer);
            let write = if has_room { Interest::WRITE } else { Interest::NONE };
            read(mailbox.is_readable()).with(write)
        }
        Proto::Unix(socket) => of_unix(world, socket, id),
        Proto::Pipe(end) => of_pipe(world, end),
        Proto::Query(query) => read(query.is_answered()),
        Proto::Job(work) => read(work.is_due),
        Proto::Signal(source) => read(source.is_pending),
        Proto::Fresh => Interest::BOTH,
    }
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
    let ready = of(world, socket);
    if ready.is_none() {
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

/// Tells those who wait for memory to write, as soon as there is some.
pub(crate) fn share_out_memory(world: &mut World) {
    for waiter in std::mem::take(&mut world.memory_waiters) {
        let Some(id) = world.upgrade(waiter) else { continue };
        match of(world, id).writes() {
            true => tell(world, id),
            false => world.memory_waiters.push(waiter),
        }
    }
}

// Of each kind of socket.

/// What poll(2) reports; what will fail at once is ready too.
fn of_unix(world: &World, socket: &UnixSocket, id: SocketId) -> Interest {
    let is_over = socket.error.is_some() || (socket.shut_read && socket.shut_write);
    let reads = |ready: bool| if ready || is_over { Interest::READ } else { Interest::NONE };
    let queued = socket.shut_read || !socket.incoming.is_empty();
    let writes = is_over || socket.shut_write || has_room(world, socket, id);
    let writes = if writes { Interest::WRITE } else { Interest::NONE };
    match &socket.role {
        Role::Listening { pending, .. } => {
            let hung_up = if is_over { Interest::WRITE } else { Interest::NONE };
            reads(socket.shut_read || !pending.is_empty()).with(hung_up)
        }
        Role::Plain if socket.kind != Kind::Datagram => Interest::BOTH,
        Role::Plain | Role::Connected => reads(queued).with(writes),
    }
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

fn of_pipe(world: &World, end: &PipeEnd) -> Interest {
    let ready = |ready: bool, interest| if ready { interest } else { Interest::NONE };
    match end {
        PipeEnd::Read { pages, writer } => {
            let hung_up = ready(writer.is_none(), Interest::BOTH);
            ready(!pages.is_empty(), Interest::READ).with(hung_up)
        }
        PipeEnd::Write { reader: None } => Interest::BOTH,
        PipeEnd::Write { reader: Some(reader) } => {
            ready(pages_of(world, *reader) < PAGES_MAX, Interest::WRITE)
        }
    }
}

fn pages_of(world: &World, reader: SocketId) -> usize {
    match &world.sockets[reader].proto {
        Proto::Pipe(PipeEnd::Read { pages, .. }) => pages.len(),
        _ => 0,
    }
}
