//! Groups: who joins which, on which interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use greenroom::hub::{Domain, Group};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::interface;
use crate::socket::Proto;
use crate::socket::groups::Membership;
use crate::world::World;

pub(crate) fn join(world: &mut World, id: SocketId, group: Group) -> io::Result<()> {
    check(world, id, group)?;
    let new = membership(world, id, group).ok_or_else(|| errno(libc::ENODEV))?;
    let Proto::Udp(mailbox) = &mut world.sockets[id].proto else {
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
    let mut members = std::mem::take(&mut world.members);
    world.add_hold(&mut members, world.weak(id));
    world.members = members;
    Ok(())
}

pub(crate) fn leave(world: &mut World, id: SocketId, group: Group) -> io::Result<()> {
    check(world, id, group)?;
    let old = membership(world, id, group);
    let Proto::Udp(mailbox) = &mut world.sockets[id].proto else {
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
fn check(world: &World, id: SocketId, group: Group) -> io::Result<()> {
    let socket = &world.sockets[id];
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
fn membership(world: &World, id: SocketId, group: Group) -> Option<Membership> {
    let host = world.sockets[id].host;
    let (group, interface, source): (IpAddr, _, Option<Ipv4Addr>) = match group {
        Group::V4(group, address) => {
            (group.into(), interface::of_address(world, host, address)?, None)
        }
        Group::V4From { group, source, interface } => {
            (group.into(), interface::of_address(world, host, interface)?, Some(source))
        }
        Group::V4At(group, number) => {
            (group.into(), interface::of_number(world, host, number)?, None)
        }
        Group::V6(group, number) => {
            (group.into(), interface::of_number(world, host, number)?, None)
        }
    };
    Some(Membership { group, interface, source: source.map(IpAddr::from) })
}
