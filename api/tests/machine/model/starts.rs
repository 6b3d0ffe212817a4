//! What a call finds when it begins.

use super::Model;
use super::actor::{Doing, Family, Fixed, Scope, Start, taken_from, watched};
use crate::machine::log::{Outcome, What};
use crate::machine::program::{Op, units};

impl Model<'_> {
    pub(super) fn begin(&mut self, number: usize, op: usize, place: usize) {
        if let Op::Timeout(time, _) = self.actors[number].ops[op] {
            let deadline = self.now + units(*time);
            // Where time is not told, it may have moved since.
            let maybe_known = !self.rules.time && *time == 0;
            self.actors[number].scopes.push(Scope { op, deadline, known: false, maybe_known });
            return;
        }
        if let Op::Scope { first, children, .. } = self.actors[number].ops[op] {
            let first = usize::from(*first);
            let children = first..first + children.len();
            self.actors[number].families.push(Family { op, children: children.clone() });
            children.for_each(|child| self.spawn(child, Some(number)));
            return;
        }
        self.begin_to_fall(number, op);
        let start = self.start(number, op, place);
        if start == Start::Yields && self.actors[number].killed {
            self.actors[number].hands_over = false;
        }
        let aside = start == Start::Aside;
        let is_turn = aside || start == Start::Yields;
        let (start, fixed) = if aside { (Start::Waits, Some(Fixed::Named)) } else { (start, None) };
        let is_end = matches!(self.actors[number].ops[op], Op::ScopeEnd);
        let awaits = if is_end { self.first_living(number) } else { None };
        self.actors[number].doing = Some(Doing {
            op,
            since: self.now,
            place,
            start,
            fixed,
            maybe_named: false,
            aside,
            doubted: false,
            cancel: None,
            may_ask: false,
            awaits,
        });
        if is_turn {
            self.give_turn(number);
        }
    }

    fn start(&mut self, number: usize, op: usize, place: usize) -> Start {
        match self.actors[number].ops[op] {
            op @ (Op::Take { .. } | Op::WaitReady { .. } | Op::Wait { .. }) => {
                self.start_on_source(number, op, place)
            }
            op => self.start_of_other(number, op),
        }
    }

    fn start_on_source(&mut self, number: usize, op: &Op, place: usize) -> Start {
        let side = taken_from(op).or(watched(op)).expect("it is on a side");
        let actor = &self.actors[number];
        let shares = matches!(op, Op::Wait { .. });
        match op {
            Op::Wait { .. } if self.is_waited_on(side) => Start::Busy,
            _ if !shares && self.side(side).closed => Start::Closed,
            _ if actor.killed => Start::Doomed,
            _ if actor.is_over(self.now) => Start::Expired,
            _ if self.side(side).closed => Start::Closed,
            _ if !self.side(side).is_ready() => Start::Waits,
            Op::Take { len, .. } => self.start_of_take(number, side, *len, place),
            // A scope may be known to be over, and whether it is the answer tells.
            _ if actor.scopes.iter().any(|scope| scope.maybe_known)
                && self.errs_at_once(number, place) =>
            {
                Start::Expired
            }
            _ => Start::Aside,
        }
    }

    /// Whether a call's answer, before anybody else ran, is that a scope is over.
    fn errs_at_once(&self, number: usize, place: usize) -> bool {
        self.observed.log.get(place + 1).is_some_and(|next| {
            next.actor == number && matches!(next.what, What::Ended(_, Outcome::Elapsed(_)))
        })
    }

    /// Whether a call that takes what is there gets it at once.
    fn start_of_take(&mut self, number: usize, side: u8, len: u8, place: usize) -> Start {
        // As above; where somebody else ran before it answers, it may have waited to be named.
        let is_next = self.observed.log.get(place + 1).is_some_and(|next| next.actor == number);
        let errs = self.errs_at_once(number, place)
            || (self.rules.named_first && !is_next && self.guess());
        // Whose time is up does not stand in line.
        let may_queue = !self.actors[number].scopes.iter().any(|s| s.deadline <= self.now);
        if errs || (may_queue && self.first_in_line(side).is_some()) {
            return Start::Waits;
        }
        let now = self.now;
        if self.first_in_line(side).is_some() {
            // It lets the next one try, whoever was called before.
            self.side_mut(side).touch(now);
        }
        Start::Took(self.take(side, len))
    }

    fn is_waited_on(&self, side: u8) -> bool {
        self.actors.iter().any(|actor| {
            let doing = actor.doing.as_ref().filter(|_| actor.is_alive());
            doing.is_some_and(|doing| {
                matches!(actor.ops[doing.op], Op::Wait { side: of, .. } if *of == side)
                    && matches!(doing.start, Start::Waits | Start::Yields)
            })
        })
    }

    fn start_of_other(&mut self, number: usize, op: &Op) -> Start {
        let actor = &self.actors[number];
        // Those who cannot fail unwind; what they would have had at once comes first.
        let ends = match (actor.killed, actor.is_due(self.now)) {
            (true, _) => Some(Start::Doomed),
            (_, true) => Some(Start::Unwinds),
            _ => None,
        };
        match op {
            Op::Sleep(0) | Op::Yield => ends.unwrap_or(Start::Yields),
            Op::Sleep(_) => ends.unwrap_or(Start::Waits),
            Op::WaitSet { .. } if self.is_set => Start::AtOnce(Outcome::WasSet(true)),
            Op::WaitSet { within: Some(0) } => {
                ends.unwrap_or(Start::AtOnce(Outcome::WasSet(false)))
            }
            Op::WaitSet { .. } => ends.unwrap_or(Start::Waits),
            Op::Lock if self.lock_holder == Some(number) => Start::AtOnce(Outcome::Nothing),
            Op::Lock if self.lock_holder.is_none() => {
                self.lock_holder = Some(number);
                Start::AtOnce(Outcome::Locked { poisoned: self.poisoned })
            }
            Op::Lock => ends.unwrap_or(Start::Waits),
            Op::Park { within } => ends.unwrap_or_else(|| {
                let token = std::mem::take(&mut self.actors[number].token);
                if token || *within == Some(0) {
                    Start::AtOnce(Outcome::Done)
                } else {
                    Start::Waits
                }
            }),
            Op::Join { actor, within } => self.start_of_join(usize::from(*actor), *within, ends),
            Op::ScopeEnd => ends.unwrap_or(match self.first_living(number) {
                Some(_) => Start::Waits,
                None => Start::AtOnce(Outcome::Done),
            }),
            Op::Panic => Start::Panics,
            Op::Feed { .. } => Start::Asks,
            op => self.take_effect(number, op),
        }
    }

    fn start_of_join(&mut self, of: usize, within: Option<u8>, ends: Option<Start>) -> Start {
        let target = &mut self.actors[of];
        if !target.has_handle {
            return Start::AtOnce(Outcome::Nothing);
        }
        if ends.is_some() || target.gone.is_some() || within != Some(0) {
            target.has_handle = false;
        }
        match (ends, target.gone) {
            (Some(ends), _) => ends,
            (None, Some(end)) => {
                target.joined = true;
                Start::AtOnce(Outcome::Joined(end))
            }
            (None, None) if within == Some(0) => Start::AtOnce(Outcome::TimedOut),
            (None, None) => Start::Waits,
        }
    }

    /// What calls that never wait do to others.
    fn take_effect(&mut self, number: usize, op: &Op) -> Start {
        match op {
            Op::Cancel { side, code } => {
                let hit = |op: &Op| matches!(op, Op::Wait { side: of, .. } if of == side);
                self.fix(hit, Fixed::Cancelled(*code));
            }
            Op::Close(side) => self.close(*side),
            Op::Shutdown { stream, how } => {
                return Start::AtOnce(self.shut_down(*stream, *how));
            }
            Op::Kill(whom) => return self.kill(number, usize::from(*whom)),
            Op::Set => {
                self.is_set = true;
                self.fix(|op| matches!(op, Op::WaitSet { .. }), Fixed::Named);
            }
            Op::Clear => self.is_set = false,
            Op::Unlock => {
                if self.lock_holder != Some(number) {
                    return Start::AtOnce(Outcome::Nothing);
                }
                self.release(number, false);
            }
            Op::Unpark(whom) => return Start::AtOnce(self.unpark(usize::from(*whom))),
            Op::Spawn(whom) => self.spawn(usize::from(*whom), None),
            other => unreachable!("{other:?} does nothing to others"),
        }
        Start::AtOnce(Outcome::Done)
    }

    fn spawn(&mut self, whom: usize, owner: Option<usize>) {
        let actor = &mut self.actors[whom];
        actor.born = true;
        actor.has_handle = true;
        actor.owner = owner;
        self.give_turn(whom);
    }
}
