//! [`Driver`] itself: what it keeps, who it is asked by, and the run of a hub from start to end.

mod deadlines;
mod ending;
mod overflow;
mod turns;
mod waiting;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::crowd::Arrival;
use super::locals::Locals;
use super::mailbox::{Mail, Mailbox};
use super::names::Label;
use super::parker::Parker;
use super::program::{
    Ending, Panicked, Program, Role, Stop, Task, discard, is_panic, panic_message,
};
use super::stall::{self, Stall};
use super::table::Table;
use super::thread_locals;
use super::ticket::{Origin, Ticket};
use crate::greenlet::lent::{self, Lent, Loan};
use crate::hub::{DeadHub, GreenletId, HostId, Hub, Instant, Note, Ready, SystemTime, Tick};

pub(crate) use overflow::write_current;
pub(crate) use waiting::{Waited, count_call};

/// What an error or panic says when there is no hub on this thread.
pub(crate) const OUTSIDE: &str =
    "not inside a hub: call this from within greenroom_real::run(..) or a greenroom_sim::Sim";

/// Runs programs on a hub until every client has returned, then ends what is left, in id order.
///
/// A host's program starts when the hub names [`Ready::Start`]. The hub is given back with the
/// ending, so that its keeper can read what it recorded.
///
/// No greenlet outlives the run: one that swallows its kill is raised again at each blocking call,
/// a thousand times with turns for the others between, and a hundred times more without. Whoever
/// swallows those too ends the process, which says who it was.
///
/// # Panics
///
/// If this thread runs a hub already. With the panic of a hub.
pub fn run<H: Hub + 'static>(hub: H, programs: Vec<Program>) -> (Ending, H) {
    let (ending, hub, ()) = run_judged(hub, programs, |_| true, |_, _, _| ());
    (ending, hub)
}

/// As [`run`], and judges what came of it before anything is unwound that the world did not unwind: what
/// a power cut or a fatal signal left as it stands and, where `ends_alive` denies it of the hub, all
/// greenlets. Their destructors run after that, under a dead hub, and change nothing of what is
/// judged. `judge` is called outside the hub; it is given why the run ended, and who panicked.
///
/// # Panics
///
/// As [`run`], and with a panic of `judge`.
pub fn run_judged<H: Hub + 'static, R>(
    hub: H,
    programs: Vec<Program>,
    ends_alive: impl FnOnce(&H) -> bool,
    judge: impl FnOnce(&Stop, &[Panicked], &H) -> R,
) -> (Ending, H, R) {
    let driver = Driver::new(Box::new(hub), programs);
    let entered = Entered::begin(&driver);
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let stop = driver.run_to_end();
        let is_alive = driver.with_hub(ends_alive);
        let leaked = if is_alive { driver.end_all() } else { 0 };
        (stop, is_alive, leaked)
    }));
    let (stop, is_alive, leaked) = ended.unwrap_or_else(|panic| driver.leave_broken_hub(panic));
    drop(entered);
    if is_alive {
        driver.drop_values_of_hosts(|root| !driver.is_live(root));
    }
    let judged = catch_unwind(AssertUnwindSafe(|| {
        driver.with_hub(|hub: &H| judge(&stop, &driver.panics.borrow(), hub))
    }));
    let entered = Entered::begin(&driver);
    let leaked = leaked + driver.unwind_what_is_left();
    drop(entered);
    driver.mailbox.end();
    driver.drop_values_of_hosts(|_| true);
    let judged = judged.unwrap_or_else(|panic| resume_unwind(panic));
    let panics = driver.panics.take();
    let hub: Box<dyn Any> = driver.hub.replace(Box::new(DeadHub::default()));
    let hub = hub.downcast::<H>().expect("the hub that went in comes out");
    (Ending { stop, panics, leaked: leaked + driver.forgotten.get() }, *hub, judged)
}

