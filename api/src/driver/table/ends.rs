//! Ends from outside: kills, power cuts, and how often a greenlet may swallow its own.

use std::mem;
use std::panic::Location;

use super::{Table, is_open};
use crate::driver::slot::Phase;
use crate::driver::ticket::{Ticket, Woken};
use crate::driver::timeout::{RAISES_IN_A_TURN, Timeout};
use crate::greenlet::Leave;
use crate::hub::GreenletId;

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
        if let Some((io, interest, place)) = slot.standing
            && self.waiters.leave((io, interest, place)).is_some_and(|left| left.called)
        {
            self.call_next(io, interest);
        }
        let slot = &mut self.slots[id.slot()];
        let ticket = Ticket { greenlet: id, wait: slot.wait };
        if !self.wake(ticket, Woken::Killed) {
            // It no longer merely yields: time is not to move before it has met its end.
            self.forget_yield_of(id);
        }
        true
    }

    /// A greenlet is about to meet its kill; where its end is owed it has no turns to give.
    pub(in crate::driver) fn met_kill(&mut self, id: GreenletId, is_owed: bool) -> KillMet {
        let Some(slot) = self.get_mut(id) else { return KillMet::Raise };
        let count = if slot.kills_met < RAISES_IN_A_TURN {
            &mut slot.kills_met
        } else if is_owed {
            &mut slot.kills_met_owing
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
        let mut entered = self.current_slot().timeouts.iter_mut();
        entered.find(|timeout| timeout.id == id).map_or(0, Timeout::raise)
    }

    /// A wait of the current greenlet was refused; returns who that is, and how many were by now.
    pub(in crate::driver) fn count_refusal(&mut self) -> Option<(GreenletId, u32)> {
        self.current?;
        let slot = self.current_slot();
        slot.refusals += 1;
        Some((slot.id, slot.refusals))
    }

    /// Whether it stands on a stack.
    pub(in crate::driver) fn has_started(&self, id: GreenletId) -> bool {
        self.is_live(id) && self.slots[id.slot()].leave.is_some()
    }

    /// The size of the stack that a greenlet stands on, and where in the program it was spawned.
    pub(in crate::driver) fn stack_and_site(&self, id: GreenletId) -> StackAndSite {
        let slot = self.slots.get(id.slot()).filter(|slot| slot.id == id && slot.live);
        slot.map_or((None, None), |slot| (slot.leave.map(Leave::size), slot.origin.at))
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
        for slot in self.slots.iter_mut().filter(|slot| slot.live) {
            if let Some(Phase::Body(body, _) | Phase::Cancelled(body)) = slot.phase.take() {
                mem::forget(body);
                slot.end();
                count += 1;
            }
        }
        count
    }

    /// Leaves a greenlet as it stands; returns the program it was the root of.
    pub(in crate::driver) fn abandon(&mut self, id: GreenletId) -> Option<usize> {
        let slot = self.get_mut(id).filter(|slot| !slot.abandoned)?;
        let program = slot.origin.program;
        slot.abandoned = true;
        slot.timer.clear();
        if let Some((wait, _)) = slot.parked.take() {
            slot.wait += 1;
            slot.woken = Some(Woken::Killed);
            self.open_waits -= usize::from(is_open(wait.on));
        } else {
            self.has_abandoned = true;
        }
        program
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
}
