//! What a program may have seen: the log is replayed against sides, a flag, a lock, and scopes of
//! both kinds.
//!
//! Within a tick the log's order is taken as it is; between ticks the model moves time itself. At
//! a tick first things arrive, then deadlines come, then greenlets run, and all who have reason to
//! run do before time moves again. The first of a wait's reasons to end fixes its outcome.

mod actor;
mod effects;
mod ends;
mod families;
mod scopes;
mod side;
mod starts;
mod time;

use std::time::Duration;

use super::Observed;
use super::log::{End, Entry, What};
use super::program::{Op, Program};
use actor::{Actor, Fixed, Start, taken_from, watched};
use side::Side;

/// What a world promises beyond the laws.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Greenlets run in the order in which they became runnable.
    pub wake_order: bool,
    /// Others may run after a read that did not wait, before its greenlet goes on with the bytes.
    pub interrupts: bool,
    /// What has arrived may be there for a call only when the world has been looked at.
    pub named_first: bool,
    /// Time moves: no deadline but the present is a tick of the log, and at that none is news.
    pub time: bool,
    /// So many panics that nobody joined are reported at most.
    pub panics_max: usize,
}

impl Rules {
    pub const STRICT: Rules = Rules {
        wake_order: true,
        interrupts: false,
        named_first: false,
        time: true,
        panics_max: usize::MAX,
    };
}

type Verdict = Result<(), String>;

fn demand(holds: bool, reason: &str) -> Verdict {
    if holds { Ok(()) } else { Err(reason.into()) }
}

/// Whether the log is one that the laws allow. What it does not tell is guessed: it stands if any
/// guess makes sense of it.
pub fn judge(program: &Program, observed: &Observed, rules: Rules) -> Verdict {
    let mut guesses = Vec::new();
    let mut first = None;
    loop {
        let mut model = Model::new(program, observed, rules, guesses);
        let Err(reason) = model.replay_all() else { return Ok(()) };
        let reason = first.get_or_insert(reason);
        guesses = model.guesses;
        while guesses.pop_if(|last| *last).is_some() {}
        match guesses.last_mut() {
            Some(last) => *last = true,
            None => return Err(reason.clone()),
        }
    }
}

struct Model<'a> {
    program: &'a Program,
    observed: &'a Observed,
    rules: Rules,
    now: Duration,
    sides: Vec<Side>,
    /// Arrivals that have come.
    arrived: usize,
    is_set: bool,
    lock_holder: Option<usize>,
    poisoned: bool,
    actors: Vec<Actor<'a>>,
    /// How many turns were given out.
    turns: u64,
    /// Somebody was ended who had been told that the flag is set, and passed that on.
    sets_passed_on: bool,
    stuck: bool,
    /// Those who unwind while the children of their scopes are ended, each but the first a child
    /// of the one before.
    unwinding: Vec<usize>,
    /// How many panics of children no scope passed on.
    lost_panics: usize,
    /// Answers to what the log does not tell, in the order it comes up; more are `false`.
    guesses: Vec<bool>,
    guessed: usize,
}

