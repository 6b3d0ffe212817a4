//! Ends: a greenlet's own, and those from outside, by kills and power cuts; how often it may swallow one.

use std::mem;
use std::panic::Location;

use super::Table;
use super::waits::is_open;
use crate::driver::ticket::Ticket;
use crate::driver::timeout::{RAISES_IN_A_TURN, Timeout};
use crate::greenlet::Leave;
use crate::hub::{GreenletId, WokeBy};

/// What meeting a kill comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::driver) enum KillMet {
    /// It unwinds.
    Raise,
    /// It was swallowed often: it unwinds once others have had a turn.
    AfterTurn,
    /// It was swallowed for good.
    TooOften,
}

/// Bytes of stack, and a line of the program.
type StackAndSite = (Option<usize>, Option<&'static Location<'static>>);

impl Table {
    /// Marks a greenlet to be unwound; false if it is over. It stands in no line from here on, and
    /// an event that was given to it is the next one's.
    pub(in crate::driver) fn kill(&mut self, id: GreenletId) -> bool {
        let Some(slot) = self.get_mut(id) else { return false };
        slot.killed = true;
        if let Some((io, interest, place)) = slot.last.standing()
            && self.waiters.leave((io, interest, place)).is_some_and(|left| left.called)
        {
            self.call_next(io, interest);
        }
        let slot = &mut self.slots[id.slot()];
        let ticket = Ticket { greenlet: id, wait: slot.wait };
        if !self.wake(ticket, WokeBy::Kill) {
            // It no longer merely yields: time is not to move before it has met its end.
            self.forget_yield_of(id);
        }
        true
    }

    /// A greenlet is about to meet its kill; where its end is owed it has no turns to give.
    pub(in crate::driver) fn met_kill(&mut self, id: GreenletId, is_owed: bool) -> KillMet {
        if !self.is_live(id) {
            return KillMet::Raise;
        }
        let details = self.details[id.slot()].rare_mut();
        let count = if details.kills_met < RAISES_IN_A_TURN {
            &mut details.kills_met
        } else if is_owed {
            &mut details.kills_met_owing
        } else {
            return KillMet::AfterTurn;
        };
        *count += 1;
        match *count > RAISES_IN_A_TURN {
            true => KillMet::TooOften,
            false => KillMet::Raise,
        }
    }

    /// The current greenlet is about to meet the end of a `timeout`; returns how often it has.
    pub(in crate::driver) fn met_expiry(&mut self, id: u64) -> u32 {
        let mut entered = self.current_details().timeouts_mut().iter_mut();
        entered.find(|timeout| timeout.id == id).map_or(0, Timeout::raise)
    }

    /// A wait of the current greenlet was refused; returns who that is, and how many were by now.
    pub(in crate::driver) fn count_refusal(&mut self) -> Option<(GreenletId, u32)> {
        let id = self.current?;
        let details = self.current_details().rare_mut();
        details.refusals += 1;
        Some((id, details.refusals))
    }

    /// Whether it stands on a stack.
    pub(in crate::driver) fn has_started(&self, id: GreenletId) -> bool {
        self.is_live(id) && self.slots[id.slot()].leave.is_some()
    }

    /// The size of the stack that a greenlet stands on, and where in the program it was spawned.
    pub(in crate::driver) fn stack_and_site(&self, id: GreenletId) -> StackAndSite {
        if !self.is_live(id) {
            return (None, None);
        }
        (self.slots[id.slot()].leave.map(Leave::size), self.details[id.slot()].origin.at)
    }

    /// Kills everyone who is left, in id order; returns who.
    pub(in crate::driver) fn kill_all(&mut self) -> Vec<GreenletId> {
        let left: Vec<GreenletId> =
            self.live().filter(|slot| !slot.abandoned).map(|slot| slot.id).collect();
        for &id in &left {
            self.kill(id);
        }
        self.bring_forward(&left);
        left
    }

    /// Forgets bodies that never ran, with all they own; returns how many.
    pub(in crate::driver) fn forget_unstarted(&mut self) -> usize {
        let mut count = 0;
        for (slot, details) in self.slots.iter_mut().zip(&mut self.details) {
            if let Some(body) = details.body.take_if(|_| slot.live) {
                mem::forget(body);
                slot.end();
                details.end();
                count += 1;
            }
        }
        count
    }

    /// Leaves a greenlet as it stands; returns the program it was the root of.
    pub(in crate::driver) fn abandon(&mut self, id: GreenletId) -> Option<usize> {
        let slot = self.get_mut(id).filter(|slot| !slot.abandoned)?;
        slot.abandoned = true;
        slot.has_deadline = false;
        if mem::take(&mut slot.is_parked) {
            slot.wait += 1;
            slot.woken = Some(WokeBy::Kill);
            let is_open = is_open(slot.last.on);
            self.open_waits -= usize::from(is_open);
        } else {
            self.has_abandoned = true;
        }
        let details = &mut self.details[id.slot()];
        details.timer.clear();
        details.origin.program()
    }

    /// Makes the abandoned runnable once more, to be unwound.
    pub(in crate::driver) fn revive_abandoned(&mut self) {
        self.sweep_abandoned();
        let revived: Vec<GreenletId> =
            self.live().filter(|slot| slot.abandoned).map(|slot| slot.id).collect();
        for id in revived {
            let slot = &mut self.slots[id.slot()];
            slot.abandoned = false;
            slot.killed = true;
            self.enqueue(id);
        }
    }

    /// The greenlet is over: its joiners wake. Returns the program it was the root of.
    pub(in crate::driver) fn remove(&mut self, id: GreenletId) -> Option<usize> {
        let slot = &mut self.slots[id.slot()];
        debug_assert!(slot.id == id && slot.live, "a greenlet ends once");
        slot.end();
        let details = &mut self.details[id.slot()];
        let (joiner, mut others) = details.take_joiners();
        details.end();
        let program = details.origin.program();
        self.free.push(id.slot() as u32);
        self.current = None;
        if let Some(ticket) = joiner {
            self.wake(ticket, WokeBy::Event);
        }
        while let Some((_, ticket)) = others.pop_first() {
            self.wake(ticket, WokeBy::Event);
        }
        program
    }
}
