//! Those in line for something that is handed to the first of them: nobody who comes later can take
//! it in between.
//!
//! A line stands inside the state of what is waited for, under the same lock. Each who waits brings
//! a slot: one who wants something finds it filled, one who offers something finds it emptied.
//! Greenlets of any hub stand in it, and threads that run no hub.

#[cfg(test)]
mod tests;

use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::driver::{
    self, Arrival, Crowd, Driver, Helper, Holder, Mailbox, Ticket, Woken, wake_anywhere,
};
use crate::hub::{GreenletId, Notice, On};

/// Who waits, in the order they came.
pub(super) struct Line<T> {
    waiting: Crowd<Waiter<T>>,
    /// Those whose turn came and who have not run since.
    served: Crowd<Waiter<T>>,
    lined_up: Arrival,
    /// How many of those who wait are of each hub; threads without one are 0's.
    by_hub: Vec<(u64, usize)>,
    /// Where what it is of was made.
    made_at: &'static Location<'static>,
    /// The greenlet that last brought what is waited for, and its hub.
    last_giver: Option<(u64, GreenletId)>,
    /// Who holds the lock that it is of, once somebody waits for that one.
    holder: Option<Arc<Holder>>,
}

struct Waiter<T> {
    slot: Option<T>,
    wake: Wake,
}

/// Whom to wake once the lock of the state is let go.
#[must_use = "who was served has to be woken"]
#[derive(Clone)]
pub(super) struct Wake(Who);

#[derive(Clone)]
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

/// What a thread heard of its bell.
#[derive(PartialEq, Eq)]
enum Heard {
    Ring,
    Nothing,
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
    /// The greenlet that it wakes, and its hub.
    pub(super) fn greenlet(&self) -> Option<(u64, GreenletId)> {
        match &self.0 {
            Who::Greenlet { hub, ticket, .. } => Some((*hub, ticket.greenlet)),
            Who::Thread(_) => None,
        }
    }
    pub(super) fn wake(self) {
        match self.0 {
            Who::Greenlet { hub, mailbox, ticket } => wake_anywhere(hub, &mailbox, ticket),
            Who::Thread(bell) => bell.ring(),
        }
    }
}

