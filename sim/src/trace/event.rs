//! An event: one thing that happened on one host, with all that a renderer has to know of it.
//!
//! Greenlets and hosts stand in it by number; the [`Log`](super::Log) has their names. Sockets have the
//! numbers that their host gave them, from 1; 0 is none.

use std::net::{IpAddr, Shutdown, SocketAddr};

use greenroom::signal;

use super::ErrorCode;
use crate::choices::{Fault, Ns, hash_bytes};
use crate::tcp::Segment;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at_ns: u64,
    pub(crate) host: u16,
    /// The path of the greenlet that did it; `None` for what the world did by itself.
    pub(crate) greenlet: Option<u32>,
    /// How many deviations there were before it.
    pub(crate) deviations: u32,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Program(Program),
    Call(Call),
    Schedule(Schedule),
    Wire(Wire),
    Fault(Fault, Struck),
    /// A property that does not hold.
    Violation {
        name: Text,
    },
    Signal {
        kind: signal::Kind,
    },
}

/// What a program did beside its calls.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    Start,
    Spawn {
        child: PathRef,
    },
    Exit,
    Panic,
    /// Ended another greenlet, or its wait: `how` names the call.
    Interrupted {
        how: &'static str,
        greenlet: PathRef,
    },
    Chose {
        label: Text,
        value: u64,
    },
    Note {
        text: Text,
    },
}

/// A call that returned.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Bind {
        socket: u32,
        local: Endpoint,
    },
    Listen {
        socket: u32,
        backlog: u32,
    },
    Connect {
        socket: u32,
        peer: Endpoint,
    },
    Connected {
        socket: u32,
    },
    /// Two sockets or ends of a pipe that were made at once.
    Pair {
        call: &'static str,
        socket: u32,
        other: u32,
    },
    Accept {
        socket: u32,
        peer: Endpoint,
    },
    Read {
        socket: u32,
        bytes: u64,
        is_urgent: bool,
    },
    Write {
        socket: u32,
        bytes: u64,
        payload: Payload,
        is_urgent: bool,
    },
    RecvFrom {
        socket: u32,
        bytes: u64,
        from: Endpoint,
    },
    SendTo {
        socket: u32,
        bytes: u64,
        payload: Payload,
        to: Endpoint,
    },
    Shutdown {
        socket: u32,
        how: Shutdown,
    },
    Disconnect {
        socket: u32,
    },
    Close {
        socket: u32,
    },
    /// Descriptors of other sockets that go, or came, with a message.
    Rights {
        socket: u32,
        passed: Box<[u32]>,
        is_sent: bool,
    },
    /// An operation on files that is over.
    File {
        call: &'static str,
        bytes: u64,
    },
    Resolve {
        name: Text,
    },
    Resolved {
        first: IpAddr,
    },
    Failed {
        call: &'static str,
        socket: u32,
        error: ErrorCode,
    },
}

/// Who runs, and who waits.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Park {
        call: &'static str,
        socket: u32,
    },
    Wake {
        end: WaitEnd,
        call: &'static str,
        socket: u32,
        waited: Ns,
    },
    Run,
    /// Another greenlet runs, where this one would have; `unasked` where it was about to make a call that
    /// need not wait.
    Switch {
        to: PathRef,
        unasked: bool,
    },
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitEnd {
    /// What was waited for came.
    Event,
    /// The time of a sleep was up.
    Slept,
    TimedOut,
    Cancelled,
    Killed,
    /// The descriptor was closed.
    Closed,
}

/// What left a host, of a socket or (a reset) of the host itself, by its path: one that was not accepted
/// yet has no number.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "in text a lane says where it is from; other renderers have no lanes")]
pub(crate) enum Wire {
    Segment { socket: u32, path: u32, from: SocketAddr, to: SocketAddr, segment: Segment },
    Datagram { socket: u32, path: u32, from: SocketAddr, to: SocketAddr, bytes: u64 },
}

/// What a fault struck.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Struck {
    /// A socket's `nth` packet; 0 for one that its host sent without a socket.
    Packet {
        socket: u32,
        /// The path of the socket, or of the host.
        path: u32,
        nth: u64,
        to: SocketAddr,
    },
    /// An ICMP message about a packet to `to`.
    Message {
        to: SocketAddr,
    },
    /// A read that returned `bytes` of those that were there.
    Read {
        socket: u32,
        bytes: u64,
        there: u64,
    },
    /// A file or directory, by its path among the run's.
    File {
        path: u32,
    },
    Host,
}

/// Where a call leads: an address of the internet, or the name of a Unix socket (empty where events
/// are not kept).
#[derive(Clone, Debug)]
pub(crate) enum Endpoint {
    Inet(SocketAddr),
    Unix(Box<str>),
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint::Inet(address)
    }
}

/// A path of this run, and its hash, which is the same in every run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathRef {
    pub(crate) path: u32,
    pub(crate) hash: u64,
}

/// A hash of bytes that were sent; `None` where they are opaque.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload(pub(crate) Option<u64>);

/// A text: its hash, and the text itself where events are kept.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(super) hash: u64,
    text: Box<str>,
}

impl Text {
    pub(super) fn new(text: &str, is_kept: bool) -> Text {
        let hash = hash_bytes(text.as_bytes());
        Text { hash, text: if is_kept { text.into() } else { Box::default() } }
    }
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

macro_rules! into_what {
    ($($group:ident),*) => {$(
        impl From<$group> for What {
            #[inline(always)]
            fn from(group: $group) -> What {
                What::$group(group)
            }
        }
    )*};
}

into_what!(Program, Call, Schedule, Wire);
