//! [`spawn_blocking`]: work that would hold up every greenlet, done elsewhere.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Builder, JoinHandle, Label, start};
use crate::block::Call;
use crate::driver::{self, Driver};
use crate::greenlet::stack;
use crate::hub::{Interest, Io, Job};
use crate::net::Descriptor;

/// Runs `f` where it holds up nobody: over the operating system on a thread of a bounded pool of the
/// process, where it waits its turn if all are busy; in a simulation after a time that the seed
/// chooses. For files, long computations, and libraries that block.
///
/// `f` is no greenlet: over the operating system it runs outside any hub, and must not use this
/// crate's sockets in any world. One that is killed before it began is never run; one that runs is
/// left to itself, and its result dropped.
///
/// # Panics
///
/// Outside any hub. Joining answers the panic of `f`, or an error of the hub that has no place for it.
///
/// # Examples
///
/// ```no_run
/// let digest = greenroom::thread::spawn_blocking(|| std::fs::read("/etc/hosts"));
/// assert!(!digest.join().unwrap().unwrap().is_empty());
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let at = Location::caller();
    let driver = driver::current().expect(driver::OUTSIDE);
    let result = Arc::new(Mutex::new(None));
    let theirs = result.clone();
    let job: Job = Box::new(move || {
        let done = catch_unwind(AssertUnwindSafe(f));
        *theirs.lock().unwrap_or_else(PoisonError::into_inner) = Some(done);
    });
    let offloaded = driver.hub.borrow_mut().offload(job);
    // Owned from here on: whoever kills the greenlet gives the job up.
    let offloaded = offloaded.map(|(io, job)| (Descriptor::new(&driver, io), job));
    let body = move || {
        let left = offloaded.and_then(|(source, job)| source.with(wait_for_end).map(|()| job));
        match left {
            Ok(None) => {}
            Ok(Some(job)) => do_here(job),
            Err(error) => panic!("a blocking job was not done: {error}"),
        }
        match result.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Ok(value)) => value,
            Some(Err(payload)) => resume_unwind(payload),
            None => panic!("a blocking job was dropped before it was done"),
        }
    };
    start(&driver, body, Label::from("blocking".to_owned()), stack::DEFAULT_SIZE, at)
}

fn wait_for_end(driver: &Driver, io: Io) -> std::io::Result<()> {
    let call = Call {
        op: "blocking job",
        io,
        interest: Interest::READ,
        timeout: None,
        expiry: std::io::ErrorKind::TimedOut,
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
