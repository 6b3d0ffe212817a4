//! Datagrams for many: broadcast and IPv4 multicast.
//!
//! A host has two interfaces: its link to all others, and loopback. A datagram for many goes over
//! one of them, as a packet of its own, with its own fate, to each host that has somebody to hear it
//! when it is sent: a bound port for a broadcast, a member for a group. So a host that has nothing
//! to do with it changes nobody's luck. There are no subnets: `255.255.255.255` reaches all hosts,
//! `127.255.255.255` the own one, and any time to live but 0 reaches everywhere.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use greenroom::hub::{Group, Opt};

use super::stream::covers;
use super::{Body, Packet};
use crate::host::Transport;
use crate::trace::Op;
use crate::world::{Proto, World, errno};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    Link,
    Loopback,
}

/// A socket hears a group on an interface, from anybody or from one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    group: Ipv4Addr,
    interface: Interface,
    source: Option<Ipv4Addr>,
}

const LOOPBACK_BROADCAST: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

fn is_broadcast(ip: IpAddr) -> bool {
    ip == Ipv4Addr::BROADCAST || ip == LOOPBACK_BROADCAST
}

/// Whether an address is that of many.
pub(super) fn is_for_many(ip: IpAddr) -> bool {
    ip.is_multicast() || is_broadcast(ip)
}

impl World {
    // Membership.

    pub(crate) fn join_group(&mut self, index: u32, group: Group) -> io::Result<()> {
        let new = self.membership(index, group)?;
        let Proto::Udp(mailbox) = &mut self.sockets[index as usize].proto else {
            return Err(errno(libc::EPROTO));
        };
        let same = |old: &&Membership| (old.group, old.interface) == (new.group, new.interface);
        match mailbox.groups.iter().find(same) {
            None => {}
            Some(_) if new.source.is_none() => return Err(errno(libc::EADDRINUSE)),
            // A source narrows what was joined from anybody.
            Some(&old) if old.source.is_none() => mailbox.groups.retain(|known| *known != old),
            Some(_) if mailbox.groups.contains(&new) => return Err(errno(libc::EADDRNOTAVAIL)),
            Some(_) => {}
        }
        mailbox.groups.push(new);
        let mut members = std::mem::take(&mut self.members);
        self.add_hold(&mut members, self.weak(index));
        self.members = members;
        Ok(())
    }

    pub(crate) fn leave_group(&mut self, index: u32, group: Group) -> io::Result<()> {
        let old = self.membership(index, group)?;
        let Proto::Udp(mailbox) = &mut self.sockets[index as usize].proto else {
            return Err(errno(libc::EPROTO));
        };
        let before = mailbox.groups.len();
        mailbox.groups.retain(|membership| match old.source {
            Some(_) => *membership != old,
            None => (membership.group, membership.interface) != (old.group, old.interface),
        });
        match mailbox.groups.len() < before {
            true => Ok(()),
            false => Err(errno(libc::EADDRNOTAVAIL)),
        }
    }

    fn membership(&self, index: u32, group: Group) -> io::Result<Membership> {
        let host = self.sockets[index as usize].host;
        let at = |address| self.interface_of(host, address).ok_or_else(|| errno(libc::ENODEV));
        let (group, interface, source) = match group {
            Group::V4(group, address) => (group, at(address)?, None),
            Group::V4From { group, source, interface } => (group, at(interface)?, Some(source)),
            // As Linux numbers them: loopback comes first.
            Group::V4At(group, 1) => (group, Interface::Loopback, None),
            Group::V4At(group, 0 | 2) => (group, Interface::Link, None),
            Group::V4At(..) => return Err(errno(libc::ENODEV)),
            Group::V6(..) => return Err(errno(libc::ENOPROTOOPT)),
        };
        match group.is_multicast() {
            true => Ok(Membership { group, interface, source }),
            false => Err(errno(libc::EINVAL)),
        }
    }

    fn interface_of(&self, host: u16, address: Ipv4Addr) -> Option<Interface> {
        match address {
            _ if address.is_unspecified() => Some(Interface::Link),
            _ if address.is_loopback() => Some(Interface::Loopback),
            _ => (self.hosts[usize::from(host)].ip == address).then_some(Interface::Link),
        }
    }

    /// Whether the socket's host has an interface of this address.
    pub(super) fn has_interface(&self, index: u32, address: Ipv4Addr) -> bool {
        self.interface_of(self.sockets[index as usize].host, address).is_some()
    }

