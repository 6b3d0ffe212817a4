//! Judges what clients saw: could each operation have happened at one moment between its call and
//! its return? Each key is judged alone, which is enough as long as every operation has one key.
//! Not a judge of expiry, `MSET`, `MGET` or `FLUSHALL`; histories holding those need another.

use std::collections::BTreeMap;
use std::fmt;

use super::order::{Search, Verdict};
use super::register::{Kind, Outcome};

/// One operation as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// Who did it.
    pub process: u64,
    /// What it was done to.
    pub key: Vec<u8>,
    /// What was done.
    pub kind: Kind,
    /// When its client began.
    pub call_ns: u64,
    /// None if the client never learned: the operation may have taken effect at any time since
    /// its call, may still do so, or never will.
    pub returned: Option<Returned>,
}

/// How an operation ended, as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// When its client knew.
    pub at_ns: u64,
    /// What it was answered.
    pub outcome: Outcome,
}

/// Why a history was not found to be linearizable.
#[derive(Debug, PartialEq, Eq)]
pub enum Complaint {
    /// A key has no order.
    Violation(Box<Violation>),
    /// No order was found, nor that there is none. Fewer clients per key, or fewer operations of
    /// unknown outcome, make a search shorter.
    Undecided {
        /// The first such key.
        key: Vec<u8>,
        /// How many situations were looked at.
        states_max: usize,
    },
}

/// A key whose operations have no order.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which key.
    pub key: Vec<u8>,
    /// How many operations it has in all.
    pub op_count: usize,
    /// The shortest beginning of the key's history found to have no order, up to the return that
    /// spoils it: what had not returned by then counts as unknown.
    pub prefix: Vec<Op>,
    /// The operation whose return ends the prefix.
    pub last: Op,
    /// Where the longest order of the others of the prefix leaves the key.
    pub value_before: Option<Vec<u8>>,
}

/// Looks for an order of each key's operations that explains every outcome, from an empty store
/// on. At most `states_max` situations are tried for a key; a history of a few hundred operations
/// by up to sixteen clients takes a few thousand.
pub fn check(history: &[Op], states_max: usize) -> Result<(), Complaint> {
    let mut keys: BTreeMap<&[u8], Vec<&Op>> = BTreeMap::new();
    for op in history {
        keys.entry(&op.key).or_default().push(op);
    }
    let mut undecided = None;
    for (key, ops) in keys {
        match Search::new(&ops, states_max).run() {
            Verdict::Ordered => {}
            // Goes on: a violation elsewhere is worth more than a doubt here.
            Verdict::Undecided => undecided = undecided.or(Some(key)),
            Verdict::Impossible { .. } => {
                return Err(Complaint::Violation(Box::new(shortest(key, &ops, states_max))));
            }
        }
    }
    match undecided {
        Some(key) => Err(Complaint::Undecided { key: key.to_vec(), states_max }),
        None => Ok(()),
    }
}

/// Once a beginning has no order, no continuation gives it one, so the place is found by halving.
/// A beginning that cannot be decided is passed over as if it had an order.
fn shortest(key: &[u8], ops: &[&Op], states_max: usize) -> Violation {
    let mut returns: Vec<&Op> = ops.iter().copied().filter(|op| op.returned.is_some()).collect();
    returns.sort_by_key(|op| op.returned.as_ref().map(|returned| returned.at_ns));
    let beginning = |last: &Op| until(ops, last.returned.as_ref().map_or(0, |it| it.at_ns));
    let verdict = |prefix: &[Op]| {
        let prefix: Vec<&Op> = prefix.iter().collect();
        Search::new(&prefix, states_max).run()
    };
    let fails = |last: &Op| matches!(verdict(&beginning(last)), Verdict::Impossible { .. });
    let spoiler = returns.partition_point(|last| !fails(last)).min(returns.len() - 1);
    let last = returns[spoiler];
    let prefix = beginning(last);
    let value_before = match verdict(&prefix) {
        Verdict::Impossible { furthest } => furthest,
        Verdict::Ordered | Verdict::Undecided => None,
    };
    let (key, op_count, last) = (key.to_vec(), ops.len(), last.clone());
    Violation { key, op_count, prefix, last, value_before }
}

/// What was known at `at_ns`.
fn until(ops: &[&Op], at_ns: u64) -> Vec<Op> {
    let mut known: Vec<Op> =
        ops.iter().filter(|op| op.call_ns <= at_ns).map(|&op| op.clone()).collect();
    for op in &mut known {
        op.returned = op.returned.take().filter(|returned| returned.at_ns <= at_ns);
    }
    known.sort_by_key(|op| op.call_ns);
    known
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => violation.fmt(f),
            Self::Undecided { key, states_max } => write!(
                f,
                "key \"{}\": undecided after {states_max} situations; raise the bound, or use \
                 fewer clients per key",
                key.escape_ascii()
            ),
        }
    }
}

impl std::error::Error for Complaint {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, count) = (self.key.escape_ascii(), self.prefix.len());
        writeln!(
            f,
            "key \"{key}\": the first {count} of {} operations have no order",
            self.op_count
        )?;
        writeln!(f, "  spoiled by {}", self.last)?;
        match &self.value_before {
            Some(value) => {
                writeln!(f, "  the longest order of the rest leaves \"{}\"", value.escape_ascii())?
            }
            None => writeln!(f, "  the longest order of the rest leaves no value")?,
        }
        let concurrent: Vec<&Op> = self.concurrent().collect();
        if concurrent.is_empty() {
            return write!(f, "  nothing was concurrent with it");
        }
        write!(f, "  concurrent with it:")?;
        concurrent.iter().try_for_each(|op| write!(f, "\n    {op}"))
    }
}

