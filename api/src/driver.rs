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

mod mailbox;
mod stall;
mod table;
mod timers;
mod waiters;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::greenlet::{Fiber, stack};
use crate::hub::{
    GreenletId, HostId, How, Hub, Interest, Io, Note, On, Ready, Runnable, SwitchPoint, Tick, Turn,
    Wait, WokeBy,
};
use crate::thread::Parker;
use crate::time::{Elapsed, Instant, SystemTime, Unwind};

pub(crate) use mailbox::{Mail, Mailbox};
pub use stall::{Stall, Stuck};
pub(crate) use table::{Label, Origin, Ticket, Woken};
use table::{Phase, Table};
pub(crate) use waiters::Place;

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
    /// Greenlets that would not be unwound; their stacks are leaked.
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
/// # Panics
///
/// If this thread runs a hub already.
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
    let stop = driver.run_to_end();
    let leaked = driver.settle();
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
}

impl Host {
    fn new(program: Program) -> Host {
        let Program { name, role, body } = program;
        let unfinished = Cell::new(role == Role::Client);
        Host { name, role, body: body.into(), unfinished, root: Cell::new(None) }
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
            hub: RefCell::new(hub),
            table: RefCell::new(Table::default()),
            hosts,
            clients_left: Cell::new(clients),
            ready: RefCell::new(Vec::new()),
            panics: RefCell::new(Vec::new()),
            scopes_made: Cell::new(0),
            polled_at: Cell::new(Tick::default()),
        }
    }

    // The loop.

    fn run_to_end(&self) -> Stop {
        let mut decided = None;
        while self.clients_left.get() > 0 {
            let turn = match decided.take() {
                Some(turn) => turn,
                None if self.table.borrow().queue.is_empty() => Turn::Poll,
                None => self.ask_turn(),
            };
            match turn {
                Turn::Run(index) => decided = self.resume(index),
                Turn::Stop => return Stop::Halted(self.stall()),
                Turn::Poll | Turn::Advance => match self.poll(turn) {
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
        let runnable = Runnable::new(None, &table.queue, SwitchPoint::Idle);
        self.hub.borrow_mut().turn(&runnable)
    }

    /// Looks at the world, or waits for it.
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
        let looks_only = !idle && turn == Turn::Poll;
        let mut ready = self.ready.take();
        let mut hub = self.hub.borrow_mut();
        let until = if looks_only { Some(hub.now()) } else { next };
        let polled = hub.poll(until, &mut ready);
        let now = hub.now();
        drop(hub);
        self.polled_at.set(now);
        let named = !ready.is_empty();
        let stop = ready.contains(&Ready::Stop);
        for event in ready.drain(..) {
            self.deliver(event);
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
            Ready::Io(io, interest) => self.table.borrow_mut().wake_io(io, interest),
            Ready::Mail => self.read_mail(),
            Ready::Stop => {}
            Ready::Start(host) => self.start_host(host),
            Ready::End(greenlet, How::Unwind) => self.kill(greenlet),
            Ready::End(greenlet, How::Abandon) => {
                let program = self.table.borrow_mut().abandon(greenlet);
                self.stop_waiting_for(program, greenlet);
            }
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
        let origin = Origin { parent: None, host, program: Some(index) };
        let body = Box::new(move || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| body())) {
                with_current(|driver| driver.report_panic(&*payload));
                resume_unwind(payload);
            }
        });
        let root = self.spawn(body, Label::from(name), stack::DEFAULT_SIZE, origin);
        program.root.set(Some(root));
    }

    /// Enters a greenlet; answers the turn it decided on when it left.
    fn resume(&self, index: usize) -> Option<Turn> {
        let (id, phase) = self.table.borrow_mut().take_turn(index)?;
        self.hub.borrow_mut().entered(id);
        let mut fiber = match phase {
            Phase::Fiber(fiber) => fiber,
            Phase::Cancelled(body) => {
                // Here, not in the table: what it owns may close or wake.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(body)));
                self.finish(id);
                return None;
            }
            Phase::Body(body, stack_size) => match stack::take(stack_size) {
                Ok(stack) => Fiber::new(stack, move |leave| {
                    with_current(|driver| driver.table.borrow_mut().set_leave(leave));
                    // What a body's wrapper did not keep (a kill) ends here.
                    let _ = catch_unwind(AssertUnwindSafe(body));
                }),
                Err(error) => {
                    let message = format!("no stack for it: {error}");
                    self.panics.borrow_mut().push(Panicked { greenlet: self.name(id), message });
                    self.finish(id);
                    return None;
                }
            },
        };
        match fiber.resume() {
            Some(turn) => {
                self.table.borrow_mut().put_back(fiber);
                turn
            }
            None => {
                self.finish(id);
                None
            }
        }
    }

    fn finish(&self, id: GreenletId) {
        let (joiners, program) = self.table.borrow_mut().remove(id);
        self.hub.borrow_mut().exited(id);
        for ticket in joiners {
            self.wake(ticket);
        }
        self.stop_waiting_for(program, id);
    }

    /// A client's program has returned, or will never: unless this was an earlier life of it.
    fn stop_waiting_for(&self, program: Option<usize>, root: GreenletId) {
        let Some(host) = program.map(|index| &self.hosts[index]) else { return };
        if host.root.get() == Some(root) && host.unfinished.replace(false) {
            self.clients_left.set(self.clients_left.get() - 1);
        }
    }

    /// Ends every greenlet left, in id order; answers how many would not end.
    fn settle(&self) -> usize {
        // Destructors may spawn: each round ends what the one before left or made.
        const ROUNDS: usize = 100;
        for _ in 0..ROUNDS {
            let left = self.table.borrow_mut().kill_all();
            if left.is_empty() {
                break;
            }
            for id in left {
                let place = self.table.borrow().queue.iter().position(|&(queued, _)| queued == id);
                if let Some(index) = place {
                    self.resume(index);
                }
            }
        }
        let mut leaked = self.table.borrow_mut().kill_all().len();
        leaked += self.table.borrow().lost;
        self.unwind_abandoned();
        leaked
    }

    /// What a power cut left on its stack is unwound under a hub that answers errors only, so that
    /// memory goes back and nothing of it reaches the world or its trace.
    fn unwind_abandoned(&self) {
        if !self.table.borrow().any_abandoned() {
            return;
        }
        let world = self.hub.replace(Box::new(crate::dead::DeadHub));
        let revived = self.table.borrow_mut().revive_abandoned();
        for id in revived {
            let place = self.table.borrow().queue.iter().position(|&(queued, _)| queued == id);
            if let Some(index) = place {
                self.resume(index);
            }
        }
        self.hub.replace(world);
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

    /// Where a greenlet spawned now comes from: the current one.
    pub(crate) fn origin(&self) -> Origin {
        self.table.borrow().origin()
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
        let struck = self.table.borrow_mut().kill(id);
        if struck && self.takes_notes {
            self.note(&Note::Struck(id, "kill"));
        }
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

    pub(crate) fn report_panic(&self, payload: &(dyn Any + Send)) {
        if !is_panic(payload) {
            return;
        }
        let greenlet = self.current_id().map(|id| self.name(id)).unwrap_or_default();
        self.report_panic_of(greenlet, panic_message(payload));
    }

    pub(crate) fn report_panic_of(&self, greenlet: String, message: String) {
        self.panics.borrow_mut().push(Panicked { greenlet, message });
    }

    // Waiting.

    /// Names the current greenlet's next wait, to be kept by whoever is to end it.
    pub(crate) fn ticket(&self) -> Ticket {
        self.table.borrow().ticket()
    }

    /// Whether a call may wait here at all, and the error if it may not: a greenlet that is being
    /// unwound tries once and goes on, so a kill ends in one resume.
    pub(crate) fn may_wait(&self) -> io::Result<()> {
        if std::thread::panicking() || self.current_id().is_none() {
            return Err(io::Error::from_raw_os_error(libc::ECANCELED));
        }
        Ok(())
    }

    /// Waits until somebody wakes the ticket given out last, or a deadline comes: the call's own or
    /// an enclosing scope's. The caller has checked [`may_wait`](Driver::may_wait).
    pub(crate) fn park(&self, op: &'static str, on: On, deadline: Option<Tick>) -> Woken {
        let wait = Wait { op, on, deadline };
        let start = self.now();
        if self.takes_notes {
            self.note(&Note::Parked(wait));
        }
        let leave = self.table.borrow_mut().park(wait, start);
        leave.leave(None);
        let woken = self.table.borrow_mut().take_woken();
        if self.takes_notes {
            let by = match &woken {
                Woken::Event => WokeBy::Event,
                Woken::TimedOut => WokeBy::Timeout,
                Woken::Cancelled(_) => WokeBy::Cancel,
                Woken::Closed => WokeBy::Close,
                Woken::Killed => WokeBy::Kill,
            };
            self.note(&Note::Woke(wait, by, self.now().since(start)));
        }
        woken
    }

    /// Ends the wait of this ticket, if it is still on.
    pub(crate) fn wake(&self, ticket: Ticket) {
        self.table.borrow_mut().wake(ticket, Woken::Event);
    }

    /// The ticket was for a wait that did not take place.
    pub(crate) fn retire(&self, ticket: Ticket) {
        self.table.borrow_mut().retire(ticket);
    }

    /// Ends the wait of this ticket with an error, if it is still on.
    pub(crate) fn cancel(&self, ticket: Ticket, error: io::Error) {
        let struck = self.table.borrow_mut().wake(ticket, Woken::Cancelled(error));
        if struck && self.takes_notes {
            self.note(&Note::Struck(ticket.greenlet, "cancel_wait"));
        }
    }

    /// Puts the current greenlet last and lets the others run.
    pub(crate) fn yield_now(&self) {
        self.step_aside();
        self.after_switch();
    }

    /// As [`yield_now`](Driver::yield_now), for a call that fails by its answer, not by unwinding.
    pub(crate) fn step_aside(&self) {
        if self.may_wait().is_ok() {
            let leave = self.table.borrow_mut().requeue(true);
            leave.leave(None);
        }
    }

    /// A call that might have had to wait finished at once: the hub may let others run first.
    #[inline]
    pub(crate) fn completed(&self) {
        let turn = {
            let table = self.table.borrow();
            let runnable = Runnable::new(table.current, &table.queue, SwitchPoint::Completed);
            self.hub.borrow_mut().turn(&runnable)
        };
        if turn != Turn::Run(0) {
            self.give_way(turn);
        }
    }

    #[cold]
    fn give_way(&self, turn: Turn) {
        if self.may_wait().is_err() {
            return;
        }
        let decided = match turn {
            Turn::Run(index) => Turn::Run(index - 1),
            other => other,
        };
        let leave = self.table.borrow_mut().requeue(false);
        leave.leave(Some(decided));
        self.raise_kill();
    }

    /// What a call that cannot fail owes after a switch: a kill or an expired scope unwinds.
    pub(crate) fn after_switch(&self) {
        self.raise_kill();
        if let Some(scope) = self.expired_scope() {
            self.raise_expiry(scope);
        }
    }

    pub(crate) fn raise_kill(&self) {
        if self.table.borrow().current_is_killed() && !std::thread::panicking() {
            if cfg!(panic = "abort") {
                return;
            }
            self.give_up_on_the_unkillable();
            self.set_unwinding(true);
            resume_unwind(Box::new(Killed));
        }
    }

    /// `loop { catch_unwind(handler) }` would meet its kill for ever: such a one is left on its stack.
    fn give_up_on_the_unkillable(&self) {
        let lost = self.table.borrow_mut().count_kill();
        if let Some((id, program, leave)) = lost {
            self.hub.borrow_mut().exited(id);
            self.stop_waiting_for(program, id);
            leave.leave(None);
            unreachable!("it is never resumed");
        }
    }

    pub(crate) fn raise_expiry(&self, elapsed: u64) {
        if !std::thread::panicking() && !cfg!(panic = "abort") {
            self.set_unwinding(true);
            resume_unwind(Box::new(Unwind { scope: elapsed }));
        }
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.table.borrow().current_is_killed()
    }

    /// Whether a kill or an expired scope is unwinding the current greenlet.
    pub(crate) fn is_ending(&self) -> bool {
        let mut table = self.table.borrow_mut();
        table.current.is_some() && table.current_slot().unwinding
    }

    /// Says whether what unwinds from here on is a kill or an expiry.
    pub(crate) fn set_unwinding(&self, unwinding: bool) {
        self.table.borrow_mut().current_slot().unwinding = unwinding;
    }

    // Scopes of `timeout`.

    pub(crate) fn enter_scope(&self, duration: Duration) -> u64 {
        let scope = self.scopes_made.get() + 1;
        self.scopes_made.set(scope);
        let deadline = self.now().after(duration);
        self.table.borrow_mut().current_slot().scopes.push(table::Scope::new(scope, deadline));
        scope
    }

    /// Ends a scope; answers whether it had expired.
    pub(crate) fn leave_scope(&self, scope: u64) -> bool {
        let mut table = self.table.borrow_mut();
        let scopes = &mut table.current_slot().scopes;
        match scopes.iter().position(|entered| entered.id == scope) {
            Some(index) => {
                let expired = scopes[index].expired;
                scopes.truncate(index);
                expired
            }
            None => false,
        }
    }

    /// The outermost scope of the current greenlet whose time is up. Once it is, it stays so.
    pub(crate) fn expired_scope(&self) -> Option<u64> {
        if self.table.borrow().no_scopes() {
            return None;
        }
        let now = self.now();
        self.table.borrow_mut().current_slot().scopes.iter_mut().find_map(|scope| {
            scope.expired |= scope.deadline <= now;
            scope.expired.then_some(scope.id)
        })
    }

    /// Whether the time of a scope of the current greenlet is up, known or not.
    pub(crate) fn is_scope_due(&self) -> bool {
        if self.table.borrow().no_scopes() {
            return false;
        }
        let now = self.now();
        self.table.borrow_mut().current_slot().scopes.iter().any(|scope| scope.deadline <= now)
    }

    /// The outermost scope that was already found expired, or whose time was over before the last
    /// poll: its calls err without being tried. At the very tick, data wins.
    pub(crate) fn sticky_scope(&self) -> Option<Elapsed> {
        // A closure that ignores so many errors is not going to stop by itself.
        const IGNORED_MAX: u32 = 100;
        let mut table = self.table.borrow_mut();
        if table.no_scopes() {
            return None;
        }
        let polled_at = self.polled_at.get();
        let scope = table.current_slot().scopes.iter_mut().find_map(|scope| {
            scope.expired |= scope.deadline < polled_at;
            scope.expired.then_some(scope)
        })?;
        scope.ignored += 1;
        let (id, ignored) = (scope.id, scope.ignored);
        drop(table);
        if ignored > IGNORED_MAX {
            self.raise_expiry(id);
        }
        Some(Elapsed::of(id))
    }

    // Sources.

    /// Lines the current greenlet up for a source, in its old place if it waited there before.
    pub(crate) fn queue_on(&self, io: Io, interest: Interest, again: Option<Place>) -> Place {
        self.table.borrow_mut().queue_on(io, interest, again)
    }

    /// Has every readiness of this source wake the current greenlet's next wait.
    pub(crate) fn watch(&self, io: Io, interest: Interest) {
        self.table.borrow_mut().watch(io, interest);
    }

    /// Takes the current greenlet off a source after a wait that did not end by readiness.
    pub(crate) fn unqueue(&self, io: Io, ticket: Ticket) {
        if crate::mutant::is_on(crate::mutant::Mutant::WokenNotRemoved) {
            return;
        }
        self.table.borrow_mut().waiters.remove(io, ticket);
    }

    /// Whether somebody is lined up before a newcomer.
    pub(crate) fn is_queued_on(&self, io: Io, interest: Interest) -> bool {
        self.table.borrow_mut().waiters.is_queued(io, interest)
    }

    /// The current greenlet was woken to take its turn at this call, and takes it.
    pub(crate) fn answered(&self, io: Io, interest: Interest) {
        self.table.borrow_mut().waiters.answered(io, interest);
    }

    /// Lets the next one in line try, after a call on this source went through.
    pub(crate) fn pass_on(&self, io: Io, interest: Interest) {
        self.table.borrow_mut().wake_next(io, interest);
    }

    /// Closes a descriptor: those parked on it wake, reader first, and then the world is told.
    pub(crate) fn close(&self, io: Io) {
        self.table.borrow_mut().wake_closed(io);
        self.hub.borrow_mut().close(io);
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

/// Whether an unwinding is a panic of the program's, not a kill or an expired scope.
pub(crate) fn is_panic(payload: &(dyn Any + Send)) -> bool {
    !payload.is::<Killed>() && !payload.is::<Unwind>()
}

/// What a panic said, as far as it is text.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a message".to_owned(),
    }
}
