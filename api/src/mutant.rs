//! Known faults of the driver, switched on by name in tests, so that the tests that would catch
//! them can be shown to do so. Without the feature `mutants` every switch is a constant `false`.

/// One way the driver could be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A wake or cancel hits whatever its greenlet waits in by then.
    NoGenerationCheck,
    /// A call looks at its deadline before it tries.
    DeadlineBeforeTry,
    /// A waiter whose wait ended by the clock or a cancel keeps its place in line.
    WokenNotRemoved,
    /// The two greenlets that became runnable last swap places.
    SwappedWakes,
    /// Of equal deadlines, the one set last comes first.
    NewestTimerFirst,
    /// A timer goes on when its wait has ended, and ends the next one.
    TimerNotCleared,
    /// A kill of one that is runnable already is forgotten.
    KillOfRunnableLost,
    /// A greenlet killed before its finished call returns loses what the call took.
    KillDropsWhatWasTaken,
    /// A close wakes the first of those parked on the descriptor, and no more.
    CloseWakesOne,
    /// A close wakes writers before readers.
    CloseWakesWriterFirst,
    /// Readiness that comes after a cancel wins.
    LateReadinessBeatsCancel,
    /// A call that got through lets nobody else try.
    NoBaton,
    /// A call whose time is up loses its place in line before it has run.
    DueLosesPlace,
    /// Only the call that waited when a scope expired hears of it.
    ScopeNotSticky,
    /// A join of one that is over waits for its end.
    JoinMissesEarlierEnd,
    /// An unlock wakes the one who came last.
    UnlockWakesLast,
    /// An unpark of one that is not parked is forgotten.
    UnparkNotKept,
    /// The end of a scope waits for one child and ends the others.
    ScopeWaitsForFirst,
    /// A scope that is unwound ends its children from the last to the first.
    ReapsInReverse,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! { static ON: Cell<Option<Mutant>> = const { Cell::new(None) }; }

    /// Runs `f` on this thread with one fault switched on.
    pub fn with<T>(mutant: Mutant, f: impl FnOnce() -> T) -> T {
        struct Off;
        impl Drop for Off {
            fn drop(&mut self) {
                ON.set(None);
            }
        }
        ON.set(Some(mutant));
        let _off = Off;
        f()
    }

    pub(crate) fn is_on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub(crate) use switch::is_on;
#[cfg(feature = "mutants")]
pub use switch::with;

#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub(crate) fn is_on(_: Mutant) -> bool {
    false
}
