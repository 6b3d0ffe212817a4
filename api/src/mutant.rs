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
