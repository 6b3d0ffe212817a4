//! Semaphores: permits, first come, first served.

use std::collections::VecDeque;

use greenroom::sync::Semaphore;
use proptest::prelude::*;

use crate::harness::{Asker, Model, Subject, Told, holds, steps};

const PERMITS: usize = 2;

#[derive(Clone, Copy, Debug)]
pub enum Op {
    Acquire,
    Try,
    Release,
    /// Takes one and gives it back when told.
    Permit,
    /// Until there is one, without taking it.
    Wait,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Acquire),
        2 => Just(Op::Try),
        4 => Just(Op::Release),
        4 => Just(Op::Permit),
        1 => Just(Op::Wait),
    ]
}

impl Subject for Semaphore {
    type Op = Op;
    fn new() -> Semaphore {
        Semaphore::new(PERMITS)
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Acquire => {
                self.acquire();
                asker.say("has");
            }
            Op::Try => asker.say(self.try_acquire()),
            Op::Release => {
                self.release();
                asker.say("released");
            }
            Op::Permit => {
                let _permit = self.permit();
                asker.hold("has");
            }
            Op::Wait => asker.say(self.wait(None) > 0),
        }
    }
}

pub struct Permits {
    free: usize,
    line: VecDeque<(usize, bool)>,
    watchers: Vec<usize>,
    holders: Vec<usize>,
    told: Told,
}

impl Permits {
    fn add(&mut self) {
        match self.line.pop_front() {
            Some((who, holds)) => self.give(who, holds),
            None => {
                self.free += 1;
                for who in self.watchers.drain(..) {
                    self.told.insert(who, "true".into());
                }
            }
        }
    }
    fn give(&mut self, who: usize, holds: bool) {
        self.told.insert(who, "has".into());
        if holds {
            self.holders.push(who);
        }
    }
    fn take(&mut self) -> bool {
        let is_free = self.free > 0;
        self.free -= usize::from(is_free);
        is_free
    }
}

impl Model for Permits {
    type Op = Op;
    fn new() -> Permits {
        let (line, watchers, holders, told) = Default::default();
        Permits { free: PERMITS, line, watchers, holders, told }
    }
    fn ask(&mut self, who: usize, op: &Op) {
        match op {
            Op::Try => {
                let has = self.take();
                self.told.insert(who, has.to_string());
            }
            Op::Release => {
                self.told.insert(who, "released".into());
                self.add();
            }
            Op::Wait if self.free > 0 => drop(self.told.insert(who, "true".into())),
            Op::Wait => self.watchers.push(who),
            Op::Acquire | Op::Permit => {
                let holds = matches!(op, Op::Permit);
                if self.take() { self.give(who, holds) } else { self.line.push_back((who, holds)) }
            }
        }
    }
    fn let_go(&mut self, who: usize) {
        self.holders.retain(|&holder| holder != who);
        self.add();
    }
    fn kill(&mut self, who: usize) {
        if self.holders.contains(&who) {
            return self.let_go(who);
        }
        self.line.retain(|&(waiter, _)| waiter != who);
        self.watchers.retain(|&waiter| waiter != who);
    }
    fn holders(&self) -> Vec<usize> {
        self.holders.clone()
    }
    fn waiters(&self) -> Vec<usize> {
        self.line.iter().map(|&(who, _)| who).chain(self.watchers.iter().copied()).collect()
    }
    fn told(&self) -> &Told {
        &self.told
    }
}

proptest! {
    #[test]
    fn a_semaphore_does_as_its_model(steps in steps(op())) {
        holds::<Semaphore, Permits>(steps)?;
    }
}

/// Contract 62.
#[test]
fn nobody_starves_while_holders_come_back_at_once() {
    greenroom_real::run(|| {
        let one = std::rc::Rc::new(Semaphore::new(1));
        let turns = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let spawn = |name: char| {
            let (one, turns) = (one.clone(), turns.clone());
            greenroom::thread::spawn(move || {
                for _ in 0..4 {
                    let _permit = one.permit();
                    turns.borrow_mut().push(name);
                    greenroom::thread::yield_now();
                }
            })
        };
        let holders = [spawn('a'), spawn('b'), spawn('c')];
        holders.into_iter().for_each(|holder| holder.join().unwrap());
        assert_eq!(turns.borrow().iter().collect::<String>(), "abcabcabcabc");
    });
}
