//! TCP's system calls: what a program asks of a stream socket. The protocol itself is in `tcp`.

use std::io;
use std::net::{Shutdown, SocketAddr};

use greenroom::hub::{Address, Domain, Interest, Io, Take};

use crate::choices::{self, Fault};
use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::link::packet::Packet;
use crate::mutant::{self, Mutant};
use crate::socket::address::any;
use crate::socket::flow::{Flow, Transport};
use crate::socket::{Proto, Socket};
use crate::tcp::{Config, Connection, Listener, Segment, State};
use crate::trace::event::{Call, Struck};
use crate::world::World;
use crate::world::journal::Actor;

/// What a segment holds over the loopback: half of the window that Linux's other end offers first,
/// for its packets are of 64 KiB (linux-truth 101).
const LOOPBACK_MSS: u32 = 32_741;
const LOOPBACK_MSS_V6: u32 = 32_732;
const LOOPBACK_MSS_ACCEPTED: u32 = 32_768;

impl World {
    // Listening.

    pub(crate) fn listen_on(&mut self, index: SocketId, backlog: u32) -> io::Result<()> {
        let backlog = backlog.saturating_sub(mutant::is_on(Mutant::ShortBacklog).into());
        let socket = &mut self.sockets[index];
        if let Proto::Stream(old) = &mut socket.proto
            && old.is_as_new()
        {
            socket.left_error = old.take_error();
        }
        self.renew(index);
        let socket = &self.sockets[index];
        if !socket.has_port && matches!(socket.proto, Proto::Fresh) {
            let ip = socket.local.map_or(any(socket.domain), |left| left.ip());
            self.bind_socket(index, SocketAddr::new(ip, 0))?;
        }
        match &mut self.sockets[index].proto {
            Proto::Listener(listener) => listener.set_backlog(backlog),
            Proto::Fresh => {
                if self.listener_conflicts(index) {
                    return Err(errno(libc::EADDRINUSE));
                }
                self.sockets[index].proto = Proto::Listener(Listener::new(backlog));
            }
            Proto::Stream(_) => return Err(errno(libc::EINVAL)),
            _ => return Err(errno(libc::EOPNOTSUPP)),
        }
        let socket = self.sockets[index].number;
        self.record(Actor::Running, Call::Listen { socket, backlog });
        Ok(())
    }

    fn listener_conflicts(&self, index: SocketId) -> bool {
        let socket = &self.sockets[index];
        let Some(local) = socket.local else { return false };
        let bound = self.bound_at(socket.host, Transport::Tcp, local.port());
        bound.iter().any(|&other| {
            let theirs = &self.sockets[other];
            other != index
                && theirs.overlaps(local, socket.options.only_v6)
                && matches!(theirs.proto, Proto::Listener(_))
                && !(socket.options.reuse_port && theirs.options.reuse_port)
        })
    }

    /// Who listens for connections to this address, the more exact one first, then one of the very
    /// family. Those that share a port by SO_REUSEPORT divide the callers among them.
    pub(crate) fn listener_at(
        &self,
        host: HostId,
        to: SocketAddr,
        caller: u32,
    ) -> Option<SocketId> {
        let bound = self.bound_at(host, Transport::Tcp, to.port());
        let score = |&index: &SocketId| {
            let socket = &self.sockets[index];
            let local = socket.local.filter(|_| socket.covers(to))?;
            let listens = matches!(socket.proto, Proto::Listener(_));
            listens.then_some(((local.ip() == to.ip(), socket.domain == Domain::V4), index))
        };
        self.choose_receiver(bound.iter().filter_map(score), caller)
    }

