//! Channels with [`std::sync::mpsc`]'s API, whose waiting parks the greenlet.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::panic::RefUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

use super::queue::WaitQueue;
use crate::driver;
use crate::hub::{Notice, Tick};

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
    let shared = Shared::new(None);
    (Sender(shared.clone()), Receiver { shared, not_sync: PhantomData })
}

/// A channel that holds at most `bound` messages: sending into a full one waits. With bound 0 each
/// send waits until its message is taken.
#[track_caller]
pub fn sync_channel<T>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
    let shared = Shared::new(Some(bound));
    (SyncSender(shared.clone()), Receiver { shared, not_sync: PhantomData })
}

struct Shared<T> {
    state: Mutex<State<T>>,
    receiver: WaitQueue,
    /// Those who wait for room.
    senders: WaitQueue,
    /// Who waits for its message to be taken, without a bound to hold it.
    rendezvous: WaitQueue,
}

struct State<T> {
    messages: VecDeque<T>,
    bound: Option<usize>,
    senders: usize,
    has_receiver: bool,
    /// Messages ever put in and ever taken, so that a rendezvous knows when its own is taken.
    sent: u64,
    taken: u64,
}

impl<T> Shared<T> {
    #[track_caller]
    fn new(bound: Option<usize>) -> Arc<Shared<T>> {
        let (messages, senders, has_receiver) = (VecDeque::new(), 1, true);
        let state = State { messages, bound, senders, has_receiver, sent: 0, taken: 0 };
        Arc::new(Shared {
            state: Mutex::new(state),
            receiver: WaitQueue::new(),
            senders: WaitQueue::new(),
            rendezvous: WaitQueue::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing of the user's runs while it is held, so it cannot really be poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, message: T) -> Result<u64, TrySendError<T>> {
        let mut state = self.state();
        if !state.has_receiver {
            return Err(TrySendError::Disconnected(message));
        }
        if state.bound.is_some_and(|bound| state.messages.len() >= bound.max(1)) {
            return Err(TrySendError::Full(message));
        }
        state.messages.push_back(message);
        state.sent += 1;
        let number = state.sent;
        drop(state);
        self.receiver.note_notifier();
        self.receiver.wake_one();
        Ok(number)
    }

    fn take(&self) -> Result<T, TryRecvError> {
        let mut state = self.state();
        let Some(message) = state.messages.pop_front() else {
            let gone = state.senders == 0;
            return Err(if gone { TryRecvError::Disconnected } else { TryRecvError::Empty });
        };
        state.taken += 1;
        let bound = state.bound;
        drop(state);
        if bound == Some(0) {
            self.rendezvous.wake_one();
        }
        if bound.is_some() {
            self.senders.wake_one();
        }
        Ok(message)
    }

    fn join(&self) {
        self.state().senders += 1;
    }

    fn part(&self) {
        let mut state = self.state();
        state.senders -= 1;
        if state.senders == 0 {
            drop(state);
            self.receiver.wake_all();
        }
    }
}

/// Waits in `line` until `attempt` returns something.
fn wait_for<R>(
    line: &WaitQueue,
    (op, notice): (&'static str, Notice),
    timeout: Option<Duration>,
    mut attempt: impl FnMut() -> Option<R>,
) -> Option<R> {
    driver::count_call();
    if let Some(answer) = attempt() {
        return Some(answer);
    }
    let driver = driver::current().expect(driver::OUTSIDE);
    let deadline: Option<Tick> = timeout.map(|timeout| driver.now().after(timeout));
    let mut place = None;
    loop {
        driver.after_switch();
        if driver.may_wait().is_err() || deadline.is_some_and(|at| driver.now() >= at) {
            return None;
        }
        let standing = line.enter(&driver, &mut place);
        if let Some(answer) = attempt() {
            line.withdraw(&driver, standing);
            return Some(answer);
        }
        line.park(&driver, standing, op, line.notice(notice), deadline);
        driver.raise_kill();
        // What is there is taken, even if a scope expired before this turn came.
        if let Some(answer) = attempt() {
            return Some(answer);
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
        driver::count_call();
        match self.0.put(message) {
            Ok(_) => Ok(()),
            Err(TrySendError::Disconnected(message) | TrySendError::Full(message)) => {
                Err(SendError(message))
            }
        }
    }
}

/// Sends into a channel with a bound. See [`std::sync::mpsc::SyncSender`].
pub struct SyncSender<T>(Arc<Shared<T>>);

impl<T> SyncSender<T> {
    /// Sends, waiting for room.
    ///
    /// # Errors
    ///
    /// When the receiver is gone; the message comes back.
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let mut message = Some(message);
        let put = wait_for(&self.0.senders, ("send", Notice::ChannelRoom), None, || {
            match self.0.put(message.take().expect("put back when it is not sent")) {
                Ok(number) => Some(Ok(number)),
                Err(TrySendError::Disconnected(back)) => Some(Err(SendError(back))),
                Err(TrySendError::Full(back)) => {
                    message = Some(back);
                    None
                }
            }
        });
        let number = match (put, message) {
            (Some(Ok(number)), _) => number,
            (Some(Err(error)), _) => return Err(error),
            (None, Some(back)) => return Err(SendError(back)),
            (None, None) => unreachable!("a message is sent or comes back"),
        };
        if self.0.state().bound != Some(0) {
            return Ok(());
        }
        let rendezvous = Rendezvous { shared: &self.0, number };
        let untaken = wait_for(&self.0.rendezvous, ("send", Notice::ChannelRoom), None, || {
            let mut state = self.0.state();
            match (state.taken >= number, state.has_receiver) {
                (true, _) => Some(None),
                (false, true) => None,
                (false, false) => Some(state.messages.pop_front()),
            }
        });
        let back = match untaken {
            Some(back) => back,
            // It may not wait, where its greenlet is being ended.
            None => rendezvous.take_back(),
        };
        std::mem::forget(rendezvous);
        back.map_or(Ok(()), |back| Err(SendError(back)))
    }

    /// Sends if there is room.
    ///
    /// # Errors
    ///
    /// When there is none, or the receiver is gone; the message comes back. With bound 0 there is
    /// room only where somebody waits in `recv`.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        driver::count_call();
        let (rendezvous, live) = {
            let state = self.0.state();
            (state.bound == Some(0), state.has_receiver)
        };
        if rendezvous && live && self.0.receiver.is_empty() {
            return Err(TrySendError::Full(message));
        }
        self.0.put(message).map(|_| ())
    }
}

/// A message that waits to be taken, at most one at a time. Whoever is ended meanwhile takes it back.
struct Rendezvous<'a, T> {
    shared: &'a Shared<T>,
    number: u64,
}

impl<T> Rendezvous<'_, T> {
    /// The message, unless it was taken.
    fn take_back(&self) -> Option<T> {
        let back = {
            let mut state = self.shared.state();
            let is_there = state.taken < self.number;
            // It counts as taken: those after it have greater numbers.
            state.taken += u64::from(is_there);
            if is_there { state.messages.pop_front() } else { None }
        };
        self.shared.senders.wake_one();
        back
    }
}

