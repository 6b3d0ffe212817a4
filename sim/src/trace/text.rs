//! A trace as text: one event a line, a lane a host, times as differences within the lane.
//!
//! A line's text depends on its own event and on its host's line before it, never on other hosts or
//! on counters of the run, so that a change shows where it is and nowhere else.

use std::fmt::Write;
use std::net::{Shutdown, SocketAddr};

use super::event::{
    Call, Endpoint, Event, PathRef, Payload, Program, Schedule, Struck, WaitEnd, What, Wire,
};
use super::{Level, Log};
use crate::choices::{Fault, Ns};
use crate::tcp::Segment;

const TIME_WIDTH: usize = 14;
const LANE_WIDTH: usize = 46;
const NAME_WIDTH: usize = 12;
/// A pause in a lane after which its time is given from the beginning of the run.
const IDLE_NS: u64 = 1_000_000_000;

impl Log {
    /// The trace at this level. `header` stands in its first line.
    pub fn text(&self, level: Level, header: &str) -> String {
        let mut out = format!("# sim-trace v1  {header}\n");
        out.push_str(&self.heading());
        out.push('\n');
        for line in self.lines(level) {
            out.push_str(&line);
            out.push('\n');
        }
        out
    }

    /// The line that names the lanes.
    pub fn heading(&self) -> String {
        let mut line = format!("{:<width$}", "@0", width = TIME_WIDTH + 2);
        for (name, _) in &self.hosts {
            let _ = write!(line, "{name:<LANE_WIDTH$}");
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }

    /// Some `count` lines for a report of what went wrong at `failed_ns`: those about what deviated, and
    /// the last ones up to that time, before everything that was left was closed and ended. Lines left
    /// out are counted.
    pub fn excerpt(&self, level: Level, count: usize, failed_ns: u64) -> Vec<String> {
        /// Lines shown before and after one that deviates.
        const AROUND: usize = 2;
        let shown: Vec<&Event> = self.events.iter().filter(|e| level.shows(&e.what)).collect();
        let counts = |event: &&Event| event.at_ns <= failed_ns && !ends_something(&event.what);
        let end = shown.iter().rposition(|event| counts(&event)).map_or(0, |at| at + 1);
        let mut wanted = vec![false; end];
        let marks = (0..end).filter(|&at| shown[at].what.level() == Level::Faults);
        for at in marks.take(count / (2 * AROUND + 1)) {
            wanted[at.saturating_sub(AROUND)..(at + AROUND + 1).min(end)].fill(true);
        }
        let left = count.saturating_sub(wanted.iter().filter(|&&wanted| wanted).count());
        wanted[end.saturating_sub(left)..].fill(true);
        let (mut lines, mut skipped) = (Vec::new(), 0);
        for (line, wanted) in self.lines(level).zip(wanted) {
            if !wanted {
                skipped += 1;
                continue;
            }
            if skipped > 0 {
                lines.push(format!("~             ({skipped} lines)"));
                skipped = 0;
            }
            lines.push(line);
        }
        lines
    }

    fn lines(&self, level: Level) -> impl Iterator<Item = String> + '_ {
        let mut last_ns: Vec<Option<u64>> = vec![None; self.hosts.len()];
        self.events.iter().filter(move |event| level.shows(&event.what)).map(move |event| {
            let lane = usize::from(event.host);
            let since = last_ns[lane].replace(event.at_ns);
            self.line(event, since)
        })
    }

    fn line(&self, event: &Event, since_ns: Option<u64>) -> String {
        let mark = mark(&event.what);
        let gap = event.at_ns - since_ns.unwrap_or(0);
        let time = if mark == "!" || gap >= IDLE_NS {
            format!("={}", Ns(event.at_ns))
        } else {
            format!("+{}", Ns(gap))
        };
        let indent = usize::from(event.host) * LANE_WIDTH;
        let mut line = format!("{time:<TIME_WIDTH$}{mark:<2}{:indent$}", "");
        let _ = write!(line, "{:<NAME_WIDTH$}  {}", self.short_name(event), self.what(&event.what));
        line.truncate(line.trim_end_matches(' ').len());
        line
    }

    /// The greenlet's name below its host; the root is `main`, the world `.`.
    fn short_name(&self, event: &Event) -> String {
        let Some(greenlet) = event.greenlet else { return ".".into() };
        let path = self.paths.text(greenlet);
        match path.split_once('/') {
            Some((_, below)) => below.to_owned(),
            None => "main".to_owned(),
        }
    }

