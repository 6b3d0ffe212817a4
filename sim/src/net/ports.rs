//! Ports of sockets, for both transports: who holds them, who may share one, and who receives what is
//! sent to one.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};

use greenroom::hub::{Address, Domain};

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::interface::Way;
use crate::net::{address, naming, route};
use crate::socket::Proto;
use crate::socket::address::any;
use crate::socket::flow::{Flow, Transport};
use crate::tcp::State;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

// Bound by the program.

pub(crate) fn bind(world: &mut World, id: SocketId, local: &Address) -> io::Result<()> {
    let local = address::requested_local(world, id, local)?;
    bind_to(world, id, local)?;
    if matches!(world.sockets[id].proto, Proto::Udp(_)) {
        naming::stands_at(world, id);
    }
    let socket = &mut world.sockets[id];
    // Bound to one address of IPv6 it is of IPv6 alone, and says so.
    socket.options.only_v6 |= local.is_ipv6() && !local.ip().is_unspecified();
    let number = socket.number;
    world.record(Actor::Running, Call::Bind { socket: number, local: local.into() });
    Ok(())
}

pub(crate) fn bind_to(world: &mut World, id: SocketId, mut local: SocketAddr) -> io::Result<()> {
    let socket = &world.sockets[id];
    let (host, transport, domain) = (socket.host, socket.transport(), socket.domain);
    // Each family looks at these three in an order of its own.
    let is_bound = socket.is_bound();
    let is_reserved = world.hosts[host].reserves(local.port());
    if !((is_bound || is_reserved) && domain == Domain::V6) {
        address::check_local(world, id, local)?;
    }
    if is_reserved {
        return Err(errno(libc::EACCES));
    }
    if is_bound {
        return Err(errno(libc::EINVAL));
    }
    let is_given = local.port() != 0;
    if local.port() == 0 {
        let port = port_for_bind(world, id, transport, local);
        local.set_port(port.ok_or_else(|| errno(libc::EADDRINUSE))?);
        world.hosts[host].ports.gave_out(local.port());
    } else if is_taken(world, id, transport, local, Sharing::AsAsked) {
        if let Some(left) = &mut world.sockets[id].local {
            // Of a port that was given up, the address is forgotten by trying.
            left.set_ip(any(domain));
        }
        return Err(errno(libc::EADDRINUSE));
    }
    world.unroute(id);
    if let Proto::Stream(tcp) = &mut world.sockets[id].proto {
        tcp.leave_time_wait();
    }
    world.hosts[host].ports.bind(transport, local.port(), id);
    let socket = &mut world.sockets[id];
    (socket.local, socket.has_port) = (Some(local), true);
    // That an address was named once is not forgotten, wherever it is bound after.
    (socket.port_is_given, socket.ip_is_given) =
        (is_given, socket.ip_is_given || local.ip() != any(domain));
    Ok(())
}