/// While it lives, this thread runs a hub; a hub that panics is left as well.
struct Entered(#[expect(dead_code, reason = "it is held")] Loan<Driver>);

impl Entered {
    fn begin(driver: &Driver) -> Entered {
        let loan = lent::lend(driver, &CURRENT);
        Entered(loan.expect("this thread runs a hub already: a hub is not entered twice"))
    }
}

thread_local! {
    static CURRENT: Cell<Option<Lent<Driver>>> = const { Cell::new(None) };
}

/// The driver of this thread, if it runs one.
#[inline(always)]
pub(crate) fn current() -> Option<Lent<Driver>> {
    lent::find(&CURRENT)
}

/// Calls `f` on this thread's driver, if it runs one.
#[inline(always)]
pub(crate) fn with_current<T>(f: impl FnOnce(&Driver) -> T) -> Option<T> {
    current().map(|driver| f(&driver))
}

/// Wakes a waiter of this thread's hub at once, or of another's through its mailbox.
pub(crate) fn wake_anywhere(hub: u64, mailbox: &Mailbox, ticket: Ticket) {
    let here = with_current(|driver| {
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

/// The error of a call made where no hub is.
pub(crate) fn outside() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, OUTSIDE)
}

pub(crate) struct Driver {
    /// Told apart from every other hub of the process.
    pub(crate) id: u64,
    pub(crate) hub: RefCell<Box<dyn Hub>>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(super) table: RefCell<Table>,
    hosts: Vec<Host>,
    clients_left: Cell<usize>,
    ready: RefCell<Vec<Ready>>,
    panics: RefCell<Vec<Panicked>>,
    timeouts_made: Cell<u64>,
    /// Greenlets that destructors made in a scope without end, and that never began.
    forgotten: Cell<usize>,
    /// What the clock showed at the last poll: between polls no deadline is news.
    polled_at: Cell<Tick>,
    takes_notes: bool,
    finds_thread_locals: bool,
    /// For so many turns whoever is first runs, without the hub being asked.
    in_order: Cell<usize>,
    /// Whether the current greenlet is killed or inside a timeout, or might be: see `deadlines`.
    hurried: Cell<bool>,
    /// Whether what runs now runs on top of another's turn, to be ended: it does not leave it.
    in_place: Cell<bool>,
}

/// A program and whether the run still waits for it.
struct Host {
    name: String,
    role: Role,
    body: Rc<dyn Fn()>,
    unfinished: Cell<bool>,
    /// The root of its latest life.
    root: Cell<Option<GreenletId>>,
    /// Its values, of each of its lives; the latest last.
    locals: RefCell<Vec<Rc<Locals>>>,
}

impl Host {
    fn new(program: Program) -> Host {
        let Program { name, role, body } = program;
        let unfinished = Cell::new(role == Role::Client);
        let (root, locals) = (Cell::new(None), RefCell::default());
        Host { name, role, body: body.into(), unfinished, root, locals }
    }
}

impl Driver {
    fn new(hub: Box<dyn Hub>, programs: Vec<Program>) -> Driver {
        overflow::register();
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let hosts: Vec<Host> = programs.into_iter().map(Host::new).collect();
        let clients = hosts.iter().filter(|host| host.unfinished.get()).count();
        Driver {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            mailbox: Arc::new(Mailbox::new(hub.waker())),
            takes_notes: hub.takes_notes(),
            finds_thread_locals: thread_locals::are_looked_for(),
            hub: RefCell::new(hub),
            table: RefCell::new(Table::default()),
            hosts,
            clients_left: Cell::new(clients),
            ready: RefCell::new(Vec::new()),
            panics: RefCell::new(Vec::new()),
            timeouts_made: Cell::new(0),
            forgotten: Cell::new(0),
            polled_at: Cell::new(Tick::default()),
            in_order: Cell::new(0),
            hurried: Cell::new(false),
            in_place: Cell::new(false),
        }
    }

    /// Shows the hub as what it is.
    fn with_hub<H: Hub, R>(&self, f: impl FnOnce(&H) -> R) -> R {
        let hub = self.hub.borrow();
        let hub: &dyn Any = &**hub;
        f(hub.downcast_ref().expect("the hub that went in is the one that is shown"))
    }

    // Greenlets.

    /// Makes a greenlet; it runs when its turn comes.
    pub(crate) fn spawn(
        &self,
        body: Rc<dyn Task>,
        label: Label,
        stack_size: usize,
        origin: Origin,
    ) -> GreenletId {
        // The hub first: called from within one of its own calls, this panics with nothing done.
        let mut hub = self.hub.borrow_mut();
        let mut table = self.table.borrow_mut();
        let id = table.insert(body, label, stack_size, origin);
        let told = catch_unwind(AssertUnwindSafe(|| hub.spawned(id, &table.birth(id))));
        if let Err(panic) = told {
            // A body that nobody knows of would run when what it borrows is gone.
            let body = table.retract(id);
            drop((hub, table));
            if let Some(body) = body {
                body.cancel();
            }
            resume_unwind(panic);
        }
        id
    }

    /// Where a greenlet spawned now comes from: the current one, and this line of the program.
    pub(crate) fn origin(&self, at: &'static Location<'static>) -> Origin {
        self.table.borrow().origin(at)
    }

    pub(crate) fn current_id(&self) -> Option<GreenletId> {
        self.table.borrow().current
    }

    /// A greenlet's place in the spawn tree: `srv/accept/conn#2`.
    pub(crate) fn name(&self, id: GreenletId) -> String {
        self.table.borrow().name(id)
    }

    /// Its host, its number there and its own name, as long as it is live.
    pub(crate) fn identity(&self, id: GreenletId) -> Option<(HostId, u64, Label)> {
        self.table.borrow().identity(id)
    }

    pub(crate) fn is_live(&self, id: GreenletId) -> bool {
        self.table.borrow().is_live(id)
    }

    /// Orders a greenlet's end: it is unwound where it stands when its turn comes. Never switches.
    pub(crate) fn kill(&self, id: GreenletId) {
        let mut table = self.table.borrow_mut();
        let struck = table.kill(id);
        if struck && table.current == Some(id) {
            self.hurried.set(true);
        }
        drop(table);
        if struck && self.takes_notes {
            self.note(&Note::Struck(id, "kill"));
        }
    }

    /// The current greenlet's own values.
    pub(crate) fn locals_of_greenlet(&self) -> Option<Rc<Locals>> {
        self.table.borrow_mut().locals()
    }

    /// The values of the host that the current greenlet stands on.
    pub(crate) fn locals_of_host(&self) -> Option<Rc<Locals>> {
        let host = self.table.borrow().host_here()?;
        self.hosts.get(host.0 as usize)?.locals.borrow().last().cloned()
    }

    /// Drops the values of the hosts whose root is such, at the run's end: a destructor's panic is the
    /// run's result.
    fn drop_values_of_hosts(&self, is_such: impl Fn(GreenletId) -> bool) {
        let of = |host: &&Host| host.root.get().is_none_or(&is_such);
        for host in self.hosts.iter().filter(of) {
            for values in host.locals.take() {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(values))) {
                    let message = panic_message(&*payload);
                    self.report_panic_of(Panicked { greenlet: host.name.clone(), message });
                    discard(payload);
                }
            }
        }
    }

    /// The current greenlet's `park` token.
    pub(crate) fn parker(&self, id: GreenletId) -> Arc<Parker> {
        self.table.borrow_mut().parker(id, || Arc::new(Parker::new(self.id, self.mailbox.clone())))
    }

    /// Has the end of `of` wake the current greenlet's next wait.
    pub(crate) fn add_joiner(&self, of: GreenletId) -> Arrival {
        let mut table = self.table.borrow_mut();
        let ticket = table.ticket();
        table.add_joiner(of, ticket)
    }

    /// A wait is over: the end of `of` is no longer its affair.
    pub(crate) fn remove_joiner(&self, of: GreenletId, joiner: Arrival) {
        self.table.borrow_mut().remove_joiner(of, joiner);
    }

    pub(crate) fn report_panic(&self, payload: &(dyn Any + Send)) {
        if !is_panic(payload) {
            return;
        }
        let current = self.current_id();
        if let Some(id) = current.filter(|_| self.takes_notes) {
            self.note(&Note::Ended(id, Some("panicked")));
        }
        let greenlet = current.map(|id| self.name(id)).unwrap_or_default();
        self.report_panic_of(Panicked { greenlet, message: panic_message(payload) });
    }

    pub(crate) fn report_panic_of(&self, panicked: Panicked) {
        self.panics.borrow_mut().push(panicked);
    }

    // The world, for those who only ask.

    pub(crate) fn now(&self) -> Tick {
        self.hub.borrow().now()
    }
    pub(crate) fn clock(&self) -> Instant {
        self.hub.borrow().clock()
    }
    pub(crate) fn wall_clock(&self) -> SystemTime {
        self.hub.borrow().wall_clock()
    }
    pub(crate) fn note(&self, note: &Note<'_>) {
        if let Note::Always(_, false) = note {
            // It may end the run, which is to be asked.
            self.in_order.set(0);
        }
        self.hub.borrow_mut().note(note);
    }
    pub(crate) fn takes_notes(&self) -> bool {
        self.takes_notes
    }
    pub(crate) fn stall(&self) -> Stall {
        let now = self.now();
        stall::table_of(&self.table.borrow(), &mut **self.hub.borrow_mut(), now)
    }
}
