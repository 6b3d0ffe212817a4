//! TCP's system calls: what a program asks of a stream socket. The protocol itself is in `tcp`.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};

use greenroom::hub::{Interest, Io, Kind, Take};

use super::{Flow, Packet};
use crate::choices;
use crate::host::{self, Transport};
use crate::tcp::{Config, Connection, Listener, Segment};
use crate::trace::Op;
use crate::world::{Proto, Socket, World, errno};

impl World {
    // Ports and addresses, for both transports.

    pub(crate) fn bind_socket(&mut self, index: u32, mut local: SocketAddr) -> io::Result<()> {
        let socket = &self.sockets[index as usize];
        let host = usize::from(socket.host);
        if socket.local.is_some() {
            return Err(errno(libc::EINVAL));
        }
        if !local.is_ipv4() {
            return Err(errno(libc::EAFNOSUPPORT));
        }
        if !local.ip().is_unspecified() && !self.hosts[host].owns(local.ip()) {
            return Err(errno(libc::EADDRNOTAVAIL));
        }
        let transport = transport_of(socket);
        if local.port() == 0 {
            local.set_port(
                self.hosts[host].free_port(transport).ok_or_else(|| errno(libc::EADDRINUSE))?,
            );
        } else if self.is_taken(index, host, transport, local) {
            return Err(errno(libc::EADDRINUSE));
        }
        self.take_port(index, transport, local);
        Ok(())
    }

    /// Whether somebody holds the port on an address that overlaps. With SO_REUSEADDR on both and
    /// nobody listening, it may be shared (linux-truth 25, 26).
    fn is_taken(&self, index: u32, host: usize, transport: Transport, local: SocketAddr) -> bool {
        let reuse = self.sockets[index as usize].options.reuse_address;
        let bound = self.hosts[host].ports.get(&(transport, local.port()));
        bound.into_iter().flatten().any(|&other| {
            let other = &self.sockets[other as usize];
            let Some(theirs) = other.local else { return false };
            let overlaps = theirs.ip() == local.ip()
                || theirs.ip().is_unspecified()
                || local.ip().is_unspecified();
            let listens = matches!(other.proto, Proto::Listener(_));
            overlaps && (listens || !reuse || !other.options.reuse_address)
        })
    }

    fn take_port(&mut self, index: u32, transport: Transport, local: SocketAddr) {
        let socket = &mut self.sockets[index as usize];
        socket.local = Some(local);
        let ports = &mut self.hosts[usize::from(socket.host)].ports;
        ports.entry((transport, local.port())).or_default().push(index);
    }

    /// Gives an unbound socket the source address and port that reach `peer`.
    pub(crate) fn bind_towards(&mut self, index: u32, peer: SocketAddr) -> io::Result<()> {
        let socket = &self.sockets[index as usize];
        let (host, transport) = (usize::from(socket.host), transport_of(socket));
        let source =
            if peer.ip().is_loopback() { Ipv4Addr::LOCALHOST.into() } else { self.hosts[host].ip };
        match socket.local {
            Some(local) if local.ip().is_unspecified() => {
                let local = SocketAddr::new(source, local.port());
                self.sockets[index as usize].local = Some(local);
            }
            Some(_) => {}
            None => {
                let port = self.hosts[host]
                    .free_port(transport)
                    .ok_or_else(|| errno(libc::EADDRNOTAVAIL))?;
                self.take_port(index, transport, SocketAddr::new(source, port));
            }
        }
        Ok(())
    }

