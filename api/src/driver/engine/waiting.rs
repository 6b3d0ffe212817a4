//! Waiting: a greenlet parks, yields or lines up for a source, and somebody ends its wait.

use std::io;

use super::{Driver, current};
use crate::driver::crowd::Arrival;
use crate::driver::slot::Helper;
use crate::driver::streak;
use crate::driver::ticket::{Ticket, Woken};
use crate::driver::waiters::{Before, Left, Standing};
use crate::greenlet::Leave;
use crate::hub::{Io, Note, On, Readiness, SwitchPoint, Tick, Turn, Wait, WokeBy};

/// How a wait in a source's line ended.
pub(crate) enum Waited {
    /// It was called, and stands there no more; whether others do.
    Called { others: bool },
    /// Otherwise.
    Ended(Woken),
}

impl Waited {
    /// Whether others stand in line, where it was called.
    #[cold]
    pub(crate) fn into_others(self) -> Option<bool> {
        match self {
            Waited::Called { others } => Some(others),
            Waited::Ended(_) => None,
        }
    }
}

/// A call that never waits is about to be made: every thousandth in a row gives way first, as
/// `yield_now` does. Where nobody may wait (in a destructor that unwinds, or outside any hub) it does not.
#[inline]
pub(crate) fn count_call() {
    if streak::count() {
        give_way();
    }
}

