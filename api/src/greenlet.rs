//! Stack switching: a body on a stack of its own that can be left and entered again.
//!
//! What stands here is the whole of it: [`Fiber::resume`] goes in, [`Leave::leave`] comes out. Who
//! runs when, and what a greenlet is called, is the driver's. With `greenlet/*` this is the only
//! `unsafe` in the crate.
#![allow(unsafe_code)]

mod overflow;
pub(crate) mod scoped;
pub(crate) mod stack;

use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::hub::Turn;
use stack::Slot;

/// A body on its own stack, or the place for one. Dropping one that has started and not ended leaks its stack: unwinding
/// is the driver's to order, by resuming it, never a destructor's.
#[derive(Default)]
pub(crate) struct Fiber {
    inner: Option<Coroutine<(), Option<Turn>, (), Slot>>,
}

/// What a greenlet leaves its stack with. It is only ever used on the stack it was made on.
#[derive(Clone, Copy)]
pub(crate) struct Leave {
    yielder: *const Yielder<(), Option<Turn>>,
    /// Where its stack ends, guard page included: what tells stacks apart.
    limit: usize,
}

impl Fiber {
    /// Puts a body on a stack; it starts with the first resume.
    pub(crate) fn start(&mut self, stack: Slot, body: impl FnOnce(Leave) + 'static) {
        debug_assert!(self.inner.is_none(), "one body at a time");
        let limit = stack.ends_at();
        self.inner = Some(Coroutine::with_stack(stack, move |yielder, ()| {
            body(Leave { yielder, limit });
        }));
    }

    /// Runs until the body leaves (`Some`, with the turn it decided on) or ends (`None`).
    pub(crate) fn resume(&mut self) -> Option<Option<Turn>> {
        match self.inner.as_mut().expect("a fiber is not resumed after its end").resume(()) {
            CoroutineResult::Yield(turn) => Some(turn),
            CoroutineResult::Return(()) => {
                stack::release(self.inner.take().expect("it just ran").into_stack());
                None
            }
        }
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        // corosensei would unwind a suspended body here, from whatever thread-exit or panic path
        // led to the drop, and aborts the process if a destructor then panics.
        std::mem::forget(self.inner.take());
    }
}

impl Leave {
    /// Where its stack ends, guard page included.
    pub(crate) fn limit(self) -> usize {
        self.limit
    }

    /// Goes back to whoever resumed this stack; returns at the next resume.
    pub(crate) fn leave(self, turn: Option<Turn>) {
        // SAFETY: the yielder lives on the fiber's own stack from its first instruction to its
        // last. A `Leave` is stored only in the driver's slot of the greenlet that runs on that
        // stack and used only while that greenlet is the current one (`Driver::leave`), so the
        // stack is live and this is the stack we stand on.
        unsafe { (*self.yielder).suspend(turn) };
    }
}
