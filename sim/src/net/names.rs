//! Names: a query is answered after a packet's time there and back. Every host's name resolves, and
//! every host's address has its name.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use greenroom::hub::{Interest, Io};
use greenroom::resolve::GaiError;

use crate::choices::Kind;
use crate::clock::Event;
use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::socket::source::Query;
use crate::socket::{NO_SOCKET, Proto};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    pub(crate) fn ask(&mut self, name: &str) -> io::Result<Io> {
        let asked = Call::Resolve { name: self.trace.text(name) };
        self.record(Actor::Running, asked);
        let path = self.path_for_socket(".query");
        let query = Query { host: name.to_owned(), answer: None };
        let host = self.host_here();
        let index = self.add_socket(host, path, Proto::Query(query));
        self.sockets[index].number = NO_SOCKET;
        let io = self.add_descriptor(index);
        let weather = &self.weather;
        let typical_ns = 2 * weather.latency_typical_ns;
        let socket = &mut self.sockets[index];
        let drawn_ns = self.choices.pick(&mut socket.entity, Kind::Delay, |draw| {
            let there_ns = draw.between(weather.latency_min_ns, weather.latency_max_ns);
            let back_ns = draw.between(weather.latency_min_ns, weather.latency_max_ns);
            if there_ns + back_ns == typical_ns { 0 } else { there_ns + back_ns }
        });
        let delay_ns = if drawn_ns == 0 { typical_ns } else { drawn_ns };
        let (socket, generation) = (index, socket.generation);
        let at_ns = self.clock.now_ns().saturating_add(delay_ns);
        self.clock.schedule(at_ns, true, Event::Answer { socket, generation });
        Ok(io)
    }

    pub(crate) fn answer_arrives(&mut self, index: SocketId, generation: u32) {
        let socket = &self.sockets[index];
        if !socket.live || socket.generation != generation {
            return;
        }
        let Proto::Query(query) = &socket.proto else { return };
        let answer = self.addresses_of(&query.host, socket.host);
        if let Proto::Query(query) = &mut self.sockets[index].proto {
            query.answer = Some(answer);
        }
        self.name_ready(index);
    }

    /// The name of the host that has an address: known at once, as from a hosts file.
    pub(crate) fn name_of(&self, address: IpAddr) -> Option<String> {
        if address.is_loopback() {
            return Some("localhost".to_owned());
        }
        let host = self.hosts.iter().find(|host| host.addresses().any(|ip| ip == address));
        host.map(|host| host.name.to_string())
    }

    /// What a name resolves to, those first that the asker can reach (RFC 6724, rule 1).
    fn addresses_of(&self, name: &str, asker: HostId) -> Vec<IpAddr> {
        match self.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name)) {
            Some(host) => {
                let is_near = |ip: &IpAddr| self.route(asker, *ip).is_some();
                let (mut near, far): (Vec<_>, Vec<_>) = host.named_addresses().partition(is_near);
                near.extend(far);
                near
            }
            None if name.eq_ignore_ascii_case("localhost") => vec![Ipv4Addr::LOCALHOST.into()],
            None => Vec::new(),
        }
    }

    pub(crate) fn take_answer(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        let index = self.socket_of(io)?;
        let Proto::Query(query) = &self.sockets[index].proto else {
            return Err(errno(libc::EINVAL));
        };
        let Some(answer) = query.answer.clone() else {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        };
        match answer.first() {
            Some(&first) => {
                self.record(Actor::Running, Call::Resolved { first });
                Ok(answer)
            }
            None => Err(GaiError::NoName.into()),
        }
    }
}
