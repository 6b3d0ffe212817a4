//! [`RwLock`]: std's lock for many readers or one writer, whose waiting parks the greenlet.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::{
    self, LockResult, Mutex, PoisonError, RwLockReadGuard as Read, RwLockWriteGuard as Write,
    TryLockError, TryLockResult,
};

use super::line::{Gone, Line, Wait, Waited, Wake, held, nobody_known, wake_all};
use crate::driver::{self, Driver};
use crate::hub::Notice;

/// Many readers or one writer, greenlets of one hub or several. See [`std::sync::RwLock`].
///
/// First come, first served: a reader that comes after a waiting writer waits for it, so neither
/// kind starves the other; a greenlet that reads already and reads again may therefore wait for a
/// writer that waits for it. A panic of a writer poisons; a kill or an expired timeout does not.
///
/// # Examples
///
/// ```
/// use greenroom::sync::RwLock;
///
/// static TABLE: RwLock<Vec<u32>> = RwLock::new(Vec::new());
/// TABLE.write().unwrap().push(7);
/// assert_eq!(TABLE.read().unwrap().as_slice(), [7]);
/// ```
pub struct RwLock<T: ?Sized> {
    state: Mutex<State>,
    /// Taken only by those whom the state let in: it never waits.
    inner: sync::RwLock<T>,
}

struct State {
    readers: usize,
    has_writer: bool,
    line: Line<Wants>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Read,
    Write,
}

impl State {
    fn admits(&self, wants: Wants) -> bool {
        match wants {
            Wants::Read => !self.has_writer,
            Wants::Write => !self.has_writer && self.readers == 0,
        }
    }
    fn admit(&mut self, wants: Wants) {
        match wants {
            Wants::Read => self.readers += 1,
            Wants::Write => self.has_writer = true,
        }
    }
    /// Nobody is let in before those in line.
    fn take(&mut self, wants: Wants) -> bool {
        let may = self.line.is_empty() && self.admits(wants);
        if may {
            self.admit(wants);
        }
        may
    }
    fn release(&mut self, had: Wants) -> Vec<Wake> {
        match had {
            Wants::Read => self.readers -= 1,
            Wants::Write => self.has_writer = false,
        }
        self.let_in()
    }
    fn undo(&mut self, had: Wants, gone: &Gone<Wants>) -> Vec<Wake> {
        match gone {
            Gone::Served(_) => self.release(had),
            // Those behind may not have to wait any more.
            Gone::Left => self.let_in(),
        }
    }
    /// Goes in before those in line, and in place of those who were let in and have not run since.
    fn seize(&mut self, wants: Wants) -> bool {
        let had = if self.has_writer { Wants::Write } else { Wants::Read };
        let in_use = usize::from(self.has_writer) + self.readers - self.line.served();
        let may = in_use == 0 || (wants == Wants::Read && had == Wants::Read);
        if may {
            while !self.admits(wants) && self.line.recall(Some(had)) {
                match had {
                    Wants::Read => self.readers -= 1,
                    Wants::Write => self.has_writer = false,
                }
            }
            self.admit(wants);
        }
        may
    }
    /// Those in line that may go in by now.
    fn let_in(&mut self) -> Vec<Wake> {
        let mut wakes = Vec::new();
        while let Some(wants) = self.line.peek().filter(|&wants| self.admits(wants)) {
            let (_, wake) = self.line.take().expect("it was just looked at");
            self.admit(wants);
            wakes.push(wake);
        }
        wakes
    }
}

impl<T> RwLock<T> {
    /// A lock around `value`.
    #[track_caller]
    pub const fn new(value: T) -> RwLock<T> {
        let state = State { readers: 0, has_writer: false, line: Line::new() };
        RwLock { state: Mutex::new(state), inner: sync::RwLock::new(value) }
    }
    /// The value, the lock being over.
    ///
    /// # Errors
    ///
    /// Poisoned, when a writer panicked; the error holds the value.
    pub fn into_inner(self) -> LockResult<T> {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes, nor anybody who came before waits to.
    ///
    /// # Errors
    ///
    /// Poisoned, when a writer panicked; the error holds the guard.
    ///
    /// # Panics
    ///
    /// In a destructor that runs while its greenlet unwinds, where nobody may wait, if it had to: for one
    /// that has the lock, not for one that was handed it and has not run since.
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.enter(Wants::Read);
        self.read_guard()
    }

