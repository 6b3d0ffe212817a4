//! The table of greenlets: who exists, who is runnable, who waits and what ended the wait.

mod ends;
mod queue;
mod sources;
mod waits;

use std::collections::VecDeque;
use std::mem;
use std::panic::Location;
use std::rc::Rc;

pub(super) use ends::KillMet;

use super::crowd::Arrival;
use super::locals::Locals;
use super::names::{Label, PathNode, write_name, write_path};
use super::program::Task;
use super::slot::{Details, Helper, NEVER, Slot};
use super::ticket::{Origin, Ticket};
use super::timers::Timers;
use super::waiters::Waiters;
use crate::greenlet::{Fiber, Leave};
use crate::hub::{Birth, GreenletId, HostId, Place, Tick, Wait};

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
    /// By index, as the details.
    slots: Vec<Slot>,
    details: Vec<Details>,
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
        body: Rc<dyn Task>,
        label: Label,
        stack_size: usize,
        origin: Origin,
    ) -> GreenletId {
        let parent = origin.parent.filter(|&parent| self.is_live(parent));
        let (ordinal, above) = match parent.map(|parent| &mut self.details[parent.slot()]) {
            Some(parent) => (parent.children().next(&label), Some(parent.place())),
            None => (1, None),
        };
        self.born += 1;
        let number = self.number_on(origin.host);
        let index = self.free.pop().unwrap_or_else(|| {
            let index = u32::try_from(self.slots.len()).expect("fewer than 2^32 greenlets");
            self.slots.push(Slot::free(index));
            self.details.push(Details::free());
            index
        });
        let slot = &mut self.slots[index as usize];
        let id = GreenletId::new(index, slot.id.generation() + 1);
        slot.id = id;
        slot.live = true;
        let details = &mut self.details[index as usize];
        details.body = Some(body);
        details.stack_size = stack_size;
        details.label = label;
        details.ordinal = ordinal;
        details.origin = origin;
        details.above = above;
        details.born = self.born;
        details.number = number;
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
    pub(super) fn retract(&mut self, id: GreenletId) -> Option<Rc<dyn Task>> {
        let details = &mut self.details[id.slot()];
        let body = details.body.take();
        details.end();
        self.slots[id.slot()].end();
        self.forget_yield_of(id);
        match self.queue.back() {
            Some(last) if last.greenlet == id => drop(self.queue.pop_back()),
            _ => self.queue.retain(|queued| queued.greenlet != id),
        }
        self.free.push(id.slot() as u32);
        body
    }

    /// One in the queue does not merely yield.
    fn forget_yield_of(&mut self, id: GreenletId) {
        let details = &mut self.details[id.slot()];
        if details.yielded == self.polls {
            details.yielded = NEVER;
            self.yielded -= 1;
        }
    }

    pub(super) fn birth(&self, id: GreenletId) -> Birth<'_> {
        let details = &self.details[id.slot()];
        Birth {
            parent: details.origin.parent,
            host: details.origin.host,
            label: details.label.as_str(),
            ordinal: details.ordinal,
        }
    }

    pub(super) fn origin(&self, at: &'static Location<'static>) -> Origin {
        let host = self.host_here().unwrap_or(HostId(0));
        Origin { parent: self.current, owner: None, host, is_root: false, at: Some(at) }
    }

    /// The host that the current greenlet stands on.
    pub(super) fn host_here(&self) -> Option<HostId> {
        self.current.map(|id| self.details[id.slot()].origin.host)
    }

    /// The current greenlet's own values.
    pub(super) fn locals(&mut self) -> Option<Rc<Locals>> {
        let id = self.current?;
        Some(self.details[id.slot()].rare_mut().locals.get_or_insert_default().clone())
    }

    /// The current greenlet's own values, if it ever looked at one.
    pub(super) fn locals_if_any(&self) -> Option<Rc<Locals>> {
        self.details[self.current?.slot()].rare()?.locals.clone()
    }

    /// The path in the spawn tree, made on demand.
    pub(super) fn name(&self, id: GreenletId) -> String {
        let mut path = String::new();
        if self.is_live(id) {
            let Details { above, label, ordinal, .. } = &self.details[id.slot()];
            let _ = write_path::<{ PathNode::DEEPEST }>(above.as_deref(), &mut path);
            let _ = write_name(label, *ordinal, &mut path);
        }
        path
    }

    /// What a greenlet is to a program, as long as it is live.
    pub(super) fn identity(&self, id: GreenletId) -> Option<(HostId, u64, Label)> {
        if !self.is_live(id) {
            return None;
        }
        let Details { origin, number, label, .. } = &self.details[id.slot()];
        Some((origin.host, *number, label.clone()))
    }

    // Look-ups.

    /// The current greenlet.
    pub(super) fn running(&self) -> Option<&Details> {
        self.current.map(|id| &self.details[id.slot()])
    }

    /// The current greenlet, if this is its stack.
    pub(super) fn current_on(&self, limit: usize) -> Option<&Details> {
        self.leave().filter(|leave| leave.limit() == limit).and_then(|_| self.running())
    }

    #[inline]
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
        live.sort_by_key(|slot| self.details[slot.id.slot()].born);
        live.into_iter()
    }

    #[inline]
    pub(super) fn current_slot(&mut self) -> &mut Slot {
        let id = self.current.expect("only a running greenlet comes here");
        &mut self.slots[id.slot()]
    }

    pub(super) fn current_details(&mut self) -> &mut Details {
        let id = self.current.expect("only a running greenlet comes here");
        &mut self.details[id.slot()]
    }

    pub(super) fn no_timeouts(&self) -> bool {
        self.current.is_none_or(|id| !self.slots[id.slot()].in_timeout)
    }

    /// The current greenlet has entered a timeout or left some; returns whether it is hurried.
    pub(super) fn count_timeouts(&mut self) -> bool {
        let in_timeout = !self.current_details().timeouts().is_empty();
        let slot = self.current_slot();
        slot.in_timeout = in_timeout;
        slot.is_hurried()
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
        self.details[id.slot()].rare()?.helper.as_ref()
    }

    pub(super) fn set_helper(&mut self, helper: Helper) {
        self.current_details().rare_mut().helper = Some(helper);
        self.current_slot().has_helper = true;
    }

    /// What it waits in, and since when.
    pub(super) fn parked(&self, id: GreenletId) -> Option<(Wait, Tick)> {
        let slot = &self.slots[id.slot()];
        (slot.is_parked && self.is_live(id)).then(|| slot.last.get())
    }

    pub(super) fn origin_of(&self, id: GreenletId) -> Origin {
        self.details[id.slot()].origin
    }

    /// Whether it stands on a stack that nobody is on, or on none yet.
    pub(super) fn is_idle(&self, id: GreenletId) -> bool {
        !self.slots[id.slot()].fiber.is_empty() || self.has_body(id)
    }

    /// Whether it has yet to begin.
    pub(super) fn has_body(&self, id: GreenletId) -> bool {
        self.details[id.slot()].body.is_some()
    }

    /// Takes what a greenlet is suspended in out for a moment; it is empty while it runs.
    pub(super) fn take_fiber(&mut self, id: GreenletId) -> Fiber {
        mem::take(&mut self.slots[id.slot()].fiber)
    }

    pub(super) fn put_fiber(&mut self, id: GreenletId, fiber: Fiber) {
        self.slots[id.slot()].fiber = fiber;
    }
}
