//! What happened: every event of a run, hashed always, kept only when somebody will read it.
//!
//! The text is made in `trace/text.rs`. An event holds numbers and no text of its own, so that
//! recording costs a few instructions and hashing a few more.

mod errno;
mod text;

use std::net::SocketAddr;

use crate::choices::{hash_bytes, mix};

pub use errno::error_name;
pub(crate) use errno::{code_of, name_of};
pub use text::Lanes;
pub(crate) use text::Ns;

/// How much of a run a trace shows. Each level holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What deviated from the boring run, and how it ended.
    Faults,
    /// What each call of the programs answered.
    Api,
    /// Every wait and every turn.
    Sched,
    /// Every segment and datagram, with the calls but without the turns.
    Wire,
}

impl Level {
    /// The level of this name.
    pub fn named(name: &str) -> Option<Level> {
        Some(match name {
            "faults" => Level::Faults,
            "api" => Level::Api,
            "sched" => Level::Sched,
            "wire" => Level::Wire,
            _ => return None,
        })
    }
    /// The names [`named`](Level::named) knows.
    pub const NAMES: [&'static str; 4] = ["faults", "api", "sched", "wire"];

    fn shows(self, op: Op) -> bool {
        match op.level() {
            Level::Faults => true,
            Level::Api => self != Level::Faults,
            other => self == other,
        }
    }
}

/// What an event is. The numbers beside it mean what `trace/text.rs` prints them as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Op {
    // What the programs did.
    Start,
    Spawn,
    Exit,
    Panic,
    Bind,
    Listen,
    Connect,
    Connected,
    Accept,
    Read,
    Write,
    RecvFrom,
    SendTo,
    Shutdown,
    Close,
    Resolve,
    Resolved,
    Failed,
    Slept,
    TimedOut,
    Cancelled,
    Killed,
    ClosedUnder,
    Struck,
    Choose,
    Note,
    // Turns.
    Park,
    Wake,
    Run,
    // The wire.
    Segment,
    Datagram,
    // What was not boring.
    Switch,
    Lost,
    Duplicated,
    Overtaken,
    CutOff,
    ShortRead,
    PowerCut,
    Violation,
    QueueFull,
    TooBig,
    Unreachable,
    IcmpLost,
    Signal,
}

impl Op {
    fn level(self) -> Level {
        match self {
            Op::Park | Op::Wake | Op::Run => Level::Sched,
            Op::Segment | Op::Datagram => Level::Wire,
            _ if self as u8 >= Op::Switch as u8 => Level::Faults,
            _ => Level::Api,
        }
    }
    fn mark(self) -> &'static str {
        match self {
            Op::Switch => ">",
            Op::Note => "*",
            _ if self.level() == Level::Faults => "!",
            _ => "",
        }
    }
}

/// One thing that happened on one host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) at_ns: u64,
    pub(crate) host: u16,
    pub(crate) op: Op,
    /// The path of the greenlet that did it; `NOBODY` for the world.
    pub(crate) greenlet: u32,
    /// The host's number of the socket concerned; 0 for none.
    pub(crate) socket: u32,
    pub(crate) value: u64,
    pub(crate) more: u64,
    /// A path or a text the line mentions, by its number in this run; its hash is in `value`.
    pub(crate) refers: u32,
    pub(crate) peer: Option<SocketAddr>,
    /// What a call is called.
    pub(crate) name: &'static str,
}

/// The greenlet of events that no greenlet caused.
pub(crate) const NOBODY: u32 = u32::MAX;

/// The hash of a run and, if asked for, its events.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    hash: u64,
    per_host: Vec<u64>,
    /// The bytes that programs send do not count: no seed decides them.
    pub(crate) payload_is_opaque: bool,
    /// How many events there were.
    pub(crate) count: u64,
    /// The events, if somebody will read them.
    pub(crate) log: Option<Vec<Event>>,
    /// Texts that events refer to by number.
    pub(crate) texts: Vec<String>,
}

impl Recorder {
    pub(crate) fn new(hosts: usize, keeps_events: bool) -> Recorder {
        Recorder {
            per_host: vec![0; hosts],
            log: keeps_events.then(Vec::new),
            ..Recorder::default()
        }
    }

    /// Takes an event; `greenlet_hash` is what stays the same in every run.
    #[inline]
    pub(crate) fn record(&mut self, event: Event, greenlet_hash: u64) {
        self.count += 1;
        let what = u64::from(event.socket) << 8 | event.op as u64;
        let word = mix(event.at_ns ^ greenlet_hash, what.rotate_left(32) ^ event.value);
        let host = &mut self.per_host[usize::from(event.host)];
        *host = mix(*host, word ^ event.more);
        self.hash = mix(self.hash, *host);
        if let Some(log) = &mut self.log {
            log.push(event);
        }
    }

    /// What stands for bytes that were sent.
    pub(crate) fn hash_of_payload(&self, bytes: &[u8]) -> u64 {
        if self.payload_is_opaque { 0 } else { hash_bytes(bytes) }
    }

    /// Keeps a text where somebody will read it; answers its number.
    pub(crate) fn keep_text(&mut self, text: &str) -> u32 {
        if self.log.is_none() {
            return 0;
        }
        self.texts.push(text.to_owned());
        self.texts.len() as u32 - 1
    }

    /// The hash of the whole run.
    pub(crate) fn hash(&self) -> u64 {
        mix(self.hash, self.count)
    }

    /// The hash of each host's part.
    pub(crate) fn host_hashes(&self) -> &[u64] {
        &self.per_host
    }
}
