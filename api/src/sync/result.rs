//! [`AsyncResult`]: gevent's value that comes later.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use super::event::Event;
use crate::driver;

/// A value that one greenlet sets, a single time, and any number wait for. An outcome that may be a
/// failure is an `AsyncResult<Result<T, E>>`.
///
/// # Examples
///
/// ```
/// use greenroom::sync::AsyncResult;
///
/// let answer = AsyncResult::new();
/// assert_eq!(answer.set(42), Ok(()));
/// assert_eq!(answer.wait(None), Some(&42));
/// assert_eq!(answer.set(43), Err(43));
/// ```
pub struct AsyncResult<T> {
    value: OnceLock<T>,
    set: Event,
}

impl<T> AsyncResult<T> {
    /// Nothing is set yet.
    pub const fn new() -> AsyncResult<T> {
        AsyncResult { value: OnceLock::new(), set: Event::new() }
    }

    /// Sets the value and wakes all who wait, in the order they came. From any thread.
    ///
    /// # Errors
    ///
    /// When one was set: this one comes back.
    pub fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.set.set();
        Ok(())
    }

    /// The value, if it is set.
    pub fn get(&self) -> Option<&T> {
        driver::count_call();
        self.value.get()
    }
    /// Whether the value is set.
    pub fn is_ready(&self) -> bool {
        driver::count_call();
        self.value.get().is_some()
    }

    /// Waits for the value; `None` if the time is up first. Does not switch if it is there.
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<&T> {
        if self.value.get().is_none() {
            self.set.wait(timeout);
        }
        self.value.get()
    }

    /// The value, if it was set.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T> Default for AsyncResult<T> {
    fn default() -> AsyncResult<T> {
        AsyncResult::new()
    }
}
impl<T: fmt::Debug> fmt::Debug for AsyncResult<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsyncResult").field(&self.value.get()).finish()
    }
}
