//! The loop above every hub: runnable greenlets, timers, parked waiters, a run's end.
//!
//! ```text
//!   run ── turn? ──> resume a greenlet ── it parks, yields or ends ──┐
//!    ^                                                              │
//!    └── wake whom readiness and timers name <── poll the hub <─────┘ nobody left to run
//! ```
//!
//! It is written once, so a simulated seed exercises the very loop that production runs. It asks
//! the hub who runs next and never decides that itself. What it does not know: sockets (`net`),
//! the retry loop (`block`), locks (`sync`): these park here and are woken here.

mod counts;
mod dump;
mod ending;
mod mailbox;
mod names;
mod overflow;
mod scopes;
mod stall;
mod table;
mod thread_locals;
mod timers;
mod waiters;
mod waiting;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::greenlet::{Fiber, stack};
use crate::hub::{GreenletId, HostId, How, Hub, Note, Ready, Runnable, SwitchPoint, Tick, Turn};
use crate::thread::{Locals, Parker};
use crate::time::{Instant, SystemTime, Unwind};

#[doc(hidden)]
pub use counts::{Counts, counts};
pub(crate) use mailbox::{Mail, Mailbox};
pub(crate) use names::Label;
pub(crate) use overflow::{write_where_spawned, write_whose_stack};
pub use stall::{Stall, Stuck};
pub(crate) use table::{Origin, Ticket, Woken};
use table::{Phase, Table};
pub(crate) use waiters::Place;
pub(crate) use waiting::Waited;

/// What an error or panic says when there is no hub on this thread.
pub(crate) const OUTSIDE: &str =
    "not inside a hub: call this from within greenroom_real::run(..) or a greenroom_sim::Sim";

/// One host's program.
pub struct Program {
    /// The host's name, and its root greenlet's.
    pub name: String,
    /// Whether the run waits for it.
    pub role: Role,
    /// What runs when the host comes up, again at each restart: a call that a power cut left
    /// unfinished stays as it is, beside the new one.
    pub body: Box<dyn Fn()>,
}

/// Whether a run waits for a host's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The run ends when every client has returned.
    Client,
    /// It is ended when all clients have returned.
    Server,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// Why it ended.
    pub stop: Stop,
    /// Panics of greenlets that nobody joined, in the order they were found.
    pub panics: Vec<Panicked>,
    /// Greenlets that destructors made without end: they never ran, and what they own is leaked.
    pub leaked: usize,
}

/// Why a run ended.
#[derive(Debug)]
pub enum Stop {
    /// Every client returned.
    Done,
    /// Nothing could ever happen again while a client was unfinished.
    Deadlock(Stall),
    /// The hub said so.
    Halted(Stall),
    /// The hub could not go on.
    Failed(io::Error),
}

/// A panic that nobody joined.
#[derive(Clone, Debug)]
pub struct Panicked {
    /// The greenlet's place in the spawn tree.
    pub greenlet: String,
    /// What the panic said.
    pub message: String,
}

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
    let driver = Rc::new(Driver::new(Box::new(hub), programs));
    let entered = CURRENT.with_borrow_mut(|current| {
        let free = current.is_none();
        if free {
            *current = Some(driver.clone());
        }
        free
    });
    assert!(entered, "this thread runs a hub already: a hub is not entered twice");
    let entered = Entered;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let stop = driver.run_to_end();
        (stop, driver.settle())
    }));
    let (stop, leaked) = ended.unwrap_or_else(|panic| driver.leave_broken_hub(panic));
    drop(entered);
    driver.mailbox.end();
    let panics = driver.panics.take();
    let hub: Box<dyn Any> = driver.hub.replace(Box::new(crate::dead::DeadHub));
    let hub = hub.downcast::<H>().expect("the hub that went in comes out");
    (Ending { stop, panics, leaked }, *hub)
}

/// While it lives, this thread runs a hub; a hub that panics is left as well.
struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| *current = None);
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Driver>>> = const { RefCell::new(None) };
}

/// The driver of this thread, if it runs one.
pub(crate) fn current() -> Option<Rc<Driver>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Calls `f` on this thread's driver, if it runs one. `f` must not switch.
pub(crate) fn with_current<T>(f: impl FnOnce(&Driver) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.borrow().as_ref().map(|driver| f(driver))).ok().flatten()
}

/// The error of a call made where no hub is.
pub(crate) fn outside() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, OUTSIDE)
}

/// What unwinds a killed greenlet to its root, and what joining it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed;

pub(crate) struct Driver {
    /// Told apart from every other hub of the process.
    pub(crate) id: u64,
    pub(crate) hub: RefCell<Box<dyn Hub>>,
    pub(crate) mailbox: Arc<Mailbox>,
    table: RefCell<Table>,
    hosts: Vec<Host>,
    clients_left: Cell<usize>,
    ready: RefCell<Vec<Ready>>,
    panics: RefCell<Vec<Panicked>>,
    scopes_made: Cell<u64>,
    /// What the clock showed at the last poll: between polls no deadline is news.
    polled_at: Cell<Tick>,
    takes_notes: bool,
    finds_thread_locals: bool,
    /// Whether the current greenlet is killed or inside a scope, or might be: see `scopes`.
    hurried: Cell<bool>,
    /// Whether what runs now runs on top of another's turn, to be ended: it does not leave it.
    in_place: Cell<bool>,
}

