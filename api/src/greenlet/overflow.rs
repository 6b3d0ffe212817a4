//! Stack overflow: a fault in the guard page of a greenlet's stack is told by the greenlet's name,
//! its stack's size and the line that spawned it, and ends the process.
//!
//! A handler runs on the fault, on a stack of its own, and may do next to nothing: it neither
//! allocates nor locks. Where slabs lie it reads from atomics; whose stack it is, the driver of its
//! own thread says, if that is not being changed just then. Every other fault goes to the handler
//! that was there before: std's, which tells of a thread's own stack.
#![allow(unsafe_code)]

use std::fmt::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{mem, ptr};

/// What a guard is, and what is charged at a time.
pub(super) const PAGE: usize = 4096;
/// Slabs that can be told from other memory. Overflows in any further one end the process unnamed.
const SLABS_MAX: usize = 1024;
static SLABS: [Slab; SLABS_MAX] = [const { Slab::none() }; SLABS_MAX];
static SLABS_KNOWN: AtomicUsize = AtomicUsize::new(0);

const FAULTS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];
/// Who saw to faults before.
static BEFORE: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// Who knows whose stack it is. Its functions run in the handler: they may neither allocate nor lock,
/// and write nothing where they do not know.
pub(crate) struct Witness {
    /// Writes `greenlet` and the path of the one whose stack ends at this address.
    pub(crate) write_whose_stack: fn(usize, &mut dyn fmt::Write) -> Option<()>,
    /// Writes where that one was spawned, in brackets.
    pub(crate) write_where_spawned: fn(usize, &mut dyn fmt::Write) -> Option<()>,
}

static WITNESS: OnceLock<Witness> = OnceLock::new();

/// Has overflows told with what the witness knows, from now on; the first one stays.
pub(crate) fn call_upon(witness: Witness) {
    let _ = WITNESS.set(witness);
}

/// A run of slots, each of which begins with its guard page.
struct Slab {
    start: AtomicUsize,
    stride: AtomicUsize,
    /// Written last: 0 until the others are.
    end: AtomicUsize,
}

impl Slab {
    const fn none() -> Slab {
        let (start, stride) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Slab { start, stride, end: AtomicUsize::new(0) }
    }

    /// The slot whose guard page has this address, and the slot's length.
    fn guard_at(&self, address: usize) -> Option<(usize, usize)> {
        let end = self.end.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Relaxed);
        if address < start || address >= end {
            return None;
        }
        let stride = self.stride.load(Ordering::Relaxed);
        let within = (address - start) % stride;
        (within < PAGE).then_some((address - within, stride))
    }
}

/// Has overflows in this slab told, on this thread and on those that did so before.
pub(super) fn watch(start: usize, end: usize, stride: usize) {
    let index = SLABS_KNOWN.fetch_add(1, Ordering::Relaxed);
    if let Some(slab) = SLABS.get(index) {
        slab.start.store(start, Ordering::Relaxed);
        slab.stride.store(stride, Ordering::Relaxed);
        slab.end.store(end, Ordering::Release);
    }
    BEFORE.get_or_init(install);
    give_a_signal_stack();
}

/// Puts the handler in place; returns those that were there. What fails leaves things as they were:
/// an overflow then ends the process without a word.
fn install() -> [libc::sigaction; 2] {
    FAULTS.map(|fault| {
        // SAFETY: all zeroes is a valid `sigaction`, and the calls only read and write what they
        // are given. `on_fault` is a handler of the kind that SA_SIGINFO calls for.
        unsafe {
            let mut before: libc::sigaction = mem::zeroed();
            libc::sigaction(fault, ptr::null(), &mut before);
            let mut ours: libc::sigaction = mem::zeroed();
            ours.sa_sigaction = on_fault as *const () as usize;
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&mut ours.sa_mask);
            libc::sigaction(fault, &ours, ptr::null_mut());
            before
        }
    })
}

/// std gives its own threads a stack for handlers. A thread that C made gets one here, which, like
/// the slabs, is never unmapped.
pub(super) fn give_a_signal_stack() {
    const SIZE: usize = 64 * 1024;
    // SAFETY: the first call only writes to `known`. The mapping is fresh and stays for good, so the
    // kernel may use it as long as the thread lives.
    unsafe {
        let mut known: libc::stack_t = mem::zeroed();
        if libc::sigaltstack(ptr::null(), &mut known) != 0 || known.ss_flags & libc::SS_DISABLE == 0
        {
            return;
        }
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let at = libc::mmap(ptr::null_mut(), SIZE, access, kind, -1, 0);
        if at != libc::MAP_FAILED {
            let stack = libc::stack_t { ss_sp: at, ss_flags: 0, ss_size: SIZE };
            libc::sigaltstack(&stack, ptr::null_mut());
        }
    }
}