    /// Where a program means `0.0.0.0` it means itself (linux-truth 15).
    pub(crate) fn reachable(&self, host: u16, peer: SocketAddr) -> io::Result<SocketAddr> {
        let ip = peer.ip();
        if ip.is_unspecified() {
            return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), peer.port()));
        }
        let known = self.hosts[usize::from(host)].owns(ip)
            || host::index_of(ip, self.hosts.len()).is_some();
        if known { Ok(peer) } else { Err(errno(libc::ENETUNREACH)) }
    }

    // Listening.

    pub(crate) fn listen_on(&mut self, index: u32, backlog: u32) -> io::Result<()> {
        /// Linux's `net.core.somaxconn`.
        const SOMAXCONN: u32 = 4096;
        let backlog = backlog.min(SOMAXCONN);
        if self.sockets[index as usize].local.is_none() {
            self.bind_socket(index, SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0))?;
        }
        match &mut self.sockets[index as usize].proto {
            Proto::Listener(listener) => listener.set_backlog(backlog),
            Proto::Fresh(Kind::Stream) => {
                if self.listener_conflicts(index) {
                    return Err(errno(libc::EADDRINUSE));
                }
                self.sockets[index as usize].proto = Proto::Listener(Listener::new(backlog));
            }
            Proto::Stream(_) => return Err(errno(libc::EINVAL)),
            _ => return Err(errno(libc::EOPNOTSUPP)),
        }
        self.record(Op::Listen, self.sockets[index as usize].number, backlog.into());
        Ok(())
    }

    fn listener_conflicts(&self, index: u32) -> bool {
        let socket = &self.sockets[index as usize];
        let Some(local) = socket.local else { return false };
        let bound = self.hosts[usize::from(socket.host)].ports.get(&(Transport::Tcp, local.port()));
        bound.into_iter().flatten().any(|&other| {
            let theirs = &self.sockets[other as usize];
            let overlaps = theirs.local.is_some_and(|theirs| {
                theirs.ip() == local.ip()
                    || theirs.ip().is_unspecified()
                    || local.ip().is_unspecified()
            });
            other != index && overlaps && matches!(theirs.proto, Proto::Listener(_))
        })
    }

    /// Who listens for connections to this address, the more exact one first.
    pub(crate) fn listener_at(&self, host: u16, to: SocketAddr) -> Option<u32> {
        let bound = self.hosts[usize::from(host)].ports.get(&(Transport::Tcp, to.port()))?;
        let listens = |&&index: &&u32| {
            let socket = &self.sockets[index as usize];
            matches!(socket.proto, Proto::Listener(_))
                && socket
                    .local
                    .is_some_and(|local| local.ip() == to.ip() || local.ip().is_unspecified())
        };
        let exact = |&index: &u32| {
            self.sockets[index as usize].local.is_some_and(|local| local.ip() == to.ip())
        };
        let mut found = bound.iter().filter(listens).copied();
        let first = found.next()?;
        Some(std::iter::once(first).chain(found).find(exact).unwrap_or(first))
    }

    /// A SYN reached a listener: a connection begins, named after the socket that called.
    pub(super) fn open_half(&mut self, listener: u32, packet: &Packet, segment: &Segment) {
        let (host, above) = {
            let socket = &self.sockets[listener as usize];
            (socket.host, socket.entity.path)
        };
        let Proto::Listener(queue) = &self.sockets[listener as usize].proto else { return };
        if queue.is_full() {
            return;
        }
        // Neither mark may stand inside a label: a token's text is read back by them.
        let sender = self.paths.text(packet.sender).replace('/', "|").replace('#', "~");
        let caller = format!("from({sender})");
        let path = self.paths.child(Some(above), &caller, 1);
        let config = self.config_of(listener);
        let connection = Connection::accept(config, self.isn(), segment);
        let index = self.add_socket(host, path, Proto::Stream(Box::new(connection)));
        let Proto::Listener(queue) = &mut self.sockets[listener as usize].proto else { return };
        if !queue.begin(index) {
            return self.forget_socket(index);
        }
        let options = self.sockets[listener as usize].options;
        let socket = &mut self.sockets[index as usize];
        socket.options = options;
        socket.local = Some(packet.to);
        socket.peer = Some(packet.from);
        socket.listener = Some(listener);
        let flow = Flow { host, local: packet.to, peer: packet.from };
        self.flows.insert(flow, index);
        self.mark_dirty(index);
    }

    pub(crate) fn accept_from(&mut self, io: Io) -> io::Result<(Io, SocketAddr)> {
        let index = self.socket_of(io)?;
        let accepted = match &mut self.sockets[index as usize].proto {
            Proto::Listener(queue) => queue.accept(),
            Proto::Udp(_) | Proto::Fresh(Kind::Datagram) => return Err(errno(libc::EOPNOTSUPP)),
            _ => return Err(errno(libc::EINVAL)),
        };
        let Some(connection) = accepted else {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        };
        self.scheduler.took();
        let accepted = self.add_descriptor(connection);
        let socket = &self.sockets[connection as usize];
        let (number, peer) = (socket.number, socket.peer.expect("a connection has a peer"));
        self.record_full(Op::Accept, number, 0, 0, Some(peer), "");
        Ok((accepted, peer))
    }

    // Connecting.

    pub(crate) fn connect_stream(&mut self, io: Io, peer: SocketAddr) -> io::Result<()> {
        let index = self.socket_of(io)?;
        let (host, number) = {
            let socket = &self.sockets[index as usize];
            (socket.host, socket.number)
        };
        match &mut self.sockets[index as usize].proto {
            Proto::Fresh(Kind::Stream) => {
                let peer = self.reachable(host, peer)?;
                self.bind_towards(index, peer)?;
                let local = self.sockets[index as usize].local.expect("just bound");
                let flow = Flow { host, local, peer };
                if self.flows.contains_key(&flow) {
                    return Err(errno(libc::EADDRNOTAVAIL));
                }
                let connection = Connection::connect(self.config_of(index), self.isn());
                let socket = &mut self.sockets[index as usize];
                socket.proto = Proto::Stream(Box::new(connection));
                socket.peer = Some(peer);
                self.flows.insert(flow, index);
                self.mark_dirty(index);
                self.record_full(Op::Connect, number, 0, 0, Some(peer), "");
                self.want(io, Interest::WRITE);
                Err(errno(libc::EAGAIN))
            }
            Proto::Stream(connection) => match connection.connect_result() {
                None => {
                    self.want(io, Interest::WRITE);
                    Err(errno(libc::EAGAIN))
                }
                Some(Ok(())) => {
                    self.record(Op::Connected, number, 0);
                    Ok(())
                }
                Some(Err(error)) => Err(error),
            },
            Proto::Listener(_) => Err(errno(libc::EISCONN)),
            _ => Err(errno(libc::EOPNOTSUPP)),
        }
    }

    /// Positions begin with the clock (RFC 9293 §3.4.1), so that what is left of an earlier
    /// connection between the same ports falls out of the window.
    fn isn(&self) -> u64 {
        self.clock.now_ns() + 1
    }

    fn config_of(&self, index: u32) -> Config {
        let options = &self.sockets[index as usize].options;
        let default = self.weather.tcp();
        Config { nagle: !options.no_delay, ..default }
            .with_buffers(options.send_buffer, options.recv_buffer)
    }

    // Bytes.

    pub(crate) fn recv_stream(
        &mut self,
        io: Io,
        index: u32,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<usize> {
        let socket = &mut self.sockets[index as usize];
        let number = socket.number;
        let Proto::Stream(connection) = &mut socket.proto else {
            return Err(errno(libc::ENOTCONN));
        };
        let there = connection.queued().min(buf.len());
        let limit = if there > 1 {
            let ppm = self.weather.short_read_ppm;
            self.choices.pick(&mut socket.entity, choices::Kind::Size, |draw| {
                if draw.happens(ppm) { draw.between(1, there as u64 - 1) } else { 0 }
            }) as usize
        } else {
            0
        };
        let window = if limit == 0 { buf.len() } else { limit.min(buf.len()) };
        let answer = match take {
            Take::Remove => connection.recv(&mut buf[..window]),
            Take::Peek => connection.peek(&mut buf[..window]),
        };
        match answer {
            Ok(length) => {
                if take == Take::Remove && length > 0 {
                    self.scheduler.took();
                }
                if limit != 0 && length < there {
                    self.fired.short_reads += 1;
                    let (value, more) = (length as u64, there as u64);
                    self.record_full(Op::ShortRead, number, value, more, None, "");
                }
                self.record(Op::Read, number, length as u64);
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

    pub(crate) fn send_stream(&mut self, io: Io, index: u32, buf: &[u8]) -> io::Result<usize> {
        let socket = &mut self.sockets[index as usize];
        let number = socket.number;
        let Proto::Stream(connection) = &mut socket.proto else {
            return Err(errno(libc::EPIPE));
        };
        match connection.send(buf) {
            Ok(length) => {
                let hash = choices::hash_bytes(&buf[..length]);
                self.record_full(Op::Write, number, length as u64, hash, None, "");
                self.mark_dirty(index);
                Ok(length)
            }
            Err(error) => {
                if error.kind() == io::ErrorKind::WouldBlock {
                    self.want(io, Interest::WRITE);
                }
                Err(error)
            }
        }
    }

    // Ends.

    pub(crate) fn shutdown_socket(&mut self, index: u32, how: Shutdown) -> io::Result<()> {
        let number = self.sockets[index as usize].number;
        let (read, write, name) = match how {
            Shutdown::Read => (true, false, "read"),
            Shutdown::Write => (false, true, "write"),
            Shutdown::Both => (true, true, "both"),
        };
        match &mut self.sockets[index as usize].proto {
            Proto::Stream(connection) => connection.shutdown(read, write)?,
            _ => return Err(errno(libc::ENOTCONN)),
        }
        self.record_full(Op::Shutdown, number, 0, 0, None, name);
        self.mark_dirty(index);
        self.name_ready(index);
        Ok(())
    }

    /// The last descriptor is gone.
    pub(crate) fn close_socket(&mut self, index: u32) {
        let socket = &mut self.sockets[index as usize];
        let resets = socket.options.linger == 1;
        match &mut socket.proto {
            Proto::Stream(connection) => {
                if resets {
                    connection.abort()
                } else {
                    connection.close()
                }
                // Its port and place stay taken until it is through.
                self.mark_dirty(index);
            }
            Proto::Listener(queue) => {
                let orphans: Vec<u32> = queue.close().collect();
                self.forget_socket(index);
                for orphan in orphans {
                    let socket = &mut self.sockets[orphan as usize];
                    socket.listener = None;
                    if let Proto::Stream(connection) = &mut socket.proto {
                        connection.abort();
                    }
                    self.mark_dirty(orphan);
                }
            }
            _ => self.forget_socket(index),
        }
    }
}

fn transport_of(socket: &Socket) -> Transport {
    match socket.proto {
        Proto::Udp(_) | Proto::Fresh(Kind::Datagram) => Transport::Udp,
        _ => Transport::Tcp,
    }
}
