//! Addresses of sockets: what a program names and is shown. Within, an address of IPv6 that stands for one
//! of IPv4 is that one (`socket/address.rs`); only the edges here know of the other form.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use greenroom::hub::{Address, Domain};

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::interface::Way;
use crate::net::{interface, route};
use crate::socket::address::{LOOPBACK_INDEX, any, inet, meant, needs_scope, shown_in};
use crate::socket::{Proto, Socket};
use crate::tcp::State;
use crate::world::World;

/// An address as the socket shows it.
pub(crate) fn shown(world: &World, id: SocketId, address: SocketAddr) -> SocketAddr {
    shown_in(world.sockets[id].domain, address)
}

/// What getsockname(2) returns.
pub(crate) fn shown_local(world: &World, id: SocketId) -> SocketAddr {
    let Socket { domain, local, .. } = world.sockets[id];
    shown_in(domain, local.unwrap_or(SocketAddr::new(any(domain), 0)))
}

pub(crate) fn peer(world: &World, id: SocketId) -> io::Result<SocketAddr> {
    let socket = &world.sockets[id];
    let connected = match &socket.proto {
        Proto::Stream(connection) => {
            !matches!(connection.state(), State::SynSent | State::Closed | State::TimeWait)
        }
        // Whoever is connected to port 0 says it is not.
        Proto::Udp(_) => socket.peer().is_some_and(|peer| peer.port() != 0),
        _ => false,
    };
    socket.peer().filter(|_| connected).ok_or_else(|| errno(libc::ENOTCONN))
}

// What a program names.

/// The address that bind(2) is asked for.
pub(crate) fn requested_local(
    world: &World,
    id: SocketId,
    local: &Address,
) -> io::Result<SocketAddr> {
    let socket = &world.sockets[id];
    match (socket.domain, inet(local, socket.domain)?) {
        (Domain::V6, SocketAddr::V6(v6)) => {
            let local = meant(v6);
            // IPv6 alone has no such address (linux-truth 36).
            let refused = local.is_ipv4() && socket.options.only_v6;
            if refused { Err(errno(libc::EINVAL)) } else { Ok(local) }
        }
        // Too short to be an address of IPv6 (33).
        (Domain::V6, SocketAddr::V4(_)) => Err(errno(libc::EINVAL)),
        (_, SocketAddr::V6(_)) => Err(errno(libc::EAFNOSUPPORT)),
        (_, local) => Ok(local),
    }
}

/// The address that connect(2) or sendto(2) is asked for (33 to 35).
pub(crate) fn requested_peer(
    world: &World,
    id: SocketId,
    peer: &Address,
) -> io::Result<SocketAddr> {
    let socket = &world.sockets[id];
    let is_stream = !matches!(socket.proto, Proto::Udp(_));
    let peer = match (socket.domain, inet(peer, socket.domain)?) {
        (Domain::V6, SocketAddr::V6(v6)) => meant(v6),
        (Domain::V6, SocketAddr::V4(_)) if is_stream => return Err(errno(libc::EINVAL)),
        (Domain::V4, SocketAddr::V6(_)) => return Err(errno(libc::EAFNOSUPPORT)),
        (_, peer) => peer,
    };
    match socket.domain == Domain::V6 && socket.options.only_v6 && peer.is_ipv4() {
        true => Err(errno(libc::ENETUNREACH)),
        false => Ok(peer),
    }
}

/// Whether this host may bind to the address.
pub(crate) fn check_local(world: &World, id: SocketId, local: SocketAddr) -> io::Result<()> {
    let socket = &world.sockets[id];
    let (host, ip) = (&world.hosts[socket.host], local.ip());
    if let SocketAddr::V6(v6) = local {
        let is_stream = !matches!(socket.proto, Proto::Udp(_));
        if ip.is_multicast() && is_stream {
            return Err(errno(libc::EINVAL));
        }
        check_scope(world, socket.host, v6)?;
    }
    match ip.is_unspecified() || host.owns(ip) || route::is_for_many(world, socket.host, ip) {
        true => Ok(()),
        false => Err(errno(libc::EADDRNOTAVAIL)),
    }
}

