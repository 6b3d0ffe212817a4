//! What a program claims about itself: [`always!`](crate::always), [`sometimes!`](crate::sometimes),
//! [`note!`](crate::note), and state that checkers share.
//!
//! Outside a scenario the claims cost one look at a thread-local and are recorded nowhere.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::driver;
use crate::hub::Note;

/// Claims that a condition holds every time it comes by here. The first time it does not, the run
/// has failed, under the name given, and ends at the next switch point.
///
/// It is a claim of a program's. A judge, and a destructor of a `host_local!` value, run when the run is
/// over, where nobody records claims: a judge returns its complaint, and a destructor may panic.
#[macro_export]
macro_rules! always {
    ($condition:expr, $name:literal) => {
        $crate::check::always($name, $condition)
    };
}

/// Claims that a condition holds at least once over many runs.
#[macro_export]
macro_rules! sometimes {
    ($condition:expr, $name:literal) => {
        $crate::check::sometimes($name, $condition)
    };
}

/// Puts a line of the program's own into the trace, if there is one.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => {
        if $crate::check::is_recording() {
            $crate::check::text(&::std::format!($($text)*));
        }
    };
}

/// What [`always!`](crate::always) expands to.
pub fn always(name: &'static str, holds: bool) {
    tell(&Note::Always(name, holds));
}

/// What [`sometimes!`](crate::sometimes) expands to.
pub fn sometimes(name: &'static str, holds: bool) {
    tell(&Note::Sometimes(name, holds));
}

/// Whether notes go anywhere.
pub fn is_recording() -> bool {
    driver::with_current(|driver| driver.takes_notes()).unwrap_or(false)
}

/// What [`note!`](crate::note) expands to.
pub fn text(line: &str) {
    tell(&Note::Text(line));
}

fn tell(note: &Note<'_>) {
    driver::with_current(|driver| {
        if driver.takes_notes() {
            driver.note(note);
        }
    });
}

/// State that the hosts of a scenario and its judgement share. Never held across a switch: it is
/// what the checker knows, not something the program may wait for.
#[derive(Default)]
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    /// State for one run.
    pub fn new(value: T) -> Shared<T> {
        Shared(Arc::new(Mutex::new(value)))
    }
    /// Looks at or changes the state.
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock())
    }
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(self.0.clone())
    }
}
impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&*self.lock()).finish()
    }
}
