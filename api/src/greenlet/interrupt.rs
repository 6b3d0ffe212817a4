//! Asks a thread from another what it is at: a signal has it say so, wherever it is.
//!
//! Who runs there it can say at any time. To write down its calls it allocates and takes std's lock of
//! backtraces, which a handler must not where the thread that it interrupts holds the same lock: that is
//! for a thread that has hung, in a process that is about to be ended for it.
#![allow(unsafe_code)]

use std::backtrace::Backtrace;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU8, Ordering};
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
/// What is asked; whoever takes it out answers.
static ASKED: AtomicU8 = AtomicU8::new(NOTHING);
/// Who is asked: the signal may come to others, from others.
static WHOM: AtomicI32 = AtomicI32::new(0);
const NOTHING: u8 = 0;
const WHO_ALONE: u8 = 1;
const WHO_AND_CALLS: u8 = 2;

/// Who a thread said it is, in room that is there already.
struct Said {
    line: UnsafeCell<Line>,
    is_there: AtomicBool,
}
// SAFETY: one question is out at a time (`ASKING`), and the thread that took it out of `ASKED` alone writes,
// until it says that the line is there; the one who asked reads after that.
unsafe impl Sync for Said {}
static SAID: Said = Said { line: UnsafeCell::new(Line::new()), is_there: AtomicBool::new(false) };

/// What a thread was at.
pub(crate) struct Found {
    pub(crate) who: String,
    pub(crate) calls: Backtrace,
}

/// A thread, as the system numbers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadNumber(libc::pid_t);

/// So often whoever asked looks for the answer.
const PAUSE: Duration = Duration::from_millis(5);

impl ThreadNumber {
    pub(crate) fn here() -> ThreadNumber {
        // SAFETY: the call has no arguments and cannot fail.
        ThreadNumber(unsafe { libc::gettid() })
    }

    /// Asks the thread who it is and for its calls; `who` runs there, in the handler.
    pub(crate) fn ask(self, who: fn(&mut Line), patience: Duration) -> Option<Found> {
        let _one = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        self.put(who, WHO_AND_CALLS)?;
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

    /// Asks the thread who it is, which harms nobody: it goes on. `None` where it does not answer in time
    /// or the program has a use of its own for the signal.
    pub(crate) fn ask_who(self, who: fn(&mut Line), patience: Duration) -> Option<String> {
        let _one = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        if is_anothers() {
            return None;
        }
        SAID.is_there.store(false, Ordering::Relaxed);
        self.put(who, WHO_ALONE)?;
        let mut waited = Duration::ZERO;
        while !SAID.is_there.load(Ordering::Acquire) {
            // One that took the question answers at once; one that did not any more never will.
            if waited >= patience && ASKED.swap(NOTHING, Ordering::AcqRel) != NOTHING {
                return None;
            }
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
        // SAFETY: see `Said`.
        let who = unsafe { (*SAID.line.get()).to_text() };
        (!who.is_empty()).then_some(who)
    }

    /// Puts a question to the thread.
    fn put(self, who: fn(&mut Line), question: u8) -> Option<()> {
        *WHO.lock().unwrap_or_else(PoisonError::into_inner) = Some(who);
        WHOM.store(self.0, Ordering::Relaxed);
        ASKED.store(question, Ordering::Release);
        // SAFETY: all zeroes is a valid `sigaction`; `on_ask` is a handler of the plain kind. The
        // thread is named by its number: one that is gone makes the call fail, and one that has its
        // number since is of this process and has the handler.
        unsafe {
            let mut ours: libc::sigaction = mem::zeroed();
            ours.sa_sigaction = on_ask as *const () as usize;
            // Calls take more room than a stack for handlers has, a name takes little.
            ours.sa_flags = match question {
                WHO_ALONE => libc::SA_RESTART | libc::SA_ONSTACK,
                _ => libc::SA_RESTART,
            };
            libc::sigemptyset(&mut ours.sa_mask);
            if libc::sigaction(SIGNAL, &ours, ptr::null_mut()) != 0
                || libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, SIGNAL) != 0
            {
                ASKED.store(NOTHING, Ordering::Relaxed);
                return None;
            }
        }
        Some(())
    }
}

/// Whether the program handles the signal itself.
fn is_anothers() -> bool {
    // SAFETY: all zeroes is a valid `sigaction`, and the call only writes to it.
    let now = unsafe {
        let mut now: libc::sigaction = mem::zeroed();
        if libc::sigaction(SIGNAL, ptr::null(), &mut now) != 0 {
            return true;
        }
        now.sa_sigaction
    };
    ![libc::SIG_DFL, libc::SIG_IGN, on_ask as *const () as usize].contains(&now)
}

extern "C" fn on_ask(_: libc::c_int) {
    // A thread that was asked before and is let to it only now is not the one.
    if ASKED.load(Ordering::Acquire) == NOTHING
        || WHOM.load(Ordering::Relaxed) != ThreadNumber::here().0
    {
        return;
    }
    let question = ASKED.swap(NOTHING, Ordering::AcqRel);
    if question == NOTHING {
        return;
    }
    // SAFETY: it is the thread's own, and is as it was when the thread goes on.
    let errno = unsafe { *libc::__errno_location() };
    answer(question);
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn answer(question: u8) {
    let mut who = Line::new();
    // Nobody holds it while a question is out.
    if let Some(say) = WHO.try_lock().ok().and_then(|who| *who) {
        say(&mut who);
    }
    if question == WHO_ALONE {
        // SAFETY: see `Said`.
        unsafe { *SAID.line.get() = who };
        SAID.is_there.store(true, Ordering::Release);
        return;
    }
    let found = Found { who: who.to_text(), calls: Backtrace::force_capture() };
    FOUND.store(Box::into_raw(Box::new(found)), Ordering::Release);
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::mpsc;

    use super::*;

    fn somebody(line: &mut Line) {
        let _ = line.write_str("somebody");
    }

    /// A thread that tells its number, and is there until it is let go.
    fn thread(blocks: bool) -> (ThreadNumber, mpsc::Sender<()>) {
        let (let_go, gate) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            if blocks {
                // SAFETY: a set of signals is filled before it is read.
                unsafe {
                    let mut signals: libc::sigset_t = mem::zeroed();
                    libc::sigfillset(&mut signals);
                    libc::pthread_sigmask(libc::SIG_BLOCK, &signals, ptr::null_mut());
                }
            }
            tell.send(ThreadNumber::here()).unwrap();
            let _ = gate.recv();
        });
        (told.recv().unwrap(), let_go)
    }

    /// The signal reaches another thread while somebody else is asked.
    #[test]
    fn only_the_thread_that_is_asked_answers() {
        let patience = Duration::from_millis(100);
        let ((asked, _one), (other, _two)) = (thread(true), thread(false));
        let asks_no_more = std::sync::Arc::new(AtomicBool::new(false));
        let over = asks_no_more.clone();
        let stray = thread::spawn(move || {
            while !over.load(Ordering::Acquire) {
                // SAFETY: the thread is there, and the signal is ignored where nobody handles it.
                unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), other.0, SIGNAL) };
                thread::yield_now();
            }
        });
        assert_eq!(asked.ask_who(somebody, patience), None);
        asks_no_more.store(true, Ordering::Release);
        stray.join().unwrap();
        assert_eq!(other.ask_who(somebody, Duration::from_secs(20)).as_deref(), Some("somebody"));
    }
}
