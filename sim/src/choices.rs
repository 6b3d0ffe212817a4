//! The tape: every decision that chance takes, and the only chance in the workspace.
//!
//! A decision has a *site*: its kind, the entity it concerns (a greenlet, a socket, a host, a pair
//! of hosts, each named by its path) and which of that entity's decisions of that kind it is. Its
//! value is a number in a unit of its own, and 0 is always the boring one. Values that are not 0
//! are recorded as deviations; a run *is* its deviations.
//!
//! Values come from a seed or from a tape. From a seed: ChaCha8 (a stream an entity) gives each
//! (entity, kind) a key once, and a value is a fixed mix of that key and the ordinal. Nothing is
//! drawn from a shared sequence, so one more entity changes no value of another. The sampling is
//! integer arithmetic of our own, pinned by golden vectors below: no library's version shifts it.

mod fault;
mod table;
mod unit;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

pub use fault::Fired;
pub use table::{FAULTS, Fault};
pub use unit::Ns;

/// What a decision is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Who runs next, instead of the greenlet of the site. The value names the greenlet.
    Turn,
    /// How long a packet or an answer is under way, in nanoseconds.
    Delay,
    /// What happens to a packet: 1 lost, 2 duplicated, 3 overtaken; what a router says where two hosts
    /// are cut off: 4 network unreachable, 5 host unreachable.
    Fate,
    /// How many bytes a read or write takes at most.
    Size,
    /// When a fault strikes, in nanoseconds of virtual time.
    Fault,
    /// How long a fault lasts, in nanoseconds.
    Length,
    /// A choice of the program's own.
    User,
    /// Random bytes. These are no deviations: they come from the seed in every run.
    Entropy,
}

/// All kinds, in the order of their keys.
pub const KINDS: [Kind; 8] = [
    Kind::Turn,
    Kind::Delay,
    Kind::Fate,
    Kind::Size,
    Kind::Fault,
    Kind::Length,
    Kind::User,
    Kind::Entropy,
];

impl Kind {
    /// Its name in tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Turn => "turn",
            Kind::Delay => "delay",
            Kind::Fate => "fate",
            Kind::Size => "size",
            Kind::Fault => "fault",
            Kind::Length => "length",
            Kind::User => "user",
            Kind::Entropy => "entropy",
        }
    }
    /// The kind of this name.
    pub fn named(name: &str) -> Option<Kind> {
        KINDS.into_iter().find(|kind| kind.name() == name)
    }
}

/// Whoever decisions are about: its place on the tape.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Its number among the run's paths.
    pub path: u32,
    /// Its path, hashed: the same in every run.
    pub hash: u64,
    ordinals: [u32; KINDS.len()],
    keys: Option<[Key; KINDS.len()]>,
}

impl Entity {
    /// An entity about which nothing was decided yet.
    pub fn new(path: u32, hash: u64) -> Entity {
        Entity { path, hash, ordinals: [0; KINDS.len()], keys: None }
    }
}

/// A decision that was not the boring one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What it was about.
    pub kind: Kind,
    /// Which of the entity's decisions of the kind, from 1.
    pub ordinal: u32,
    /// The entity's path.
    pub path: u32,
    /// The path of the greenlet picked, for a turn.
    pub target: u32,
    /// The value; for a turn the hash of the target's path.
    pub value: u64,
}

/// Names a decision in any run: kind, hash of the entity's path, ordinal.
pub type Site = (Kind, u64, u32);