    /// A SYN reached a listener: a connection begins, named after the socket that called.
    pub(super) fn open_half(&mut self, listener: SocketId, packet: &Packet, segment: &Segment) {
        let host = self.sockets[listener].host;
        let Proto::Listener(queue) = &self.sockets[listener].proto else { return };
        if queue.is_full() {
            return;
        }
        let path = self.path_of_accepted(listener, packet.sender);
        let config = self.config_of(listener, packet.from, LOOPBACK_MSS_ACCEPTED);
        let mut connection = Connection::accept(config, self.isn(host), segment);
        connection.shut_early(self.sockets[listener].shut_early);
        let index = self.add_socket(host, path, Proto::Stream(Box::new(connection)));
        let Proto::Listener(queue) = &mut self.sockets[listener].proto else { return };
        if !queue.begin(index) {
            return self.forget_socket(index);
        }
        let Socket { options, domain, .. } = &self.sockets[listener];
        let (options, domain) = (options.clone(), *domain);
        let socket = &mut self.sockets[index];
        (socket.options, socket.domain) = (options, domain);
        socket.peer = Some(packet.from);
        socket.listener = Some(listener);
        let flow = Flow { host, local: packet.to, peer: packet.from };
        self.flows.insert(flow, index);
        self.hold_connection(index, packet.to);
        self.mark_dirty(index);
    }

    /// The path of what a listener will give out: named after the socket that called.
    pub(super) fn path_of_accepted(&mut self, listener: SocketId, caller: u32) -> u32 {
        let above = self.sockets[listener].entity.path;
        // Neither mark may stand inside a label: a token's text is read back by them.
        let caller = self.paths.text(caller).replace('/', "|").replace('#', "~");
        self.paths.child(Some(above), &format!("from({caller})"), 1)
    }

    pub(crate) fn accept_from(&mut self, io: Io) -> io::Result<(Io, SocketAddr)> {
        let index = self.socket_of(io)?;
        let accepted = match &mut self.sockets[index].proto {
            Proto::Listener(queue) => queue.accept(),
            Proto::Udp(_) => return Err(errno(libc::EOPNOTSUPP)),
            _ => return Err(errno(libc::EINVAL)),
        };
        let Some(connection) = accepted else {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        };
        self.scheduler.took();
        let accepted = self.add_descriptor(connection);
        let socket = &self.sockets[connection];
        let (number, peer) = (socket.number, socket.peer.expect("a connection has a peer"));
        self.record(Actor::Running, Call::Accept { socket: number, peer: peer.into() });
        Ok((accepted, peer))
    }

    // Connecting.

    pub(crate) fn connect_stream(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        let index = self.socket_of(io)?;
        if matches!(&self.sockets[index].proto, Proto::Stream(old) if old.is_as_new()) {
            // Of an address that it cannot have, what was left of an earlier attempt hears nothing.
            self.named_peer(index, peer)?;
        }
        self.renew(index);
        let Socket { host, number, .. } = self.sockets[index];
        match &mut self.sockets[index].proto {
            Proto::Fresh => {
                let peer = self.named_peer(index, peer)?;
                self.check_peer_scope(index, peer)?;
                let peer = self.reachable(index, peer)?;
                self.bind_towards(index, peer)?;
                let local = self.sockets[index].local.expect("just bound");
                let flow = Flow { host, local, peer };
                let loopback_mss = if peer.is_ipv4() { LOOPBACK_MSS } else { LOOPBACK_MSS_V6 };
                let config = self.config_of(index, peer, loopback_mss);
                let mut connection = Connection::connect(config, self.isn(host));
                let socket = &mut self.sockets[index];
                connection.shut_early(socket.shut_early);
                socket.proto = Proto::Stream(Box::new(connection));
                socket.peer = Some(peer);
                self.flows.insert(flow, index);
                self.mark_dirty(index);
                self.record(Actor::Running, Call::Connect { socket: number, peer: peer.into() });
                self.want(io, Interest::WRITE);
                Err(errno(libc::EAGAIN))
            }
            Proto::Stream(connection) => match connection.connect_result() {
                None => {
                    self.want(io, Interest::WRITE);
                    Err(errno(libc::EAGAIN))
                }
                Some(Ok(())) => {
                    self.record(Actor::Running, Call::Connected { socket: number });
                    Ok(())
                }
                Some(Err(error)) => {
                    self.renew(index);
                    Err(error)
                }
            },
            Proto::Listener(_) => Err(errno(libc::EISCONN)),
            _ => Err(errno(libc::EOPNOTSUPP)),
        }
    }

