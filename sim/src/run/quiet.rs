//! Panics of a run: its result, and not to be printed as well, unless the process ends of one.

use std::cell::{Cell, RefCell};
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use greenroom::driver;

/// So many panics are kept: the one that ends a process may have come of others.
const KEPT: usize = 3;

thread_local! {
    static IN_RUN: Cell<bool> = const { Cell::new(false) };
    /// What was not printed last, in case nobody else comes to say it.
    static UNSAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// While it lives, panics on this thread are the run's affair.
pub(super) struct Quiet;

impl Quiet {
    pub(super) fn begin() -> Quiet {
        quiet_panics();
        UNSAID.take();
        IN_RUN.set(true);
        Quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        IN_RUN.set(false);
        if std::thread::panicking() {
            eprintln!("the simulator itself failed: {}", UNSAID.take().join("\n"));
        }
    }
}

/// Where the last panic of this thread was.
pub(super) fn place_of_last() -> Option<String> {
    PLACE.take()
}

/// A panic inside a run is the run's result and is reported there; printing it as well, thousands
/// of times in a sweep, would bury the report.
fn quiet_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IN_RUN.try_with(Cell::get).unwrap_or(false) {
                keep(info);
            } else {
                usual(info);
            }
        }));
    });
}

fn keep(info: &PanicHookInfo<'_>) {
    PLACE.set(info.location().map(ToString::to_string));
    let is_last = ends_the_process(info);
    UNSAID.with_borrow_mut(|unsaid| {
        if is_last {
            // The run will not come to its end, so that this is where they are told.
            for text in unsaid.drain(..) {
                eprintln!("{text}");
            }
            eprintln!("{info}");
            return;
        }
        unsaid.push(info.to_string());
        if unsaid.len() > KEPT {
            unsaid.remove(0);
        }
    });
}

/// Whether std aborts after this one: of a destructor that panics while its greenlet unwinds, or in a function of
/// C's, it says so by a second panic.
fn ends_the_process(info: &PanicHookInfo<'_>) -> bool {
    let message = driver::panic_message(info.payload());
    ["panic in a destructor during cleanup", "panic in a function that cannot unwind"]
        .contains(&message.as_str())
}
