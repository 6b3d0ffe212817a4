//! Waiting for readiness itself: gevent's `wait_read`, `wait_write`, `cancel_wait` and watchers.
//!
//! A wait names what is ready without taking any of it. It switches at least once, even when its
//! source is ready, so everyone who could run before it has run when it returns. A source is asked
//! again before a wait returns `Ok`: whatever woke it, the call that it waited for does not block
//! as long as nobody else takes what is there. A [`Watcher`] can be waited on by one greenlet at a
//! time; any number of watchers of one source all wake together, and those whose bytes were taken
//! before they ran go on to wait.
//!
//! To wait for what is ready is to yield, and takes what [`yield_now`](crate::thread::yield_now)
//! takes.

mod together;

use std::cell::{Cell, RefCell};
use std::io;
use std::marker::PhantomData;
use std::os::fd::RawFd;
use std::time::Duration;

pub use crate::call::Source;
use crate::call::{Target, begin, check_timeouts, closed, out_of_place, sealed, wake_of};
use crate::driver::{self, Driver, Ticket, Woken};
pub use crate::hub::Readiness;
use crate::hub::{On, Tick};

pub use together::{Timer, Waitable, after, all, any};

/// One source and what it is waited for.
///
/// It stays on the thread it was made on; share it among greenlets with an [`Rc`](std::rc::Rc).
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<greenroom::wait::Watcher>();
/// ```
pub struct Watcher {
    target: Target,
    interest: Readiness,
    /// The last wait on it; whether that is still on is the driver's to say.
    waiting: Cell<Option<Ticket>>,
    in_use: Cell<bool>,
    /// The error of a cancel that came when the wait had been named and had not run yet.
    cancelled: RefCell<Option<io::Error>>,
    stays: PhantomData<*const ()>,
}

impl Watcher {
    /// Watches a source for data, a connection to accept, the end of a stream or an error.
    pub fn read(source: &impl Source) -> io::Result<Watcher> {
        Watcher::new(source, Readiness::READ)
    }
    /// Watches a source for room to write, the end of a connect or an error.
    pub fn write(source: &impl Source) -> io::Result<Watcher> {
        Watcher::new(source, Readiness::WRITE)
    }
    /// Watches a source for either.
    pub fn readwrite(source: &impl Source) -> io::Result<Watcher> {
        Watcher::new(source, Readiness::BOTH)
    }
    /// Watches a source for anything of this set.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for an empty set, which would never be ready.
    pub fn of(source: &impl Source, readiness: Readiness) -> io::Result<Watcher> {
        match readiness.is_none() {
            true => Err(io::Error::new(io::ErrorKind::InvalidInput, "nothing to wait for")),
            false => Watcher::new(source, readiness),
        }
    }

    fn new(source: &impl Source, interest: Readiness) -> io::Result<Watcher> {
        driver::count_call();
        Ok(Watcher {
            target: source.target()?,
            interest,
            waiting: Cell::new(None),
            in_use: Cell::new(false),
            cancelled: RefCell::new(None),
            stays: PhantomData,
        })
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<Readiness> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let _claim = self.claim(&driver)?;
        self.wait_until(&driver, timeout)
    }

    /// Nobody else waits on it as long as the claim lives.
    fn claim(&self, driver: &Driver) -> io::Result<Claim<'_>> {
        if driver.id != self.target.hub {
            return Err(out_of_place(&self.target.mailbox, true));
        }
        if self.in_use.replace(true) {
            return Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another greenlet waits on this watcher already",
            ));
        }
        Ok(Claim(self))
    }

    /// Returns what is there of what it is watched for.
    fn wait_until(&self, driver: &Driver, timeout: Option<Duration>) -> io::Result<Readiness> {
        begin(driver)?;
        let deadline = timeout.map(|timeout| driver.now().after(timeout));
        let mut has_switched = false;
        loop {
            let ready = self.is_ready(driver)?;
            if !ready.is_none() {
                if has_switched || driver.may_wait().is_err() {
                    return Ok(ready);
                }
                // Others run first, and may take what is there.
                driver.step_aside();
                driver.raise_kill();
                has_switched = true;
                continue;
            }
            driver.may_wait()?;
            if timeout == Some(Duration::ZERO) {
                driver::count_call();
                return Err(timed_out());
            }
            check_timeouts(driver)?;
            if deadline.is_some_and(|deadline| driver.now() >= deadline) {
                return Err(timed_out());
            }
            if let Some(error) = self.cancelled.take() {
                return Err(error);
            }
            self.park(driver, deadline)?;
            has_switched = true;
        }
    }

    /// Waits once. Its end by an event or by the clock is not an answer: the source is asked again.
    fn park(&self, driver: &Driver, deadline: Option<Tick>) -> io::Result<()> {
        self.waiting.set(Some(driver.ticket()));
        let io = self.target.io;
        let watch = driver.watch(io, self.interest);
        let woken = driver.park("wait", On::Io(io, self.interest), deadline);
        if !matches!(woken, Woken::Event | Woken::Closed) {
            driver.unwatch(io, watch);
        }
        driver.raise_kill();
        wake_of(woken).map(drop)
    }

    /// Ends the wait that is on. One that was named and has not run yet is told if it finds that
    /// what was there is gone.
    fn cancel(&self, error: io::Error) {
        driver::with_current(|driver| {
            if driver.id != self.target.hub || !self.in_use.get() {
                return;
            }
            match self.waiting.get().filter(|&ticket| driver.is_waiting(ticket)) {
                Some(ticket) => driver.cancel(ticket, error),
                None if self.cancelled.borrow().is_none() => {
                    drop(self.cancelled.replace(Some(error)))
                }
                None => {}
            }
        });
    }

    fn is_ready(&self, driver: &Driver) -> io::Result<Readiness> {
        driver.hub.borrow_mut().readiness(self.target.io, self.interest)
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher")
            .field("io", &self.target.io)
            .field("interest", &self.interest)
            .finish()
    }
}

