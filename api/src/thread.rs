//! `std::thread` under greenlets: `spawn`, `Builder`, `scope`, `JoinHandle`, `sleep`, `park`.
//!
//! A greenlet stays on the thread it was spawned on, so neither its closure nor its result need be
//! `Send`; it runs until it waits, and nothing else runs meanwhile.
//!
//! # Thread-locals of std
//!
//! They belong to the thread, and so to every greenlet on it. A greenlet that waits inside the
//! *initialiser* of a `thread_local!` lets another one initialise it again, and std then drops that
//! value under its reader: safe code that uses memory after it was freed. One that waits inside
//! `with` lets others find the value borrowed or changed, and guards that put something into a
//! thread-local for as long as they live (`scoped_tls`, an entered `tracing` span) are undone in the
//! wrong order. This is inherent to greenlets on one thread, and the type system cannot see it.
//!
//! Use [`greenlet_local!`](crate::greenlet_local) for what is a greenlet's own,
//! [`host_local!`](crate::host_local) for what is a host's, or wait outside.
//!
//! With `GREENROOM_THREAD_LOCALS=find` in its environment a program prints each place that waits in
//! an initialiser or in `with`, with the calls that led there. It needs the names of functions
//! (debug information or symbols) and walks the stack at every switch. Guards are not found, since
//! no call of theirs is under way; nor are thread-locals of other makes than std's.
//!
//! [`std::process::exit`] runs the destructors of the calling thread's thread-locals while greenlets
//! still stand on their stacks: a destructor that waits there lets a greenlet inside `with` go on
//! with a value that is gone. No such destructor may wait; the same goes for a run that is started
//! in one.
//!
//! # `panic=abort`
//!
//! Greenlets are ended by unwinding. Where panics abort, a kill and the end of a timeout are errors of
//! the calls that can fail (`read`, `recv`, `acquire_timeout`), and nothing to those that
//! cannot (`sleep`, `join`, `lock`, `Semaphore::acquire`, `Barrier::wait`), which wait on, in the place
//! that they have. A greenlet that goes on regardless ends the process where its end is owed, at the
//! latest when its run ends.
//!
//! # Greenlets that swallow their kill
//!
//! [`JoinHandle::kill`], a scope that is unwound and the end of a run end greenlets by unwinding
//! them. A `catch_unwind` that keeps that from going on meets it again at the next blocking call;
//! from the hundredth time on the others have a turn before each. Where an end is owed, by a scope
//! to the frame that its children borrow from, by a run to the thread, a greenlet that swallows
//! another hundred ends the process, which says who it was, the size of its stack and where it was
//! spawned: its frames may guard what others use and cannot be left behind.

mod blocking;
mod id;
mod join;
mod local;
mod park;
mod scope;
pub(crate) mod scoped;

use std::io;
use std::num::NonZero;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

pub use std::thread::Result;

pub use self::blocking::{run_blocking, spawn_blocking};
pub use self::id::{Thread, ThreadId};
pub use self::join::JoinHandle;
pub use self::local::{AccessError, HostKey, LocalKey};
#[allow(deprecated)]
pub use self::park::park_timeout_ms;
pub use self::park::{current, park, park_timeout};
pub use self::scope::{Scope, ScopedJoinHandle, scope};
pub use crate::driver::Killed;
use crate::driver::{self, Driver, Label};
use crate::greenlet::stack;
use crate::hub::On;
use join::{Errand, Handle};

/// Starts a greenlet. It runs when its turn comes, never inside this call.
///
/// # Panics
///
/// Outside any hub.
///
/// # Examples
///
/// ```no_run
/// use greenroom::thread;
///
/// let sum = thread::spawn(|| 1 + 1);
/// assert_eq!(sum.join().unwrap(), 2);
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    spawn_at(f, Location::caller())
}

/// As [`spawn`], for a caller of the crate's own that says whose line it is.
pub(crate) fn spawn_at<F, T>(f: F, at: &'static Location<'static>) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let driver = driver::current().expect(driver::OUTSIDE);
    start(&driver, f, Label::Task, stack::DEFAULT_SIZE, at)
}

fn start<F, T>(
    driver: &Driver,
    f: F,
    label: Label,
    stack_size: usize,
    at: &'static Location<'static>,
) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let errand = Rc::new(Errand::new(f, None));
    let id = driver.spawn(errand.clone(), label, stack_size, driver.origin(at));
    JoinHandle(Handle::new(driver, id, errand))
}