#[cold]
fn give_way() {
    streak::begin();
    if let Some(driver) = current().filter(|driver| driver.may_wait().is_ok()) {
        driver.yield_now();
    }
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
            return Err(self.refuse_wait());
        }
        Ok(())
    }

    /// Remembers who could end the wait that the current greenlet is about to begin.
    pub(crate) fn waits_for(&self, helper: Helper) {
        self.table.borrow_mut().set_helper(helper);
    }

    /// Waits until somebody wakes the ticket given out last, or a deadline comes: the call's own or
    /// an enclosing timeout's. The caller has checked [`may_wait`](Driver::may_wait).
    pub(crate) fn park(&self, op: &'static str, on: On, deadline: Option<Tick>) -> Woken {
        let wait = Wait { op, on, deadline };
        if self.takes_notes {
            self.note(&Note::Parked(wait));
        }
        // Since the last poll nothing can have happened to what is waited for.
        let start = self.polled_at.get();
        let leave = self.table.borrow_mut().park(wait, start, 0);
        go(leave, None);
        let by = self.table.borrow_mut().take_woken_by();
        if self.takes_notes {
            self.note_woken(wait, by, start);
        }
        self.table.borrow_mut().woken(by)
    }

    /// Lines the current greenlet up for a source and parks it there. It takes the place that it had
    /// if it waited there before, or is given one (a place of 0 is none).
    #[inline(always)]
    pub(crate) fn park_in_line(
        &self,
        op: &'static str,
        (io, interest, place): (Io, Readiness, &mut Arrival),
        deadline: Option<Tick>,
    ) -> Waited {
        if self.takes_notes {
            self.note_lined_up(op, io, interest, deadline);
        }
        let start = self.polled_at.get();
        let leave = {
            let mut table = self.table.borrow_mut();
            table.line_up(io, interest, place);
            table.park(Wait { op, on: On::Io(io, interest), deadline }, start, *place)
        };
        go(leave, None);
        let mut table = self.table.borrow_mut();
        let by = table.take_woken_by();
        // Whose time is up stands in line until it has had its turn: see `last_turn`.
        let is_called = by == WokeBy::Event;
        let others = is_called && table.waiters.served(io, interest, *place);
        drop(table);
        if self.takes_notes {
            self.note_left_line(op, io, interest, deadline, by, start);
        }
        if is_called { Waited::Called { others } } else { self.ended_by(by) }
    }

    #[cold]
    fn ended_by(&self, by: WokeBy) -> Waited {
        Waited::Ended(self.table.borrow_mut().woken(by))
    }

    // Out of line, and by values: what the frame of a wait holds in memory, it holds while it waits.

    #[inline(never)]
    fn note_lined_up(&self, op: &'static str, io: Io, interest: Readiness, deadline: Option<Tick>) {
        self.note(&Note::Parked(Wait { op, on: On::Io(io, interest), deadline }));
    }

    #[inline(never)]
    fn note_left_line(
        &self,
        op: &'static str,
        io: Io,
        interest: Readiness,
        deadline: Option<Tick>,
        by: WokeBy,
        start: Tick,
    ) {
        self.note_woken(Wait { op, on: On::Io(io, interest), deadline }, by, start);
    }

    /// The turn of a call whose time is up: first those go who were called before it, and if there
    /// is something that no poll has named yet, those who stand before it. Then it leaves its line
    /// and may try once more, if it is the first.
    #[cold]
    pub(crate) fn last_turn(&self, standing: Standing) -> Option<Left> {
        let (io, interest, _) = standing;
        let mut has_asked = false;
        while !self.is_killed() {
            let before = self.table.borrow_mut().waiters.before(standing);
            match before {
                Before::Nobody => break,
                Before::SomeCalled => {
                    let leave = self.table.borrow_mut().requeue(false);
                    go(leave, None);
                }
                Before::NoneCalled => {
                    let ready = self.hub.borrow_mut().readiness(io, interest);
                    if std::mem::replace(&mut has_asked, true)
                        || ready.is_ok_and(|ready| ready.is_none())
                    {
                        break;
                    }
                    self.pass_on(io, interest);
                }
            }
        }
        self.table.borrow_mut().waiters.leave(standing)
    }

    fn note_woken(&self, wait: Wait, by: WokeBy, start: Tick) {
        self.note(&Note::Woke(wait, by, self.now().since(start)));
    }

    /// Ends the wait of this ticket, if it is still on.
    pub(crate) fn wake(&self, ticket: Ticket) {
        self.table.borrow_mut().wake(ticket, WokeBy::Event);
    }

    /// The ticket was for a wait that did not take place.
    pub(crate) fn retire(&self, ticket: Ticket) {
        self.table.borrow_mut().retire(ticket);
    }

    /// Whether the wait of this ticket is on.
    pub(crate) fn is_waiting(&self, ticket: Ticket) -> bool {
        self.table.borrow().is_waiting(ticket)
    }

    /// Ends the wait of this ticket with an error, if it is still on.
    pub(crate) fn cancel(&self, ticket: Ticket, error: io::Error) {
        let cancelled = self.table.borrow_mut().cancel(ticket, error);
        // An error that nobody gets is dropped out here: what it owns may close or wake.
        if cancelled.is_err() {
            return;
        }
        if self.takes_notes {
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
            go(leave, None);
        }
    }

    /// A call that might have had to wait finished at once: the hub may let others run first.
    #[inline]
    pub(crate) fn completed(&self) {
        if self.goes_in_order() {
            return;
        }
        let turn = {
            let table = self.table.borrow();
            self.decide(&table.runnable(table.current, SwitchPoint::Completed))
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
            Turn::Run(index) => Some(Turn::Run(index - 1)),
            Turn::Yield => None,
            other => Some(other),
        };
        let leave = self.table.borrow_mut().requeue(turn == Turn::Yield);
        // A kill that comes meanwhile is met at the next call: what this one took is its caller's.
        go(leave, decided);
    }

    // Sources.

    /// Has every readiness of this source wake the current greenlet's next wait; returns by what it is
    /// taken off again.
    pub(crate) fn watch(&self, io: Io, interest: Readiness) -> Arrival {
        self.table.borrow_mut().watch(io, interest)
    }

    /// Takes the current greenlet off a source after a wait that did not end by readiness.
    pub(crate) fn unwatch(&self, io: Io, watch: Arrival) {
        self.table.borrow_mut().waiters.unwatch(io, watch);
    }

    /// Whether somebody is lined up before a newcomer.
    #[inline]
    pub(crate) fn is_queued_on(&self, io: Io, interest: Readiness) -> bool {
        self.table.borrow_mut().waiters.is_queued(io, interest)
    }

    /// Lets the next one in line try, after a call on this source went through.
    pub(crate) fn pass_on(&self, io: Io, interest: Readiness) {
        self.table.borrow_mut().call_next(io, interest);
    }

    /// Closes a descriptor: those parked on it wake, reader first, and then the world is told.
    pub(crate) fn close(&self, io: Io) {
        self.table.borrow_mut().wake_closed(io);
        self.hub.borrow_mut().close(io);
    }
}

/// Lets others run; returns when the greenlet has the next turn.
#[inline(always)]
fn go(leave: Leave, turn: Option<Turn>) {
    leave.leave(turn);
    // Whoever resumed it began the streak, on another thread.
    #[cfg(greenroom_threads)]
    streak::begin();
}
