//! What happened: every event of a run, hashed always, kept only when somebody will read it.
//!
//! An event says all there is to say of what happened (`trace/event.rs`). What is hashed of it stands
//! in `trace/hash.rs`; `trace/text.rs` renders it. Where events are not kept none is made: a caller
//! knows which event it records, so only the hash is left of it.

pub(crate) mod event;

mod context;
mod described;
mod errno;
mod hash;
mod log;
pub(crate) mod names;
mod style;
mod text;
mod words;

use serde::{Deserialize, Serialize};

use crate::choices::{hash_payload, mix};
use event::{Event, PathRef, Payload, Schedule, Text, WaitEnd, What};

pub(crate) use errno::ErrorCode;
pub use errno::error_name;
use hash::Digest;
pub(crate) use hash::Told;
pub use log::Log;
use names::Names;
pub use style::{PayloadAs, Style};

/// How much of a run a trace shows. Each level holds those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// What deviated from the boring run, and how it ended.
    Faults,
    /// What each call of the programs returned.
    Api,
    /// Every wait and every turn.
    Sched,
    /// Every segment and datagram, with the calls but without the turns.
    Wire,
}

impl Level {
    /// The level of this name.
    pub fn by_name(name: &str) -> Option<Level> {
        Some(match name {
            "faults" => Level::Faults,
            "api" => Level::Api,
            "sched" => Level::Sched,
            "wire" => Level::Wire,
            _ => return None,
        })
    }
    /// The names [`by_name`](Level::by_name) knows.
    pub const NAMES: [&'static str; 4] = ["faults", "api", "sched", "wire"];
}

impl Level {
    fn shows(self, what: &What) -> bool {
        match what.level() {
            Level::Faults => true,
            Level::Api => self != Level::Faults,
            other => self == other,
        }
    }
}

impl What {
    fn level(&self) -> Level {
        match self {
            What::Schedule(Schedule::Park { .. } | Schedule::Run) => Level::Sched,
            What::Schedule(Schedule::Wake { end: WaitEnd::Event, .. }) => Level::Sched,
            What::Schedule(Schedule::Wake { .. }) | What::Program(_) | What::Call(_) => Level::Api,
            What::Wire(_) => Level::Wire,
            What::Schedule(Schedule::Switch { .. }) => Level::Faults,
            What::Fault(..) | What::Violation { .. } | What::Signal { .. } => Level::Faults,
        }
    }
}

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
    pub(crate) events: Option<Vec<Event>>,
    /// What sockets are called in them.
    pub(crate) names: Names,
    /// The first bytes of what events sent or received, by the number of the event.
    pub(crate) payloads: Vec<(usize, Box<[u8]>)>,
}

impl Recorder {
    pub(crate) fn new(hosts: usize, keeps_events: bool) -> Recorder {
        Recorder {
            per_host: vec![0; hosts],
            events: keeps_events.then(Vec::new),
            ..Recorder::default()
        }
    }

    /// Records what happened on a host, by a greenlet if one did it, after so many deviations.
    #[inline(always)]
    pub(crate) fn record(
        &mut self,
        at_ns: u64,
        host: u16,
        by: Option<PathRef>,
        what: impl Told,
        deviations: usize,
    ) {
        let Digest { number, socket, value, more } = what.digested();
        let number = u64::from(socket) << 8 | u64::from(number);
        let by_hash = by.map_or(0, |by| by.hash);
        self.take_in(host, at_ns ^ by_hash, number.rotate_left(32) ^ value, more);
        if self.events.is_some() {
            let (deviations, what) = (deviations as u32, what.into());
            self.keep(Event { at_ns, host, greenlet: by.map(|by| by.path), deviations, what });
        } else {
            what.discard();
        }
    }

    #[inline(always)]
    fn take_in(&mut self, host: u16, when: u64, what: u64, more: u64) {
        self.count += 1;
        let word = mix(when, what);
        let of_host = &mut self.per_host[usize::from(host)];
        *of_host = mix(*of_host, word ^ more);
        self.hash = mix(self.hash, *of_host);
    }

    #[cold]
    #[inline(never)]
    fn keep(&mut self, event: Event) {
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }

    /// A socket of a host has this name from now on; see [`Names::give`].
    pub(crate) fn name_socket(&mut self, host: u16, number: u32, path: u32, is_first: bool) {
        if let Some(events) = &self.events {
            self.names.give(events.len(), (host, number), path, is_first);
        }
    }

    /// The event that is recorded next sends or receives these bytes.
    #[inline]
    pub(crate) fn carry(&mut self, bytes: &[u8]) {
        if let Some(events) = &self.events
            && !bytes.is_empty()
        {
            let head = &bytes[..bytes.len().min(style::HEAD_MAX + 1)];
            self.payloads.push((events.len(), head.into()));
        }
    }

    /// Whether events are kept, so that their texts are worth making.
    pub(crate) fn keeps_events(&self) -> bool {
        self.events.is_some()
    }

    /// What stands for bytes that are sent, in the event that is recorded next.
    #[inline]
    pub(crate) fn payload(&mut self, bytes: &[u8]) -> Payload {
        self.carry(bytes);
        Payload((!self.payload_is_opaque).then(|| hash_payload(bytes)))
    }

    /// A text for an event.
    pub(crate) fn text(&self, text: &str) -> Text {
        Text::new(text, self.keeps_events())
    }

    /// The hash of the whole run.
    pub(crate) fn hash(&self) -> u64 {
        mix(self.hash, self.count)
    }

    /// The hash of each host's events.
    pub(crate) fn host_hashes(&self) -> &[u64] {
        &self.per_host
    }
}
