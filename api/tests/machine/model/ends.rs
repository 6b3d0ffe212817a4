//! How calls end.

use super::actor::{Doing, Fixed, Start, taken_from, watched};
use super::{Model, Verdict, demand};
use crate::machine::log::Outcome;
use crate::machine::program::{Op, units};

impl Model<'_> {
    pub(super) fn call_ended(
        &mut self,
        number: usize,
        place: usize,
        doing: Doing,
        outcome: &Outcome,
    ) -> Verdict {
        let op = self.actors[number].ops[doing.op];
        if let Outcome::Elapsed(_) = outcome {
            return self.elapsed(number, &doing, outcome);
        }
        let (at_once, switched_nowhere) = (doing.since == self.now, place == doing.place + 1);
        match &doing.start {
            Start::Took(took) => {
                demand(outcome == took, &format!("it had {took:?} when it began"))?;
                let stayed = at_once && (self.rules.interrupts || switched_nowhere);
                return demand(stayed, "it had no need to switch");
            }
            Start::AtOnce(expected) => {
                let shut = matches!(op, Op::Shutdown { stream, .. } if
                    *outcome == Outcome::NotConnected && self.side(*stream).has_ended());
                demand(outcome == expected || shut, &format!("it had {expected:?} at once"))?;
                return demand(at_once && switched_nowhere, "it may not switch");
            }
            Start::Asks => return self.fed(op, outcome),
            _ if doing.aside || doing.start == Start::Yields => {
                for scope in &mut self.actors[number].scopes {
                    scope.maybe_known |= scope.deadline <= self.now;
                }
            }
            _ => {}
        }
        match op {
            Op::Take { side, len, within } => {
                self.take_ended(number, &doing, (*side, *len, *within), outcome)
            }
            Op::WaitReady { side, within } | Op::Wait { side, within } => {
                self.wait_ended(&doing, (*side, *within), outcome)
            }
            op => self.other_ended(number, &doing, op, outcome),
        }
    }

    fn fed(&mut self, op: &Op, outcome: &Outcome) -> Verdict {
        if let (Op::Feed { side, count }, Outcome::Done) = (op, outcome) {
            let now = self.now;
            demand(!self.side(*side).closed, "nothing arrives where all is closed")?;
            self.side_mut(*side).arrive(*count, now);
            self.name_soon(*side);
        }
        Ok(())
    }

    fn other_ended(&mut self, number: usize, doing: &Doing, op: &Op, outcome: &Outcome) -> Verdict {
        let own = |within: Option<u8>| within.is_some_and(|n| self.now == doing.since + units(n));
        let named = doing.fixed == Some(Fixed::Named);
        let over = self.actors[number].is_over(self.now);
        let waits = matches!(doing.start, Start::Waits | Start::Yields);
        demand(waits, "it could not go on")?;
        match (op, outcome) {
            (Op::Sleep(time), Outcome::Done) => {
                demand(self.now >= doing.since + units(*time), "it slept too short")?;
                demand(!over, "its scope was over")
            }
            (Op::Yield, Outcome::Done) => demand(!over, "its scope was over"),
            (Op::WaitSet { within }, Outcome::WasSet(was)) => {
                let set = self.is_set || named;
                demand(*was == set, "the flag says otherwise")?;
                demand(set || own(*within), "its time was not up")
            }
            (Op::Park { within }, Outcome::Done) => {
                self.actors[number].token = false;
                demand(named || own(*within), "nobody unparked it")
            }
            (Op::Join { actor, within }, Outcome::TimedOut) => {
                demand(!named && own(*within), "its time was not up")?;
                self.actors[usize::from(*actor)].has_handle = true;
                Ok(())
            }
            (Op::Join { actor, .. }, Outcome::Joined(end)) => {
                let target = &mut self.actors[usize::from(*actor)];
                target.joined = true;
                demand(target.gone == Some(*end), &format!("that one ended {:?}", target.gone))
            }
            (Op::Lock, Outcome::Locked { poisoned }) => self.locked(number, doing, *poisoned),
            _ => Err("no such outcome".into()),
        }
    }

    fn locked(&mut self, number: usize, doing: &Doing, poisoned: bool) -> Verdict {
        demand(self.lock_holder.is_none(), "somebody holds the lock")?;
        demand(poisoned == self.poisoned, "poison is told wrong")?;
        self.lock_holder = Some(number);
        let before = self.actors.iter().position(|other| {
            let waiting = other.waiting().filter(|(op, _)| matches!(op, Op::Lock));
            waiting.is_some_and(|(_, theirs)| theirs.fixed.is_none() && theirs.place < doing.place)
        });
        // Whose scope is over tries once more, wherever it stands.
        let last_try = doing.fixed == Some(Fixed::Deadline);
        match before.filter(|_| self.rules.wake_order && !last_try) {
            Some(other) => Err(format!("it overtook g{other}")),
            None => Ok(()),
        }
    }

    fn take_ended(
        &mut self,
        number: usize,
        doing: &Doing,
        (side, len, within): (u8, u8, Option<u8>),
        outcome: &Outcome,
    ) -> Verdict {
        if self.side(side).closed {
            return demand(*outcome == Outcome::Ebadf, "it is closed");
        }
        demand(doing.start == Start::Waits, "its outcome was known when it began")?;
        let overtaken = self.first_in_line(side).filter(|&(place, _)| place < doing.place);
        match outcome {
            Outcome::WouldBlock => {
                let up = within.is_some_and(|limit| self.now == doing.since + units(limit));
                demand(up, "its time was not up")?;
                demand(!self.side(side).is_ready(), "data wins")
            }
            Outcome::Bytes(_) | Outcome::Moved(_) | Outcome::Epipe => {
                demand(self.side(side).is_ready(), "there is nothing")?;
                let next = self.take(side, len);
                demand(*outcome == next, &format!("next was {next:?}"))?;
                // Several may have been called at once; they run in what order the world likes.
                let calls = self.side(side).touches(self.now) + u8::from(self.is_asked_about(side));
                let called = !self.rules.wake_order && calls > 1;
                if doing.fixed == Some(Fixed::Deadline) {
                    // It was not called, and lets the next one try all the same.
                    let now = self.now;
                    self.side_mut(side).touch(now);
                }
                match overtaken {
                    Some((_, other)) if other != number && !called => {
                        Err(format!("it overtook g{other}"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Err("no such outcome".into()),
        }
    }

    /// Whether somebody in line whose time is up may have asked for what no poll had named, and
    /// called the first of those before it.
    fn is_asked_about(&self, side: u8) -> bool {
        self.actors
            .iter()
            .filter_map(|actor| actor.waiting())
            .any(|(op, doing)| taken_from(op) == Some(side) && doing.may_ask)
    }

    fn wait_ended(
        &self,
        doing: &Doing,
        (side, within): (u8, Option<u8>),
        outcome: &Outcome,
    ) -> Verdict {
        let up = within.is_some_and(|limit| self.now == doing.since + units(limit));
        let from = self.side(side);
        let legal = match (&doing.start, doing.fixed) {
            (Start::Busy, _) => *outcome == Outcome::Busy && self.now == doing.since,
            (Start::Closed, _) => *outcome == Outcome::Ebadf && self.now == doing.since,
            // Whether it was named before its end came does not show.
            (Start::Waits, _) if doing.maybe_named && *outcome == Outcome::Ready => true,
            (Start::Waits, Some(Fixed::Named)) => *outcome == Outcome::Ready,
            (Start::Waits, Some(Fixed::Closed)) => *outcome == Outcome::Ebadf,
            (Start::Waits, Some(Fixed::Cancelled(None))) => *outcome == Outcome::Ebadf,
            (Start::Waits, Some(Fixed::Cancelled(Some(code)))) => {
                *outcome == Outcome::Cancelled(code)
            }
            (Start::Waits, Some(Fixed::Deadline)) if from.closed => *outcome == Outcome::Ebadf,
            (Start::Waits, Some(Fixed::Deadline)) if from.is_ready() => *outcome == Outcome::Ready,
            (Start::Waits, Some(Fixed::Deadline)) => up && *outcome == Outcome::TimedOut,
            (Start::Waits, None) => within == Some(0) && *outcome == Outcome::TimedOut && up,
            _ => false,
        };
        demand(legal, &format!("its outcome was fixed: {:?}", doing.fixed))?;
        demand(*outcome != Outcome::Ready || from.is_ready(), "it is told what is not so")
    }

    /// Whether such a call fails by its answer when a scope is over.
    pub(super) fn can_fail(op: &Op) -> bool {
        taken_from(op).is_some() || watched(op).is_some()
    }
}
