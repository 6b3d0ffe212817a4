//! [`Queue`], [`LifoQueue`] and [`PriorityQueue`]: gevent's queues.

use std::fmt;
use std::ops::Deref;

use super::items::Items;
use super::store::{Fifo, Lifo, Smallest};

macro_rules! queues {
    ($($(#[$doc:meta])* $queue:ident, $store:ident $(: $bound:ident)?;)*) => {$(
        $(#[$doc])*
        pub struct $queue<T>(Items<T, $store<T>>);

        impl<T: Send $(+ $bound)?> $queue<T> {
            /// A queue without a bound: putting never waits.
            #[track_caller]
            pub const fn new() -> $queue<T> {
                $queue(Items::with_bound(usize::MAX))
            }
            /// A queue of at most `bound` items; with none, each put waits until somebody takes it.
            #[track_caller]
            pub const fn bounded(bound: usize) -> $queue<T> {
                $queue(Items::with_bound(bound))
            }
        }
        impl<T> Deref for $queue<T> {
            type Target = Items<T, $store<T>>;
            fn deref(&self) -> &Items<T, $store<T>> {
                &self.0
            }
        }
        impl<T: Send $(+ $bound)?> Default for $queue<T> {
            #[track_caller]
            fn default() -> $queue<T> {
                $queue::new()
            }
        }
        impl<T: Send $(+ $bound)?> fmt::Debug for $queue<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (len, is_shut) = self.0.shown();
                let mut show = f.debug_struct(stringify!($queue));
                show.field("len", &len).field("shut_down", &is_shut);
                show.finish_non_exhaustive()
            }
        }
    )*};
}

queues! {
    /// A queue that gives out first what came first. Its methods are those of [`Items`].
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::sync::Queue;
    ///
    /// static JOBS: Queue<u32> = Queue::bounded(8);
    /// JOBS.put(7).unwrap();
    /// assert_eq!(JOBS.get(), Ok(7));
    /// JOBS.task_done().unwrap();
    /// JOBS.join();
    /// ```
    Queue, Fifo;

    /// A [`Queue`] that gives out first what came last.
    ///
    /// # Examples
    ///
    /// ```
    /// let stack = greenroom::sync::LifoQueue::new();
    /// stack.put(1).unwrap();
    /// stack.put(2).unwrap();
    /// assert_eq!(stack.get(), Ok(2));
    /// ```
    LifoQueue, Lifo;

    /// A [`Queue`] that gives out the smallest item first; of equals, the one that came first. Items
    /// are compared under the queue's lock: a comparison must neither use the queue nor wait.
    ///
    /// # Examples
    ///
    /// ```
    /// let jobs = greenroom::sync::PriorityQueue::new();
    /// jobs.put((2, "sweep")).unwrap();
    /// jobs.put((1, "cook")).unwrap();
    /// assert_eq!(jobs.get(), Ok((1, "cook")));
    /// ```
    PriorityQueue, Smallest: Ord;
}
