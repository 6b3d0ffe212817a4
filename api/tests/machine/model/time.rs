//! How time moves: what arrives, whose deadline comes, and that all had run before.

use std::time::Duration;

use super::actor::{Fixed, Start, taken_from, watched};
use super::{Model, Verdict, demand};
use crate::machine::program::{Op, units};

impl Model<'_> {
    pub(super) fn advance(&mut self, to: Duration) -> Verdict {
        demand(to >= self.now, "time went backwards")?;
        while self.now < to {
            self.settled()?;
            let arrival = self.program.arrivals.get(self.arrived).map(|next| units(next.at));
            let deadlines = self.actors.iter().filter_map(|actor| actor.deadline());
            let later = arrival.into_iter().chain(deadlines).filter(|&at| at > self.now);
            self.now = later.chain([to]).min().expect("at least one");
            self.arrive();
            self.expire();
        }
        Ok(())
    }

    /// Time may move: everyone who had reason to run has run.
    fn settled(&self) -> Verdict {
        demand(self.unwinding.is_empty(), "time moves amid an unwinding")?;
        for (number, actor) in self.actors.iter().enumerate().filter(|(_, a)| a.is_alive()) {
            let late =
                |why: &str| Err(format!("g{number} {why}, and has not run while time moves"));
            if actor.killed {
                return late("was killed");
            }
            if !actor.started {
                return late("was started");
            }
            let Some(doing) = &actor.doing else { continue };
            match (&doing.start, doing.fixed, actor.ops[doing.op]) {
                (Start::Yields | Start::Scope, ..) => {}
                _ if doing.aside => {}
                (Start::Waits, None, _) if doing.maybe_named => return late("can go on"),
                (Start::Waits, None, Op::Lock) if self.lock_holder.is_none() => {
                    return late("waits for a lock that is free");
                }
                (Start::Waits, None, op) => {
                    if taken_from(op).is_some_and(|side| self.side(side).is_ready()) {
                        return late("waits for what is there");
                    }
                }
                (_, fixed, _) => return late(&format!("had to end its call ({fixed:?})")),
            }
        }
        Ok(())
    }

    fn arrive(&mut self) {
        self.turns += 1;
        while let Some(arrival) = self.program.arrivals.get(self.arrived) {
            if units(arrival.at) > self.now {
                return;
            }
            self.arrived += 1;
            let now = self.now;
            self.side_mut(arrival.side).arrive(arrival.count, now);
            if self.side(arrival.side).closed {
                continue;
            }
            // The order among those who are named in one tick is the world's.
            let turns = self.turns;
            self.fix(|op| watched(op) == Some(arrival.side), Fixed::Named);
            for actor in &mut self.actors {
                actor.turn = actor.turn.map(|turn| turn.min(turns));
            }
            self.turns = turns;
        }
    }

    fn expire(&mut self) {
        let mut due: Vec<(Duration, usize, usize)> = Vec::new();
        for (number, actor) in self.actors.iter().enumerate() {
            let Some(at) = actor.deadline().filter(|&at| at <= self.now) else { continue };
            if let Some((_, doing)) = actor.waiting() {
                due.push((at, doing.place, number));
            }
        }
        due.sort();
        for (_, place, number) in due {
            let side = self.actors[number].waiting().and_then(|(op, _)| taken_from(op));
            let first = side.and_then(|side| self.first_in_line(side));
            let Some((op, doing)) = self.actors[number].waiting_mut() else { continue };
            if doing.fixed.is_none() {
                doing.fixed = Some(Fixed::Deadline);
                doing.may_ask = first.is_some_and(|(first, _)| first < place);
                // Calls that were woken in vain have set their timer anew.
                let in_vain = match op {
                    Op::WaitSet { .. } | Op::Lock => true,
                    Op::ScopeEnd => doing.awaits.is_none(),
                    op => taken_from(op).is_some(),
                };
                if !in_vain && !doing.doubted {
                    self.give_turn(number);
                }
            }
        }
    }

    /// Fixes the outcome of all who wait in such a call and whose outcome is open, in the order
    /// they came.
    pub(super) fn fix(&mut self, of: impl Fn(&Op) -> bool, how: Fixed) {
        let mut hit: Vec<(usize, usize)> = Vec::new();
        for (number, actor) in self.actors.iter().enumerate() {
            let Some((op, doing)) = actor.waiting() else { continue };
            if of(op) {
                hit.push((doing.place, number));
            }
        }
        hit.sort();
        for (_, number) in hit {
            self.fix_one(number, how);
        }
    }

    pub(super) fn fix_one(&mut self, number: usize, how: Fixed) {
        let is_known = self.wakes_at_once(number);
        let Some((op, doing)) = self.actors[number].waiting_mut() else { return };
        // What is no report of a source counts for whoever has not run yet, even if its time is up.
        let late = how == Fixed::Named && watched(op).is_none();
        let named = doing.fixed == Some(Fixed::Named) && watched(op).is_some();
        if named && how == Fixed::Closed {
            doing.fixed = Some(how);
        } else if named && matches!(how, Fixed::Cancelled(_)) {
            doing.cancel = doing.cancel.or(Some(how));
        } else if doing.fixed.is_none() {
            doing.fixed = Some(how);
            if is_known {
                self.give_turn(number);
            }
        } else if late {
            doing.fixed = Some(how);
        }
    }

    /// Whether whatever ends this actor's wait now is what makes it runnable.
    pub(super) fn wakes_at_once(&self, number: usize) -> bool {
        let Some((op, doing)) = self.actors[number].waiting() else { return false };
        let untouched = |side| self.side(side).touches(self.now) == 0;
        let quiet = match op {
            Op::Lock => false,
            Op::WaitSet { .. } => !self.sets_passed_on,
            Op::ScopeEnd => {
                self.actors[number].doing.as_ref().is_some_and(|doing| doing.awaits.is_some())
            }
            op => taken_from(op).is_none_or(untouched),
        };
        quiet && doing.fixed.is_none() && !doing.maybe_named && !doing.doubted
    }
}
