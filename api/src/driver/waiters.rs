//! Who waits on which source: a queue for readers, one for writers, and watchers, who all wake.

use std::collections::VecDeque;

use super::table::Ticket;
use crate::hub::{Interest, Io};

#[derive(Default)]
pub(super) struct Waiters {
    sources: Vec<Source>,
    /// How many calls ever lined up.
    lined_up: u64,
}

/// When a call first lined up: it keeps its place when it is woken and finds nothing.
pub(crate) type Place = u64;

/// Whom one report of a source concerns.
#[derive(Default)]
pub(super) struct Called {
    pub(super) watched: bool,
    pub(super) reader: Option<Ticket>,
    pub(super) writer: Option<Ticket>,
}

#[derive(Default)]
struct Source {
    io: Option<Io>,
    readers: VecDeque<(Place, Ticket)>,
    writers: VecDeque<(Place, Ticket)>,
    /// Readers and writers taken out and woken who have not run yet: still before a newcomer.
    called: [u32; 2],
    watchers: Vec<(Ticket, Interest)>,
}

impl Source {
    /// Another source has this entry from now on.
    #[cold]
    fn begin(&mut self, io: Io) {
        self.io = Some(io);
        self.readers.clear();
        self.writers.clear();
        self.called = [0; 2];
        self.watchers.clear();
    }
    fn line(&mut self, interest: Interest) -> &mut VecDeque<(Place, Ticket)> {
        if interest.reads() { &mut self.readers } else { &mut self.writers }
    }
    fn called(&mut self, interest: Interest) -> &mut u32 {
        &mut self.called[usize::from(!interest.reads())]
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
        interest: Interest,
        ticket: Ticket,
        again: Option<Place>,
    ) -> Place {
        let place = again.unwrap_or(self.lined_up);
        self.lined_up += u64::from(again.is_none());
        let line = self.source(io).line(interest);
        match line.back() {
            Some(&(last, _)) if last > place => {
                let at = line.iter().position(|&(other, _)| other > place).unwrap_or(line.len());
                line.insert(at, (place, ticket));
            }
            _ => line.push_back((place, ticket)),
        }
        place
    }

    pub(super) fn watch(&mut self, io: Io, interest: Interest, ticket: Ticket) {
        self.source(io).watchers.push((ticket, interest));
    }

    /// Whether somebody waits for a turn at this call, or was just woken to take it.
    pub(super) fn is_queued(&mut self, io: Io, interest: Interest) -> bool {
        self.find(io)
            .is_some_and(|source| *source.called(interest) > 0 || !source.line(interest).is_empty())
    }

    /// One that was taken out of the line is woken.
    pub(super) fn called(&mut self, io: Io, interest: Interest) {
        if let Some(source) = self.find(io) {
            *source.called(interest) += 1;
        }
    }

    /// It runs; answers whether others stand in its line.
    #[inline(always)]
    pub(super) fn answered(&mut self, io: Io, interest: Interest) -> bool {
        self.find(io).is_some_and(|source| {
            let called = source.called(interest);
            *called = called.saturating_sub(1);
            !source.line(interest).is_empty()
        })
    }

    /// The first reader and the first writer that this readiness is for, taken out and called, and
    /// whether there are watchers to be woken before them.
    #[inline(always)]
    pub(super) fn call_each(&mut self, io: Io, ready: Interest) -> Called {
        let Some(source) = self.find(io) else { return Called::default() };
        let mut called = Called { watched: !source.watchers.is_empty(), ..Called::default() };
        if ready.reads()
            && let Some((_, ticket)) = source.readers.pop_front()
        {
            source.called[0] += 1;
            called.reader = Some(ticket);
        }
        if ready.writes()
            && let Some((_, ticket)) = source.writers.pop_front()
        {
            source.called[1] += 1;
            called.writer = Some(ticket);
        }
        called
    }

    /// The first in line, taken out.
    pub(super) fn next(&mut self, io: Io, interest: Interest) -> Option<Ticket> {
        self.find(io)?.line(interest).pop_front().map(|(_, ticket)| ticket)
    }

    /// A watcher that this readiness wakes, taken out.
    pub(super) fn next_watcher(&mut self, io: Io, interest: Interest) -> Option<Ticket> {
        let source = self.find(io)?;
        let hit = source.watchers.iter().position(|(_, of)| !of.and(interest).is_none())?;
        Some(source.watchers.remove(hit).0)
    }

    /// Whether a watcher of this ticket and interest has not been named yet.
    pub(super) fn is_watching(&mut self, io: Io, interest: Interest, ticket: Ticket) -> bool {
        self.find(io).is_some_and(|source| source.watchers.contains(&(ticket, interest)))
    }

    pub(super) fn remove(&mut self, io: Io, ticket: Ticket) {
        if let Some(source) = self.find(io) {
            source.readers.retain(|&(_, queued)| queued != ticket);
            source.writers.retain(|&(_, queued)| queued != ticket);
            source.watchers.retain(|&(queued, _)| queued != ticket);
        }
    }
}