    /// What is left of an attempt that failed and said so is a socket as good as new.
    fn renew(&mut self, index: SocketId) {
        let Proto::Stream(connection) = &self.sockets[index].proto else { return };
        if !connection.is_as_new() {
            return;
        }
        let shut = connection.shut();
        self.unroute(index);
        let socket = &mut self.sockets[index];
        (socket.proto, socket.peer, socket.shut_early) = (Proto::Fresh, None, shut);
        if let Some(local) = socket.local.as_mut().filter(|_| !socket.ip_is_given) {
            local.set_ip(any(socket.domain));
        }
    }

    /// Positions begin with the clock (RFC 9293 §3.4.1), so that what is left of an earlier
    /// connection between the same ports falls out of the window.
    fn isn(&self, host: HostId) -> u64 {
        self.now_on(host) + 1
    }

    fn config_of(&self, index: SocketId, peer: SocketAddr, loopback_mss: u32) -> Config {
        /// What a header of IPv6 has more than one of IPv4.
        const LONGER: u32 = 20;
        let socket = &self.sockets[index];
        let mut config = self.weather.tcp();
        if self.hosts[socket.host].owns(peer.ip()) {
            config.mss = loopback_mss;
        } else if peer.is_ipv6() {
            config.mss = config.mss.saturating_sub(LONGER).max(1);
        }
        let config = socket.options.config(config);
        match self.host_at(peer.ip()) {
            Some(far) => self.fit_to_path(config, socket.host, far, peer),
            None => config,
        }
    }

    // Bytes.

