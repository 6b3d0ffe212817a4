//! Calls in a row that never wait, by the greenlet that runs: every thousandth is to give way.
//!
//! A loop of nothing but `send`, `try_recv`, `try_lock` or `is_finished` would never let anybody run
//! who could end it. std's threads are preempted there.

use std::cell::Cell;

/// The call of a streak that gives way.
const STREAK_MAX: u32 = 1000;

/// What a streak begins with where each of its calls is asked after.
const EACH: u32 = 1 << 31;

thread_local! {
    static STREAK: Cell<u32> = const { Cell::new(0) };
}

/// Counts a call; whether it is to give way, or to be asked after.
#[inline]
pub(super) fn count() -> bool {
    let calls = STREAK.get() + 1;
    STREAK.set(calls);
    calls >= STREAK_MAX
}

/// Whether it is a thousand calls long.
pub(super) fn is_long() -> bool {
    STREAK.get() & !EACH >= STREAK_MAX
}

/// The calls so far, to [go on](resume) from when others have had a turn.
pub(super) fn length() -> u32 {
    STREAK.get()
}

/// Goes on with a streak that others' turns came between.
pub(super) fn resume(length: u32) {
    STREAK.set(length);
}

/// A greenlet has the turn that had none; each of its calls may be asked after.
#[inline]
pub(super) fn begin(asks_after_each: bool) {
    STREAK.set(if asks_after_each { EACH } else { 0 });
}
