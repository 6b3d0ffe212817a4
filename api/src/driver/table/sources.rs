//! Whom a source's readiness, or its end, wakes.

use super::Table;
use crate::driver::crowd::Arrival;
use crate::driver::ticket::{Ticket, Woken};
use crate::driver::waiters::Standing;
use crate::hub::{Io, Readiness};

impl Table {
    /// Lines the current greenlet's next wait up: last, or in its old place.
    #[inline(always)]
    pub(in crate::driver) fn line_up(
        &mut self,
        io: Io,
        interest: Readiness,
        again: Option<Arrival>,
    ) -> Standing {
        let ticket = self.ticket();
        let standing = (io, interest, self.waiters.queue(io, interest, ticket, again));
        self.current_slot().standing = Some(standing);
        standing
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
                self.wake(ticket, Woken::Event);
            }
        }
        for (called, direction) in
            [(called.reader, Readiness::READ), (called.writer, Readiness::WRITE)]
        {
            if let Some((place, ticket)) = called
                && !self.will_try(ticket)
            {
                self.pass_over((io, direction, place));
            }
        }
    }

    /// Lets the first in line who has not been called try.
    pub(in crate::driver) fn call_next(&mut self, io: Io, interest: Readiness) {
        if let Some((place, ticket)) = self.waiters.call(io, interest)
            && !self.will_try(ticket)
        {
            self.pass_over((io, interest, place));
        }
    }

    /// Whether one who was called will try: woken by this, or with its time up and yet to have its
    /// last turn, until when it stands in line.
    #[inline(always)]
    fn will_try(&mut self, ticket: Ticket) -> bool {
        self.wake(ticket, Woken::Event) || self.has_last_turn(ticket)
    }

    #[cold]
    fn has_last_turn(&mut self, ticket: Ticket) -> bool {
        self.get_mut(ticket.greenlet).is_some_and(|slot| !slot.abandoned)
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
            while let Some(ticket) = self.waiters.next(io, direction) {
                self.wake(ticket, Woken::Closed);
            }
        }
        for ticket in self.waiters.watchers(io, Readiness::ALL) {
            self.wake(ticket, Woken::Closed);
        }
    }
}