/// A port for who asks for any: one that nobody has on that address. Sockets of UDP that may share
/// one do so when there is no other (linux-truth 50, 54, 55).
fn port_for_bind(
    world: &World,
    id: SocketId,
    transport: Transport,
    local: SocketAddr,
) -> Option<u16> {
    let ports = &world.hosts[world.sockets[id].host].ports;
    let find = |sharing| {
        ports.ephemeral().find(|&port| {
            let local = SocketAddr::new(local.ip(), port);
            !is_taken(world, id, transport, local, sharing)
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
    world: &World,
    id: SocketId,
    transport: Transport,
    local: SocketAddr,
    sharing: Sharing,
) -> bool {
    let socket = &world.sockets[id];
    let own = &socket.options;
    let ports = &world.hosts[socket.host].ports;
    let bound = ports.bound(transport, local.port()).iter().copied();
    let mut holders = bound.chain(ports.connections(transport, local.port()));
    holders.any(|other| {
        let other = &world.sockets[other];
        let listens = matches!(other.proto, Proto::Listener(_));
        let shared = (own.reuse_port && other.options.reuse_port)
            || (own.reuse_address && other.options.reuse_address && !listens);
        other.overlaps(local, own.only_v6) && !(shared && sharing == Sharing::AsAsked)
    })
}

// Bound by connecting.

/// Gives the socket what reaches `peer`: a source address, and a port if it has none.
pub(crate) fn bind_towards(world: &mut World, id: SocketId, peer: SocketAddr) -> io::Result<()> {
    let source = address::source_towards(world, id, peer, Way::default())?;
    let socket = &world.sockets[id];
    match socket.local {
        Some(local) if socket.has_port => {
            let is_stream = socket.transport() == Transport::Tcp;
            let is_open = local.ip().is_unspecified()
                || is_stream && route::is_for_many(world, socket.host, local.ip());
            let ip = if is_open { source } else { local.ip() };
            let local = SocketAddr::new(ip, local.port());
            if is_stream {
                make_room(world, id, local, peer, Port::Given)?;
            }
            world.sockets[id].local = Some(local);
            Ok(())
        }
        _ => {
            let host = socket.host;
            let mut ports = world.hosts[host].ports.ephemeral();
            let port = ports.find(|&port| suits_connect(world, id, port, source, peer));
            let port = port.ok_or_else(|| errno(libc::EADDRNOTAVAIL))?;
            let local = SocketAddr::new(source, port);
            make_room(world, id, local, peer, Port::Chosen)?;
            world.hosts[host].ports.gave_out(port);
            hold_connection(world, id, local);
            Ok(())
        }
    }
}

/// A connection takes its port, which nobody bound for it.
pub(crate) fn hold_connection(world: &mut World, id: SocketId, local: SocketAddr) {
    let socket = &mut world.sockets[id];
    (socket.local, socket.has_port) = (Some(local), true);
    world.hosts[socket.host].ports.hold_connection(local.port(), id);
}

/// Whether connect(2) may choose the port: nobody bound it, and it does not lead there yet; that it
/// leads elsewhere is no matter (51).
fn suits_connect(world: &World, id: SocketId, port: u16, source: IpAddr, peer: SocketAddr) -> bool {
    let host = world.sockets[id].host;
    let local = SocketAddr::new(source, port);
    world.hosts[host].ports.bound(Transport::Tcp, port).is_empty()
        && occupant(world, Flow { host, local, peer }, Port::Chosen).is_ok()
}

/// Clears the way for a connection between these two; `EADDRNOTAVAIL` if there is one.
fn make_room(
    world: &mut World,
    id: SocketId,
    local: SocketAddr,
    peer: SocketAddr,
    port: Port,
) -> io::Result<()> {
    let flow = Flow { host: world.sockets[id].host, local, peer };
    let left = occupant(world, flow, port).map_err(|()| errno(libc::EADDRNOTAVAIL))?;
    let Some(left) = left else { return Ok(()) };
    if world.sockets[left].descriptors.is_empty() {
        world.forget_socket(left);
    } else {
        if let Proto::Stream(tcp) = &mut world.sockets[left].proto {
            tcp.leave_time_wait();
        }
        world.unroute(left);
    }
    Ok(())
}

/// What is left of an earlier connection between these two, which makes way; an error if it does
/// not. In TIME-WAIT it does for a port that the program named, and for one that is chosen if it
/// has waited a second on loopback (32, 52; Linux's `tcp_tw_reuse` of 2).
fn occupant(world: &World, flow: Flow, port: Port) -> Result<Option<SocketId>, ()> {
    const REUSABLE_NS: u64 = 1_000_000_000;
    let Some(&id) = world.flows.get(&flow) else { return Ok(None) };
    let Proto::Stream(tcp) = &world.sockets[id].proto else { return Err(()) };
    if tcp.state() != State::TimeWait {
        return Err(());
    }
    let ends_ns = tcp.poll_timeout().unwrap_or_default();
    let waited_ns = (world.clock.now_ns() + tcp.config().time_wait_ns).saturating_sub(ends_ns);
    let is_local = flow.local.ip().is_loopback() || flow.peer.ip().is_loopback();
    match port {
        Port::Given => Ok(Some(id)),
        Port::Chosen if is_local && waited_ns >= REUSABLE_NS => Ok(Some(id)),
        Port::Chosen => Err(()),
    }
}

// Who receives.

/// The best of those that could receive: the last one bound, or where it shares the port with
/// others as good, one that depends on the caller alone.
pub(crate) fn choose_receiver<T: Ord>(
    world: &World,
    scored: impl Iterator<Item = (T, SocketId)> + Clone,
    caller: u32,
) -> Option<SocketId> {
    let shares = |id: SocketId| world.sockets[id].options.reuse_port;
    let (best, last) = scored.clone().max_by(|(a, _), (b, _)| a.cmp(b))?;
    if !shares(last) {
        return Some(last);
    }
    let is_rival = |(score, id): &(T, SocketId)| *score == best && shares(*id);
    let count = scored.clone().filter(is_rival).count() as u64;
    let at = world.paths.hash(caller) % count;
    scored.filter(is_rival).nth(at as usize).map(|(_, id)| id)
}

/// Who is bound to the port at which this arrives.
pub(crate) fn bound_at(
    world: &World,
    host: HostId,
    transport: Transport,
    port: u16,
) -> &[SocketId] {
    world.hosts[host].ports.bound(transport, port)
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
    Given,
    Chosen,
}
