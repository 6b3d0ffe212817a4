//! What programs and the driver tell the world: their own choices, and notes for the trace.

use greenroom::hub::{Note, On, Runnable, SwitchPoint, WokeBy};

use crate::choices::{self, Decision, Draw, Entity, Ns, Number};
use crate::id::GreenletIndex;
use crate::socket::NO_SOCKET;
use crate::trace::event::{Program, Schedule, WaitEnd, What};
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    /// A choice of the program's own: a site of its own below the greenlet's.
    pub(crate) fn choose_for(&mut self, label: &str, arity: u32) -> u32 {
        let Some(slot) = self.current else { return 0 };
        let (above, own) = (self.greenlets[slot].entity.path, self.greenlets[slot].entity.hash);
        let key = choices::mix(own, choices::hash_bytes(label.as_bytes()));
        let paths = &mut self.paths;
        let entity = self.user_choices.entry(key).or_insert_with(|| {
            let path = paths.child(Some(above), &format!(":{label}"), 1);
            Entity::new(path, paths.hash(path))
        });
        let sample = |draw: &mut Draw| Number(draw.below(arity.into()));
        let Number(value) = self.choices.pick(entity, Decision::User, sample);
        let value = value.min(u64::from(arity) - 1);
        let label = self.trace.text(label);
        self.record(Actor::Running, Program::Chose { label, value });
        value as u32
    }

    pub(crate) fn take_note(&mut self, note: &Note<'_>) {
        match *note {
            Note::Parked(wait) => {
                self.stirred = true;
                if self.unasked_switches > 0 {
                    self.waits_after_all(wait.on);
                }
                let socket = self.number_of(wait.on);
                self.record(Actor::Running, Schedule::Park { call: wait.op, socket });
            }
            Note::Woke(wait, by, waited) => {
                self.stirred = true;
                let (socket, waited) = (self.number_of(wait.on), Ns(waited.as_nanos() as u64));
                let end = match by {
                    WokeBy::Event => WaitEnd::Event,
                    WokeBy::Timeout if wait.op == "sleep" => WaitEnd::Slept,
                    WokeBy::Timeout => WaitEnd::TimedOut,
                    WokeBy::Cancel => WaitEnd::Cancelled,
                    WokeBy::Kill => WaitEnd::Killed,
                    WokeBy::Close => WaitEnd::Closed,
                };
                let woke = Schedule::Wake { end, call: wait.op, socket, waited };
                self.record(Actor::Running, woke);
            }
            Note::Struck(victim, how) => {
                let greenlet = self.path_ref(self.greenlets[victim.into()].entity.path);
                self.record(Actor::Running, Program::Interrupted { how, greenlet });
            }
            Note::Ended(_, None) => {}
            Note::Ended(id, Some(_)) => {
                self.record(Actor::Running, Program::Panic);
                let who = self.paths.text(self.greenlets[id.into()].entity.path);
                self.panics.push((who, self.clock.now_ns()));
            }
            Note::Always(_, true) => {}
            Note::Always(name, false) => {
                if self.seal.is_none() {
                    let violated = What::Violation { name: self.trace.text(name) };
                    self.record(Actor::Running, violated);
                    self.violations.push(name.to_owned());
                    self.seal_run();
                }
            }
            Note::Sometimes(name, holds) => {
                match self.sometimes.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, held)) => *held |= holds,
                    None => self.sometimes.push((name, holds)),
                }
            }
            Note::Text(text) => {
                let text = self.trace.text(text);
                self.record(Actor::Running, Program::Note { text });
            }
            _ => {}
        }
    }

    /// Records it where another greenlet runs than the first, whose turn it was.
    #[inline]
    pub(crate) fn turn_goes_to(&mut self, runnable: &Runnable<'_>, picked: usize) {
        let unasked = runnable.point == SwitchPoint::Unasked;
        if picked > 0 {
            self.record_switch(runnable.get(0).into(), runnable.get(picked).into(), unasked);
        } else if unasked {
            self.greenlets[runnable.get(0).into()].passed_by = false;
        }
    }

    /// `unasked` is whether the one who was to run is about to make a call that need not wait.
    fn record_switch(&mut self, default: GreenletIndex, picked: GreenletIndex, unasked: bool) {
        let to = self.path_ref(self.greenlets[picked].entity.path);
        self.unasked_switches += u64::from(unasked);
        self.greenlets[default].passed_by = unasked;
        self.record(Actor::Greenlet(default), Schedule::Switch { to, unasked });
    }

    /// Who was preempted before a call waits in it: it would not have gone on either.
    #[cold]
    fn waits_after_all(&mut self, on: On) {
        let Some(current) = self.current else { return };
        // A sleep, or a call on a socket, is another call than the one before it.
        let is_another = matches!(on, On::Clock | On::Io(..));
        if !is_another && std::mem::take(&mut self.greenlets[current].passed_by) {
            self.unasked_switches -= 1;
        }
    }

    pub(crate) fn number_of(&self, on: On) -> u32 {
        let On::Io(io, _) = on else { return 0 };
        let number = self.socket_of(io).map_or(0, |id| self.sockets[id].number);
        if number == NO_SOCKET { 0 } else { number }
    }
}
