//! Calls in a row that never wait, by the greenlet that runs: every thousandth is to give way.
//!
//! A loop of nothing but `send`, `try_recv`, `try_lock` or `is_finished` would never let anybody run
//! who could end it. std's threads are preempted there.

use std::cell::Cell;

/// The call of a streak that gives way.
const STREAK_MAX: u32 = 1000;

thread_local! {
    static STREAK: Cell<u32> = const { Cell::new(0) };
}

/// Counts a call; whether it is to give way.
#[inline]
pub(super) fn count() -> bool {
    let calls = STREAK.get() + 1;
    STREAK.set(calls);
    calls >= STREAK_MAX
}

/// A greenlet has the turn that had none.
#[inline]
pub(super) fn begin() {
    STREAK.set(0);
}
