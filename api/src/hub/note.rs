//! What happens above the waist and is worth recording.

use std::time::Duration;

use super::{GreenletId, Interest, Io, Tick};

/// Something that happened above the waist, told to [`Hub::note`](super::Hub::note).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Note<'a> {
    /// The current greenlet cannot go on: it waits in `op` on what `on` says.
    Parked(Wait),
    /// The current greenlet's wait ended so.
    Woke(Wait, WokeBy, Duration),
    /// A greenlet ended; a panic's message comes with it.
    Ended(GreenletId, Option<&'a str>),
    /// The current greenlet ended somebody's wait or kill: `cancel_wait`, `kill`.
    Struck(GreenletId, &'static str),
    /// `always!`: must hold every time.
    Always(&'static str, bool),
    /// `sometimes!`: must hold at least once over many runs.
    Sometimes(&'static str, bool),
    /// A line of the program's own.
    Text(&'a str),
}

/// What a parked greenlet waits in, and on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The call, as the user knows it: `recv`, `accept`, `join`, `lock`.
    pub op: &'static str,
    /// What it waits on.
    pub on: On,
    /// When it gives up.
    pub deadline: Option<Tick>,
}

/// What a greenlet waits on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Nothing but the clock.
    Clock,
    /// A source of the hub.
    Io(Io, Interest),
    /// Another greenlet's end.
    Greenlet(GreenletId),
    /// A lock, condition, queue or event, with who holds it where that is known.
    Sync(Option<GreenletId>),
    /// Several of these at once; whether the world or another thread could bring one of them.
    Several(bool),
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WokeBy {
    /// What was waited for.
    Event,
    /// The clock.
    Timeout,
    /// `cancel_wait`.
    Cancel,
    /// `close` of the descriptor.
    Close,
    /// `kill`.
    Kill,
}
