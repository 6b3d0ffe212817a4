//! A trace as text: one event a line, a lane a host, times as differences within the lane.
//!
//! A line's text depends on its own event and on its host's line before it, never on other hosts or
//! on counters of the run, so that a change shows where it is and nowhere else.

use std::fmt::Write;
use std::net::SocketAddr;
use std::rc::Rc;

use greenroom::signal::Kind;

use super::{Event, Level, NOBODY, Op, name_of};
use crate::path::Paths;

const TIME_WIDTH: usize = 14;
const LANE_WIDTH: usize = 46;
const NAME_WIDTH: usize = 12;
/// A pause in a lane after which its time is given from the beginning of the run.
const IDLE_NS: u64 = 1_000_000_000;

/// The events of a run and what is needed to name what they mention.
#[derive(Debug)]
pub struct Lanes {
    pub(crate) events: Vec<Event>,
    pub(crate) texts: Vec<String>,
    pub(crate) paths: Rc<Paths>,
    /// Names and addresses of the hosts, in lane order.
    pub(crate) hosts: Vec<(String, Vec<std::net::IpAddr>)>,
    /// What was sent is told by its length alone.
    pub(crate) payload_is_opaque: bool,
}

impl Lanes {
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

    /// Some `count` lines for a report: those about what deviated, and the run's end before
    /// everybody was sent home. What is left out is counted.
    pub fn excerpt(&self, level: Level, count: usize) -> Vec<String> {
        /// Lines shown before and after one that deviates.
        const AROUND: usize = 2;
        let shown: Vec<&Event> = self.events.iter().filter(|e| level.shows(e.op)).collect();
        let going_home = [Op::Killed, Op::Close, Op::Exit, Op::ClosedUnder];
        let end = shown.iter().rposition(|e| !going_home.contains(&e.op)).map_or(0, |at| at + 1);
        let mut wanted = vec![false; end];
        let marks = (0..end).filter(|&at| shown[at].op.level() == Level::Faults);
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
        self.events.iter().filter(move |event| level.shows(event.op)).map(move |event| {
            let lane = usize::from(event.host);
            let since = last_ns[lane].replace(event.at_ns);
            self.line(event, since)
        })
    }

    fn line(&self, event: &Event, since_ns: Option<u64>) -> String {
        let mark = event.op.mark();
        let gap = event.at_ns - since_ns.unwrap_or(0);
        let time = if mark == "!" || gap >= IDLE_NS {
            format!("={}", Ns(event.at_ns))
        } else {
            format!("+{}", Ns(gap))
        };
        let indent = usize::from(event.host) * LANE_WIDTH;
        let mut line = format!("{time:<TIME_WIDTH$}{mark:<2}{:indent$}", "");
        let _ = write!(line, "{:<NAME_WIDTH$}  {}", self.short_name(event), self.what(event));
        line.truncate(line.trim_end_matches(' ').len());
        line
    }

    /// The greenlet's name below its host; the root is `main`, the world `.`.
    fn short_name(&self, event: &Event) -> String {
        if event.greenlet == NOBODY {
            return ".".into();
        }
        let path = self.paths.text(event.greenlet);
        match path.split_once('/') {
            Some((_, below)) => below.to_owned(),
            None => "main".to_owned(),
        }
    }

