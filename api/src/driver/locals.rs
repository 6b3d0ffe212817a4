//! The values of one greenlet or host, for the keys of `thread`.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

/// The values of one greenlet or host, by the place of their keys, which are statics; in the order in
/// which they were made, which is that in which they are dropped.
#[derive(Default)]
pub(crate) struct Locals(RefCell<Vec<(usize, Rc<dyn Any>)>>);

impl Locals {
    pub(crate) fn get<T: 'static>(&self, key: usize, init: fn() -> T) -> Rc<T> {
        let value = self.find(key).unwrap_or_else(|| {
            // Nothing is borrowed meanwhile: what is made may look at other values, and at this one.
            let made: Rc<dyn Any> = Rc::new(init());
            self.find(key).unwrap_or_else(|| {
                self.0.borrow_mut().push((key, made.clone()));
                made
            })
        });
        value.downcast().expect("a key has one type")
    }
    fn find(&self, key: usize) -> Option<Rc<dyn Any>> {
        self.0.borrow().iter().find(|(of, _)| *of == key).map(|(_, value)| value.clone())
    }
}
