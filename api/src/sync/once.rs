//! [`Once`]: what is done a single time, while others wait for it to be done.

use std::fmt;
use std::sync::{self, PoisonError};

use super::{Condvar, Mutex};

const POISONED: &str = "Once instance has previously been poisoned";

/// Something that is done a single time. See [`std::sync::Once`].
///
/// A panic inside poisons it; a kill or an expired timeout leaves it undone, for the next to do.
///
/// # Examples
///
/// ```
/// use greenroom::sync::Once;
///
/// static START: Once = Once::new();
/// START.call_once(|| {});
/// START.call_once(|| unreachable!());
/// assert!(START.is_completed());
/// ```
pub struct Once {
    done: sync::OnceLock<()>,
    /// Held by whoever does it.
    doing: Mutex<()>,
    /// Told when an attempt is over, whatever it came to.
    attempted: Condvar,
}

/// What [`Once::call_once_force`] tells its closure.
#[derive(Debug)]
pub struct OnceState {
    poisoned: bool,
}

impl OnceState {
    /// Whether an earlier attempt panicked.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }
}

impl Once {
    /// Nothing is done yet.
    #[track_caller]
    pub const fn new() -> Once {
        Once { done: sync::OnceLock::new(), doing: Mutex::new(()), attempted: Condvar::new() }
    }

    /// Does it, unless it is done; waits while another does.
    ///
    /// # Panics
    ///
    /// If an earlier attempt panicked.
    pub fn call_once(&self, f: impl FnOnce()) {
        self.call_once_force(|state| {
            assert!(!state.is_poisoned(), "{POISONED}");
            f();
        });
    }

    /// Does it, unless it is done, even if an earlier attempt panicked; waits while another does.
    pub fn call_once_force(&self, f: impl FnOnce(&OnceState)) {
        if self.is_completed() {
            return;
        }
        let doing = self.doing.lock();
        let poisoned = doing.is_err();
        let doing = doing.unwrap_or_else(PoisonError::into_inner);
        if self.is_completed() {
            return;
        }
        let _told = Told(&self.attempted);
        f(&OnceState { poisoned });
        self.doing.clear_poison();
        self.done.set(()).expect("one at a time does it");
        drop(doing);
    }

    /// Waits until it is done; does not do it.
    ///
    /// # Panics
    ///
    /// If an attempt panicked. Outside any hub, if it has to wait.
    pub fn wait(&self) {
        self.wait_until_done(|| panic!("{POISONED}"));
    }

    /// Waits until it is done, whatever became of attempts; does not do it.
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn wait_force(&self) {
        self.wait_until_done(|| {});
    }

    fn wait_until_done(&self, poisoned: impl Fn()) {
        if self.is_completed() {
            return;
        }
        let held = |locked: sync::LockResult<_>| {
            locked.unwrap_or_else(|poison: PoisonError<_>| {
                poisoned();
                poison.into_inner()
            })
        };
        let mut doing = held(self.doing.lock());
        while !self.is_completed() {
            doing = held(self.attempted.wait(doing));
        }
    }

    /// Whether it is done.
    pub fn is_completed(&self) -> bool {
        self.done.get().is_some()
    }
}

/// Tells those who wait that an attempt is over.
struct Told<'a>(&'a Condvar);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.notify_all();
    }
}

impl Default for Once {
    #[track_caller]
    fn default() -> Once {
        Once::new()
    }
}
impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("completed", &self.is_completed()).finish_non_exhaustive()
    }
}
