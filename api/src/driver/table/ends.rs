//! Ends from outside: kills, power cuts, and greenlets that will not be unwound.

use std::mem;

use super::{Phase, Table, Ticket, Woken, is_open};
use crate::greenlet::Leave;
use crate::hub::GreenletId;
use crate::mutant::{self, Mutant};

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
            let queued = self.queue.iter_mut().filter(|(queued, _)| *queued == id);
            queued.for_each(|(_, yielded)| *yielded = false);
            if mutant::is_on(Mutant::KillOfRunnableLost) {
                self.slots[id.slot()].killed = false;
            }
        }
        true
    }

    /// The current greenlet is about to meet its kill; answers who it is if it has swallowed too
    /// many.
    pub(in crate::driver) fn count_kill(&mut self) -> Option<GreenletId> {
        const KILLS_MAX: u32 = 100;
        let slot = self.current_slot();
        slot.kills_met += 1;
        (slot.kills_met > KILLS_MAX).then_some(slot.id)
    }

    /// How the current greenlet leaves its stack, and the program it is the root of.
    pub(in crate::driver) fn way_out(&mut self) -> (Leave, Option<usize>) {
        let slot = self.current_slot();
        (slot.leave.expect("a running greenlet has started"), slot.origin.program)
    }

    /// Whether it was left as it stands by a power cut.
    pub(in crate::driver) fn is_abandoned(&self, id: GreenletId) -> bool {
        self.slots.get(id.slot()).is_some_and(|slot| slot.id == id && slot.abandoned)
    }

    /// A greenlet never runs again, not even to be unwound, and counts as over. If it runs now it
    /// leaves its stack next.
    pub(in crate::driver) fn lose(&mut self, id: GreenletId) {
        let Some(slot) = self.get_mut(id).filter(|slot| !slot.lost) else { return };
        slot.lost = true;
        let abandoned = mem::take(&mut slot.abandoned);
        // What it would have run with may borrow from a frame that is about to go.
        slot.phase = match slot.phase.take() {
            Some(Phase::Body(body, _) | Phase::Cancelled(body)) => {
                mem::forget(body);
                None
            }
            started => started,
        };
        slot.timer.clear();
        let joiners = mem::take(&mut slot.joiners);
        if let Some((wait, _)) = slot.parked.take() {
            slot.wait += 1;
            self.open_waits -= usize::from(is_open(wait.on));
        }
        self.queue.retain(|&(queued, _)| queued != id);
        self.abandoned -= usize::from(abandoned);
        self.lost += 1;
        for ticket in joiners {
            self.wake(ticket, Woken::Event);
        }
    }

    /// Kills everyone who is left, in id order; answers who.
    pub(in crate::driver) fn kill_all(&mut self) -> Vec<GreenletId> {
        let left: Vec<GreenletId> =
            self.live().filter(|slot| !slot.abandoned && !slot.lost).map(|slot| slot.id).collect();
        for &id in &left {
            self.kill(id);
        }
        left
    }

    /// Leaves a greenlet as it stands, for ever; answers the program it was the root of.
    pub(in crate::driver) fn abandon(&mut self, id: GreenletId) -> Option<usize> {
        let slot = self.get_mut(id).filter(|slot| !slot.abandoned && !slot.lost)?;
        let program = slot.origin.program;
        slot.abandoned = true;
        slot.timer.clear();
        if let Some((wait, _)) = slot.parked.take() {
            slot.wait += 1;
            slot.woken = Some(Woken::Killed);
            self.open_waits -= usize::from(is_open(wait.on));
        } else {
            self.queue.retain(|&(queued, _)| queued != id);
        }
        self.abandoned += 1;
        program
    }

    pub(in crate::driver) fn any_abandoned(&self) -> bool {
        self.abandoned > 0
    }

    /// Makes the abandoned runnable once more, to be unwound; answers who.
    pub(in crate::driver) fn revive_abandoned(&mut self) -> Vec<GreenletId> {
        let revived: Vec<GreenletId> =
            self.live().filter(|slot| slot.abandoned).map(|slot| slot.id).collect();
        for &id in &revived {
            let slot = &mut self.slots[id.slot()];
            slot.abandoned = false;
            slot.killed = true;
            self.queue.push_back((id, false));
        }
        self.abandoned = 0;
        revived
    }
}
