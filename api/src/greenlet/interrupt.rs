//! Asks a thread from another what it is at: a signal has it write down its calls, wherever it is.
//!
//! The handler allocates and takes std's lock of backtraces, which a handler must not where the
//! thread that it interrupts holds the same lock. So this is for a thread that has hung, in a process
//! that is about to be ended for it: who asks waits for so long and then goes without an answer.
#![allow(unsafe_code)]

use std::backtrace::Backtrace;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use std::{mem, ptr};

use super::overflow::Line;

/// Ignored where nobody handles it, and of no use to a program without descriptors of its own.
const SIGNAL: libc::c_int = libc::SIGURG;

/// One question at a time.
static ASKING: Mutex<()> = Mutex::new(());
/// What the thread that was asked wrote down.
static FOUND: AtomicPtr<Found> = AtomicPtr::new(ptr::null_mut());
/// Who it is, for the thread itself to say, which is asked first and must not allocate.
static WHO: Mutex<Option<fn(&mut Line)>> = Mutex::new(None);
static ASKED: AtomicBool = AtomicBool::new(false);

/// What a thread was at.
pub(crate) struct Found {
    pub(crate) who: String,
    pub(crate) calls: Backtrace,
}

/// A thread, as the system numbers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadNumber(libc::pid_t);

impl ThreadNumber {
    pub(crate) fn here() -> ThreadNumber {
        // SAFETY: the call has no arguments and cannot fail.
        ThreadNumber(unsafe { libc::gettid() })
    }

    /// Asks the thread; `who` runs there, in the handler.
    pub(crate) fn ask(self, who: fn(&mut Line), patience: Duration) -> Option<Found> {
        let _one = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        *WHO.lock().unwrap_or_else(PoisonError::into_inner) = Some(who);
        ASKED.store(true, Ordering::Release);
        // SAFETY: all zeroes is a valid `sigaction`; `on_ask` is a handler of the plain kind. The
        // thread is named by its number: one that is gone makes the call fail, and one that has its
        // number since is of this process and has the handler.
        unsafe {
            let mut ours: libc::sigaction = mem::zeroed();
            ours.sa_sigaction = on_ask as *const () as usize;
            ours.sa_flags = libc::SA_RESTART;
            libc::sigemptyset(&mut ours.sa_mask);
            if libc::sigaction(SIGNAL, &ours, ptr::null_mut()) != 0
                || libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, SIGNAL) != 0
            {
                return None;
            }
        }
        const PAUSE: Duration = Duration::from_millis(5);
        for _ in 0..patience.as_millis() / PAUSE.as_millis() {
            let found = FOUND.swap(ptr::null_mut(), Ordering::Acquire);
            if !found.is_null() {
                // SAFETY: the handler made it from a box and gave it up to whoever takes it out.
                return Some(*unsafe { Box::from_raw(found) });
            }
            thread::sleep(PAUSE);
        }
        None
    }
}

extern "C" fn on_ask(_: libc::c_int) {
    if !ASKED.swap(false, Ordering::Acquire) {
        return;
    }
    let mut who = Line::default();
    // Nobody holds it while a question is out.
    if let Some(say) = WHO.try_lock().ok().and_then(|who| *who) {
        say(&mut who);
    }
    let found = Found { who: who.to_text(), calls: Backtrace::force_capture() };
    FOUND.store(Box::into_raw(Box::new(found)), Ordering::Release);
}
