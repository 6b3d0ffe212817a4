//! Groups: who is a member of which, on which interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use greenroom::hub::{Domain, Group};

use crate::errno::errno;
use crate::host;
use crate::id::{HostId, SocketId};
use crate::link::packet::Interface;
use crate::socket::Proto;
use crate::socket::address::is_of_all;
use crate::socket::groups::Membership;
use crate::world::World;

impl World {
    pub(crate) fn join_group(&mut self, index: SocketId, group: Group) -> io::Result<()> {
        self.check_group(index, group)?;
        let new = self.membership(index, group).ok_or_else(|| errno(libc::ENODEV))?;
        let Proto::Udp(mailbox) = &mut self.sockets[index].proto else {
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

    pub(crate) fn leave_group(&mut self, index: SocketId, group: Group) -> io::Result<()> {
        self.check_group(index, group)?;
        let old = self.membership(index, group);
        let Proto::Udp(mailbox) = &mut self.sockets[index].proto else {
            return Err(errno(libc::EPROTO));
        };
        let before = mailbox.groups.len();
        match (group, old) {
            // Whichever link it was joined on.
            (Group::V6(group, 0), _) => {
                let group = IpAddr::from(group);
                let found = mailbox.groups.iter().position(|known| known.group == group);
                found.map(|at| mailbox.groups.remove(at));
            }
            (_, Some(old)) => mailbox.groups.retain(|known| match old.source {
                Some(_) => *known != old,
                None => (known.group, known.interface) != (old.group, old.interface),
            }),
            (Group::V6(..), None) => {}
            (_, None) => return Err(errno(libc::ENODEV)),
        }
        match mailbox.groups.len() < before {
            true => Ok(()),
            false => Err(errno(libc::EADDRNOTAVAIL)),
        }
    }

    /// Whether the socket may be a member of such a thing at all.
    fn check_group(&self, index: SocketId, group: Group) -> io::Result<()> {
        let socket = &self.sockets[index];
        let (ip, is_v6): (IpAddr, bool) = match group {
            Group::V4(group, _) | Group::V4At(group, _) | Group::V4From { group, .. } => {
                (group.into(), false)
            }
            Group::V6(group, _) => (group.into(), true),
        };
        match socket.proto {
            _ if is_v6 && socket.domain != Domain::V6 => Err(errno(libc::ENOPROTOOPT)),
            Proto::Udp(_) if ip.is_multicast() => Ok(()),
            Proto::Udp(_) => Err(errno(libc::EINVAL)),
            Proto::Unix(_) => Err(errno(libc::EOPNOTSUPP)),
            _ => Err(errno(libc::EPROTO)),
        }
    }

    /// `None` where the host has no such interface.
    fn membership(&self, index: SocketId, group: Group) -> Option<Membership> {
        let host = self.sockets[index].host;
        let (group, interface, source): (IpAddr, _, Option<Ipv4Addr>) = match group {
            Group::V4(group, address) => (group.into(), self.interface_of(host, address)?, None),
            Group::V4From { group, source, interface } => {
                (group.into(), self.interface_of(host, interface)?, Some(source))
            }
            Group::V4At(group, number) => (group.into(), self.interface_at(host, number)?, None),
            Group::V6(group, number) => (group.into(), self.interface_at(host, number)?, None),
        };
        Some(Membership { group, interface, source: source.map(IpAddr::from) })
    }

    /// The interface of this address; the first link where that is left to the system.
    pub(super) fn interface_of(&self, host: HostId, address: Ipv4Addr) -> Option<Interface> {
        match address {
            _ if address.is_unspecified() => Some(Interface::Link(0)),
            _ if address.is_loopback() => Some(Interface::Loopback),
            _ if self.hosts[host].owns(address.into()) => {
                host::place_of(address.into()).map(|(_, link)| Interface::Link(link))
            }
            _ => None,
        }
    }

    /// The interface that Linux would number so; the first link where that is left to the system.
    pub(crate) fn interface_at(&self, host: HostId, number: u32) -> Option<Interface> {
        match number {
            0 => Some(Interface::Link(0)),
            1 => Some(Interface::Loopback),
            _ => self.link_at(host, number).map(Interface::Link),
        }
    }

    /// The hosts that have a member of the group on the interface, in the order of hosts.
    pub(super) fn hosts_of_members(&self, group: IpAddr, interface: Interface) -> Vec<HostId> {
        let present = self.members.iter().filter_map(|&member| self.upgrade(member));
        let hears = |&index: &SocketId| match &self.sockets[index].proto {
            Proto::Udp(mailbox) => mailbox.memberships(group, interface).next().is_some(),
            _ => false,
        };
        let mut hosts: Vec<HostId> =
            present.filter(hears).map(|index| self.sockets[index].host).collect();
        if let (true, Interface::Link(link)) = (is_of_all(group), interface) {
            let is_on = |host: &HostId| self.hosts[*host].address_on(link, group).is_some();
            hosts.extend(self.hosts.ids().filter(is_on));
        }
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }
}
