//! One thread a body, under a baton: for tools (ThreadSanitizer, Miri, valgrind) that lose a program
//! where it switches stacks. One at a time runs, the hub's thread or one of its bodies'.
//!
//! The baton is made of pthread calls, which tools know: what one did before it passed the baton on
//! happened before what the other does next. A program's own `thread_local!`s are each greenlet's here.
#![allow(unsafe_code)]

use std::backtrace::Backtrace;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::Arc;
use std::thread::{self, JoinHandle, ThreadId};

use super::overflow::PAGE;
use super::stack::{self, Slot};
use super::{Entry, Walked, end_for_a_lost_body, end_process};
use crate::hub::Turn;

/// A body on its own thread, or the place for one.
#[derive(Default)]
pub(crate) struct Fiber {
    inner: Option<Body>,
}

struct Body {
    baton: Arc<Baton>,
    thread: JoinHandle<()>,
    /// The stack that it would stand on: it is counted, and says how large the thread's is to be.
    stack: Slot,
}

/// What a greenlet leaves with. It is only ever used on the thread it was made on.
#[derive(Clone, Copy)]
pub(crate) struct Leave(NonNull<Root>);

struct Root {
    baton: Arc<Baton>,
    thread: ThreadId,
    limit: usize,
    size: usize,
}

impl Fiber {
    /// Puts a body on a thread; it starts with the first resume.
    pub(crate) fn start(&mut self, stack: Slot, body: impl FnOnce(Leave) + 'static) {
        debug_assert!(self.inner.is_none(), "one body at a time");
        let (limit, size) = (stack.ends_at(), stack.size());
        let baton = Arc::new(Baton::new());
        let sent = OnItsWay((baton.clone(), body));
        let run = move || {
            let (baton, body) = sent.into_inner();
            baton.wait_for_entry();
            let thread = thread::current().id();
            let root = Root { baton, thread, limit, size };
            body(Leave(NonNull::from(&root)));
            root.baton.pass(Passed::Out(Out::Ended));
        };
        // Tools need room on it themselves.
        const ROOM: usize = 1024 * 1024;
        let builder = thread::Builder::stack_size(thread::Builder::new(), size + ROOM);
        let thread = builder.spawn(run);
        let thread = thread.expect("there is a thread for every greenlet");
        self.inner = Some(Body { baton, thread, stack });
    }

    /// Whether it is but a place for one.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_none()
    }

    /// Runs until the body leaves (`Some`, with the turn it decided on) or ends (`None`).
    pub(crate) fn resume(&mut self) -> Option<Option<Turn>> {
        let body = self.inner.as_ref().expect("a fiber is not resumed after its end");
        match body.baton.enter(Entry::Turn) {
            Out::Left(turn) => Some(turn),
            Out::Walked(_) => unreachable!("nobody asked for that"),
            Out::Ended => {
                let body = self.inner.take().expect("it just ran");
                body.thread.join().expect("the driver keeps every panic");
                stack::release(body.stack);
                None
            }
        }
    }

    /// The calls that led to where a suspended body stands; it does not go on.
    pub(crate) fn walk(&mut self) -> Walked {
        let body = self.inner.as_ref().expect("only what has begun is walked");
        match body.baton.enter(Entry::Walk) {
            Out::Walked(walked) => walked,
            Out::Left(_) | Out::Ended => unreachable!("it leaves where it stood"),
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        if self.inner.is_some() {
            end_for_a_lost_body();
        }
    }
}

impl Leave {
    /// Where the stack ends that it would stand on, guard page included.
    pub(crate) fn limit(self) -> usize {
        self.root().limit
    }

    /// How many bytes of it a body can use.
    pub(crate) fn size(self) -> usize {
        self.root().size - PAGE
    }

    fn root<'a>(self) -> &'a Root {
        // SAFETY: the root stands on the body's own thread from before the body begins until after it
        // ended. A `Leave` is stored only in the driver's slot of its greenlet, which forgets it when the
        // body is over (`Table::remove`), and it is used while that body runs.
        unsafe { self.0.as_ref() }
    }

