//! [`JoinHandle`]: a greenlet's result, its end by order, and what became of it.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::Result;
use std::time::Duration;

use super::id::{Identity, Thread};
use super::scoped::Family;
use crate::driver::{self, Driver, Killed, Panicked, Task, Woken};
use crate::hub::{GreenletId, Note, On};

/// Waits for a greenlet, or ends it. See [`std::thread::JoinHandle`].
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<greenroom::thread::JoinHandle<()>>();
/// ```
pub struct JoinHandle<T>(pub(super) Handle<'static, T>);

impl<T> JoinHandle<T> {
    /// Waits for the greenlet's result. A panic in it, or [`Killed`], is the error.
    pub fn join(self) -> Result<T> {
        self.0.join()
    }

    /// Waits for no longer than `timeout`; the handle comes back if the greenlet is not done.
    pub fn join_timeout(self, timeout: Duration) -> std::result::Result<Result<T>, JoinHandle<T>> {
        self.0.join_timeout(timeout).map_err(JoinHandle)
    }

    /// Orders the greenlet's end: it unwinds where it waits, destructors run, and joining it
    /// returns [`Killed`]. Never switches; one that is over is left alone.
    ///
    /// One that has not started never runs. One that kills itself unwinds here.
    pub fn kill(&self) {
        self.0.kill();
    }

    pub(crate) fn id(&self) -> GreenletId {
        self.0.id
    }

    /// Which greenlet it is, and of which hub.
    pub(crate) fn whose(&self) -> (u64, GreenletId) {
        self.0.whose()
    }

    /// Whether the greenlet is over.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// The greenlet's place in the spawn tree, as [`Thread::path`] has it; empty once it is over.
    pub fn path(&self) -> String {
        self.0.path()
    }

    /// The greenlet, for others to [`unpark`](Thread::unpark).
    pub fn thread(&self) -> &Thread {
        self.0.thread()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("greenlet", &self.path()).finish_non_exhaustive()
    }
}

/// What every handle of a greenlet is. The `Rc` keeps it on its thread.
pub(super) struct Handle<'a, T> {
    id: GreenletId,
    who: Identity,
    packet: Rc<dyn HasPacket<T> + 'a>,
    /// Made when it is first asked for.
    thread: OnceCell<Box<Thread>>,
}

/// What a greenlet runs, and what it leaves, in one: the driver has the one side of it, the handle the
/// other.
pub(super) struct Errand<F, T> {
    /// Until it begins.
    f: Cell<Option<F>>,
    packet: Packet<T>,
}

/// What a greenlet leaves for whoever joins it. A panic nobody takes is reported.
pub(super) struct Packet<T> {
    result: RefCell<Option<std::result::Result<T, Box<Failure>>>>,
    /// The scope it was spawned in.
    family: Option<Rc<Family>>,
}

/// An errand, as its handle sees it.
pub(super) trait HasPacket<T> {
    fn packet(&self) -> &Packet<T>;
}

struct Failure {
    payload: Box<dyn Any + Send>,
    greenlet: String,
}

impl<F, T> Errand<F, T> {
    /// `f`, with a place for its result. A panic that nobody takes is told to the family, or else to the
    /// run.
    pub(super) fn new(f: F, family: Option<Rc<Family>>) -> Errand<F, T> {
        let packet = Packet { result: RefCell::new(None), family };
        Errand { f: Cell::new(Some(f)), packet }
    }
}

impl<F: FnOnce() -> T, T> Task for Errand<F, T> {
    fn run(&self) {
        let f = self.f.take().expect("it runs once");
        let result = catch_unwind(AssertUnwindSafe(f));
        let kept = result.map_err(|payload| Box::new(Failure::of(payload)));
        *self.packet.result.borrow_mut() = Some(kept);
    }

    fn cancel(&self) {
        drop(self.f.take());
    }
}

impl<F, T> HasPacket<T> for Errand<F, T> {
    fn packet(&self) -> &Packet<T> {
        &self.packet
    }
}

