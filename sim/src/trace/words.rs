//! What an event says, in words. Hosts, greenlets and sockets are called by their paths, below the host in
//! whose lane the line stands.

use std::fmt::Write;
use std::net::{Shutdown, SocketAddr};

use super::event::{
    Call, Endpoint, Event, PathRef, Payload, Program, Schedule, Struck, WaitEnd, What, Wire,
};
use super::style::PayloadAs;
use super::{Level, Log};
use crate::choices::{Deviation, Fault};
use crate::path::escaped;
use crate::tcp::Segment;

/// Says what one event of a log is.
pub(super) struct Words<'a> {
    pub(super) log: &'a Log,
    pub(super) event: &'a Event,
    /// Its place in the log.
    pub(super) at: usize,
    pub(super) payload: Option<PayloadAs>,
}

impl Log {
    /// A path as it stands in the lane of a host: without the host's own name. `main` is the greenlet
    /// that a host begins with.
    pub(super) fn below(&self, host: u16, path: u32) -> String {
        let text = self.paths.text(path);
        let name = &self.hosts[usize::from(host)].0;
        match text.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('/')) {
            Some(below) => below.to_owned(),
            None => text,
        }
    }

    /// What deviated, as a report says it, in the lane of a host.
    pub(super) fn deviation(&self, host: u16, deviation: &Deviation) -> String {
        let Deviation { decision, ordinal, path } = deviation;
        decision.in_words(&self.below(host, *path), *ordinal, |path| self.below(host, path))
    }
}

impl Words<'_> {
    /// What happened, with the bytes that were sent or received where they are to be shown.
    pub(super) fn said(&self) -> String {
        match (self.payload, self.log.payloads.binary_search_by_key(&self.at, |it| it.0)) {
            (Some(how), Ok(at)) => {
                format!("{}  {}", self.what(), how.show(&self.log.payloads[at].1))
            }
            _ => self.what(),
        }
    }

    fn what(&self) -> String {
        match &self.event.what {
            What::Program(program) => self.program(program),
            What::Call(call) => self.call(call),
            What::Schedule(schedule) => self.schedule(schedule),
            What::Wire(Wire::Segment { path, to, segment, .. }) => {
                let (from, to) = (self.path(*path), self.address(*to));
                format!("{from} > {to} {}", segment_text(segment))
            }
            What::Wire(Wire::Datagram { path, to, bytes, .. }) => {
                let (from, to) = (self.path(*path), self.address(*to));
                format!("{from} > {to} {bytes}B")
            }
            What::Fault(fault, struck) => self.fault(*fault, struck),
            What::Violation { name } => format!("VIOLATED {}", name.as_str()),
            What::Signal { kind } => kind.name().into(),
        }
    }

    fn program(&self, program: &Program) -> String {
        match program {
            Program::Start => "start".into(),
            Program::Spawn { child } => format!("spawn {}", self.last_name(*child)),
            Program::Exit => "end".into(),
            Program::Panic => "panicked".into(),
            Program::Interrupted { how, greenlet } => {
                format!("{how} {}", self.last_name(*greenlet))
            }
            Program::Chose { label, value } => format!("choose {} = {value}", label.as_str()),
            Program::Note { text } => text.as_str().to_owned(),
        }
    }

    fn call(&self, call: &Call) -> String {
        let name = |socket: &u32| self.socket(*socket);
        match call {
            Call::Bind { socket, local } => {
                format!("bind {} {}", name(socket), self.endpoint(local))
            }
            Call::Listen { socket, backlog } => {
                format!("listen {} backlog {backlog}", name(socket))
            }
            Call::Connect { socket, peer } => {
                let (name, peer) = (name(socket), self.endpoint(peer));
                // Mostly its name says it.
                let is_said =
                    name.split('#').next().is_some_and(|it| it.ends_with(&escaped(&peer)));
                if is_said { format!("connect {name}") } else { format!("connect {name} {peer}") }
            }
            Call::Connected { socket } => format!("connected {}", name(socket)),
            Call::Pair { call, socket, other } => {
                format!("{call} {} {}", name(socket), name(other))
            }
            Call::Accept { socket, peer } => {
                format!("accept {} from {}", name(socket), self.endpoint(peer))
            }
            Call::Read { socket, bytes, is_urgent: true } => {
                format!("read urgent {} {bytes}B", name(socket))
            }
            Call::Read { socket, bytes: 0, .. } => format!("read {} end", name(socket)),
            Call::Read { socket, bytes, .. } => {
                format!("read {} {bytes}B", name(socket))
            }
            Call::Write { socket, bytes, payload, is_urgent } => {
                let call = if *is_urgent { "write urgent" } else { "write" };
                let payload = payload_text(*payload);
                format!("{call} {} {bytes}B {payload}", name(socket))
            }
            Call::RecvFrom { socket, bytes, from } => {
                format!("recv_from {} {bytes}B {}", name(socket), self.endpoint(from))
            }
            Call::SendTo { socket, bytes, payload, to } => {
                let (payload, to) = (payload_text(*payload), self.endpoint(to));
                format!("send_to {} {bytes}B {payload} {to}", name(socket))
            }
            Call::Shutdown { socket, how } => {
                format!("shutdown {} {}", name(socket), shutdown_text(*how))
            }
            Call::Disconnect { socket } => format!("disconnect {}", name(socket)),
            Call::Close { socket } => format!("close {}", name(socket)),
            Call::Rights { socket, passed, is_sent } => {
                let passed: Vec<String> = passed.iter().map(name).collect();
                let call = if *is_sent { "passes" } else { "gets" };
                format!("{} {call} {}", name(socket), passed.join(" "))
            }
            Call::File { call, bytes: 0 } => (*call).into(),
            Call::File { call, bytes } => format!("{call} {bytes}B"),
            Call::Resolve { name } => format!("resolve {}", name.as_str()),
            Call::Resolved { first } => format!("resolved {}", self.address((*first, 0).into())),
            Call::Failed { call, socket: 0, error } => format!("{call} {error}"),
            Call::Failed { call, socket, error } => format!("{call} {} {error}", name(socket)),
        }
    }

    fn schedule(&self, schedule: &Schedule) -> String {
        match schedule {
            Schedule::Park { call, socket } => format!("waits in {call}{}", self.on(*socket)),
            Schedule::Wake { end: WaitEnd::Event, call, socket, .. } => {
                format!("wakes in {call}{}", self.on(*socket))
            }
            Schedule::Wake { end: WaitEnd::Slept, waited, .. } => format!("slept {waited}"),
            Schedule::Wake { end, call, socket, waited } => {
                let of = match socket {
                    0 => String::new(),
                    socket => format!("{} ", self.socket(*socket)),
                };
                format!("{of}{} in {call} after {waited}", wait_end_text(*end))
            }
            Schedule::Run => "runs".into(),
            Schedule::Switch { to, unasked } => {
                let how = if *unasked { "preempted before a call" } else { "preempted" };
                format!("{how}, run {}", self.log.paths.text(to.path))
            }
        }
    }

    fn fault(&self, fault: Fault, struck: &Struck) -> String {
        let headline = fault.row().headline;
        match struck {
            Struck::Packet { path, nth, to, .. } => {
                let (from, to) = (self.path(*path), self.address(*to));
                match nth {
                    0 => format!("{headline} a packet of {from} to {to}"),
                    nth => format!("{headline} packet {nth} of {from} to {to}"),
                }
            }
            Struck::Message { to } => {
                format!("{headline} what a router says of a packet to {}", self.address(*to))
            }
            Struck::Read { socket, bytes, there } => {
                format!("{headline} {bytes}B of {there}B on {}", self.socket(*socket))
            }
            Struck::File { path } => format!("{headline} {}", self.path(*path)),
            Struck::Host => headline.into(),
        }
    }

    // Names.

    fn path(&self, path: u32) -> String {
        self.log.below(self.event.host, path)
    }

    /// A socket, by its number on the event's host.
    fn socket(&self, number: u32) -> String {
        match self.log.names.path_at(self.at, (self.event.host, number)) {
            Some(path) => self.path(path),
            None => format!("s{number}"),
        }
    }

    fn on(&self, socket: u32) -> String {
        if socket == 0 { String::new() } else { format!(" on {}", self.socket(socket)) }
    }

    fn endpoint(&self, endpoint: &Endpoint) -> String {
        match endpoint {
            Endpoint::Inet(address) => self.address(*address),
            Endpoint::Unix(name) => name.as_ref().into(),
        }
    }

    fn last_name(&self, of: PathRef) -> String {
        let text = self.log.paths.text(of.path);
        text.rsplit_once('/').map(|(_, last)| last.to_owned()).unwrap_or(text)
    }

    /// A host by its name; a port only where it was chosen by the program.
    fn address(&self, address: SocketAddr) -> String {
        const EPHEMERAL_MIN: u16 = 32_768;
        let found = self.log.hosts.iter().find(|(_, ips)| ips.contains(&address.ip()));
        let name = match found {
            Some((name, _)) => name.clone(),
            None if address.ip().is_unspecified() => "*".into(),
            None if address.ip().is_loopback() => "localhost".into(),
            None => address.ip().to_string(),
        };
        let name = if address.is_ipv6() { format!("[{name}]") } else { name };
        if address.port() >= EPHEMERAL_MIN || address.port() == 0 {
            return name;
        }
        format!("{name}:{}", address.port())
    }
}

