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
use crate::driver::{self, Driver, Killed, Panicked, Woken};
use crate::hub::{GreenletId, Note, On};

/// Waits for a greenlet, or ends it. See [`std::thread::JoinHandle`].
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<greenroom::thread::JoinHandle<()>>();
/// ```
pub struct JoinHandle<T>(pub(super) Handle<T>);

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
pub(super) struct Handle<T> {
    id: GreenletId,
    hub: u64,
    who: Identity,
    packet: Rc<Packet<T>>,
    /// Made when it is first asked for.
    thread: OnceCell<Box<Thread>>,
}

/// Wraps `f` so that its result is kept for a handle. A panic that nobody takes is told to the
/// family, or else to the run.
pub(super) fn task<'a, F, T>(
    f: F,
    family: Option<Rc<Family>>,
) -> (Box<dyn FnOnce() + 'a>, Rc<Packet<T>>)
where
    F: FnOnce() -> T + 'a,
    T: 'a,
{
    let packet = Rc::new(Packet { result: RefCell::new(None), greenlet: Cell::new(None), family });
    let theirs = packet.clone();
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        if result.as_ref().is_err_and(|payload| driver::is_panic(&**payload)) {
            theirs.greenlet.set(driver::with_current(Driver::current_id).flatten());
            theirs.name_it();
        }
        *theirs.result.borrow_mut() = Some(result.map_err(Failure::from));
    };
    (Box::new(body), packet)
}

/// What a greenlet leaves for whoever joins it. A panic nobody takes is reported.
pub(super) struct Packet<T> {
    result: RefCell<Option<std::result::Result<T, Failure>>>,
    greenlet: Cell<Option<GreenletId>>,
    /// The scope it was spawned in.
    family: Option<Rc<Family>>,
}

struct Failure {
    payload: Box<dyn Any + Send>,
    greenlet: String,
}

impl From<Box<dyn Any + Send>> for Failure {
    fn from(payload: Box<dyn Any + Send>) -> Failure {
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
        let panicked =
            Panicked { greenlet: failure.greenlet, message: driver::panic_message(&*payload) };
        match &self.family {
            Some(family) => family.keep_panic(panicked),
            None => drop(driver::with_current(|driver| driver.report_panic_of(panicked))),
        }
    }
}

impl<T> Handle<T> {
    pub(super) fn new(driver: &Driver, id: GreenletId, packet: Rc<Packet<T>>) -> Handle<T> {
        let (hub, who) = (driver.id, Identity::of(driver, id));
        Handle { id, hub, who, packet, thread: OnceCell::new() }
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
    ) -> std::result::Result<Result<T>, Handle<T>> {
        match self.wait(Some(timeout)) {
            Ok(()) => Ok(self.take()),
            Err(_) => Err(self),
        }
    }

    pub(super) fn kill(&self) {
        if let Some(driver) = driver::current().filter(|driver| driver.id == self.hub) {
            driver.kill(self.id);
            driver.raise_kill();
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        driver::count_call();
        driver::with_current(|driver| driver.id != self.hub || !driver.is_live(self.id))
            .unwrap_or(true)
    }

    pub(super) fn path(&self) -> String {
        driver::count_call();
        let name = |driver: &Driver| (driver.id == self.hub).then(|| driver.name(self.id));
        driver::with_current(name).flatten().unwrap_or_default()
    }

    pub(super) fn thread(&self) -> &Thread {
        self.thread.get_or_init(|| {
            let known = driver::current().filter(|driver| driver.id == self.hub);
            Box::new(match known.filter(|driver| driver.is_live(self.id)) {
                Some(driver) => Thread::of(&driver, self.id),
                None => Thread::of_nobody(&self.who),
            })
        })
    }

    /// Which greenlet it is, and of which hub.
    pub(super) fn whose(&self) -> (u64, GreenletId) {
        (self.hub, self.id)
    }

    fn wait(&self, timeout: Option<Duration>) -> io::Result<()> {
        driver::count_call();
        let driver = driver::current().ok_or_else(driver::outside)?;
        driver.after_switch();
        let deadline = timeout.map(|timeout| driver.now().after(timeout));
        while driver.id == self.hub && driver.is_live(self.id) {
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
        match self.packet.result.borrow_mut().take() {
            Some(Ok(value)) => Ok(value),
            Some(Err(failure)) => Err(failure.payload),
            None => Err(Box::new(Killed)),
        }
    }
}
