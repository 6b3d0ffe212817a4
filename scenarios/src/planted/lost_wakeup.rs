//! `planted/lost-wakeup`: the flag is looked at outside the lock that the condition belongs to, and
//! the wake may fall into the gap. The waiter then waits for ever.

use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::{Arc, Condvar, Mutex};
use greenroom::thread;
use std::sync::PoisonError;

use super::bystander;
use crate::common::spawn;

/// The program with the bug: a deadlock. Knob: `bystander`.
pub fn lost_wakeup() -> Scenario {
    Scenario::new("planted/lost-wakeup", "BUG: a flag is checked outside its lock", |stage| {
        set(stage, Gate::wait_unlocked);
    })
    .knob("bystander", 0)
}

/// Its corrected twin.
pub fn lost_wakeup_fixed() -> Scenario {
    Scenario::new("planted/lost-wakeup-fixed", "a flag is checked under its lock", |stage| {
        set(stage, Gate::wait);
    })
    .knob("bystander", 0)
}

fn set(stage: &mut Stage, wait: fn(&Gate)) {
    let with_bystander = stage.knob("bystander") != 0;
    stage.client("app", move || {
        bystander(with_bystander)?;
        let gate = Arc::new(Gate::default());
        let (theirs, ours) = (gate.clone(), gate);
        let waiter = spawn("waiter", move || wait(&theirs))?;
        let setter = spawn("setter", move || {
            // What it has to do first: the waiter is there before it, unless chance says otherwise.
            thread::yield_now();
            ours.open();
        })?;
        for greenlet in [waiter, setter] {
            greenlet.join().unwrap_or_else(|payload| thread::resume(payload));
        }
        Ok(())
    });
}

#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_one();
    }

    fn is_open(&self) -> bool {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bug: what it saw may no longer be so when it waits.
    fn wait_unlocked(&self) {
        if !self.is_open() {
            thread::yield_now();
            let guard = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
            drop(self.opened.wait(guard));
        }
    }

    fn wait(&self) {
        let mut guard = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        while !*guard {
            guard = self.opened.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
