//! [`run`]: one program on a hub of its own, and how its end is told.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use greenroom::driver::{self, Ending, Program, Role, Stall, Stop};

use crate::RealHub;

/// Runs `main` as a greenlet over the operating system and returns what it returns.
///
/// The run is over when `main` is: greenlets that are left are then unwound in the order they were
/// spawned. A panic in `main` goes on from here. One in another greenlet ends nobody else; if
/// nobody joined it, it is told on stderr in a line that names the greenlet.
///
/// # Panics
///
/// If every greenlet waits for another while `main` is unfinished: a deadlock, with the table of
/// who waits for what ([`try_run`] returns it as an error). If the system has no descriptor left
/// for the hub. If this thread runs a hub already.
pub fn run<T: 'static>(main: impl FnOnce() -> T + 'static) -> T {
    try_run(main).unwrap_or_else(|error| panic!("{error}"))
}

/// As [`run`], with a run that cannot end as an error.
///
/// # Errors
///
/// [`RunError::Deadlock`] when nothing could ever wake anybody while `main` was unfinished;
/// [`RunError::Io`] when the hub could not be made or its poll failed.
///
/// # Panics
///
/// A panic in `main` goes on from here. If this thread runs a hub already.
///
/// # Examples
///
/// ```
/// let result = greenroom_real::try_run(|| greenroom::thread::spawn(|| 6 * 7).join().unwrap());
/// assert_eq!(result.unwrap(), 42);
/// ```
pub fn try_run<T: 'static>(main: impl FnOnce() -> T + 'static) -> Result<T, RunError> {
    let result: Rc<RefCell<Option<thread::Result<T>>>> = Rc::default();
    let (theirs, main) = (result.clone(), Cell::new(Some(main)));
    let body = move || {
        if let Some(main) = main.take() {
            let outcome = catch_unwind(AssertUnwindSafe(main));
            *theirs.borrow_mut() = Some(outcome);
        }
    };
    let program = Program { name: "main".into(), role: Role::Client, body: Box::new(body) };
    let (ending, _) = driver::run(RealHub::new()?, vec![program]);
    let outcome = result.borrow_mut().take();
    conclude(ending, outcome)
}

/// Runs `main` on so many threads, each with a hub of its own, and waits for all; the results stand
/// in the order of the threads, which are told their number. With
/// [`bind_shared`](greenroom::server::StreamServer::bind_shared) they serve one port together.
///
/// # Panics
///
/// Where [`run`] does on one of the threads: once all are done, with what the first of them said. If
/// the system has no thread left.
///
/// # Examples
///
/// ```
/// assert_eq!(greenroom_real::run_on(3, |n| n * n), [0, 1, 4]);
/// ```
pub fn run_on<T: Send + 'static>(
    threads: usize,
    main: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let main = Arc::new(main);
    let running: Vec<thread::JoinHandle<T>> = (0..threads)
        .map(|number| {
            let main = main.clone();
            let named = thread::Builder::new().name(format!("hub-{number}"));
            named.spawn(move || run(move || main(number))).expect("a thread for a hub")
        })
        .collect();
    let joined: Vec<thread::Result<T>> =
        running.into_iter().map(thread::JoinHandle::join).collect();
    joined.into_iter().map(|done| done.unwrap_or_else(|payload| resume_unwind(payload))).collect()
}

fn conclude<T>(ending: Ending, outcome: Option<thread::Result<T>>) -> Result<T, RunError> {
    for panicked in &ending.panics {
        say(format_args!("{} panicked, unjoined: {}", panicked.greenlet, panicked.message));
    }
    if ending.leaked > 0 {
        say(format_args!("{} greenlets that destructors made never ran", ending.leaked));
    }
    match (ending.stop, outcome) {
        (Stop::Deadlock(stall) | Stop::Halted(stall), _) => Err(RunError::Deadlock(stall)),
        (Stop::Failed(error), _) => Err(RunError::Io(error)),
        (Stop::Done, Some(Ok(value))) => Ok(value),
        (Stop::Done, Some(Err(payload))) => resume_unwind(payload),
        // It never ran; why is among the panics.
        (Stop::Done, None) => Err(RunError::Io(io::ErrorKind::OutOfMemory.into())),
    }
}

/// Why a run had no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// Nothing could ever wake anybody while `main` was unfinished. Shown as the table of who
    /// waited for what.
    Deadlock(Stall),
    /// The hub could not be made, or could not go on.
    Io(io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Deadlock(stall) => write!(f, "{stall}"),
            RunError::Io(error) => write!(f, "the hub cannot go on: {error}"),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RunError::Deadlock(stall) => Some(stall),
            RunError::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> RunError {
        RunError::Io(error)
    }
}

/// Tells of it on stderr, if anybody reads that.
fn say(what: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(io::stderr(), "greenroom: {what}");
}
