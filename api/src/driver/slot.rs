//! One greenlet as the driver keeps it, and the place it leaves for the next.
//!
//! What each turn and each wait touch stands apart, in two lines of the cache ([`Slot`]); what few
//! greenlets ever need, or need once, is in the [`Details`] of the same index.

use std::fmt;
use std::io;
use std::mem;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::crowd::{Arrival, Crowd};
use super::locals::Locals;
use super::names::{Children, Label, PathNode, write_name, write_path};
use super::parker::Parker;
use super::program::Task;
use super::ticket::{Origin, Ticket};
use super::timeout::Timeout;
use super::timers::Timer;
use super::waiters::Standing;
use crate::greenlet::{Fiber, Leave};
use crate::hub::{GreenletId, HostId, On, Tick, Wait, WokeBy};

/// What a greenlet's first turn finds.
pub(super) enum Beginning {
    Body(Rc<dyn Task>, usize),
    /// Killed before it ever ran: what it owns is still to be dropped.
    Cancelled(Rc<dyn Task>),
}

/// As many polls there never are.
pub(super) const NEVER: u64 = u64::MAX;

/// A greenlet, or the place for one: what every turn and every wait touch.
#[repr(C, align(64))]
pub(super) struct Slot {
    pub(super) id: GreenletId,
    /// How many waits there were in this place.
    pub(super) wait: u64,
    pub(super) leave: Option<Leave>,
    /// What it is suspended in; empty while it runs, and before.
    pub(super) fiber: Fiber,
    /// The wait it is in, or was in last.
    pub(super) last: LastWait,
    pub(super) is_parked: bool,
    pub(super) woken: Option<WokeBy>,
    pub(super) live: bool,
    pub(super) killed: bool,
    pub(super) abandoned: bool,
    /// It is inside a `timeout`, which is among the details.
    pub(super) in_timeout: bool,
    /// So are the deadline of its wait, and what is known of who could end it.
    pub(super) has_deadline: bool,
    pub(super) has_helper: bool,
}

// What tools see of a switch takes more.
#[cfg(all(target_pointer_width = "64", not(greenroom_threads), not(feature = "sanitizer")))]
const _: () = assert!(size_of::<Slot>() == 128, "two lines");

/// One wait of a greenlet.
#[derive(Clone, Copy)]
pub(super) struct LastWait {
    op: &'static str,
    pub(super) on: On,
    since: Tick,
    /// The end of time where there is none.
    deadline: Tick,
    /// Where it lined up for a source; 0 where it did not. It may have left since: no two calls have
    /// the same place.
    pub(super) place: Arrival,
}

/// What a greenlet is given once.
pub(super) struct Details {
    pub(super) timer: Timer,
    /// It is in the queue and merely yielded, when there had been so many polls.
    pub(super) yielded: u64,
    /// What has not begun.
    pub(super) body: Option<Rc<dyn Task>>,
    /// How large a stack it is to run on, in bytes.
    pub(super) stack_size: usize,
    /// Its number in the order of spawning, for all that happens in id order.
    pub(super) born: u64,
    /// Its number among those of its host.
    pub(super) number: u64,
    pub(super) label: Label,
    pub(super) ordinal: u32,
    pub(super) origin: Origin,
    /// The parent's place in the spawn tree.
    pub(super) above: Option<Rc<PathNode>>,
    /// Its own, once it has a child.
    pub(super) kin: Option<Box<Kin>>,
    /// Who waits for its end first, and since which wait for an end; others are among the rare.
    pub(super) joiner: Option<(NonZeroU64, Ticket)>,
    /// A kill or an expiry is unwinding it, as opposed to a panic of its own.
    pub(super) unwinding: bool,
    rare: Option<Box<Rare>>,
}

/// What only those have who spawn.
#[derive(Default)]
pub(super) struct Kin {
    /// Its place in the spawn tree.
    place: Option<Rc<PathNode>>,
    children: Children,
}

/// What most greenlets never need.
#[derive(Default)]
pub(super) struct Rare {
    pub(super) timeouts: Vec<Timeout>,
    /// Who waits for its end beside the first.
    pub(super) joiners: Crowd<Ticket>,
    /// How often it met its kill, and how often after that while its end was owed.
    pub(super) kills_met: u32,
    pub(super) kills_met_owing: u32,
    /// How many waits it asked for where none is allowed.
    pub(super) refusals: u32,
    /// What cancelled its wait.
    pub(super) error: Option<io::Error>,
    /// What is known of who could end its wait.
    pub(super) helper: Option<Helper>,
    /// The token of `thread::park`, made when it is first asked for.
    pub(super) parker: Option<Arc<Parker>>,
    /// Its own values, made when it first looks at one.
    pub(super) locals: Option<Rc<Locals>>,
}

/// Who could end a wait.
#[derive(Clone)]
pub(crate) enum Helper {
    /// It gave the last notice of the kind that is waited for.
    Gave(GreenletId),
    /// It holds the lock that is waited for.
    Holds(Arc<Holder>),
}

/// Who holds a lock, as those know it who wait for it.
#[derive(Default)]
pub(crate) struct Holder(AtomicU64);

