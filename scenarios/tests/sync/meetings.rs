//! Where greenlets wait for what others do: barriers, events, values that come, conditions, and what
//! is done once.

use std::collections::VecDeque;

use greenroom::sync::{AsyncResult, Barrier, Condvar, Event, Mutex, Once, OnceLock};
use proptest::prelude::*;

use crate::harness::{Asker, Model, Subject, Told, holds, steps};

/// Those who wait, and what has come of all.
#[derive(Default)]
pub struct Crowd {
    waiting: VecDeque<usize>,
    told: Told,
}

impl Crowd {
    fn tell(&mut self, who: usize, what: impl ToString) {
        self.told.insert(who, what.to_string());
    }
    fn tell_first(&mut self, what: impl ToString) {
        if let Some(who) = self.waiting.pop_front() {
            self.tell(who, what);
        }
    }
    fn tell_all(&mut self, what: impl ToString) {
        for who in std::mem::take(&mut self.waiting) {
            self.tell(who, what.to_string());
        }
    }
}

/// What every model here has in common: nobody holds anything, and who is killed does not wait.
macro_rules! crowded {
    () => {
        fn let_go(&mut self, _: usize) {}
        fn kill(&mut self, who: usize) {
            self.crowd.waiting.retain(|&waiter| waiter != who);
        }
        fn holders(&self) -> Vec<usize> {
            Vec::new()
        }
        fn waiters(&self) -> Vec<usize> {
            self.crowd.waiting.iter().copied().collect()
        }
        fn told(&self) -> &Told {
            &self.crowd.told
        }
    };
}

const PARTY: usize = 3;

impl Subject for Barrier {
    type Op = ();
    fn new() -> Barrier {
        Barrier::new(PARTY)
    }
    fn perform(&self, (): (), asker: &Asker) {
        asker.say(if self.wait().is_leader() { "leads" } else { "goes on" });
    }
}

pub struct Rounds {
    crowd: Crowd,
}

impl Model for Rounds {
    type Op = ();
    fn new() -> Rounds {
        Rounds { crowd: Crowd::default() }
    }
    fn ask(&mut self, who: usize, (): &()) {
        if self.crowd.waiting.len() + 1 < PARTY {
            return self.crowd.waiting.push_back(who);
        }
        self.crowd.tell_all("goes on");
        self.crowd.tell(who, "leads");
    }
    crowded!();
}

#[derive(Clone, Copy, Debug)]
pub enum Flag {
    Wait,
    Set,
    Clear,
    IsSet,
}

impl Subject for Event {
    type Op = Flag;
    fn new() -> Event {
        Event::new()
    }
    fn perform(&self, op: Flag, asker: &Asker) {
        match op {
            Flag::Wait => asker.say(self.wait(None)),
            Flag::Set => self.set(),
            Flag::Clear => self.clear(),
            Flag::IsSet => asker.say(self.is_set()),
        }
    }
}

pub struct Flagged {
    crowd: Crowd,
    is_set: bool,
}

impl Model for Flagged {
    type Op = Flag;
    fn new() -> Flagged {
        Flagged { crowd: Crowd::default(), is_set: false }
    }
    fn ask(&mut self, who: usize, op: &Flag) {
        match op {
            Flag::Wait if self.is_set => self.crowd.tell(who, true),
            Flag::Wait => self.crowd.waiting.push_back(who),
            Flag::Set => {
                self.is_set = true;
                self.crowd.tell_all(true);
            }
            Flag::Clear => self.is_set = false,
            Flag::IsSet => self.crowd.tell(who, self.is_set),
        }
    }
    crowded!();
}

#[derive(Clone, Copy, Debug)]
pub enum Later {
    Wait,
    Set(u8),
    Get,
}

impl Subject for AsyncResult<u8> {
    type Op = Later;
    fn new() -> AsyncResult<u8> {
        AsyncResult::new()
    }
    fn perform(&self, op: Later, asker: &Asker) {
        match op {
            Later::Wait => asker.say(self.wait(None).expect("it waits for ever")),
            Later::Set(value) => asker.say(self.set(value).is_ok()),
            Later::Get => asker.say(format!("{:?}", self.get())),
        }
    }
}

pub struct Promised {
    crowd: Crowd,
    value: Option<u8>,
}

impl Model for Promised {
    type Op = Later;
    fn new() -> Promised {
        Promised { crowd: Crowd::default(), value: None }
    }
    fn ask(&mut self, who: usize, op: &Later) {
        match (*op, self.value) {
            (Later::Wait, Some(value)) => self.crowd.tell(who, value),
            (Later::Wait, None) => self.crowd.waiting.push_back(who),
            (Later::Set(_), Some(_)) => self.crowd.tell(who, false),
            (Later::Set(value), None) => {
                self.value = Some(value);
                self.crowd.tell_all(value);
                self.crowd.tell(who, true);
            }
            (Later::Get, value) => self.crowd.tell(who, format!("{value:?}")),
        }
    }
    crowded!();
}

#[derive(Clone, Copy, Debug)]
pub enum Notice {
    Wait,
    One,
    All,
}

