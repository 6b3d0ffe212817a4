//! Waiting: a greenlet parks, yields or lines up for a source, and somebody ends its wait.

use std::io;

use super::Driver;
use super::table::{Ticket, Woken};
use super::waiters::Place;
use crate::hub::{Interest, Io, Note, On, Runnable, SwitchPoint, Tick, Turn, Wait, WokeBy};

/// How a wait in a source's line ended.
pub(crate) struct Waited {
    pub(crate) woken: Woken,
    /// What the wait was called, to be taken out of the line if it stands there still.
    pub(crate) ticket: Ticket,
    /// Where it stood, for the next wait of the same call.
    pub(crate) place: Place,
    /// Whether others stand in that line, or might.
    pub(crate) others: bool,
}

impl Driver {
    /// Names the current greenlet's next wait, to be kept by whoever is to end it.
    pub(crate) fn ticket(&self) -> Ticket {
        self.table.borrow().ticket()
    }

    /// Whether a call may wait here at all, and the error if it may not: a greenlet that is being
    /// unwound tries once and goes on, so a kill ends in one resume.
    #[inline]
    pub(crate) fn may_wait(&self) -> io::Result<()> {
        if std::thread::panicking() || self.in_place.get() || self.table.borrow().current.is_none()
        {
            return Err(io::Error::from_raw_os_error(libc::ECANCELED));
        }
        Ok(())
    }

    /// Waits until somebody wakes the ticket given out last, or a deadline comes: the call's own or
    /// an enclosing scope's. The caller has checked [`may_wait`](Driver::may_wait).
    pub(crate) fn park(&self, op: &'static str, on: On, deadline: Option<Tick>) -> Woken {
        let wait = Wait { op, on, deadline };
        self.note_parked(wait);
        // Since the last poll nothing can have happened to what is waited for.
        let start = self.polled_at.get();
        let leave = self.table.borrow_mut().park(wait, start);
        leave.leave(None);
        let woken = self.table.borrow_mut().take_woken();
        self.note_woken(wait, &woken, start);
        woken
    }

    /// Lines the current greenlet up for a source, in its old place if it waited there before, and
    /// parks it there.
    #[inline(always)]
    pub(crate) fn park_in_line(
        &self,
        op: &'static str,
        io: Io,
        interest: Interest,
        deadline: Option<Tick>,
        again: Option<Place>,
    ) -> Waited {
        let wait = Wait { op, on: On::Io(io, interest), deadline };
        self.note_parked(wait);
        let start = self.polled_at.get();
        let (ticket, place, leave) = {
            let mut table = self.table.borrow_mut();
            let ticket = table.ticket();
            let place = table.waiters.queue(io, interest, ticket, again);
            (ticket, place, table.park(wait, start))
        };
        leave.leave(None);
        let (woken, others) = {
            let mut table = self.table.borrow_mut();
            let woken = table.take_woken();
            let event = matches!(woken, Woken::Event);
            // The others of a wait that ended otherwise are looked for when it matters.
            let others = !event || table.waiters.answered(io, interest);
            (woken, others)
        };
        self.note_woken(wait, &woken, start);
        Waited { woken, ticket, place, others }
    }

    #[inline]
    fn note_parked(&self, wait: Wait) {
        if self.takes_notes {
            self.note(&Note::Parked(wait));
        }
    }

    #[inline]
    fn note_woken(&self, wait: Wait, woken: &Woken, start: Tick) {
        if self.takes_notes {
            let by = match woken {
                Woken::Event => WokeBy::Event,
                Woken::TimedOut => WokeBy::Timeout,
                Woken::Cancelled(_) => WokeBy::Cancel,
                Woken::Closed => WokeBy::Close,
                Woken::Killed => WokeBy::Kill,
            };
            self.note(&Note::Woke(wait, by, self.now().since(start)));
        }
    }

    /// Ends the wait of this ticket, if it is still on.
    pub(crate) fn wake(&self, ticket: Ticket) {
        self.table.borrow_mut().wake(ticket, Woken::Event);
    }

    /// The ticket was for a wait that did not take place.
    pub(crate) fn retire(&self, ticket: Ticket) {
        self.table.borrow_mut().retire(ticket);
    }

    /// Ends the wait of this ticket with an error, if it is still on.
    pub(crate) fn cancel(&self, ticket: Ticket, error: io::Error) {
        let struck = self.table.borrow_mut().wake(ticket, Woken::Cancelled(error));
        if struck && self.takes_notes {
            self.note(&Note::Struck(ticket.greenlet, "cancel_wait"));
        }
    }

    /// Puts the current greenlet last and lets the others run.
    pub(crate) fn yield_now(&self) {
        self.step_aside();
        self.after_switch();
    }

    /// As [`yield_now`](Driver::yield_now), for a call that fails by its answer, not by unwinding.
    #[inline]
    pub(crate) fn step_aside(&self) {
        if self.may_wait().is_ok() {
            let leave = self.table.borrow_mut().requeue(true);
            leave.leave(None);
        }
    }

    /// A call that might have had to wait finished at once: the hub may let others run first.
    #[inline]
    pub(crate) fn completed(&self) {
        let turn = {
            let table = self.table.borrow();
            let runnable = Runnable::new(table.current, &table.queue, SwitchPoint::Completed);
            self.hub.borrow_mut().turn(&runnable)
        };
        if turn != Turn::Run(0) {
            self.give_way(turn);
        }
    }

    #[cold]
    fn give_way(&self, turn: Turn) {
        if self.may_wait().is_err() {
            return;
        }
        let decided = match turn {
            Turn::Run(index) => Turn::Run(index - 1),
            other => other,
        };
        let leave = self.table.borrow_mut().requeue(false);
        leave.leave(Some(decided));
        self.raise_kill();
    }

    // Sources.

    /// Has every readiness of this source wake the current greenlet's next wait.
    pub(crate) fn watch(&self, io: Io, interest: Interest) {
        self.table.borrow_mut().watch(io, interest);
    }

    /// Takes the current greenlet off a source after a wait that did not end by readiness.
    pub(crate) fn unqueue(&self, io: Io, ticket: Ticket) {
        if crate::mutant::is_on(crate::mutant::Mutant::WokenNotRemoved) {
            return;
        }
        self.table.borrow_mut().waiters.remove(io, ticket);
    }

    /// Whether a watcher of the wait of this ticket still waits to be named.
    pub(crate) fn is_watching(&self, io: Io, interest: Interest, ticket: Ticket) -> bool {
        self.table.borrow_mut().waiters.is_watching(io, interest, ticket)
    }

    /// Whether somebody is lined up before a newcomer.
    #[inline]
    pub(crate) fn is_queued_on(&self, io: Io, interest: Interest) -> bool {
        self.table.borrow_mut().waiters.is_queued(io, interest)
    }

    /// Lets the next one in line try, after a call on this source went through.
    pub(crate) fn pass_on(&self, io: Io, interest: Interest) {
        self.table.borrow_mut().wake_next(io, interest);
    }

    /// Closes a descriptor: those parked on it wake, reader first, and then the world is told.
    pub(crate) fn close(&self, io: Io) {
        self.table.borrow_mut().wake_closed(io);
        self.hub.borrow_mut().close(io);
    }
}