impl<T> Drop for Rendezvous<'_, T> {
    fn drop(&mut self) {
        drop(self.take_back());
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
    ///
    /// # Panics
    ///
    /// Outside any hub, if it has to wait.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.recv_within(None).map_err(|_| RecvError)
    }
    /// Takes a message if there is one.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        driver::count_call();
        self.shared.take()
    }
    /// Waits for a message, for no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// When the time is up, or the channel is empty and every sender is gone.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_within(Some(timeout))
    }

    fn recv_within(&self, timeout: Option<Duration>) -> Result<T, RecvTimeoutError> {
        wait_for(&self.shared.receiver, ("recv", Notice::Message), timeout, || {
            match self.shared.take() {
                Ok(message) => Some(Ok(message)),
                Err(TryRecvError::Disconnected) => Some(Err(RecvTimeoutError::Disconnected)),
                Err(TryRecvError::Empty) => None,
            }
        })
        .unwrap_or(Err(RecvTimeoutError::Timeout))
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
        let unread = {
            let mut state = self.shared.state();
            state.has_receiver = false;
            // A rendezvous that did not come about gives its message back to the sender.
            let back = state.bound == Some(0);
            if back { VecDeque::new() } else { std::mem::take(&mut state.messages) }
        };
        self.shared.senders.wake_all();
        self.shared.rendezvous.wake_all();
        drop(unread);
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
