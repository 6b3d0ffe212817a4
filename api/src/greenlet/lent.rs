//! [`Lent`]: what the frame of a run lends to all that runs on its thread meanwhile.
//!
//! Every call of a program looks for its driver. A count of those who found it would be raised and
//! lowered by each, and a kill would have to lower it in each frame that it unwinds.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ops::Deref;
use std::ptr::NonNull;
use std::thread::LocalKey;

/// A reference that the lending frame takes back at its end. It stays on its thread, and on the stacks of
/// those who got it from [`find`]: nothing that outlives a run has a field for one.
pub(crate) struct Lent<T>(NonNull<T>);

/// Where a thread keeps what is lent on it.
pub(crate) type Place<T> = LocalKey<Cell<Option<Lent<T>>>>;

/// While it lives, `find` finds what was lent.
pub(crate) struct Loan<T: 'static>(&'static Place<T>);

/// Lends it; `None` where the thread has something lent already.
pub(crate) fn lend<T>(what: &T, place: &'static Place<T>) -> Option<Loan<T>> {
    if place.get().is_some() {
        return None;
    }
    place.set(Some(Lent(NonNull::from(what))));
    Some(Loan(place))
}

/// What is lent on this thread.
#[inline(always)]
pub(crate) fn find<T>(place: &'static Place<T>) -> Option<Lent<T>> {
    place.try_with(Cell::get).ok().flatten()
}

impl<T> Drop for Loan<T> {
    fn drop(&mut self) {
        let _ = self.0.try_with(|place| place.set(None));
    }
}

impl<T> Clone for Lent<T> {
    fn clone(&self) -> Lent<T> {
        *self
    }
}

impl<T> Copy for Lent<T> {}

impl<T> Deref for Lent<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: it was made from a reference of the frame that holds the `Loan` (`driver::run_judged`), and
        // found while that stood. Whoever found it is a call of that frame's or stands on the stack of a
        // greenlet, and uses it there: it is kept in locals, and in a `Scope`, which stands on such a
        // stack as well (`thread/scoped.rs`). What is lent is a local that the frame neither moves nor drops
        // before all of these are over: no call of the frame's is on when it goes on, and no greenlet
        // outlives the run, be it by a panic of its hub (`Driver::leave_broken_hub`).
        //
        // A frame that never unwinds: the run does not return then. A foreign thread: a raw pointer does
        // not leave its thread; with `--cfg greenroom_threads` the thread of a greenlet is one of the
        // run's, which does not end before it. A forgotten `Lent` leaves nothing undone; a `Loan` is held by
        // frames of `driver/engine` alone, which drop it.
        unsafe { self.0.as_ref() }
    }
}
