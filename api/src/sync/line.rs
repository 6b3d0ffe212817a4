//! Those in line for something that is handed to the first of them: nobody who comes later can take
//! it in between.
//!
//! A line stands inside the state of what is waited for, under the same lock. Each who waits brings
//! a slot: one who wants something finds it filled, one who offers something finds it emptied.
//! Greenlets of any hub stand in it, and threads that run no hub.

use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::driver::{self, Arrival, Crowd, Driver, Mailbox, Ticket, Woken, wake_anywhere};
use crate::hub::{GreenletId, Notice, On};

/// Who waits, in the order they came.
pub(super) struct Line<T> {
    waiting: Crowd<Waiter<T>>,
    lined_up: Arrival,
    /// How many of them are of each hub; threads without one are 0's.
    by_hub: Vec<(u64, usize)>,
    /// Where what it is of was made.
    made_at: &'static Location<'static>,
}

struct Waiter<T> {
    slot: Slot<T>,
    wake: Wake,
}

type Slot<T> = Arc<Mutex<Option<T>>>;

/// Whom to wake once the lock of the state is let go.
#[must_use = "who was served has to be woken"]
pub(super) struct Wake(Who);

enum Who {
    Greenlet { hub: u64, mailbox: Arc<Mailbox>, ticket: Ticket },
    Thread(Arc<Bell>),
}

/// What a thread without a hub waits for.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Wake {
    fn of(driver: &Driver) -> Wake {
        let (hub, mailbox, ticket) = (driver.id, driver.mailbox.clone(), driver.ticket());
        Wake(Who::Greenlet { hub, mailbox, ticket })
    }
    /// Whose it is; 0 is no hub.
    fn hub(&self) -> u64 {
        match self.0 {
            Who::Greenlet { hub, .. } => hub,
            Who::Thread(_) => 0,
        }
    }
    pub(super) fn wake(self) {
        match self.0 {
            Who::Greenlet { hub, mailbox, ticket } => wake_anywhere(hub, &mailbox, ticket),
            Who::Thread(bell) => {
                *held(&bell.rung) = true;
                bell.ringing.notify_one();
            }
        }
    }
}

pub(super) fn wake_all(wakes: impl IntoIterator<Item = Wake>) {
    wakes.into_iter().for_each(Wake::wake);
}

impl<T> Line<T> {
    #[track_caller]
    pub(super) const fn new() -> Line<T> {
        Line { waiting: Crowd::new(), lined_up: 0, by_hub: Vec::new(), made_at: Location::caller() }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Hands `value` to the first in line; it comes back where nobody waits.
    pub(super) fn hand(&mut self, value: T) -> Result<Wake, T> {
        match self.pop() {
            None => Err(value),
            Some(first) => {
                *held(&first.slot) = Some(value);
                Ok(first.wake)
            }
        }
    }

    /// Takes what the first in line offers.
    pub(super) fn take(&mut self) -> Option<(T, Wake)> {
        let first = self.pop()?;
        let offered = held(&first.slot).take().expect("who offers has something in the slot");
        Some((offered, first.wake))
    }

    /// What the first in line offers.
    pub(super) fn peek(&self) -> Option<T>
    where
        T: Copy,
    {
        self.waiting.first().and_then(|(_, first)| *held(&first.slot))
    }

    /// Lets all go; their slots stay as they are.
    pub(super) fn dismiss(&mut self) -> Vec<Wake> {
        self.by_hub.clear();
        self.waiting.drain().map(|waiter| waiter.wake).collect()
    }

    /// Whether all in line are greenlets of this hub.
    pub(super) fn is_all_of(&self, hub: u64) -> bool {
        self.by_hub.iter().all(|&(of, count)| of == hub || count == 0)
    }

    fn enter(&mut self, slot: Slot<T>, wake: Wake) -> Arrival {
        let hub = wake.hub();
        match self.by_hub.iter_mut().find(|(of, _)| *of == hub) {
            Some((_, count)) => *count += 1,
            None => {
                // Hubs come and go.
                self.by_hub.retain(|&(_, count)| count > 0);
                self.by_hub.push((hub, 1));
            }
        }
        self.lined_up += 1;
        self.waiting.enter(self.lined_up, Waiter { slot, wake });
        self.lined_up
    }
    fn pop(&mut self) -> Option<Waiter<T>> {
        let (_, first) = self.waiting.pop_first()?;
        self.count_out(&first);
        Some(first)
    }
    fn leave(&mut self, place: Arrival) {
        if let Some(waiter) = self.waiting.leave(place) {
            self.count_out(&waiter);
        }
    }
    fn count_out(&mut self, waiter: &Waiter<T>) {
        let hub = waiter.wake.hub();
        if let Some((_, count)) = self.by_hub.iter_mut().find(|(of, _)| *of == hub) {
            *count -= 1;
        }
    }
}

/// What the lock of a state guards; nothing of the user's runs while it is held, so it cannot really
/// be poisoned.
pub(super) fn held<S: ?Sized>(state: &Mutex<S>) -> MutexGuard<'_, S> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a wait ended, with what is in the slot then.
pub(super) enum Waited<T> {
    /// The caller's turn came.
    Served(Option<T>),
    /// The time was up; or nobody may wait here, where a greenlet is being ended.
    GaveUp(Option<T>),
}

/// One wait in a line.
pub(super) struct Wait<'a, S, T> {
    pub(super) state: &'a Mutex<S>,
    pub(super) line: fn(&mut S) -> &mut Line<T>,
    pub(super) op: &'static str,
    pub(super) notice: Notice,
    /// Who is waited for, once in line, where nobody else can let the caller go on.
    pub(super) holder: fn(&S) -> Option<GreenletId>,
    pub(super) timeout: Option<Duration>,
    /// What is owed to the others when a greenlet goes without what it waited for. What it leaves
    /// in the slot is dropped after the lock is let go: it is the user's.
    pub(super) undo: fn(&mut S, &mut Gone<T>) -> Vec<Wake>,
}

