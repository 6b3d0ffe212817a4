//! [`Mutex`]: std's lock, whose waiting parks the greenlet.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{self, LockResult, PoisonError, TryLockError, TryLockResult};

use super::queue::WaitQueue;
use crate::driver::{self, Driver};
use crate::hub::{GreenletId, Notice, On};

/// Mutual exclusion among greenlets, of one hub or several. See [`std::sync::Mutex`].
///
/// A guard may be held across a wait. A panic while it is held poisons; a kill or an expired
/// timeout does not.
///
/// # Examples
///
/// ```
/// use greenroom::sync::Mutex;
///
/// static COUNT: Mutex<u32> = Mutex::new(0);
/// *COUNT.lock().unwrap() += 1;
/// assert_eq!(*COUNT.lock().unwrap(), 1);
/// ```
pub struct Mutex<T: ?Sized> {
    line: WaitQueue,
    /// The one hub whose greenlets use it, or [`SEVERAL`].
    only_hub: AtomicU64,
    /// The hub of whoever holds it now; told before `holder` is.
    holders_hub: AtomicU64,
    /// The greenlet that holds it, for wait tables.
    holder: AtomicU64,
    inner: sync::Mutex<T>,
}

/// In place of a hub: more than one.
const SEVERAL: u64 = u64::MAX;

impl<T> Mutex<T> {
    /// A lock around `value`.
    #[track_caller]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            line: WaitQueue::new(),
            only_hub: AtomicU64::new(0),
            holders_hub: AtomicU64::new(0),
            holder: AtomicU64::new(0),
            inner: sync::Mutex::new(value),
        }
    }
    /// The value, the lock being over.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock. Outside any hub it waits as std's does, and so it does in a destructor
    /// that runs while a panic or a kill unwinds, where no greenlet waits: the thread is held up
    /// until the holder, on another thread, lets go.
    ///
    /// # Errors
    ///
    /// Poisoned, when a holder panicked; the error holds the guard.
    ///
    /// # Panics
    ///
    /// In such a destructor, if a greenlet of the same hub holds the lock. That one cannot run
    /// until the unwinding is over, so to wait would hang the hub for good, and there is no guard
    /// to answer with. A panic that leaves a destructor while its greenlet unwinds aborts the
    /// process. Either hold no lock across a wait that a destructor may want, or take it there with
    /// [`try_lock`](Mutex::try_lock).
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        driver::count_call();
        match self.attempt() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Err(poisoned),
            Err(TryLockError::WouldBlock) => {
                let Some(driver) = driver::current() else {
                    return self.guard(self.inner.lock());
                };
                // One that is ended in place may not wait either, but it meets its kill.
                driver.raise_kill();
                if driver.may_wait().is_ok() {
                    return self.lock_slow(&driver);
                }
                self.refuse_to_hang(&driver);
                self.guard(self.inner.lock())
            }
        }
    }

    /// This thread is the one that the holder would let go on, if it is a greenlet of this hub.
    #[cold]
    fn refuse_to_hang(&self, driver: &Driver) {
        let holder = self.holder.load(Ordering::Acquire);
        if holder != 0 && self.holders_hub.load(Ordering::Relaxed) == driver.id {
            let holder = greenlet_of(holder);
            panic!(
                "a destructor wants a lock while its greenlet unwinds, and {} holds it: neither \
                 can ever go on; use try_lock there",
                driver.name(holder)
            );
        }
    }

    fn lock_slow(&self, driver: &Driver) -> LockResult<MutexGuard<'_, T>> {
        let mut place = None;
        loop {
            driver.after_switch();
            let standing = self.line.enter(driver, &mut place);
            match self.attempt() {
                Err(TryLockError::WouldBlock) => {}
                Ok(guard) => {
                    self.line.withdraw(driver, standing);
                    return Ok(guard);
                }
                Err(TryLockError::Poisoned(poisoned)) => {
                    self.line.withdraw(driver, standing);
                    return Err(poisoned);
                }
            }
            self.line.park(driver, standing, "lock", self.on(driver), None);
            driver.raise_kill();
            // A lock let go in time is taken, even if a scope expired before this turn came.
            match self.attempt() {
                Err(TryLockError::WouldBlock) => {}
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Err(poisoned),
            }
        }
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it is not; poisoned, when a holder panicked.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        driver::count_call();
        self.attempt()
    }

    fn attempt(&self) -> TryLockResult<MutexGuard<'_, T>> {
        match self.inner.try_lock() {
            Ok(inner) => self.guard(Ok(inner)).map_err(TryLockError::Poisoned),
            Err(TryLockError::Poisoned(poisoned)) => {
                self.guard(Err(poisoned)).map_err(TryLockError::Poisoned)
            }
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
        }
    }

    fn guard<'a>(
        &'a self,
        inner: LockResult<sync::MutexGuard<'a, T>>,
    ) -> LockResult<MutexGuard<'a, T>> {
        let (hub, holder) = driver::with_current(|driver| {
            (driver.id, driver.current_id().map_or(0, GreenletId::as_u64))
        })
        .unwrap_or((0, 0));
        self.note_hub(hub);
        self.holders_hub.store(hub, Ordering::Relaxed);
        self.holder.store(holder, Ordering::Release);
        let unwinding = std::thread::panicking();
        match inner {
            Ok(inner) => {
                Ok(MutexGuard { lock: self, inner: Some(inner), unwinding, poisoned: false })
            }
            Err(poisoned) => {
                let inner = Some(poisoned.into_inner());
                Err(PoisonError::new(MutexGuard { lock: self, inner, unwinding, poisoned: true }))
            }
        }
    }

    /// Remembers whose lock this is: one hub's, or several hubs' from the second one on.
    fn note_hub(&self, hub: u64) {
        let known = self.only_hub.load(Ordering::Relaxed);
        if known != hub && known != SEVERAL {
            let to = if known == 0 { hub } else { SEVERAL };
            self.only_hub.store(to, Ordering::Relaxed);
        }
    }

    /// What a wait for it waits for.
    fn on(&self, driver: &Driver) -> On {
        self.holder(driver).map_or(self.line.notice(Notice::Lock), On::Held)
    }

    /// The greenlet that holds the lock, if only greenlets of this hub ever use it. Otherwise
    /// whoever holds it next may be another hub's, and a wait for it is no deadlock of this one.
    fn holder(&self, driver: &Driver) -> Option<GreenletId> {
        self.note_hub(driver.id);
        let holder = self.holder.load(Ordering::Relaxed);
        let ours = self.only_hub.load(Ordering::Relaxed) == driver.id && holder != 0;
        ours.then(|| greenlet_of(holder))
    }

    /// Whether a holder panicked.
    pub fn is_poisoned(&self) -> bool {
        driver::count_call();
        self.inner.is_poisoned()
    }
    /// Declares the value sound again.
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }
    /// The value, by the proof that nobody else has it.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

