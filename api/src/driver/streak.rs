//! Calls in a row that never wait: every thousandth gives way.
//!
//! A loop of nothing but `send`, `try_recv`, `try_lock` or `is_finished` would never let anybody run
//! who could end it. std's threads are preempted there; a greenlet gives way, as by `yield_now`,
//! before one call in a thousand. It counts from its last switch. Where nobody may wait (in a
//! destructor that unwinds, or where no hub is) it does not.

use std::cell::Cell;

use super::engine;

/// The call of a streak that gives way.
const STREAK_MAX: u32 = 1000;

thread_local! {
    static STREAK: Cell<u32> = const { Cell::new(0) };
}

/// A call that never waits is about to be made.
#[inline]
pub(crate) fn count_call() {
    let calls = STREAK.get() + 1;
    STREAK.set(calls);
    if calls == STREAK_MAX {
        give_way();
    }
}

/// A greenlet has the turn that had none.
#[inline]
pub(super) fn begin() {
    STREAK.set(0);
}

#[cold]
fn give_way() {
    begin();
    if let Some(driver) = engine::current().filter(|driver| driver.may_wait().is_ok()) {
        driver.yield_now();
    }
}
