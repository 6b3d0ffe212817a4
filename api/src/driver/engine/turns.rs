//! The loop: who has the turn, what the world says in between, a greenlet's first turn and its last.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::{Driver, with_current};
use crate::driver::mailbox::Mail;
use crate::driver::names::Label;
use crate::driver::program::{Panicked, Role, Stop, Task, discard};
use crate::driver::slot::Beginning;
use crate::driver::streak;
use crate::driver::thread_locals;
use crate::driver::ticket::Origin;
use crate::greenlet::{Fiber, stack};
use crate::hub::{GreenletId, HostId, How, Ready, Runnable, SwitchPoint, Turn};

/// What a look at the world came to.
enum Polled {
    GoOn,
    NothingEver,
    Stop,
}

impl Driver {
    pub(super) fn run_to_end(&self) -> Stop {
        let mut decided = None;
        while self.clients_left.get() > 0 {
            let turn = match decided.take() {
                Some(turn) => turn,
                None => self.ask_turn(),
            };
            match turn {
                Turn::Run(index) => decided = self.take_turn(index),
                Turn::InOrder(_) => unreachable!("it is taken apart where it is told"),
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
        if self.goes_in_order() {
            return Turn::Run(0);
        }
        self.decide(&table.runnable(None, SwitchPoint::Idle))
    }

    /// Whom the hub says to run next.
    #[inline(never)] // Where turns go in order, it is asked once in many.
    pub(super) fn decide(&self, runnable: &Runnable<'_>) -> Turn {
        match self.hub.borrow_mut().turn(runnable) {
            Turn::InOrder(turns) => {
                self.in_order.set(turns.saturating_sub(1));
                Turn::Run(0)
            }
            turn => turn,
        }
    }

    /// Takes one of the turns that go in order, if there are any.
    #[inline]
    pub(super) fn goes_in_order(&self) -> bool {
        let left = self.in_order.get();
        self.in_order.set(left.saturating_sub(1));
        left > 0
    }

    /// Looks at the world, or waits for it.
    #[inline(never)] // Once in many turns, and the loop is short without it.
    fn poll(&self, turn: Turn) -> io::Result<Polled> {
        self.in_order.set(0);
        self.read_mail();
        let (idle, mut next, open_waits) = {
            let mut table = self.table.borrow_mut();
            (table.queue.is_empty(), table.next_deadline(), table.open_waits)
        };
        if turn == Turn::Advance {
            let due = self.table.borrow().next_of_yielders(self.now());
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
        let mut table = self.table.borrow_mut();
        for event in ready.drain(..) {
            match event {
                Ready::Io(io, interest) => table.wake_io(io, interest),
                Ready::Stop => stop = true,
                rare => {
                    drop(table);
                    self.deliver(rare);
                    table = self.table.borrow_mut();
                }
            }
        }
        self.ready.replace(ready);
        table.sweep_abandoned();
        polled?;
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

    pub(super) fn read_mail(&self) {
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
        let (label, body) = (Label::Root(program.name.as_str().into()), program.body.clone());
        let origin = Origin { parent: None, owner: None, host, is_root: true, at: None };
        let root = self.spawn(Rc::new(Root(body)), label, stack::DEFAULT_SIZE, origin);
        program.root.set(Some(root));
        program.locals.borrow_mut().push(Rc::default());
    }

    /// Enters a greenlet; returns the turn it decided on when it left.
    #[inline(always)]
    fn take_turn(&self, index: usize) -> Option<Turn> {
        let (id, mut fiber, hurried) = self.table.borrow_mut().take_turn(index)?;
        self.hurried.set(hurried);
        self.hub.borrow_mut().entered(id);
        streak::begin();
        if fiber.is_empty() {
            fiber = self.begin(id)?;
        }
        match fiber.resume() {
            Some(turn) => {
                if self.finds_thread_locals {
                    thread_locals::find(&mut fiber, || self.name(id));
                }
                self.table.borrow_mut().put_back(fiber);
                turn
            }
            None => {
                self.finish(id);
                None
            }
        }
    }

    /// As [`take_turn`](Driver::take_turn), for all but the loop.
    pub(super) fn resume(&self, index: usize) {
        self.take_turn(index);
    }

    /// The first turn of a greenlet: returns what it is suspended in, unless it is over.
    #[inline(never)] // It happens once in a greenlet's life; every turn would save its registers.
    fn begin(&self, id: GreenletId) -> Option<Fiber> {
        let beginning = self.table.borrow_mut().take_body();
        match beginning {
            Beginning::Body(body, stack_size) => self.start(id, body, stack_size),
            Beginning::Cancelled(body) => {
                self.drop_uncalled(body);
                self.finish(id);
                None
            }
        }
    }

    /// Puts a body on a stack; where there is none left, the greenlet is over.
    fn start(&self, id: GreenletId, body: Rc<dyn Task>, stack_size: usize) -> Option<Fiber> {
        match stack::take(stack_size) {
            Ok(stack) => {
                let mut fiber = Fiber::default();
                #[cfg(greenroom_threads)]
                let driver = super::current().expect("a hub runs here");
                fiber.start(stack, move |leave| {
                    #[cfg(greenroom_threads)]
                    let _on_this_thread_too = super::Entered::begin(&driver);
                    with_current(|driver| driver.table.borrow_mut().set_leave(leave));
                    // What a body's wrapper did not keep ends here: a kill, or the panic of a
                    // program or of a result that nobody joined.
                    let ended = catch_unwind(AssertUnwindSafe(move || body.run()));
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
                self.finish(id);
                None
            }
        }
    }

    /// Drops what the current greenlet would have run, on the stack of whoever resumed it: while it
    /// is still somebody, and not in the table, since what it owns may close or wake.
    fn drop_uncalled(&self, body: Rc<dyn Task>) {
        let in_place = self.in_place.replace(true);
        // It has met its kill: the destructors' own calls try once, as where a stack unwinds.
        self.table.borrow_mut().forget_kill();
        self.hurried.set(false);
        let dropped = catch_unwind(AssertUnwindSafe(move || body.cancel()));
        for payload in [dropped, drop_locals()].into_iter().filter_map(Result::err) {
            self.report_panic(&*payload);
            discard(payload);
        }
        self.in_place.set(in_place);
    }

    fn finish(&self, id: GreenletId) {
        let program = self.table.borrow_mut().remove(id);
        self.hub.borrow_mut().exited(id);
        self.stop_waiting_for(program, id);
    }

    /// A client's program has returned, or will never: unless this was an earlier life of it.
    pub(super) fn stop_waiting_for(&self, program: Option<usize>, root: GreenletId) {
        let Some(host) = program.map(|index| &self.hosts[index]) else { return };
        if host.root.get() == Some(root) && host.unfinished.replace(false) {
            self.clients_left.set(self.clients_left.get() - 1);
        }
    }
}

/// What the root of a host runs.
struct Root(Rc<dyn Fn()>);

impl Task for Root {
    fn run(&self) {
        (self.0)();
    }
    fn cancel(&self) {}
}

/// Drops the current greenlet's own values, and those that their destructors make; returns the first
/// panic.
fn drop_locals() -> std::thread::Result<()> {
    // Keys are statics, and each has one value. Only what leaks keys comes so far.
    const VALUES_MAX: usize = 1 << 16;
    let known = |driver: &Driver| driver.table.borrow().locals_if_any();
    let Some(locals) = with_current(known).flatten() else { return Ok(()) };
    let mut panicked = Ok(());
    for _ in 0..VALUES_MAX {
        let Some(value) = locals.take_first() else { return panicked };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            match panicked {
                Ok(()) => panicked = Err(payload),
                Err(_) => discard(payload),
            }
        }
    }
    std::mem::forget(locals);
    panicked
}
