//! The table of greenlets: who exists, who is runnable, who waits and what ended the wait.

mod ends;
mod queue;
mod sources;

use std::collections::VecDeque;
use std::mem;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

pub(super) use ends::KillMet;

use super::crowd::Arrival;
use super::locals::Locals;
use super::names::{Label, PathNode, write_name, write_path};
use super::parker::Parker;
use super::slot::{Helper, NEVER, Phase, Slot};
use super::ticket::{Origin, Ticket, Woken};
use super::timers::Timers;
use super::waiters::Waiters;
use crate::greenlet::{Fiber, Leave};
use crate::hub::{Birth, GreenletId, HostId, On, Place, Tick, Wait};

#[derive(Default)]
pub(super) struct Table {
    /// In the order of their numbers. See [`enqueue`](Table::enqueue).
    pub(super) queue: VecDeque<Place>,
    /// The number that was given to a place in it last.
    enqueued: u64,
    pub(super) current: Option<GreenletId>,
    pub(super) waiters: Waiters,
    /// Waits that the world or another thread might end.
    pub(super) open_waits: usize,
    /// How many greenlets were ever made.
    pub(super) born: u64,
    /// As many for each host: what a greenlet is numbered by must not tell of other hosts.
    born_on: Vec<u64>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    timers: Timers,
    /// How many in the queue merely yielded since the last poll.
    yielded: usize,
    /// How many polls there were.
    polls: u64,
    /// Somebody in the queue may be abandoned.
    has_abandoned: bool,
    /// How many waits for another's end there were.
    joined: Arrival,
}

impl Table {
    // Birth and death.

    pub(super) fn insert(
        &mut self,
        body: Box<dyn FnOnce()>,
        label: Label,
        stack_size: usize,
        origin: Origin,
    ) -> GreenletId {
        let (ordinal, above) = match origin.parent.and_then(|parent| self.get_mut(parent)) {
            Some(parent) => (parent.children.next(&label), Some(parent.place())),
            None => (1, None),
        };
        self.born += 1;
        let number = self.number_on(origin.host);
        let phase = Some(Phase::Body(body, stack_size));
        let index = self.free.pop().unwrap_or_else(|| {
            let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 greenlets");
            self.slots.push(Slot::free(index));
            index
        });
        let slot = &mut self.slots[index as usize];
        let id = GreenletId::new(index, slot.id.generation() + 1);
        slot.id = id;
        slot.label = label;
        slot.ordinal = ordinal;
        slot.origin = origin;
        slot.above = above;
        slot.phase = phase;
        slot.live = true;
        slot.born = self.born;
        slot.number = number;
        self.enqueue(id);
        id
    }

    /// Puts a greenlet last in the queue.
    #[inline]
    fn enqueue(&mut self, greenlet: GreenletId) {
        self.enqueued += 1;
        self.queue.push_back(Place { greenlet, number: self.enqueued });
    }

    fn number_on(&mut self, host: HostId) -> u64 {
        let host = host.0 as usize;
        if host >= self.born_on.len() {
            self.born_on.resize(host + 1, 0);
        }
        self.born_on[host] += 1;
        self.born_on[host]
    }

    /// Undoes an [`insert`](Table::insert) that nobody was told of; returns what would have run.
    pub(super) fn retract(&mut self, id: GreenletId) -> Option<Phase> {
        let slot = &mut self.slots[id.slot()];
        let phase = slot.phase.take();
        slot.joiners.clear();
        slot.end();
        self.forget_yield_of(id);
        match self.queue.back() {
            Some(last) if last.greenlet == id => drop(self.queue.pop_back()),
            _ => self.queue.retain(|queued| queued.greenlet != id),
        }
        self.free.push(id.slot() as u32);
        phase
    }

    /// One in the queue does not merely yield.
    fn forget_yield_of(&mut self, id: GreenletId) {
        let slot = &mut self.slots[id.slot()];
        if slot.yielded == self.polls {
            slot.yielded = NEVER;
            self.yielded -= 1;
        }
    }

    /// The greenlet is over: its joiners wake. Returns the program it was the root of.
    pub(super) fn remove(&mut self, id: GreenletId, spare: Option<Box<Fiber>>) -> Option<usize> {
        let slot = &mut self.slots[id.slot()];
        debug_assert!(slot.id == id && slot.live, "a greenlet ends once");
        slot.end();
        if spare.is_some() {
            slot.spare = spare;
        }
        let program = slot.origin.program;
        let mut joiners = mem::take(&mut slot.joiners);
        self.free.push(id.slot() as u32);
        self.current = None;
        while let Some((_, ticket)) = joiners.pop_first() {
            self.wake(ticket, Woken::Event);
        }
        // One joiner is the rule; what a crowd took is given back.
        const JOINERS_KEPT: usize = 4;
        if joiners.capacity() <= JOINERS_KEPT {
            self.slots[id.slot()].joiners = joiners;
        }
        program
    }

