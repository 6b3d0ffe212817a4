//! What actors do to what they share, and to each other.

use super::Model;
use super::actor::{Fixed, Start, taken_from, watched};
use crate::machine::log::Outcome;
use crate::machine::program::{How, Op};

impl Model<'_> {
    /// Closes the handle that a side is of: its readers wake, then its writers, then watchers.
    pub(super) fn close(&mut self, side: u8) {
        let stream = self.program.stream(side);
        let sides: Vec<u8> = match stream {
            Some(stream) => [Some(stream), self.program.room_of(stream)].into_iter().flatten(),
            None => [Some(side), None].into_iter().flatten(),
        }
        .collect();
        for &side in &sides {
            if self.side(side).closed {
                return;
            }
            self.side_mut(side).closed = true;
        }
        for &side in &sides {
            self.fix(|op| taken_from(op) == Some(side), Fixed::Closed);
        }
        let watches = |op: &Op| watched(op).is_some_and(|side| sides.contains(&side));
        self.fix(watches, Fixed::Closed);
    }

    /// Ends one direction of a stream, or both. Who waits for it is named soon.
    pub(super) fn shut_down(&mut self, stream: u8, how: How) -> Outcome {
        if self.side(stream).closed {
            return Outcome::Ebadf;
        }
        let now = self.now;
        for side in [Some(stream), self.program.room_of(stream)].into_iter().flatten() {
            self.side_mut(side).touch(now);
        }
        if how.reads() {
            self.side_mut(stream).end();
            self.name_soon(stream);
        }
        if let Some(room) = self.program.room_of(stream).filter(|_| how.writes()) {
            self.side_mut(room).broken = true;
            self.name_soon(room);
        }
        Outcome::Done
    }

    /// Somebody takes from a side. Whoever was named for that goes on to wait, if it was all.
    pub(super) fn take(&mut self, side: u8, len: u8) -> Outcome {
        let taken = self.side_mut(side).take(len);
        if !self.side(side).is_ready() {
            for number in 0..self.actors.len() {
                self.doubt(number, side);
            }
        }
        taken
    }

    fn doubt(&mut self, number: usize, side: u8) {
        let (now, actor) = (self.now, &mut self.actors[number]);
        let is_over = actor.deadline().is_some_and(|at| at <= now);
        let Some((op, doing)) = actor.waiting_mut() else { return };
        let was_named = doing.fixed == Some(Fixed::Named) || doing.maybe_named;
        if watched(op) == Some(side) && was_named {
            doing.maybe_named = false;
            doing.doubted = true;
            doing.fixed = is_over.then_some(Fixed::Deadline).or(doing.cancel.take());
            actor.turn = None;
        }
    }

    /// What watches this side is called when the world is next looked at.
    pub(super) fn name_soon(&mut self, side: u8) {
        for actor in &mut self.actors {
            if let Some((op, doing)) = actor.waiting_mut()
                && watched(op) == Some(side)
            {
                doing.maybe_named |= doing.fixed.is_none();
            }
        }
    }

    /// An actor lets go of the lock, if it holds it.
    pub(super) fn release(&mut self, number: usize, panics: bool) {
        if self.lock_holder == Some(number) {
            self.lock_holder = None;
            self.poisoned |= panics;
        }
    }

    pub(super) fn unpark(&mut self, whom: usize) -> Outcome {
        if !self.actors[whom].ran {
            return Outcome::Nothing;
        }
        self.actors[whom].token = true;
        let is_it =
            self.actors[whom].waiting().is_some_and(|(op, _)| matches!(op, Op::Park { .. }));
        if is_it {
            self.fix_park(whom);
        }
        Outcome::Done
    }

    fn fix_park(&mut self, whom: usize) {
        let known = self.wakes_at_once(whom);
        let Some((_, doing)) = self.actors[whom].waiting_mut() else { return };
        doing.fixed = Some(Fixed::Named);
        if known {
            self.give_turn(whom);
        }
    }

    /// A kill reaches whoever has a handle to be killed by. One who was killed meets that first.
    pub(super) fn kill(&mut self, killer: usize, whom: usize) -> Start {
        if !self.actors[whom].has_handle {
            return Start::AtOnce(Outcome::Nothing);
        }
        let known = self.wakes_at_once(whom);
        self.strike(whom);
        if known {
            self.give_turn(whom);
        }
        match self.actors[killer].killed {
            true => Start::Doomed,
            false => Start::AtOnce(Outcome::Done),
        }
    }

    pub(super) fn strike(&mut self, whom: usize) {
        if let Some((Op::WaitSet { .. }, doing)) = self.actors[whom].waiting() {
            self.sets_passed_on |= doing.fixed == Some(Fixed::Named);
        }
        self.actors[whom].kill();
    }
}
