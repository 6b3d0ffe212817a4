//! Finds greenlets that wait inside a std `thread_local!`: in its initialiser, or in `with`.
//!
//! All greenlets of a hub share their thread's values, so another one may meanwhile initialise the
//! value again, and std drops the first under its reader. Every frame of a suspended stack that is
//! `LocalKey`'s is such a place. Stacks are walked at every switch, which takes milliseconds:
//! `GREENROOM_THREAD_LOCALS=find` asks for it.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::calls::own_calls;
use crate::greenlet::{Fiber, Walked};

/// Whether this process was asked to look. A value that means nothing is said to, once.
pub(super) fn are_looked_for() -> bool {
    static ASKED: OnceLock<bool> = OnceLock::new();
    *ASKED.get_or_init(|| match std::env::var_os("GREENROOM_THREAD_LOCALS") {
        None => false,
        Some(value) if value == "find" => true,
        Some(value) => {
            let _ = writeln!(
                std::io::stderr(),
                "greenroom: GREENROOM_THREAD_LOCALS={} is ignored: `find` is what it takes",
                value.display()
            );
            false
        }
    })
}

/// A greenlet has just left its stack: names the thread-locals that it stands in on stderr, each
/// place once.
#[cold]
pub(super) fn find(fiber: &mut Fiber, name: impl FnOnce() -> String) {
    let Walked::Done(backtrace) = fiber.walk() else { return };
    let calls = own_calls(&backtrace.to_string());
    let Some(key) = calls.iter().position(|call| is_keys(call)) else { return };
    // From the call that waits to the one that went into the thread-local.
    let is_its_own = |call: &&String| !is_keys(call) && !is_stds(call);
    let outside = calls[key..].iter().position(|call| is_its_own(&call));
    let way = &calls[..outside.map_or(calls.len(), |at| key + at + 1)];
    let way: String = way.iter().filter(is_its_own).map(String::as_str).collect();
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if !told.contains(&way) {
        let _ = write!(
            std::io::stderr(),
            "greenroom: greenlet {} waits inside a thread_local! of std, which every greenlet \
             of its thread shares: use greenlet_local! or host_local!, or wait outside\n{way}",
            name()
        );
        told.insert(way);
    }
}

/// By its file where there is debug information, else by its path.
fn is_keys(call: &str) -> bool {
    const KEYS: [&str; 4] = [
        "/std/src/thread/local.rs:",
        "/std/src/sys/thread_local/",
        "std::thread::local::LocalKey",
        "std::sys::thread_local::",
    ];
    KEYS.iter().any(|part| call.contains(part))
}

fn is_stds(call: &str) -> bool {
    call.contains("/library/std/") || call.contains("/library/core/")
}