    pub(super) fn birth(&self, id: GreenletId) -> Birth<'_> {
        let slot = &self.slots[id.slot()];
        Birth {
            parent: slot.origin.parent,
            host: slot.origin.host,
            label: slot.label.as_str(),
            ordinal: slot.ordinal,
        }
    }

    pub(super) fn origin(&self, at: &'static Location<'static>) -> Origin {
        let host = self.current.map_or(HostId(0), |id| self.slots[id.slot()].origin.host);
        Origin { parent: self.current, owner: None, host, program: None, at: Some(at) }
    }

    /// The host that the current greenlet stands on.
    pub(super) fn host_here(&self) -> Option<HostId> {
        self.current.map(|id| self.slots[id.slot()].origin.host)
    }

    /// The current greenlet's own values.
    pub(super) fn locals(&mut self) -> Option<Rc<Locals>> {
        let id = self.current?;
        Some(self.slots[id.slot()].locals.get_or_insert_default().clone())
    }

    /// The current greenlet's own values, if it ever looked at one.
    pub(super) fn locals_if_any(&self) -> Option<Rc<Locals>> {
        self.slots[self.current?.slot()].locals.clone()
    }

    /// The path in the spawn tree, made on demand.
    pub(super) fn name(&self, id: GreenletId) -> String {
        let mut path = String::new();
        if let Some(slot) = self.slots.get(id.slot()).filter(|slot| slot.id == id && slot.live) {
            let _ = write_path::<{ PathNode::DEEPEST }>(slot.above.as_deref(), &mut path);
            let _ = write_name(&slot.label, slot.ordinal, &mut path);
        }
        path
    }

    /// What a greenlet is to a program, as long as it is live.
    pub(super) fn identity(&self, id: GreenletId) -> Option<(HostId, u64, Label)> {
        let slot = self.slots.get(id.slot()).filter(|slot| slot.id == id && slot.live)?;
        Some((slot.origin.host, slot.number, slot.label.clone()))
    }

    // Look-ups.

    /// The current greenlet.
    pub(super) fn running(&self) -> Option<&Slot> {
        self.current.map(|id| &self.slots[id.slot()])
    }

    /// The current greenlet, if this is its stack.
    pub(super) fn current_on(&self, limit: usize) -> Option<&Slot> {
        let slot = &self.slots[self.current?.slot()];
        slot.leave.filter(|leave| leave.limit() == limit).map(|_| slot)
    }

    fn get_mut(&mut self, id: GreenletId) -> Option<&mut Slot> {
        self.slots.get_mut(id.slot()).filter(|slot| slot.id == id && slot.live)
    }

    pub(super) fn is_live(&self, id: GreenletId) -> bool {
        let known = self.slots.get(id.slot()).filter(|slot| slot.id == id);
        known.is_some_and(|slot| slot.live)
    }

    /// How many places there are, taken and free.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn live(&self) -> impl Iterator<Item = &Slot> {
        let mut live: Vec<&Slot> = self.slots.iter().filter(|slot| slot.live).collect();
        live.sort_by_key(|slot| slot.born);
        live.into_iter()
    }

    pub(crate) fn current_slot(&mut self) -> &mut Slot {
        let id = self.current.expect("only a running greenlet comes here");
        &mut self.slots[id.slot()]
    }

    pub(super) fn no_timeouts(&self) -> bool {
        self.current.is_none_or(|id| self.slots[id.slot()].timeouts.is_empty())
    }

    pub(super) fn current_is_killed(&self) -> bool {
        self.current.is_some_and(|id| self.slots[id.slot()].killed)
    }

    /// The current greenlet is being ended already.
    pub(super) fn forget_kill(&mut self) {
        self.current_slot().killed = false;
    }

    /// The turn is this one's again; returns whether it is hurried.
    pub(super) fn set_current(&mut self, id: Option<GreenletId>) -> bool {
        self.current = id;
        id.is_some_and(|id| self.slots[id.slot()].is_hurried())
    }

    pub(super) fn set_leave(&mut self, leave: Leave) {
        self.current_slot().leave = Some(leave);
    }

    /// How the current greenlet leaves its stack, if it is on one.
    pub(super) fn leave(&self) -> Option<Leave> {
        self.slots[self.current?.slot()].leave
    }

    pub(super) fn ticket(&self) -> Ticket {
        let greenlet = self.current.expect("only a running greenlet waits");
        Ticket { greenlet, wait: self.slots[greenlet.slot()].wait }
    }

    /// A ticket given out for a wait that did not take place names no later one.
    pub(super) fn retire(&mut self, ticket: Ticket) {
        if let Some(slot) = self.get_mut(ticket.greenlet).filter(|slot| slot.wait == ticket.wait) {
            slot.wait += 1;
        }
    }

    /// What is known of who could end its wait.
    pub(super) fn helper(&self, id: GreenletId) -> Option<&Helper> {
        self.slots[id.slot()].helper.as_ref()
    }

    /// What it waits in, and since when.
    pub(super) fn parked(&self, id: GreenletId) -> Option<(Wait, Tick)> {
        self.slots[id.slot()].parked.filter(|_| self.is_live(id))
    }

    pub(super) fn origin_of(&self, id: GreenletId) -> Origin {
        self.slots[id.slot()].origin
    }

    /// Whether it stands on a stack that nobody is on, or on none yet.
    pub(super) fn is_idle(&self, id: GreenletId) -> bool {
        self.slots[id.slot()].phase.is_some()
    }

    /// Takes what a greenlet runs with out for a moment; none is there while it runs.
    pub(super) fn take_phase(&mut self, id: GreenletId) -> Option<Phase> {
        self.slots[id.slot()].phase.take()
    }

    pub(super) fn put_phase(&mut self, id: GreenletId, phase: Option<Phase>) {
        self.slots[id.slot()].phase = phase;
    }

    // Waits.

    #[inline(always)]
    pub(super) fn park(&mut self, mut wait: Wait, now: Tick) -> Leave {
        let id = self.current.expect("only a running greenlet parks");
        let slot = &mut self.slots[id.slot()];
        for timeout in &slot.timeouts {
            wait.deadline =
                Some(wait.deadline.map_or(timeout.deadline, |at| at.min(timeout.deadline)));
        }
        if let Some(at) = wait.deadline {
            self.timers.set(&mut slot.timer, id.slot() as u32, at);
        }
        slot.parked = Some((wait, now));
        self.open_waits += usize::from(is_open(wait.on));
        slot.leave.expect("a running greenlet has started")
    }

    /// Whether the wait of this ticket is on.
    pub(super) fn is_waiting(&self, ticket: Ticket) -> bool {
        let known = self.slots.get(ticket.greenlet.slot());
        known.filter(|slot| slot.id == ticket.greenlet && slot.live).is_some_and(|slot| {
            slot.wait == ticket.wait && !slot.abandoned && slot.parked.is_some()
        })
    }

    /// Ends a wait and makes its greenlet runnable; false if that wait is over already.
    pub(super) fn wake(&mut self, ticket: Ticket, woken: Woken) -> bool {
        let Some(slot) = self.get_mut(ticket.greenlet) else { return false };
        if slot.wait != ticket.wait || slot.abandoned {
            return false;
        }
        let Some((wait, _)) = &slot.parked else { return false };
        let open = is_open(wait.on);
        slot.parked = None;
        slot.wait += 1;
        slot.timer.clear();
        slot.woken = Some(woken);
        self.open_waits -= usize::from(open);
        self.enqueue(ticket.greenlet);
        true
    }

    #[inline]
    pub(super) fn take_woken(&mut self) -> Woken {
        let slot = self.current_slot();
        slot.helper = None;
        slot.woken.take().expect("a parked greenlet runs once it is woken")
    }

    pub(super) fn parker(
        &mut self,
        id: GreenletId,
        make: impl FnOnce() -> Arc<Parker>,
    ) -> Arc<Parker> {
        self.slots[id.slot()].parker.get_or_insert_with(make).clone()
    }

    pub(super) fn add_joiner(&mut self, of: GreenletId, ticket: Ticket) -> Arrival {
        self.joined += 1;
        let arrival = self.joined;
        if let Some(slot) = self.get_mut(of) {
            slot.joiners.enter(arrival, ticket);
        }
        arrival
    }

    pub(super) fn remove_joiner(&mut self, of: GreenletId, joiner: Arrival) {
        if let Some(slot) = self.get_mut(of) {
            slot.joiners.leave(joiner);
        }
    }

    // Deadlines.

    pub(super) fn next_deadline(&mut self) -> Option<Tick> {
        next_due(&mut self.timers, &mut self.slots).map(|(at, _)| at)
    }

    /// Wakes all whose deadline has come, in order of (deadline, creation).
    pub(super) fn expire(&mut self, now: Tick) {
        while let Some((at, index)) = next_due(&mut self.timers, &mut self.slots) {
            if at > now {
                return;
            }
            let slot = &self.slots[index as usize];
            let ticket = Ticket { greenlet: slot.id, wait: slot.wait };
            let woken = self.wake(ticket, Woken::TimedOut);
            debug_assert!(woken, "only a parked greenlet has a deadline");
        }
    }
}

fn next_due(timers: &mut Timers, slots: &mut Vec<Slot>) -> Option<(Tick, u32)> {
    timers.next(slots, |slots, slot| &mut slots[slot as usize].timer)
}

/// Whether something outside this hub's greenlets might end such a wait.
fn is_open(on: On) -> bool {
    match on {
        On::Io(..) | On::Notice(..) => true,
        On::Clock | On::Greenlet(_) | On::Held(_) => false,
        On::Several(open) => open,
    }
}
