//! Who waits on which source: a queue for readers, one for writers, and watchers, who all wake.
//!
//! One reader and one writer is the rule, so the first of each line stands in the source itself: one
//! line of the cache holds all that an event touches here.

use super::crowd::{Arrival, Crowd};
use super::ticket::Ticket;
use crate::hub::{GreenletId, Io, Readiness};

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
#[derive(Clone, Copy)]
pub(super) struct Queued {
    pub(super) place: Arrival,
    pub(super) greenlet: GreenletId,
    called: bool,
}

/// Those who wait to read, or to write: the first of them, and the others, of whom there are none
/// where there is no first.
struct Line<'a> {
    first: &'a mut Option<Queued>,
    crowd: &'a mut Option<Box<Crowds>>,
    interest: Readiness,
}

impl Line<'_> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The others, where any were since the source was made.
    #[inline]
    fn others(&mut self) -> Option<&mut Crowd<Queued>> {
        let crowd = self.crowd.as_mut()?;
        Some(if self.interest.is_readable() { &mut crowd.readers } else { &mut crowd.writers })
    }

    /// Comes where others stand.
    fn enter(&mut self, mut queued: Queued) {
        if let Some(first) = self.first.as_mut().filter(|first| first.place > queued.place) {
            std::mem::swap(first, &mut queued);
        }
        self.crowd.get_or_insert_default();
        self.others().expect("just made").enter(queued.place, queued);
    }

    /// Calls the first who has not been called.
    #[inline(always)]
    fn call_first(&mut self) -> Option<Queued> {
        let first = self.first.as_mut()?;
        let called = if first.called { self.find_uncalled()? } else { first };
        called.called = true;
        Some(*called)
    }

    #[cold]
    fn find_uncalled(&mut self) -> Option<&mut Queued> {
        let mut others = self.others()?.iter_mut().map(|(_, queued)| queued);
        others.find(|queued| !queued.called)
    }

    #[inline(always)]
    fn leave(&mut self, place: Arrival) -> Option<Left> {
        let first = self.first.as_ref()?.place == place;
        let queued = if first { self.pop()? } else { self.others()?.leave(place)? };
        Some(Left { called: queued.called, first, others: !self.is_empty() })
    }

    /// Who stands before this place.
    fn before(&mut self, place: Arrival) -> Before {
        match self.first.filter(|first| first.place < place) {
            None => return Before::Nobody,
            Some(first) if first.called => return Before::SomeCalled,
            Some(_) => {}
        }
        let others = self.others().into_iter().flat_map(|others| others.iter());
        let mut before = others.take_while(|(other, _)| *other < place);
        if before.any(|(_, other)| other.called) { Before::SomeCalled } else { Before::NoneCalled }
    }

    /// The first, taken out.
    #[inline]
    fn pop(&mut self) -> Option<Queued> {
        let first = self.first.take()?;
        if self.crowd.is_some() {
            *self.first = self.others().and_then(Crowd::pop_first).map(|(_, queued)| queued);
        }
        Some(first)
    }
}

/// Whom one report of a source concerns.
#[derive(Default)]
pub(super) struct Called {
    pub(super) watched: bool,
    pub(super) reader: Option<Queued>,
    pub(super) writer: Option<Queued>,
}

#[derive(Default)]
#[repr(align(64))]
struct Source {
    io: Option<Io>,
    reader: Option<Queued>,
    writer: Option<Queued>,
    crowd: Option<Box<Crowds>>,
}

const _: () = assert!(size_of::<Source>() == 64, "one line");

/// Who else waits on a source, and who watches it.
#[derive(Default)]
struct Crowds {
    readers: Crowd<Queued>,
    writers: Crowd<Queued>,
    watchers: Crowd<(Ticket, Readiness)>,
}

impl Source {
    /// Another source has this entry from now on.
    #[cold]
    fn begin(&mut self, io: Io) {
        *self = Source { io: Some(io), ..Source::default() };
    }
    #[cold]
    #[inline(never)]
    fn enter_crowd(&mut self, interest: Readiness, queued: Queued) {
        self.line(interest).enter(queued);
    }
    fn is_watched(&self) -> bool {
        self.crowd.as_ref().is_some_and(|crowd| !crowd.watchers.is_empty())
    }
    #[inline(always)]
    fn line(&mut self, interest: Readiness) -> Line<'_> {
        let first = if interest.is_readable() { &mut self.reader } else { &mut self.writer };
        Line { first, crowd: &mut self.crowd, interest }
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
        greenlet: GreenletId,
        place: &mut Arrival,
    ) {
        if *place == 0 {
            self.lined_up += 1;
            *place = self.lined_up;
        }
        let queued = Queued { place: *place, greenlet, called: false };
        let source = self.source(io);
        let first = if interest.is_readable() { &mut source.reader } else { &mut source.writer };
        match first {
            None => *first = Some(queued),
            Some(_) => source.enter_crowd(interest, queued),
        }
    }

    /// Has every report of this source wake the wait of this ticket; returns by what it is taken off.
    pub(super) fn watch(&mut self, io: Io, interest: Readiness, ticket: Ticket) -> Arrival {
        self.lined_up += 1;
        let watch = self.lined_up;
        let crowd = self.source(io).crowd.get_or_insert_default();
        crowd.watchers.enter(watch, (ticket, interest));
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

    /// Who was called leaves its line; whether others stand there.
    #[inline(always)]
    pub(super) fn served(&mut self, io: Io, interest: Readiness, place: Arrival) -> bool {
        let Some(source) = self.find(io) else { return false };
        if source.crowd.is_some() {
            return self.leave((io, interest, place)).is_some_and(|left| left.others);
        }
        let alone = if interest.is_readable() { &mut source.reader } else { &mut source.writer };
        alone.take_if(|queued| queued.place == place);
        false
    }

    /// The first reader and the first writer that this readiness is for, called, and whether there
    /// are watchers to be woken before them.
    #[inline(always)]
    pub(super) fn call_each(&mut self, io: Io, ready: Readiness) -> Called {
        let Some(source) = self.find(io) else { return Called::default() };
        let mut called = Called { watched: source.is_watched(), ..Called::default() };
        if ready.is_readable() {
            called.reader = source.line(Readiness::READ).call_first();
        }
        if ready.is_writable() {
            called.writer = source.line(Readiness::WRITE).call_first();
        }
        called
    }

    /// The first in line who has not been called, called.
    pub(super) fn call(&mut self, io: Io, interest: Readiness) -> Option<Queued> {
        self.find(io)?.line(interest).call_first()
    }

    /// The first in line, taken out.
    pub(super) fn next(&mut self, io: Io, interest: Readiness) -> Option<Queued> {
        self.find(io)?.line(interest).pop()
    }

    /// The watchers that this readiness wakes, taken out.
    pub(super) fn watchers(&mut self, io: Io, ready: Readiness) -> Vec<Ticket> {
        let Some(crowd) = self.find(io).and_then(|source| source.crowd.as_mut()) else {
            return Vec::new();
        };
        let woken = crowd.watchers.extract(|(_, of)| !of.and(ready).is_none());
        woken.into_iter().map(|(ticket, _)| ticket).collect()
    }

    pub(super) fn unwatch(&mut self, io: Io, watch: Arrival) {
        if let Some(crowd) = self.find(io).and_then(|source| source.crowd.as_mut()) {
            crowd.watchers.leave(watch);
        }
    }
}
