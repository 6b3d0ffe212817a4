//! [`Items`]: what gevent's queues have in common, which may end and be joined.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use super::line::{
    Gone, Line, Wait, Waited, Wake, held, nobody_known, takes_from_nobody, wake_all,
};
use super::store::Store;
use crate::driver;
use crate::hub::Notice;

/// Items on their way from those who put to those who get: what [`Queue`](super::Queue),
/// [`LifoQueue`](super::LifoQueue) and [`PriorityQueue`](super::PriorityQueue) have in common.
///
/// Both sides are served first come, first served: nobody who comes later is served before. Putting waits
/// where there is a bound. As with gevent's, tasks may be told done and all of them waited for, and a
/// queue may be shut down. One that is killed before it ran with an item leaves that to the next.
pub struct Items<T, S> {
    state: Mutex<State<T, S>>,
}

/// What a wait to put, or to get, is called, and what it waits for.
pub(super) const PUT: (&str, Notice) = ("put", Notice::QueueRoom);
const GET: (&str, Notice) = ("get", Notice::Item);

struct State<T, S> {
    items: S,
    bound: usize,
    is_shut: bool,
    /// What is left is dropped, as if it were done.
    is_dropped: bool,
    /// Put and not yet told done.
    unfinished: usize,
    /// Nobody waits here while there are items.
    getters: Line<T>,
    /// Nobody waits here while there is room; each offers its item.
    putters: Line<T>,
    joiners: Line<()>,
}

/// Why an item was not put; it comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutError<T> {
    /// There is no room, or there was none in time.
    Full(T),
    /// The queue is shut down.
    ShutDown(T),
}

/// Why there is no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetError {
    /// There is none, or none came in time.
    Empty,
    /// There is none left, and the queue is shut down.
    ShutDown,
}

/// More tasks were told done than were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTaskLeft;

impl<T> PutError<T> {
    /// The item that was not put.
    pub fn into_inner(self) -> T {
        match self {
            PutError::Full(item) | PutError::ShutDown(item) => item,
        }
    }
}

impl<T, S: Store<T>> State<T, S> {
    /// Gives the item to whoever waits for one, else keeps it if there is room.
    fn put(&mut self, offer: &mut Option<T>) -> Option<Wake> {
        let item = offer.take()?;
        match self.getters.hand(item) {
            Ok(wake) => {
                self.getters.note_giver();
                self.unfinished += 1;
                Some(wake)
            }
            Err(item) if self.items.count() < self.bound => {
                self.getters.note_giver();
                self.unfinished += 1;
                self.items.push(item);
                None
            }
            Err(item) => {
                *offer = Some(item);
                None
            }
        }
    }

    /// The next item; the first who waits to put one has room then.
    fn get(&mut self) -> Option<(T, Option<Wake>)> {
        let first = self.items.pop();
        // There may be more than the bound where one came back: see `put_back`.
        let has_room = first.is_none() || self.items.count() < self.bound;
        let next = if has_room { self.putters.take() } else { None };
        if let Some((_, putter)) = &next {
            self.getters.note_giver_of(putter.greenlet());
            self.unfinished += 1;
        }
        match (first, next) {
            (Some(item), None) => Some((item, None)),
            (Some(item), Some((waiting, wake))) => {
                self.items.push(waiting);
                Some((item, Some(wake)))
            }
            (None, Some((item, wake))) => Some((item, Some(wake))),
            (None, None) => None,
        }
    }

    /// An item comes back that was given to one who was ended before it ran.
    fn put_back(&mut self, item: T) -> Vec<Wake> {
        match self.getters.hand(item) {
            Ok(wake) => vec![wake],
            Err(item) => {
                self.items.unpop(item);
                Vec::new()
            }
        }
    }

    fn finish(&mut self, tasks: usize) -> Vec<Wake> {
        // Tasks may be told done before they are got.
        self.unfinished = self.unfinished.saturating_sub(tasks);
        if self.unfinished == 0 { self.joiners.dismiss() } else { Vec::new() }
    }
}

impl<T, S: Store<T>> Items<T, S> {
    #[track_caller]
    pub(super) const fn with_bound(bound: usize) -> Items<T, S> {
        let state = State {
            items: S::EMPTY,
            bound,
            is_shut: false,
            is_dropped: false,
            unfinished: 0,
            getters: Line::new(),
            putters: Line::new(),
            joiners: Line::new(),
        };
        Items { state: Mutex::new(state) }
    }

