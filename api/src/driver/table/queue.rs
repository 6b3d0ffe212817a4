//! Who may run, in the order of becoming so.

use std::collections::BTreeSet;

use super::Table;
use crate::driver::slot::{NEVER, Phase};
use crate::greenlet::{Fiber, Leave};
use crate::hub::{GreenletId, Runnable, SwitchPoint, Tick};

impl Table {
    #[inline]
    pub(in crate::driver) fn runnable(
        &self,
        current: Option<GreenletId>,
        point: SwitchPoint,
    ) -> Runnable<'_> {
        Runnable::new(current, &self.queue, self.yielded == self.queue.len(), point)
    }

    /// Takes the greenlet at this place of the queue out to run, and says whether it is hurried.
    /// `None` if it was abandoned.
    #[inline]
    pub(in crate::driver) fn take_turn(
        &mut self,
        index: usize,
    ) -> Option<(GreenletId, Phase, bool)> {
        let place = if index == 0 { self.queue.pop_front() } else { self.queue.remove(index) };
        let id = place.expect("a turn names one of the runnable").greenlet;
        let slot = &mut self.slots[id.slot()];
        if self.yielded > 0 && slot.yielded == self.polls {
            slot.yielded = NEVER;
            self.yielded -= 1;
        }
        if slot.abandoned {
            return None;
        }
        let phase = slot.phase.take().expect("a runnable greenlet is not running");
        self.current = Some(id);
        match phase {
            Phase::Body(body, _) if slot.killed => Some((id, Phase::Cancelled(body), true)),
            phase => Some((id, phase, slot.is_hurried())),
        }
    }

    /// Something for the current greenlet to run on.
    pub(in crate::driver) fn take_spare(&mut self) -> Box<Fiber> {
        self.current_slot().spare.take().unwrap_or_default()
    }

    #[inline]
    pub(in crate::driver) fn put_back(&mut self, fiber: Box<Fiber>) {
        self.current_slot().phase = Some(Phase::Fiber(fiber));
        self.current = None;
    }

    /// Puts the current greenlet at the end of the queue; returns how it leaves.
    pub(in crate::driver) fn requeue(&mut self, yielded: bool) -> Leave {
        let id = self.current.expect("only a running greenlet gives way");
        self.enqueue(id);
        let slot = &mut self.slots[id.slot()];
        if yielded {
            slot.yielded = self.polls;
            self.yielded += 1;
        }
        slot.leave.expect("a running greenlet has started")
    }

    /// A poll is over: who yielded before it may run as anybody may.
    pub(in crate::driver) fn forget_yields(&mut self) {
        self.yielded = 0;
        self.polls += 1;
    }

    /// When the next timeout of one who merely yielded is due: time moves though it could run. One that is
    /// due by now is met at its next call, after what that finds there.
    pub(in crate::driver) fn next_of_yielders(&self, now: Tick) -> Option<Tick> {
        let slots = self.queue.iter().map(|place| &self.slots[place.greenlet.slot()]);
        let yielders = slots.filter(|slot| slot.yielded == self.polls);
        let timeouts = yielders.flat_map(|slot| &slot.timeouts);
        timeouts.map(|timeout| timeout.deadline).filter(|&deadline| deadline > now).min()
    }

    /// Has these stand first, in this order. Nobody runs between it and their ends.
    pub(in crate::driver) fn bring_forward(&mut self, crowd: &[GreenletId]) {
        /// So few are found soon enough where they stand.
        const FEW: usize = 8;
        if crowd.len() <= FEW {
            return;
        }
        let queued: BTreeSet<GreenletId> = self.queue.iter().map(|place| place.greenlet).collect();
        let first: Vec<GreenletId> =
            crowd.iter().copied().filter(|id| queued.contains(id)).collect();
        let moved: BTreeSet<GreenletId> = first.iter().copied().collect();
        let behind = std::mem::take(&mut self.queue).into_iter().map(|place| place.greenlet);
        let behind = behind.filter(|id| !moved.contains(id));
        first.into_iter().chain(behind).for_each(|id| self.enqueue(id));
    }

    /// Takes those out of the queue who were abandoned since the last time.
    pub(in crate::driver) fn sweep_abandoned(&mut self) {
        if !std::mem::take(&mut self.has_abandoned) {
            return;
        }
        let mut yielded = 0;
        let (slots, poll) = (&self.slots, self.polls);
        self.queue.retain(|place| {
            let slot = &slots[place.greenlet.slot()];
            yielded += usize::from(slot.abandoned && slot.yielded == poll);
            !slot.abandoned
        });
        self.yielded -= yielded;
    }
}
