//! What the table says of a fault, and how often each struck in a run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{FAULTS, Fault};

/// An entry of the table of faults.
#[derive(Debug)]
pub struct Row {
    /// Its number in the hash of a trace. A new entry takes one that neither another entry nor an event
    /// has (`trace/hash.rs`), from 64 up.
    pub number: u8,
    /// Tells entries of one number apart in the hash.
    pub more: u64,
    /// What a summary counts it as. Entries that share a tally stand together.
    pub tally: &'static str,
    /// What a trace prints before whatever was struck.
    pub headline: &'static str,
}

/// Defines [`Fault`] and the table's rows from entries.
macro_rules! faults {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            number: $number:literal,
            $(more: $more:literal,)?
            tally: $tally:literal,
            headline: $headline:literal
        }
    )*) => {
        /// Something that went wrong: an entry of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $name),*
        }
        /// All faults, in the order of the table and of summaries.
        pub const FAULTS: &[Fault] = &[$(Fault::$name),*];

        impl Fault {
            /// Its entry.
            #[inline]
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Fault::$name => &Row {
                        number: $number,
                        more: 0 $(+ $more)?,
                        tally: $tally,
                        headline: $headline,
                    }),*
                }
            }
        }
    };
}
pub(super) use faults;

/// How often each fault struck in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired([u64; FAULTS.len()]);

impl Fired {
    /// Counts one.
    #[inline]
    pub fn count(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Fired) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }

    /// How often this fault struck, with those that share its tally.
    pub fn of(&self, fault: Fault) -> u64 {
        let tally = fault.row().tally;
        self.tallies().find(|row| row.0 == tally).map_or(0, |row| row.1)
    }

    /// Each tally by name.
    pub fn rows(&self) -> Vec<(&'static str, u64)> {
        self.tallies().collect()
    }

    fn tallies(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |faults: &[Fault]| faults.iter().map(|fault| self.0[*fault as usize]).sum();
        by_tally().map(move |faults| (faults[0].row().tally, count(faults)))
    }
}

fn by_tally() -> impl Iterator<Item = &'static [Fault]> {
    FAULTS.chunk_by(|one, other| one.row().tally == other.row().tally)
}

/// A tally's name in JSON.
struct Key(&'static str);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = self.0.split(' ');
        f.write_str(words.next().unwrap_or_default())?;
        words.try_for_each(|word| write!(f, "_{word}"))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Fired {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.tallies().map(|(tally, count)| (Key(tally), count)))
    }
}

impl<'de> Deserialize<'de> for Fired {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fired, D::Error> {
        let counts = BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut fired = Fired::default();
        for faults in by_tally() {
            let key = Key(faults[0].row().tally).to_string();
            fired.0[faults[0] as usize] = counts.get(&key).copied().unwrap_or(0);
        }
        Ok(fired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_share_a_tally_stand_together() {
        let tallies: Vec<&str> = by_tally().map(|faults| faults[0].row().tally).collect();
        for (at, tally) in tallies.iter().enumerate() {
            assert!(!tallies[..at].contains(tally), "{tally} is there twice");
        }
    }

    #[test]
    fn a_tally_is_written_once_and_read_back() {
        let mut fired = Fired::default();
        for fault in [Fault::NetUnreachable, Fault::HostUnreachable, Fault::CutOff] {
            fired.count(fault);
        }
        let json = serde_json::to_string(&fired).expect("it is a map");
        assert!(json.contains("\"cut_off\":1,") && json.contains("\"unreachable\":2,"), "{json}");
        let read: Fired = serde_json::from_str(&json).expect("it was just written");
        assert_eq!(read.rows(), fired.rows());
        assert_eq!(read.of(Fault::NetUnreachable), 2);
    }
}
