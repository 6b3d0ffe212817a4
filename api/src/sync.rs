//! `std::sync` under greenlets: locks and channels whose waiting parks the greenlet, not the thread.
//!
//! All are `Send + Sync` with `const fn new`, so statics port. A greenlet of one hub that waits for
//! one of another is woken through its hub's letter box.

mod condvar;
mod event;
pub mod mpsc;
mod mutex;
mod queue;

pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak};

pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
