//! Names: a query is answered after a packet's time there and back. Every host's name resolves, and
//! every host's address has its name.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use greenroom::hub::{Io, Readiness};
use greenroom::resolve::GaiError;

use crate::choices::Decision;
use crate::clock::Event;
use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::net::{readiness, route};
use crate::path::escaped;
use crate::socket::Proto;
use crate::socket::source::Query;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

pub(crate) fn ask(world: &mut World, name: &str) -> io::Result<Io> {
    let asked = Call::Resolve { name: world.trace.text(name) };
    world.record(Actor::Running, asked);
    let query = Query { host: name.to_owned(), answer: None };
    let (id, io) = world.add_source(&format!(".query>{}", escaped(name)), Proto::Query(query));
    let weather = &world.weather;
    let typical_ns = 2 * weather.latency_typical_ns;
    let socket = &mut world.sockets[id];
    let delay_ns =
        world.choices.pick_time(&mut socket.entity, Decision::QueryDelay, typical_ns, |draw| {
            let there_ns = draw.between(weather.latency_min_ns, weather.latency_max_ns);
            there_ns + draw.between(weather.latency_min_ns, weather.latency_max_ns)
        });
    let (socket, generation) = (id, socket.generation);
    let at_ns = world.clock.now_ns().saturating_add(delay_ns);
    world.clock.schedule(at_ns, true, Event::Answer { socket, generation });
    Ok(io)
}

pub(crate) fn answer_arrives(world: &mut World, id: SocketId, generation: u32) {
    let socket = &world.sockets[id];
    if !socket.live || socket.generation != generation {
        return;
    }
    let Proto::Query(query) = &socket.proto else { return };
    let answer = addresses_of(world, &query.host, socket.host);
    if let Proto::Query(query) = &mut world.sockets[id].proto {
        query.answer = Some(answer);
    }
    readiness::tell(world, id);
}

/// The name of the host that has an address: known at once, as from a hosts file.
pub(crate) fn name_of(world: &World, address: IpAddr) -> Option<String> {
    if address.is_loopback() {
        return Some("localhost".to_owned());
    }
    let host = world.hosts.iter().find(|host| host.addresses().any(|ip| ip == address));
    host.map(|host| host.name.to_string())
}

/// What a name resolves to, those first that the asker can reach (RFC 6724, rule 1).
fn addresses_of(world: &World, name: &str, asker: HostId) -> Vec<IpAddr> {
    match world.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name)) {
        Some(host) => {
            let is_near = |ip: &IpAddr| route::source(world, asker, *ip).is_some();
            let (mut near, far): (Vec<_>, Vec<_>) = host.resolved_addresses().partition(is_near);
            near.extend(far);
            near
        }
        None if name.eq_ignore_ascii_case("localhost") => vec![Ipv4Addr::LOCALHOST.into()],
        None => Vec::new(),
    }
}

pub(crate) fn take_answer(world: &mut World, io: Io) -> io::Result<Vec<IpAddr>> {
    let id = world.socket_of(io)?;
    let Proto::Query(query) = &world.sockets[id].proto else {
        return Err(errno(libc::EINVAL));
    };
    let Some(answer) = query.answer.clone() else {
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    };
    match answer.first() {
        Some(&first) => {
            world.record(Actor::Running, Call::Resolved { first });
            Ok(answer)
        }
        None => Err(GaiError::NoName.into()),
    }
}
