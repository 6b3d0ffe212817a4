//! TCP's system calls: what a program asks of a stream socket. The protocol itself is in `tcp`.

use std::io;
use std::net::SocketAddr;

use greenroom::hub::{Address, Io, Readiness, Take};

use crate::choices::{Bytes, Decision};
use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::{address, link, loopback, memory, naming, outgoing, ports, route};
use crate::socket::flow::Flow;
use crate::socket::{Proto, Socket};
use crate::tcp::{Config, Connection, State};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

/// What a segment holds over the loopback: half of the window that Linux's other end offers first,
/// for its packets are of 64 KiB (linux-truth 101).
const LOOPBACK_MSS: u32 = 32_741;

const LOOPBACK_MSS_V6: u32 = 32_732;

// Connecting.

pub(crate) fn connect(world: &mut World, id: SocketId, peer: &Address) -> io::Result<()> {
    if matches!(&world.sockets[id].proto, Proto::Stream(old) if old.is_as_new()) {
        // Of an address that it cannot have, what was left of an earlier attempt hears nothing.
        address::requested_peer(world, id, peer)?;
    }
    renew(world, id);
    let Socket { host, number, .. } = world.sockets[id];
    match &mut world.sockets[id].proto {
        Proto::Fresh => {
            let peer = address::requested_peer(world, id, peer)?;
            address::check_peer_scope(world, id, peer)?;
            let peer = address::reachable(world, id, peer)?;
            ports::bind_towards(world, id, peer)?;
            naming::leads_to(world, id, peer);
            let local = world.sockets[id].local.expect("just bound");
            let flow = Flow { host, local, peer };
            let loopback_mss = if peer.is_ipv4() { LOOPBACK_MSS } else { LOOPBACK_MSS_V6 };
            let config = config_of(world, id, peer, loopback_mss);
            let config = world.shared(config);
            let mut connection = Connection::connect(config, isn(world, host));
            let socket = &mut world.sockets[id];
            connection.shut_early(socket.shut_early);
            socket.proto = Proto::Stream(Box::new(connection));
            socket.set_peer(peer, world.hosts[host].owns(peer.ip()));
            socket.left_error = None;
            world.route(flow, id);
            outgoing::mark_dirty(world, id);
            world.record(Actor::Running, Call::Connect { socket: number, peer: peer.into() });
            Err(errno(libc::EINPROGRESS))
        }
        Proto::Stream(connection) => match connection.connect_result() {
            None => Err(errno(libc::EALREADY)),
            Some(result) => told(world, id, result),
        },
        Proto::Listener(_) => Err(errno(libc::EISCONN)),
        _ => Err(errno(libc::EOPNOTSUPP)),
    }
}

/// How an attempt goes, for somebody who waits for it.
pub(crate) fn connecting(world: &mut World, io: Io) -> io::Result<()> {
    let id = world.socket_of(io)?;
    match &mut world.sockets[id].proto {
        Proto::Stream(connection) => match connection.attempt_result() {
            None => {
                world.want(io, Readiness::WRITE);
                Err(errno(libc::EAGAIN))
            }
            Some(result) => told(world, id, result),
        },
        // It was disconnected, or of what became of it others were told.
        Proto::Fresh => {
            let left = world.sockets[id].left_error.take();
            Err(left.unwrap_or_else(|| errno(libc::ECONNABORTED)))
        }
        Proto::Listener(_) => Ok(()),
        _ => Err(errno(libc::EOPNOTSUPP)),
    }
}

/// A program hears how its attempt ended.
fn told(world: &mut World, id: SocketId, result: io::Result<()>) -> io::Result<()> {
    let number = world.sockets[id].number;
    match result {
        Ok(()) => world.record(Actor::Running, Call::Connected { socket: number }),
        Err(_) => renew(world, id),
    }
    result
}

/// What is left of an attempt that failed and said so is a socket as good as new.
pub(crate) fn renew(world: &mut World, id: SocketId) {
    let Proto::Stream(connection) = &world.sockets[id].proto else { return };
    if !connection.is_as_new() {
        return;
    }
    let shut = connection.shut();
    world.unroute(id);
    let socket = &mut world.sockets[id];
    socket.forget_peer();
    (socket.proto, socket.shut_early) = (Proto::Fresh, shut);
    socket.forget_ip();
}

/// Positions begin with the clock (RFC 9293 §3.4.1), so that what is left of an earlier
/// connection between the same ports falls out of the window.
pub(crate) fn isn(world: &World, host: HostId) -> u64 {
    loopback::now_on(world, host) + 1
}

pub(crate) fn config_of(
    world: &World,
    id: SocketId,
    peer: SocketAddr,
    loopback_mss: u32,
) -> Config {
    /// What a header of IPv6 has more than one of IPv4.
    const LONGER: u32 = 20;
    let socket = &world.sockets[id];
    let mut config = world.weather.tcp();
    if world.hosts[socket.host].owns(peer.ip()) {
        config.mss = loopback_mss;
    } else if peer.is_ipv6() {
        config.mss = config.mss.saturating_sub(LONGER).max(1);
    }
    let config = socket.options.config(config);
    match route::host_at(world, peer.ip()) {
        Some(far) => link::fit_to_path(world, config, socket.host, far, peer),
        None => config,
    }
}

