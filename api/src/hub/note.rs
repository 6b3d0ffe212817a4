//! What happens above the waist and is worth recording.

use std::panic::Location;
use std::time::Duration;

use super::{GreenletId, Io, Readiness, Tick};

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
    Io(Io, Readiness),
    /// Another greenlet's end.
    Greenlet(GreenletId),
    /// A lock that this greenlet holds.
    Held(GreenletId),
    /// Something that anybody may bring about, by the place in the program where it was made.
    Notice(Notice, &'static Location<'static>),
    /// Several of these at once; whether the world or another thread could bring one of them.
    Several(bool),
}

/// What somebody waits for who stands in no lock and at no source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An `unpark`; its place is where the greenlet waits.
    Unpark,
    /// An event to be set.
    Event,
    /// A condition to be notified.
    Condition,
    /// A message on a channel.
    Message,
    /// Room in a channel, or the receiver's taking of a message.
    ChannelRoom,
    /// A permit of a semaphore.
    Permit,
    /// An item of a queue.
    Item,
    /// Room in a queue.
    QueueRoom,
    /// That all tasks of a queue are done.
    Tasks,
    /// The others of a barrier's round.
    Barrier,
    /// A lock whose holders are not known.
    Lock,
}

impl Notice {
    /// What is waited for, in words that a place may follow.
    pub fn in_words(self) -> &'static str {
        match self {
            Notice::Unpark => "an unpark",
            Notice::Event => "the event",
            Notice::Condition => "the condition variable",
            Notice::Message => "a message on the channel",
            Notice::ChannelRoom => "room in the channel",
            Notice::Permit => "a permit of the semaphore",
            Notice::Item => "an item of the queue",
            Notice::QueueRoom => "room in the queue",
            Notice::Tasks => "the tasks of the queue",
            Notice::Barrier => "the others at the barrier",
            Notice::Lock => "the lock",
        }
    }
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
