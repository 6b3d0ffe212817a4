//! What servers have answered, for as long as they said.

use std::collections::BTreeMap;
use std::time::Duration;

use super::message::Kind;
use super::{Found, Miss};
use crate::time::Instant;

/// A name in lower case, and what was asked of it.
pub(super) type Key = (String, Kind);

/// Answers, and that there is none.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Key, Entry>,
}

#[derive(Debug)]
struct Entry {
    until: Instant,
    answer: Result<Found, Miss>,
}

/// More are not kept: those go first that are over soonest.
const ENTRIES_MAX: usize = 1024;
/// A server's mistake does not last (RFC 8767 recommends a week, resolvers take a day).
const TTL_MAX_S: u32 = 24 * 60 * 60;

impl Cache {
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<Result<Found, Miss>> {
        if self.entries.get(key)?.until <= now {
            self.entries.remove(key);
            return None;
        }
        self.entries.get(key).map(|entry| entry.answer.clone())
    }

    pub(super) fn put(&mut self, key: Key, answer: Result<Found, Miss>, ttl_s: u32, now: Instant) {
        let ttl = Duration::from_secs(ttl_s.min(TTL_MAX_S).into());
        let Some(until) = now.checked_add(ttl).filter(|_| ttl_s > 0) else { return };
        self.entries.insert(key, Entry { until, answer });
        if self.entries.len() > ENTRIES_MAX {
            let soonest = self.entries.iter().min_by_key(|(_, entry)| entry.until);
            if let Some(key) = soonest.map(|(key, _)| key.clone()) {
                self.entries.remove(&key);
            }
        }
    }
}