impl Holder {
    pub(crate) fn set(&self, id: GreenletId) {
        self.0.store(id.as_u64(), Ordering::Relaxed);
    }
    pub(crate) fn get(&self) -> GreenletId {
        GreenletId::from_u64(self.0.load(Ordering::Relaxed))
    }
}

impl Slot {
    /// A place that no greenlet had yet.
    pub(super) fn free(index: u32) -> Slot {
        Slot {
            id: GreenletId::new(index, 0),
            wait: 0,
            leave: None,
            fiber: Fiber::default(),
            last: LastWait::new(Wait { op: "", on: On::Clock, deadline: None }, Tick::default(), 0),
            is_parked: false,
            woken: None,
            live: false,
            killed: false,
            abandoned: false,
            in_timeout: false,
            has_deadline: false,
            has_helper: false,
        }
    }

    /// Its greenlet is over. The count of waits goes on, so that no ticket of this one's names a wait
    /// of another's.
    pub(super) fn end(&mut self) {
        self.live = false;
        self.leave = None;
        self.woken = None;
        self.killed = false;
        self.abandoned = false;
        self.in_timeout = false;
    }

    /// Whether it is killed or inside a timeout.
    #[inline]
    pub(super) fn is_hurried(&self) -> bool {
        self.killed || self.in_timeout
    }
}

impl LastWait {
    #[inline]
    pub(super) fn new(wait: Wait, since: Tick, place: Arrival) -> LastWait {
        let deadline = wait.deadline.unwrap_or(Tick::from_ns(u64::MAX));
        LastWait { op: wait.op, on: wait.on, since, deadline, place }
    }

    /// What it waits in, and since when.
    pub(super) fn get(&self) -> (Wait, Tick) {
        let deadline = Some(self.deadline).filter(|deadline| deadline.as_ns() != u64::MAX);
        (Wait { op: self.op, on: self.on, deadline }, self.since)
    }

    /// Where it lined up.
    pub(super) fn standing(&self) -> Option<Standing> {
        match self.on {
            On::Io(io, interest) if self.place != 0 => Some((io, interest, self.place)),
            _ => None,
        }
    }
}

impl Details {
    /// Those of a place that no greenlet had yet.
    pub(super) fn free() -> Details {
        Details {
            timer: Timer::default(),
            yielded: NEVER,
            body: None,
            stack_size: 0,
            born: 0,
            number: 0,
            label: Label::Task,
            ordinal: 0,
            origin: Origin { parent: None, owner: None, host: HostId(0), is_root: false, at: None },
            above: None,
            kin: None,
            joiner: None,
            unwinding: false,
            rare: None,
        }
    }

    /// Its greenlet is over. What the next one is given at its birth stays until then.
    pub(super) fn end(&mut self) {
        self.above = None;
        self.kin = None;
        self.joiner = None;
        self.unwinding = false;
        self.rare = None;
    }

    /// The names that it has given to children.
    pub(super) fn children(&mut self) -> &mut Children {
        &mut self.kin.get_or_insert_default().children
    }

    /// What it has of what most never need.
    #[inline]
    pub(super) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The same, to be changed.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The timeouts it is inside of, outermost first.
    pub(super) fn timeouts(&self) -> &[Timeout] {
        self.rare().map_or(&[], |rare| &rare.timeouts)
    }

    /// The same, to be changed.
    pub(super) fn timeouts_mut(&mut self) -> &mut [Timeout] {
        self.rare.as_mut().map_or(&mut [], |rare| &mut rare.timeouts)
    }

    /// Somebody waits for its end, since this wait for an end.
    pub(super) fn add_joiner(&mut self, arrival: NonZeroU64, ticket: Ticket) {
        match self.joiner {
            None => self.joiner = Some((arrival, ticket)),
            Some(_) => self.rare_mut().joiners.enter(arrival.get(), ticket),
        }
    }

    /// It does so no more.
    pub(super) fn remove_joiner(&mut self, arrival: Arrival) {
        let others = self.rare.as_mut().map(|rare| &mut rare.joiners);
        if self.joiner.is_none_or(|(first, _)| first.get() != arrival) {
            others.and_then(|others| others.leave(arrival));
            return;
        }
        let next = others.and_then(Crowd::pop_first);
        self.joiner = next.and_then(|(arrival, ticket)| Some((NonZeroU64::new(arrival)?, ticket)));
    }

    /// Who waits for its end, in the order they came.
    pub(super) fn take_joiners(&mut self) -> (Option<Ticket>, Crowd<Ticket>) {
        let first = self.joiner.take().map(|(_, ticket)| ticket);
        let others = self.rare.as_mut().map(|rare| mem::take(&mut rare.joiners));
        (first, others.unwrap_or_default())
    }

    /// Writes the path without memory of its own, and no more than its last names.
    pub(super) fn write_path(&self, path: &mut dyn fmt::Write) -> fmt::Result {
        write_path::<16>(self.above.as_deref(), path)?;
        write_name(&self.label, self.ordinal, path)
    }

    pub(super) fn place(&mut self) -> Rc<PathNode> {
        let Details { kin, above, label, ordinal, .. } = self;
        kin.get_or_insert_default()
            .place
            .get_or_insert_with(|| Rc::new(PathNode::below(above.clone(), label.clone(), *ordinal)))
            .clone()
    }
}
