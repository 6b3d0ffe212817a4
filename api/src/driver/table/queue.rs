//! Who may run, in the order of becoming so.

use std::collections::BTreeSet;
use std::mem;

use super::Table;
use crate::driver::slot::Beginning;
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

    /// Takes the greenlet at this place of the queue out to run, with what it is suspended in (empty
    /// where it has yet to begin), and says whether it is hurried. `None` if it was abandoned.
    #[inline(always)]
    pub(in crate::driver) fn take_turn(
        &mut self,
        index: usize,
    ) -> Option<(GreenletId, Fiber, bool)> {
        let place = if index == 0 { self.queue.pop_front() } else { self.queue.remove(index) };
        let id = place.expect("a turn names one of the runnable").greenlet;
        if self.yielded > 0 {
            self.forget_yield_of(id);
        }
        let slot = &mut self.slots[id.slot()];
        if slot.abandoned {
            return None;
        }
        self.current = Some(id);
        Some((id, mem::take(&mut slot.fiber), slot.is_hurried()))
    }

    /// What the current greenlet is to begin with.
    pub(in crate::driver) fn take_body(&mut self) -> Beginning {
        let is_killed = self.current_slot().killed;
        let details = self.current_details();
        let body = details.body.take().expect("a runnable greenlet is not running");
        if is_killed {
            Beginning::Cancelled(body)
        } else {
            Beginning::Body(body, details.stack_size)
        }
    }

    /// The current greenlet has left its stack.
    #[inline(always)]
    pub(in crate::driver) fn put_back(&mut self, fiber: Fiber) {
        self.current_slot().fiber = fiber;
        self.current = None;
    }

    /// Puts the current greenlet at the end of the queue; returns how it leaves.
    pub(in crate::driver) fn requeue(&mut self, yielded: bool) -> Leave {
        let id = self.current.expect("only a running greenlet gives way");
        self.enqueue(id);
        if yielded {
            self.details[id.slot()].yielded = self.polls;
            self.yielded += 1;
        }
        self.slots[id.slot()].leave.expect("a running greenlet has started")
    }

    /// A poll is over: who yielded before it may run as anybody may.
    pub(in crate::driver) fn forget_yields(&mut self) {
        self.yielded = 0;
        self.polls += 1;
    }

    /// When the next timeout of one who merely yielded is due: time moves though it could run. One that is
    /// due by now is met at its next call, after what that finds there.
    pub(in crate::driver) fn next_of_yielders(&self, now: Tick) -> Option<Tick> {
        let queued = self.queue.iter().map(|place| &self.details[place.greenlet.slot()]);
        let yielders = queued.filter(|details| details.yielded == self.polls);
        let timeouts = yielders.flat_map(|details| details.timeouts());
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
    #[inline]
    pub(in crate::driver) fn sweep_abandoned(&mut self) {
        if mem::take(&mut self.has_abandoned) {
            self.sweep();
        }
    }

    #[cold]
    fn sweep(&mut self) {
        let mut yielded = 0;
        let (slots, details, poll) = (&self.slots, &self.details, self.polls);
        self.queue.retain(|place| {
            let index = place.greenlet.slot();
            let is_abandoned = slots[index].abandoned;
            yielded += usize::from(is_abandoned && details[index].yielded == poll);
            !is_abandoned
        });
        self.yielded -= yielded;
    }
}
