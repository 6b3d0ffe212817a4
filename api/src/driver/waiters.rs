//! Who waits on which source: a queue for readers, one for writers, and watchers, who all wake.

use std::collections::VecDeque;

use super::ticket::Ticket;
use crate::hub::{Io, Readiness};

#[derive(Default)]
pub(super) struct Waiters {
    sources: Vec<Source>,
    /// How many calls ever lined up.
    lined_up: u64,
}

/// When a call first lined up: it keeps its place when it is woken and finds nothing.
pub(crate) type Arrival = u64;

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
    place: Arrival,
    ticket: Ticket,
    called: bool,
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
    readers: VecDeque<Queued>,
    writers: VecDeque<Queued>,
    watchers: Vec<(Ticket, Readiness)>,
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
    fn line(&mut self, interest: Readiness) -> &mut VecDeque<Queued> {
        if interest.is_readable() { &mut self.readers } else { &mut self.writers }
    }
}

/// Calls the first who has not been called.
#[inline(always)]
fn call_first(line: &mut VecDeque<Queued>) -> Option<(Arrival, Ticket)> {
    let first = line.iter_mut().find(|queued| !queued.called)?;
    first.called = true;
    Some((first.place, first.ticket))
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
        let queued = Queued { place, ticket, called: false };
        let line = self.source(io).line(interest);
        match line.back() {
            Some(last) if last.place > place => {
                let at = line.partition_point(|other| other.place < place);
                line.insert(at, queued);
            }
            _ => line.push_back(queued),
        }
        place
    }

    pub(super) fn watch(&mut self, io: Io, interest: Readiness, ticket: Ticket) {
        self.source(io).watchers.push((ticket, interest));
    }

    /// Whether somebody waits for a turn at this call, or was just woken to take it.
    pub(super) fn is_queued(&mut self, io: Io, interest: Readiness) -> bool {
        self.find(io).is_some_and(|source| !source.line(interest).is_empty())
    }

    /// Who stands before this call in its line.
    pub(super) fn before(&mut self, (io, interest, place): Standing) -> Before {
        let Some(source) = self.find(io) else { return Before::Nobody };
        let mut before = source.line(interest).iter().take_while(|other| other.place < place);
        match before.next() {
            None => Before::Nobody,
            Some(first) if first.called || before.any(|other| other.called) => Before::SomeCalled,
            Some(_) => Before::NoneCalled,
        }
    }

    /// A call leaves its line, if it stands there still.
    #[inline(always)]
    pub(super) fn leave(&mut self, (io, interest, place): Standing) -> Option<Left> {
        let line = self.find(io)?.line(interest);
        // It is the first in line who leaves, nearly always.
        let (first, queued) = match line.front() {
            Some(queued) if queued.place == place => (true, line.pop_front()?),
            _ => {
                let at = line.iter().position(|queued| queued.place == place)?;
                (false, line.remove(at)?)
            }
        };
        Some(Left { called: queued.called, first, others: !line.is_empty() })
    }

    /// The first reader and the first writer that this readiness is for, called, and whether there
    /// are watchers to be woken before them.
    #[inline(always)]
    pub(super) fn call_each(&mut self, io: Io, ready: Readiness) -> Called {
        let Some(source) = self.find(io) else { return Called::default() };
        let mut called = Called { watched: !source.watchers.is_empty(), ..Called::default() };
        if ready.is_readable() {
            called.reader = call_first(&mut source.readers);
        }
        if ready.is_writable() {
            called.writer = call_first(&mut source.writers);
        }
        called
    }

    /// The first in line who has not been called, called.
    pub(super) fn call(&mut self, io: Io, interest: Readiness) -> Option<(Arrival, Ticket)> {
        call_first(self.find(io)?.line(interest))
    }

    /// The first in line, taken out.
    pub(super) fn next(&mut self, io: Io, interest: Readiness) -> Option<Ticket> {
        self.find(io)?.line(interest).pop_front().map(|queued| queued.ticket)
    }

    /// A watcher that this readiness wakes, taken out.
    pub(super) fn next_watcher(&mut self, io: Io, interest: Readiness) -> Option<Ticket> {
        let source = self.find(io)?;
        let hit = source.watchers.iter().position(|(_, of)| !of.and(interest).is_none())?;
        Some(source.watchers.remove(hit).0)
    }

    pub(super) fn unwatch(&mut self, io: Io, ticket: Ticket) {
        if let Some(source) = self.find(io) {
            source.watchers.retain(|&(watcher, _)| watcher != ticket);
        }
    }
}
