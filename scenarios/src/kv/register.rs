//! One key of the store as the checker believes it to be: a value or none, and what each operation
//! makes of it. Not the store: written apart from it, so that the two can disagree.

use std::fmt;

/// What a client asked of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Writes a value.
    Set {
        /// The value.
        value: Vec<u8>,
        /// Whether it is written at all.
        condition: Condition,
    },
    /// Reads the value.
    Get,
    /// Removes the key.
    Del,
    /// Adds one to a number; no key counts as zero.
    Incr,
}

/// On what a `SET` depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// On nothing.
    Always,
    /// `NX`.
    IfAbsent,
    /// `XX`.
    IfPresent,
}

/// What a client was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `SET` did.
    Stored,
    /// `SET` did not, its condition was not met.
    NotStored,
    /// What `GET` read.
    Value(Option<Vec<u8>>),
    /// Whether `DEL` found the key.
    Deleted(bool),
    /// What `INCR` counted up to.
    Count(i64),
    /// `INCR` of something that is not a number, or of the last one.
    Refused,
}

impl Outcome {
    /// True if no operation with this outcome changes the value, whatever the value is. `Stored`
    /// is not among them: a `SET` of what is there already would have changed another value.
    pub(super) fn is_harmless(&self) -> bool {
        match self {
            Self::NotStored | Self::Value(_) | Self::Deleted(false) | Self::Refused => true,
            Self::Stored | Self::Deleted(true) | Self::Count(_) => false,
        }
    }
}

pub(super) type Value = Option<Vec<u8>>;

/// What the operation answers, and what it leaves behind if that is not what it found.
pub(super) fn apply(kind: &Kind, value: &Value) -> (Outcome, Option<Value>) {
    match kind {
        Kind::Get => (Outcome::Value(value.clone()), None),
        Kind::Del => (Outcome::Deleted(value.is_some()), value.is_some().then_some(None)),
        Kind::Set { value: new, condition } => {
            let met = match condition {
                Condition::Always => true,
                Condition::IfAbsent => value.is_none(),
                Condition::IfPresent => value.is_some(),
            };
            let changed = met && value.as_ref() != Some(new);
            let outcome = if met { Outcome::Stored } else { Outcome::NotStored };
            (outcome, changed.then(|| Some(new.clone())))
        }
        Kind::Incr => match number(value).and_then(|number| number.checked_add(1)) {
            Some(count) => (Outcome::Count(count), Some(Some(count.to_string().into_bytes()))),
            None => (Outcome::Refused, None),
        },
    }
}

/// A number is what prints back the same; no key counts as zero.
fn number(value: &Value) -> Option<i64> {
    let Some(text) = value else { return Some(0) };
    let text = std::str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get => write!(f, "GET"),
            Self::Del => write!(f, "DEL"),
            Self::Incr => write!(f, "INCR"),
            Self::Set { value, condition } => {
                let condition = match condition {
                    Condition::Always => "",
                    Condition::IfAbsent => " NX",
                    Condition::IfPresent => " XX",
                };
                write!(f, "SET \"{}\"{condition}", value.escape_ascii())
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => write!(f, "OK"),
            Self::NotStored | Self::Value(None) => write!(f, "nil"),
            Self::Value(Some(value)) => write!(f, "\"{}\"", value.escape_ascii()),
            Self::Deleted(found) => write!(f, "{}", i32::from(*found)),
            Self::Count(count) => write!(f, "{count}"),
            Self::Refused => write!(f, "refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::reply::Reply;
    use crate::kv::store::Store;
    use crate::kv::store::tests::ask;
    use proptest::prelude::*;

    fn kind() -> impl Strategy<Value = Kind> {
        let values = prop::sample::select(vec!["1", "x", "-1", "9223372036854775807", "01"]);
        let conditions = [Condition::Always, Condition::IfAbsent, Condition::IfPresent];
        let set = (values, prop::sample::select(conditions.to_vec()))
            .prop_map(|(value, condition)| Kind::Set { value: value.into(), condition });
        prop_oneof![3 => set, 1 => Just(Kind::Get), 1 => Just(Kind::Del), 2 => Just(Kind::Incr)]
    }

    fn outcome(kind: &Kind, reply: Reply) -> Outcome {
        match (kind, reply) {
            (Kind::Set { .. }, Reply::Simple(_)) => Outcome::Stored,
            (Kind::Set { .. }, Reply::Nil) => Outcome::NotStored,
            (Kind::Get, Reply::Bulk(value)) => Outcome::Value(Some(value)),
            (Kind::Get, Reply::Nil) => Outcome::Value(None),
            (Kind::Del, Reply::Integer(count)) => Outcome::Deleted(count == 1),
            (Kind::Incr, Reply::Integer(count)) => Outcome::Count(count),
            (Kind::Incr, Reply::Error(_)) => Outcome::Refused,
            (kind, reply) => panic!("{kind} answered {reply:?}"),
        }
    }

    proptest! {
        #[test]
        fn the_store_answers_as_the_checker_believes(
            kinds in prop::collection::vec(kind(), 0..40),
        ) {
            let mut store = Store::new();
            let mut value = None;
            for kind in &kinds {
                let line = match kind {
                    Kind::Set { .. } => kind.to_string().replace("SET", "SET a"),
                    _ => format!("{kind} a"),
                };
                let (expected, changed) = apply(kind, &value);
                value = changed.unwrap_or(value);
                let reply = ask(&mut store, &line, 0).0;
                prop_assert_eq!(outcome(kind, reply), expected);
            }
        }
    }
}