struct Claim<'a>(&'a Watcher);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.in_use.set(false);
        drop(self.0.cancelled.take());
    }
}

/// Waits until the watcher's source is ready, for no longer than `timeout`.
///
/// # Errors
///
/// [`TimedOut`](io::ErrorKind::TimedOut) when the time is up, `EBADF` (or the error given) when
/// cancelled, `EBADF` when the descriptor is closed, [`ResourceBusy`](io::ErrorKind::ResourceBusy)
/// at once when another greenlet waits on this watcher.
pub fn wait(watcher: &Watcher, timeout: Option<Duration>) -> io::Result<()> {
    watcher.wait(timeout).map(drop)
}

/// Waits until a source is ready for anything of this set, for no longer than `timeout`; returns what is
/// there of it.
///
/// # Errors
///
/// As [`wait`] and [`Watcher::of`].
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::{net::TcpStream, wait::{self, Readiness}};
///
/// // Is told of a client that goes, without a read that would take what it sent before.
/// fn until_gone(client: &TcpStream) -> std::io::Result<()> {
///     wait::wait_for(client, Readiness::READ_CLOSED.with(Readiness::ERROR), None).map(drop)
/// }
/// # Ok(()) }
/// ```
pub fn wait_for(
    source: &impl Source,
    readiness: Readiness,
    timeout: Option<Duration>,
) -> io::Result<Readiness> {
    Watcher::of(source, readiness)?.wait(timeout)
}

/// What a source is ready for now, as poll(2) has it. It takes nothing, and never waits.
///
/// # Errors
///
/// `EBADF` when the descriptor is closed; [`NotConnected`](io::ErrorKind::NotConnected) outside a hub.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::{net::TcpStream, wait};
///
/// let stream = TcpStream::connect("db:5432")?;
/// let now = wait::readiness(&stream)?;
/// if now.is_hung_up() {
///     println!("a pooled connection that is over: {now:?}"); // read write hang-up read-closed
/// }
/// # Ok(()) }
/// ```
pub fn readiness(source: &impl Source) -> io::Result<Readiness> {
    let driver = driver::current().ok_or_else(driver::outside)?;
    let target = source.target()?;
    if driver.id != target.hub {
        return Err(out_of_place(&target.mailbox, true));
    }
    driver::count_call();
    let mut hub = driver.hub.borrow_mut();
    hub.readiness(target.io, Readiness::ALL)
}

/// A descriptor of the process by its number, to be waited for.
///
/// Whether the number is open is the system's to say: one that is not returns `EBADF`, and one that
/// is closed while somebody waits may never be named. Where the descriptor's owner is at hand, wait
/// for that instead: it cannot be closed meanwhile.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// greenroom::wait::wait_read(&greenroom::wait::Raw(0), None)?; // Somebody typed a line.
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw(pub RawFd);

impl sealed::Sealed for Raw {}
impl Source for Raw {
    fn target(&self) -> io::Result<Target> {
        Target::foreign(self.0)
    }
}

/// Waits until the source can be read from.
///
/// # Errors
///
/// As [`wait`].
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::{net::TcpStream, wait::wait_read};
///
/// let stream = TcpStream::connect("db:5432")?;
/// wait_read(&stream, Some(std::time::Duration::from_secs(1)))?;
/// # Ok(()) }
/// ```
pub fn wait_read(source: &impl Source, timeout: Option<Duration>) -> io::Result<()> {
    Watcher::read(source)?.wait(timeout).map(drop)
}

/// Waits until the source can be written to.
///
/// # Errors
///
/// As [`wait`].
pub fn wait_write(source: &impl Source, timeout: Option<Duration>) -> io::Result<()> {
    Watcher::write(source)?.wait(timeout).map(drop)
}

/// Waits until the source can be read from or written to; it does not say which.
///
/// # Errors
///
/// As [`wait`].
pub fn wait_readwrite(source: &impl Source, timeout: Option<Duration>) -> io::Result<()> {
    Watcher::readwrite(source)?.wait(timeout).map(drop)
}

/// Ends the wait on this watcher with `EBADF`. Does nothing where nobody waits; never switches.
///
/// The outcome is fixed here: bytes that come before the waiter runs do not save it. Readiness that
/// was named before wins, unless it is gone when the waiter runs.
pub fn cancel_wait(watcher: &Watcher) {
    cancel_wait_with(watcher, closed());
}

/// Ends the wait on this watcher with an error of the caller's.
pub fn cancel_wait_with(watcher: &Watcher, error: io::Error) {
    watcher.cancel(error);
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the wait timed out")
}