/// Names a greenlet and sizes its stack before it is spawned. See [`std::thread::Builder`].
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// A builder with the defaults: no name, a stack of 256 KiB.
    pub fn new() -> Builder {
        Builder::default()
    }
    /// The greenlet's own name, any that std takes. It is the last part of its
    /// [path](Thread::path), with a number where a sibling has it too: `srv/accept/conn#2`.
    pub fn name(mut self, name: String) -> Builder {
        self.name = Some(name);
        self
    }
    /// Bytes of stack, rounded up to a power of two: 64 KiB at least, since a panic that prints its
    /// backtrace takes half of that, and 2 GiB at most. Only what is used is charged, by the page.
    ///
    /// Where there is no room for it, or more is asked for, the greenlet is over at its first turn:
    /// joining it returns [`Killed`], and the run reports `no stack for it` as a panic.
    pub fn stack_size(mut self, size: usize) -> Builder {
        self.stack_size = Some(size);
        self
    }
    /// Starts the greenlet.
    ///
    /// # Errors
    ///
    /// `NotConnected` outside a hub.
    ///
    /// # Panics
    ///
    /// If the name has a NUL in it, as std's does.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let at = Location::caller();
        let driver = driver::current().ok_or_else(driver::outside)?;
        let (label, stack_size) = self.parts();
        Ok(start(&driver, f, label, stack_size, at))
    }

    /// The label and the stack size.
    fn parts(self) -> (Label, usize) {
        let label = self.name.map_or(Label::Task, |name| {
            assert!(!name.contains('\0'), "a greenlet's name must not contain a NUL");
            Label::named(&name)
        });
        (label, self.stack_size.unwrap_or(stack::DEFAULT_SIZE))
    }
}

/// What a name in a path must not have in it, for whoever gave such a one.
pub(crate) const NAMES: &str = "no blanks and none of / # @ , ; = ' may stand in a name";

/// Whether a text can be told apart in a path, a trace and a token.
pub(crate) fn is_name(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/#@,;='".contains(c);
    !text.is_empty() && !text.contains(odd)
}

/// Puts the current greenlet to sleep; others run meanwhile. Zero yields.
///
/// # Panics
///
/// Outside any hub.
pub fn sleep(duration: Duration) {
    let driver = driver::current().expect(driver::OUTSIDE);
    driver.after_switch();
    if driver.may_wait().is_err() {
        return;
    }
    if duration.is_zero() {
        return driver.yield_now();
    }
    let deadline = driver.now().after(duration);
    while driver.now() < deadline {
        driver.park("sleep", On::Clock, Some(deadline));
        driver.after_switch();
    }
}

/// As [`sleep`], in milliseconds.
///
/// # Panics
///
/// Outside any hub.
#[deprecated(note = "replaced by `greenroom::thread::sleep`, as in std")]
pub fn sleep_ms(ms: u32) {
    sleep(Duration::from_millis(ms.into()));
}

/// How many greenlets compute at once: one, since all of a hub share its thread, however many
/// processors the machine has. A program that makes a worker for each then makes one, and makes as
/// many in a simulation. See [`std::thread::available_parallelism`], which tells of the machine, and is
/// what to ask for threads of std's or for `greenroom_real::run_on`.
///
/// # Errors
///
/// None; the signature is std's.
pub fn available_parallelism() -> io::Result<NonZero<usize>> {
    Ok(NonZero::<usize>::MIN)
}

/// Lets every other runnable greenlet run first.
///
/// A loop may poll with it, though to wait for what is polled for is better. Where nobody does
/// anything but yield, a simulated round takes a microsecond, twice as much each time another such
/// round follows it, up to a millisecond, and never goes past the next event or anybody's deadline.
/// Whatever else anybody does makes the next one short again.
///
/// # Panics
///
/// Outside any hub.
pub fn yield_now() {
    let driver = driver::current().expect(driver::OUTSIDE);
    driver.after_switch();
    driver.yield_now();
    // It is a call, and not a jump: whoever asks where a greenlet stands is to read its name.
    std::hint::black_box(());
}

/// Tells what every greenlet of this thread's hub does: for each, in the order they were spawned, its
/// name, what it waits in, on what, since when and until when (or that it is running or runnable),
/// where it was spawned, and the calls that led to where it stands.
///
/// Nothing comes of it that the program or the world could notice: no greenlet has a turn, in a
/// simulation the run stays the run it is. To resolve the names of calls takes some 30 KiB of the
/// caller's stack, and the first time a good part of a second; a greenlet that has less than 48 KiB
/// left is told no calls.
///
/// Outside any hub there is nobody to tell of, and that is what it says.
pub fn format_greenlets() -> String {
    match driver::current() {
        Some(driver) => driver.format_greenlets(),
        None => format!("no greenlets: {}\n", driver::OUTSIDE),
    }
}

/// Prints [`format_greenlets`] to stderr.
pub fn dump_greenlets() {
    eprint!("{}", format_greenlets());
}

/// Whether the current greenlet is being unwound. See [`std::thread::panicking`].
pub fn panicking() -> bool {
    std::thread::panicking()
}

/// Goes on unwinding with a payload that was caught. See [`std::panic::resume_unwind`].
pub fn resume(payload: Box<dyn std::any::Any + Send>) -> ! {
    resume_unwind(payload)
}
