//! Keys, their values and their deadlines. Not the commands, and no clock: `now_ns` is told.

use std::collections::{BTreeMap, BTreeSet};

/// How many dead keys one command buries at most, so that a million keys dying together do not
/// stall whoever comes next. More than one, so that burying outruns dying.
const BURIED_MAX: usize = 16;

/// A sorted map rather than a hash table: its order is the same in every run, and no peer can
/// choose keys that collide.
#[derive(Debug, Default)]
pub(super) struct Keyspace {
    entries: BTreeMap<Vec<u8>, Entry>,
    /// The deadline of every entry that has one, soonest first.
    deadlines: BTreeSet<(u64, Vec<u8>)>,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    deadline_ns: Option<u64>,
}

impl Entry {
    fn is_live(&self, now_ns: u64) -> bool {
        self.deadline_ns.is_none_or(|deadline_ns| now_ns < deadline_ns)
    }
}

/// What becomes of a key's deadline when its value is replaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deadline {
    Clear,
    Keep,
    At(u64),
}

impl Keyspace {
    pub fn get(&self, key: &[u8], now_ns: u64) -> Option<&[u8]> {
        self.live(key, now_ns).map(|entry| entry.value.as_slice())
    }

    /// The deadline of a key that exists.
    pub fn deadline_ns(&self, key: &[u8], now_ns: u64) -> Option<Option<u64>> {
        self.live(key, now_ns).map(|entry| entry.deadline_ns)
    }

    pub fn set(&mut self, key: &[u8], value: &[u8], deadline: Deadline, now_ns: u64) {
        let Some(entry) = self.entries.get_mut(key) else {
            let entry = Entry { value: value.to_vec(), deadline_ns: None };
            self.entries.insert(key.to_vec(), entry);
            if let Deadline::At(deadline_ns) = deadline {
                self.set_deadline(key, Some(deadline_ns));
            }
            return;
        };
        let alive = entry.is_live(now_ns);
        overwrite(&mut entry.value, value);
        match deadline {
            Deadline::Keep if alive => {}
            Deadline::Keep | Deadline::Clear => self.set_deadline(key, None),
            Deadline::At(deadline_ns) => self.set_deadline(key, Some(deadline_ns)),
        }
    }

    /// Does nothing for a key that has no entry.
    pub fn set_deadline(&mut self, key: &[u8], deadline_ns: Option<u64>) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let before = std::mem::replace(&mut entry.deadline_ns, deadline_ns);
        if before == deadline_ns {
            return;
        }
        if let Some(before_ns) = before {
            self.deadlines.remove(&(before_ns, key.to_vec()));
        }
        if let Some(deadline_ns) = deadline_ns {
            self.deadlines.insert((deadline_ns, key.to_vec()));
        }
    }

    /// True if there was such a key.
    pub fn remove(&mut self, key: &[u8], now_ns: u64) -> bool {
        let Some((key, entry)) = self.entries.remove_entry(key) else {
            return false;
        };
        if let Some(deadline_ns) = entry.deadline_ns {
            self.deadlines.remove(&(deadline_ns, key));
        }
        entry.is_live(now_ns)
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keys that exist, the dead but unburied not counted. Unlike Redis's, which counts them.
    pub fn len(&self, now_ns: u64) -> usize {
        let dead = self.deadlines.iter().take_while(|(deadline_ns, _)| *deadline_ns <= now_ns);
        self.entries.len() - dead.count()
    }

    /// Frees a few of the keys whose time has come. Nobody sees a difference: a dead key is absent
    /// to every method here, buried or not.
    pub fn bury(&mut self, now_ns: u64) {
        for _ in 0..BURIED_MAX {
            match self.deadlines.first() {
                Some((deadline_ns, _)) if *deadline_ns <= now_ns => {}
                _ => return,
            }
            if let Some((_, key)) = self.deadlines.pop_first() {
                self.entries.remove(&key);
            }
        }
    }

    fn live(&self, key: &[u8], now_ns: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.is_live(now_ns))
    }
}

/// Reuses the old value's memory, unless that would keep a great deal of it for a small value.
fn overwrite(place: &mut Vec<u8>, value: &[u8]) {
    if place.capacity() > 64 + 4 * value.len() {
        *place = value.to_vec();
    } else {
        place.clear();
        place.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_key_is_absent_before_it_is_buried() {
        let mut keys = Keyspace::default();
        keys.set(b"a", b"1", Deadline::At(10), 0);
        keys.set(b"b", b"2", Deadline::Clear, 0);
        assert_eq!(keys.get(b"a", 9), Some(&b"1"[..]));
        assert_eq!((keys.get(b"a", 10), keys.deadline_ns(b"a", 10)), (None, None));
        assert_eq!((keys.len(9), keys.len(10)), (2, 1));
        assert!(!keys.remove(b"a", 10));
        assert!(keys.deadlines.is_empty());
    }

    #[test]
    fn overwritten_dead_key_inherits_nothing() {
        let mut keys = Keyspace::default();
        keys.set(b"a", b"1", Deadline::At(10), 0);
        keys.set(b"a", b"2", Deadline::Keep, 10);
        assert_eq!(keys.deadline_ns(b"a", 10), Some(None));
        keys.bury(u64::MAX);
        assert_eq!(keys.get(b"a", u64::MAX), Some(&b"2"[..]));
    }

    #[test]
    fn burying_is_bounded_and_gets_there() {
        let mut keys = Keyspace::default();
        for i in 0..100_u8 {
            keys.set(&[i], b"", Deadline::At(u64::from(i)), 0);
        }
        keys.bury(89);
        assert_eq!((keys.entries.len(), keys.len(89)), (100 - BURIED_MAX, 10));
        (0..10).for_each(|_| keys.bury(89));
        assert_eq!((keys.entries.len(), keys.deadlines.len()), (10, 10));
    }

    #[test]
    fn every_deadline_belongs_to_an_entry() {
        let mut keys = Keyspace::default();
        keys.set(b"a", b"1", Deadline::At(10), 0);
        keys.set(b"a", b"1", Deadline::At(20), 0);
        keys.set(b"a", b"1", Deadline::Keep, 0);
        assert_eq!(keys.deadlines.len(), 1);
        keys.set(b"a", b"1", Deadline::Clear, 0);
        assert!(keys.deadlines.is_empty());
        keys.set_deadline(b"none", Some(1));
        assert!(keys.deadlines.is_empty());
    }
}
