//! What an event counts as in the hash of a run: a number for what it is, and three more.
//!
//! Changing any of it changes every hash ever written down.

use greenroom::signal;

use super::event::{Call, Program, Schedule, Struck, Text, WaitEnd, What, Wire};
use crate::choices::{Fault, hash_bytes};
use crate::tcp::Segment;

/// What an event is. Numbers are never given to something else; 32 to 42 and those from 64 up are
/// faults' (`choices/table.rs`).
#[derive(Clone, Copy)]
#[repr(u8)]
enum Number {
    Start = 0,
    Spawn = 1,
    Exit = 2,
    Panic = 3,
    Bind = 4,
    Listen = 5,
    Connect = 6,
    /// A connection, and a pair.
    Connected = 7,
    Accept = 8,
    Read = 9,
    Write = 10,
    RecvFrom = 11,
    SendTo = 12,
    Shutdown = 13,
    Close = 14,
    Resolve = 15,
    Resolved = 16,
    Failed = 17,
    Slept = 18,
    TimedOut = 19,
    Cancelled = 20,
    Killed = 21,
    Closed = 22,
    Interrupted = 23,
    Chose = 24,
    Note = 25,
    Park = 26,
    Wake = 27,
    Run = 28,
    Segment = 29,
    Datagram = 30,
    Switch = 31,
    Violation = 38,
    Signal = 43,
    Disconnect = 46,
    Rights = 44,
    File = 47,
}

/// What is hashed of an event, beside its time and whose it is.
pub(crate) struct Digest {
    pub(super) number: u8,
    pub(super) socket: u32,
    pub(super) value: u64,
    pub(super) more: u64,
}

impl Digest {
    #[inline(always)]
    fn new(number: Number, socket: u32, value: u64, more: u64) -> Digest {
        Digest { number: number as u8, socket, value, more }
    }
}

/// What may be recorded: an event, or one of a group.
///
/// A caller knows which event it records. What is neither handed on nor dropped for good is never made, so that
/// inlining leaves of an event that is not kept the few words that are hashed.
pub(crate) trait Told: Into<What> {
    #[doc(hidden)]
    fn digested(&self) -> Digest;

    /// It is not kept.
    #[inline(always)]
    fn discard(self) {}
}

impl Told for What {
    #[inline(always)]
    fn digested(&self) -> Digest {
        self.digest()
    }
}

impl Told for Program {
    #[inline(always)]
    fn digested(&self) -> Digest {
        of_program(self)
    }
}

impl Told for Schedule {
    #[inline(always)]
    fn digested(&self) -> Digest {
        of_schedule(self)
    }
}

impl Told for Wire {
    #[inline(always)]
    fn digested(&self) -> Digest {
        of_wire(self)
    }
}

impl Told for Call {
    #[inline(always)]
    fn digested(&self) -> Digest {
        of_call(self)
    }

    #[inline(always)]
    fn discard(self) {
        match self {
            // These own nothing.
            Call::Read { .. } | Call::Write { .. } => std::mem::forget(self),
            other => drop(other),
        }
    }
}

impl What {
    /// The number of the socket it is about; 0 where it is about none.
    pub(super) fn socket(&self) -> u32 {
        self.digest().socket
    }

    // A caller knows which event it records, so that inlining leaves a few constants of all this.
    #[inline(always)]
    pub(super) fn digest(&self) -> Digest {
        match self {
            What::Program(program) => of_program(program),
            What::Call(call) => of_call(call),
            What::Schedule(schedule) => of_schedule(schedule),
            What::Wire(wire) => of_wire(wire),
            What::Fault(fault, struck) => of_fault(*fault, struck),
            What::Violation { name } => of_text(Number::Violation, name),
            What::Signal { kind } => of_signal(*kind),
        }
    }
}

#[inline(always)]
fn of_text(number: Number, text: &Text) -> Digest {
    Digest::new(number, 0, text.hash, 0)
}

#[inline(always)]
fn of_signal(kind: signal::Kind) -> Digest {
    Digest::new(Number::Signal, 0, kind as u64, 0)
}

#[inline(always)]
fn of_program(program: &Program) -> Digest {
    match program {
        Program::Start => Digest::new(Number::Start, 0, 0, 0),
        Program::Spawn { child } => Digest::new(Number::Spawn, 0, child.hash, 0),
        Program::Exit => Digest::new(Number::Exit, 0, 0, 0),
        Program::Panic => Digest::new(Number::Panic, 0, 0, 0),
        Program::Interrupted { greenlet, .. } => {
            Digest::new(Number::Interrupted, 0, greenlet.hash, 0)
        }
        Program::Chose { label, value } => Digest::new(Number::Chose, 0, *value, label.hash),
        Program::Note { text } => of_text(Number::Note, text),
    }
}

