//! [`Scope`]: greenlets whose bodies borrow from the frame that spawned them.
//!
//! What stands here is what makes that sound, and all of it: [`lend`] neither returns nor unwinds
//! while a child of its scope may still run. What the handles look like is `thread/scope.rs`'s.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, RefUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::driver::{self, Driver, Label, Origin, Panicked, Task};
use crate::greenlet::end_process;
use crate::greenlet::lent::Lent;
use crate::hub::{GreenletId, On};

/// Where greenlets are spawned that may borrow what outlives them. See [`std::thread::Scope`].
///
/// Given to the closure of [`scope`](crate::thread::scope). It is not `Sync`, where std's is: what it
/// spawns need not be `Send`, so another thread must not spawn by it.
///
/// ```compile_fail,E0277
/// greenroom::thread::scope(|s| {
///     std::thread::scope(|threads| {
///         threads.spawn(|| s.spawn(|| ()));
///     });
/// });
/// ```
pub struct Scope<'scope, 'env: 'scope> {
    driver: Lent<Driver>,
    /// The greenlet that stands in [`lend`].
    owner: Option<GreenletId>,
    family: Rc<Family>,
    /// Invariant in both, as std's: a shorter `'scope` would let a child borrow from the closure.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// As std's: a panic leaves no list of children half written.
impl RefUnwindSafe for Scope<'_, '_> {}

/// The children of one scope.
#[derive(Default)]
pub(crate) struct Family {
    /// In the order of spawning; those that are over are swept out now and then.
    children: RefCell<VecDeque<GreenletId>>,
    /// What became of children that panicked and were not joined.
    panicked: RefCell<Vec<Panicked>>,
}

