//! A body that can be left and entered again: [`Fiber::resume`] goes in, [`Leave::leave`] comes out.
//!
//! Who runs when, and what a greenlet is called, is the driver's. Bodies have stacks of their own on the
//! hub's thread (`switched`). With `--cfg greenroom_threads` each has a thread instead (`threaded`): tools
//! that lose a program where it switches stacks see through that. With `greenlet/*` this is the only
//! `unsafe` in the crate.

pub(crate) mod interrupt;
pub(crate) mod lent;
pub(crate) mod overflow;
pub(crate) mod stack;
#[cfg(not(greenroom_threads))]
mod switched;
#[cfg(greenroom_threads)]
mod threaded;

use std::backtrace::Backtrace;

#[cfg(not(greenroom_threads))]
pub(crate) use switched::{Fiber, Leave};
#[cfg(greenroom_threads)]
pub(crate) use threaded::{Fiber, Leave};

/// What a body is entered for.
#[derive(Clone, Copy)]
enum Entry {
    /// To go on.
    Turn,
    /// To write down the calls that led to where it stands, and leave again.
    Walk,
}

/// What came of a walk.
pub(crate) enum Walked {
    Done(Backtrace),
    /// To walk it takes some of it.
    #[cfg_attr(greenroom_threads, expect(dead_code, reason = "a thread's stack has room"))]
    NoRoom,
}

/// Says why on stderr, whether or not anybody reads it, and aborts. No panic hook, capture of a test
/// harness or closed pipe comes between: who swallows panics must not swallow this.
pub(crate) fn end_process(why: &str) -> ! {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{why}");
    std::process::abort();
}

/// What it says where a hub drops a body that has begun and not ended.
///
/// A run ends only when every body has (`Driver::end_all`), so this is a fault of a hub's: it panicked in
/// between two steps of a turn. Others may rely on the destructors of its frames.
fn end_for_a_lost_body() -> ! {
    end_process("greenroom: a hub lost a greenlet that had not ended")
}
