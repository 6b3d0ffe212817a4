//! How greenlets end that others wait for: those of a scope that is unwound, and all at a run's end.
//!
//! Frames of a greenlet may guard what others use: a std scope waits for its threads in a
//! destructor, a sort puts back what it took out. So no stack is ever forgotten. A greenlet that
//! swallows its kill is raised again at every blocking call; whose end is owed, and who swallows
//! that too, ends the process ([`Driver::abort_over`]).

use std::any::Any;
use std::fmt::Write;
use std::panic::resume_unwind;

use super::Driver;
use crate::driver::table::KillMet;
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

    /// Ends every greenlet left, in id order; returns how many never ran, not even to drop what they
    /// own, because destructors made them without end.
    pub(super) fn settle(&self) -> usize {
        let unrun = self.end_all();
        if !self.table.borrow().any_abandoned() {
            return unrun;
        }
        // What a power cut left on its stack is unwound under a hub that returns errors only:
        // nothing of it reaches the world or its trace.
        let world = self.hub.replace(Box::new(DeadHub));
        self.table.borrow_mut().revive_abandoned();
        let unrun = unrun + self.end_all();
        self.hub.replace(world);
        unrun
    }

    /// The hub panicked. The frames of the greenlets are unwound all the same, under a dead one.
    #[cold]
    pub(super) fn leave_broken_hub(&self, panic: Box<dyn Any + Send>) -> ! {
        let bomb = AbortUnlessForgotten;
        drop(self.hub.replace(Box::new(DeadHub)));
        self.table.borrow_mut().revive_abandoned();
        self.in_place.set(false);
        self.end_all();
        self.mailbox.end();
        std::mem::forget(bomb);
        resume_unwind(panic)
    }

    fn end_all(&self) -> usize {
        // Destructors may spawn, and who swallows its kill gives others a turn: each round ends what
        // the one before left or made.
        const ROUNDS: usize = 1000;
        for _ in 0..ROUNDS {
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

    /// Where in the queue it stands.
    fn place_of(&self, id: GreenletId) -> Option<usize> {
        self.table.borrow().queue.iter().position(|&(queued, _)| queued == id)
    }

    /// Ends the process: this greenlet's end is owed, and it cannot be had.
    #[cold]
    pub(super) fn abort_over(&self, id: GreenletId) -> ! {
        let mut text = format!("greenroom: greenlet {}", self.name(id));
        let (stack_bytes, spawned_at) = self.table.borrow().stack_and_site(id);
        if let Some(bytes) = stack_bytes {
            let _ = write!(text, " (stack {} KiB", bytes / 1024);
            if let Some(at) = spawned_at {
                let _ = write!(text, ", spawned at {at}");
            }
            text.push(')');
        }
        text.push_str(
            " swallows its kill, and its end is owed: others borrow from where it stands. \
             Let the panic of a kill go on (`thread::Killed`), or leave the loop.",
        );
        eprintln!("{text}");
        std::process::abort();
    }
}

/// Ends the process if it is dropped.
struct AbortUnlessForgotten;

impl Drop for AbortUnlessForgotten {
    fn drop(&mut self) {
        eprintln!("greenroom: a hub panicked, and so did the end of its greenlets");
        std::process::abort();
    }
}