impl Failure {
    /// What ended the current greenlet. The recorder is told of a panic while the greenlet still has
    /// its name.
    #[cold]
    fn of(payload: Box<dyn Any + Send>) -> Failure {
        let is_panic = driver::is_panic(&*payload);
        let tell = |driver: &Driver| {
            let id = driver.current_id()?;
            if is_panic && driver.takes_notes() {
                driver.note(&Note::Ended(id, Some("panicked")));
            }
            Some(driver.name(id))
        };
        let greenlet = driver::with_current(tell).flatten().unwrap_or_default();
        Failure { payload, greenlet }
    }
}

impl<T> Drop for Packet<T> {
    fn drop(&mut self) {
        let Some(Err(failure)) = self.result.get_mut().take() else { return };
        let payload = failure.payload;
        if !driver::is_panic(&*payload) {
            return;
        }
        let panicked =
            Panicked { greenlet: failure.greenlet, message: driver::panic_message(&*payload) };
        match &self.family {
            Some(family) => family.keep_panic(panicked),
            None => drop(driver::with_current(|driver| driver.report_panic_of(panicked))),
        }
    }
}

impl<'a, T> Handle<'a, T> {
    pub(super) fn new(
        driver: &Driver,
        id: GreenletId,
        packet: Rc<dyn HasPacket<T> + 'a>,
    ) -> Handle<'a, T> {
        Handle { id, who: Identity::of(driver, id), packet, thread: OnceCell::new() }
    }

    pub(super) fn join(self) -> Result<T> {
        match self.wait(None) {
            Ok(()) => self.take(),
            Err(error) => Err(Box::new(error)),
        }
    }

    pub(super) fn join_timeout(
        self,
        timeout: Duration,
    ) -> std::result::Result<Result<T>, Handle<'a, T>> {
        match self.wait(Some(timeout)) {
            Ok(()) => Ok(self.take()),
            Err(_) => Err(self),
        }
    }

    pub(super) fn kill(&self) {
        if let Some(driver) = driver::current().filter(|driver| driver.id == self.who.hub()) {
            driver.kill(self.id);
            driver.raise_kill();
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        driver::count_call();
        driver::with_current(|driver| driver.id != self.who.hub() || !driver.is_live(self.id))
            .unwrap_or(true)
    }

    pub(super) fn path(&self) -> String {
        driver::count_call();
        let name = |driver: &Driver| (driver.id == self.who.hub()).then(|| driver.name(self.id));
        driver::with_current(name).flatten().unwrap_or_default()
    }

    pub(super) fn thread(&self) -> &Thread {
        self.thread.get_or_init(|| {
            let known = driver::current().filter(|driver| driver.id == self.who.hub());
            Box::new(match known.filter(|driver| driver.is_live(self.id)) {
                Some(driver) => Thread::of(&driver, self.id),
                None => Thread::of_nobody(&self.who),
            })
        })
    }

    /// Which greenlet it is, and of which hub.
    pub(super) fn whose(&self) -> (u64, GreenletId) {
        (self.who.hub(), self.id)
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        driver::count_call();
        let driver = driver::current().ok_or_else(driver::outside)?;
        driver.after_switch();
        let deadline = timeout.map(|timeout| driver.now().after(timeout));
        while driver.id == self.who.hub() && driver.is_live(self.id) {
            driver.may_wait()?;
            if deadline.is_some_and(|deadline| driver.now() >= deadline) {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let joiner = driver.add_joiner(self.id);
            let woken = driver.park("join", On::Greenlet(self.id), deadline);
            if !matches!(woken, Woken::Event) {
                driver.remove_joiner(self.id, joiner);
            }
            driver.raise_kill();
            // An end in time is told, even if a scope expired before this turn came.
            if driver.is_live(self.id) {
                driver.after_switch();
            }
        }
        Ok(())
    }

    fn take(&self) -> Result<T> {
        match self.packet.packet().result.borrow_mut().take() {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => Err(failure.payload),
            None => Err(Box::new(Killed)),
        }
    }
}
