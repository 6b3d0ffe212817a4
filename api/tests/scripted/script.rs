//! What may happen in the scripted world, and when it does.

use std::collections::BTreeMap;

use greenroom::hub::{How, Io};

/// One thing that happens. A port is one of the scripted peer's.
#[derive(Clone, Debug)]
pub enum Event {
    /// Bytes arrive on the stream connected to this port.
    Bytes(u16, Vec<u8>),
    /// The peer ends its side of the stream.
    Eof(u16),
    /// The peer resets the stream.
    Reset(u16),
    /// The peer takes so many bytes more.
    Room(u16, usize),
    /// The stream is named though nothing happened.
    Spurious(u16),
    /// The peer connects to the listener on this local port.
    Dial(u16),
    /// A connect or a query is done.
    Connected(Io),
    /// A host comes up.
    Start(u32),
    /// The greenlet of this name ends.
    End(String, How),
    /// Every greenlet of a host is left as it stands.
    PowerCut(u32),
    /// Every greenlet of a host is unwound.
    Exit(u32),
    /// The hub itself is at fault.
    Panic,
    /// A host's greenlets get no turns.
    Pause(u32),
    /// They do again.
    Resume(u32),
    /// A host's calendar clock is set forward by so many milliseconds.
    StepClock(u32, i64),
}

/// What will happen, by time and then in the order it was written down.
#[derive(Default)]
pub(super) struct Agenda {
    events: BTreeMap<(u64, u64), Event>,
    written: u64,
}

impl Agenda {
    pub(super) fn add(&mut self, at: u64, event: Event) {
        self.written += 1;
        self.events.insert((at, self.written), event);
    }
    pub(super) fn next(&self) -> Option<u64> {
        self.events.keys().next().map(|&(at, _)| at)
    }
    pub(super) fn take_due(&mut self, now: u64) -> Option<Event> {
        let first = self.events.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}
