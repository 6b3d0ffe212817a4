//! Ports and addresses of sockets, for both transports: who holds them, and who hears what is sent
//! to them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::multicast::is_for_many;
use crate::host::{self, Transport};
use crate::tcp::State;
use crate::trace::Op;
use crate::world::{Proto, Socket, World, errno};

impl World {
    pub(crate) fn bind_inet(&mut self, index: u32, local: SocketAddr) -> io::Result<()> {
        self.bind_socket(index, local)?;
        let number = self.sockets[index as usize].number;
        self.record_full(Op::Bind, number, 0, 0, Some(local), "");
        Ok(())
    }

    pub(super) fn bind_socket(&mut self, index: u32, mut local: SocketAddr) -> io::Result<()> {
        let socket = &self.sockets[index as usize];
        let host = usize::from(socket.host);
        if !local.is_ipv4() {
            return Err(errno(libc::EAFNOSUPPORT));
        }
        let is_here = local.ip().is_unspecified() || self.hosts[host].owns(local.ip());
        if !is_here && !is_for_many(local.ip()) {
            return Err(errno(libc::EADDRNOTAVAIL));
        }
        let is_bound = match &socket.proto {
            // A connection that is over has given its port up, unless the program named it; in
            // TIME-WAIT the system has the port.
            Proto::Stream(tcp) if tcp.state() == State::TimeWait => socket.port_is_given,
            Proto::Stream(tcp) => !tcp.is_over() || socket.has_port,
            _ => socket.has_port,
        };
        if is_bound {
            return Err(errno(libc::EINVAL));
        }
        let is_given = local.port() != 0;
        let transport = transport_of(socket);
        if local.port() == 0 {
            local.set_port(
                self.hosts[host].free_port(transport).ok_or_else(|| errno(libc::EADDRINUSE))?,
            );
        } else if self.is_taken(index, host, transport, local) {
            if let Some(left) = &mut self.sockets[index as usize].local {
                // Of a port that was given up, the address is forgotten by trying.
                left.set_ip(Ipv4Addr::UNSPECIFIED.into());
            }
            return Err(errno(libc::EADDRINUSE));
        }
        self.unroute(index);
        if let Proto::Stream(tcp) = &mut self.sockets[index as usize].proto {
            tcp.leave_time_wait();
        }
        self.take_port(index, transport, local);
        let socket = &mut self.sockets[index as usize];
        (socket.port_is_given, socket.ip_is_given) = (is_given, !local.ip().is_unspecified());
        Ok(())
    }

    /// Whether somebody holds the port on an address that overlaps. With SO_REUSEADDR on both and
    /// nobody listening, it may be shared, and with SO_REUSEPORT on both (linux-truth 25, 26, 28).
    fn is_taken(&self, index: u32, host: usize, transport: Transport, local: SocketAddr) -> bool {
        let own = &self.sockets[index as usize].options;
        let bound = self.hosts[host].ports.get(&(transport, local.port()));
        // Connections hold the port too, accepted ones even where their listener is gone (30, 31).
        let connected = self.flows.iter().filter(|(flow, _)| {
            transport == Transport::Tcp
                && usize::from(flow.host) == host
                && flow.local.port() == local.port()
        });
        let holders = bound.into_iter().flatten().chain(connected.map(|(_, holder)| holder));
        holders.into_iter().any(|&other| {
            let other = &self.sockets[other as usize];
            let Some(theirs) = other.local else { return false };
            let listens = matches!(other.proto, Proto::Listener(_));
            let shared = (own.reuse_port && other.options.reuse_port)
                || (own.reuse_address && other.options.reuse_address && !listens);
            overlap(theirs, local) && !shared
        })
    }

    fn take_port(&mut self, index: u32, transport: Transport, local: SocketAddr) {
        let socket = &mut self.sockets[index as usize];
        socket.local = Some(local);
        socket.has_port = true;
        let ports = &mut self.hosts[usize::from(socket.host)].ports;
        ports.entry((transport, local.port())).or_default().push(index);
    }

    /// Gives an unbound socket the source address and port that reach `peer`.
    pub(crate) fn bind_towards(&mut self, index: u32, peer: SocketAddr) -> io::Result<()> {
        let socket = &self.sockets[index as usize];
        let (host, transport) = (usize::from(socket.host), transport_of(socket));
        let source = match peer.ip() {
            IpAddr::V4(group) if is_for_many(peer.ip()) => self.source_for_many(index, group),
            ip if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            _ => self.hosts[host].ip,
        };
        match socket.local {
            Some(local)
                if local.ip().is_loopback()
                    && !self.hosts[host].owns(peer.ip())
                    && !is_for_many(peer.ip()) =>
            {
                return Err(errno(libc::EINVAL));
            }
            Some(local) if socket.has_port && local.ip().is_unspecified() => {
                let local = SocketAddr::new(source, local.port());
                self.sockets[index as usize].local = Some(local);
            }
            Some(_) if socket.has_port => {}
            left => {
                // An address that was bound stays when its port was given up.
                let ip = left.map(|left| left.ip()).filter(|ip| !ip.is_unspecified());
                let port = self.hosts[host]
                    .free_port(transport)
                    .ok_or_else(|| errno(libc::EADDRNOTAVAIL))?;
                self.take_port(index, transport, SocketAddr::new(ip.unwrap_or(source), port));
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

    /// The best of those that could receive: the last one bound, or where it shares the port with
    /// others as good, one that depends on the caller alone.
    pub(super) fn choose_receiver<T: Ord>(
        &self,
        scored: impl Iterator<Item = (T, u32)> + Clone,
        caller: u32,
    ) -> Option<u32> {
        let shares = |index: u32| self.sockets[index as usize].options.reuse_port;
        let (best, last) = scored.clone().max_by(|(a, _), (b, _)| a.cmp(b))?;
        if !shares(last) {
            return Some(last);
        }
        let is_rival = |(score, index): &(T, u32)| *score == best && shares(*index);
        let count = scored.clone().filter(is_rival).count() as u64;
        let at = self.paths.hash(caller) % count;
        scored.filter(is_rival).nth(at as usize).map(|(_, index)| index)
    }
}

/// Whether what is sent to `to` is for one bound to `local`, by the address.
pub(super) fn covers(local: SocketAddr, to: SocketAddr) -> bool {
    local.ip() == to.ip() || local.ip().is_unspecified()
}

/// Whether two addresses of one port have anything in common.
pub(super) fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    covers(a, b) || covers(b, a)
}

fn transport_of(socket: &Socket) -> Transport {
    match socket.proto {
        Proto::Udp(_) => Transport::Udp,
        _ => Transport::Tcp,
    }
}
