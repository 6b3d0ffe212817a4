//! Greenlets kept together: [`Group`], which knows those that live, and [`Pool`], which bounds them.

mod group;
mod map;

use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::sync::Semaphore;
use crate::thread::JoinHandle;

pub use group::Group;
pub use map::{InOrder, Unordered};

/// A [`Group`] of at most so many greenlets: to spawn into a full one waits, first come, first
/// served. gevent's `Pool`. It stays on its thread, as greenlets do.
///
/// # Examples
///
/// ```no_run
/// use greenroom::pool::Pool;
///
/// let pool = Pool::new(8);
/// let lengths = pool.map(["a", "bb", "ccc"], str::len);
/// assert_eq!(lengths, [1, 2, 3]);
/// ```
#[derive(Clone)]
pub struct Pool {
    group: Group,
    room: Rc<Semaphore>,
    size: usize,
}

/// There was no room in a pool; the closure comes back.
pub struct PoolFull<F>(pub F);

/// One of as many places as there are permits, free again when it is dropped.
pub(crate) struct Place(Rc<Semaphore>);

impl Place {
    /// Waits for one, as [`Semaphore::acquire`] does.
    pub(crate) fn take(room: Rc<Semaphore>) -> Place {
        room.acquire();
        Place(room)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Pool {
    /// A pool of at most `size` greenlets; with 0 it never takes one.
    pub fn new(size: usize) -> Pool {
        Pool { group: Group::new(), room: Rc::new(Semaphore::new(size)), size }
    }

    /// Starts a greenlet in the pool, waiting for room.
    ///
    /// # Panics
    ///
    /// Outside any hub; or in a destructor that runs while its greenlet unwinds, where nobody may
    /// wait, if the pool is full.
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let at = Location::caller();
        self.room.acquire();
        self.start(f, at)
    }

    /// Starts a greenlet in the pool, waiting for room for no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// When there was none in time; the closure comes back.
    ///
    /// # Panics
    ///
    /// Outside any hub.
    #[track_caller]
    pub fn spawn_timeout<F, T>(&self, timeout: Duration, f: F) -> Result<JoinHandle<T>, PoolFull<F>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let at = Location::caller();
        if self.room.acquire_timeout(timeout) { Ok(self.start(f, at)) } else { Err(PoolFull(f)) }
    }

    /// Starts a greenlet in the pool if there is room.
    ///
    /// # Errors
    ///
    /// When there is none; the closure comes back.
    ///
    /// # Panics
    ///
    /// Outside any hub.
    #[track_caller]
    pub fn try_spawn<F, T>(&self, f: F) -> Result<JoinHandle<T>, PoolFull<F>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        self.spawn_timeout(Duration::ZERO, f)
    }

    fn start<F, T>(&self, f: F, at: &'static Location<'static>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let place = Place(self.room.clone());
        self.group.start(
            move || {
                let _place = place;
                f()
            },
            at,
        )
    }

    /// Runs `f` in the pool and waits for what it returns.
    ///
    /// # Panics
    ///
    /// If `f` does, with what it said; if its greenlet is killed; outside any hub.
    #[track_caller]
    pub fn apply<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        map::answer(self.spawn(f).join())
    }

    /// Waits until there is room, without taking it; how much there is then, which is none if the
    /// time was up first.
    pub fn wait_available(&self, timeout: Option<Duration>) -> usize {
        self.room.wait(timeout)
    }
    /// How many more greenlets would find room now.
    pub fn free_count(&self) -> usize {
        self.room.available()
    }
    /// How many greenlets it has room for.
    pub fn size(&self) -> usize {
        self.size
    }
    /// Whether there is no room.
    pub fn is_full(&self) -> bool {
        self.free_count() == 0
    }

    /// How many of its greenlets live.
    pub fn len(&self) -> usize {
        self.group.len()
    }
    /// The same, for those who look at it on the way to something else.
    pub(crate) fn count(&self) -> usize {
        self.group.count()
    }
    /// Whether none of its greenlets lives.
    pub fn is_empty(&self) -> bool {
        self.group.is_empty()
    }
    /// As [`Group::join`].
    pub fn join(&self, timeout: Option<Duration>) -> bool {
        self.group.join(timeout)
    }
    /// As [`Group::kill`].
    pub fn kill(&self) {
        self.group.kill();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("size", &self.size).field("live", &self.count()).finish()
    }
}
impl<F> fmt::Debug for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolFull")
    }
}
impl<F> fmt::Display for PoolFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is full")
    }
}
impl<F> std::error::Error for PoolFull<F> {}

/// Whoever spawns, for what both kinds map with.
pub(crate) trait Spawns: Clone + 'static {
    fn spawn_one(&self, f: Box<dyn FnOnce()>, at: &'static Location<'static>);
}

impl Spawns for Pool {
    fn spawn_one(&self, f: Box<dyn FnOnce()>, at: &'static Location<'static>) {
        self.room.acquire();
        drop(self.start(f, at));
    }
}
impl Spawns for Group {
    fn spawn_one(&self, f: Box<dyn FnOnce()>, at: &'static Location<'static>) {
        drop(self.start(f, at));
    }
}

macro_rules! maps {
    ($($kind:ident),*) => {$(
        impl $kind {
            /// Runs `f` on each item, each in a greenlet of its own, and waits for all; the answers
            /// stand in the order of the items.
            ///
            /// # Panics
            ///
            /// If one of them does, with what it said; if one of them is killed; outside any hub.
            #[track_caller]
            pub fn map<I, F, R>(&self, items: I, f: F) -> Vec<R>
            where
                I: IntoIterator<IntoIter: 'static, Item: 'static>,
                F: Fn(I::Item) -> R + 'static,
                R: 'static,
            {
                self.imap(items, f).collect()
            }

            /// As `map`, lazily: an answer is there when those before it are. What is not waited for
            /// goes on all the same.
            ///
            /// # Panics
            ///
            /// Outside any hub. The iterator panics where its item did, or was killed.
            #[track_caller]
            pub fn imap<I, F, R>(&self, items: I, f: F) -> InOrder<R>
            where
                I: IntoIterator<IntoIter: 'static, Item: 'static>,
                F: Fn(I::Item) -> R + 'static,
                R: 'static,
            {
                InOrder::new(self.imap_numbered(items, f, Location::caller()))
            }

            /// As `imap`, the answers in the order in which they come.
            ///
            /// # Panics
            ///
            /// As `imap`.
            #[track_caller]
            pub fn imap_unordered<I, F, R>(&self, items: I, f: F) -> Unordered<R>
            where
                I: IntoIterator<IntoIter: 'static, Item: 'static>,
                F: Fn(I::Item) -> R + 'static,
                R: 'static,
            {
                self.imap_numbered(items, f, Location::caller())
            }

            fn imap_numbered<I, F, R>(
                &self,
                items: I,
                f: F,
                at: &'static Location<'static>,
            ) -> Unordered<R>
            where
                I: IntoIterator<IntoIter: 'static, Item: 'static>,
                F: Fn(I::Item) -> R + 'static,
                R: 'static,
            {
                let (spawner, items) = (self.clone(), items.into_iter());
                map::feed(items, f, move |body| spawner.spawn_one(body, at))
            }
        }
    )*};
}

maps!(Pool, Group);