impl<'a> Model<'a> {
    fn new(
        program: &'a Program,
        observed: &'a Observed,
        rules: Rules,
        guesses: Vec<bool>,
    ) -> Model<'a> {
        let actor = |(actor, ops)| Actor::new(Program::flat(ops), actor < program.roots);
        let mut model = Model {
            program,
            observed,
            rules,
            now: Duration::ZERO,
            sides: (0..program.sides()).map(|side| Side::new(program.kind(side))).collect(),
            arrived: 0,
            is_set: false,
            lock_holder: None,
            poisoned: false,
            actors: program.all_actors().into_iter().enumerate().map(actor).collect(),
            turns: 0,
            sets_passed_on: false,
            stuck: false,
            unwinding: Vec::new(),
            lost_panics: 0,
            guesses,
            guessed: 0,
        };
        (0..program.roots).for_each(|root| model.give_turn(root));
        model
    }

    fn replay_all(&mut self) -> Verdict {
        for (place, entry) in self.observed.log.iter().enumerate() {
            let told = |reason| format!("line {}: {entry:?}: {reason}", place + 1);
            self.advance(entry.at).map_err(told)?;
            let whose = self.whose_turn(place, entry).map_err(told)?;
            self.take_turn(whose).map_err(told)?;
            self.replay(place, entry).map_err(told)?;
        }
        if let Some(actor) = self.actors.iter().position(Actor::is_alive) {
            return Err(format!("g{actor} is neither over nor stuck"));
        }
        let is_reported = |actor: &&Actor<'_>| {
            let lost = !actor.has_handle || self.observed.deadlocked;
            let of_run = actor.owner.is_none() && !actor.joined && lost;
            actor.gone == Some(End::Panicked) && of_run
        };
        let reports = self.lost_panics + self.actors.iter().filter(is_reported).count();
        let reports = reports.min(self.rules.panics_max);
        let reported = self.observed.reported;
        demand(reported == reports, &format!("{reported} panics are told of, not {reports}"))
    }

    fn guess(&mut self) -> bool {
        if self.guessed == self.guesses.len() {
            self.guesses.push(false);
        }
        self.guessed += 1;
        self.guesses[self.guessed - 1]
    }

    // Who runs when.

    /// An actor can run from here on.
    fn give_turn(&mut self, number: usize) {
        self.turns += 1;
        self.actors[number].turn = Some(self.turns);
    }

    /// An actor runs: those who could run before it have run.
    fn take_turn(&mut self, number: usize) -> Verdict {
        let Some(turn) = self.actors[number].turn.take() else { return Ok(()) };
        let before = |actor: &Actor<'_>| actor.is_alive() && actor.turn.is_some_and(|t| t < turn);
        match self.actors.iter().position(before) {
            Some(other) if self.rules.wake_order && !self.stuck => {
                Err(format!("g{other} could run before it, and has not"))
            }
            _ => Ok(()),
        }
    }

    // The log.

    fn replay(&mut self, place: usize, entry: &Entry) -> Verdict {
        let number = entry.actor;
        let actor = &mut self.actors[number];
        actor.ran |= actor.started || !matches!(entry.what, What::Left(End::Killed));
        actor.started = true;
        demand(actor.is_alive(), "it was over already, or not begun")?;
        let killed = matches!(entry.what, What::Left(End::Killed)) || actor.falls;
        demand(killed || actor.may_go_on(), "it goes on after its kill")?;
        match &entry.what {
            What::Left(end) => {
                if self.unwinding.pop_if(|top| *top == number).is_none() {
                    self.may_leave(number, *end)?;
                }
                self.leave(number, *end)
            }
            What::Began(op) => {
                demand(self.unwinding.last() != Some(&number), "it goes on though it unwinds")?;
                self.begin(number, *op, place);
                Ok(())
            }
            What::Fell(op) => self.fall(number, *op, place),
            What::Ended(op, outcome) => {
                let doing = self.actors[number].doing.take();
                match self.actors[number].ops[*op] {
                    Op::Timeout(..) => self.scope_ended(number, *op, outcome, doing, place),
                    Op::Scope { .. } => self.family_ended(number, *op, outcome, doing, place),
                    _ => {
                        let doing = doing.ok_or("it ended what it had not begun")?;
                        demand(doing.op == *op, "it ended another call")?;
                        self.call_ended(number, place, doing, outcome)
                    }
                }
            }
        }
    }

    fn may_leave(&mut self, number: usize, end: End) -> Verdict {
        let actor = &self.actors[number];
        let start = actor.doing.as_ref().map(|doing| &doing.start);
        match end {
            End::Returned => {
                let idle = start.is_none() && actor.scopes.is_empty() && actor.families.is_empty();
                demand(idle, "it left amid a call")
            }
            End::Panicked => {
                let panics = start == Some(&Start::Panics) && actor.families.is_empty();
                demand(panics, "it did not panic")
            }
            End::Killed if actor.killed => {
                let had = matches!(start, Some(Start::Took(_) | Start::AtOnce(_)));
                demand(!had, "its call had its outcome")
            }
            End::Killed => self.is_stuck(),
        }
    }

    /// A run that could not go on ended all who were left.
    fn is_stuck(&mut self) -> Verdict {
        demand(self.observed.deadlocked, "nobody killed it")?;
        for number in 0..self.actors.len() {
            let actor = &self.actors[number];
            if actor.is_alive() {
                self.is_one_stuck(number).map_err(|why| format!("g{number} was stuck: {why}"))?;
            }
        }
        self.stuck = true;
        self.actors.iter_mut().for_each(Actor::kill);
        Ok(())
    }

    fn is_one_stuck(&self, number: usize) -> Verdict {
        let actor = &self.actors[number];
        let (op, doing) = actor.waiting().ok_or("not in a call that waits")?;
        // What was there may have been taken before anybody named it.
        demand(doing.fixed.is_none(), "it could have gone on")?;
        let ever = |at| !self.rules.time && at > self.now;
        demand(actor.deadline().is_none_or(ever), "it had a deadline")?;
        match op {
            Op::Lock => demand(self.lock_holder.is_some(), "the lock was free"),
            op => {
                let Some(side) = taken_from(op).or(watched(op)) else { return Ok(()) };
                let mut to_come = self.program.arrivals[self.arrived..].iter();
                demand(!to_come.any(|next| next.side == side), "more was to come")?;
                demand(!self.side(side).is_ready(), "there was something")
            }
        }
    }

    fn leave(&mut self, number: usize, end: End) -> Verdict {
        self.close_families(number, 0)?;
        let actor = &mut self.actors[number];
        // The handle of whom it was about to join is gone with it.
        actor.doing = None;
        actor.gone = Some(end);
        self.release(number, end == End::Panicked);
        let joins = |op: &Op| matches!(op, Op::Join { actor, .. } if usize::from(*actor) == number);
        self.fix(joins, Fixed::Named);
        self.tell_owner(number);
        Ok(())
    }

    fn side(&self, side: u8) -> &Side {
        &self.sides[usize::from(side)]
    }
    fn side_mut(&mut self, side: u8) -> &mut Side {
        &mut self.sides[usize::from(side)]
    }

    /// The call that has stood in a side's line for longest, and whose it is.
    fn first_in_line(&self, side: u8) -> Option<(usize, usize)> {
        let in_line = self.actors.iter().enumerate().filter_map(|(number, actor)| {
            let (op, doing) = actor.waiting()?;
            (taken_from(op) == Some(side)).then_some((doing.place, number))
        });
        in_line.min()
    }
}
