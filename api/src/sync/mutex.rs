//! [`Mutex`]: std's lock, whose waiting parks the greenlet.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{self, LockResult, PoisonError, TryLockError, TryLockResult};

use super::line::{
    Gone, Line, Wait, Waited, Wake, held, nobody_known, takes_from_nobody, wake_all,
};
use crate::driver::{self, Driver};
use crate::hub::{GreenletId, Notice};

/// Mutual exclusion among greenlets, of one hub or several. See [`std::sync::Mutex`].
///
/// First come, first served: a lock that is let go belongs to the first in line, and who comes back at once
/// stands behind. A guard may be held across a wait. A panic while it is held poisons; a kill or an expired
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
    /// Written under the lock of `lines` but for the way from [`FREE`] to [`TAKEN`] and back.
    word: AtomicU8,
    lines: sync::Mutex<Lines>,
    /// The hub of whoever holds it now; told before `holder` is.
    holders_hub: AtomicU64,
    /// The greenlet that holds it.
    holder: AtomicU64,
    /// Taken only by those whom the word let in: it never waits.
    inner: sync::Mutex<T>,
}

const FREE: u8 = 0;
const TAKEN: u8 = 1;
/// Taken, and perhaps somebody stands in line. Nobody does while the word is another.
const WANTED: u8 = 2;

struct Lines {
    line: Line<()>,
    /// Threads that stand still until they have it, and a hub with each: they go first, for those of
    /// their hub who stand in line cannot run before.
    standing_still: Line<()>,
}

impl<T> Mutex<T> {
    /// A lock around `value`.
    #[track_caller]
    pub const fn new(value: T) -> Mutex<T> {
        Mutex {
            word: AtomicU8::new(FREE),
            lines: sync::Mutex::new(Lines { line: Line::new(), standing_still: Line::new() }),
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
        if !self.take() {
            self.wait();
        }
        self.guard()
    }

    /// Takes the lock if it is free and nobody waits for it.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it is not; poisoned, when a holder panicked.
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        driver::count_call();
        self.attempt()
    }

    fn attempt(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if !self.take() {
            return Err(TryLockError::WouldBlock);
        }
        Ok(self.guard()?)
    }

    fn take(&self) -> bool {
        self.word.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The guard is gone.
    fn release(&self) {
        if self.word.compare_exchange(TAKEN, FREE, Ordering::Release, Ordering::Relaxed).is_err() {
            let next = self.hand_on(&mut held(&self.lines));
            wake_all(next);
        }
    }

    #[cold]
    fn wait(&self) {
        let wait = Wait {
            state: &self.lines,
            line: |lines| &mut lines.line,
            op: "lock",
            notice: Notice::Lock,
            holder: &|lines| self.holder_here(lines),
            timeout: None,
            can_fail: false,
            undo: &|lines, gone| match gone {
                Gone::Served(_) => self.hand_on(lines).into_iter().collect(),
                Gone::Left => Vec::new(),
            },
            seize: &|lines| self.seize(lines),
        };
        if let Waited::GaveUp(_) = wait.run(None, |_, _| self.want()) {
            self.stand_still();
        }
    }

    /// Takes the lock if it is free; else its holder sees that somebody wants it. Under the lock of the
    /// lines.
    fn want(&self) -> bool {
        let is_free = self.word.swap(WANTED, Ordering::Acquire) == FREE;
        if is_free {
            self.word.store(TAKEN, Ordering::Relaxed);
        }
        is_free
    }

    /// Takes it from one who was given it and has not run since. Under the lock of the lines.
    fn seize(&self, lines: &mut Lines) -> bool {
        let seized = lines.line.recall(None);
        if seized {
            self.note_holder_here();
            lines.line.is_passed_over();
        }
        seized
    }

    /// The lock, which is let go, is the next one's.
    fn hand_on(&self, lines: &mut Lines) -> Option<Wake> {
        let next = lines.standing_still.hand(()).or_else(|()| lines.line.hand(())).ok();
        match next.as_ref().map(Wake::greenlet) {
            Some(greenlet) => {
                let (hub, id) = greenlet.map_or((0, 0), |(hub, id)| (hub, id.as_u64()));
                self.note_holder(hub, id);
            }
            None => self.word.store(FREE, Ordering::Release),
        }
        next
    }

    /// A greenlet that unwinds cannot wait: its thread does, and the hub with it.
    #[cold]
    fn stand_still(&self) {
        let wait = Wait {
            state: &self.lines,
            line: |lines| &mut lines.standing_still,
            op: "lock",
            notice: Notice::Lock,
            holder: &nobody_known,
            timeout: None,
            can_fail: false,
            undo: &|_, _| Vec::new(),
            seize: &takes_from_nobody,
        };
        wait.wait_as_thread(None, |lines, _| {
            let is_had = self.want() || self.seize(lines);
            if !is_had {
                driver::with_current(|driver| self.refuse_to_hang(driver));
                lines.line.is_passed_over();
            }
            is_had
        });
    }

    /// This thread is the one that the holder would let go on, if it is a greenlet of this hub.
    fn refuse_to_hang(&self, driver: &Driver) {
        let holder = self.holder.load(Ordering::Acquire);
        if holder != 0 && self.holders_hub.load(Ordering::Relaxed) == driver.id {
            panic!(
                "a destructor wants a lock while its greenlet unwinds, and {} holds it: neither \
                 can ever go on; use try_lock there",
                driver.name(GreenletId::from_u64(holder))
            );
        }
    }

    /// What the word let in goes in.
    fn guard(&self) -> LockResult<MutexGuard<'_, T>> {
        self.note_holder_here();
        let unwinding = std::thread::panicking();
        match self.inner.lock() {
            Ok(inner) => {
                Ok(MutexGuard { lock: self, inner: Some(inner), unwinding, poisoned: false })
            }
            Err(poisoned) => {
                let inner = Some(poisoned.into_inner());
                Err(PoisonError::new(MutexGuard { lock: self, inner, unwinding, poisoned: true }))
            }
        }
    }

    fn note_holder_here(&self) {
        let here = driver::with_current(|driver| {
            (driver.id, driver.current_id().map_or(0, GreenletId::as_u64))
        });
        let (hub, holder) = here.unwrap_or((0, 0));
        self.note_holder(hub, holder);
    }

    fn note_holder(&self, hub: u64, holder: u64) {
        self.holders_hub.store(hub, Ordering::Relaxed);
        self.holder.store(holder, Ordering::Release);
    }

    /// The greenlet that holds the lock, where only greenlets of this hub will until a newcomer's turn
    /// comes. Otherwise a wait for it is no deadlock of this hub.
    fn holder_here(&self, lines: &Lines) -> Option<GreenletId> {
        let here = driver::with_current(|driver| driver.id)?;
        let holder = self.holder.load(Ordering::Acquire);
        let is_ours = holder != 0 && self.holders_hub.load(Ordering::Relaxed) == here;
        let all_ours = lines.line.is_all_of(here) && lines.standing_still.is_empty();
        (is_ours && all_ours).then(|| GreenletId::from_u64(holder))
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
        self.lock.release();
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