fn greenlet_of(holder: u64) -> GreenletId {
    GreenletId::new(holder as u32, (holder >> 32) as u32)
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}
impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}
impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Under a guard of ours, whose end lets the next in line have it.
        let mut shown = f.debug_struct("Mutex");
        match self.attempt() {
            Ok(guard) => shown.field("data", &&*guard),
            Err(TryLockError::Poisoned(poisoned)) => shown.field("data", &&**poisoned.get_ref()),
            Err(TryLockError::WouldBlock) => shown.field("data", &format_args!("<locked>")),
        };
        shown.field("poisoned", &self.is_poisoned()).finish_non_exhaustive()
    }
}

/// Holds a [`Mutex`]; dropping it lets the next in line have it.
///
/// What it holds can be replaced, so it is of that very type, as std's is:
///
/// ```compile_fail
/// use greenroom::sync::MutexGuard;
/// fn shorter<'a>(guard: MutexGuard<'a, &'static u8>) -> MutexGuard<'a, &'a u8> {
///     guard
/// }
/// ```
#[must_use = "if unused the lock is released at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    lock: &'a Mutex<T>,
    inner: Option<sync::MutexGuard<'a, T>>,
    /// Whether its holder was unwinding already when it took the lock.
    unwinding: bool,
    poisoned: bool,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    pub(super) fn lock_of(&self) -> &'a Mutex<T> {
        self.lock
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("held until dropped")
    }
}
impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("held until dropped")
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.lock.holder.store(0, Ordering::Relaxed);
        self.inner = None;
        if std::thread::panicking() && !self.unwinding && !self.poisoned {
            // std has just poisoned the lock; a greenlet that is ended from outside did nothing
            // wrong to what the lock protects.
            if driver::with_current(Driver::is_ending).unwrap_or(false) {
                self.lock.inner.clear_poison();
            }
        }
        self.lock.line.wake_one();
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
