//! [`ReentrantLock`]: a lock that its holder may take again.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Mutex;
use std::thread::ThreadId;

use super::line::{Gone, Line, Wait, Waited, Wake, held, wake_all};
use crate::driver;
use crate::hub::{GreenletId, Notice};

/// A lock that the greenlet which holds it may take again; it is free once every guard is gone. It
/// lends `&T` only, since a greenlet may have several guards at once. gevent's `RLock` in the shape of
/// std's `ReentrantLock`; nothing poisons it. Who waits is served first come, first served.
///
/// # Examples
///
/// ```
/// use greenroom::sync::ReentrantLock;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static DEPTH: ReentrantLock<AtomicU32> = ReentrantLock::new(AtomicU32::new(0));
/// let outer = DEPTH.lock();
/// let inner = DEPTH.lock();
/// inner.fetch_add(1, Ordering::Relaxed);
/// assert_eq!(outer.load(Ordering::Relaxed), 1);
/// ```
pub struct ReentrantLock<T: ?Sized> {
    state: Mutex<State>,
    value: T,
}

struct State {
    owner: Option<Owner>,
    depth: u32,
    /// Who waits offers itself as the next owner.
    line: Line<Owner>,
}

/// A greenlet of a hub; where there is no hub, a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Greenlet(u64, GreenletId),
    Thread(ThreadId),
}

impl Owner {
    fn current() -> Owner {
        let greenlet = driver::with_current(|driver| {
            driver.current_id().map(|id| Owner::Greenlet(driver.id, id))
        });
        greenlet.flatten().unwrap_or_else(|| Owner::Thread(std::thread::current().id()))
    }
}

impl State {
    fn take(&mut self, who: Owner) -> bool {
        if self.owner.is_some_and(|owner| owner != who) {
            return false;
        }
        self.owner = Some(who);
        self.depth += 1;
        true
    }
    fn release(&mut self) -> Option<Wake> {
        self.depth -= 1;
        if self.depth > 0 {
            return None;
        }
        let next = self.line.take();
        self.owner = next.as_ref().map(|(owner, _)| *owner);
        self.depth = u32::from(next.is_some());
        next.map(|(_, wake)| wake)
    }
    /// Takes it from one who was given it and has not run since.
    fn seize(&mut self, who: Owner) -> bool {
        let seized = self.line.recall(self.owner);
        if seized {
            self.owner = Some(who);
            self.line.is_passed_over();
        }
        seized
    }
    /// Who holds it, where only greenlets of this hub will until a newcomer's turn comes. Otherwise
    /// a wait for it is no deadlock of this hub.
    fn holder_here(&self) -> Option<GreenletId> {
        let here = driver::with_current(|driver| driver.id)?;
        match self.owner? {
            Owner::Greenlet(hub, id) if hub == here && self.line.is_all_of(here) => Some(id),
            _ => None,
        }
    }
}

impl<T> ReentrantLock<T> {
    /// A lock around `value`.
    #[track_caller]
    pub const fn new(value: T) -> ReentrantLock<T> {
        let state = State { owner: None, depth: 0, line: Line::new() };
        ReentrantLock { state: Mutex::new(state), value }
    }
    /// The value, the lock being over.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: ?Sized> ReentrantLock<T> {
    /// Takes the lock, waiting until it is free or ours.
    ///
    /// # Panics
    ///
    /// In a destructor that runs while its greenlet unwinds, where nobody may wait, if another holds
    /// the lock.
    pub fn lock(&self) -> ReentrantLockGuard<'_, T> {
        let who = Owner::current();
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State| &mut state.line,
            op: "lock",
            notice: Notice::Lock,
            holder: &State::holder_here,
            timeout: None,
            can_fail: false,
            undo: &|state, gone| match gone {
                Gone::Served(_) => state.release().into_iter().collect(),
                Gone::Left => Vec::new(),
            },
            seize: &|state| state.seize(who),
        };
        match wait.run(Some(who), |state, _| state.take(who)) {
            Waited::Served(_) => ReentrantLockGuard { lock: self, not_send: PhantomData },
            Waited::GaveUp(_) => {
                panic!("a destructor wants a lock while its greenlet unwinds; use try_lock there")
            }
        }
    }

    /// Takes the lock if it is free or ours.
    pub fn try_lock(&self) -> Option<ReentrantLockGuard<'_, T>> {
        driver::count_call();
        let taken = held(&self.state).take(Owner::current());
        // Made only where it is due: dropping one releases.
        taken.then(|| ReentrantLockGuard { lock: self, not_send: PhantomData })
    }

    /// The value, by the proof that nobody else has it.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Default> Default for ReentrantLock<T> {
    #[track_caller]
    fn default() -> ReentrantLock<T> {
        ReentrantLock::new(T::default())
    }
}
impl<T> From<T> for ReentrantLock<T> {
    fn from(value: T) -> ReentrantLock<T> {
        ReentrantLock::new(value)
    }
}
impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReentrantLock").field("data", &&self.value).finish_non_exhaustive()
    }
}

/// Holds a [`ReentrantLock`]; it stays with its greenlet.
#[must_use = "if unused the lock is released at once"]
pub struct ReentrantLockGuard<'a, T: ?Sized> {
    lock: &'a ReentrantLock<T>,
    /// What is held belongs to a greenlet, and greenlets stay on their thread.
    not_send: PhantomData<*const ()>,
}

impl<T: ?Sized> Deref for ReentrantLockGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.lock.value
    }
}
impl<T: ?Sized> Drop for ReentrantLockGuard<'_, T> {
    fn drop(&mut self) {
        let next = held(&self.lock.state).release();
        wake_all(next);
    }
}
impl<T: ?Sized + fmt::Debug> fmt::Debug for ReentrantLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