/// An address that is another one on each link says on which; `EINVAL` if not (48).
fn check_scope(world: &World, host: HostId, address: SocketAddrV6) -> io::Result<()> {
    match address.scope_id() {
        _ if !needs_scope(address.ip()) => Ok(()),
        0 => Err(errno(libc::EINVAL)),
        LOOPBACK_INDEX => Ok(()),
        scope => {
            interface::link_at(world, host, scope).map(drop).ok_or_else(|| errno(libc::ENODEV))
        }
    }
}

/// Whether a connection to this address says on which link.
pub(crate) fn check_peer_scope(world: &World, id: SocketId, peer: SocketAddr) -> io::Result<()> {
    let SocketAddr::V6(v6) = peer else { return Ok(()) };
    let chosen = world.sockets[id].options.get(greenroom::hub::Opt::MulticastInterfaceV6);
    let is_silent = v6.scope_id() == 0 && (chosen == 0 || !v6.ip().is_multicast());
    match needs_scope(v6.ip()) && is_silent {
        true => Err(errno(libc::EINVAL)),
        false => Ok(()),
    }
}

// The way there.

/// Where a program means `0.0.0.0` or `[::]` it means itself (linux-truth 15, 16): the very address
/// that it is bound to, if that is of IPv4.
pub(crate) fn reachable(world: &World, id: SocketId, peer: SocketAddr) -> io::Result<SocketAddr> {
    let socket = &world.sockets[id];
    let own = socket.local.map(|local| local.ip()).filter(|ip| ip.is_ipv4());
    let itself = match peer.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V6(_) if own.is_none() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V4(_) => {
            let is_one = |ip: &IpAddr| !route::is_for_many(world, socket.host, *ip);
            let bound = own.filter(|ip| !ip.is_unspecified() && is_one(ip));
            bound.unwrap_or(Ipv4Addr::LOCALHOST.into())
        }
    };
    match route::source(world, socket.host, itself) {
        Some(_) if itself == peer.ip() => Ok(peer),
        Some(_) => Ok(SocketAddr::new(itself, peer.port())),
        None => Err(errno(libc::ENETUNREACH)),
    }
}

/// The address that the socket's packets to `to`, which is reachable, leave from: the one that it
/// is bound to, if that can be.
pub(crate) fn source_towards(
    world: &World,
    id: SocketId,
    to: SocketAddr,
    way: Way,
) -> io::Result<IpAddr> {
    let socket = &world.sockets[id];
    let bound = way.source.or(socket.local.map(|local| local.ip()));
    if let (Some(IpAddr::V4(_)), IpAddr::V6(_)) = (bound, to.ip()) {
        return Err(errno(libc::EAFNOSUPPORT));
    }
    // One that is connected in one family sends in the other as if it were not.
    let bound = bound.filter(|ip| ip.is_ipv4() == to.is_ipv4());
    let is_for_many = |ip| route::is_for_many(world, socket.host, ip);
    let bound = bound.filter(|ip| !ip.is_unspecified() && !is_for_many(*ip));
    let ip = match is_for_many(to.ip()) {
        true => interface::source(world, id, to, way)?,
        false => {
            route::source(world, socket.host, to.ip()).ok_or_else(|| errno(libc::ENETUNREACH))?
        }
    };
    match bound {
        None => Ok(ip),
        // No answer would find it; of IPv6 it leaves and gets nowhere.
        Some(IpAddr::V4(own))
            if own.is_loopback()
                && !is_for_many(to.ip())
                && !world.hosts[socket.host].owns(to.ip()) =>
        {
            Err(errno(libc::EINVAL))
        }
        Some(own) => Ok(own),
    }
}
