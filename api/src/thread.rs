//! `std::thread` under greenlets: `spawn`, `Builder`, `JoinHandle`, `sleep`, `yield_now`, `park`.
//!
//! A greenlet stays on the thread it was spawned on, so neither its closure nor its result need be
//! `Send`; it runs until it waits, and nothing else runs meanwhile.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use std::thread::Result;

pub use crate::driver::Killed;
use crate::driver::{self, Driver, Label, Mail, Mailbox, Ticket, Woken};
use crate::greenlet::stack;
use crate::hub::{GreenletId, Note, On};

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
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let driver = driver::current().expect(driver::OUTSIDE);
    start(&driver, f, Label::Task, stack::DEFAULT_SIZE)
}

/// Names a greenlet and sizes its stack before it is spawned. See [`std::thread::Builder`].
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
    stack_size: Option<usize>,
}

impl Builder {
    /// A builder with the defaults: the name `task`, a stack of 256 KiB.
    pub fn new() -> Builder {
        Builder::default()
    }
    /// The greenlet's own name, its place among its siblings: `conn` becomes `srv/accept/conn#2`.
    pub fn name(mut self, name: String) -> Builder {
        self.name = Some(name);
        self
    }
    /// Bytes of stack, rounded up to a power of two; the least is 16 KiB.
    pub fn stack_size(mut self, size: usize) -> Builder {
        self.stack_size = Some(size);
        self
    }
    /// Starts the greenlet.
    ///
    /// # Errors
    ///
    /// `NotConnected` outside a hub; `InvalidInput` for a name with a `/`, a `#`, an `@` or a blank
    /// in it, which a place in the spawn tree could not be told from.
    pub fn spawn<F, T>(self, f: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let label = match self.name {
            None => Label::Task,
            Some(name) => {
                if !is_name(&name) {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidInput,
                        format!("a greenlet is not named {name:?}: {NAMES}"),
                    ));
                }
                Label::from(name)
            }
        };
        Ok(start(&driver, f, label, self.stack_size.unwrap_or(stack::DEFAULT_SIZE)))
    }
}

/// What a name in a path must not have in it, for whoever gave such a one.
pub(crate) const NAMES: &str = "no blanks and none of / # @ , ; = ' may stand in a name";

/// Whether a text can be told apart in a path, a trace and a token.
pub(crate) fn is_name(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/#@,;='".contains(c);
    !text.is_empty() && !text.contains(odd)
}

fn start<F, T>(driver: &Driver, f: F, label: Label, stack_size: usize) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let packet = Rc::new(Packet { result: RefCell::new(None), greenlet: Cell::new(None) });
    let theirs = packet.clone();
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        if result.as_ref().is_err_and(|payload| driver::is_panic(&**payload)) {
            theirs.greenlet.set(driver::with_current(Driver::current_id).flatten());
            theirs.name_it();
        }
        *theirs.result.borrow_mut() = Some(result.map_err(Failure::from));
    };
    let id = driver.spawn(Box::new(body), label, stack_size, driver.origin());
    JoinHandle { id, hub: driver.id, packet, stays: PhantomData }
}

/// What a greenlet leaves for whoever joins it. A panic nobody takes is reported.
struct Packet<T> {
    result: RefCell<Option<std::result::Result<T, Failure>>>,
    greenlet: Cell<Option<GreenletId>>,
}

struct Failure {
    payload: Box<dyn std::any::Any + Send>,
    greenlet: String,
}

impl From<Box<dyn std::any::Any + Send>> for Failure {
    fn from(payload: Box<dyn std::any::Any + Send>) -> Failure {
        let name = |driver: &Driver| driver.current_id().map(|id| driver.name(id));
        let greenlet = driver::with_current(name).flatten().unwrap_or_default();
        Failure { payload, greenlet }
    }
}

impl<T> Packet<T> {
    /// Tells the recorder of a panic while the greenlet still has its name.
    fn name_it(&self) {
        if let Some(id) = self.greenlet.get() {
            driver::with_current(|driver| {
                if driver.takes_notes() {
                    driver.note(&Note::Ended(id, Some("panicked")));
                }
            });
        }
    }
}

impl<T> Drop for Packet<T> {
    fn drop(&mut self) {
        let Some(Err(failure)) = self.result.get_mut().take() else { return };
        let payload = failure.payload;
        if !driver::is_panic(&*payload) {
            return;
        }
        let message = driver::panic_message(&*payload);
        driver::with_current(|driver| driver.report_panic_of(failure.greenlet, message));
    }
}

/// Waits for a greenlet, or ends it. See [`std::thread::JoinHandle`].
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<greenroom::thread::JoinHandle<()>>();
/// ```
pub struct JoinHandle<T> {
    id: GreenletId,
    hub: u64,
    packet: Rc<Packet<T>>,
    stays: PhantomData<*const ()>,
}

impl<T> JoinHandle<T> {
    /// Waits for the greenlet's result. A panic in it, or [`Killed`], is the error.
    pub fn join(self) -> Result<T> {
        match self.wait(None) {
            Ok(()) => self.take(),
            Err(error) => Err(Box::new(error)),
        }
    }

    /// Waits for no longer than `timeout`; the handle comes back if the greenlet is not done.
    pub fn join_timeout(self, timeout: Duration) -> std::result::Result<Result<T>, JoinHandle<T>> {
        match self.wait(Some(timeout)) {
            Ok(()) => Ok(self.take()),
            Err(_) => Err(self),
        }
    }

