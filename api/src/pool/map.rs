//! Many items, each in a greenlet of its own, and what came of them as it comes.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use crate::driver;
use crate::sync::Event;
use crate::thread::{self, Killed};

/// Answers in the order in which they come. See [`Pool::imap_unordered`](super::Pool::imap_unordered).
pub struct Unordered<R>(Rc<Answers<R>>);

/// Answers in the order of what was asked. See [`Pool::imap`](super::Pool::imap).
pub struct InOrder<R> {
    answers: Unordered<R>,
    early: BTreeMap<usize, thread::Result<R>>,
    next: usize,
}

struct Answers<R> {
    come: RefCell<VecDeque<(usize, thread::Result<R>)>>,
    /// Set while there is an answer, or there will be none any more.
    changed: Event,
}

/// Held by whoever may yet bring an answer: one item's greenlet, or the one that starts them.
struct Bringer<R> {
    to: Rc<Answers<R>>,
    /// The item that has no answer yet.
    owes: Option<usize>,
}

impl<R> Bringer<R> {
    fn bring(&mut self, answer: thread::Result<R>) {
        if let Some(number) = self.owes.take() {
            self.to.come.borrow_mut().push_back((number, answer));
        }
    }
}

impl<R> Drop for Bringer<R> {
    fn drop(&mut self) {
        // One that was killed before it began.
        self.bring(Err(Box::new(Killed)));
        self.to.changed.set();
    }
}

/// Has a greenlet start one for each item, with `spawn`, which may wait.
pub(super) fn feed<T, R>(
    items: impl Iterator<Item = T> + 'static,
    f: impl Fn(T) -> R + 'static,
    spawn: impl Fn(Box<dyn FnOnce()>) + 'static,
) -> Unordered<R>
where
    T: 'static,
    R: 'static,
{
    let answers = Rc::new(Answers { come: RefCell::default(), changed: Event::new() });
    let feeder = Bringer { to: answers.clone(), owes: None };
    let f = Rc::new(f);
    drop(thread::spawn(move || {
        for (number, item) in items.enumerate() {
            let f = f.clone();
            let mut bringer = Bringer { to: feeder.to.clone(), owes: Some(number) };
            spawn(Box::new(move || {
                let answer = catch_unwind(AssertUnwindSafe(|| f(item)));
                bringer.bring(answer);
            }));
        }
    }));
    Unordered(answers)
}

impl<R> Unordered<R> {
    fn next_numbered(&mut self) -> Option<(usize, thread::Result<R>)> {
        loop {
            if let Some(answer) = self.0.come.borrow_mut().pop_front() {
                return Some(answer);
            }
            // Whoever may bring one holds on to where it is put.
            if Rc::strong_count(&self.0) == 1 {
                return None;
            }
            self.0.changed.clear();
            self.0.changed.wait(None);
        }
    }
}

impl<R> Iterator for Unordered<R> {
    type Item = R;
    fn next(&mut self) -> Option<R> {
        self.next_numbered().map(|(_, answered)| answer(answered))
    }
}

impl<R> InOrder<R> {
    pub(super) fn new(answers: Unordered<R>) -> InOrder<R> {
        InOrder { answers, early: BTreeMap::new(), next: 0 }
    }
}

impl<R> Iterator for InOrder<R> {
    type Item = R;
    fn next(&mut self) -> Option<R> {
        while !self.early.contains_key(&self.next) {
            let (number, answered) = self.answers.next_numbered()?;
            self.early.insert(number, answered);
        }
        self.next += 1;
        self.early.remove(&(self.next - 1)).map(answer)
    }
}

/// What a greenlet answered, for whoever asked; its panic is the caller's.
pub(super) fn answer<R>(answered: thread::Result<R>) -> R {
    match answered {
        Ok(answer) => answer,
        Err(payload) if driver::is_panic(&*payload) => resume_unwind(payload),
        // Not resumed: that would pass for a kill of the caller.
        Err(_) => panic!("a greenlet of the pool was killed before it answered"),
    }
}

impl<R> fmt::Debug for Unordered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unordered").field("come", &self.0.come.borrow().len()).finish()
    }
}
impl<R> fmt::Debug for InOrder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InOrder").field("next", &self.next).finish_non_exhaustive()
    }
}
