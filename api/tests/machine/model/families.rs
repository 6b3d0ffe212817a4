//! What `scope` does: who waits for whom, and who is ended in place when one unwinds.

use super::actor::{Actor, Doing, Fixed, Scope, Start};
use super::{Model, Verdict, demand};
use crate::machine::log::{End, Entry, Outcome, What};
use crate::machine::program::Op;

impl Model<'_> {
    /// The first child of an actor's innermost scope that is not over.
    pub(super) fn first_living(&self, number: usize) -> Option<usize> {
        let mut children = self.actors[number].families.last()?.children.clone();
        children.find(|&child| self.actors[child].is_alive())
    }

    /// An actor is over. The end of a scope may have waited for it.
    pub(super) fn tell_owner(&mut self, child: usize) {
        let Some(owner) = self.actors[child].owner else { return };
        if self.unwinding.contains(&owner) {
            return;
        }
        let is_last = self.first_living(owner).is_none();
        match self.actors[owner].waiting_mut() {
            Some((Op::ScopeEnd, _)) if is_last => self.fix_one(owner, Fixed::Named),
            Some((Op::ScopeEnd, doing)) => doing.awaits = doing.awaits.filter(|&of| of != child),
            _ => {}
        }
    }

    pub(super) fn family_ended(
        &mut self,
        number: usize,
        op: usize,
        outcome: &Outcome,
        doing: Option<Doing>,
        place: usize,
    ) -> Verdict {
        demand(self.unwinding.last() != Some(&number), "it goes on though it unwinds")?;
        let doing = doing.ok_or("its body was not over")?;
        let is_its = self.actors[number].families.last().is_some_and(|family| family.op == op);
        let is_end = matches!(self.actors[number].ops[doing.op], Op::ScopeEnd);
        demand(is_its && is_end && *outcome == Outcome::Done, "it ended amid a call")?;
        demand(!self.has_mourned(number), "it should have panicked")?;
        demand(!self.actors[number].falls, "it goes on though it panicked")?;
        match doing.start {
            Start::AtOnce(_) => {
                demand(place == doing.place + 1 && doing.since == self.now, "it may not switch")?
            }
            Start::Waits => {
                demand(doing.fixed == Some(Fixed::Named), "it returns before its children")?
            }
            _ => return Err("it was to unwind".into()),
        }
        self.close_family(number, false)
    }

    /// Whether a child of an actor's innermost scope panicked and nobody joined it.
    fn has_mourned(&self, number: usize) -> bool {
        self.unjoined_panics(number) > 0
    }

    fn unjoined_panics(&self, number: usize) -> usize {
        let Some(family) = self.actors[number].families.last() else { return 0 };
        let children = &self.actors[family.children.clone()];
        let panicked = |child: &&Actor<'_>| child.gone == Some(End::Panicked) && !child.joined;
        children.iter().filter(panicked).count()
    }

    /// Whether an actor's scope is over, and panics with the panic of a child.
    pub(super) fn mourns(&self, number: usize) -> bool {
        let actor = &self.actors[number];
        let ends = actor.doing.as_ref().is_some_and(|doing| {
            let over = doing.start == Start::AtOnce(Outcome::Done)
                || (doing.start == Start::Waits && doing.fixed == Some(Fixed::Named));
            over && matches!(actor.ops[doing.op], Op::ScopeEnd)
        });
        ends && !actor.killed && !actor.falls && self.has_mourned(number)
    }

    /// A panic has come to the end of a scope, if this is one: timeouts inside it are gone.
    pub(super) fn begin_to_fall(&mut self, number: usize, op: usize) {
        let actor = &mut self.actors[number];
        let panics = actor.doing.as_ref().is_some_and(|doing| doing.start == Start::Panics);
        if !panics || !matches!(actor.ops[op], Op::ScopeEnd) {
            return;
        }
        actor.falls = true;
        let scope = actor.families.last().map_or(0, |family| family.op);
        actor.scopes.retain(|timeout| timeout.op < scope);
    }

    /// An actor leaves a scope by a panic: its body's, once the children are over, or a child's.
    pub(super) fn fall(&mut self, number: usize, op: usize, place: usize) -> Verdict {
        let actor = &self.actors[number];
        let doing = actor.doing.as_ref().ok_or("it was not at a scope's end")?;
        let is_its = actor.families.last().is_some_and(|family| family.op == op);
        let is_end = matches!(actor.ops[doing.op], Op::ScopeEnd);
        demand(is_its && is_end, "it was not at that scope's end")?;
        let passes_on = !actor.falls;
        if self.unwinding.pop_if(|top| *top == number).is_none() {
            let over = match doing.start {
                Start::AtOnce(_) => place == doing.place + 1 && doing.since == self.now,
                _ => doing.fixed == Some(Fixed::Named),
            };
            match passes_on {
                true => demand(self.mourns(number), "it had no panic to pass on")?,
                false if over && !actor.killed => {}
                false => self.may_be_cut_short(number, place)?,
            }
        }
        self.close_family(number, passes_on)?;
        let actor = &mut self.actors[number];
        actor.falls = true;
        let doing = actor.doing.as_mut().expect("it is at the end of its scope");
        (doing.start, doing.fixed) = (Start::Panics, None);
        Ok(())
    }

    /// One that panics waits for its children: a kill or an expiry ends that.
    fn may_be_cut_short(&mut self, number: usize, place: usize) -> Verdict {
        let actor = &self.actors[number];
        let doing = actor.doing.as_ref().ok_or("nobody killed it")?;
        let due = |scope: &Scope| scope.known || scope.deadline <= self.now;
        match actor.scopes.iter().position(due) {
            _ if actor.killed => Ok(()),
            Some(index) => self.unwound(number, index, doing, place),
            None => self.is_stuck(),
        }
    }

    /// An actor leaves its innermost scope, which may pass the first panic of its children on.
    pub(super) fn close_family(&mut self, number: usize, passes_on: bool) -> Verdict {
        if let Some(child) = self.first_living(number) {
            return Err(format!("g{child} outlives its scope"));
        }
        self.lost_panics += self.unjoined_panics(number) - usize::from(passes_on);
        self.actors[number].families.pop();
        Ok(())
    }

    /// An actor unwound to this operation, out of the scopes in it.
    pub(super) fn close_families(&mut self, number: usize, to: usize) -> Verdict {
        while self.actors[number].families.last().is_some_and(|family| family.op >= to) {
            self.close_family(number, false)?;
        }
        Ok(())
    }

    // Unwinding.

    /// Whose turn a line is part of: whoever is ended in place runs in the turn of its owner.
    pub(super) fn whose_turn(&mut self, place: usize, entry: &Entry) -> Result<usize, String> {
        let number = entry.actor;
        if self.unwinding.is_empty() {
            let Some(owner) = self.actors[number].owner else { return Ok(number) };
            if !self.is_ended_in_place(number, owner, place) {
                return Ok(number);
            }
            self.unwind(owner, place)?;
        }
        self.descend(number, place)?;
        Ok(self.unwinding[0])
    }

    /// Whether a child of a scope runs here because its owner unwinds.
    fn is_ended_in_place(&mut self, number: usize, owner: usize, place: usize) -> bool {
        let actor = &self.actors[number];
        let took = |doing: &Doing| matches!(doing.start, Start::Took(_));
        // Whoever was killed before, or has what a call took, could also have its own turn here.
        let may_be = match self.observed.log[place].what {
            What::Left(End::Killed) if !actor.killed => return true,
            What::Left(End::Killed) | What::Fell(_) => true,
            What::Ended(..) => self.rules.interrupts && actor.doing.as_ref().is_some_and(took),
            _ => false,
        };
        may_be && self.may_unwind_here(owner, place) && self.guess()
    }

    /// Whether from this line on until an actor unwinds, nobody runs but those in its scopes.
    fn may_unwind_here(&self, owner: usize, place: usize) -> bool {
        let log = &self.observed.log[place..];
        let Some(next) = log.iter().position(|entry| entry.actor == owner) else { return false };
        let unwinds = match &log[next].what {
            What::Left(end) => *end == End::Killed,
            What::Fell(_) => true,
            What::Ended(op, outcome) => {
                matches!(self.actors[owner].ops[*op], Op::Timeout(..)) && *outcome != Outcome::Done
            }
            What::Began(_) => false,
        };
        unwinds && log[..next].iter().all(|entry| self.descends(entry.actor, owner))
    }

    fn descends(&self, number: usize, from: usize) -> bool {
        let mut owner = self.actors[number].owner;
        while let Some(of) = owner.filter(|&of| of != from) {
            owner = self.actors[of].owner;
        }
        owner.is_some()
    }

    /// An actor unwinds here, to where its next line says, and ends the children it has left.
    fn unwind(&mut self, number: usize, place: usize) -> Verdict {
        let mut to_come = self.observed.log[place..].iter();
        let next = to_come.find(|entry| entry.actor == number).ok_or("nobody killed it")?;
        let actor = &self.actors[number];
        let is_ended = match next.what {
            What::Left(End::Killed) => !actor.killed,
            What::Fell(_) => !actor.killed && !actor.is_due(self.now),
            _ => false,
        };
        if let (true, Some(owner)) = (is_ended, actor.owner) {
            // Another scope's owner unwinds, and this one in it.
            self.unwind(owner, place)?;
            return Ok(());
        }
        match &next.what {
            What::Left(End::Killed) => self.may_leave(number, End::Killed)?,
            What::Fell(_) if actor.falls => self.may_be_cut_short(number, place)?,
            What::Ended(op, Outcome::Elapsed(_)) if self.is_timeout(number, *op) => {
                let doing = actor.doing.as_ref().ok_or("nobody killed it")?;
                let index = self.scope_index(number, *op)?;
                self.unwound(number, index, doing, place)?;
            }
            _ => return Err("nobody killed it".into()),
        }
        self.unwinding.push(number);
        self.strike_children(number);
        Ok(())
    }

    fn is_timeout(&self, number: usize, op: usize) -> bool {
        matches!(self.actors[number].ops[op], Op::Timeout(..))
    }

    /// Kills who is left of an actor's innermost scope. They run in its turn.
    fn strike_children(&mut self, number: usize) {
        let Some(family) = self.actors[number].families.last() else { return };
        for child in family.children.clone() {
            self.strike(child);
            self.actors[child].turn = None;
        }
    }

    /// Those who unwind end their children one by one, in the order they were spawned, and nobody
    /// else runs meanwhile.
    fn descend(&mut self, number: usize, place: usize) -> Verdict {
        loop {
            let top = *self.unwinding.last().expect("somebody unwinds");
            if top == number {
                return Ok(());
            }
            let mut child = number;
            while self.actors[child].owner != Some(top) {
                let owner = self.actors[child].owner;
                child = owner.ok_or_else(|| format!("g{top} unwinds, and is not done with it"))?;
            }
            self.open_family_of(top, child)?;
            match self.first_living(top) {
                Some(first) if first != child => {
                    return Err(format!("g{first} was spawned before it, and ends first"));
                }
                _ if child == number => return Ok(()),
                _ => self.unwind(child, place)?,
            }
        }
    }

    /// An unwinding comes to the scope that this child is of.
    fn open_family_of(&mut self, number: usize, child: usize) -> Verdict {
        loop {
            let family = self.actors[number].families.last().ok_or("its scope is over")?;
            if family.children.contains(&child) {
                return Ok(());
            }
            self.close_family(number, false)?;
            self.strike_children(number);
        }
    }
}
