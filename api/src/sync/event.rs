//! [`Event`]: gevent's flag that greenlets wait for.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::queue::WaitQueue;
use crate::driver;
use crate::hub::Notice;

/// A flag to wait for. Setting it wakes everyone who waits, even if it is cleared at once.
///
/// # Examples
///
/// ```
/// use greenroom::sync::Event;
///
/// static READY: Event = Event::new();
/// READY.set();
/// assert!(READY.is_set());
/// ```
pub struct Event {
    set: AtomicBool,
    /// How often it was set: a waiter sees that it was even if it is cleared by now.
    sets: AtomicU64,
    line: WaitQueue,
}

impl Event {
    /// A flag that is not set.
    #[track_caller]
    pub const fn new() -> Event {
        Event { set: AtomicBool::new(false), sets: AtomicU64::new(0), line: WaitQueue::new() }
    }
    /// Sets the flag and wakes all who wait, in the order they came.
    pub fn set(&self) {
        self.set.store(true, Ordering::Release);
        self.sets.fetch_add(1, Ordering::Release);
        self.line.note_notifier();
        self.line.wake_all();
    }
    /// Clears the flag.
    pub fn clear(&self) {
        self.set.store(false, Ordering::Release);
    }
    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        driver::count_call();
        self.shows()
    }

    /// Whether the flag is set, for those who look at it on the way to something else.
    pub(crate) fn shows(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// How often it was set, from any thread.
    pub(crate) fn times_set(&self) -> u64 {
        self.sets.load(Ordering::Acquire)
    }
    pub(crate) fn line(&self) -> &WaitQueue {
        &self.line
    }

    /// Waits until the flag is set; false if the time is up first. Does not switch if it is set.
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        driver::count_call();
        if self.shows() {
            return true;
        }
        let driver = driver::current().expect(driver::OUTSIDE);
        let deadline = timeout.map(|timeout| driver.now().after(timeout));
        let before = self.sets.load(Ordering::Acquire);
        let was_set = || self.shows() || self.sets.load(Ordering::Acquire) != before;
        let mut place = None;
        loop {
            driver.after_switch();
            if driver.may_wait().is_err() || deadline.is_some_and(|at| driver.now() >= at) {
                return was_set();
            }
            let standing = self.line.enter(&driver, &mut place);
            if was_set() {
                self.line.withdraw(&driver, standing);
                return true;
            }
            // A wake may be one that was meant for another who was ended: it is no set.
            self.line.park(&driver, standing, "wait", self.line.notice(Notice::Event), deadline);
            driver.raise_kill();
            if was_set() {
                return true;
            }
        }
    }
}

impl Default for Event {
    #[track_caller]
    fn default() -> Event {
        Event::new()
    }
}
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("set", &self.shows()).finish()
    }
}
