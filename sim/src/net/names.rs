//! Names: a query is answered after a packet's time there and back. Every host's name resolves, and
//! so does what the system's resolver takes for an address and std does not.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use greenroom::hub::{Interest, Io};

use crate::choices::Kind;
use crate::clock::Event;
use crate::trace::Op;
use crate::world::{NO_SOCKET, Proto, World, errno};

/// A question and, once it is there, the answer.
pub(crate) struct Query {
    host: String,
    /// `None` until it is there; empty where the name is unknown.
    answer: Option<Vec<IpAddr>>,
}

impl Query {
    pub(crate) fn is_answered(&self) -> bool {
        self.answer.is_some()
    }
}

impl World {
    pub(crate) fn ask(&mut self, name: &str) -> io::Result<Io> {
        self.record_text(Op::Resolve, name);
        let path = self.path_for_socket(".query");
        let query = Query { host: name.to_owned(), answer: None };
        let host = self.host_here();
        let index = self.add_socket(host, path, Proto::Query(query));
        self.sockets[index as usize].number = NO_SOCKET;
        let io = self.add_descriptor(index);
        let weather = &self.weather;
        let typical_ns = 2 * weather.latency_typical_ns;
        let socket = &mut self.sockets[index as usize];
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

    pub(crate) fn answer_arrives(&mut self, index: u32, generation: u32) {
        let socket = &self.sockets[index as usize];
        if !socket.live || socket.generation != generation {
            return;
        }
        let Proto::Query(query) = &socket.proto else { return };
        let answer = self.addresses_of(&query.host, socket.host);
        if let Proto::Query(query) = &mut self.sockets[index as usize].proto {
            query.answer = Some(answer);
        }
        self.name_ready(index);
    }

    /// What a name resolves to, those first that the asker can reach (RFC 6724, rule 1).
    fn addresses_of(&self, name: &str, asker: u16) -> Vec<IpAddr> {
        match self.hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name)) {
            Some(host) => {
                let is_near = |ip: &IpAddr| self.route(asker, *ip).is_some();
                let (mut near, far): (Vec<_>, Vec<_>) = host.named_addresses().partition(is_near);
                near.extend(far);
                near
            }
            None if name.eq_ignore_ascii_case("localhost") => vec![Ipv4Addr::LOCALHOST.into()],
            None => numeric(name).into_iter().collect(),
        }
    }

    pub(crate) fn take_answer(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        let index = self.socket_of(io)?;
        let Proto::Query(query) = &self.sockets[index as usize].proto else {
            return Err(errno(libc::EINVAL));
        };
        let Some(answer) = query.answer.clone() else {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        };
        match answer.first() {
            Some(&first) => {
                self.record_full(Op::Resolved, 0, 0, 0, Some((first, 0).into()), "");
                Ok(answer)
            }
            None => {
                // Of no kind that can be named, as std's own: that of an errno it does not sort.
                let kind = errno(libc::EIO).kind();
                let text = "failed to lookup address information: Name or service not known";
                Err(io::Error::new(kind, text))
            }
        }
    }
}

/// What getaddrinfo(3) takes for an address (linux-truth 247, 248): IPv6 with a scope, and IPv4 as
/// inet_aton(3) has it.
fn numeric(host: &str) -> Option<IpAddr> {
    let (address, scope) = match host.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (host, None),
    };
    match address.parse::<Ipv6Addr>() {
        Ok(ip) => scope.is_none_or(|scope| is_scope(ip, scope)).then_some(ip.into()),
        Err(_) => inet_aton(host).map(IpAddr::from),
    }
}

/// An interface by its number; by its name only where addresses are of an interface.
fn is_scope(ip: Ipv6Addr, scope: &str) -> bool {
    scope.parse::<u32>().is_ok() || (scope == "lo" && ip.is_unicast_link_local())
}

/// One to four numbers between dots, decimal, octal or hexadecimal; the last one is all that is left.
fn inet_aton(host: &str) -> Option<Ipv4Addr> {
    let parts = host.split('.').map(|part| match part.as_bytes() {
        // What parses numbers would take a sign.
        digits if !digits.iter().all(u8::is_ascii_alphanumeric) => None,
        [b'0', b'x' | b'X', ..] => u32::from_str_radix(&part[2..], 16).ok(),
        [b'0', _, ..] => u32::from_str_radix(part, 8).ok(),
        [b'0'..=b'9', ..] => part.parse().ok(),
        _ => None,
    });
    let parts: Vec<u32> = parts.collect::<Option<_>>()?;
    let (&last, bytes) = parts.split_last()?;
    let bits_left = 32 - 8 * u32::try_from(bytes.len()).ok().filter(|&count| count < 4)?;
    if bytes.iter().any(|&byte| byte > 255) || u64::from(last) >> bits_left != 0 {
        return None;
    }
    let high = bytes.iter().zip(0..).map(|(&byte, at)| byte << (24 - 8 * at)).sum::<u32>();
    Some(Ipv4Addr::from(high | last))
}
