//! Locks: one or many at a time, first come, first served.

use std::collections::VecDeque;

use greenroom::sync::{Mutex, ReentrantLock, RwLock};
use proptest::prelude::*;

use crate::harness::{Asker, Model, Subject, Told, holds, steps};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Read,
    Write,
    TryRead,
    TryWrite,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Read),
        4 => Just(Op::Write),
        1 => Just(Op::TryRead),
        1 => Just(Op::TryWrite),
    ]
}

/// For locks that have one kind of holder.
fn alone() -> impl Strategy<Value = Op> {
    prop_oneof![4 => Just(Op::Write), 1 => Just(Op::TryWrite)]
}

impl Subject for RwLock<()> {
    type Op = Op;
    fn new() -> RwLock<()> {
        RwLock::new(())
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Read => {
                let _guard = self.read();
                asker.hold("has");
            }
            Op::Write => {
                let _guard = self.write();
                asker.hold("has");
            }
            Op::TryRead => match self.try_read() {
                Ok(_guard) => asker.hold("has"),
                Err(_) => asker.say("has not"),
            },
            Op::TryWrite => match self.try_write() {
                Ok(_guard) => asker.hold("has"),
                Err(_) => asker.say("has not"),
            },
        }
        assert!(!self.is_poisoned(), "a kill poisons nothing");
    }
}

impl Subject for Mutex<()> {
    type Op = Op;
    fn new() -> Mutex<()> {
        Mutex::new(())
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Read | Op::Write => {
                let _guard = self.lock().expect("a kill poisons nothing");
                asker.hold("has");
            }
            Op::TryRead | Op::TryWrite => match self.try_lock() {
                Ok(_guard) => asker.hold("has"),
                Err(_) => asker.say("has not"),
            },
        }
    }
}

impl Subject for ReentrantLock<()> {
    type Op = Op;
    fn new() -> ReentrantLock<()> {
        ReentrantLock::new(())
    }
    fn perform(&self, op: Op, asker: &Asker) {
        match op {
            Op::Read | Op::Write => {
                let _outer = self.lock();
                let _again = self.lock();
                let _tried = self.try_lock().expect("it is ours");
                asker.hold("has");
            }
            Op::TryRead | Op::TryWrite => match self.try_lock() {
                Some(_guard) => asker.hold("has"),
                None => asker.say("has not"),
            },
        }
    }
}

#[derive(Default)]
pub struct Holders {
    readers: Vec<usize>,
    writer: Option<usize>,
    line: VecDeque<(usize, Op)>,
    told: Told,
}

impl Holders {
    fn admits(&self, op: Op) -> bool {
        let reads = matches!(op, Op::Read | Op::TryRead);
        self.writer.is_none() && (reads || self.readers.is_empty())
    }
    fn admit(&mut self, who: usize, op: Op) {
        match op {
            Op::Read | Op::TryRead => self.readers.push(who),
            Op::Write | Op::TryWrite => self.writer = Some(who),
        }
        self.told.insert(who, "has".into());
    }
    fn let_in(&mut self) {
        while let Some(&(who, op)) = self.line.front().filter(|(_, op)| self.admits(*op)) {
            self.line.pop_front();
            self.admit(who, op);
        }
    }
}

impl Model for Holders {
    type Op = Op;
    fn new() -> Holders {
        Holders::default()
    }
    fn ask(&mut self, who: usize, op: &Op) {
        let may = self.line.is_empty() && self.admits(*op);
        match op {
            _ if may => self.admit(who, *op),
            Op::Read | Op::Write => self.line.push_back((who, *op)),
            Op::TryRead | Op::TryWrite => drop(self.told.insert(who, "has not".into())),
        }
    }
    fn let_go(&mut self, who: usize) {
        self.readers.retain(|&reader| reader != who);
        self.writer = self.writer.filter(|&writer| writer != who);
        self.let_in();
    }
    fn kill(&mut self, who: usize) {
        self.line.retain(|&(waiter, _)| waiter != who);
        self.let_go(who);
    }
    fn holders(&self) -> Vec<usize> {
        self.readers.iter().copied().chain(self.writer).collect()
    }
    fn waiters(&self) -> Vec<usize> {
        self.line.iter().map(|&(who, _)| who).collect()
    }
    fn told(&self) -> &Told {
        &self.told
    }
}

proptest! {
    #[test]
    fn a_lock_for_readers_and_writers_does_as_its_model(steps in steps(op())) {
        holds::<RwLock<()>, Holders>(steps)?;
    }

    #[test]
    fn a_mutex_does_as_its_model(steps in steps(alone())) {
        holds::<Mutex<()>, Holders>(steps)?;
    }

    #[test]
    fn a_reentrant_lock_does_as_its_model(steps in steps(alone())) {
        holds::<ReentrantLock<()>, Holders>(steps)?;
    }
}