// Bytes.

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<usize> {
    let there = match &world.sockets[id].proto {
        Proto::Stream(connection) if connection.would_wait() && !buf.is_empty() => {
            world.want(io, Readiness::READ);
            return Err(errno(libc::EAGAIN));
        }
        Proto::Stream(connection) => connection.queued().min(buf.len()),
        Proto::Fresh => return nothing_to_read(world, id),
        _ => return Err(errno(libc::ENOTCONN)),
    };
    // A read that finds nothing still passes over an urgent byte.
    let window = if there == 0 { buf.len() } else { shortened(world, id, there) };
    let Proto::Stream(connection) = &mut world.sockets[id].proto else {
        return Err(errno(libc::ENOTCONN));
    };
    let answer = match take {
        Take::Remove => connection.recv(&mut buf[..window]),
        Take::Peek => connection.peek(&mut buf[..window]),
    };
    match answer {
        Ok(length) => {
            if take == Take::Remove && length > 0 {
                world.stirred = true;
            }
            world.record_read(id, &buf[..length], there);
            outgoing::mark_dirty(world, id);
            Ok(length)
        }
        Err(error) => {
            if error.kind() == io::ErrorKind::WouldBlock {
                world.want(io, Readiness::READ);
            }
            Err(error)
        }
    }
}

/// What a read comes to where there is no connection: what is left of the last one comes first.
fn nothing_to_read(world: &mut World, id: SocketId) -> io::Result<usize> {
    let socket = &mut world.sockets[id];
    match socket.left_error.take() {
        Some(error) => Err(error),
        None if socket.shut_early.0 => Ok(0),
        None => Err(errno(libc::ENOTCONN)),
    }
}

/// How much a read of a stream takes of what is there: now and then less.
#[inline]
fn shortened(world: &mut World, id: SocketId, there: usize) -> usize {
    if there < 2 {
        return there;
    }
    let ppm = world.weather.short_read_ppm;
    let entity = &mut world.sockets[id].entity;
    let Bytes(limit) = world
        .choices
        .pick(entity, Decision::ShortRead, |draw| Bytes(draw.sometimes(ppm, 1, there as u64 - 1)));
    if limit == 0 { there } else { there.min(limit as usize) }
}

pub(crate) fn send(world: &mut World, io: Io, id: SocketId, buf: &[u8]) -> io::Result<usize> {
    send_with(world, io, id, buf, |connection, buf| connection.send(buf))
}

/// A write of which the program says what belongs to it: `more` comes with the next one, or a record
/// ends here.
pub(crate) fn send_message(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    more: bool,
    ends_record: bool,
) -> io::Result<usize> {
    let sent = send_with(world, io, id, buf, |connection, buf| match more {
        true => connection.send_more(buf),
        false => connection.send(buf),
    });
    if let (Proto::Stream(connection), true, Ok(1..)) =
        (&mut world.sockets[id].proto, ends_record, &sent)
    {
        connection.end_record();
    }
    sent
}

#[inline]
fn send_with(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    send: impl FnOnce(&mut Connection, &[u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let affordable = memory::affordable(world, id, buf.len());
    let Proto::Stream(connection) = &mut world.sockets[id].proto else {
        return Err(not_to_be_written(world, id));
    };
    let taken = match send(connection, &buf[..affordable]) {
        // Had it failed, that would be said first.
        Ok(0) if !buf.is_empty() && affordable == 0 => Err(errno(libc::EAGAIN)),
        sent => sent,
    };
    sent(world, io, id, buf, taken, false)
}

/// Notes what TCP took of a write, or that it took nothing yet.
pub(crate) fn sent(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    sent: io::Result<usize>,
    is_urgent: bool,
) -> io::Result<usize> {
    match &sent {
        Ok(length) => {
            let number = world.sockets[id].number;
            let (bytes, payload) = (*length as u64, world.trace.payload(&buf[..*length]));
            let written = Call::Write { socket: number, bytes, payload, is_urgent };
            world.record(Actor::Running, written);
            outgoing::mark_dirty(world, id);
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            world.want(io, Readiness::WRITE);
        }
        Err(_) => {}
    }
    sent
}

/// Why what has no peer takes no bytes.
pub(crate) fn not_to_be_written(world: &mut World, id: SocketId) -> io::Error {
    let left = world.sockets[id].left_error.take();
    left.unwrap_or_else(|| errno(libc::EPIPE))
}

// Ends.

/// Of a connection: what is shut, and where it stands if it was still to be opened.
pub(crate) fn shutdown(world: &mut World, id: SocketId, read: bool, write: bool) -> io::Result<()> {
    let socket = &mut world.sockets[id];
    let Proto::Stream(connection) = &mut socket.proto else { return Ok(()) };
    let was_opening = connection.state() == State::SynSent;
    connection.shutdown(read, write)?;
    if was_opening {
        world.unroute(id);
        let socket = &mut world.sockets[id];
        // It is connected to nobody, and so from nowhere, at its port still.
        socket.forget_ip();
    }
    Ok(())
}

/// The last descriptor is gone. Its port and its flow stay taken until it is through.
pub(crate) fn close(world: &mut World, id: SocketId) {
    let socket = &mut world.sockets[id];
    let resets = socket.options.linger == 1;
    let Proto::Stream(connection) = &mut socket.proto else { return };
    if resets {
        connection.abort()
    } else {
        connection.close()
    }
    outgoing::mark_dirty(world, id);
}
