//! [`Barrier`]: greenlets go on together.

use std::fmt;
use std::sync::Mutex;

use super::line::{Gone, Line, Wait, Waited, held, nobody_known, takes_from_nobody, wake_all};
use crate::hub::Notice;

/// Where so many greenlets wait for one another. See [`std::sync::Barrier`].
///
/// # Examples
///
/// ```
/// use greenroom::sync::Barrier;
///
/// assert!(Barrier::new(1).wait().is_leader());
/// ```
pub struct Barrier {
    size: usize,
    state: Mutex<Line<()>>,
}

/// Whether this one was the last to come.
#[derive(Debug)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// True for one of each round.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl Barrier {
    /// A barrier for `size` at a time; for none as for one.
    #[track_caller]
    pub const fn new(size: usize) -> Barrier {
        Barrier { size, state: Mutex::new(Line::new()) }
    }

    /// Waits for the others of its round. One that is killed meanwhile does not count.
    ///
    /// # Panics
    ///
    /// In a destructor that runs while its greenlet unwinds, where nobody may wait, if it had to.
    pub fn wait(&self) -> BarrierWaitResult {
        let mut others = Vec::new();
        let wait = Wait {
            state: &self.state,
            line: |line: &mut Line<()>| line,
            op: "barrier",
            notice: Notice::Barrier,
            holder: &nobody_known,
            timeout: None,
            can_fail: false,
            // The round went on without it.
            undo: &|_, _: &mut Gone<()>| Vec::new(),
            seize: &takes_from_nobody,
        };
        let waited = wait.run(None, |line, _| {
            let is_last = line.len() + 1 >= self.size;
            if is_last {
                others = line.dismiss();
            }
            is_last
        });
        assert!(matches!(waited, Waited::Served(_)), "a barrier in a destructor that unwinds");
        let is_leader = self.size <= 1 || !others.is_empty();
        wake_all(others);
        BarrierWaitResult(is_leader)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = held(&self.state).len();
        f.debug_struct("Barrier").field("size", &self.size).field("waiting", &waiting).finish()
    }
}