#[inline(always)]
fn of_call(call: &Call) -> Digest {
    match *call {
        Call::Bind { socket, .. } => Digest::new(Number::Bind, socket, 0, 0),
        Call::Listen { socket, backlog } => Digest::new(Number::Listen, socket, backlog.into(), 0),
        Call::Connect { socket, .. } => Digest::new(Number::Connect, socket, 0, 0),
        Call::Connected { socket } => Digest::new(Number::Connected, socket, 0, 0),
        Call::Pair { socket, other, .. } => Digest::new(Number::Connected, socket, other.into(), 0),
        Call::Accept { socket, .. } => Digest::new(Number::Accept, socket, 0, 0),
        Call::Read { socket, bytes, .. } => Digest::new(Number::Read, socket, bytes, 0),
        Call::Write { socket, bytes, payload, .. } => {
            Digest::new(Number::Write, socket, bytes, payload.0.unwrap_or(0))
        }
        Call::RecvFrom { socket, bytes, .. } => Digest::new(Number::RecvFrom, socket, bytes, 0),
        Call::SendTo { socket, bytes, payload, .. } => {
            Digest::new(Number::SendTo, socket, bytes, payload.0.unwrap_or(0))
        }
        Call::Shutdown { socket, .. } => Digest::new(Number::Shutdown, socket, 0, 0),
        Call::Disconnect { socket } => Digest::new(Number::Disconnect, socket, 0, 0),
        Call::Close { socket } => Digest::new(Number::Close, socket, 0, 0),
        Call::Rights { socket, ref passed, is_sent } => {
            let passed = passed
                .iter()
                .fold(0, |hash: u64, of| hash.wrapping_mul(31).wrapping_add(u64::from(*of) + 1));
            Digest::new(Number::Rights, socket, passed, is_sent.into())
        }
        Call::File { call, bytes } => {
            Digest::new(Number::File, 0, bytes, hash_bytes(call.as_bytes()))
        }
        Call::Resolve { ref name } => of_text(Number::Resolve, name),
        Call::Resolved { .. } => Digest::new(Number::Resolved, 0, 0, 0),
        Call::Failed { socket, error, .. } => Digest::new(Number::Failed, socket, error.0, 0),
    }
}

#[inline(always)]
fn of_schedule(schedule: &Schedule) -> Digest {
    match *schedule {
        Schedule::Park { socket, .. } => Digest::new(Number::Park, socket, 0, 0),
        Schedule::Wake { end, socket, waited, .. } => {
            let number = match end {
                WaitEnd::Event => Number::Wake,
                WaitEnd::Slept => Number::Slept,
                WaitEnd::TimedOut => Number::TimedOut,
                WaitEnd::Cancelled => Number::Cancelled,
                WaitEnd::Killed => Number::Killed,
                WaitEnd::Closed => Number::Closed,
            };
            Digest::new(number, socket, waited.0, 0)
        }
        Schedule::Run => Digest::new(Number::Run, 0, 0, 0),
        Schedule::Switch { to, unasked } => {
            Digest::new(Number::Switch, u32::from(unasked), to.hash, 0)
        }
    }
}

#[inline(always)]
fn of_wire(wire: &Wire) -> Digest {
    match wire {
        Wire::Segment { socket, segment, .. } => {
            Digest::new(Number::Segment, *socket, packed(segment), segment.seq)
        }
        Wire::Datagram { socket, bytes, .. } => Digest::new(Number::Datagram, *socket, *bytes, 0),
    }
}

#[inline(always)]
fn of_fault(fault: Fault, struck: &Struck) -> Digest {
    let row = fault.row();
    let (socket, value, more) = match *struck {
        Struck::Packet { socket, nth, .. } => (socket, nth, 0),
        Struck::Message { .. } | Struck::File { .. } | Struck::Host => (0, 0, 0),
        Struck::Read { socket, bytes, there } => (socket, bytes, there),
    };
    Digest { number: row.number, socket, value, more: more ^ row.more }
}

/// Flags in the low byte, bytes carried above.
#[inline]
fn packed(segment: &Segment) -> u64 {
    let flags = [segment.flags.syn, segment.flags.fin, segment.flags.rst, segment.flags.ack];
    let flags = flags.into_iter().chain([segment.urgent > 0]);
    let bits = flags.enumerate().fold(0, |bits, (bit, on)| bits | u64::from(on) << bit);
    bits | u64::from(segment.len) << 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::FAULTS;

    #[test]
    fn a_faults_number_is_no_other_events() {
        for (at, fault) in FAULTS.iter().map(|fault| fault.row()).enumerate() {
            let is_free = (32..=42).contains(&fault.number) || fault.number >= 64;
            assert!(is_free && fault.number != Number::Violation as u8, "{fault:?}");
            for before in &FAULTS[..at] {
                let before = before.row();
                assert_ne!((fault.number, fault.more), (before.number, before.more), "{fault:?}");
            }
        }
    }
}
