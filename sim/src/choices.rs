//! The tape: every decision that chance takes, and the only chance in the workspace.
//!
//! The table (`choices/table.rs`) says which decisions there are. Each has a *site*: its series, the
//! entity it is about (a greenlet, a socket, a host, two hosts, each by its path) and which of that
//! entity's decisions in that series it is, its ordinal. Its value is in a unit of its own, and the value
//! with the number 0 is always the boring one. Other values are recorded as deviations; a run *is* its
//! deviations.
//!
//! Values come from a seed or from a tape. From a seed: ChaCha8 (a stream an entity) gives each series
//! of each entity a key once, and a value is a fixed mix of that key and the ordinal. Nothing is
//! drawn from a shared sequence, so one more entity changes no value of another.

mod draw;
mod hash;
mod series;
mod table;
mod unit;

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;

use draw::{Key, derive, root};

pub use draw::Draw;
pub(crate) use hash::hash_payload;
pub use hash::{Fixed, FixedHasher, hash_bytes, mix};
pub use series::Series;
pub use table::{About, DECISIONS, Decision, Entry, FAULTS, Fault, Fired, Row};
pub use unit::{Bytes, Fate, Greenlet, Ns, Number, Pieces, Unit};

/// How many series an entity has.
const SERIES: usize = series::COUNT;

/// What decisions are about, with how many there were in each series.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Its number among the run's paths.
    pub path: u32,
    /// Its path, hashed: the same in every run.
    pub hash: u64,
    ordinals: [u32; SERIES],
    /// Made when the seed first decides something of it. Apart: entities are many, and most are passed by.
    keys: Option<Box<[Key; SERIES]>>,
}

impl Entity {
    /// An entity about which nothing was decided yet.
    pub fn new(path: u32, hash: u64) -> Entity {
        Entity { path, hash, ordinals: [0; SERIES], keys: None }
    }

    /// Counts one more decision in a series; returns its ordinal.
    #[inline]
    fn next(&mut self, series: Series) -> u32 {
        let ordinal = &mut self.ordinals[series as usize];
        *ordinal += 1;
        *ordinal
    }
}

/// A decision that was not the boring one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What was decided.
    pub decision: Decision,
    /// Which of the entity's decisions in the series, from 1.
    pub ordinal: u32,
    /// The entity's path.
    pub path: u32,
}

/// Names a decision in any run: its series, the hash of the entity's path, its ordinal.
pub type Site = (Series, u64, u32);

/// Where values come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The seed decides.
    Seed,
    /// These deviations, by number (for a turn, the hash of the greenlet's path), and the boring value
    /// everywhere else.
    Tape(HashMap<Site, u64, Fixed>),
}

/// One that may run instead of the default.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    /// What it is called by whoever asks.
    pub at: usize,
    /// Its path's number in the run.
    pub path: u32,
    /// Its path, hashed.
    pub hash: u64,
}

/// The decisions of one run.
#[derive(Debug)]
pub struct Choices {
    root: ChaCha8Rng,
    source: Source,
    /// What was not boring, in the order it was decided.
    pub deviations: Vec<Deviation>,
    /// How many deviations of the tape came up.
    pub matched: usize,
    /// Whether random bytes were asked for, so that the seed matters beside the tape.
    pub drew_entropy: bool,
}

impl Choices {
    /// The decisions of this seed, as far as the source leaves them to it.
    pub fn new(seed: u64, source: Source) -> Choices {
        Choices {
            root: root(seed),
            source,
            deviations: Vec::new(),
            matched: 0,
            drew_entropy: false,
        }
    }

    /// Whether the seed decides.
    pub fn is_seeded(&self) -> bool {
        matches!(self.source, Source::Seed)
    }

    /// A number of this run that is no decision: how often a weather's faults occur in it, say.
    pub fn draw(&self, label: &str) -> Draw {
        Draw::new(derive(&self.root, hash_bytes(label.as_bytes()))[Series::Entropy as usize], 0)
    }

