//! How greenlets end that others wait for: those of a scope that is unwound, and all at a run's end.
//!
//! Frames of a greenlet may guard what others use: a std scope waits for its threads in a
//! destructor, a sort puts back what it took out. So no stack is ever forgotten. A greenlet that
//! swallows its kill is raised again at every blocking call; whose end is owed, and who swallows
//! that too, ends the process ([`Driver::abort_over`]).

use std::any::Any;
use std::fmt::Write;
use std::io;
use std::panic::resume_unwind;

use super::Driver;
use crate::driver::table::KillMet;
use crate::greenlet::end_process;
use crate::hub::{DeadHub, GreenletId};

impl Driver {
    /// Runs a killed greenlet to its end now, on top of the current one's turn, which goes on
    /// afterwards.
    #[cold]
    pub(crate) fn reap(&self, id: GreenletId) {
        let owner = self.current_id();
        let in_place = self.in_place.replace(true);
        while self.is_live(id) {
            self.resume(self.place_of(id).expect("one that is killed and not running is runnable"));
            // Where nothing unwinds (`panic=abort`) it may have waited instead.
            if self.is_live(id) {
                if self.table.borrow_mut().met_kill(id, true) == KillMet::TooOften {
                    self.abort_over(id);
                }
                self.table.borrow_mut().kill(id);
            }
        }
        self.in_place.set(in_place);
        self.go_on(owner);
    }

    /// Has a crowd that is about to be reaped stand first in the queue, so that each is found at once.
    #[cold]
    pub(crate) fn bring_forward(&self, crowd: &[GreenletId]) {
        self.table.borrow_mut().bring_forward(crowd);
    }

    /// The turn is `owner`'s again.
    fn go_on(&self, owner: Option<GreenletId>) {
        let hurried = self.table.borrow_mut().set_current(owner);
        self.hurried.set(hurried);
        if let Some(owner) = owner {
            self.hub.borrow_mut().entered(owner);
        }
    }

    /// Leaves a greenlet as it stands until the run's end, and with it those on whose frames it may
    /// borrow: they wait for it, and it does not run.
    pub(super) fn abandon(&self, id: GreenletId) {
        let mut next = Some(id).filter(|&id| self.is_live(id));
        while let Some(id) = next {
            next = self.table.borrow().origin_of(id).owner;
            let program = self.table.borrow_mut().abandon(id);
            self.stop_waiting_for(program, id);
        }
    }

    /// Unwinds what the world left as it stands, under a hub that returns errors only: nothing of it
    /// reaches the world or its trace. Returns as [`end_all`](Driver::end_all).
    pub(super) fn unwind_what_is_left(&self) -> usize {
        if self.table.borrow().live().next().is_none() {
            return 0;
        }
        let dead = DeadHub::of(&**self.hub.borrow());
        let world = self.hub.replace(Box::new(dead));
        self.table.borrow_mut().revive_abandoned();
        let unrun = self.end_all();
        self.hub.replace(world);
        unrun
    }

    /// The hub panicked. The frames of the greenlets are unwound all the same, under a dead one.
    #[cold]
    pub(super) fn leave_broken_hub(&self, panic: Box<dyn Any + Send>) -> ! {
        let bomb = AbortUnlessForgotten;
        drop(self.hub.replace(Box::new(DeadHub::default())));
        self.table.borrow_mut().revive_abandoned();
        self.in_place.set(false);
        self.end_all();
        self.mailbox.end();
        std::mem::forget(bomb);
        resume_unwind(panic)
    }

    /// Ends every greenlet left that is not abandoned, in id order; returns how many never ran, not
    /// even to drop what they own, because destructors made them without end.
    pub(super) fn end_all(&self) -> usize {
        // Destructors may spawn, and who swallows its kill gives others a turn: each round ends what
        // the one before left or made.
        const ROUNDS: usize = 1000;
        const BORN_MAX: u64 = 1 << 16;
        let born = self.table.borrow().born;
        for _ in 0..ROUNDS {
            if self.table.borrow().born - born > BORN_MAX {
                break;
            }
            let left = self.table.borrow_mut().kill_all();
            if left.is_empty() {
                return 0;
            }
            for id in left {
                if let Some(index) = self.place_of(id) {
                    self.resume(index);
                }
            }
        }
        let left = self.table.borrow_mut().kill_all();
        for id in left {
            if self.table.borrow().has_started(id) {
                self.reap(id);
            }
        }
        self.table.borrow_mut().forget_unstarted()
    }

    /// A greenlet that has not begun never will: what it would have run with is forgotten. False if it
    /// has begun.
    pub(crate) fn forget_if_unstarted(&self, id: GreenletId) -> bool {
        if self.table.borrow().has_started(id) {
            return false;
        }
        let unrun = self.table.borrow_mut().retract(id);
        std::mem::forget(unrun);
        let owner = self.current_id();
        self.hub.borrow_mut().exited(id);
        self.go_on(owner);
        self.forgotten.set(self.forgotten.get() + 1);
        true
    }

    /// Where in the queue it stands.
    fn place_of(&self, id: GreenletId) -> Option<usize> {
        self.table.borrow().queue.iter().position(|queued| queued.greenlet == id)
    }

    /// Ends the process: this greenlet's end is owed, and it cannot be had.
    #[cold]
    pub(super) fn abort_over(&self, id: GreenletId) -> ! {
        let why = match cfg!(panic = "abort") {
            false => {
                "swallows its kill, and its end is owed: others borrow from where it stands. Let the \
                 unwinding of a kill (`thread::Killed`) go on, or leave the loop"
            }
            true => {
                "cannot be ended, which `panic=abort` leaves to its own errors, and its end is owed"
            }
        };
        end_process(&format!("greenroom: {} {why}", self.describe_in_full(id)));
    }

    /// A wait was refused: nothing may wait while it unwinds. A loop that asks for ever holds the hub
    /// for good, which ends the process.
    #[cold]
    pub(super) fn refuse_wait(&self) -> io::Error {
        // Seconds of asking.
        const REFUSALS_MAX: u32 = 1 << 26;
        let refused = self.table.borrow_mut().count_refusal();
        if let Some((id, _)) = refused.filter(|&(_, count)| count > REFUSALS_MAX) {
            let who = self.describe_in_full(id);
            end_process(&format!(
                "greenroom: {who} waits again and again in a destructor while it is ended, where \
                 nothing may wait: what it waits for cannot happen before it is over"
            ));
        }
        io::Error::from_raw_os_error(libc::ECANCELED)
    }

    /// Its path, its stack's size and where it was spawned.
    fn describe_in_full(&self, id: GreenletId) -> String {
        let mut text = format!("greenlet {}", self.name(id));
        let (stack_bytes, spawned_at) = self.table.borrow().stack_and_site(id);
        if let Some(bytes) = stack_bytes {
            let _ = write!(text, " (stack {} KiB", bytes / 1024);
            if let Some(at) = spawned_at {
                let _ = write!(text, ", spawned at {at}");
            }
            text.push(')');
        }
        text
    }
}

/// Ends the process if it is dropped.
struct AbortUnlessForgotten;

impl Drop for AbortUnlessForgotten {
    fn drop(&mut self) {
        end_process("greenroom: a hub panicked, and so did the end of its greenlets");
    }
}