    /// Waits until nobody reads or writes, nor anybody who came before waits to.
    ///
    /// # Errors
    ///
    /// Poisoned, when a writer panicked; the error holds the guard.
    ///
    /// # Panics
    ///
    /// As [`read`](RwLock::read).
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.enter(Wants::Write);
        self.write_guard()
    }

    /// Takes the lock for reading if it can be had at once.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it cannot; poisoned, when a writer panicked.
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        driver::count_call();
        self.attempt_read()
    }

    fn attempt_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if !held(&self.state).take(Wants::Read) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(self.read_guard()?)
    }

    /// Takes the lock for writing if it can be had at once.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it cannot; poisoned, when a writer panicked.
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        driver::count_call();
        if !held(&self.state).take(Wants::Write) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(self.write_guard()?)
    }

    fn enter(&self, wants: Wants) {
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State| &mut state.line,
            op: if wants == Wants::Read { "read lock" } else { "write lock" },
            notice: Notice::Lock,
            holder: &nobody_known,
            timeout: None,
            can_fail: false,
            undo: &|state, gone| state.undo(wants, gone),
            seize: &|state| state.seize(wants),
        };
        if let Waited::GaveUp(_) = wait.run(Some(wants), |state, _| state.take(wants)) {
            panic!("a destructor wants a lock while its greenlet unwinds; try it there");
        }
    }

    fn read_guard(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        let guard = |inner| RwLockReadGuard { state: &self.state, inner: Some(inner) };
        match self.inner.read() {
            Ok(inner) => Ok(guard(inner)),
            Err(poisoned) => Err(PoisonError::new(guard(poisoned.into_inner()))),
        }
    }

    fn write_guard(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        let unwinding = std::thread::panicking();
        let guard = |inner, poisoned| RwLockWriteGuard {
            lock: self,
            inner: Some(inner),
            unwinding,
            poisoned,
        };
        match self.inner.write() {
            Ok(inner) => Ok(guard(inner, false)),
            Err(poisoned) => Err(PoisonError::new(guard(poisoned.into_inner(), true))),
        }
    }

    /// Whether a writer panicked.
    pub fn is_poisoned(&self) -> bool {
        driver::count_call();
        self.inner.is_poisoned()
    }
    /// Declares the value sound again.
    pub fn clear_poison(&self) {
        self.inner.clear_poison();
    }
    /// The value, by the proof that nobody else has it.
    ///
    /// # Errors
    ///
    /// Poisoned, when a writer panicked; the error holds the reference.
    pub fn get_mut(&mut self) -> LockResult<&mut T> {
        self.inner.get_mut()
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}
impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}
impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Under a guard of ours: a writer that comes meanwhile waits in line, not on the thread.
        let mut shown = f.debug_struct("RwLock");
        match self.attempt_read() {
            Ok(guard) => shown.field("data", &&*guard),
            Err(TryLockError::Poisoned(poisoned)) => shown.field("data", &&**poisoned.get_ref()),
            Err(TryLockError::WouldBlock) => shown.field("data", &format_args!("<locked>")),
        };
        shown.field("poisoned", &self.inner.is_poisoned()).finish_non_exhaustive()
    }
}

/// Holds a [`RwLock`] for reading, beside other readers.
///
/// It only lends, so a guard of what lives longer is one of what lives shorter, as std's is: of the
/// lock it knows the state alone.
///
/// ```
/// use greenroom::sync::RwLockReadGuard;
/// fn shorter<'a>(guard: RwLockReadGuard<'a, &'static u8>) -> RwLockReadGuard<'a, &'a u8> {
///     guard
/// }
/// ```
#[must_use = "if unused the lock is released at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    state: &'a Mutex<State>,
    inner: Option<Read<'a, T>>,
}

/// Holds a [`RwLock`] for writing, alone.
///
/// What it holds can be replaced, so it is of that very type, as std's is:
///
/// ```compile_fail
/// use greenroom::sync::RwLockWriteGuard;
/// fn shorter<'a>(guard: RwLockWriteGuard<'a, &'static u8>) -> RwLockWriteGuard<'a, &'a u8> {
///     guard
/// }
/// ```
#[must_use = "if unused the lock is released at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    inner: Option<Write<'a, T>>,
    /// Whether its holder was unwinding already when it took the lock.
    unwinding: bool,
    poisoned: bool,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on reading without letting another writer in between. Readers that stand first in line
    /// come in as well.
    pub fn downgrade(guard: RwLockWriteGuard<'a, T>) -> RwLockReadGuard<'a, T> {
        let lock = guard.lock;
        {
            // Not `drop`: the lock is not let go.
            let mut guard = ManuallyDrop::new(guard);
            guard.inner = None;
            if !guard.poisoned {
                // A destructor that downgrades while a panic unwinds has not left its work half done.
                lock.inner.clear_poison();
            }
        }
        let inner = lock.inner.read().unwrap_or_else(PoisonError::into_inner);
        let wakes = {
            let mut state = held(&lock.state);
            state.has_writer = false;
            state.admit(Wants::Read);
            state.let_in()
        };
        wake_all(wakes);
        RwLockReadGuard { state: &lock.state, inner: Some(inner) }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("held until dropped")
    }
}
impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.inner.as_ref().expect("held until dropped")
    }
}
impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("held until dropped")
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    fn drop(&mut self) {
        self.inner = None;
        let wakes = held(self.state).release(Wants::Read);
        wake_all(wakes);
    }
}
impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    fn drop(&mut self) {
        self.inner = None;
        if std::thread::panicking() && !self.unwinding && !self.poisoned {
            // std has just poisoned it; one that is ended from outside did nothing wrong.
            if driver::with_current(Driver::is_ending).unwrap_or(false) {
                self.lock.inner.clear_poison();
            }
        }
        let wakes = held(&self.lock.state).release(Wants::Write);
        wake_all(wakes);
    }
}

macro_rules! shown_as_value {
    ($($guard:ident),*) => {$(
        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
        impl<T: ?Sized + fmt::Display> fmt::Display for $guard<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    )*};
}

shown_as_value!(RwLockReadGuard, RwLockWriteGuard);