    /// Decides: `sample` gives the seed's value. Each call counts, whatever its value.
    #[inline]
    pub fn pick<U: Unit>(
        &mut self,
        entity: &mut Entity,
        decision: impl Fn(U) -> Decision,
        sample: impl FnOnce(&mut Draw) -> U,
    ) -> U {
        let series = decision(U::BORING).series();
        let ordinal = entity.next(series);
        let value = match &self.source {
            Source::Seed => sample(&mut self.seeded(entity, series, ordinal)),
            Source::Tape(tape) => {
                let number = tape.get(&(series, entity.hash, ordinal)).copied().unwrap_or(0);
                self.matched += usize::from(number != 0);
                U::of(number)
            }
        };
        if value.number() != 0 {
            self.deviates(entity, ordinal, decision(value));
        }
        value
    }

    /// Decides how long something takes, of which `typical_ns` is the boring value.
    #[inline]
    pub fn pick_time(
        &mut self,
        entity: &mut Entity,
        decision: impl Fn(Ns) -> Decision,
        typical_ns: u64,
        sample_ns: impl FnOnce(&mut Draw) -> u64,
    ) -> u64 {
        let Ns(ns) = self.pick(entity, decision, |draw| {
            let ns = sample_ns(draw);
            Ns(if ns == typical_ns { 0 } else { ns })
        });
        if ns == 0 { typical_ns } else { ns }
    }

    #[inline]
    fn deviates(&mut self, entity: &Entity, ordinal: u32, decision: Decision) {
        self.deviations.push(Deviation { decision, ordinal, path: entity.path });
    }

    /// Decides a turn between `default` and its `rivals`; returns the rival that won, if one did. A uniform
    /// turn is a rendezvous: every candidate draws a lot of its own and the highest wins, so a newcomer
    /// changes only the turns it wins. `sticky_ppm` is how often the default runs without a draw.
    /// Nobody is asked for rivals that do not matter.
    #[inline]
    pub fn pick_turn<R: Iterator<Item = Rival>>(
        &mut self,
        default: &mut Entity,
        sticky_ppm: u32,
        rivals: impl FnOnce() -> R,
    ) -> Option<usize> {
        let ordinal = default.next(Series::Turn);
        let picked = match &self.source {
            Source::Seed => {
                let mut draw = self.seeded(default, Series::Turn, ordinal);
                if draw.happens(sticky_ppm) {
                    return None;
                }
                let lot = draw.next_u64();
                // Far more than ever matter to each other, with the default.
                const RIVALS_MAX: usize = 63;
                let own = mix(lot, default.hash);
                let lots = rivals().take(RIVALS_MAX).map(|rival| (mix(lot, rival.hash), rival));
                // Of equal lots the later one's counts.
                let highest = lots.max_by_key(|(lot, _)| *lot).filter(|(lot, _)| *lot >= own);
                highest.map(|(_, rival)| rival)
            }
            Source::Tape(tape) => match tape.get(&(Series::Turn, default.hash, ordinal)) {
                Some(&wanted) => {
                    let found = rivals().find(|rival| rival.hash == wanted);
                    self.matched += usize::from(found.is_some() || default.hash == wanted);
                    found.filter(|_| default.hash != wanted)
                }
                None => None,
            },
        };
        let Rival { at, path, .. } = picked?;
        self.deviates(default, ordinal, Decision::Turn(Greenlet(path)));
        Some(at)
    }

    /// Counts a turn of one that has no rival.
    pub fn no_turn(&mut self, default: &mut Entity) {
        default.next(Series::Turn);
    }