impl Violation {
    /// The operations of the prefix that may have happened while the last one was under way.
    pub fn concurrent(&self) -> impl Iterator<Item = &Op> {
        self.prefix.iter().filter(|op| {
            let over = |returned: &Returned| returned.at_ns < self.last.call_ns;
            **op != self.last && !op.returned.as_ref().is_some_and(over)
        })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (process, kind, call_ns) = (self.process, &self.kind, self.call_ns);
        match &self.returned {
            Some(Returned { at_ns, outcome }) => {
                write!(f, "client {process}: {kind} -> {outcome} [{call_ns}..{at_ns} ns]")
            }
            None => write!(f, "client {process}: {kind} -> unknown [{call_ns}.. ns]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::register::Condition;

    fn set(value: &str) -> Kind {
        Kind::Set { value: value.into(), condition: Condition::Always }
    }

    fn read(value: &str) -> Outcome {
        Outcome::Value(Some(value.into()))
    }

    /// `(call_ns, return_ns, kind, outcome)` on key `k`, the clients numbered as they come.
    fn history(ops: impl IntoIterator<Item = (u64, u64, Kind, Outcome)>) -> Vec<Op> {
        let op = |(process, (call_ns, at_ns, kind, outcome))| {
            let returned = Some(Returned { at_ns, outcome });
            Op { process, key: b"k".to_vec(), kind, call_ns, returned }
        };
        (0..).zip(ops).map(op).collect()
    }

    #[track_caller]
    fn complaint(history: &[Op]) -> String {
        check(history, 10_000).unwrap_err().to_string()
    }

    #[test]
    fn concurrent_operations_may_go_either_way() {
        for seen in [read("1"), read("2")] {
            let ops = history([
                (0, 9, set("1"), Outcome::Stored),
                (5, 20, set("2"), Outcome::Stored),
                (21, 22, Kind::Get, seen),
            ]);
            assert_eq!(check(&ops, 100), Ok(()));
        }
    }

    #[test]
    fn stale_read_is_a_violation_and_reads_as_one() {
        let ops = history([
            (0, 9, set("1"), Outcome::Stored),
            (10, 19, set("2"), Outcome::Stored),
            (15, 40, Kind::Del, Outcome::Deleted(true)),
            (20, 29, Kind::Get, read("1")),
            (50, 59, Kind::Get, Outcome::Value(None)),
        ]);
        assert_eq!(
            complaint(&ops),
            "key \"k\": the first 4 of 5 operations have no order\n\
             \x20 spoiled by client 3: GET -> \"1\" [20..29 ns]\n\
             \x20 the longest order of the rest leaves \"2\"\n\
             \x20 concurrent with it:\n\
             \x20   client 2: DEL -> unknown [15.. ns]"
        );
    }

    #[test]
    fn two_reads_may_not_disagree_on_the_order_of_writes() {
        let ops = history([
            (0, 50, set("1"), Outcome::Stored),
            (0, 50, set("2"), Outcome::Stored),
            (10, 11, Kind::Get, read("1")),
            (12, 13, Kind::Get, read("2")),
            (14, 15, Kind::Get, read("1")),
        ]);
        assert!(complaint(&ops).contains("the first 5 of 5 operations"));
    }

    #[test]
    fn counters_skip_and_repeat_nothing() {
        let incr = |count, at_ns| (0, at_ns, Kind::Incr, Outcome::Count(count));
        assert_eq!(check(&history([incr(3, 9), incr(1, 9), incr(2, 9)]), 100), Ok(()));
        complaint(&history([incr(1, 9), incr(1, 9)]));
        complaint(&history([incr(1, 9), incr(3, 9)]));
    }

    #[test]
    fn unknown_operation_may_happen_late_or_never_but_once() {
        let mut ops = history([
            (0, 1, Kind::Incr, Outcome::Count(1)),
            (2, 3, Kind::Incr, Outcome::Count(0)),
            (4, 5, Kind::Get, read("1")),
        ]);
        ops[1].returned = None;
        assert_eq!(check(&ops, 100), Ok(()));
        ops.extend(history([(6, 7, Kind::Get, read("2"))]));
        assert_eq!(check(&ops, 100), Ok(()));
        ops.extend(history([(8, 9, Kind::Get, read("3"))]));
        assert!(complaint(&ops).contains("client 1: INCR -> unknown [2.. ns]"));
    }

    #[test]
    fn keys_are_judged_apart() {
        let mut ops = history([(0, 1, set("1"), Outcome::Stored), (2, 3, Kind::Get, read("1"))]);
        ops[1].key = b"other".to_vec();
        assert!(complaint(&ops).starts_with("key \"other\": the first 1 of 1"));
    }

    #[test]
    fn doubt_is_not_passed_off_as_a_verdict() {
        let mut ops: Vec<Op> =
            history((0..40).map(|i| (0, 1, set(&i.to_string()), Outcome::Stored)));
        ops.iter_mut().for_each(|op| op.returned = None);
        ops.extend(history([(2, 3, Kind::Get, read("never written"))]));
        let undecided = Complaint::Undecided { key: b"k".to_vec(), states_max: 10 };
        assert_eq!(check(&ops, 10), Err(undecided));
        assert!(matches!(check(&ops, 1000), Err(Complaint::Violation(_))));
    }
}