/// A condition and its lock.
pub struct Condition(Mutex<()>, Condvar);

impl Subject for Condition {
    type Op = Notice;
    fn new() -> Condition {
        Condition(Mutex::new(()), Condvar::new())
    }
    fn perform(&self, op: Notice, asker: &Asker) {
        let guard = self.0.lock().expect("a kill poisons nothing");
        match op {
            Notice::Wait => {
                let _guard = self.1.wait(guard).expect("a kill poisons nothing");
                asker.say("told");
            }
            Notice::One => self.1.notify_one(),
            Notice::All => self.1.notify_all(),
        }
    }
}

pub struct Noticed {
    crowd: Crowd,
}

impl Model for Noticed {
    type Op = Notice;
    fn new() -> Noticed {
        Noticed { crowd: Crowd::default() }
    }
    fn ask(&mut self, who: usize, op: &Notice) {
        match op {
            Notice::Wait => self.crowd.waiting.push_back(who),
            Notice::One => self.crowd.tell_first("told"),
            Notice::All => self.crowd.tell_all("told"),
        }
    }
    crowded!();
}

#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Do,
    IsDone,
}

impl Subject for Once {
    type Op = Deed;
    fn new() -> Once {
        Once::new()
    }
    fn perform(&self, op: Deed, asker: &Asker) {
        match op {
            Deed::Do => {
                self.call_once(|| asker.hold("does it"));
                asker.say("done");
            }
            Deed::IsDone => asker.say(self.is_completed()),
        }
    }
}

impl Subject for OnceLock<()> {
    type Op = Deed;
    fn new() -> OnceLock<()> {
        OnceLock::new()
    }
    fn perform(&self, op: Deed, asker: &Asker) {
        match op {
            Deed::Do => {
                self.get_or_init(|| asker.hold("does it"));
                asker.say("done");
            }
            Deed::IsDone => asker.say(self.get().is_some()),
        }
    }
}

/// One at a time does it; where it is ended, the next begins.
pub struct Done {
    crowd: Crowd,
    doer: Option<usize>,
    is_done: bool,
}

impl Done {
    fn next(&mut self) {
        self.doer = self.crowd.waiting.pop_front();
        if let Some(who) = self.doer {
            self.crowd.tell(who, "does it");
        }
    }
}

impl Model for Done {
    type Op = Deed;
    fn new() -> Done {
        Done { crowd: Crowd::default(), doer: None, is_done: false }
    }
    fn ask(&mut self, who: usize, op: &Deed) {
        match op {
            Deed::IsDone => self.crowd.tell(who, self.is_done),
            Deed::Do if self.is_done => self.crowd.tell(who, "done"),
            Deed::Do => {
                self.crowd.waiting.push_back(who);
                if self.doer.is_none() {
                    self.next();
                }
            }
        }
    }
    fn let_go(&mut self, who: usize) {
        self.is_done = true;
        self.doer = None;
        self.crowd.tell(who, "done");
        self.crowd.tell_all("done");
    }
    fn kill(&mut self, who: usize) {
        self.crowd.waiting.retain(|&waiter| waiter != who);
        if self.doer == Some(who) {
            self.next();
        }
    }
    fn holders(&self) -> Vec<usize> {
        self.doer.into_iter().collect()
    }
    fn waiters(&self) -> Vec<usize> {
        self.crowd.waiting.iter().copied().collect()
    }
    fn told(&self) -> &Told {
        &self.crowd.told
    }
}

fn flag() -> impl Strategy<Value = Flag> {
    prop_oneof![
        6 => Just(Flag::Wait),
        2 => Just(Flag::Set),
        2 => Just(Flag::Clear),
        1 => Just(Flag::IsSet),
    ]
}

fn later() -> impl Strategy<Value = Later> {
    prop_oneof![8 => Just(Later::Wait), 1 => (0..9u8).prop_map(Later::Set), 2 => Just(Later::Get)]
}

fn notice() -> impl Strategy<Value = Notice> {
    prop_oneof![6 => Just(Notice::Wait), 3 => Just(Notice::One), 1 => Just(Notice::All)]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![6 => Just(Deed::Do), 1 => Just(Deed::IsDone)]
}

proptest! {
    #[test]
    fn a_barrier_does_as_its_model(steps in steps(Just(()))) {
        holds::<Barrier, Rounds>(steps)?;
    }

    #[test]
    fn an_event_does_as_its_model(steps in steps(flag())) {
        holds::<Event, Flagged>(steps)?;
    }

    #[test]
    fn a_value_that_comes_later_does_as_its_model(steps in steps(later())) {
        holds::<AsyncResult<u8>, Promised>(steps)?;
    }

    #[test]
    fn a_condition_does_as_its_model(steps in steps(notice())) {
        holds::<Condition, Noticed>(steps)?;
    }

    #[test]
    fn what_is_done_once_does_as_its_model(steps in steps(deed())) {
        holds::<Once, Done>(steps)?;
    }

    #[test]
    fn a_value_made_once_does_as_its_model(steps in steps(deed())) {
        holds::<OnceLock<()>, Done>(steps)?;
    }
}