impl Bell {
    fn ring(&self) {
        *held(&self.rung) = true;
        self.ringing.notify_one();
    }
    /// Whoever was told to go on is to wait on, for what is left of its time.
    fn hush(&self) {
        *held(&self.rung) = false;
    }
    /// Waits until it is rung, or for that long.
    fn listen(&self, timeout: Option<Duration>) -> Heard {
        let rung = held(&self.rung);
        let silent = |rung: &mut bool| !*rung;
        let Some(timeout) = timeout else {
            drop(self.ringing.wait_while(rung, silent));
            return Heard::Ring;
        };
        let waited = self.ringing.wait_timeout_while(rung, timeout, silent);
        let (rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *rung { Heard::Ring } else { Heard::Nothing }
    }
}

pub(super) fn wake_all(wakes: impl IntoIterator<Item = Wake>) {
    wakes.into_iter().for_each(Wake::wake);
}

impl<T> Line<T> {
    #[track_caller]
    pub(super) const fn new() -> Line<T> {
        Line {
            waiting: Crowd::new(),
            served: Crowd::new(),
            lined_up: 0,
            by_hub: Vec::new(),
            made_at: Location::caller(),
            last_giver: None,
            holder: None,
        }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
    /// How many have been served and have not run since.
    pub(super) fn served(&self) -> usize {
        self.served.len()
    }

    /// Hands `value` to the first in line; it comes back where nobody waits.
    pub(super) fn hand(&mut self, value: T) -> Result<Wake, T> {
        match self.waiting.pop_first() {
            None => Err(value),
            Some((place, mut first)) => {
                first.slot = Some(value);
                Ok(self.serve(place, first))
            }
        }
    }

    /// Takes what the first in line offers.
    pub(super) fn take(&mut self) -> Option<(T, Wake)> {
        let (place, mut first) = self.waiting.pop_first()?;
        let offered = first.slot.take().expect("who offers has something in the slot");
        Some((offered, self.serve(place, first)))
    }

    fn serve(&mut self, place: Arrival, waiter: Waiter<T>) -> Wake {
        self.count_out(&waiter);
        let wake = waiter.wake.clone();
        if let (Some(holder), Some((_, next))) = (&self.holder, wake.greenlet()) {
            holder.set(next);
        }
        self.served.enter(place, waiter);
        wake
    }

    /// Of those who were served and have not run since, the last waits again, in the place that it had and
    /// with this in its slot; false if there is none.
    pub(super) fn recall(&mut self, slot: Option<T>) -> bool {
        let Some((place, mut last)) = self.served.pop_last() else { return false };
        last.slot = slot;
        if let Who::Thread(bell) = &last.wake.0 {
            bell.hush();
        }
        self.enter(place, last);
        true
    }

    /// The current greenlet has what those in line wait for, or will have it, before all of them. Those of
    /// other hubs look again whom they wait for: it was one of their own hub's, perhaps.
    pub(super) fn is_passed_over(&self) {
        let here = driver::with_current(|driver| (driver.id, driver.current_id()));
        let (hub, id) = here.unwrap_or((0, None));
        if let (Some(holder), Some(id)) = (&self.holder, id)
            && self.is_all_of(hub)
        {
            holder.set(id);
        }
        let others = self.waiting.iter().filter(|(_, waiter)| waiter.wake.hub() != hub);
        others.for_each(|(_, waiter)| waiter.wake.clone().wake());
    }

    /// What the first in line offers.
    pub(super) fn peek(&self) -> Option<T>
    where
        T: Copy,
    {
        self.waiting.first().and_then(|(_, first)| first.slot)
    }

    /// Lets all go; their slots stay as they are.
    pub(super) fn dismiss(&mut self) -> Vec<Wake> {
        let all = std::iter::from_fn(|| {
            let (place, first) = self.waiting.pop_first()?;
            Some(self.serve(place, first))
        });
        all.collect()
    }

    /// Whether all in line are greenlets of this hub.
    pub(super) fn is_all_of(&self, hub: u64) -> bool {
        self.by_hub.iter().all(|&(of, count)| of == hub || count == 0)
    }

    /// The current greenlet brought what is waited for, whether or not anybody waits: who waits later and in
    /// vain is told of it.
    pub(super) fn note_giver(&mut self) {
        let giver = driver::with_current(|driver| Some((driver.id, driver.current_id()?)));
        self.note_giver_of(giver.flatten());
    }
    /// As [`note_giver`](Line::note_giver), of one who waited to bring it.
    pub(super) fn note_giver_of(&mut self, giver: Option<(u64, GreenletId)>) {
        self.last_giver = giver.or(self.last_giver);
    }

    /// What the current greenlet is about to wait for here, and who could end its wait.
    fn note_helper(&mut self, driver: &Driver, holder: Option<GreenletId>, notice: Notice) -> On {
        match (holder, self.last_giver) {
            (Some(id), _) => {
                let holder = self.holder.get_or_insert_default();
                holder.set(id);
                driver.waits_for(Helper::Holds(holder.clone()));
                return On::Held(id);
            }
            (None, Some((hub, giver))) if hub == driver.id => {
                driver.waits_for(Helper::Gave(giver));
            }
            _ => {}
        }
        On::Notice(notice, self.made_at)
    }

    fn enter(&mut self, place: Arrival, waiter: Waiter<T>) {
        let hub = waiter.wake.hub();
        match self.by_hub.iter_mut().find(|(of, _)| *of == hub) {
            Some((_, count)) => *count += 1,
            None => {
                // Hubs come and go.
                self.by_hub.retain(|&(_, count)| count > 0);
                self.by_hub.push((hub, 1));
            }
        }
        self.waiting.enter(place, waiter);
    }
    fn enter_last(&mut self, slot: Option<T>, wake: Wake) -> Arrival {
        self.lined_up += 1;
        self.enter(self.lined_up, Waiter { slot, wake });
        self.lined_up
    }
    /// Out of the line, with what was in the slot.
    fn leave(&mut self, place: Arrival) -> Option<T> {
        let waiter = self.waiting.leave(place)?;
        self.count_out(&waiter);
        waiter.slot
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
    pub(super) holder: &'a dyn Fn(&S) -> Option<GreenletId>,
    pub(super) timeout: Option<Duration>,
    /// Whether the caller can be told that nothing came of it.
    pub(super) can_fail: bool,
    /// What is owed to the others when a greenlet goes without what it waited for. What it leaves
    /// in the slot is dropped after the lock is let go: it is the user's.
    pub(super) undo: &'a dyn Fn(&mut S, &mut Gone<T>) -> Vec<Wake>,
    /// Where the caller may not wait, since it unwinds: takes what others were served with who have not run
    /// since, and cannot before the unwinding is over. Whether it did.
    pub(super) seize: &'a dyn Fn(&mut S) -> bool,
}

/// For what has no holder, or holders that are not known.
pub(super) fn nobody_known<S>(_: &S) -> Option<GreenletId> {
    None
}

/// For what nobody misses who unwinds.
pub(super) fn takes_from_nobody<S>(_: &mut S) -> bool {
    false
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
        let Some(driver) = driver::current() else { return self.wait_as_thread(offer, attempt) };
        driver.after_switch();
        // Where nothing unwinds, what can be told of a timeout that is over is told each time.
        if cfg!(panic = "abort") && self.can_fail && driver.expired_timeout().is_some() {
            return Waited::GaveUp(offer);
        }
        if driver.may_wait().is_err() {
            let seized = (self.seize)(&mut held(self.state));
            return if seized { Waited::Served(offer) } else { Waited::GaveUp(offer) };
        }
        let (place, on) = {
            let mut state = held(self.state);
            // Once more under the lock that lines up: another thread may have been here.
            if attempt(&mut state, &mut offer) {
                return Waited::Served(offer);
            }
            let holder = (self.holder)(&state);
            let line = (self.line)(&mut state);
            let on = line.note_helper(&driver, holder, self.notice);
            (line.enter_last(offer, Wake::of(&driver)), on)
        };
        self.stand(&driver, place, on)
    }

    fn stand(&self, driver: &Driver, place: Arrival, mut on: On) -> Waited<T> {
        let deadline = self.timeout.map(|timeout| driver.now().after(timeout));
        loop {
            let woken = driver.park(self.op, on, deadline);
            let mut state = held(self.state);
            let line = (self.line)(&mut state);
            if let Some(served) = line.served.leave(place) {
                // Whoever served us won, whatever else ended the wait.
                if !driver.is_killed() || self.waits_on() {
                    return Waited::Served(served.slot);
                }
                let mut gone = Gone::Served(served.slot);
                let next = (self.undo)(&mut state, &mut gone);
                drop(state);
                wake_all(next);
                driver.raise_kill();
                // Where nothing unwinds: a kill is an answer there.
                let Gone::Served(left) = gone else { return Waited::GaveUp(None) };
                return Waited::GaveUp(left);
            }
            if matches!(woken, Woken::Event) && !driver.is_killed() || self.waits_on() {
                // It was recalled, or somebody goes before it.
                if self.waits_on() {
                    // A timeout that is known to be over wakes it no more.
                    driver.expired_timeout();
                }
                let waiter = line.waiting.get_mut(place).expect("who is not served waits");
                waiter.wake = Wake::of(driver);
                let holder = (self.holder)(&state);
                on = (self.line)(&mut state).note_helper(driver, holder, self.notice);
                continue;
            }
            let left = line.leave(place);
            let next = (self.undo)(&mut state, &mut Gone::Left);
            drop(state);
            wake_all(next);
            driver.after_switch();
            return Waited::GaveUp(left);
        }
    }

    /// Whether nothing but its turn ends the wait: nothing unwinds out of it, and the caller can't be told.
    fn waits_on(&self) -> bool {
        cfg!(panic = "abort") && !self.can_fail && self.timeout.is_none()
    }

    /// A thread waits as it would for std's own: one that runs no hub, or one that stands still with its hub.
    pub(super) fn wait_as_thread(
        &self,
        mut offer: Option<T>,
        mut attempt: impl FnMut(&mut S, &mut Option<T>) -> bool,
    ) -> Waited<T> {
        let bell = Arc::<Bell>::default();
        let place = {
            let mut state = held(self.state);
            if attempt(&mut state, &mut offer) {
                return Waited::Served(offer);
            }
            (self.line)(&mut state).enter_last(offer, Wake(Who::Thread(bell.clone())))
        };
        loop {
            let heard = bell.listen(self.timeout);
            let mut state = held(self.state);
            let line = (self.line)(&mut state);
            if let Some(served) = line.served.leave(place) {
                return Waited::Served(served.slot);
            }
            if heard == Heard::Ring {
                // It was recalled, just when it had been told.
                continue;
            }
            let left = line.leave(place);
            let next = (self.undo)(&mut state, &mut Gone::Left);
            drop(state);
            wake_all(next);
            return Waited::GaveUp(left);
        }
    }
}