/// Where values come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The seed decides.
    Seed,
    /// These deviations, and the boring value everywhere else.
    Tape(HashMap<Site, u64, Fixed>),
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
        Draw::new(derive(&self.root, hash_bytes(label.as_bytes()))[Kind::Entropy as usize], 0)
    }

    /// Decides: `sample` gives the seed's value. Each call counts, whatever its value.
    #[inline]
    pub fn pick(
        &mut self,
        entity: &mut Entity,
        kind: Kind,
        sample: impl FnOnce(&mut Draw) -> u64,
    ) -> u64 {
        entity.ordinals[kind as usize] += 1;
        let ordinal = entity.ordinals[kind as usize];
        let value = match &self.source {
            Source::Seed => sample(&mut self.seeded(entity, kind, ordinal)),
            Source::Tape(tape) => {
                let value = tape.get(&(kind, entity.hash, ordinal)).copied().unwrap_or(0);
                self.matched += usize::from(value != 0);
                value
            }
        };
        if value != 0 {
            let path = entity.path;
            self.deviations.push(Deviation { kind, ordinal, path, target: 0, value });
        }
        value
    }

    /// Decides a turn among candidates, of which candidate 0 is the default and `default` its
    /// entity. `candidate` gives path and path hash of those that may run instead. A uniform turn
    /// is a rendezvous: every candidate draws a lot of its own and the highest wins, so a newcomer
    /// changes only the turns it wins. `sticky_ppm` is how often the default runs without a draw.
    pub fn pick_turn(
        &mut self,
        default: &mut Entity,
        count: usize,
        sticky_ppm: u32,
        candidate: impl Fn(usize) -> Option<(u32, u64)>,
    ) -> usize {
        default.ordinals[Kind::Turn as usize] += 1;
        let ordinal = default.ordinals[Kind::Turn as usize];
        if count < 2 {
            return 0;
        }
        let picked = match &self.source {
            Source::Seed => {
                let mut draw = self.seeded(default, Kind::Turn, ordinal);
                if draw.happens(sticky_ppm) {
                    return 0;
                }
                let lot = draw.next_u64();
                // Far more than ever matter to each other.
                const CANDIDATES_MAX: usize = 64;
                let lots = (0..count).filter_map(|at| Some((mix(lot, candidate(at)?.1), at)));
                lots.take(CANDIDATES_MAX).max().map_or(0, |(_, at)| at)
            }
            Source::Tape(tape) => match tape.get(&(Kind::Turn, default.hash, ordinal)) {
                Some(&wanted) => {
                    let is_wanted = |&at: &usize| candidate(at).is_some_and(|it| it.1 == wanted);
                    let found = (0..count).find(is_wanted);
                    self.matched += usize::from(found.is_some());
                    found.unwrap_or(0)
                }
                None => 0,
            },
        };
        if picked != 0
            && let Some((target, value)) = candidate(picked)
        {
            let (kind, path) = (Kind::Turn, default.path);
            self.deviations.push(Deviation { kind, ordinal, path, target, value });
        }
        picked
    }

    /// Random bytes for an entity, from the seed in every run.
    pub fn entropy(&mut self, entity: &mut Entity, bytes: &mut [u8]) {
        self.drew_entropy = true;
        for chunk in bytes.chunks_mut(8) {
            entity.ordinals[Kind::Entropy as usize] += 1;
            let ordinal = entity.ordinals[Kind::Entropy as usize];
            let word = self.seeded(entity, Kind::Entropy, ordinal).next_u64().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    #[inline]
    fn seeded(&self, entity: &mut Entity, kind: Kind, ordinal: u32) -> Draw {
        let keys = match &entity.keys {
            Some(keys) => keys,
            None => entity.keys.insert(derive(&self.root, entity.hash)),
        };
        Draw::new(keys[kind as usize], ordinal)
    }
}

/// 128 bits for one (entity, kind) of one seed.
type Key = (u64, u64);

fn root(seed: u64) -> ChaCha8Rng {
    let mut bytes = *b"greenroom choices, version 1....";
    bytes[24..].copy_from_slice(&seed.to_le_bytes());
    ChaCha8Rng::from_seed(bytes)
}

fn derive(root: &ChaCha8Rng, entity: u64) -> [Key; KINDS.len()] {
    let mut stream = root.clone();
    stream.set_stream(entity);
    std::array::from_fn(|_| (stream.next_u64(), stream.next_u64()))
}

/// Samples for one decision.
#[derive(Clone, Debug)]
pub struct Draw {
    key: Key,
    at: u64,
}

impl Draw {
    fn new(key: Key, ordinal: u32) -> Draw {
        Draw { key, at: u64::from(ordinal) << 32 }
    }
    /// Any number.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.at += 1;
        mix(self.key.0 ^ self.at.wrapping_mul(GOLDEN), self.key.1 ^ self.at)
    }
    /// A number below `bound`; 0 if that is 0. The bias is under 2^-32 for bounds under 2^32.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
    /// A number from `low` to `high`, both among them.
    #[inline]
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below((high.max(low) - low).saturating_add(1))
    }
    /// True so many times in a million.
    #[inline]
    pub fn happens(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(1_000_000) < u64::from(ppm)
    }
}

/// 2^64 over the golden ratio: consecutive ordinals land far apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes two numbers into one by folding their 128-bit product.
#[inline]
pub fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0xa076_1d64_78bd_642f) * u128::from(b ^ 0xe703_7ed1_a0b4_28db);
    let folded = (product >> 64) as u64 ^ product as u64;
    let again = u128::from(folded ^ GOLDEN) * u128::from(0x8ebc_6af0_9c88_c6e3_u64 ^ a);
    (again >> 64) as u64 ^ again as u64
}

/// A hash of bytes, eight at a time.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(0x9fb2_1c65_1e98_df25_u64);
        (product >> 64) as u64 ^ product as u64
    };
    let start = GOLDEN ^ bytes.len() as u64;
    let hash = words.iter().fold(start, |hash, word| fold(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, last)
}

/// A hasher without a secret: the simulator's tables are the same in every process.
#[derive(Clone, Copy, Debug, Default)]
pub struct FixedHasher(u64);

/// Builds [`FixedHasher`]s.
pub type Fixed = BuildHasherDefault<FixedHasher>;

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, hash_bytes(bytes));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0, word);
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }
    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }
    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
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
            .map(|_| choices.pick(&mut srv, Kind::Delay, |draw| draw.between(1_000, 10_000)))
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
                        choices.pick(&mut b, Kind::Delay, Draw::next_u64);
                    }
                    choices.pick(&mut a, Kind::Delay, Draw::next_u64)
                })
                .collect()
        };
        assert_eq!(values(0), values(3));
    }

    #[test]
    fn a_tape_gives_back_what_a_seed_gave() {
        let run = |choices: &mut Choices| -> Vec<u64> {
            let mut a = entity("a");
            (0..50).map(|_| choices.pick(&mut a, Kind::Fate, |d| d.below(3))).collect()
        };
        let mut first = Choices::new(3, Source::Seed);
        let values = run(&mut first);
        let hash = entity("a").hash;
        let tape = first.deviations.iter().map(|d| ((d.kind, hash, d.ordinal), d.value)).collect();
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
                    let at = choices.pick_turn(&mut default, names.len(), 0, |at| {
                        Some((0, hash_bytes(names[at].as_bytes())))
                    });
                    names[at].to_owned()
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
            .filter(|_| choices.pick(&mut a, Kind::Fate, |d| d.happens(10_000).into()) != 0)
            .count();
        assert!((800..1200).contains(&hits), "{hits} of 100 000 at 1 %");
    }
}
