//! Stack switching: each body on a stack of its own, all of them on the hub's thread.
#![allow(unsafe_code)]

use std::backtrace::Backtrace;
use std::cell::Cell;
use std::ptr::NonNull;

use corosensei::{Coroutine, CoroutineResult, Yielder};

use super::overflow::PAGE;
use super::stack::{self, Slot};
use super::{Entry, Walked, end_for_a_lost_body, end_process};
use crate::hub::Turn;

/// A body on its own stack, or the place for one.
///
/// Dropping one that has started and not ended aborts the process: to unwind it is the driver's to
/// order, by resuming it.
#[derive(Default)]
pub(crate) struct Fiber {
    inner: Option<Coroutine<Entry, Option<Turn>, (), Slot>>,
}

thread_local! {
    /// What the stack that was walked last found.
    static WALKED: Cell<Option<Walked>> = const { Cell::new(None) };
}

/// What a greenlet leaves its stack with. It is only ever used on the stack it was made on.
#[derive(Clone, Copy)]
pub(crate) struct Leave(NonNull<Root>);

/// What stands at the very root of a fiber's stack.
struct Root {
    yielder: *const Yielder<Entry, Option<Turn>>,
    /// Where the stack ends, guard page included: what tells stacks apart.
    limit: usize,
    /// From there to where it begins, in bytes.
    span: usize,
}

impl Fiber {
    /// Puts a body on a stack; it starts with the first resume.
    pub(crate) fn start(&mut self, stack: Slot, body: impl FnOnce(Leave) + 'static) {
        debug_assert!(self.inner.is_none(), "one body at a time");
        let (limit, span) = (stack.ends_at(), stack.size() + PAGE);
        self.inner = Some(Coroutine::with_stack(stack, move |yielder, _| {
            let root = Root { yielder, limit, span };
            body(Leave(NonNull::from(&root)));
        }));
    }

    /// Whether it is but a place for one.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_none()
    }

    /// Runs until the body leaves (`Some`, with the turn it decided on) or ends (`None`).
    #[inline(always)]
    pub(crate) fn resume(&mut self) -> Option<Option<Turn>> {
        match self.inner.as_mut().expect("a fiber is not resumed after its end").resume(Entry::Turn)
        {
            CoroutineResult::Yield(turn) => Some(turn),
            CoroutineResult::Return(()) => {
                stack::release(self.inner.take().expect("it just ran").into_stack());
                None
            }
        }
    }

    /// The calls that led to where a suspended body stands; it does not go on.
    pub(crate) fn walk(&mut self) -> Walked {
        let suspended = self.inner.as_mut().expect("only what has begun is walked");
        match suspended.resume(Entry::Walk) {
            CoroutineResult::Yield(_) => WALKED.take().expect("it was just walked"),
            CoroutineResult::Return(()) => unreachable!("it leaves where it stood"),
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
    /// Where its stack ends, guard page included.
    pub(crate) fn limit(self) -> usize {
        self.root().limit
    }

    /// How many bytes of it a body can use.
    pub(crate) fn size(self) -> usize {
        self.root().span - PAGE
    }

    fn root<'a>(self) -> &'a Root {
        // SAFETY: the root, like the yielder, lives on the fiber's own stack from its first
        // instruction to its last. A `Leave` is stored only in the driver's slot of the greenlet
        // that runs on that stack, which forgets it before anything else can run on the stack
        // (`Table::remove`), so the stack is live and the root on it is this greenlet's.
        //
        // A frame that never unwinds is still there. A panic cannot go past the root: the driver's
        // body catches all (`Driver::start`). A raw pointer does not leave its thread, and to forget
        // a `Leave` leaves nothing undone.
        unsafe { self.0.as_ref() }
    }

    /// Whether so many bytes of this stack, which is the one we stand on, are left.
    pub(crate) fn has_room(self, bytes: usize) -> bool {
        let here = 0u8;
        let room = (&raw const here as usize).saturating_sub(self.limit() + PAGE);
        // A sanitizer keeps locals elsewhere, and where the stack ends cannot be told by them.
        room >= bytes || cfg!(feature = "sanitizer")
    }

    /// Whether this is the stack we stand on.
    #[inline]
    fn is_here(self) -> bool {
        let here = 0u8;
        let above = (&raw const here as usize).wrapping_sub(self.limit());
        // A sanitizer keeps locals elsewhere.
        above < self.root().span || cfg!(feature = "sanitizer")
    }

    /// Goes back to whoever resumed this stack; returns at the next resume.
    pub(crate) fn leave(self, turn: Option<Turn>) {
        if !self.is_here() {
            end_process("greenroom: a hub waits inside one of its own calls");
        }
        // SAFETY: as above, and this is the stack we stand on, as was just seen.
        let yielder = unsafe { &*self.root().yielder };
        let mut entry = yielder.suspend(turn);
        while let Entry::Walk = entry {
            entry = self.walk(yielder);
        }
    }

    /// Writes down how it came here, and leaves again.
    #[cold]
    #[inline(never)]
    fn walk(self, yielder: &Yielder<Entry, Option<Turn>>) -> Entry {
        // Twice what it takes.
        const ROOM: usize = 8 * 1024;
        let walked = match self.has_room(ROOM) {
            true => Walked::Done(Backtrace::force_capture()),
            false => Walked::NoRoom,
        };
        WALKED.set(Some(walked));
        yielder.suspend(None)
    }
}
