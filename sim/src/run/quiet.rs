//! Panics of a run: its result, and not to be printed as well.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static IN_RUN: RefCell<bool> = const { RefCell::new(false) };
    /// What was not printed last, in case the simulator itself does not come out of the run.
    static UNSAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// While it lives, panics on this thread are the run's affair.
pub(super) struct Quiet;

impl Quiet {
    pub(super) fn begin() -> Quiet {
        quiet_panics();
        IN_RUN.set(true);
        Quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        IN_RUN.set(false);
        if std::thread::panicking() {
            eprintln!("the simulator itself failed: {}", UNSAID.take());
        }
    }
}

/// A panic inside a run is the run's result and is reported there; printing it as well, thousands
/// of times in a sweep, would bury the report.
fn quiet_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IN_RUN.try_with(|flag| *flag.borrow()).unwrap_or(false) {
                UNSAID.set(info.to_string());
            } else {
                usual(info);
            }
        }));
    });
}