extern "C" fn on_fault(fault: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel calls with the information on the fault.
    let address = unsafe { (*info).si_addr() } as usize;
    let known = SLABS_KNOWN.load(Ordering::Relaxed).min(SLABS_MAX);
    if let Some((limit, length)) = SLABS[..known].iter().find_map(|slab| slab.guard_at(address)) {
        tell(limit, length - PAGE);
        // SAFETY: it may be called in a handler.
        unsafe { libc::abort() };
    }
    hand_on(fault, info, context);
}

/// Writes the line.
fn tell(limit: usize, size: usize) {
    let mut line = Line::new();
    let _ = line.write_str("\n");
    let witness = WITNESS.get();
    if witness.and_then(|witness| (witness.write_whose_stack)(limit, &mut line)).is_none() {
        let _ = line.write_str("a greenlet");
    }
    let _ = write!(line, " overflowed its stack of {} KiB", size / 1024);
    let _ = witness.and_then(|witness| (witness.write_where_spawned)(limit, &mut line));
    let _ = line.write_str("; give it more with thread::Builder::stack_size\n");
    // SAFETY: the bytes are there, and the call may be made in a handler.
    unsafe { libc::write(2, line.text.as_ptr().cast(), line.len) };
}

/// To whoever saw to faults before. Where that is nobody, the fault is left to happen again, as if
/// this handler had never been.
fn hand_on(fault: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE.get().map(|before| &before[usize::from(fault != FAULTS[0])]);
    match before {
        Some(before) if ![libc::SIG_DFL, libc::SIG_IGN].contains(&before.sa_sigaction) => {
            // SAFETY: what was installed as a handler is called as one, in the form it asked for.
            unsafe {
                if before.sa_flags & libc::SA_SIGINFO != 0 {
                    let handler: extern "C" fn(
                        libc::c_int,
                        *mut libc::siginfo_t,
                        *mut libc::c_void,
                    ) = mem::transmute(before.sa_sigaction);
                    handler(fault, info, context);
                } else {
                    let handler: extern "C" fn(libc::c_int) = mem::transmute(before.sa_sigaction);
                    handler(fault);
                }
            }
        }
        _ => {
            // SAFETY: all zeroes with SIG_DFL is the action that a process starts with.
            unsafe {
                let mut default: libc::sigaction = mem::zeroed();
                default.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(fault, &default, ptr::null_mut());
            }
        }
    }
}

/// Text of a fixed size; what does not fit is left out.
pub(crate) struct Line {
    text: [u8; 512],
    len: usize,
}

impl Line {
    pub(super) const fn new() -> Line {
        Line { text: [0; 512], len: 0 }
    }

    /// What was written, without a character that did not fit.
    pub(super) fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.text[..self.len]).into_owned()
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = &mut self.text[self.len..];
        let fits = more.len().min(room.len());
        room[..fits].copy_from_slice(&more.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;
    use crate::greenlet::stack::{self, DEFAULT_SIZE};

    const FAULT: &str = "GREENROOM_FAULT";

    extern "C" fn reads_a_guard(_: *mut libc::c_void) -> *mut libc::c_void {
        let guard = stack::take(DEFAULT_SIZE).unwrap().ends_at();
        // SAFETY: it faults, as it is meant to: the process ends here.
        unsafe { (guard as *const u8).read_volatile() };
        ptr::null_mut()
    }

    /// What the tests below start; by itself it does nothing.
    #[test]
    fn faults_if_told_to() {
        let Ok(fault) = std::env::var(FAULT) else { return };
        // The handler comes with the first stack.
        stack::release(stack::take(DEFAULT_SIZE).unwrap());
        // SAFETY: a thread is made and waited for; the reads fault, as they are meant to.
        unsafe {
            if fault == "foreign thread" {
                let mut thread = mem::zeroed();
                let (none, arg) = (ptr::null(), ptr::null_mut());
                assert_eq!(libc::pthread_create(&mut thread, none, reads_a_guard, arg), 0);
                libc::pthread_join(thread, ptr::null_mut());
            }
            (8 as *const u8).read_volatile();
        }
    }

    fn fault(which: &str) -> (Option<i32>, String) {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let test = "greenlet::overflow::tests::faults_if_told_to";
        child.args([test, "--exact", "--nocapture"]).env(FAULT, which);
        let ended = child.output().unwrap();
        (ended.status.signal(), String::from_utf8_lossy(&ended.stderr).into_owned())
    }

    #[test]
    fn any_other_fault_ends_the_process_as_ever() {
        let (signal, said) = fault("elsewhere");
        assert_eq!(signal, Some(libc::SIGSEGV), "{said}");
        assert!(!said.contains("overflowed"), "{said}");
    }

    /// It has no stack for handlers of std's, and no driver to ask for a name.
    #[test]
    fn a_thread_that_c_made_is_told_of_too() {
        let (signal, said) = fault("foreign thread");
        assert_eq!(signal, Some(libc::SIGABRT), "{said}");
        assert!(said.contains("a greenlet overflowed its stack of 256 KiB;"), "{said}");
    }
}
