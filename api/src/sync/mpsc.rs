//! Channels with [`std::sync::mpsc`]'s API, whose waiting parks the greenlet.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::RefUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use super::items::{GetError, Items, PutError};
use super::store::Fifo;
use crate::hub::Notice;

/// A channel without a bound: sending never waits.
///
/// # Examples
///
/// ```
/// use greenroom::sync::mpsc;
///
/// let (tx, rx) = mpsc::channel();
/// tx.send(7).unwrap();
/// assert_eq!(rx.try_recv(), Ok(7));
/// ```
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Shared::new(usize::MAX);
    (Sender(shared.clone()), Receiver { shared, not_sync: PhantomData })
}

/// A channel that holds at most `bound` messages: sending into a full one waits. With bound 0 each
/// send waits until its message is taken.
#[track_caller]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let shared = Shared::new(bound);
    (SyncSender(shared.clone()), Receiver { shared, not_sync: PhantomData })
}

/// Nobody puts once it is shut down by the last sender, and nobody gets once it is by the receiver.
struct Shared<T> {
    messages: Items<T, Fifo<T>>,
    senders: AtomicUsize,
}

const SEND: (&str, Notice) = ("send", Notice::ChannelRoom);
const RECV: (&str, Notice) = ("recv", Notice::Message);

impl<T> Shared<T> {
    #[track_caller]
    fn new(bound: usize) -> Arc<Shared<T>> {
        Arc::new(Shared { messages: Items::with_bound(bound), senders: AtomicUsize::new(1) })
    }
    fn join(&self) {
        self.senders.fetch_add(1, Ordering::Relaxed);
    }
    fn part(&self) {
        if self.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.messages.shut_down();
        }
    }
}

/// Sends into a channel without a bound. See [`std::sync::mpsc::Sender`].
pub struct Sender<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    /// Sends; never waits, but gives way before every thousandth call in a row.
    ///
    /// # Errors
    ///
    /// When the receiver is gone; the message comes back.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let put = self.0.messages.put_within(message, Some(Duration::ZERO), SEND);
        put.map(|_| ()).map_err(|error| SendError(error.into_inner()))
    }
}

/// Sends into a channel with a bound. See [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T>(Arc<Shared<T>>);

impl<T> SyncSender<T> {
    /// Sends, waiting for room. Those who wait are served first come, first served.
    ///
    /// # Errors
    ///
    /// When the receiver is gone; the message comes back.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let put = self.0.messages.put_within(message, None, SEND);
        put.map(|_| ()).map_err(|error| SendError(error.into_inner()))
    }

    /// Sends if there is room.
    ///
    /// # Errors
    ///
    /// When there is none, or the receiver is gone; the message comes back. With bound 0 there is
    /// room only where somebody waits in `recv`.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.0.messages.try_put(message) {
            Ok(()) => Ok(()),
            Err(PutError::Full(back)) => Err(TrySendError::Full(back)),
            Err(PutError::ShutDown(back)) => Err(TrySendError::Disconnected(back)),
        }
    }
}

/// Receives from a channel. See [`std::sync::mpsc::Receiver`].
///
/// As std's it may be given to another thread and not be shared with one:
///
/// ```compile_fail,E0277
/// fn is_sync<T: Sync>() {}
/// is_sync::<greenroom::sync::mpsc::Receiver<u8>>();
/// ```
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    not_sync: PhantomData<Cell<()>>,
}

/// A panic leaves no message half taken.
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> Receiver<T> {
    /// Waits for a message.
    ///
    /// # Errors
    ///
    /// When the channel is empty and every sender is gone.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.shared.messages.get_within(None, RECV).map_err(|_| RecvError)
    }
    /// Takes a message if there is one.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.shared.messages.try_get().map_err(|error| match error {
            GetError::Empty => TryRecvError::Empty,
            GetError::ShutDown => TryRecvError::Disconnected,
        })
    }
    /// Waits for a message, for no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// When the time is up, or the channel is empty and every sender is gone.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.shared.messages.get_within(Some(timeout), RECV).map_err(|error| match error {
            GetError::Empty => RecvTimeoutError::Timeout,
            GetError::ShutDown => RecvTimeoutError::Disconnected,
        })
    }

    /// Messages until every sender is gone, waiting for each.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }
    /// Messages that are there now.
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }
}

/// Messages until every sender is gone.
#[derive(Debug)]
pub struct Iter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

/// Messages that are there, until there is none.
#[derive(Debug)]
pub struct TryIter<'a, T> {
    receiver: &'a Receiver<T>,
}

impl<T> Iterator for TryIter<'_, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

/// Messages until every sender is gone, the receiver being owned.
#[derive(Debug)]
pub struct IntoIter<T> {
    receiver: Receiver<T>,
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}
impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;
    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.messages.shut_down_now();
    }
}

macro_rules! sender_traits {
    ($($type:ident),*) => {$(
        impl<T> Clone for $type<T> {
            fn clone(&self) -> $type<T> {
                self.0.join();
                $type(self.0.clone())
            }
        }
        impl<T> Drop for $type<T> {
            fn drop(&mut self) {
                self.0.part();
            }
        }
        impl<T> fmt::Debug for $type<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}

sender_traits!(Sender, SyncSender);

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
