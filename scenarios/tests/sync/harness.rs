//! Plays steps on a primitive and on its model.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

use greenroom::check::Shared;
use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::Event;
use greenroom::thread::{self, JoinHandle};
use greenroom::time::Duration;
use greenroom_sim::run::{Spec, run};
use proptest::prelude::*;

/// What came of those who asked so far, by their number.
pub type Told = BTreeMap<usize, String>;

/// The primitive. What an asker does may wait; one that holds something says so and waits to be
/// told to let go.
pub trait Subject: 'static {
    type Op: Clone + Debug + Send + Sync + 'static;
    fn new() -> Self;
    fn perform(&self, op: Self::Op, asker: &Asker);
}

/// What the primitive should do.
pub trait Model {
    type Op;
    fn new() -> Self;
    /// Somebody asks for something.
    fn ask(&mut self, who: usize, op: &Self::Op);
    /// Somebody who holds something is told to let go.
    fn let_go(&mut self, who: usize);
    /// Somebody who is not done is killed.
    fn kill(&mut self, who: usize);
    /// Who holds something.
    fn holders(&self) -> Vec<usize>;
    /// Who waits.
    fn waiters(&self) -> Vec<usize>;
    fn told(&self) -> &Told;
}

/// One who asks: where it says what came of it, and what it waits for while it holds something.
pub struct Asker {
    number: usize,
    told: Rc<RefCell<Told>>,
    go: Rc<Event>,
}

impl Asker {
    pub fn say(&self, what: impl ToString) {
        self.told.borrow_mut().insert(self.number, what.to_string());
    }
    /// Says what it has, and holds it until it is told to let go.
    pub fn hold(&self, what: impl ToString) {
        self.say(what);
        self.go.wait(None);
    }
}

#[derive(Clone, Debug)]
pub enum Step<O> {
    Ask(O),
    /// Of those who hold something, the one at this place, counted round.
    LetGo(usize),
    KillHolder(usize),
    KillWaiter(usize),
}

pub fn steps<O: Clone + Debug + 'static>(
    ops: impl Strategy<Value = O> + 'static,
) -> impl Strategy<Value = Vec<Step<O>>> {
    let step = prop_oneof![
        8 => ops.prop_map(Step::Ask),
        3 => (0..8usize).prop_map(Step::LetGo),
        1 => (0..8usize).prop_map(Step::KillHolder),
        1 => (0..8usize).prop_map(Step::KillWaiter),
    ];
    proptest::collection::vec(step, 1..40)
}

const TURNS_MAX: usize = 100;

/// What differs first, if anything does.
fn play<S: Subject, M: Model<Op = S::Op>>(
    steps: &[Step<S::Op>],
    settle: impl Fn(),
) -> Result<(), String> {
    let subject = Rc::new(S::new());
    let mut model = M::new();
    let told = Rc::new(RefCell::new(Told::new()));
    let mut askers: Vec<(JoinHandle<()>, Rc<Event>)> = Vec::new();
    let pick = |from: Vec<usize>, at: usize| (!from.is_empty()).then(|| from[at % from.len()]);
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Ask(op) => {
                let go = Rc::<Event>::default();
                let number = askers.len();
                let asker = Asker { number, told: told.clone(), go: go.clone() };
                let (subject, op) = (subject.clone(), op.clone());
                model.ask(number, &op);
                askers.push((thread::spawn(move || subject.perform(op, &asker)), go));
            }
            Step::LetGo(nth) => {
                if let Some(who) = pick(model.holders(), *nth) {
                    model.let_go(who);
                    askers[who].1.set();
                }
            }
            Step::KillHolder(nth) => {
                if let Some(who) = pick(model.holders(), *nth) {
                    model.kill(who);
                    askers[who].0.kill();
                }
            }
            Step::KillWaiter(nth) => {
                if let Some(who) = pick(model.waiters(), *nth) {
                    model.kill(who);
                    askers[who].0.kill();
                }
            }
        }
        // A lock goes from one to the next, a turn each; and none may go too far.
        for _ in 0..TURNS_MAX {
            settle();
            if *told.borrow() == *model.told() {
                break;
            }
        }
        (0..3).for_each(|_| settle());
        if *told.borrow() != *model.told() {
            let (is, should) = (told.borrow().clone(), model.told());
            return Err(format!("after step {at}, {step:?}: told {is:?}, not {should:?}"));
        }
    }
    Ok(())
}

/// Plays the steps on both hubs.
pub fn holds<S, M>(steps: Vec<Step<S::Op>>) -> Result<(), TestCaseError>
where
    S: Subject,
    M: Model<Op = S::Op> + 'static,
{
    let real = steps.clone();
    let on_real = greenroom_real::run(move || play::<S, M>(&real, thread::yield_now));
    on_real.map_err(|what| TestCaseError::fail(format!("on real: {what}")))?;
    let outcome = Shared::new(Ok(()));
    let theirs = outcome.clone();
    let scenario = Scenario::new("sync", "a primitive and its model", move |stage: &mut Stage| {
        let (steps, theirs) = (steps.clone(), theirs.clone());
        stage.client("host", move || {
            let played = play::<S, M>(&steps, || thread::sleep(Duration::from_millis(1)));
            theirs.with(|theirs| *theirs = played);
            Ok(())
        });
    });
    for seed in 0..3 {
        let run = run(&scenario, &Spec::seed(seed));
        let played = outcome.with(|outcome| outcome.clone());
        played.map_err(|what| TestCaseError::fail(format!("in sim, seed {seed}: {what}")))?;
        prop_assert!(run.outcome.held(), "in sim, seed {}: {}", seed, run.outcome);
    }
    Ok(())
}