    /// Puts an item, waiting for room.
    ///
    /// # Errors
    ///
    /// When the queue is shut down; the item comes back. Where a greenlet is being ended and may not
    /// wait, [`PutError::Full`].
    pub fn put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_within(item, None, PUT).map(|_| ())
    }
    /// Puts an item, waiting for room for no longer than `timeout`; zero does not wait.
    ///
    /// # Errors
    ///
    /// When there was no room in time, or the queue is shut down; the item comes back.
    pub fn put_timeout(&self, item: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_within(item, Some(timeout), PUT).map(|_| ())
    }
    /// Puts an item if there is room.
    ///
    /// # Errors
    ///
    /// When there is none, or the queue is shut down; the item comes back.
    pub fn try_put(&self, item: T) -> Result<(), PutError<T>> {
        self.put_timeout(item, Duration::ZERO)
    }

    /// Returns whether the item went to one who waited for it.
    pub(super) fn put_within(
        &self,
        item: T,
        timeout: Option<Duration>,
        (op, notice): (&'static str, Notice),
    ) -> Result<bool, PutError<T>> {
        let mut getter = None;
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State<T, S>| &mut state.putters,
            op,
            notice,
            holder: &nobody_known,
            timeout,
            can_fail: true,
            undo: &|_, _| Vec::new(),
            seize: &takes_from_nobody,
        };
        let waited = wait.run(Some(item), |state, offer| {
            if state.is_shut {
                return true;
            }
            getter = state.put(offer);
            offer.is_none()
        });
        let handed = getter.is_some();
        wake_all(getter);
        match waited {
            Waited::Served(None) => Ok(handed),
            Waited::Served(Some(item)) => Err(PutError::ShutDown(item)),
            Waited::GaveUp(Some(item)) => Err(PutError::Full(item)),
            // Killed after it was taken, where nothing unwinds.
            Waited::GaveUp(None) => Ok(handed),
        }
    }

    /// The next item, waiting for one.
    ///
    /// # Errors
    ///
    /// When there is none left and the queue is shut down. Where a greenlet is being ended and may
    /// not wait, [`GetError::Empty`].
    pub fn get(&self) -> Result<T, GetError> {
        self.get_within(None, GET)
    }
    /// The next item, waiting for no longer than `timeout`; zero does not wait.
    ///
    /// # Errors
    ///
    /// When none came in time, or there is none left and the queue is shut down.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, GetError> {
        self.get_within(Some(timeout), GET)
    }
    /// The next item, if there is one.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn try_get(&self) -> Result<T, GetError> {
        self.get_within(Some(Duration::ZERO), GET)
    }

    pub(super) fn get_within(
        &self,
        timeout: Option<Duration>,
        (op, notice): (&'static str, Notice),
    ) -> Result<T, GetError> {
        let mut putter = None;
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State<T, S>| &mut state.getters,
            op,
            notice,
            holder: &nobody_known,
            timeout,
            can_fail: true,
            undo: &|state, gone| match gone {
                Gone::Served(Some(_)) if state.is_dropped => state.finish(1),
                Gone::Served(item) => item.take().map_or(Vec::new(), |item| state.put_back(item)),
                Gone::Left => Vec::new(),
            },
            seize: &takes_from_nobody,
        };
        let waited = wait.run(None, |state, found| {
            let Some((item, wake)) = state.get() else { return state.is_shut };
            (*found, putter) = (Some(item), wake);
            true
        });
        wake_all(putter);
        match waited {
            Waited::Served(Some(item)) => Ok(item),
            Waited::Served(None) => Err(GetError::ShutDown),
            Waited::GaveUp(_) => Err(GetError::Empty),
        }
    }

    /// How many there are, and whether it is shut down.
    pub(super) fn shown(&self) -> (usize, bool) {
        let state = held(&self.state);
        (state.items.count(), state.is_shut)
    }

    /// The next item's copy, made under the queue's lock: cloning must not use the queue. The item
    /// stays.
    pub fn peek(&self) -> Option<T>
    where
        T: Clone,
    {
        driver::count_call();
        held(&self.state).items.next().cloned()
    }
    /// Items that nobody has taken.
    pub fn len(&self) -> usize {
        driver::count_call();
        held(&self.state).items.count()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether there is no room for another.
    pub fn is_full(&self) -> bool {
        driver::count_call();
        let state = held(&self.state);
        state.items.count() >= state.bound
    }
    /// Items as they come, waiting for each, until the queue is shut down and empty.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        std::iter::from_fn(|| self.get().ok())
    }

    /// Says that what was to be done about an item is done.
    ///
    /// # Errors
    ///
    /// When it was said of every item already.
    pub fn task_done(&self) -> Result<(), NoTaskLeft> {
        let joiners = {
            let mut state = held(&self.state);
            if state.unfinished == 0 {
                return Err(NoTaskLeft);
            }
            state.finish(1)
        };
        wake_all(joiners);
        Ok(())
    }
    /// Waits until every item that was put is told done.
    pub fn join(&self) {
        self.join_within(None);
    }
    /// As [`join`](Items::join), for no longer than `timeout`; whether all were told done.
    pub fn join_timeout(&self, timeout: Duration) -> bool {
        self.join_within(Some(timeout))
    }

    fn join_within(&self, timeout: Option<Duration>) -> bool {
        let wait = Wait {
            state: &self.state,
            line: |state: &mut State<T, S>| &mut state.joiners,
            op: "join",
            notice: Notice::Tasks,
            holder: &nobody_known,
            timeout,
            can_fail: false,
            undo: &|_, _| Vec::new(),
            seize: &takes_from_nobody,
        };
        matches!(wait.run(None, |state, _| state.unfinished == 0), Waited::Served(_))
    }

    /// Takes no more items. Those that are there may still be got; who waits to put, or to get where
    /// there is nothing, is told. May be called from any thread.
    pub fn shut_down(&self) {
        self.shut(false);
    }
    /// As [`shut_down`](Items::shut_down), and drops what is there, as if it were done.
    pub fn shut_down_now(&self) {
        self.shut(true);
    }

    fn shut(&self, now: bool) {
        let mut dropped = Vec::new();
        let wakes = {
            let mut state = held(&self.state);
            state.is_shut = true;
            let mut wakes = state.putters.dismiss();
            if now {
                state.is_dropped = true;
                dropped.extend(std::iter::from_fn(|| state.items.pop()));
                wakes.extend(state.finish(dropped.len()));
            }
            wakes.extend(state.getters.dismiss());
            wakes
        };
        wake_all(wakes);
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PutError::Full(_) => "the queue is full",
            PutError::ShutDown(_) => "the queue is shut down",
        })
    }
}
impl<T: fmt::Debug> std::error::Error for PutError<T> {}
impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GetError::Empty => "the queue is empty",
            GetError::ShutDown => "the queue is shut down",
        })
    }
}
impl std::error::Error for GetError {}
impl fmt::Display for NoTaskLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("more tasks were told done than were put")
    }
}
impl std::error::Error for NoTaskLeft {}
