//! [`scope`]: greenlets that borrow from the frame that spawned them.

use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

pub use super::scoped::Scope;

use super::join::{Errand, Handle};
use super::scoped;
use super::{Builder, Result, Thread};
use crate::driver::{self, Label};
use crate::greenlet::stack;
use crate::hub::GreenletId;

/// Calls `f` with a scope to spawn greenlets in that may borrow from here, and waits for them all
/// before it returns. See [`std::thread::scope`].
///
/// The wait at the end is one like any other: others run meanwhile, it is in the wait table as
/// `scope`, a kill or an expired [`timeout`](crate::time::timeout) ends it. When that happens, in
/// the wait or in `f`, the children that are left are killed and unwound, in the order they were
/// spawned, before anything else runs, and then the unwinding goes on from here. When `f` panics they
/// are waited for, as std's are, and then the panic goes on. Children may have scopes of their own,
/// which do the same. What they spawn with plain [`spawn`](super::spawn) borrows nothing and is not
/// part of it.
///
/// A child that swallows its kill meets it again at every blocking call. One that does so two hundred
/// times ends the process: the frame that it borrows from cannot go before it.
///
/// A scope opened while [`panicking`](super::panicking), in a destructor that is to say, cannot
/// wait, so nothing it spawns ever starts: its children are killed at its end, and all that becomes
/// of them is that what they own is dropped.
///
/// # Panics
///
/// Outside any hub. If a child panicked and was not joined: `a scoped thread panicked`, its name and
/// what it said. When `f` itself panics that goes on instead, and the run is told of the child's.
///
/// # Examples
///
/// ```no_run
/// use greenroom::thread;
///
/// let mut counts = [1, 2, 3];
/// let total = std::cell::Cell::new(0);
/// thread::scope(|s| {
///     for count in &mut counts {
///         s.spawn(|| {
///             *count *= 2;
///             total.set(total.get() + *count);
///         });
///     }
/// });
/// assert_eq!((counts, total.get()), ([2, 4, 6], 12));
/// ```
///
/// A greenlet may not borrow what the scope's closure owns, nor may its handle leave the scope:
///
/// ```compile_fail,E0373
/// # use greenroom::thread;
/// thread::scope(|s| {
///     let local = 1;
///     s.spawn(|| println!("{local}"));
/// });
/// ```
/// ```compile_fail
/// # use greenroom::thread;
/// let escaped = thread::scope(|s| s.spawn(|| ()));
/// ```
/// ```compile_fail,E0505
/// # use greenroom::thread;
/// let text = String::new();
/// thread::scope(|s| {
///     s.spawn(|| println!("{text}"));
///     drop(text);
/// });
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    scoped::lend(driver::current().expect(driver::OUTSIDE), f)
}

impl<'scope> Scope<'scope, '_> {
    /// Starts a greenlet of this scope. It runs when its turn comes, never inside this call.
    ///
    /// Its parent in the spawn tree is whoever calls: a child of the scope may spawn more of them.
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        self.start(f, Label::Task, stack::DEFAULT_SIZE, Location::caller())
    }

    fn start<F, T>(
        &'scope self,
        f: F,
        label: Label,
        stack_size: usize,
        at: &'static Location<'static>,
    ) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        let errand = Rc::new(Errand::new(f, Some(self.family().clone())));
        let id = self.adopt(errand.clone(), label, stack_size, at);
        ScopedJoinHandle { handle: Handle::new(self.driver(), id, errand) }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl Builder {
    /// Starts the greenlet in a scope. See [`Scope::spawn`].
    ///
    /// # Errors
    ///
    /// As [`spawn`](Builder::spawn).
    #[track_caller]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + 'scope,
        T: 'scope,
    {
        let at = Location::caller();
        let (label, stack_size) = self.parts();
        Ok(scope.start(f, label, stack_size, at))
    }
}

/// Waits for a greenlet of a scope, or ends it. See [`std::thread::ScopedJoinHandle`].
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<greenroom::thread::ScopedJoinHandle<'static, ()>>();
/// ```
pub struct ScopedJoinHandle<'scope, T> {
    handle: Handle<'scope, T>,
}

impl<'scope, T> ScopedJoinHandle<'scope, T> {
    /// Waits for the greenlet's result. A panic in it, or [`Killed`](super::Killed), is the error.
    pub fn join(self) -> Result<T> {
        self.handle.join()
    }

    /// Waits for no longer than `timeout`; the handle comes back if the greenlet is not done.
    pub fn join_timeout(
        self,
        timeout: Duration,
    ) -> std::result::Result<Result<T>, ScopedJoinHandle<'scope, T>> {
        let again = |handle| ScopedJoinHandle { handle };
        self.handle.join_timeout(timeout).map_err(again)
    }

    /// Orders the greenlet's end. See [`JoinHandle::kill`](super::JoinHandle::kill).
    pub fn kill(&self) {
        self.handle.kill();
    }

    /// Which greenlet it is, and of which hub.
    pub(crate) fn whose(&self) -> (u64, GreenletId) {
        self.handle.whose()
    }

    /// Whether the greenlet is over.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The greenlet's place in the spawn tree, as [`Thread::path`] has it; empty once it is over.
    pub fn path(&self) -> String {
        self.handle.path()
    }

    /// The greenlet, for others to [`unpark`](Thread::unpark).
    pub fn thread(&self) -> &Thread {
        self.handle.thread()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("greenlet", &self.path()).finish_non_exhaustive()
    }
}
