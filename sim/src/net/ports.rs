//! Ports of sockets, for both transports: who holds them, who may share one, and who hears what is
//! sent to one.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};

use greenroom::hub::{Address, Domain};

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::socket::Proto;
use crate::socket::address::{any, is_for_many};
use crate::socket::flow::{Flow, Transport};
use crate::tcp::State;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    // Bound by the program.

    pub(crate) fn bind_inet(&mut self, index: SocketId, local: &Address) -> io::Result<()> {
        let local = self.named_local(index, local)?;
        self.bind_socket(index, local)?;
        let socket = &mut self.sockets[index];
        // Bound to one address of IPv6 it is of IPv6 alone, and says so.
        socket.options.only_v6 |= local.is_ipv6() && !local.ip().is_unspecified();
        let number = socket.number;
        self.record(Actor::Running, Call::Bind { socket: number, local: local.into() });
        Ok(())
    }

    pub(super) fn bind_socket(&mut self, index: SocketId, mut local: SocketAddr) -> io::Result<()> {
        let socket = &self.sockets[index];
        let (host, transport, domain) = (socket.host, socket.transport(), socket.domain);
        // Each family looks at these three in an order of its own.
        let is_bound = socket.is_bound();
        let is_reserved = self.hosts[host].reserves(local.port());
        if !((is_bound || is_reserved) && domain == Domain::V6) {
            self.check_local(index, local)?;
        }
        if is_reserved {
            return Err(errno(libc::EACCES));
        }
        if is_bound {
            return Err(errno(libc::EINVAL));
        }
        let is_given = local.port() != 0;
        if local.port() == 0 {
            let port = self.port_for_bind(index, transport, local);
            local.set_port(port.ok_or_else(|| errno(libc::EADDRINUSE))?);
            self.hosts[host].ports.gave_out(local.port());
        } else if self.is_taken(index, transport, local, Sharing::AsAsked) {
            if let Some(left) = &mut self.sockets[index].local {
                // Of a port that was given up, the address is forgotten by trying.
                left.set_ip(any(domain));
            }
            return Err(errno(libc::EADDRINUSE));
        }
        self.unroute(index);
        if let Proto::Stream(tcp) = &mut self.sockets[index].proto {
            tcp.leave_time_wait();
        }
        self.hosts[host].ports.bind(transport, local.port(), index);
        let socket = &mut self.sockets[index];
        (socket.local, socket.has_port) = (Some(local), true);
        (socket.port_is_given, socket.ip_is_given) = (is_given, local.ip() != any(domain));
        Ok(())
    }

    /// A port for who asks for any: one that nobody has on that address. Sockets of UDP that may share
    /// one do so when there is no other (linux-truth 50, 54, 55).
    fn port_for_bind(
        &self,
        index: SocketId,
        transport: Transport,
        local: SocketAddr,
    ) -> Option<u16> {
        let ports = &self.hosts[self.sockets[index].host].ports;
        let find = |sharing| {
            ports.ephemeral().find(|&port| {
                let local = SocketAddr::new(local.ip(), port);
                !self.is_taken(index, transport, local, sharing)
            })
        };
        find(Sharing::No).or_else(|| match transport {
            Transport::Udp => find(Sharing::AsAsked),
            Transport::Tcp => None,
        })
    }

    /// Whether somebody holds the port on an address that overlaps. With SO_REUSEADDR on both and
    /// nobody listening, it may be shared, and with SO_REUSEPORT on both (25, 26, 28). Connections
    /// hold the port too, accepted ones even where their listener is gone (30, 31).
    fn is_taken(
        &self,
        index: SocketId,
        transport: Transport,
        local: SocketAddr,
        sharing: Sharing,
    ) -> bool {
        let socket = &self.sockets[index];
        let own = &socket.options;
        let ports = &self.hosts[socket.host].ports;
        let bound = ports.bound(transport, local.port()).iter().copied();
        let mut holders = bound.chain(ports.connections(transport, local.port()));
        holders.any(|other| {
            let other = &self.sockets[other];
            let listens = matches!(other.proto, Proto::Listener(_));
            let shared = (own.reuse_port && other.options.reuse_port)
                || (own.reuse_address && other.options.reuse_address && !listens);
            other.overlaps(local, own.only_v6) && !(shared && sharing == Sharing::AsAsked)
        })
    }

    // Given by the system.

    /// Gives the socket what reaches `peer`: a source address, and a port if it has none.
    pub(crate) fn bind_towards(&mut self, index: SocketId, peer: SocketAddr) -> io::Result<()> {
        let source = self.source_towards(index, peer)?;
        let socket = &self.sockets[index];
        match socket.local {
            Some(local) if socket.has_port => {
                let is_stream = socket.transport() == Transport::Tcp;
                let is_open = local.ip().is_unspecified() || is_stream && is_for_many(local.ip());
                let ip = if is_open { source } else { local.ip() };
                let local = SocketAddr::new(ip, local.port());
                if is_stream {
                    self.make_room(index, local, peer, Port::Named)?;
                }
                self.sockets[index].local = Some(local);
                Ok(())
            }
            _ => {
                let host = socket.host;
                let mut ports = self.hosts[host].ports.ephemeral();
                let port = ports.find(|&port| self.suits_connect(index, port, source, peer));
                let port = port.ok_or_else(|| errno(libc::EADDRNOTAVAIL))?;
                let local = SocketAddr::new(source, port);
                self.make_room(index, local, peer, Port::Chosen)?;
                self.hosts[host].ports.gave_out(port);
                self.hold_connection(index, local);
                Ok(())
            }
        }
    }

    /// A connection takes its port, which nobody bound for it.
    pub(super) fn hold_connection(&mut self, index: SocketId, local: SocketAddr) {
        let socket = &mut self.sockets[index];
        (socket.local, socket.has_port) = (Some(local), true);
        self.hosts[socket.host].ports.hold_connection(local.port(), index);
    }

    /// Whether connect(2) may choose the port: nobody bound it, and it does not lead there yet; that it
    /// leads elsewhere is no matter (51).
    fn suits_connect(&self, index: SocketId, port: u16, source: IpAddr, peer: SocketAddr) -> bool {
        let host = self.sockets[index].host;
        let local = SocketAddr::new(source, port);
        self.hosts[host].ports.bound(Transport::Tcp, port).is_empty()
            && self.occupant(Flow { host, local, peer }, Port::Chosen).is_ok()
    }

    /// Clears the way for a connection between these two; `EADDRNOTAVAIL` if there is one.
    fn make_room(
        &mut self,
        index: SocketId,
        local: SocketAddr,
        peer: SocketAddr,
        port: Port,
    ) -> io::Result<()> {
        let flow = Flow { host: self.sockets[index].host, local, peer };
        let left = self.occupant(flow, port).map_err(|()| errno(libc::EADDRNOTAVAIL))?;
        let Some(left) = left else { return Ok(()) };
        if self.sockets[left].descriptors.is_empty() {
            self.forget_socket(left);
        } else {
            if let Proto::Stream(tcp) = &mut self.sockets[left].proto {
                tcp.leave_time_wait();
            }
            self.unroute(left);
        }
        Ok(())
    }

    /// What is left of an earlier connection between these two, which makes way; an error if it does
    /// not. In TIME-WAIT it does for a port that the program named, and for one that is chosen if it
    /// has waited a second on loopback (32, 52; Linux's `tcp_tw_reuse` of 2).
    fn occupant(&self, flow: Flow, port: Port) -> Result<Option<SocketId>, ()> {
        const REUSABLE_NS: u64 = 1_000_000_000;
        let Some(&index) = self.flows.get(&flow) else { return Ok(None) };
        let Proto::Stream(tcp) = &self.sockets[index].proto else { return Err(()) };
        if tcp.state() != State::TimeWait {
            return Err(());
        }
        let ends_ns = tcp.poll_timeout().unwrap_or_default();
        let waited_ns = (self.clock.now_ns() + tcp.config().time_wait_ns).saturating_sub(ends_ns);
        let is_local = flow.local.ip().is_loopback() || flow.peer.ip().is_loopback();
        match port {
            Port::Named => Ok(Some(index)),
            Port::Chosen if is_local && waited_ns >= REUSABLE_NS => Ok(Some(index)),
            Port::Chosen => Err(()),
        }
    }

    // Who hears.

    /// The best of those that could receive: the last one bound, or where it shares the port with
    /// others as good, one that depends on the caller alone.
    pub(super) fn choose_receiver<T: Ord>(
        &self,
        scored: impl Iterator<Item = (T, SocketId)> + Clone,
        caller: u32,
    ) -> Option<SocketId> {
        let shares = |index: SocketId| self.sockets[index].options.reuse_port;
        let (best, last) = scored.clone().max_by(|(a, _), (b, _)| a.cmp(b))?;
        if !shares(last) {
            return Some(last);
        }
        let is_rival = |(score, index): &(T, SocketId)| *score == best && shares(*index);
        let count = scored.clone().filter(is_rival).count() as u64;
        let at = self.paths.hash(caller) % count;
        scored.filter(is_rival).nth(at as usize).map(|(_, index)| index)
    }

    /// Who is bound to the port at which this arrives.
    pub(super) fn bound_at(&self, host: HostId, transport: Transport, port: u16) -> &[SocketId] {
        self.hosts[host].ports.bound(transport, port)
    }
}

/// Whether a port may be shared where both sides have asked for that.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    No,
    AsAsked,
}

/// Who said which port a connection leaves from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Named,
    Chosen,
}