    /// Random bytes for an entity, from the seed in every run.
    pub fn entropy(&mut self, entity: &mut Entity, bytes: &mut [u8]) {
        self.drew_entropy = true;
        for chunk in bytes.chunks_mut(8) {
            let ordinal = entity.next(Series::Entropy);
            let word = self.seeded(entity, Series::Entropy, ordinal).next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    #[inline]
    fn seeded(&self, entity: &mut Entity, series: Series, ordinal: u32) -> Draw {
        let keys = match &entity.keys {
            Some(keys) => keys,
            None => entity.keys.insert(Box::new(derive(&self.root, entity.hash))),
        };
        Draw::new(keys[series as usize], ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(name: &str) -> Entity {
        Entity::new(1, hash_bytes(name.as_bytes()))
    }

    /// Changing any of these re-rolls every seed ever written down.
    #[test]
    fn golden_vectors_pin_keys_mixing_and_sampling() {
        let keys = derive(&root(42), hash_bytes(b"srv/accept"));
        assert_eq!(keys[0], (9_841_810_118_850_848_492, 1_492_671_745_035_017_486), "keys");
        assert_eq!(mix(1, 2), 4_088_701_698_469_726_011, "mix");
        assert_eq!(hash_bytes(b"srv/accept/conn#2"), 2_662_945_549_650_680_872, "hash");
        let mut choices = Choices::new(42, Source::Seed);
        let mut srv = entity("srv");
        let delays: Vec<u64> = (0..4)
            .map(|_| {
                let sample = |draw: &mut Draw| Ns(draw.between(1_000, 10_000));
                choices.pick(&mut srv, Decision::PacketDelay, sample).0
            })
            .collect();
        assert_eq!(delays, [4_641, 7_670, 3_075, 8_506], "delays");
    }

    #[test]
    fn another_entity_changes_no_value() {
        let values = |others: usize| -> Vec<u64> {
            let mut choices = Choices::new(7, Source::Seed);
            let (mut a, mut b) = (entity("a"), entity("b"));
            (0..8)
                .map(|_| {
                    for _ in 0..others {
                        choices.pick(&mut b, Decision::PacketDelay, |draw| Ns(draw.next_u64()));
                    }
                    choices.pick(&mut a, Decision::PacketDelay, |draw| Ns(draw.next_u64())).0
                })
                .collect()
        };
        assert_eq!(values(0), values(3));
    }

    #[test]
    fn a_tape_gives_back_what_a_seed_gave() {
        let run = |choices: &mut Choices| -> Vec<Fate> {
            let mut a = entity("a");
            let sample = |draw: &mut Draw| Fate::of(draw.below(3));
            (0..50).map(|_| choices.pick(&mut a, Decision::PacketFate, sample)).collect()
        };
        let mut first = Choices::new(3, Source::Seed);
        let values = run(&mut first);
        let hash = entity("a").hash;
        let on_tape = |d: &Deviation| ((d.decision.series(), hash, d.ordinal), d.decision.number());
        let tape = first.deviations.iter().map(on_tape).collect();
        let mut second = Choices::new(999, Source::Tape(tape));
        assert_eq!(run(&mut second), values);
        assert_eq!(second.matched, first.deviations.len());
    }

    #[test]
    fn a_newcomer_changes_only_the_turns_it_wins() {
        let turns = |names: &[&str]| -> Vec<String> {
            let mut choices = Choices::new(11, Source::Seed);
            let mut default = entity(names[0]);
            (0..200)
                .map(|_| {
                    let rivals = names.iter().enumerate().skip(1).map(|(at, name)| Rival {
                        at,
                        path: 0,
                        hash: hash_bytes(name.as_bytes()),
                    });
                    let at = choices.pick_turn(&mut default, 0, || rivals);
                    names[at.unwrap_or(0)].to_owned()
                })
                .collect()
        };
        let (before, after) = (turns(&["a", "b", "c"]), turns(&["a", "b", "c", "new"]));
        let changed = before.iter().zip(&after).filter(|(old, new)| old != new);
        assert!(changed.clone().all(|(_, new)| new == "new"));
        assert!((20..90).contains(&changed.count()), "about a quarter are won");
    }

    #[test]
    fn chances_come_out_about_right() {
        let mut choices = Choices::new(5, Source::Seed);
        let mut a = entity("a");
        let hits = (0..100_000)
            .filter(|_| {
                let sample = |draw: &mut Draw| Fate::of(draw.happens(10_000).into());
                choices.pick(&mut a, Decision::PacketFate, sample) == Fate::Lost
            })
            .count();
        assert!((800..1200).contains(&hits), "{hits} of 100 000 at 1 %");
    }
}
