//! Keys, their values and their deadlines. Not the commands, and no clock: `now_ns` is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use greenroom::sync::Arc;

/// How many dead keys one command buries at most, so that a million keys dying together do not
/// stall whoever comes next. More than one, so that burying outruns dying.
const BURIED_MAX: usize = 16;

/// About what an entry takes beside its key and its value: its part of the map's nodes, and what the
/// allocator takes for three pieces of memory.
pub(super) const ENTRY_BYTES: usize = 192;
/// The same, of a deadline beside its key.
const DEADLINE_BYTES: usize = 96;

/// A sorted map rather than a hash table: its order is the same in every run, and no peer can
/// choose keys that collide.
#[derive(Debug, Default)]
pub(super) struct Keyspace {
    entries: BTreeMap<Vec<u8>, Entry>,
    /// The deadline of every entry that has one, soonest first.
    deadlines: BTreeSet<(u64, Vec<u8>)>,
    /// What the keys take of memory,
    key_bytes: usize,
    /// and what the values do.
    meter: Meter,
}

#[derive(Debug)]
struct Entry {
    value: Arc<Value>,
    deadline_ns: Option<u64>,
}

/// Bytes under a key, counted until nobody holds them: a reply may, when the key has others.
#[derive(Debug)]
pub(super) struct Value {
    bytes: Vec<u8>,
    meter: Meter,
}

/// How many bytes all values take.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<AtomicUsize>);

impl Meter {
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Value {
    pub fn new(bytes: Vec<u8>, meter: &Meter) -> Value {
        meter.0.fetch_add(bytes.capacity(), Ordering::Relaxed);
        Value { bytes, meter: meter.clone() }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.meter.0.fetch_sub(self.bytes.capacity(), Ordering::Relaxed);
    }
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
    pub fn get(&self, key: &[u8], now_ns: u64) -> Option<&Arc<Value>> {
        self.live(key, now_ns).map(|entry| &entry.value)
    }

    /// What keys and values take of memory, roughly; values that only replies still hold are among
    /// them.
    pub fn size(&self) -> usize {
        self.key_bytes + self.meter.bytes()
    }

    /// The deadline of a key that exists.
    pub fn deadline_ns(&self, key: &[u8], now_ns: u64) -> Option<Option<u64>> {
        self.live(key, now_ns).map(|entry| entry.deadline_ns)
    }

    pub fn set(&mut self, key: &[u8], value: &[u8], deadline: Deadline, now_ns: u64) {
        let Some(entry) = self.entries.get_mut(key) else {
            let value = Arc::new(Value::new(value.to_vec(), &self.meter));
            self.entries.insert(key.to_vec(), Entry { value, deadline_ns: None });
            self.key_bytes += key.len() + ENTRY_BYTES;
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
            self.key_bytes -= key.len() + DEADLINE_BYTES;
        }
        if let Some(deadline_ns) = deadline_ns {
            self.deadlines.insert((deadline_ns, key.to_vec()));
            self.key_bytes += key.len() + DEADLINE_BYTES;
        }
    }

    /// True if there was such a key.
    pub fn remove(&mut self, key: &[u8], now_ns: u64) -> bool {
        let Some((key, entry)) = self.entries.remove_entry(key) else {
            return false;
        };
        self.key_bytes -= key.len() + ENTRY_BYTES;
        if let Some(deadline_ns) = entry.deadline_ns {
            self.key_bytes -= key.len() + DEADLINE_BYTES;
            self.deadlines.remove(&(deadline_ns, key));
        }
        entry.is_live(now_ns)
    }

    pub fn clear(&mut self) {
        // Replies may hold values still.
        *self = Self { meter: self.meter.clone(), ..Self::default() };
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
                self.key_bytes -= 2 * key.len() + DEADLINE_BYTES + ENTRY_BYTES;
                self.entries.remove(&key);
            }
        }
    }

    fn live(&self, key: &[u8], now_ns: u64) -> Option<&Entry> {
        self.entries.get(key).filter(|entry| entry.is_live(now_ns))
    }
}

/// Reuses the old value's memory, unless that would keep a great deal of it for a small value, or
/// somebody holds the old value still.
fn overwrite(place: &mut Arc<Value>, value: &[u8]) {
    match Arc::get_mut(place) {
        Some(old) if (value.len()..=64 + 4 * value.len()).contains(&old.bytes.capacity()) => {
            old.bytes.clear();
            old.bytes.extend_from_slice(value);
        }
        _ => *place = Arc::new(Value::new(value.to_vec(), &place.meter)),
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
        assert_eq!(keys.get(b"a", 9).unwrap().bytes(), b"1");
        assert!(keys.get(b"a", 10).is_none() && keys.deadline_ns(b"a", 10).is_none());
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
        assert_eq!(keys.get(b"a", u64::MAX).unwrap().bytes(), b"2");
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

    #[test]
    fn what_is_counted_is_gone_when_the_keys_are() {
        let mut keys = Keyspace::default();
        for round in 0..3 {
            for i in 0..50_u8 {
                let deadline = [Deadline::Clear, Deadline::At(100), Deadline::Keep][i as usize % 3];
                keys.set(&[i], &vec![i; 100 * i as usize], deadline, 0);
                keys.set(&[i], &[i; 7], Deadline::Keep, 0);
                keys.set(&[i], &vec![i; 1000 + 30 * round], deadline, 0);
            }
            assert!(keys.size() > 50 * 1000);
            let held = keys.get(&[0], 0).unwrap().clone();
            match round {
                0 => assert!((0..50_u8).all(|i| keys.remove(&[i], 0))),
                1 => keys.clear(),
                _ => {
                    (0..50_u8).for_each(|i| keys.set_deadline(&[i], Some(5)));
                    (0..50).for_each(|_| keys.bury(5));
                }
            }
            assert_eq!(keys.size(), held.bytes.capacity(), "a reply holds one");
            drop(held);
            assert_eq!(keys.size(), 0);
        }
    }
}
