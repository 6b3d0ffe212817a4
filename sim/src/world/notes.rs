//! What programs and the driver tell the world: their own choices, and notes for the trace.

use greenroom::hub::{Note, On, WokeBy};

use crate::choices::{self, Entity};
use crate::id::GreenletIndex;
use crate::socket::NO_SOCKET;
use crate::trace::Op;
use crate::world::World;

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
        let sample = |draw: &mut choices::Draw| draw.below(arity.into());
        let value = self.choices.pick(entity, choices::Kind::User, sample);
        let value = value.min(u64::from(arity) - 1);
        self.record_choice(label, value);
        value as u32
    }

    pub(crate) fn take_note(&mut self, note: &Note<'_>) {
        match *note {
            Note::Parked(wait) => {
                let socket = self.number_of(wait.on);
                self.record_full(Op::Park, socket, 0, 0, None, wait.op);
            }
            Note::Woke(wait, by, waited) => {
                let (socket, waited_ns) = (self.number_of(wait.on), waited.as_nanos() as u64);
                let op = match by {
                    WokeBy::Event => Op::Wake,
                    WokeBy::Timeout if wait.op == "sleep" => Op::Slept,
                    WokeBy::Timeout => Op::TimedOut,
                    WokeBy::Cancel => Op::Cancelled,
                    WokeBy::Kill => Op::Killed,
                    WokeBy::Close => Op::ClosedUnder,
                };
                self.record_full(op, socket, waited_ns, 0, None, wait.op);
            }
            Note::Struck(victim, how) => {
                let path = self.greenlets[victim.into()].entity.path;
                self.record_path(Op::Struck, path, how);
            }
            Note::Ended(_, None) => {}
            Note::Ended(_, Some(_)) => self.record(Op::Panic, 0, 0),
            Note::Always(_, true) => {}
            Note::Always(name, false) => {
                if !self.violations.iter().any(|known| known == name) {
                    self.record_text(Op::Violation, name);
                    self.violations.push(name.to_owned());
                }
            }
            Note::Sometimes(name, holds) => {
                match self.sometimes.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, held)) => *held |= holds,
                    None => self.sometimes.push((name, holds)),
                }
            }
            Note::Text(text) => self.record_text(Op::Note, text),
            _ => {}
        }
    }

    /// Records that another greenlet runs than the one whose turn it was.
    pub(crate) fn record_switch(&mut self, default: GreenletIndex, picked: GreenletIndex) {
        let target = self.greenlets[picked].entity.path;
        let before = self.current.replace(default);
        self.record_path(Op::Switch, target, "");
        self.current = before;
    }

    pub(crate) fn number_of(&self, on: On) -> u32 {
        let On::Io(io, _) = on else { return 0 };
        let number = self.socket_of(io).map_or(0, |index| self.sockets[index].number);
        if number == NO_SOCKET { 0 } else { number }
    }
}
