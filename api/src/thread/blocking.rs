//! [`spawn_blocking`] and [`run_blocking`]: work that would hold up every greenlet, done elsewhere.

use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{Builder, JoinHandle, Label, start};
use crate::call::{Call, Descriptor};
use crate::driver::{self, Driver};
use crate::greenlet::stack;
use crate::hub::{Io, Job, Readiness};

/// Runs `f` where it holds up nobody: over the operating system on a thread of a bounded pool of the
/// process, where it waits its turn if all are busy; in a simulation after a time that the seed
/// chooses. For long computations, and libraries that block; files have [`fs`](crate::fs).
///
/// `f` is no greenlet: over the operating system it runs outside any hub, and must not use this
/// crate's sockets in any world. One that is killed before it began is never run; one that runs is
/// left to itself, and its result dropped.
///
/// # Panics
///
/// Outside any hub. Joining returns the panic of `f`, or an error of the hub that has no place for it.
///
/// # Examples
///
/// ```no_run
/// let sum = greenroom::thread::spawn_blocking(|| (1..=1_000_000u64).sum::<u64>());
/// assert_eq!(sum.join().unwrap(), 500_000_500_000);
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let at = Location::caller();
    let driver = driver::current().expect(driver::OUTSIDE);
    let offloaded = Offloaded::new(&driver, f);
    let body = move || match offloaded.and_then(Offloaded::wait) {
        Ok(value) => value,
        Err(error) => panic!("a blocking job was not done: {error}"),
    };
    start(&driver, body, Label::named("blocking"), stack::DEFAULT_SIZE, at)
}

/// As [`spawn_blocking`] and its join in one, without a greenlet between: who is killed, or runs out
/// of time, while it waits gives the job up.
///
/// # Errors
///
/// `NotConnected` outside any hub; else those of a hub that has no place for it.
///
/// # Panics
///
/// With the panic of `f`.
///
/// # Examples
///
/// ```no_run
/// let hosts = greenroom::thread::run_blocking(|| std::fs::read("/etc/hosts"))??;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn run_blocking<F, T>(f: F) -> io::Result<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let driver = driver::current().ok_or_else(driver::outside)?;
    Offloaded::new(&driver, f)?.wait()
}

/// A job that a hub has taken, and where its result will be. Who drops it gives the job up.
struct Offloaded<F, T> {
    source: Descriptor,
    /// The job, where it is the caller's to do once the source is readable.
    left: Option<Job>,
    work: Arc<Mutex<Work<F, T>>>,
}

/// What is to be done, then what came of it. Both are the caller's to drop, even where a hub drops a
/// job that it cannot place: a destructor of the program's must not run inside a call of the hub's.
enum Work<F, T> {
    Left(F),
    UnderWay,
    Done(thread::Result<T>),
}

impl<F, T> Offloaded<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn new(driver: &Driver, f: F) -> io::Result<Offloaded<F, T>> {
        let work = Arc::new(Mutex::new(Work::Left(f)));
        let theirs = work.clone();
        let job: Job = Box::new(move || do_work(theirs));
        let (io, left) = driver.hub.borrow_mut().offload(job)?;
        Ok(Offloaded { source: Descriptor::new(driver, io), left, work })
    }

    fn wait(self) -> io::Result<T> {
        self.source.with(wait_for_end)?;
        if let Some(job) = self.left {
            do_here(job);
        }
        let done = mem::replace(&mut *lock(&self.work), Work::UnderWay);
        match done {
            Work::Done(Ok(value)) => Ok(value),
            Work::Done(Err(payload)) => resume_unwind(payload),
            Work::Left(_) | Work::UnderWay => {
                panic!("a blocking job was dropped before it was done")
            }
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The job, on whichever thread does it. A result that nobody waits for any more is dropped here, and
/// its panic is nobody's.
fn do_work<F: FnOnce() -> T, T>(work: Arc<Mutex<Work<F, T>>>) {
    let left = mem::replace(&mut *lock(&work), Work::UnderWay);
    if let Work::Left(f) = left {
        let done = catch_unwind(AssertUnwindSafe(f));
        *lock(&work) = Work::Done(done);
    }
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(work))) {
        mem::forget(payload);
    }
}

fn wait_for_end(driver: &Driver, io: Io) -> io::Result<()> {
    let call = Call {
        op: "blocking job",
        io,
        interest: Readiness::READ,
        timeout_ns: None,
        expiry: io::ErrorKind::TimedOut,
        nonblocking: false,
    };
    call.run(driver, |hub, io| hub.offloaded(io))
}

/// A job is written for a thread's stack.
fn do_here(job: Job) {
    const STACK_SIZE: usize = 2 << 20;
    let done = Builder::new().name("job".into()).stack_size(STACK_SIZE).spawn(job);
    let joined = done.map(JoinHandle::join);
    match joined {
        Ok(Ok(())) => {}
        Ok(Err(payload)) => resume_unwind(payload),
        Err(error) => panic!("no stack for a blocking job: {error}"),
    }
}