/// What a look at the world came to.
enum Polled {
    GoOn,
    NothingEver,
    Stop,
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
            scopes_made: Cell::new(0),
            polled_at: Cell::new(Tick::default()),
            hurried: Cell::new(false),
            in_place: Cell::new(false),
        }
    }

    // The loop.

    fn run_to_end(&self) -> Stop {
        let mut decided = None;
        while self.clients_left.get() > 0 {
            let turn = match decided.take() {
                Some(turn) => turn,
                None => self.ask_turn(),
            };
            match turn {
                Turn::Run(index) => decided = self.resume(index),
                Turn::Stop => return Stop::Halted(self.stall()),
                Turn::Poll | Turn::Advance | Turn::Yield => match self.poll(turn) {
                    Ok(Polled::GoOn) => {}
                    Ok(Polled::NothingEver) => return Stop::Deadlock(self.stall()),
                    Ok(Polled::Stop) => return Stop::Halted(self.stall()),
                    Err(error) => return Stop::Failed(error),
                },
            }
        }
        Stop::Done
    }

    fn ask_turn(&self) -> Turn {
        let table = self.table.borrow();
        if table.queue.is_empty() {
            return Turn::Poll;
        }
        let runnable = Runnable::new(None, &table.queue, SwitchPoint::Idle);
        self.hub.borrow_mut().turn(&runnable)
    }

    /// Looks at the world, or waits for it.
    #[inline(never)] // Once in many turns, and the loop is short without it.
    fn poll(&self, turn: Turn) -> io::Result<Polled> {
        self.read_mail();
        let (idle, mut next, open_waits) = {
            let mut table = self.table.borrow_mut();
            (table.queue.is_empty(), table.next_deadline(), table.open_waits)
        };
        if turn == Turn::Advance {
            let due = self.table.borrow_mut().expire_yielders(self.now());
            next = next.into_iter().chain(due).min();
        }
        if idle && next.is_none() && open_waits == 0 && self.started() {
            return Ok(Polled::NothingEver);
        }
        let looks_only = !idle && turn != Turn::Advance;
        let mut ready = self.ready.take();
        let mut hub = self.hub.borrow_mut();
        let until = if looks_only { Some(hub.now()) } else { next };
        let polled = hub.poll(until, &mut ready);
        let now = hub.now();
        drop(hub);
        self.polled_at.set(now);
        let named = !ready.is_empty();
        let mut stop = false;
        for event in ready.drain(..) {
            match event {
                Ready::Io(io, interest) => self.table.borrow_mut().wake_io(io, interest),
                Ready::Stop => stop = true,
                rare => self.deliver(rare),
            }
        }
        self.ready.replace(ready);
        polled?;
        let mut table = self.table.borrow_mut();
        table.expire(now);
        table.forget_yields();
        Ok(if stop {
            Polled::Stop
        } else if named || until.is_some() || !table.queue.is_empty() {
            Polled::GoOn
        } else {
            Polled::NothingEver
        })
    }

    /// Whether any greenlet was ever made: before that, a hub has yet to start its hosts.
    fn started(&self) -> bool {
        self.table.borrow().born > 0
    }

    fn deliver(&self, event: Ready) {
        match event {
            Ready::Io(..) | Ready::Stop => unreachable!("the loop sees to these itself"),
            Ready::Mail => self.read_mail(),
            Ready::Start(host) => self.start_host(host),
            Ready::End(greenlet, How::Unwind) => self.kill(greenlet),
            Ready::End(greenlet, How::Abandon) => self.abandon(greenlet),
        }
    }

    fn read_mail(&self) {
        for mail in self.mailbox.take() {
            match mail {
                Mail::Wake(ticket) => self.wake(ticket),
                Mail::Close(io) => self.close(io),
            }
        }
    }

    fn start_host(&self, host: HostId) {
        let index = host.0 as usize;
        let Some(program) = self.hosts.get(index) else { return };
        if program.role == Role::Client && !program.unfinished.replace(true) {
            self.clients_left.set(self.clients_left.get() + 1);
        }
        let (name, body) = (program.name.clone(), program.body.clone());
        let origin = Origin { parent: None, owner: None, host, program: Some(index), at: None };
        let root =
            self.spawn(Box::new(move || body()), Label::from(name), stack::DEFAULT_SIZE, origin);
        program.root.set(Some(root));
        program.locals.borrow_mut().push(Rc::default());
    }

    /// Enters a greenlet; answers the turn it decided on when it left.
    fn resume(&self, index: usize) -> Option<Turn> {
        let (id, phase, hurried) = self.table.borrow_mut().take_turn(index)?;
        self.hurried.set(hurried);
        self.hub.borrow_mut().entered(id);
        let mut fiber = match phase {
            Phase::Fiber(fiber) => fiber,
            Phase::Body(body, stack_size) => self.begin(id, body, stack_size)?,
            Phase::Cancelled(body) => {
                self.drop_uncalled(body);
                self.finish(id, None);
                return None;
            }
        };
        match fiber.resume() {
            Some(turn) => {
                if self.finds_thread_locals {
                    self.find_thread_locals(id, &mut fiber);
                }
                self.table.borrow_mut().put_back(fiber);
                turn
            }
            None => {
                self.finish(id, Some(fiber));
                None
            }
        }
    }

    /// Puts a body on a stack; where there is none left, the greenlet is over.
    #[inline(never)] // It happens once in a greenlet's life; every turn would save its registers.
    fn begin(
        &self,
        id: GreenletId,
        body: Box<dyn FnOnce()>,
        stack_size: usize,
    ) -> Option<Box<Fiber>> {
        match stack::take(stack_size) {
            Ok(stack) => {
                let mut fiber = self.table.borrow_mut().take_spare();
                fiber.start(stack, move |leave| {
                    with_current(|driver| driver.table.borrow_mut().set_leave(leave));
                    // What a body's wrapper did not keep ends here: a kill, or the panic of a
                    // program or of a result that nobody joined.
                    let ended = catch_unwind(AssertUnwindSafe(body));
                    for payload in [ended, drop_locals()].into_iter().filter_map(Result::err) {
                        with_current(|driver| driver.report_panic(&*payload));
                        discard(payload);
                    }
                });
                Some(fiber)
            }
            Err(error) => {
                let message = format!("no stack for it: {error}");
                self.report_panic_of(Panicked { greenlet: self.name(id), message });
                self.drop_uncalled(body);
                self.finish(id, None);
                None
            }
        }
    }

    /// Drops what the current greenlet would have run, on the stack of whoever resumed it: while it
    /// is still somebody, and not in the table, since what it owns may close or wake.
    fn drop_uncalled(&self, body: Box<dyn FnOnce()>) {
        let in_place = self.in_place.replace(true);
        // It has met its kill: the destructors' own calls try once, as where a stack unwinds.
        self.table.borrow_mut().forget_kill();
        self.hurried.set(false);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
            self.report_panic(&*payload);
            discard(payload);
        }
        self.in_place.set(in_place);
    }

    fn finish(&self, id: GreenletId, spare: Option<Box<Fiber>>) {
        let program = self.table.borrow_mut().remove(id, spare);
        self.hub.borrow_mut().exited(id);
        self.stop_waiting_for(program, id);
    }

    /// A client's program has returned, or will never: unless this was an earlier life of it.
    fn stop_waiting_for(&self, program: Option<usize>, root: GreenletId) {
        let Some(host) = program.map(|index| &self.hosts[index]) else { return };
        if host.root.get() == Some(root) && host.unfinished.replace(false) {
            self.clients_left.set(self.clients_left.get() - 1);
        }
    }

    // Greenlets.

    /// Makes a greenlet; it runs when its turn comes.
    pub(crate) fn spawn(
        &self,
        body: Box<dyn FnOnce()>,
        label: Label,
        stack_size: usize,
        origin: Origin,
    ) -> GreenletId {
        let mut table = self.table.borrow_mut();
        let id = table.insert(body, label, stack_size, origin);
        self.hub.borrow_mut().spawned(id, &table.birth(id));
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

    /// The current greenlet's `park` token.
    pub(crate) fn parker(&self, id: GreenletId) -> Arc<Parker> {
        self.table.borrow_mut().parker(id, || Arc::new(Parker::new(self.id, self.mailbox.clone())))
    }

    /// Has the end of `of` wake the current greenlet's next wait.
    pub(crate) fn add_joiner(&self, of: GreenletId) {
        let mut table = self.table.borrow_mut();
        let ticket = table.ticket();
        table.add_joiner(of, ticket);
    }

    /// The wait of this ticket is over: the end of `of` is no longer its affair.
    pub(crate) fn remove_joiner(&self, of: GreenletId, ticket: Ticket) {
        self.table.borrow_mut().remove_joiner(of, ticket);
    }

    pub(crate) fn report_panic(&self, payload: &(dyn Any + Send)) {
        if !is_panic(payload) {
            return;
        }
        let greenlet = self.current_id().map(|id| self.name(id)).unwrap_or_default();
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

/// Drops the current greenlet's own values, whose destructors may make others.
fn drop_locals() -> std::thread::Result<()> {
    const ROUNDS: usize = 100;
    let take = || with_current(|driver| driver.table.borrow_mut().take_locals()).flatten();
    for _ in 0..ROUNDS {
        let Some(locals) = take() else { break };
        catch_unwind(AssertUnwindSafe(|| drop(locals)))?;
    }
    Ok(())
}

/// Drops what a panic carried. What that throws in turn is forgotten: the driver does not unwind.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

/// Whether an unwinding is a panic of the program's, not a kill or an expired scope.
pub(crate) fn is_panic(payload: &(dyn Any + Send)) -> bool {
    !payload.is::<Killed>() && !payload.is::<Unwind>()
}

/// What a panic said, as far as it is text.
pub fn panic_message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}
