//! Known infidelities of the simulator, switched on by name in tests, so that comparing it with the
//! operating system can be shown to find them. Without the feature `mutants` every switch is a
//! constant `false`.

/// One way the simulator could be unlike Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A connection that closes over unread bytes ends in order, without a reset.
    NoResetOverUnread,
    /// The end of a stream overtakes the bytes before it.
    EndBeforeBytes,
    /// A refused datagram is told by the wrong number.
    RefusalMisnamed,
    /// A stream whose end came is not called readable: poll goes on as before it.
    EndNotReady,
    /// A listener of a backlog of N holds N, not N + 1.
    ShortBacklog,
}

#[cfg(feature = "mutants")]
mod switch {
    use super::Mutant;
    use std::cell::Cell;

    thread_local! { static ON: Cell<Option<Mutant>> = const { Cell::new(None) }; }

    /// Runs `f` on this thread with one infidelity switched on.
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
