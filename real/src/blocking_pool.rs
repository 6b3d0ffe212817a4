//! The blocking pool: jobs that block, on a few helper threads of the process, made on demand and gone
//! after some idle seconds. It knows no hub; what a job comes to goes into an inbox.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use greenroom::hub::{Io, Job};

const IDLE: Duration = Duration::from_secs(10);

/// Jobs of programs under way at a time, in the whole process; more wait their turn.
pub(crate) static JOBS: BlockingPool = BlockingPool::new("greenroom-blocking", 64);

/// The place of what a task comes to. Dropping it gives the task up.
pub(crate) struct Outcome<T>(Mutex<Option<T>>);

impl<T> Default for Outcome<T> {
    fn default() -> Outcome<T> {
        Outcome(Mutex::new(None))
    }
}

impl<T> Outcome<T> {
    /// One that was known before it was asked for.
    pub(crate) fn known(value: T) -> Outcome<T> {
        Outcome(Mutex::new(Some(value)))
    }
    pub(crate) fn is_there(&self) -> bool {
        lock(&self.0).is_some()
    }
    pub(crate) fn take(&self) -> Option<T> {
        lock(&self.0).take()
    }
}

/// Which tasks of a hub are done since it last looked.
pub(crate) struct Inbox {
    done: Mutex<Vec<Io>>,
    waker: Waker,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Inbox {
        Inbox { done: Mutex::default(), waker }
    }
    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }
    pub(crate) fn take(&self) -> Vec<Io> {
        std::mem::take(&mut *lock(&self.done))
    }
}

/// What a thread of the pool does.
pub(crate) struct Task(Job);

impl Task {
    /// Has `work` done, unless nobody is left by then to whom it would matter.
    pub(crate) fn new<T: Send + 'static>(
        io: Io,
        outcome: &Arc<Outcome<T>>,
        inbox: &Arc<Inbox>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Task {
        let (outcome, inbox): (Weak<Outcome<T>>, _) = (Arc::downgrade(outcome), inbox.clone());
        Task(Box::new(move || {
            if outcome.strong_count() == 0 {
                return;
            }
            let value = work();
            if let Some(outcome) = outcome.upgrade() {
                *lock(&outcome.0) = Some(value);
                lock(&inbox.done).push(io);
                inbox.waker.wake_by_ref();
            }
        }))
    }

    /// Has `work` done, although nobody waits for it.
    pub(crate) fn alone(work: impl FnOnce() + Send + 'static) -> Task {
        Task(Box::new(work))
    }
}

/// Tasks in line, and the threads that run them.
pub(crate) struct BlockingPool {
    name: &'static str,
    threads_max: usize,
    state: Mutex<State>,
    work: Condvar,
}

struct State {
    tasks: VecDeque<Task>,
    threads: usize,
    idle: usize,
}

impl BlockingPool {
    pub(crate) const fn new(name: &'static str, threads_max: usize) -> BlockingPool {
        let state = State { tasks: VecDeque::new(), threads: 0, idle: 0 };
        BlockingPool { name, threads_max, state: Mutex::new(state), work: Condvar::new() }
    }

    /// Takes a task on; it is done when a thread is free.
    ///
    /// # Errors
    ///
    /// When no thread can be made and none is there.
    pub(crate) fn spawn(&'static self, task: Task) -> io::Result<()> {
        let mut state = lock(&self.state);
        state.tasks.push_back(task);
        if state.tasks.len() > state.idle && state.threads < self.threads_max {
            let made = thread::Builder::new().name(self.name.into()).spawn(|| self.run_worker());
            match made {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    state.tasks.pop_back();
                    return Err(error);
                }
                Err(_) => {}
            }
        }
        self.work.notify_one();
        Ok(())
    }

    fn run_worker(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(Task(work)) = state.tasks.pop_front() {
                drop(state);
                // A task that nobody waits for is dropped here, and its destructors may panic: that
                // is nobody's affair, and the thread's neither.
                if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
                    std::mem::forget(payload);
                }
                state = lock(&self.state);
                continue;
            }
            state.idle += 1;
            let (woken, timeout) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if timeout.timed_out() && state.tasks.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
