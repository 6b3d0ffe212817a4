//! One greenlet as the driver keeps it, and the place it leaves for the next.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::crowd::Crowd;
use super::locals::Locals;
use super::names::{Children, Label, PathNode, write_name, write_path};
use super::parker::Parker;
use super::ticket::{Origin, Ticket, Woken};
use super::timeout::Timeout;
use super::timers::Timer;
use super::waiters::Standing;
use crate::greenlet::{Fiber, Leave};
use crate::hub::{GreenletId, HostId, Tick, Wait};

/// What a turn finds in a greenlet's slot.
pub(super) enum Phase {
    Body(Box<dyn FnOnce()>, usize),
    Fiber(Box<Fiber>),
    /// Killed before it ever ran: what it owns is still to be dropped.
    Cancelled(Box<dyn FnOnce()>),
}

/// As many polls there never are.
pub(super) const NEVER: u64 = u64::MAX;

/// A greenlet, or the place for one.
pub(super) struct Slot {
    pub(super) id: GreenletId,
    pub(super) live: bool,
    /// Its number in the order of spawning, for all that happens in id order.
    pub(super) born: u64,
    /// Its number among those of its host.
    pub(super) number: u64,
    pub(super) phase: Option<Phase>,
    /// What the last greenlet here ran on, without its stack: one allocation less for the next.
    pub(super) spare: Option<Box<Fiber>>,
    pub(super) leave: Option<Leave>,
    pub(super) label: Label,
    pub(super) ordinal: u32,
    pub(super) origin: Origin,
    /// The parent's place in the spawn tree, and this one's once it has a child.
    pub(super) above: Option<Rc<PathNode>>,
    pub(super) place: Option<Rc<PathNode>>,
    pub(super) children: Children,
    pub(super) wait: u64,
    pub(super) parked: Option<(Wait, Tick)>,
    pub(super) woken: Option<Woken>,
    pub(super) timer: Timer,
    pub(super) timeouts: Vec<Timeout>,
    pub(super) killed: bool,
    /// How often it met its kill, and how often after that while its end was owed.
    pub(super) kills_met: u32,
    pub(super) kills_met_owing: u32,
    /// How many waits it asked for where none is allowed.
    pub(super) refusals: u32,
    /// A kill or an expiry is unwinding it, as opposed to a panic of its own.
    pub(super) unwinding: bool,
    pub(super) abandoned: bool,
    /// What is known of who could end its wait.
    pub(super) helper: Option<Helper>,
    pub(super) joiners: Crowd<Ticket>,
    /// It is in the queue and merely yielded, when there had been so many polls.
    pub(super) yielded: u64,
    /// Where it lined up last. It may have left since: no two calls have the same place.
    pub(super) standing: Option<Standing>,
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
            live: false,
            born: 0,
            number: 0,
            phase: None,
            spare: None,
            leave: None,
            label: Label::Task,
            ordinal: 0,
            origin: Origin { parent: None, owner: None, host: HostId(0), program: None, at: None },
            above: None,
            place: None,
            children: Children::default(),
            wait: 0,
            parked: None,
            woken: None,
            timer: Timer::default(),
            timeouts: Vec::new(),
            killed: false,
            kills_met: 0,
            kills_met_owing: 0,
            refusals: 0,
            unwinding: false,
            abandoned: false,
            helper: None,
            joiners: Crowd::new(),
            yielded: NEVER,
            standing: None,
            parker: None,
            locals: None,
        }
    }

    /// Its greenlet is over. What the next one is given at its birth stays until then, and the
    /// count of waits goes on, so that no ticket of this one's names a wait of another's.
    pub(super) fn end(&mut self) {
        self.live = false;
        self.leave = None;
        self.above = None;
        self.place = None;
        self.children = Children::default();
        self.timeouts.clear();
        self.killed = false;
        self.kills_met = 0;
        self.kills_met_owing = 0;
        self.refusals = 0;
        self.unwinding = false;
        self.abandoned = false;
        self.woken = None;
        self.parker = None;
        self.locals = None;
    }

    /// Whether it is killed or inside a timeout.
    #[inline]
    pub(super) fn is_hurried(&self) -> bool {
        self.killed || !self.timeouts.is_empty()
    }

    /// Writes the path without memory of its own, and no more than its last names.
    pub(super) fn write_path(&self, path: &mut dyn fmt::Write) -> fmt::Result {
        write_path::<16>(self.above.as_deref(), path)?;
        write_name(&self.label, self.ordinal, path)
    }

    pub(super) fn place(&mut self) -> Rc<PathNode> {
        let Slot { place, above, label, ordinal, .. } = self;
        place
            .get_or_insert_with(|| Rc::new(PathNode::below(above.clone(), label.clone(), *ordinal)))
            .clone()
    }
}
