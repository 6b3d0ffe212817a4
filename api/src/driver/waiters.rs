//! Who waits on which source: a queue for readers, one for writers, and watchers, who all wake.

use super::crowd::{Arrival, Crowd};
use super::ticket::Ticket;
use crate::hub::{Io, Readiness};

#[derive(Default)]
pub(super) struct Waiters {
    sources: Vec<Source>,
    /// How many calls ever lined up.
    lined_up: u64,
}

/// Where a call stands: in which line, and since when.
pub(crate) type Standing = (Io, Readiness, Arrival);

/// How a call left its line.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    /// It had been called: an event was given to it.
    pub(crate) called: bool,
    /// It was the first.
    pub(crate) first: bool,
    /// Others stand there still.
    pub(crate) others: bool,
}

/// Who stands in line before a call.
pub(super) enum Before {
    Nobody,
    /// Somebody who was called and has not run yet, perhaps among others.
    SomeCalled,
    NoneCalled,
}

/// A call in line. It keeps its place when it is called, until its greenlet runs: till then it is
/// still before every newcomer.
struct Queued {
    ticket: Ticket,
    called: bool,
}

/// Those who wait to read, or to write.
#[derive(Default)]
struct Line {
    queued: Crowd<Queued>,
    /// How many of them were called.
    called: usize,
}

impl Line {
    #[inline]
    fn is_empty(&self) -> bool {
        self.queued.is_empty()
    }

    /// Calls the first who has not been called.
    #[inline(always)]
    fn call_first(&mut self) -> Option<(Arrival, Ticket)> {
        // Nobody else was called, nearly always.
        let (place, first) = match self.called {
            0 => self.queued.first_mut()?,
            _ => self.queued.iter_mut().find(|(_, queued)| !queued.called)?,
        };
        first.called = true;
        self.called += 1;
        Some((place, first.ticket))
    }

    #[inline(always)]
    fn leave(&mut self, place: Arrival) -> Option<Left> {
        let first = self.queued.first()?.0 == place;
        let queued = if first { self.queued.pop_first()?.1 } else { self.queued.leave(place)? };
        self.called -= usize::from(queued.called);
        Some(Left { called: queued.called, first, others: !self.queued.is_empty() })
    }

    /// Who stands before this place.
    fn before(&self, place: Arrival) -> Before {
        let mut before = self.queued.iter().take_while(|(other, _)| *other < place);
        match before.next() {
            None => Before::Nobody,
            Some((_, first)) if first.called => Before::SomeCalled,
            Some(_) if self.called > 0 && before.any(|(_, other)| other.called) => {
                Before::SomeCalled
            }
            Some(_) => Before::NoneCalled,
        }
    }

    /// The first, taken out.
    fn pop(&mut self) -> Option<Ticket> {
        let (_, queued) = self.queued.pop_first()?;
        self.called -= usize::from(queued.called);
        Some(queued.ticket)
    }

    fn clear(&mut self) {
        self.queued.clear();
        self.called = 0;
    }
}

/// Whom one report of a source concerns.
#[derive(Default)]
pub(super) struct Called {
    pub(super) watched: bool,
    pub(super) reader: Option<(Arrival, Ticket)>,
    pub(super) writer: Option<(Arrival, Ticket)>,
}

#[derive(Default)]
struct Source {
    io: Option<Io>,
    readers: Line,
    writers: Line,
    watchers: Crowd<(Ticket, Readiness)>,
}

impl Source {
    /// Another source has this entry from now on.
    #[cold]
    fn begin(&mut self, io: Io) {
        self.io = Some(io);
        self.readers.clear();
        self.writers.clear();
        self.watchers.clear();
    }
    fn line(&mut self, interest: Readiness) -> &mut Line {
        if interest.is_readable() { &mut self.readers } else { &mut self.writers }
    }
}

impl Waiters {
    #[inline(always)]
    fn source(&mut self, io: Io) -> &mut Source {
        let index = io.index();
        if self.sources.len() <= index {
            self.make_room(index);
        }
        let source = &mut self.sources[index];
        if source.io != Some(io) {
            source.begin(io);
        }
        source
    }

    #[cold]
    fn make_room(&mut self, index: usize) {
        self.sources.resize_with(index + 1, Source::default);
    }

    #[inline(always)]
    fn find(&mut self, io: Io) -> Option<&mut Source> {
        self.sources.get_mut(io.index()).filter(|source| source.io == Some(io))
    }

    /// Lines a call up: last, or in its old place when it was woken and found nothing.
    #[inline(always)]
    pub(super) fn queue(
        &mut self,
        io: Io,
        interest: Readiness,
        ticket: Ticket,
        again: Option<Arrival>,
    ) -> Arrival {
        let place = again.unwrap_or(self.lined_up);
        self.lined_up += u64::from(again.is_none());
        let queued = Queued { ticket, called: false };
        self.source(io).line(interest).queued.enter(place, queued);
        place
    }

    /// Has every report of this source wake the wait of this ticket; returns by what it is taken off.
    pub(super) fn watch(&mut self, io: Io, interest: Readiness, ticket: Ticket) -> Arrival {
        let watch = self.lined_up;
        self.lined_up += 1;
        self.source(io).watchers.enter(watch, (ticket, interest));
        watch
    }

    /// Whether somebody waits for a turn at this call, or was just woken to take it.
    pub(super) fn is_queued(&mut self, io: Io, interest: Readiness) -> bool {
        self.find(io).is_some_and(|source| !source.line(interest).is_empty())
    }

    /// Who stands before this call in its line.
    pub(super) fn before(&mut self, (io, interest, place): Standing) -> Before {
        self.find(io).map_or(Before::Nobody, |source| source.line(interest).before(place))
    }

    /// A call leaves its line, if it stands there still.
    #[inline(always)]
    pub(super) fn leave(&mut self, (io, interest, place): Standing) -> Option<Left> {
        self.find(io)?.line(interest).leave(place)
    }

    /// The first reader and the first writer that this readiness is for, called, and whether there
    /// are watchers to be woken before them.
    #[inline(always)]
    pub(super) fn call_each(&mut self, io: Io, ready: Readiness) -> Called {
        let Some(source) = self.find(io) else { return Called::default() };
        let mut called = Called { watched: !source.watchers.is_empty(), ..Called::default() };
        if ready.is_readable() {
            called.reader = source.readers.call_first();
        }
        if ready.is_writable() {
            called.writer = source.writers.call_first();
        }
        called
    }

    /// The first in line who has not been called, called.
    pub(super) fn call(&mut self, io: Io, interest: Readiness) -> Option<(Arrival, Ticket)> {
        self.find(io)?.line(interest).call_first()
    }

    /// The first in line, taken out.
    pub(super) fn next(&mut self, io: Io, interest: Readiness) -> Option<Ticket> {
        self.find(io)?.line(interest).pop()
    }

    /// The watchers that this readiness wakes, taken out.
    pub(super) fn watchers(&mut self, io: Io, ready: Readiness) -> Vec<Ticket> {
        let Some(source) = self.find(io) else { return Vec::new() };
        let woken = source.watchers.extract(|(_, of)| !of.and(ready).is_none());
        woken.into_iter().map(|(ticket, _)| ticket).collect()
    }

    pub(super) fn unwatch(&mut self, io: Io, watch: Arrival) {
        if let Some(source) = self.find(io) {
            source.watchers.leave(watch);
        }
    }
}
