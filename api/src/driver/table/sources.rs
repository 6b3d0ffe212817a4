//! Whom a source's readiness, or its end, wakes.

use super::Table;
use crate::driver::crowd::Arrival;
use crate::driver::waiters::{Queued, Standing};
use crate::hub::{Io, Readiness, WokeBy};

impl Table {
    /// Lines the current greenlet's next wait up: last, or in its old place.
    #[inline(always)]
    pub(in crate::driver) fn line_up(&mut self, io: Io, interest: Readiness, place: &mut Arrival) {
        let greenlet = self.current.expect("only a running greenlet waits");
        self.waiters.queue(io, interest, greenlet, place);
    }

    pub(in crate::driver) fn watch(&mut self, io: Io, interest: Readiness) -> Arrival {
        let ticket = self.ticket();
        self.waiters.watch(io, interest, ticket)
    }

    /// One event wakes every watcher, and one call of each direction.
    #[inline]
    pub(in crate::driver) fn wake_io(&mut self, io: Io, interest: Readiness) {
        let called = self.waiters.call_each(io, interest);
        if called.watched {
            for ticket in self.waiters.watchers(io, interest) {
                self.wake(ticket, WokeBy::Event);
            }
        }
        if let Some(queued) = called.reader
            && !self.will_try(queued)
        {
            self.pass_over((io, Readiness::READ, queued.place));
        }
        if let Some(queued) = called.writer
            && !self.will_try(queued)
        {
            self.pass_over((io, Readiness::WRITE, queued.place));
        }
    }

    /// Lets the first in line who has not been called try.
    pub(in crate::driver) fn call_next(&mut self, io: Io, interest: Readiness) {
        if let Some(queued) = self.waiters.call(io, interest)
            && !self.will_try(queued)
        {
            self.pass_over((io, interest, queued.place));
        }
    }

    /// Whether one who was called will try: woken by this, or with its time up and yet to have its
    /// last turn, until when it stands in line.
    #[inline(always)]
    fn will_try(&mut self, queued: Queued) -> bool {
        self.wake_in_line(queued.greenlet, queued.place, WokeBy::Event)
            || self.has_last_turn(queued)
    }

    #[cold]
    fn has_last_turn(&mut self, queued: Queued) -> bool {
        self.get_mut(queued.greenlet).is_some_and(|slot| !slot.abandoned)
    }

    /// One who was called will never run again: it is the next one's turn.
    #[cold]
    fn pass_over(&mut self, standing: Standing) {
        self.waiters.leave(standing);
        self.call_next(standing.0, standing.1);
    }

    /// A closed descriptor wakes everybody parked on it: readers, writers, watchers.
    pub(in crate::driver) fn wake_closed(&mut self, io: Io) {
        for direction in [Readiness::READ, Readiness::WRITE] {
            while let Some(queued) = self.waiters.next(io, direction) {
                self.wake_in_line(queued.greenlet, queued.place, WokeBy::Close);
            }
        }
        for ticket in self.waiters.watchers(io, Readiness::ALL) {
            self.wake(ticket, WokeBy::Close);
        }
    }
}
