//! Waits of greenlets: how one begins, what ends it, and deadlines.

use std::io;
use std::mem;
use std::num::NonZeroU64;
use std::sync::Arc;

use super::Table;
use crate::driver::crowd::Arrival;
use crate::driver::parker::Parker;
use crate::driver::slot::{Details, LastWait};
use crate::driver::ticket::{Ticket, Woken};
use crate::driver::timeout::Timeout;
use crate::driver::timers::Timers;
use crate::greenlet::Leave;
use crate::hub::{GreenletId, On, Tick, Wait, WokeBy};

impl Table {
    /// The current greenlet waits, at this place of a line (0 where it is in none); returns how it
    /// leaves.
    #[inline(always)]
    pub(in crate::driver) fn park(&mut self, mut wait: Wait, now: Tick, place: Arrival) -> Leave {
        let id = self.current.expect("only a running greenlet parks");
        let slot = &mut self.slots[id.slot()];
        if slot.in_timeout || wait.deadline.is_some() {
            wait.deadline = self.set_deadline(id, wait.deadline);
        }
        let slot = &mut self.slots[id.slot()];
        slot.last = LastWait::new(wait, now, place);
        slot.is_parked = true;
        self.open_waits += usize::from(is_open(wait.on));
        slot.leave.expect("a running greenlet has started")
    }

    /// Has the wait that is about to begin end at this time, or at that of a timeout around it.
    #[inline(never)]
    fn set_deadline(&mut self, id: GreenletId, deadline: Option<Tick>) -> Option<Tick> {
        let details = &mut self.details[id.slot()];
        // Where nothing unwinds, one that is over ended one wait, and who could not be told waits on.
        let is_met = |timeout: &&Timeout| cfg!(panic = "abort") && timeout.expired;
        let of_timeouts = details.timeouts().iter().filter(|timeout| !is_met(timeout));
        let deadline = of_timeouts.map(|timeout| timeout.deadline).chain(deadline).min();
        if let Some(at) = deadline {
            self.timers.set(&mut details.timer, id.slot() as u32, at);
            self.slots[id.slot()].has_deadline = true;
        }
        deadline
    }

    /// Whether the wait of this ticket is on.
    pub(in crate::driver) fn is_waiting(&self, ticket: Ticket) -> bool {
        let known = self.slots.get(ticket.greenlet.slot());
        known
            .filter(|slot| slot.id == ticket.greenlet && slot.live)
            .is_some_and(|slot| slot.wait == ticket.wait && !slot.abandoned && slot.is_parked)
    }

    /// Ends a wait and makes its greenlet runnable; false if that wait is over already.
    pub(in crate::driver) fn wake(&mut self, ticket: Ticket, by: WokeBy) -> bool {
        let slot = self.get_mut(ticket.greenlet);
        let is_on = slot.is_some_and(|slot| slot.wait == ticket.wait);
        is_on && self.end_wait(ticket.greenlet, by)
    }

    /// Ends the wait of who stands at this place of a line; false if that is over already.
    #[inline(always)]
    pub(in crate::driver) fn wake_in_line(
        &mut self,
        id: GreenletId,
        place: Arrival,
        by: WokeBy,
    ) -> bool {
        let is_there = self.get_mut(id).is_some_and(|slot| slot.last.place == place);
        is_there && self.end_wait(id, by)
    }

    /// Ends the wait of a live greenlet, if it is in one.
    #[inline(always)]
    fn end_wait(&mut self, id: GreenletId, by: WokeBy) -> bool {
        let slot = &mut self.slots[id.slot()];
        if !slot.is_parked || slot.abandoned {
            return false;
        }
        slot.is_parked = false;
        slot.wait += 1;
        slot.woken = Some(by);
        self.open_waits -= usize::from(is_open(slot.last.on));
        if mem::take(&mut slot.has_deadline) {
            self.details[id.slot()].timer.clear();
        }
        self.enqueue(id);
        true
    }