    fn what(&self, event: &Event) -> String {
        let socket = format!("s{}", event.socket);
        let value = event.value;
        let text = || self.texts.get(event.refers as usize).map_or("", String::as_str);
        // What has no internet address has a name.
        let peer = event.peer.map_or_else(|| text().to_owned(), |peer| self.address(peer));
        match event.op {
            Op::Start => "start".into(),
            Op::Spawn => format!("spawn {}", self.last_name(event.refers)),
            Op::Exit => "end".into(),
            Op::Panic => "panicked".into(),
            Op::Bind => format!("bind {socket} {peer}"),
            Op::Listen => format!("listen {socket} backlog {value}"),
            Op::Connect => format!("connect {socket} {peer}"),
            Op::Connected if event.name.is_empty() => format!("connected {socket}"),
            Op::Connected => format!("{} {socket} s{value}", event.name),
            Op::Accept => format!("accept {socket} from {peer}"),
            Op::Read if !event.name.is_empty() => format!("{} {socket} {value}B", event.name),
            Op::Read if value == 0 => format!("read {socket} end"),
            Op::Read => format!("read {socket} {value}B"),
            Op::Write => {
                let name = if event.name.is_empty() { "write" } else { event.name };
                format!("{name} {socket} {value}B {}", self.payload(event))
            }
            Op::RecvFrom => format!("recv_from {socket} {value}B {peer}"),
            Op::SendTo => format!("send_to {socket} {value}B {} {peer}", self.payload(event)),
            Op::Shutdown => format!("shutdown {socket} {}", event.name),
            Op::Close => format!("close {socket}"),
            Op::Resolve => format!("resolve {}", text()),
            Op::Resolved => format!("resolved {peer}"),
            Op::Failed if event.socket == 0 => format!("{} {}", event.name, name_of(value)),
            Op::Failed => format!("{} {socket} {}", event.name, name_of(value)),
            Op::Slept => format!("slept {}", Ns(value)),
            Op::TimedOut => format!("{}timed out in {}", of(event), waited(event)),
            Op::Cancelled => format!("{}cancelled in {}", of(event), waited(event)),
            Op::Killed => format!("{}killed in {}", of(event), waited(event)),
            Op::ClosedUnder => format!("{}closed in {}", of(event), waited(event)),
            Op::Struck => format!("{} {}", event.name, self.last_name(event.refers)),
            Op::Choose => format!("choose {} = {value}", text()),
            Op::Note => text().to_owned(),
            Op::Park => format!("waits in {}{}", event.name, with_socket(event)),
            Op::Wake => format!("wakes in {}{}", event.name, with_socket(event)),
            Op::Run => "runs".into(),
            Op::Segment => format!("{socket} > {peer} {}", segment(event)),
            Op::Datagram => format!("{socket} > {peer} {value}B"),
            Op::Switch => format!("preempted, run {}", self.paths.text(event.refers)),
            Op::Lost => format!("LOST packet {value} of {socket} to {peer}"),
            Op::Duplicated => format!("DUPLICATED packet {value} of {socket} to {peer}"),
            Op::Overtaken => format!("OVERTAKEN packet {value} of {socket} to {peer}"),
            Op::CutOff => format!("CUT OFF packet {value} of {socket} to {peer}"),
            Op::QueueFull => format!("QUEUE FULL at packet {value} of {socket} to {peer}"),
            Op::TooBig => format!("TOO BIG for the path: packet {value} of {socket} to {peer}"),
            Op::Unreachable if event.more == 1 => {
                format!("NET UNREACHABLE for packet {value} of {socket} to {peer}")
            }
            Op::Unreachable => format!("HOST UNREACHABLE for packet {value} of {socket} to {peer}"),
            Op::IcmpLost => format!("LOST what a router says of a packet to {peer}"),
            Op::ShortRead => format!("SHORT READ {value}B of {}B on {socket}", event.more),
            Op::PowerCut => "POWER CUT".into(),
            Op::Signal => Kind::ALL[value as usize].name().into(),
            Op::Violation => format!("VIOLATED {}", text()),
        }
    }

    /// What tells bytes of one length apart, where that is the seed's doing.
    fn payload(&self, event: &Event) -> String {
        if self.payload_is_opaque { "opaque".into() } else { format!("{:08x}", event.more as u32) }
    }

    fn last_name(&self, path: u32) -> String {
        let text = self.paths.text(path);
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

fn of(event: &Event) -> String {
    if event.socket == 0 { String::new() } else { format!("s{} ", event.socket) }
}

fn waited(event: &Event) -> String {
    format!("{} after {}", event.name, Ns(event.value))
}

fn with_socket(event: &Event) -> String {
    if event.socket == 0 { String::new() } else { format!(" on s{}", event.socket) }
}

/// Flags, length and position packed by [`crate::net`].
fn segment(event: &Event) -> String {
    const FLAGS: [&str; 5] = ["SYN", "FIN", "RST", "ACK", "URG"];
    let set = |bit: &usize| event.value & (1 << bit) != 0;
    let flags: Vec<&str> = (0..FLAGS.len()).filter(set).map(|bit| FLAGS[bit]).collect();
    let mut text = flags.join(",");
    let length = event.value >> 8;
    if length > 0 {
        let _ = write!(text, " {length}B at {}", event.more);
    }
    text
}

/// Nanoseconds with a unit and no needless digits: `12.5ms`.
pub(crate) struct Ns(pub(crate) u64);

impl std::fmt::Display for Ns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.write_str("0"),
            1..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "us"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => (1_000_000_000, "s"),
        };
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        let digits = format!("{:0width$}", rest, width = unit.ilog10() as usize);
        let digits = if unit == 1 { "" } else { digits.trim_end_matches('0') };
        match digits {
            "" => write!(f, "{whole}{name}"),
            digits => write!(f, "{whole}.{digits}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_no_needless_digits() {
        let shown: Vec<String> = [0, 7, 1_500, 12_500_000, 1_000_000_000, 61_000_000_001]
            .into_iter()
            .map(|ns| Ns(ns).to_string())
            .collect();
        assert_eq!(shown, ["0", "7ns", "1.5us", "12.5ms", "1s", "61.000000001s"]);
    }
}
