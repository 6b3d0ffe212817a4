//! A host's interfaces to many: which of them a program means, and which a datagram leaves by.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use greenroom::hub::Opt;

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::link::packet::Interface;
use crate::net::route;
use crate::socket::Socket;
use crate::socket::address::{LOOPBACK_BROADCAST, LOOPBACK_INDEX};
use crate::world::World;

/// What a message says of how it is to leave, in place of what its socket is bound to or chose.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    pub(crate) source: Option<IpAddr>,
    pub(crate) interface: Option<Interface>,
}

/// The interface that has this address, which some host owns.
pub(crate) fn of_own(ip: IpAddr) -> Interface {
    match crate::host::locate(ip) {
        Some((_, link)) if !ip.is_loopback() => Interface::Link(link),
        _ => Interface::Loopback,
    }
}

/// As Linux would number it.
pub(crate) fn number_of(interface: Interface) -> u32 {
    match interface {
        Interface::Loopback => LOOPBACK_INDEX,
        Interface::Link(link) => LOOPBACK_INDEX + 1 + u32::from(link),
    }
}

/// The link that Linux would number so: loopback comes first.
pub(crate) fn link_at(world: &World, host: HostId, interface: u32) -> Option<u8> {
    let link = u8::try_from(interface.checked_sub(LOOPBACK_INDEX + 1)?).ok()?;
    (link < world.hosts[host].link_count()).then_some(link)
}

/// The interface of this address; the first link where that is left to the system.
pub(crate) fn of_address(world: &World, host: HostId, address: Ipv4Addr) -> Option<Interface> {
    match address {
        _ if address.is_unspecified() => Some(Interface::Link(0)),
        _ if address.is_loopback() => Some(Interface::Loopback),
        _ if world.hosts[host].owns(address.into()) => {
            crate::host::locate(address.into()).map(|(_, link)| Interface::Link(link))
        }
        _ => None,
    }
}

/// The interface that Linux would number so; the first link where that is left to the system.
pub(crate) fn of_number(world: &World, host: HostId, number: u32) -> Option<Interface> {
    match number {
        0 => Some(Interface::Link(0)),
        1 => Some(Interface::Loopback),
        _ => link_at(world, host, number).map(Interface::Link),
    }
}

/// Whether the socket's host has an interface of this address.
pub(crate) fn has_interface(world: &World, id: SocketId, address: Ipv4Addr) -> bool {
    of_address(world, world.sockets[id].host, address).is_some()
}

/// Where the socket's datagrams for many leave its host; `None` if it chose what leads nowhere.
pub(crate) fn out(world: &World, id: SocketId, to: SocketAddr, way: Way) -> Option<Interface> {
    match to {
        SocketAddr::V6(_) if way.interface == Some(Interface::Loopback) => None,
        _ if way.interface.is_some() => way.interface,
        SocketAddr::V4(to) => out_v4(world, id, *to.ip(), way.source),
        SocketAddr::V6(to) => link_out_v6(world, id, to).map(Interface::Link),
    }
}

/// The one that it chose, or else the one that it is bound to.
fn out_v4(world: &World, id: SocketId, to: Ipv4Addr, source: Option<IpAddr>) -> Option<Interface> {
    let socket = &world.sockets[id];
    let chosen = Ipv4Addr::from(socket.options.get(Opt::MulticastInterface));
    let bound = match source.or(socket.local.map(|local| local.ip())) {
        Some(IpAddr::V4(ip)) if !route::is_for_many(world, socket.host, ip.into()) => ip,
        _ => Ipv4Addr::UNSPECIFIED,
    };
    if let Some(link) = route::link_of_broadcast(world, socket.host, to.into()) {
        return Some(Interface::Link(link));
    }
    match to.is_multicast() && !chosen.is_unspecified() {
        _ if to == LOOPBACK_BROADCAST => Some(Interface::Loopback),
        true => of_address(world, socket.host, chosen),
        false => of_address(world, socket.host, bound),
    }
}

/// The one that the address names, or else the one that it chose; the first link has the route.
fn link_out_v6(world: &World, id: SocketId, to: SocketAddrV6) -> Option<u8> {
    let socket = &world.sockets[id];
    let chosen = socket.options.get(Opt::MulticastInterfaceV6);
    let number = if to.scope_id() == 0 { chosen } else { to.scope_id() };
    match of_number(world, socket.host, number)? {
        Interface::Link(link) => Some(link),
        Interface::Loopback => None,
    }
}

/// Whether a datagram for one address gets there by this interface.
pub(crate) fn leads_to(world: &World, host: HostId, interface: Interface, to: IpAddr) -> bool {
    match interface {
        Interface::Loopback => world.hosts[host].owns(to),
        Interface::Link(_) => {
            !to.is_loopback() && (world.hosts[host].owns(to) || of_own(to) == interface)
        }
    }
}

/// The address that what came by the interface that Linux would number so was for: of the interface,
/// if it was for many.
pub(crate) fn local_of(world: &World, host: HostId, to: Ipv4Addr, number: u32) -> Ipv4Addr {
    let here = &world.hosts[host];
    let own = match number {
        0 => None,
        _ if !route::is_for_many(world, host, to.into()) => return to,
        LOOPBACK_INDEX => return Ipv4Addr::LOCALHOST,
        _ => link_at(world, host, number).and_then(|link| here.address_on(link, to.into())),
    };
    match own {
        Some(IpAddr::V4(own)) => own,
        _ => Ipv4Addr::UNSPECIFIED,
    }
}

/// The address that the socket's datagrams for many come from, unless it is bound to one.
pub(crate) fn source(world: &World, id: SocketId, to: SocketAddr, way: Way) -> io::Result<IpAddr> {
    let here = &world.hosts[world.sockets[id].host];
    let source = out(world, id, to, way).and_then(|interface| match interface {
        Interface::Loopback => Some(Ipv4Addr::LOCALHOST.into()),
        Interface::Link(link) => here.address_on(link, to.ip()),
    });
    source.ok_or_else(|| errno(libc::ENETUNREACH))
}

/// Who may send to everybody has said so.
pub(crate) fn may_broadcast(world: &World, id: SocketId, to: SocketAddr) -> io::Result<()> {
    let Socket { host, ref options, .. } = world.sockets[id];
    match route::is_broadcast(world, host, to.ip()) && options.get(Opt::Broadcast) == 0 {
        true => Err(errno(libc::EACCES)),
        false => Ok(()),
    }
}