    fn what(&self, what: &What) -> String {
        match what {
            What::Program(program) => self.program(program),
            What::Call(call) => self.call(call),
            What::Schedule(schedule) => self.schedule(schedule),
            What::Wire(Wire::Segment { socket, to, segment, .. }) => {
                format!("s{socket} > {} {}", self.address(*to), segment_text(segment))
            }
            What::Wire(Wire::Datagram { socket, to, bytes, .. }) => {
                format!("s{socket} > {} {bytes}B", self.address(*to))
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
        match call {
            Call::Bind { socket, local } => format!("bind s{socket} {}", self.endpoint(local)),
            Call::Listen { socket, backlog } => format!("listen s{socket} backlog {backlog}"),
            Call::Connect { socket, peer } => format!("connect s{socket} {}", self.endpoint(peer)),
            Call::Connected { socket } => format!("connected s{socket}"),
            Call::Pair { call, socket, other } => format!("{call} s{socket} s{other}"),
            Call::Accept { socket, peer } => {
                format!("accept s{socket} from {}", self.endpoint(peer))
            }
            Call::Read { socket, bytes, is_urgent: true } => {
                format!("read urgent s{socket} {bytes}B")
            }
            Call::Read { socket, bytes: 0, .. } => format!("read s{socket} end"),
            Call::Read { socket, bytes, .. } => format!("read s{socket} {bytes}B"),
            Call::Write { socket, bytes, payload, is_urgent } => {
                let name = if *is_urgent { "write urgent" } else { "write" };
                format!("{name} s{socket} {bytes}B {}", payload_text(*payload))
            }
            Call::RecvFrom { socket, bytes, from } => {
                format!("recv_from s{socket} {bytes}B {}", self.endpoint(from))
            }
            Call::SendTo { socket, bytes, payload, to } => {
                let payload = payload_text(*payload);
                format!("send_to s{socket} {bytes}B {payload} {}", self.endpoint(to))
            }
            Call::Shutdown { socket, how } => format!("shutdown s{socket} {}", shutdown_text(*how)),
            Call::Close { socket } => format!("close s{socket}"),
            Call::Resolve { name } => format!("resolve {}", name.as_str()),
            Call::Resolved { first } => format!("resolved {}", self.address((*first, 0).into())),
            Call::Failed { call, socket: 0, error } => format!("{call} {error}"),
            Call::Failed { call, socket, error } => format!("{call} s{socket} {error}"),
        }
    }

    fn schedule(&self, schedule: &Schedule) -> String {
        match schedule {
            Schedule::Park { call, socket } => format!("waits in {call}{}", on(*socket)),
            Schedule::Wake { end: WaitEnd::Event, call, socket, .. } => {
                format!("wakes in {call}{}", on(*socket))
            }
            Schedule::Wake { end: WaitEnd::Slept, waited, .. } => format!("slept {waited}"),
            Schedule::Wake { end, call, socket, waited } => {
                let of = if *socket == 0 { String::new() } else { format!("s{socket} ") };
                format!("{of}{} in {call} after {waited}", wait_end_text(*end))
            }
            Schedule::Run => "runs".into(),
            Schedule::Switch { to } => format!("preempted, run {}", self.paths.text(to.path)),
        }
    }

    fn fault(&self, fault: Fault, struck: &Struck) -> String {
        let headline = fault.row().headline;
        match struck {
            Struck::Packet { socket, nth, to } => {
                format!("{headline} packet {nth} of s{socket} to {}", self.address(*to))
            }
            Struck::Message { to } => {
                format!("{headline} what a router says of a packet to {}", self.address(*to))
            }
            Struck::Read { socket, bytes, there } => {
                format!("{headline} {bytes}B of {there}B on s{socket}")
            }
            Struck::Host => headline.into(),
        }
    }

    fn endpoint(&self, endpoint: &Endpoint) -> String {
        match endpoint {
            Endpoint::Inet(address) => self.address(*address),
            Endpoint::Unix(name) => name.as_ref().into(),
        }
    }

    fn last_name(&self, of: PathRef) -> String {
        let text = self.paths.text(of.path);
        text.rsplit_once('/').map(|(_, last)| last.to_owned()).unwrap_or(text)
    }

    /// A host by its name; a port only where it was chosen by the program.
    fn address(&self, address: SocketAddr) -> String {
        const EPHEMERAL_MIN: u16 = 32_768;
        let found = self.hosts.iter().find(|(_, ips)| ips.contains(&address.ip()));
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

fn mark(what: &What) -> &'static str {
    match what {
        What::Schedule(Schedule::Switch { .. }) => ">",
        What::Program(Program::Note { .. }) => "*",
        _ if what.level() == Level::Faults => "!",
        _ => "",
    }
}

/// Whether something merely ends, as everything does at the end of a run.
fn ends_something(what: &What) -> bool {
    matches!(
        what,
        What::Call(Call::Close { .. })
            | What::Program(Program::Exit)
            | What::Schedule(Schedule::Wake { end: WaitEnd::Killed | WaitEnd::Closed, .. })
    )
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

fn on(socket: u32) -> String {
    if socket == 0 { String::new() } else { format!(" on s{socket}") }
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
