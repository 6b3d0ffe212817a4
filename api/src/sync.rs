//! `std::sync` under greenlets, and what gevent has beside it: locks, queues and channels whose
//! waiting parks the greenlet, not the thread.
//!
//! All are `Send + Sync` with `const fn new`, so statics port. A greenlet of one hub that waits for
//! one of another is woken through its hub's letter box.

mod barrier;
mod channel;
mod condvar;
mod event;
mod items;
mod line;
pub mod mpsc;
mod mutex;
mod once;
mod once_lock;
pub(crate) mod queue;
mod queues;
mod reentrant;
mod result;
mod rwlock;
mod semaphore;
mod store;

pub use std::sync::{Arc, LockResult, PoisonError, TryLockError, TryLockResult, Weak, atomic};

pub use barrier::{Barrier, BarrierWaitResult};
pub use channel::Channel;
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use items::{GetError, Items, NoTaskLeft, PutError};
pub use mutex::{Mutex, MutexGuard};
pub use once::{Once, OnceState};
pub use once_lock::{LazyLock, OnceLock};
pub use queues::{LifoQueue, PriorityQueue, Queue};
pub use reentrant::{ReentrantLock, ReentrantLockGuard};
pub use result::AsyncResult;
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{BoundedSemaphore, Permit, ReleasedTooOften, Semaphore};
pub use store::{Fifo, Lifo, Smallest, Store};
