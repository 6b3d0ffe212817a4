//! Greenlets in line for a lock, a condition or a queue: first come, first served.

use std::panic::Location;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::driver::{self, Arrival, Crowd, Driver, Helper, Mailbox, Ticket, Woken, wake_anywhere};
use crate::hub::{GreenletId, Notice, On, Tick};

/// The line. `const`, so that what stands on it can be a static.
pub(crate) struct WaitQueue {
    /// How many stand in it: looked at without the lock when there is nobody to wake.
    waiting: AtomicUsize,
    line: Mutex<Crowd<Sleeper>>,
    /// How many ever lined up.
    lined_up: AtomicU64,
    /// Where what it is of was made.
    made_at: &'static Location<'static>,
    /// The greenlet that notified last, and its hub; 0 before that.
    last: (AtomicU64, AtomicU64),
}

/// Where a wait stands.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    place: Arrival,
    ticket: Ticket,
}

struct Sleeper {
    hub: u64,
    mailbox: Arc<Mailbox>,
    ticket: Ticket,
}

impl WaitQueue {
    #[track_caller]
    pub(crate) const fn new() -> WaitQueue {
        WaitQueue {
            waiting: AtomicUsize::new(0),
            line: Mutex::new(Crowd::new()),
            lined_up: AtomicU64::new(0),
            made_at: Location::caller(),
            last: (AtomicU64::new(0), AtomicU64::new(0)),
        }
    }

    /// What a wait in this line waits for.
    pub(crate) fn notice(&self, notice: Notice) -> On {
        On::Notice(notice, self.made_at)
    }

    /// The current greenlet gives a notice, whether or not anybody waits for one: whoever waits later and
    /// in vain is told of it.
    pub(crate) fn note_notifier(&self) {
        driver::with_current(|driver| {
            if let Some(id) = driver.current_id() {
                self.last.0.store(driver.id, Ordering::Relaxed);
                self.last.1.store(id.as_u64(), Ordering::Relaxed);
            }
        });
    }

    /// Lines up the current greenlet's next wait: last, or in the place that it had before and kept
    /// in `place`. The caller checks once more what it waits for and then parks or
    /// [`withdraw`](Self::withdraw)s.
    pub(crate) fn enter(&self, driver: &Driver, place: &mut Option<Arrival>) -> Standing {
        let ticket = driver.ticket();
        let mut line = self.line();
        let place = *place.get_or_insert_with(|| self.lined_up.fetch_add(1, Ordering::Relaxed));
        line.enter(place, Sleeper { hub: driver.id, mailbox: driver.mailbox.clone(), ticket });
        self.waiting.store(line.len(), Ordering::Relaxed);
        drop(line);
        // Pairs with the fence in `wake_one`: either the waker sees us, or we see what it did.
        fence(Ordering::SeqCst);
        Standing { place, ticket }
    }

    fn line(&self) -> MutexGuard<'_, Crowd<Sleeper>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a wait out of the line; false if it had been taken out to be woken.
    pub(crate) fn leave(&self, standing: Standing) -> bool {
        let mut line = self.line();
        let stood = line.leave(standing.place).is_some();
        self.waiting.store(line.len(), Ordering::Relaxed);
        stood
    }

    /// Takes a wait that did not take place out of the line. If somebody had taken it out to wake
    /// us, that wake is the next one's, and must not hit a later wait of ours.
    pub(crate) fn withdraw(&self, driver: &Driver, standing: Standing) {
        if !self.leave(standing) {
            driver.retire(standing.ticket);
            self.wake_one();
        }
    }

    /// Parks until woken. One that ends otherwise leaves no trace, and passes on a wake it was
    /// given at the same time.
    pub(crate) fn park(
        &self,
        driver: &Driver,
        standing: Standing,
        op: &'static str,
        on: On,
        deadline: Option<Tick>,
    ) -> Woken {
        if matches!(on, On::Notice(..)) && self.last.0.load(Ordering::Relaxed) == driver.id {
            let giver = GreenletId::from_u64(self.last.1.load(Ordering::Relaxed));
            driver.waits_for(Helper::Gave(giver));
        }
        let woken = driver.park(op, on, deadline);
        match woken {
            Woken::Event if driver.is_killed() => self.wake_one(),
            Woken::Event => {}
            _ if !self.leave(standing) => self.wake_one(),
            _ => {}
        }
        woken
    }

    pub(crate) fn wake_one(&self) {
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut line = self.line();
        let first = line.pop_first();
        self.waiting.store(line.len(), Ordering::Relaxed);
        drop(line);
        if let Some((_, sleeper)) = first {
            wake_anywhere(sleeper.hub, &sleeper.mailbox, sleeper.ticket);
        }
    }

    pub(crate) fn wake_all(&self) {
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let mut all = {
            let mut line = self.line();
            self.waiting.store(0, Ordering::Relaxed);
            std::mem::take(&mut *line)
        };
        for sleeper in all.drain() {
            wake_anywhere(sleeper.hub, &sleeper.mailbox, sleeper.ticket);
        }
    }
}
