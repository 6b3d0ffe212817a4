//! [`Channel`]: gevent's rendezvous.

use std::fmt;
use std::time::Duration;

use super::items::{Items, PUT};
use super::store::Fifo;
use super::{GetError, PutError};

/// Hands items over from one to another: each put waits until its item is got, and whoever got it
/// runs before the one who put it goes on. Both are served first come, first served.
///
/// # Examples
///
/// ```no_run
/// use greenroom::sync::Channel;
///
/// static ORDERS: Channel<&str> = Channel::new();
/// let cook = greenroom::thread::spawn(|| assert_eq!(ORDERS.get(), Ok("soup")));
/// ORDERS.put("soup").unwrap();
/// cook.join().unwrap();
/// ```
pub struct Channel<T>(Items<T, Fifo<T>>);

impl<T: Send> Channel<T> {
    /// A channel that nobody waits at.
    #[track_caller]
    pub const fn new() -> Channel<T> {
        Channel(Items::with_bound(0))
    }

    /// Puts an item and waits until it is got.
    ///
    /// # Errors
    ///
    /// Where a greenlet is being ended and may not wait, [`PutError::Full`]; the item comes back.
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_within(item, None)
    }
    /// As [`put`](Channel::put), for no longer than `timeout`; zero puts where somebody waits.
    ///
    /// # Errors
    ///
    /// When nobody took it in time; the item comes back.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_within(item, Some(timeout))
    }

    fn put_within(&self, item: T, timeout: Option<Duration>) -> Result<(), PutError<T>> {
        let handed = self.0.put_within(item, timeout, PUT)?;
        if handed && crate::driver::current().is_some() {
            // Whoever waited for it was made runnable just now, and so runs first.
            crate::thread::yield_now();
        }
        Ok(())
    }

    /// The next item, waiting for one.
    ///
    /// # Errors
    ///
    /// Where a greenlet is being ended and may not wait, [`GetError::Empty`].
    pub fn get(&self) -> Result<T, GetError> {
        self.0.get()
    }
    /// The next item, waiting for no longer than `timeout`; zero gets where somebody waits to put.
    ///
    /// # Errors
    ///
    /// When none came in time.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.0.get_timeout(timeout)
    }
    /// Items as they come, waiting for each.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.0.iter()
    }
}

impl<T: Send> Default for Channel<T> {
    #[track_caller]
    fn default() -> Channel<T> {
        Channel::new()
    }
}
impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}