    /// Ends the wait of this ticket with an error; gives it back if that wait is over already.
    pub(in crate::driver) fn cancel(
        &mut self,
        ticket: Ticket,
        error: io::Error,
    ) -> Result<(), io::Error> {
        if !self.wake(ticket, WokeBy::Cancel) {
            return Err(error);
        }
        self.details[ticket.greenlet.slot()].rare_mut().error = Some(error);
        Ok(())
    }

    /// What ended the wait that the current greenlet was in.
    #[inline(always)]
    pub(in crate::driver) fn take_woken_by(&mut self) -> WokeBy {
        let slot = self.current_slot();
        let by = slot.woken.take().expect("a parked greenlet runs once it is woken");
        if mem::take(&mut slot.has_helper) {
            self.forget_helper();
        }
        by
    }

    #[cold]
    fn forget_helper(&mut self) {
        self.current_details().rare_mut().helper = None;
    }

    /// The same with the error that it came with.
    #[inline]
    pub(in crate::driver) fn woken(&mut self, by: WokeBy) -> Woken {
        match by {
            WokeBy::Event => Woken::Event,
            WokeBy::Timeout => Woken::TimedOut,
            WokeBy::Close => Woken::Closed,
            WokeBy::Kill => Woken::Killed,
            WokeBy::Cancel => self.woken_by_error(),
        }
    }

    #[cold]
    fn woken_by_error(&mut self) -> Woken {
        let error = self.current_details().rare_mut().error.take();
        Woken::Cancelled(error.expect("it came with one"))
    }

    pub(in crate::driver) fn parker(
        &mut self,
        id: GreenletId,
        make: impl FnOnce() -> Arc<Parker>,
    ) -> Arc<Parker> {
        self.details[id.slot()].rare_mut().parker.get_or_insert_with(make).clone()
    }

    pub(in crate::driver) fn add_joiner(&mut self, of: GreenletId, ticket: Ticket) -> Arrival {
        let arrival = NonZeroU64::MIN.saturating_add(self.joined);
        self.joined += 1;
        if self.is_live(of) {
            self.details[of.slot()].add_joiner(arrival, ticket);
        }
        arrival.get()
    }

    pub(in crate::driver) fn remove_joiner(&mut self, of: GreenletId, joiner: Arrival) {
        if self.is_live(of) {
            self.details[of.slot()].remove_joiner(joiner);
        }
    }

    // Deadlines.

    #[inline]
    pub(in crate::driver) fn next_deadline(&mut self) -> Option<Tick> {
        if self.timers.is_empty() {
            return None;
        }
        next_due(&mut self.timers, &mut self.details).map(|(at, _)| at)
    }

    /// Wakes all whose deadline has come, in order of (deadline, creation).
    #[inline]
    pub(in crate::driver) fn expire(&mut self, now: Tick) {
        if !self.timers.is_empty() {
            self.expire_some(now);
        }
    }

    fn expire_some(&mut self, now: Tick) {
        while let Some((at, index)) = next_due(&mut self.timers, &mut self.details) {
            if at > now {
                return;
            }
            let slot = &self.slots[index as usize];
            let ticket = Ticket { greenlet: slot.id, wait: slot.wait };
            let woken = self.wake(ticket, WokeBy::Timeout);
            debug_assert!(woken, "only a parked greenlet has a deadline");
        }
    }
}

fn next_due(timers: &mut Timers, details: &mut Vec<Details>) -> Option<(Tick, u32)> {
    timers.next(details, |details, slot| &mut details[slot as usize].timer)
}

/// Whether something outside this hub's greenlets might end such a wait.
pub(super) fn is_open(on: On) -> bool {
    match on {
        On::Io(..) | On::Notice(..) => true,
        On::Clock | On::Greenlet(_) | On::Held(_) => false,
        On::Several(open) => open,
    }
}
