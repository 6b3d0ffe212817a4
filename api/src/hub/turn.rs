//! Who may run, who is to, and what a poll names.

use std::collections::VecDeque;

use super::{GreenletId, HostId, Io, Readiness};

/// Where a greenlet comes from: its place in the spawn tree.
#[derive(Clone, Copy, Debug)]
pub struct Birth<'a> {
    /// Who spawned it; `None` for the root of a host.
    pub parent: Option<GreenletId>,
    /// The host a root stands on; a child stands on its parent's.
    pub host: HostId,
    /// The name given to it, or `task`.
    pub label: &'a str,
    /// Which of its parent's children of that label it is, counted from 1.
    pub ordinal: u32,
}

/// One thing that [`Hub::poll`](super::Hub::poll) found to have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// A call of this interest on this source may succeed now.
    Io(Io, Readiness),
    /// A greenlet is to be ended from outside.
    End(GreenletId, How),
    /// A host comes up: its program starts.
    Start(HostId),
    /// Another thread left a message for this hub.
    Mail,
    /// The run is over for the hub's own reasons: nobody runs any more but to be unwound.
    Stop,
}

/// How a greenlet is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is unwound at its switch point and its destructors run.
    Unwind,
    /// It is left as it stands and never runs again, as when a process is killed or power fails.
    Abandon,
}

/// One in the queue of those who may run.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Who stands there.
    pub greenlet: GreenletId,
    /// Higher than that of all who stand before it, and never given again.
    pub number: u64,
}

/// Who may run: the current greenlet, if it may go on, and the queue in wake order.
#[derive(Clone, Copy, Debug)]
pub struct Runnable<'a> {
    current: Option<GreenletId>,
    queue: &'a VecDeque<Place>,
    only_yielded: bool,
    /// Why the question arises.
    pub point: SwitchPoint,
}

/// Why the driver asks who runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchPoint {
    /// The last one parked or ended, or the world was just polled.
    Idle,
    /// The current greenlet finished at once a call that might have had to wait.
    Completed,
    /// The current greenlet is about to make a call that never waits, or may find free what it wants: asked
    /// of a hub that [preempts](crate::hub::Hub::preempts) there.
    Unasked,
}

impl<'a> Runnable<'a> {
    /// `queue` is in wake order, and its numbers ascend; `only_yielded` is whether each of those in it merely
    /// yielded since the last poll.
    #[inline]
    pub fn new(
        current: Option<GreenletId>,
        queue: &'a VecDeque<Place>,
        only_yielded: bool,
        point: SwitchPoint,
    ) -> Runnable<'a> {
        Runnable { current, queue, only_yielded, point }
    }
    /// How many could run.
    #[inline]
    pub fn len(&self) -> usize {
        self.queue.len() + usize::from(self.current.is_some())
    }
    /// Whether nobody could.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Candidate `index`; 0 is the default.
    #[inline]
    pub fn get(&self, index: usize) -> GreenletId {
        match self.current {
            Some(current) if index == 0 => current,
            Some(_) => self.queue[index - 1].greenlet,
            None => self.queue[index].greenlet,
        }
    }
    /// Those in the queue who came there after the one with this number, which may be gone.
    pub fn behind(&self, number: u64) -> impl Iterator<Item = Place> {
        let first = self.queue.partition_point(|place| place.number <= number);
        self.queue.range(first..).copied()
    }
    /// Which candidate the one with this number is, if it is still in the queue.
    pub fn find(&self, number: u64) -> Option<usize> {
        let at = self.queue.binary_search_by_key(&number, |place| place.number).ok()?;
        Some(at + usize::from(self.current.is_some()))
    }
    /// Whether everyone who could run has only yielded since the last poll.
    #[inline]
    pub fn only_yielded(&self) -> bool {
        self.current.is_none() && self.only_yielded
    }
}

/// What [`Hub::turn`](super::Hub::turn) decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This candidate runs.
    Run(usize),
    /// The first runs, and for so many turns, this one included, whoever is the first then: the hub is
    /// not asked, unless it is polled or told of a claim that does not hold.
    InOrder(usize),
    /// The world is looked at, without waiting, before anyone runs.
    Poll,
    /// All have merely yielded: the world is looked at, and a simulated one lets a little time go by.
    Advance,
    /// The current greenlet gives way as if it had yielded. Only where it
    /// [completed](SwitchPoint::Completed) a call.
    Yield,
    /// The run is over: nobody runs any more but to be unwound.
    Stop,
}
