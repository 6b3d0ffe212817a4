//! Datagrams for many: broadcast, and multicast of both families.
//!
//! A host has its links to others, and loopback. A datagram for many goes over one of them, as a
//! packet of its own, with its own fate, to each host that has somebody to hear it when it is sent: a
//! bound port for a broadcast, a member for a group, both for a group that all hosts are members of
//! (`ff02::1`). So a host that has nothing to do with it changes nobody's luck. `255.255.255.255`
//! reaches all hosts of a link, `127.255.255.255` the own one, and any time to live but 0 reaches
//! everywhere. Over loopback IPv6 has no multicast, as on Linux.

mod groups;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use greenroom::hub::Opt;

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::link::packet::{Body, Interface, Packet};
use crate::socket::Proto;
use crate::socket::address::{LOOPBACK_BROADCAST, is_broadcast, is_for_many, is_of_all, scope_of};
use crate::socket::flow::Transport;
use crate::trace::event::Wire;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    /// Whether the socket's host has an interface of this address.
    pub(super) fn has_interface(&self, index: SocketId, address: Ipv4Addr) -> bool {
        self.interface_of(self.sockets[index].host, address).is_some()
    }

    // Out.

    /// Where the socket's datagrams for many leave its host; `None` if it chose what leads nowhere.
    fn interface_out(&self, index: SocketId, to: SocketAddr) -> Option<Interface> {
        match to {
            SocketAddr::V4(to) => self.interface_out_v4(index, *to.ip()),
            SocketAddr::V6(to) => self.link_out_v6(index, to).map(Interface::Link),
        }
    }

    /// The one that it chose, or else the one that it is bound to.
    fn interface_out_v4(&self, index: SocketId, to: Ipv4Addr) -> Option<Interface> {
        let socket = &self.sockets[index];
        let chosen = Ipv4Addr::from(socket.options.get(Opt::MulticastInterface));
        let bound = match socket.local.map(|local| local.ip()) {
            Some(IpAddr::V4(ip)) if !is_for_many(ip.into()) => ip,
            _ => Ipv4Addr::UNSPECIFIED,
        };
        match to.is_multicast() && !chosen.is_unspecified() {
            _ if to == LOOPBACK_BROADCAST => Some(Interface::Loopback),
            true => self.interface_of(socket.host, chosen),
            false => self.interface_of(socket.host, bound),
        }
    }

    /// The one that the address names, or else the one that it chose; the first link has the route.
    fn link_out_v6(&self, index: SocketId, to: SocketAddrV6) -> Option<u8> {
        let socket = &self.sockets[index];
        let chosen = socket.options.get(Opt::MulticastInterfaceV6);
        let number = if to.scope_id() == 0 { chosen } else { to.scope_id() };
        match self.interface_at(socket.host, number)? {
            Interface::Link(link) => Some(link),
            Interface::Loopback => None,
        }
    }

    /// Who may send to everybody has said so.
    pub(super) fn may_broadcast(&self, index: SocketId, to: SocketAddr) -> io::Result<()> {
        let options = &self.sockets[index].options;
        match is_broadcast(to.ip()) && options.get(Opt::Broadcast) == 0 {
            true => Err(errno(libc::EACCES)),
            false => Ok(()),
        }
    }

    /// The address that the socket's datagrams for many come from, unless it is bound to one.
    pub(super) fn source_for_many(&self, index: SocketId, to: SocketAddr) -> io::Result<IpAddr> {
        let here = &self.hosts[self.sockets[index].host];
        let source = self.interface_out(index, to).and_then(|interface| match interface {
            Interface::Loopback => Some(Ipv4Addr::LOCALHOST.into()),
            Interface::Link(link) => here.address_on(link, to.ip()),
        });
        source.ok_or_else(|| errno(libc::ENETUNREACH))
    }

    pub(super) fn send_to_many(
        &mut self,
        index: SocketId,
        from: SocketAddr,
        to: SocketAddr,
        buf: &[u8],
    ) {
        let socket = &self.sockets[index];
        let (host, number, sender) = (socket.host, socket.number, socket.entity.path);
        let interface = self.interface_out(index, to).expect("it has a source");
        let mut reached = self.hosts_that_hear(to, interface);
        reached.retain(|&other| self.gets_there(index, from, to, interface, other));
        let bytes = buf.len() as u64;
        self.record(Actor::Host(host), Wire::Datagram { socket: number, from, to, bytes });
        for to_host in reached {
            let payload = buf.to_vec();
            let body = Body::ForMany(interface);
            let packet = Packet { from, to, to_host, sender, body, payload };
            match to_host == host {
                true => self.send_here(packet),
                false => self.send_over_link(Some(index), host, packet),
            }
        }
    }

    /// The hosts with somebody to hear it, wherever they are, in their order.
    fn hosts_that_hear(&self, to: SocketAddr, interface: Interface) -> Vec<HostId> {
        let is_bound = |host: &HostId| {
            let bound = self.bound_at(*host, Transport::Udp, to.port());
            bound.iter().any(|&index| self.sockets[index].covers(to))
        };
        if !to.ip().is_multicast() {
            return self.hosts.ids().filter(is_bound).collect();
        }
        let mut hosts = self.hosts_of_members(to.ip(), interface);
        hosts.retain(|host| !is_of_all(to.ip()) || is_bound(host));
        hosts
    }

    /// Whether what leaves by the interface gets to this host.
    fn gets_there(
        &self,
        index: SocketId,
        from: SocketAddr,
        to: SocketAddr,
        interface: Interface,
        other: HostId,
    ) -> bool {
        const OWN_INTERFACE: u16 = 1;
        let (host, options) = {
            let socket = &self.sockets[index];
            (socket.host, &socket.options)
        };
        let Interface::Link(link) = interface else { return other == host };
        let (loops, hops, goes_out) = match to.ip() {
            ip if is_broadcast(ip) => (true, 1, true),
            IpAddr::V4(_) => {
                (options.get(Opt::MulticastLoop) != 0, options.get(Opt::MulticastTtl), true)
            }
            IpAddr::V6(group) => {
                let loops = options.get(Opt::MulticastLoopV6) != 0;
                // Nobody takes what claims to come from loopback, not even its own host.
                let loops = loops && !from.ip().is_loopback() && scope_of(&group) > 0;
                (loops, options.get(Opt::MulticastHopsV6), scope_of(&group) > OWN_INTERFACE)
            }
        };
        match other == host {
            true => loops,
            // No other host takes what claims to come from itself.
            false => {
                let is_on = self.hosts[other].address_on(link, to.ip()).is_some();
                goes_out && hops > 0 && is_on && !from.ip().is_loopback()
            }
        }
    }

    // In.

    /// Every socket that hears it gets a copy; nobody answers that none does.
    pub(super) fn deliver_to_many(&mut self, packet: Packet, interface: Interface) {
        let (from, to) = (packet.from, packet.to);
        let group = to.ip();
        let is_host_member = !group.is_multicast()
            || self.hosts_of_members(group, interface).contains(&packet.to_host);
        if !is_host_member {
            return self.recycle(packet.payload);
        }
        let bound = self.bound_at(packet.to_host, Transport::Udp, to.port());
        let wants_all = if group.is_ipv4() { Opt::MulticastAll } else { Opt::MulticastAllV6 };
        let hears = |index: &SocketId| {
            let socket = &self.sockets[*index];
            let all = socket.options.get(wants_all) != 0;
            socket.covers(to)
                && socket.peer.is_none_or(|peer| peer == from)
                && match &socket.proto {
                    Proto::Udp(mailbox) if group.is_multicast() => {
                        mailbox.hears(group, interface, from.ip(), all)
                    }
                    _ => true,
                }
        };
        let receivers: Vec<SocketId> = bound.iter().copied().filter(hears).collect();
        for receiver in receivers {
            self.put_letter(receiver, from, packet.payload.clone());
        }
        self.recycle(packet.payload);
    }
}
