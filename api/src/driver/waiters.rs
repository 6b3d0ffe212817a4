//! Who waits on which source: a queue for readers, one for writers, and watchers, who all wake.

use std::collections::VecDeque;

use super::table::Ticket;
use crate::hub::{Interest, Io};

#[derive(Default)]
pub(super) struct Waiters {
    sources: Vec<Source>,
}

#[derive(Default)]
struct Source {
    io: Option<Io>,
    readers: VecDeque<Ticket>,
    writers: VecDeque<Ticket>,
    watchers: Vec<(Ticket, Interest)>,
}

impl Source {
    fn line(&mut self, interest: Interest) -> &mut VecDeque<Ticket> {
        if interest.reads() { &mut self.readers } else { &mut self.writers }
    }
}

impl Waiters {
    fn source(&mut self, io: Io) -> &mut Source {
        let index = io.index();
        if self.sources.len() <= index {
            self.sources.resize_with(index + 1, Source::default);
        }
        let source = &mut self.sources[index];
        if source.io != Some(io) {
            source.io = Some(io);
            source.readers.clear();
            source.writers.clear();
            source.watchers.clear();
        }
        source
    }

    fn find(&mut self, io: Io) -> Option<&mut Source> {
        self.sources.get_mut(io.index()).filter(|source| source.io == Some(io))
    }

    /// Lines a call up: last, or first again when it was woken and found nothing.
    pub(super) fn queue(&mut self, io: Io, interest: Interest, ticket: Ticket, at_front: bool) {
        let line = self.source(io).line(interest);
        if at_front { line.push_front(ticket) } else { line.push_back(ticket) }
    }

    pub(super) fn watch(&mut self, io: Io, interest: Interest, ticket: Ticket) {
        self.source(io).watchers.push((ticket, interest));
    }

    pub(super) fn is_queued(&self, io: Io, interest: Interest) -> bool {
        self.sources.get(io.index()).is_some_and(|source| {
            source.io == Some(io)
                && !if interest.reads() { &source.readers } else { &source.writers }.is_empty()
        })
    }

    /// The first in line, taken out.
    pub(super) fn next(&mut self, io: Io, interest: Interest) -> Option<Ticket> {
        self.find(io)?.line(interest).pop_front()
    }

    /// A watcher that this readiness wakes, taken out.
    pub(super) fn next_watcher(&mut self, io: Io, interest: Interest) -> Option<Ticket> {
        let source = self.find(io)?;
        let hit = source.watchers.iter().position(|(_, of)| !of.and(interest).is_none())?;
        Some(source.watchers.remove(hit).0)
    }

    pub(super) fn remove(&mut self, io: Io, ticket: Ticket) {
        if let Some(source) = self.find(io) {
            source.readers.retain(|&queued| queued != ticket);
            source.writers.retain(|&queued| queued != ticket);
            source.watchers.retain(|&(queued, _)| queued != ticket);
        }
    }
}
