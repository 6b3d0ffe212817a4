//! The values of one greenlet or host, for the keys of `thread`.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

/// The values of one greenlet or host, by the place of their keys, which are statics; in the order in
/// which they were made, which is that in which they are dropped.
#[derive(Default)]
pub(crate) struct Locals(RefCell<Vec<(usize, Value)>>);

#[derive(Clone)]
enum Value {
    Alive(Rc<dyn Any>),
    /// It is being dropped, or was: there is no other.
    Destroyed,
}

impl Locals {
    /// The value of a key, which is made now if there never was one; `None` once it was destroyed.
    pub(crate) fn get<T: 'static>(&self, key: usize, init: impl FnOnce() -> T) -> Option<Rc<T>> {
        let value = self.find(key).unwrap_or_else(|| {
            // Nothing is borrowed meanwhile: what is made may look at other values, and at this one.
            let made = Value::Alive(Rc::new(init()));
            self.find(key).unwrap_or_else(|| {
                self.0.borrow_mut().push((key, made.clone()));
                made
            })
        });
        match value {
            Value::Alive(value) => Some(value.downcast().expect("a key has one type")),
            Value::Destroyed => None,
        }
    }

    /// Takes out the first value there is, to be dropped where nothing is borrowed.
    pub(super) fn take_first(&self) -> Option<Rc<dyn Any>> {
        self.0.borrow_mut().iter_mut().find_map(|(_, value)| {
            match std::mem::replace(value, Value::Destroyed) {
                Value::Alive(value) => Some(value),
                Value::Destroyed => None,
            }
        })
    }

    fn find(&self, key: usize) -> Option<Value> {
        self.0.borrow().iter().find(|(of, _)| *of == key).map(|(_, value)| value.clone())
    }
}
