//! What sockets are called, in tokens and traces alike: by whom they lead to, or by where they are bound, and
//! by which of its greenlet's sockets of that name each is.
//!
//! ```text
//! cli/.tcp>srv:7070#2        the second connection of cli's main greenlet to that port of srv
//! srv/.tcp:7070              who listens there
//! srv/.tcp:7070/<cli#2       what it accepted from the first
//! cli/.udp>srv:53            who first sent there, unless it was bound to a port of its own
//! cli/.unix>|run|kv          a Unix socket's path, with its slashes turned
//! ```
//!
//! So a greenlet that opens one socket more renames those to the same place alone. Ports that the system
//! gave out are no name: they depend on who else asked for one.

use std::net::SocketAddr;

use crate::id::SocketId;
use crate::net::route;
use crate::path::escaped;
use crate::socket::Proto;
use crate::socket::unix::name::{Name, Shown};
use crate::world::World;

/// The least port that hosts give out by themselves, unless their machine says otherwise.
const EPHEMERAL_MIN: u16 = 32_768;

/// The socket leads there from now on. One of TCP is named anew by each attempt, as its packets are
/// counted anew; one of UDP keeps its first name.
pub(crate) fn leads_to(world: &mut World, id: SocketId, peer: SocketAddr) {
    let socket = &world.sockets[id];
    let kind = match socket.proto {
        Proto::Udp(_) if socket.is_named => return,
        Proto::Udp(_) => ".udp",
        _ => ".tcp",
    };
    let label = format!("{kind}>{}", place(world, id, peer));
    world.rename(id, &label);
}

/// The socket listens, or waits for datagrams, at its port.
pub(crate) fn stands_at(world: &mut World, id: SocketId) {
    let socket = &world.sockets[id];
    let given = socket.local.filter(|_| socket.port_is_given).map_or(0, |local| local.port());
    let label = match socket.proto {
        Proto::Udp(_) if socket.is_named || given == 0 => return,
        Proto::Udp(_) => format!(".udp:{given}"),
        _ => format!(".tcp:{given}"),
    };
    world.rename(id, &label);
}

/// A Unix socket is bound to a name (`:`) or leads to one (`>`). Its first name stays.
pub(crate) fn of_unix(world: &mut World, id: SocketId, how: char, name: &Name) {
    if !world.sockets[id].is_named {
        world.rename(id, &format!(".unix{how}{}", escaped(&Shown(Some(name)).to_string())));
    }
}

/// A host by its name, with the port if a program chose it.
fn place(world: &World, id: SocketId, at: SocketAddr) -> String {
    let (host, ip) = (world.sockets[id].host, at.ip().to_canonical());
    let at_home = ip.is_loopback() || world.hosts[host].owns(ip);
    let far = if at_home { Some(host) } else { route::host_at(world, ip) };
    let name = far.map_or_else(|| ip.to_string(), |far| world.hosts[far].name.clone());
    match at.port() {
        0 | EPHEMERAL_MIN.. => name,
        port => format!("{name}:{port}"),
    }
}
