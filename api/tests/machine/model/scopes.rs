//! What `timeout` does: which scope a call's failure names, and how scopes end.

use super::actor::{Doing, Fixed, Scope, Start, taken_from, watched};
use super::{Model, Verdict, demand};
use crate::machine::log::{Outcome, What};
use crate::machine::program::Op;

impl Model<'_> {
    /// A fallible call answers that a scope is over.
    pub(super) fn elapsed(&mut self, number: usize, doing: &Doing, outcome: &Outcome) -> Verdict {
        let op = self.actors[number].ops[doing.op];
        let side = taken_from(op).or(watched(op)).ok_or("such a call cannot fail")?;
        let from = self.side(side);
        let legal_start = matches!(doing.start, Start::Expired | Start::Waits | Start::Yields);
        let scopes = &self.actors[number].scopes;
        let maybe_known = scopes.iter().any(|scope| scope.maybe_known);
        demand(legal_start || maybe_known, "it had another error at once")?;
        if doing.start != Start::Expired && !maybe_known {
            demand(!from.closed, "it is closed")?;
            demand(!from.is_ready(), "data wins")?;
            let open = matches!(doing.fixed, None | Some(Fixed::Deadline));
            demand(open, "its outcome was fixed")?;
        }
        // Which of them: the outermost that is over; at the very tick, also one inside it.
        let now = self.now;
        let named = self.scope_of(outcome);
        let over = |scope: &Scope| scope.known || scope.maybe_known || scope.deadline <= now;
        let first_known = scopes.iter().position(|s| s.known || s.deadline < now);
        let index = match named {
            Some((who, op)) => {
                demand(who == number, "it is another greenlet's scope")?;
                scopes.iter().position(|scope| scope.op == op)
            }
            // Its greenlet was ended before the scope could say so: one of those that are over.
            None => scopes.iter().position(over),
        };
        let index = index.ok_or("it is not inside that scope")?;
        demand(over(&scopes[index]), "that scope is not over")?;
        demand(first_known.is_none_or(|first| first >= index), "a scope further out was over")?;
        self.actors[number].scopes[index].known = true;
        Ok(())
    }

    /// The scope whose own end carries this identity, if it got to its end.
    fn scope_of(&self, outcome: &Outcome) -> Option<(usize, usize)> {
        self.observed.log.iter().find_map(|entry| match &entry.what {
            What::Ended(op, other) if other == outcome => {
                let is_scope = matches!(self.actors[entry.actor].ops[*op], Op::Timeout(..));
                is_scope.then_some((entry.actor, *op))
            }
            _ => None,
        })
    }

    pub(super) fn scope_ended(
        &mut self,
        number: usize,
        op: usize,
        outcome: &Outcome,
        unwound: Option<Doing>,
        place: usize,
    ) -> Verdict {
        let actor = &self.actors[number];
        let index = self.scope_index(number, op)?;
        let inner = actor.scopes.len() - 1 - index;
        let scope = &actor.scopes[index];
        match outcome {
            Outcome::Done => {
                demand(unwound.is_none() && inner == 0, "it returned amid a call")?;
                demand(!scope.known, "it was known to be over")?;
            }
            Outcome::Elapsed(_) => {
                demand(scope.deadline <= self.now, "its time had not come")?;
                match unwound {
                    Some(_) if self.unwinding.last() == Some(&number) => {}
                    Some(doing) => self.unwound(number, index, &doing, place)?,
                    None => demand(
                        scope.known || scope.maybe_known,
                        "nothing told it that its time was up",
                    )?,
                }
            }
            _ => return Err("no such outcome".into()),
        }
        self.unwinding.pop_if(|top| *top == number);
        self.actors[number].scopes.truncate(index);
        self.close_families(number, op)
    }

    pub(super) fn scope_index(&self, number: usize, op: usize) -> Result<usize, String> {
        let index = self.actors[number].scopes.iter().position(|scope| scope.op == op);
        index.ok_or("it was not inside that scope".into())
    }

    /// A call that cannot fail unwound to this scope.
    pub(super) fn unwound(
        &self,
        number: usize,
        index: usize,
        doing: &Doing,
        place: usize,
    ) -> Verdict {
        let actor = &self.actors[number];
        let (around, scope) = (&actor.scopes[..index], &actor.scopes[index]);
        let op = actor.ops[doing.op];
        demand(!Self::can_fail(op), "only calls that cannot fail unwind")?;
        let due = |scope: &Scope| scope.known || scope.deadline <= self.now;
        demand(!around.iter().any(due), "a scope further out was over")?;
        match doing.start {
            Start::Unwinds => demand(place == doing.place + 1, "it may not switch"),
            Start::Yields => Ok(()),
            Start::Waits => {
                demand(doing.fixed != Some(Fixed::Named), "what it waited for came in time")?;
                let held = !matches!(op, Op::Lock) || self.lock_holder.is_some();
                demand(held, "the lock was free")?;
                demand(self.now == scope.deadline.max(doing.since), "it unwound too late")
            }
            _ => Err("it had its outcome when it began".into()),
        }
    }
}