/// Whether something merely ends, as everything does at the end of a run.
pub(super) fn ends_something(what: &What) -> bool {
    matches!(
        what,
        What::Call(Call::Close { .. })
            | What::Program(Program::Exit)
            | What::Schedule(Schedule::Wake { end: WaitEnd::Killed | WaitEnd::Closed, .. })
    )
}

pub(super) fn mark(what: &What) -> &'static str {
    match what {
        What::Schedule(Schedule::Switch { .. }) => ">",
        What::Program(Program::Note { .. }) => "*",
        _ if what.level() == Level::Faults => "!",
        _ => "",
    }
}

/// What tells bytes of one length apart, where that is the seed's doing.
fn payload_text(payload: Payload) -> String {
    match payload.0 {
        Some(hash) => format!("{:08x}", hash as u32),
        None => "opaque".into(),
    }
}

fn shutdown_text(how: Shutdown) -> &'static str {
    match how {
        Shutdown::Read => "read",
        Shutdown::Write => "write",
        Shutdown::Both => "both",
    }
}

fn wait_end_text(end: WaitEnd) -> &'static str {
    match end {
        WaitEnd::Event => "wakes",
        WaitEnd::Slept => "slept",
        WaitEnd::TimedOut => "timed out",
        WaitEnd::Cancelled => "cancelled",
        WaitEnd::Killed => "killed",
        WaitEnd::Closed => "closed",
    }
}

fn segment_text(segment: &Segment) -> String {
    let flags = segment.flags;
    let named = [
        ("SYN", flags.syn),
        ("FIN", flags.fin),
        ("RST", flags.rst),
        ("ACK", flags.ack),
        ("URG", segment.urgent > 0),
    ];
    let set: Vec<&str> =
        named.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
    let mut text = set.join(",");
    if segment.len > 0 {
        let _ = write!(text, " {}B at {}", segment.len, segment.seq);
    }
    text
}