/// Calls `f` with a scope and waits for the scope's children, also when `f` panics, as std does. When a
/// kill or an expired timeout unwinds `f` or the wait, they are killed and unwound in place instead.
/// Only then does it return or unwind.
#[track_caller]
pub(crate) fn lend<'env, F, T>(driver: Lent<Driver>, f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let (owner, family) = (driver.current_id(), Rc::default());
    let scope = Scope { driver, owner, family, scope: PhantomData, env: PhantomData };
    let returned = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    // A panic is caught by here, so that nobody is panicking and the wait is one like any other.
    let waited = match &returned {
        Err(payload) if !driver::is_panic(&**payload) => Ok(()),
        _ => catch_unwind(AssertUnwindSafe(|| scope.wait())),
    };
    scope.reap();
    let first = scope.report_panics(returned.is_ok() && waited.is_ok());
    match (returned, waited, first) {
        (Err(payload), waited, _) => {
            if waited.is_err() {
                // It is the panic that goes on; who is killed meets that again where it next waits.
                scope.driver.set_unwinding(false);
            }
            resume_unwind(payload)
        }
        (_, Err(payload), _) => resume_unwind(payload),
        (_, _, Some(Panicked { greenlet, message })) => {
            panic!("a scoped thread panicked: {greenlet}: {message}")
        }
        (Ok(value), ..) => value,
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Makes a greenlet of this scope; it runs when its turn comes.
    pub(crate) fn adopt(
        &'scope self,
        body: Rc<dyn Task + 'scope>,
        label: Label,
        stack_size: usize,
        at: &'static Location<'static>,
    ) -> GreenletId {
        // SAFETY: only the lifetime changes. What `body` runs, all that owns and every frame on its stack
        // are used by this greenlet alone, so it is enough that the greenlet is over before `'scope`
        // is: that its body was run to its end, unwound to its root, or cancelled. The driver drops its
        // `Rc` then. A handle that keeps the other has it under its true lifetime, and with a result in
        // it at most.
        //
        // `'scope` ends no sooner than the call of `lend` that made this scope (a `Scope` is made
        // nowhere else, and `f` gets it by reference under a `'scope` of `lend`'s choosing). `lend`
        // returns or unwinds only past its `reap`, which returns only when no child of the scope is
        // live, and aborts the process if it is unwound.
        //
        // What `'scope` allows a body to borrow may also lie further out, on the frames of
        // greenlets that own its owner. Each of these stands in a `lend` of its own until its
        // child, the next one inwards, is over.
        //
        // A frame that never unwinds: a child that swallows its kill is not left behind, `reap`
        // aborts the process (`Driver::abort_over`). A child that a hub abandons takes along those
        // on whose frames it may borrow (`Driver::abandon`), so no `lend` around it goes on; at the
        // run's end all of them are revived together and end by these same `reap`s. A run does not
        // return, nor its thread end, before every greenlet is over, be it that its hub panicked
        // (`Driver::leave_broken_hub`). A process that exits or a thread that blocks for ever ends
        // no frame.
        // A spawn that unwinds (a hub that panics, or is called from within a call of its own) leaves
        // no child: `Driver::spawn` undoes it. Past it the family knows the child at once.
        // A panic in a destructor: one that a child's body throws ends at that child's root. One
        // that leaves a destructor while the child unwinds aborts the process, as anywhere.
        // A foreign thread: `Scope` holds an `Rc`, so it is neither `Send` nor `Sync`, and neither
        // is what spawns by it. Greenlets stay on their thread.
        // A forgotten value: nothing here depends on a handle being dropped; `f` never has the
        // `Scope` itself, and its frame is `lend`'s.
        let body: Rc<dyn Task> = unsafe { mem::transmute(body) };
        let origin = Origin { owner: self.owner, ..self.driver.origin(at) };
        let id = self.driver.spawn(body, label, stack_size, origin);
        self.family.add(id, &self.driver);
        id
    }

    /// How many children are on its list, those that are over and not yet swept out among them.
    #[doc(hidden)]
    pub fn children_listed(&self) -> usize {
        self.family.children.borrow().len()
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(crate) fn family(&self) -> &Rc<Family> {
        &self.family
    }

    /// Joins the children one after the other. Unwinds if the owner is killed or out of time; may
    /// return early where nobody may wait.
    fn wait(&self) {
        let driver = &*self.driver;
        driver.after_switch();
        while let Some(child) = self.family.first_living(driver) {
            if driver.may_wait().is_err() {
                return;
            }
            let joiner = driver.add_joiner(child);
            driver.park("scope", On::Greenlet(child), None);
            driver.remove_joiner(child, joiner);
            driver.raise_kill();
            // An end in time is told, even if a timeout expired before this turn came.
            if self.family.first_living(driver).is_some() {
                driver.after_switch();
            }
        }
    }

    /// Kills the children that are left and unwinds each of them in place; children that these
    /// spawn meanwhile as well.
    fn reap(&self) {
        // Destructors may spawn in the scope again: past so many rounds such children do not begin.
        const ROUNDS: usize = 1000;
        // A hub that panics here would let the frame go while children still borrow from it.
        let bomb = AbortUnlessForgotten;
        for round in 0.. {
            let left = self.family.children.take();
            let left: Vec<_> = left.into_iter().filter(|&id| self.driver.is_live(id)).collect();
            if left.is_empty() {
                break;
            }
            left.iter().for_each(|&child| self.driver.kill(child));
            self.driver.bring_forward(&left);
            for &child in &left {
                if round >= ROUNDS && self.driver.forget_if_unstarted(child) {
                    continue;
                }
                self.driver.reap(child);
            }
        }
        mem::forget(bomb);
    }

    /// The first panic of a child that nobody joined, if the scope is to panic with it. Those that
    /// it does not pass on are the run's.
    fn report_panics(&self, pass_on: bool) -> Option<Panicked> {
        let mut panicked = self.family.panicked.take().into_iter();
        let first = if pass_on { panicked.next() } else { None };
        panicked.for_each(|panicked| self.driver.report_panic_of(panicked));
        first
    }
}

impl Family {
    fn add(&self, child: GreenletId, driver: &Driver) {
        let mut children = self.children.borrow_mut();
        // Swept when it would grow anyway: a scope may serve a million connections.
        if children.len() == children.capacity() {
            children.retain(|&child| driver.is_live(child));
        }
        children.push_back(child);
    }

    /// The child that was spawned first of those that are not over, the others before it swept out.
    fn first_living(&self, driver: &Driver) -> Option<GreenletId> {
        let mut children = self.children.borrow_mut();
        while children.front().is_some_and(|&child| !driver.is_live(child)) {
            children.pop_front();
        }
        children.front().copied()
    }

    /// A child panicked and was not joined.
    pub(crate) fn keep_panic(&self, panicked: Panicked) {
        self.panicked.borrow_mut().push(panicked);
    }
}

/// Ends the process if it is dropped.
struct AbortUnlessForgotten;

impl Drop for AbortUnlessForgotten {
    fn drop(&mut self) {
        end_process("greenroom: a hub panicked while a scope ended its greenlets");
    }
}