    pub(crate) fn recv_stream(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<usize> {
        let there = match &self.sockets[index].proto {
            Proto::Stream(connection) => connection.queued().min(buf.len()),
            Proto::Fresh if self.sockets[index].shut_early.0 => return Ok(0),
            _ => return Err(errno(libc::ENOTCONN)),
        };
        // A read that finds nothing still passes over an urgent byte.
        let window = if there == 0 { buf.len() } else { self.shortened(index, there) };
        let Proto::Stream(connection) = &mut self.sockets[index].proto else {
            return Err(errno(libc::ENOTCONN));
        };
        if mutant::is_on(Mutant::EndBeforeBytes) && connection.readiness().read_closed {
            return Ok(0);
        }
        let answer = match take {
            Take::Remove => connection.recv(&mut buf[..window]),
            Take::Peek => connection.peek(&mut buf[..window]),
        };
        match answer {
            Ok(length) => {
                if take == Take::Remove && length > 0 {
                    self.scheduler.took();
                }
                self.record_read(index, length, there);
                self.mark_dirty(index);
                Ok(length)
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::WouldBlock {
                    self.want(io, Interest::READ);
                }
                Err(error)
            }
        }
    }

    /// How much a read of a stream takes of what is there: now and then less.
    fn shortened(&mut self, index: SocketId, there: usize) -> usize {
        if there < 2 {
            return there;
        }
        let ppm = self.weather.short_read_ppm;
        let entity = &mut self.sockets[index].entity;
        let limit = self.choices.pick(entity, choices::Kind::Size, |draw| {
            if draw.happens(ppm) { draw.between(1, there as u64 - 1) } else { 0 }
        });
        if limit == 0 { there } else { there.min(limit as usize) }
    }

    /// Records a read, and whether it returned less than was there.
    pub(super) fn record_read(&mut self, index: SocketId, length: usize, there: usize) {
        let (socket, bytes) = (self.sockets[index].number, length as u64);
        if length < there {
            let struck = Struck::Read { socket, bytes, there: there as u64 };
            self.strike(Actor::Running, Fault::ShortRead, struck);
        }
        self.record(Actor::Running, Call::Read { socket, bytes, is_urgent: false });
    }

    pub(crate) fn send_stream(&mut self, io: Io, index: SocketId, buf: &[u8]) -> io::Result<usize> {
        let affordable = self.affordable(index, buf.len());
        let Proto::Stream(connection) = &mut self.sockets[index].proto else {
            return Err(self.not_to_be_written(index));
        };
        let sent = match connection.send(&buf[..affordable]) {
            // Had it failed, that would be said first.
            Ok(0) if !buf.is_empty() && affordable == 0 => Err(errno(libc::EAGAIN)),
            sent => sent,
        };
        self.sent_on_stream(io, index, buf, sent, false)
    }

    // Ends.

    pub(crate) fn shutdown_socket(&mut self, index: SocketId, how: Shutdown) -> io::Result<()> {
        let number = self.sockets[index].number;
        let (read, write) = match how {
            Shutdown::Read => (true, false),
            Shutdown::Write => (false, true),
            Shutdown::Both => (true, true),
        };
        match &mut self.sockets[index].proto {
            Proto::Stream(connection) if connection.state() == State::SynSent => {
                connection.shutdown(read, write)?;
                self.unroute(index);
                let socket = &mut self.sockets[index];
                // It is connected to nobody, and so from nowhere, at its port still.
                if let Some(local) = socket.local.as_mut().filter(|_| !socket.ip_is_given) {
                    local.set_ip(any(socket.domain));
                }
            }
            Proto::Stream(connection) => connection.shutdown(read, write)?,
            Proto::Udp(_) => self.shutdown_datagram(index, read, write)?,
            Proto::Unix(_) => self.shutdown_unix(index, read, write),
            Proto::Pipe(_) => return Err(errno(libc::ENOTSOCK)),
            Proto::Listener(_) if read => self.stop_listening(index),
            Proto::Listener(_) => {}
            _ => {
                // Refused, and done all the same.
                let shut = &mut self.sockets[index].shut_early;
                *shut = (shut.0 | read, shut.1 | write);
                return Err(errno(libc::ENOTCONN));
            }
        }
        self.record(Actor::Running, Call::Shutdown { socket: number, how });
        self.mark_dirty(index);
        self.name_ready(index);
        Ok(())
    }

    /// Why what has no peer takes no bytes.
    pub(super) fn not_to_be_written(&mut self, index: SocketId) -> io::Error {
        let left = self.sockets[index].left_error.take();
        left.unwrap_or_else(|| errno(libc::EPIPE))
    }

    /// The socket listens no more, and is as one that never did (linux-truth 41 to 44).
    fn stop_listening(&mut self, index: SocketId) {
        let Proto::Listener(queue) = &mut self.sockets[index].proto else { return };
        let orphans: Vec<SocketId> = queue.close().collect();
        self.sockets[index].proto = Proto::Fresh;
        self.sockets[index].shut_early = (false, false);
        self.unroute(index);
        for orphan in orphans {
            let socket = &mut self.sockets[orphan];
            socket.listener = None;
            if let Proto::Stream(connection) = &mut socket.proto {
                connection.abort();
            }
            self.mark_dirty(orphan);
        }
    }

    /// The last descriptor is gone.
    pub(crate) fn close_socket(&mut self, index: SocketId) {
        let socket = &mut self.sockets[index];
        let resets = socket.options.linger == 1;
        match &mut socket.proto {
            Proto::Stream(connection) => {
                if mutant::is_on(Mutant::NoResetOverUnread) {
                    while connection.recv(&mut [0; 256]).is_ok_and(|length| length > 0) {}
                }
                if resets {
                    connection.abort()
                } else {
                    connection.close()
                }
                // Its port and place stay taken until it is through.
                self.mark_dirty(index);
            }
            Proto::Listener(_) => {
                self.stop_listening(index);
                self.forget_socket(index);
            }
            Proto::Unix(_) => self.close_unix(index),
            Proto::Pipe(_) => self.close_pipe(index),
            _ => self.forget_socket(index),
        }
    }
}
