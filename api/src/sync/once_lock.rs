//! [`OnceLock`] and [`LazyLock`]: values that are made a single time.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync;

use super::line::held;
use super::once::Once;

/// A value that is set a single time. See [`std::sync::OnceLock`].
///
/// # Examples
///
/// ```
/// use greenroom::sync::OnceLock;
///
/// static NAME: OnceLock<String> = OnceLock::new();
/// assert_eq!(NAME.get_or_init(|| "db1".into()), "db1");
/// assert_eq!(NAME.set("db2".into()), Err("db2".into()));
/// ```
pub struct OnceLock<T> {
    value: sync::OnceLock<T>,
    once: Once,
}

impl<T> OnceLock<T> {
    /// Nothing is set yet.
    pub const fn new() -> OnceLock<T> {
        OnceLock { value: sync::OnceLock::new(), once: Once::new() }
    }

    /// The value, if it is set. Never waits.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }
    /// The value, by the proof that nobody else has it.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Sets the value; waits while another makes one.
    ///
    /// # Errors
    ///
    /// When one was set: this one comes back.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("made once"));
        value.map_or(Ok(()), Err)
    }

    /// The value, made by `f` if there is none; waits while another makes it. If `f` panics there is
    /// none, and the next one makes it.
    pub fn get_or_init(&self, f: impl FnOnce() -> T) -> &T {
        if self.value.get().is_none() {
            self.once.call_once_force(|_| {
                // Nobody else is here, so it is not set meanwhile.
                let _ = self.value.set(f());
            });
        }
        self.value.get().expect("it was just made")
    }

    /// Waits until somebody has set it.
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn wait(&self) -> &T {
        self.once.wait_force();
        self.value.get().expect("it was waited for")
    }

    /// The value, if it was set.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
    /// Takes the value out, if it was set; it may be set again then.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}
impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        let new = OnceLock::new();
        new.get_or_init(|| value);
        new
    }
}
impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get().map_or_else(OnceLock::new, |value| value.clone().into())
    }
}
impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}
impl<T: Eq> Eq for OnceLock<T> {}
impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A value that is made when it is first used. See [`std::sync::LazyLock`].
///
/// # Examples
///
/// ```
/// use greenroom::sync::LazyLock;
///
/// static SQUARES: LazyLock<Vec<u32>> = LazyLock::new(|| (0..10).map(|n| n * n).collect());
/// assert_eq!(SQUARES[3], 9);
/// ```
pub struct LazyLock<T, F = fn() -> T> {
    value: OnceLock<T>,
    /// Taken by the first attempt: if that panics there is none for another.
    make: sync::Mutex<Option<F>>,
}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `make` will make.
    pub const fn new(make: F) -> LazyLock<T, F> {
        LazyLock { value: OnceLock::new(), make: sync::Mutex::new(Some(make)) }
    }

    /// The value, made now if it was not; waits while another makes it.
    ///
    /// # Panics
    ///
    /// If making it panicked, now or before. One that is ended while it makes the value, by a kill
    /// or an expired timeout, leaves none either.
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.value.get_or_init(|| {
            let make = held(&this.make).take();
            make.expect(POISONED)()
        })
    }

    /// As [`force`](LazyLock::force), by the proof that nobody else has it.
    ///
    /// # Panics
    ///
    /// As [`force`](LazyLock::force).
    pub fn force_mut(this: &mut LazyLock<T, F>) -> &mut T {
        LazyLock::force(this);
        this.value.get_mut().expect("it was just made")
    }
}

impl<T, F> LazyLock<T, F> {
    /// The value, if it was made. Never waits and makes none.
    pub fn get(this: &LazyLock<T, F>) -> Option<&T> {
        this.value.get()
    }

    /// The value, if it was made, by the proof that nobody else has it.
    pub fn get_mut(this: &mut LazyLock<T, F>) -> Option<&mut T> {
        this.value.get_mut()
    }
}

const POISONED: &str = "LazyLock instance has previously been poisoned";

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}
impl<T, F: FnOnce() -> T> DerefMut for LazyLock<T, F> {
    fn deref_mut(&mut self) -> &mut T {
        LazyLock::force_mut(self)
    }
}
impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}
impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.get() {
            Some(value) => f.debug_tuple("LazyLock").field(value).finish(),
            None => f.write_str("LazyLock(<uninit>)"),
        }
    }
}