    /// Orders the greenlet's end: it unwinds where it waits, destructors run, and joining it
    /// answers [`Killed`]. Never switches; one that is over is left alone.
    ///
    /// One that has not started never runs. One that kills itself unwinds here.
    pub fn kill(&self) {
        if let Some(driver) = driver::current().filter(|driver| driver.id == self.hub) {
            driver.kill(self.id);
            driver.raise_kill();
        }
    }

    /// Whether the greenlet is over.
    pub fn is_finished(&self) -> bool {
        driver::with_current(|driver| driver.id != self.hub || !driver.is_live(self.id))
            .unwrap_or(true)
    }

    /// The greenlet's place in the spawn tree; empty once it is over.
    pub fn name(&self) -> String {
        driver::with_current(|driver| driver.name(self.id)).unwrap_or_default()
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        driver.after_switch();
        let deadline = timeout.map(|timeout| driver.now().after(timeout));
        while driver.id == self.hub && driver.is_live(self.id) {
            driver.may_wait()?;
            if deadline.is_some_and(|deadline| driver.now() >= deadline) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            driver.add_joiner(self.id);
            driver.park("join", On::Greenlet(self.id), deadline);
            driver.raise_kill();
            // An end in time is told, even if a scope expired before this turn came.
            if driver.is_live(self.id) {
                driver.after_switch();
            }
        }
        Ok(())
    }

    fn take(&self) -> Result<T> {
        match self.packet.result.borrow_mut().take() {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => Err(failure.payload),
            None => Err(Box::new(Killed)),
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("greenlet", &self.name()).finish_non_exhaustive()
    }
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

/// Lets every other runnable greenlet run first.
///
/// # Panics
///
/// Outside any hub.
pub fn yield_now() {
    let driver = driver::current().expect(driver::OUTSIDE);
    driver.after_switch();
    driver.yield_now();
}

/// The current greenlet, for others to [`unpark`](Thread::unpark).
///
/// # Panics
///
/// Outside any hub.
pub fn current() -> Thread {
    let driver = driver::current().expect(driver::OUTSIDE);
    let id = driver.current_id().expect(driver::OUTSIDE);
    Thread { parker: driver.parker(id), name: driver.name(id).into() }
}

/// Waits until somebody unparks this greenlet; one unpark may come before.
///
/// # Panics
///
/// Outside any hub.
pub fn park() {
    park_until(None);
}

/// Waits until somebody unparks this greenlet, or the time is up.
///
/// # Panics
///
/// Outside any hub.
pub fn park_timeout(timeout: Duration) {
    park_until(Some(timeout));
}

fn park_until(timeout: Option<Duration>) {
    let driver = driver::current().expect(driver::OUTSIDE);
    driver.after_switch();
    let id = driver.current_id().expect(driver::OUTSIDE);
    let parker = driver.parker(id);
    let deadline = timeout.map(|timeout| driver.now().after(timeout));
    loop {
        if parker.take_token() || driver.may_wait().is_err() {
            return;
        }
        if deadline.is_some_and(|deadline| driver.now() >= deadline) {
            return;
        }
        if parker.take_token_or_wait(driver.ticket()) {
            return;
        }
        let woken = driver.park("park", On::Sync(None), deadline);
        driver.raise_kill();
        // An unpark in time counts, even if a scope expired before this turn came.
        if parker.take_token() {
            return;
        }
        driver.after_switch();
        if !matches!(woken, Woken::Event) {
            return;
        }
    }
}

/// A handle to a greenlet. See [`std::thread::Thread`].
#[derive(Clone)]
pub struct Thread {
    parker: Arc<Parker>,
    name: Arc<str>,
}

impl Thread {
    /// Lets the greenlet's current or next [`park`] return. May be called from any thread.
    pub fn unpark(&self) {
        self.parker.unpark();
    }
    /// The greenlet's place in the spawn tree.
    pub fn name(&self) -> Option<&str> {
        Some(&self.name)
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The token of `park` and `unpark`, and who waits for it.
pub(crate) struct Parker {
    hub: u64,
    mailbox: Arc<Mailbox>,
    state: Mutex<(bool, Option<Ticket>)>,
}

impl Parker {
    pub(crate) fn new(hub: u64, mailbox: Arc<Mailbox>) -> Parker {
        Parker { hub, mailbox, state: Mutex::new((false, None)) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (bool, Option<Ticket>)> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take_token(&self) -> bool {
        let mut state = self.lock();
        state.1 = None;
        std::mem::take(&mut state.0)
    }

    /// The caller parks next if there is no token: the ticket is for that wait.
    fn take_token_or_wait(&self, ticket: Ticket) -> bool {
        let mut state = self.lock();
        let token = std::mem::take(&mut state.0);
        state.1 = (!token).then_some(ticket);
        token
    }

    fn unpark(&self) {
        let waiting = {
            let mut state = self.lock();
            state.0 = true;
            state.1.take()
        };
        if let Some(ticket) = waiting {
            wake_anywhere(self.hub, &self.mailbox, ticket);
        }
    }
}

/// Wakes a waiter of this thread's hub at once, or of another's through its letter box.
pub(crate) fn wake_anywhere(hub: u64, mailbox: &Mailbox, ticket: Ticket) {
    let here = driver::with_current(|driver| {
        let ours = driver.id == hub;
        if ours {
            driver.wake(ticket);
        }
        ours
    });
    if here != Some(true) {
        mailbox.post(Mail::Wake(ticket));
    }
}

/// Whether the current greenlet is being unwound. See [`std::thread::panicking`].
pub fn panicking() -> bool {
    std::thread::panicking()
}

/// Goes on unwinding with a payload that was caught. See [`std::panic::resume_unwind`].
pub fn resume(payload: Box<dyn std::any::Any + Send>) -> ! {
    resume_unwind(payload)
}
