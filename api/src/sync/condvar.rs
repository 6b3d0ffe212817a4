//! [`Condvar`]: std's condition variable, whose waiting parks the greenlet.

use std::fmt;
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

use super::mutex::MutexGuard;
use super::queue::WaitQueue;
use crate::driver::{self, Woken};
use crate::hub::Notice;

/// A condition that greenlets wait for under a lock. See [`std::sync::Condvar`].
///
/// Waiters are woken first come, first served.
pub struct Condvar {
    line: WaitQueue,
}

/// Whether a wait with a time limit ended by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition nobody waits for.
    #[track_caller]
    pub const fn new() -> Condvar {
        Condvar { line: WaitQueue::new() }
    }

    /// Lets the lock go, waits to be notified, and takes the lock again.
    ///
    /// # Errors
    ///
    /// Poisoned, when a holder of the lock panicked meanwhile.
    ///
    /// # Panics
    ///
    /// Outside any hub.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        match self.wait_until(guard, None) {
            Ok((guard, _)) => Ok(guard),
            Err(poisoned) => Err(PoisonError::new(poisoned.into_inner().0)),
        }
    }

    /// Waits while `condition` holds.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    pub fn wait_while<'a, T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// As [`wait`](Condvar::wait), for no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        self.wait_until(guard, Some(timeout))
    }

    /// As [`wait_timeout`](Condvar::wait_timeout), in milliseconds; returns whether it was woken
    /// before the time was up.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    #[deprecated(note = "replaced by `Condvar::wait_timeout`, as in std")]
    pub fn wait_timeout_ms<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        ms: u32,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let in_time = |(guard, result): (_, WaitTimeoutResult)| (guard, !result.timed_out());
        match self.wait_timeout(guard, Duration::from_millis(ms.into())) {
            Ok(woken) => Ok(in_time(woken)),
            Err(poisoned) => Err(PoisonError::new(in_time(poisoned.into_inner()))),
        }
    }

    /// As [`wait_while`](Condvar::wait_while), for no longer than `timeout` in all.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    pub fn wait_timeout_while<'a, T: ?Sized, F: FnMut(&mut T) -> bool>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: F,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let start = crate::time::Instant::now();
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let Some(left) = timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero())
            else {
                return Ok((guard, WaitTimeoutResult(true)));
            };
            guard = self.wait_timeout(guard, left)?.0;
        }
    }

    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Option<Duration>,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let driver = driver::current().expect(driver::OUTSIDE);
        driver.after_switch();
        if driver.may_wait().is_err() {
            return Ok((guard, WaitTimeoutResult(timeout.is_some())));
        }
        let lock = guard.lock_of();
        let deadline = timeout.map(|timeout| driver.now().after(timeout));
        // In line before the lock is free, so that no notification falls between.
        let standing = self.line.enter(&driver, &mut None);
        drop(guard);
        let woken = self.line.park(
            &driver,
            standing,
            "wait",
            self.line.notice(Notice::Condition),
            deadline,
        );
        driver.raise_kill();
        let notified = matches!(woken, Woken::Event);
        if !notified {
            driver.after_switch();
        }
        let timed_out = WaitTimeoutResult(matches!(woken, Woken::TimedOut));
        let unused = Notification(notified.then_some(&self.line));
        let locked = lock.lock();
        std::mem::forget(unused);
        match locked {
            Ok(guard) => Ok((guard, timed_out)),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), timed_out))),
        }
    }

    /// Wakes the one that has waited longest, if any waits.
    pub fn notify_one(&self) {
        self.line.note_notifier();
        self.line.wake_one();
    }
    /// Wakes all who wait now.
    pub fn notify_all(&self) {
        self.line.note_notifier();
        self.line.wake_all();
    }
}

/// One that is ended while it waits for the lock again leaves its notification to the next.
struct Notification<'a>(Option<&'a WaitQueue>);

impl Drop for Notification<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.0 {
            line.wake_one();
        }
    }
}

impl Default for Condvar {
    #[track_caller]
    fn default() -> Condvar {
        Condvar::new()
    }
}
impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
