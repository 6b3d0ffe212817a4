//! [`Semaphore`] and [`BoundedSemaphore`]: gevent's counters of permits.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use super::line::{
    Gone, Line, Wait, Waited, Wake, held, nobody_known, takes_from_nobody, wake_all,
};
use crate::driver;
use crate::hub::Notice;

/// A number of permits. Who finds none waits; who waits is served first come, first served, and a
/// permit that is released goes to the first in line: nobody who comes later takes it before.
///
/// # Examples
///
/// ```
/// use greenroom::sync::Semaphore;
///
/// static CONNECTIONS: Semaphore = Semaphore::new(2);
/// let one = CONNECTIONS.permit();
/// assert!(CONNECTIONS.try_acquire());
/// assert!(!CONNECTIONS.try_acquire());
/// drop(one);
/// assert_eq!(CONNECTIONS.available(), 1);
/// ```
pub struct Semaphore {
    state: Mutex<State>,
}

struct State {
    permits: usize,
    /// No more permits than this, for a bounded one.
    bound: usize,
    line: Line<()>,
    /// Who waits until there is a permit, without taking it.
    watchers: Line<()>,
}

impl State {
    /// A permit more: for the first in line, or for whoever comes.
    fn add(&mut self) -> Vec<Wake> {
        match self.line.hand(()) {
            Ok(wake) => vec![wake],
            Err(()) => {
                self.permits += 1;
                self.watchers.dismiss()
            }
        }
    }
    fn take(&mut self) -> bool {
        let is_free = self.permits > 0;
        self.permits -= usize::from(is_free);
        is_free
    }
}

impl Semaphore {
    /// A semaphore with so many permits.
    #[track_caller]
    pub const fn new(permits: usize) -> Semaphore {
        Semaphore::within(permits, usize::MAX)
    }

    #[track_caller]
    const fn within(permits: usize, bound: usize) -> Semaphore {
        let state = State { permits, bound, line: Line::new(), watchers: Line::new() };
        Semaphore { state: Mutex::new(state) }
    }

    /// Takes a permit, waiting for one. Does not switch if there is one.
    ///
    /// # Panics
    ///
    /// In a destructor that runs while its greenlet unwinds, where nobody may wait, if there is none.
    pub fn acquire(&self) {
        let acquired = self.acquire_within(None);
        assert!(
            acquired,
            "a destructor wants a permit while its greenlet unwinds; try_acquire there"
        );
    }

    /// Takes a permit, waiting for no longer than `timeout`; whether it did. Zero does not wait.
    pub fn acquire_timeout(&self, timeout: Duration) -> bool {
        self.acquire_within(Some(timeout))
    }

    fn acquire_within(&self, timeout: Option<Duration>) -> bool {
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State| &mut state.line,
            op: "acquire",
            notice: Notice::Permit,
            holder: &nobody_known,
            timeout,
            can_fail: false,
            undo: &|state, gone| match gone {
                Gone::Served(_) => state.add(),
                Gone::Left => Vec::new(),
            },
            seize: &|state| state.line.recall(None),
        };
        matches!(wait.run(None, |state, _| state.take()), Waited::Served(_))
    }

    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> bool {
        driver::count_call();
        held(&self.state).take()
    }

    /// Takes a permit as [`acquire`](Semaphore::acquire) does and gives it back when dropped.
    ///
    /// # Panics
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub fn permit(&self) -> Permit<'_> {
        self.acquire();
        Permit(self)
    }

    /// Gives a permit back, or adds one. May be called by anybody, from any thread.
    pub fn release(&self) {
        let wakes = held(&self.state).add();
        wake_all(wakes);
    }

    /// Waits until there is a permit, without taking it; how many there are, which is 0 when the
    /// time was up first.
    pub fn wait(&self, timeout: Option<Duration>) -> usize {
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State| &mut state.watchers,
            op: "wait",
            notice: Notice::Permit,
            holder: &nobody_known,
            timeout,
            can_fail: false,
            undo: &|_, _| Vec::new(),
            seize: &takes_from_nobody,
        };
        // Served or not: there may be one by now, or none any more.
        wait.run(None, |state, _| state.permits > 0);
        self.free()
    }

    /// Permits that nobody has.
    pub fn available(&self) -> usize {
        driver::count_call();
        self.free()
    }

    fn free(&self) -> usize {
        held(&self.state).permits
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available", &self.free()).finish_non_exhaustive()
    }
}

/// A permit of a [`Semaphore`], given back when dropped.
#[must_use = "if unused the permit is given back at once"]
pub struct Permit<'a>(&'a Semaphore);

impl Permit<'_> {
    /// Keeps the permit for good: nobody gets it back but by [`release`](Semaphore::release).
    pub fn forget(self) {
        std::mem::forget(self);
    }
}
impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// A [`Semaphore`] that never has more permits than it began with: a release too many is an error.
///
/// # Examples
///
/// ```
/// use greenroom::sync::BoundedSemaphore;
///
/// let one = BoundedSemaphore::new(1);
/// one.acquire();
/// assert!(one.release().is_ok());
/// assert!(one.release().is_err());
/// ```
pub struct BoundedSemaphore(Semaphore);

/// A permit was given back that nobody had taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleasedTooOften;

impl fmt::Display for ReleasedTooOften {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a semaphore was released more often than it was acquired")
    }
}
impl std::error::Error for ReleasedTooOften {}

impl BoundedSemaphore {
    /// A semaphore with so many permits and never more.
    #[track_caller]
    pub const fn new(permits: usize) -> BoundedSemaphore {
        BoundedSemaphore(Semaphore::within(permits, permits))
    }
    /// As [`Semaphore::acquire`].
    ///
    /// # Panics
    ///
    /// As [`Semaphore::acquire`].
    pub fn acquire(&self) {
        self.0.acquire();
    }
    /// As [`Semaphore::acquire_timeout`].
    pub fn acquire_timeout(&self, timeout: Duration) -> bool {
        self.0.acquire_timeout(timeout)
    }
    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> bool {
        self.0.try_acquire()
    }
    /// As [`Semaphore::permit`].
    ///
    /// # Panics
    ///
    /// As [`Semaphore::acquire`].
    pub fn permit(&self) -> Permit<'_> {
        self.0.permit()
    }
    /// Gives a permit back.
    ///
    /// # Errors
    ///
    /// When none is out: nothing changes then.
    pub fn release(&self) -> Result<(), ReleasedTooOften> {
        let wakes = {
            let mut state = held(&self.0.state);
            if state.permits >= state.bound {
                return Err(ReleasedTooOften);
            }
            state.add()
        };
        wake_all(wakes);
        Ok(())
    }
    /// As [`Semaphore::wait`].
    pub fn wait(&self, timeout: Option<Duration>) -> usize {
        self.0.wait(timeout)
    }
    /// Permits that nobody has.
    pub fn available(&self) -> usize {
        self.0.available()
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut show = f.debug_struct("BoundedSemaphore");
        show.field("available", &self.available()).finish_non_exhaustive()
    }
}