    /// Whether so many bytes of the stack are left: a thread's own is larger than what is counted.
    pub(crate) fn has_room(self, _: usize) -> bool {
        true
    }

    /// Goes back to whoever resumed this body; returns at the next resume.
    pub(crate) fn leave(self, turn: Option<Turn>) {
        let root = self.root();
        if root.thread != thread::current().id() {
            end_process("greenroom: a hub waits inside one of its own calls");
        }
        root.baton.pass(Passed::Out(Out::Left(turn)));
        while let Entry::Walk = root.baton.wait_for_entry() {
            let walked = Walked::Done(Backtrace::force_capture());
            root.baton.pass(Passed::Out(Out::Walked(walked)));
        }
    }
}

/// Who has it runs.
struct Baton {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    has_changed: UnsafeCell<libc::pthread_cond_t>,
    passed: UnsafeCell<Passed>,
}

enum Passed {
    Nothing,
    In(Entry),
    Out(Out),
}

/// What a body comes out with.
enum Out {
    Left(Option<Turn>),
    Walked(Walked),
    Ended,
}

// SAFETY: what is passed is read and written under the mutex alone (`pass`, `take`).
unsafe impl Sync for Baton {}
// SAFETY: as above. What a `Passed` holds is plain values.
unsafe impl Send for Baton {}

impl Baton {
    fn new() -> Baton {
        Baton {
            mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER),
            has_changed: UnsafeCell::new(libc::PTHREAD_COND_INITIALIZER),
            passed: UnsafeCell::new(Passed::Nothing),
        }
    }

    /// Has the body run, and waits until it comes out.
    fn enter(&self, entry: Entry) -> Out {
        self.pass(Passed::In(entry));
        self.take(|passed| match passed {
            Passed::Out(out) => Ok(out),
            other => Err(other),
        })
    }

    fn wait_for_entry(&self) -> Entry {
        self.take(|passed| match passed {
            Passed::In(entry) => Ok(entry),
            other => Err(other),
        })
    }

    fn pass(&self, what: Passed) {
        // SAFETY: the mutex and the condition were made by their initialisers and do not move: they
        // stand in an `Arc`. The value is written under the mutex.
        unsafe {
            libc::pthread_mutex_lock(self.mutex.get());
            *self.passed.get() = what;
            libc::pthread_cond_broadcast(self.has_changed.get());
            libc::pthread_mutex_unlock(self.mutex.get());
        }
    }

    /// Waits for what is for the caller, and takes it.
    fn take<T>(&self, is_mine: impl Fn(Passed) -> Result<T, Passed>) -> T {
        // SAFETY: as in `pass`.
        unsafe {
            libc::pthread_mutex_lock(self.mutex.get());
            let taken = loop {
                match is_mine(std::mem::replace(&mut *self.passed.get(), Passed::Nothing)) {
                    Ok(taken) => break taken,
                    Err(other) => *self.passed.get() = other,
                }
                libc::pthread_cond_wait(self.has_changed.get(), self.mutex.get());
            };
            libc::pthread_mutex_unlock(self.mutex.get());
            taken
        }
    }
}

impl Drop for Baton {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        unsafe {
            libc::pthread_cond_destroy(self.has_changed.get());
            libc::pthread_mutex_destroy(self.mutex.get());
        }
    }
}

/// A body on its way to its thread.
struct OnItsWay<T>(T);

// SAFETY: a body stays with its hub's threads, of which one at a time runs, each after the one before
// (`Baton`). It is as if all were one thread, but for thread-locals: the driver's own are set for each
// thread (`Driver::start`), and the tools' programs have none that they carry from one to another.
unsafe impl<T> Send for OnItsWay<T> {}

impl<T> OnItsWay<T> {
    /// By a call, so that a closure takes the whole and not the part that is not `Send`.
    fn into_inner(self) -> T {
        self.0
    }
}