    /// The hosts that have a member of the group on the interface, in the order of hosts.
    fn hosts_of_members(&self, group: Ipv4Addr, interface: Interface) -> Vec<u16> {
        let present = self.members.iter().filter_map(|&member| self.upgrade(member));
        let hears = |&index: &u32| match &self.sockets[index as usize].proto {
            Proto::Udp(mailbox) => mailbox.memberships(group, interface).next().is_some(),
            _ => false,
        };
        let mut hosts: Vec<u16> =
            present.filter(hears).map(|index| self.sockets[index as usize].host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    // Out.

    /// Where the socket's datagrams for many leave its host: where it chose to, or else by the
    /// interface that it is bound to.
    fn interface_out(&self, index: u32, to: Ipv4Addr) -> Interface {
        let socket = &self.sockets[index as usize];
        let chosen = Ipv4Addr::from(socket.options.get(Opt::MulticastInterface));
        let by_loopback = match to.is_multicast() && !chosen.is_unspecified() {
            true => chosen.is_loopback(),
            false => socket.local.is_some_and(|local| local.ip().is_loopback()),
        };
        match by_loopback || to == LOOPBACK_BROADCAST {
            true => Interface::Loopback,
            false => Interface::Link,
        }
    }

    /// Who may send to everybody has said so.
    pub(super) fn may_broadcast(&self, index: u32, to: SocketAddr) -> io::Result<()> {
        let options = &self.sockets[index as usize].options;
        match is_broadcast(to.ip()) && options.get(Opt::Broadcast) == 0 {
            true => Err(errno(libc::EACCES)),
            false => Ok(()),
        }
    }

    /// The address that the socket's datagrams for many come from.
    pub(super) fn source_for_many(&self, index: u32, to: Ipv4Addr) -> IpAddr {
        match self.interface_out(index, to) {
            Interface::Loopback => Ipv4Addr::LOCALHOST.into(),
            Interface::Link => self.hosts[usize::from(self.sockets[index as usize].host)].ip,
        }
    }

    pub(super) fn send_to_many(
        &mut self,
        index: u32,
        from: SocketAddr,
        to: SocketAddr,
        group: Ipv4Addr,
        buf: &[u8],
    ) {
        let socket = &self.sockets[index as usize];
        let (host, number, sender) = (socket.host, socket.number, socket.entity.path);
        let interface = self.interface_out(index, group);
        let reached = match group.is_multicast() {
            true => {
                let (ttl, loops) =
                    (socket.options.get(Opt::MulticastTtl), socket.options.get(Opt::MulticastLoop));
                let mut hosts = self.hosts_of_members(group, interface);
                hosts.retain(|&other| match interface {
                    Interface::Loopback => other == host,
                    Interface::Link if other == host => loops != 0,
                    // No other host takes what claims to come from itself.
                    Interface::Link => ttl > 0 && !from.ip().is_loopback(),
                });
                hosts
            }
            false => {
                let key = (Transport::Udp, to.port());
                let local = |index: &u32| self.sockets[*index as usize].local;
                let hears = |other: &u16| {
                    let mut bound =
                        self.hosts[usize::from(*other)].ports.get(&key).into_iter().flatten();
                    (interface == Interface::Link || *other == host)
                        && bound.any(|index| local(index).is_some_and(|local| covers(local, to)))
                };
                (0..self.hosts.len() as u16).filter(hears).collect()
            }
        };
        self.record_wire(host, Op::Datagram, number, buf.len() as u64, 0, Some(to));
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

    // In.

    /// Every socket that hears it gets a copy; nobody answers that none does.
    pub(super) fn deliver_to_many(&mut self, packet: Packet, interface: Interface) {
        let (from, to) = (packet.from, packet.to);
        let IpAddr::V4(group) = to.ip() else { return };
        let is_host_member = !group.is_multicast()
            || self.hosts_of_members(group, interface).contains(&packet.to_host);
        if !is_host_member {
            return self.recycle(packet.payload);
        }
        let ports = &self.hosts[usize::from(packet.to_host)].ports;
        let bound = ports.get(&(Transport::Udp, to.port()));
        let hears = |index: &u32| {
            let socket = &self.sockets[*index as usize];
            let all = socket.options.get(Opt::MulticastAll) != 0;
            socket.local.is_some_and(|local| covers(local, to))
                && socket.peer.is_none_or(|peer| peer == from)
                && match &socket.proto {
                    Proto::Udp(mailbox) if group.is_multicast() => {
                        mailbox.hears(group, interface, from.ip(), all)
                    }
                    _ => true,
                }
        };
        let receivers: Vec<u32> = bound.into_iter().flatten().copied().filter(hears).collect();
        for receiver in receivers {
            self.put_letter(receiver, from, packet.payload.clone());
        }
        self.recycle(packet.payload);
    }
}

impl super::udp::Mailbox {
    fn memberships(
        &self,
        group: Ipv4Addr,
        interface: Interface,
    ) -> impl Iterator<Item = &Membership> {
        let same = move |it: &&Membership| (it.group, it.interface) == (group, interface);
        self.groups.iter().filter(same)
    }

    /// One that is no member hears what its host is a member for, unless it wants its own groups
    /// only (`IP_MULTICAST_ALL`).
    fn hears(&self, group: Ipv4Addr, interface: Interface, from: IpAddr, all: bool) -> bool {
        let mut own = self.memberships(group, interface).peekable();
        match own.peek() {
            None => all,
            Some(_) => own.any(|it| it.source.is_none_or(|source| source == from)),
        }
    }
}