/// For what has no holder, or holders that are not known.
pub(super) fn nobody_known<S>(_: &S) -> Option<GreenletId> {
    None
}

/// How somebody went who waited in vain.
pub(super) enum Gone<T> {
    /// Out of the line, to be told that the time was up or to be ended.
    Left,
    /// Ended, after its turn had come and before it could run, with what was in the slot.
    Served(Option<T>),
}

impl<S, T> Wait<'_, S, T> {
    /// Tries `attempt` and, if that comes to nothing, waits in line. The attempt is shown what is
    /// offered and takes it out where it takes it.
    pub(super) fn run(
        self,
        mut offer: Option<T>,
        mut attempt: impl FnMut(&mut S, &mut Option<T>) -> bool,
    ) -> Waited<T> {
        driver::count_call();
        if attempt(&mut held(self.state), &mut offer) {
            return Waited::Served(offer);
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Waited::GaveUp(offer);
        }
        let driver = driver::current();
        if let Some(driver) = &driver {
            driver.after_switch();
            if driver.may_wait().is_err() {
                return Waited::GaveUp(offer);
            }
        }
        let slot = Arc::new(Mutex::new(None));
        let bell = Arc::<Bell>::default();
        let (place, on) = {
            let mut state = held(self.state);
            // Once more under the lock that lines up: another thread may have been here.
            if attempt(&mut state, &mut offer) {
                return Waited::Served(offer);
            }
            *held(&slot) = offer;
            let wake = match &driver {
                Some(driver) => Wake::of(driver),
                None => Wake(Who::Thread(bell.clone())),
            };
            let holder = (self.holder)(&state);
            let line = (self.line)(&mut state);
            let on = holder.map_or(On::Notice(self.notice, line.made_at), On::Held);
            (line.enter(slot.clone(), wake), on)
        };
        match driver {
            Some(driver) => self.stand(&driver, place, on, &slot),
            None => self.stand_as_thread(&bell, place, &slot),
        }
    }

    fn stand(&self, driver: &Driver, place: Arrival, on: On, slot: &Slot<T>) -> Waited<T> {
        let deadline = self.timeout.map(|timeout| driver.now().after(timeout));
        loop {
            let woken = driver.park(self.op, on, deadline);
            let mut state = held(self.state);
            let line = (self.line)(&mut state);
            let Some(waiter) = line.waiting.get_mut(place) else {
                // Whoever served us won, whatever else ended the wait.
                let value = held(slot).take();
                if !driver.is_killed() {
                    return Waited::Served(value);
                }
                let mut gone = Gone::Served(value);
                let next = (self.undo)(&mut state, &mut gone);
                drop(state);
                wake_all(next);
                driver.raise_kill();
                // Where nothing unwinds: a kill is an answer there.
                let Gone::Served(left) = gone else { return Waited::GaveUp(None) };
                return Waited::GaveUp(left);
            };
            if matches!(woken, Woken::Event) && !driver.is_killed() {
                waiter.wake = Wake::of(driver);
                continue;
            }
            line.leave(place);
            let next = (self.undo)(&mut state, &mut Gone::Left);
            drop(state);
            wake_all(next);
            driver.after_switch();
            return Waited::GaveUp(held(slot).take());
        }
    }

    /// A thread that runs no hub waits as it would for std's own.
    fn stand_as_thread(&self, bell: &Bell, place: Arrival, slot: &Slot<T>) -> Waited<T> {
        let rung = held(&bell.rung);
        let waits = |rung: &mut bool| !*rung;
        match self.timeout {
            None => drop(bell.ringing.wait_while(rung, waits)),
            Some(timeout) => drop(bell.ringing.wait_timeout_while(rung, timeout, waits)),
        }
        let mut state = held(self.state);
        let line = (self.line)(&mut state);
        if line.waiting.get_mut(place).is_none() {
            return Waited::Served(held(slot).take());
        }
        line.leave(place);
        let next = (self.undo)(&mut state, &mut Gone::Left);
        drop(state);
        wake_all(next);
        Waited::GaveUp(held(slot).take())
    }
}
