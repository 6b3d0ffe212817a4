//! The search for an order of one key's operations, after Wing and Gong with Lowe's memory of
//! situations already tried. Not a simulation: nothing is timed, calls and returns only say what
//! cannot come after what.

use std::collections::BTreeMap;

use super::linearizable::Op;
use super::register::{Outcome, Value, apply};

#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Ordered,
    /// With the value after the longest order that was found.
    Impossible {
        furthest: Value,
    },
    Undecided,
}

/// Which operations have been ordered, and where that leaves the key. Two orders that lead to the
/// same situation have the same future, so each is tried once.
#[derive(Clone, Debug)]
struct Situation {
    known: Set,
    /// Those whose outcome is unknown.
    unknown: Set,
    value: Value,
}

pub(super) struct Search<'a> {
    /// By call.
    ops: Vec<&'a Op>,
    states_max: usize,
}

impl<'a> Search<'a> {
    pub fn new(ops: &[&'a Op], states_max: usize) -> Self {
        let mut ops = ops.to_vec();
        ops.sort_by_key(|op| op.call_ns);
        Self { ops, states_max }
    }

    /// Depth first with a stack of its own, as a history may be longer than the thread's stack;
    /// rather, one for each number of unknown operations used, the fewest first. So a situation is
    /// mostly met first without those that only got lost on the way to it, and `Tried` spares the
    /// search their every combination.
    pub fn run(&self) -> Verdict {
        let none = Set::empty(self.ops.len());
        let start = Situation { known: none.clone(), unknown: none, value: None };
        let mut furthest = (0, None);
        let mut tried = Tried::default();
        let mut untried = BTreeMap::from([(0, vec![start])]);
        while let Some(mut stack) = untried.first_entry() {
            let Some(situation) = stack.get_mut().pop() else {
                stack.remove();
                continue;
            };
            let candidates = self.candidates(&situation);
            if candidates.iter().all(|&index| self.outcome(index).is_none()) {
                return Verdict::Ordered;
            }
            if !tried.is_news(&situation) {
                continue;
            }
            if tried.count > self.states_max {
                return Verdict::Undecided;
            }
            if situation.known.count() > furthest.0 {
                furthest = (situation.known.count(), situation.value.clone());
            }
            // What is pushed last is tried first, and that should be the soonest to return.
            for next in self.next(&situation, &candidates).into_iter().rev() {
                untried.entry(next.unknown.count()).or_default().push(next);
            }
        }
        Verdict::Impossible { furthest: furthest.1 }
    }

    /// The operations that may come next: those called before any other still to come returned,
    /// the soonest to return first. While a known one is left, one of them is among these.
    fn candidates(&self, situation: &Situation) -> Vec<usize> {
        let mut first_return_ns = u64::MAX;
        let mut candidates = Vec::new();
        for (index, op) in self.ops.iter().enumerate() {
            // Equal times are taken as concurrent: a clock's grain proves no order.
            if op.call_ns > first_return_ns {
                break;
            }
            if !situation.known.has(index) && !situation.unknown.has(index) {
                first_return_ns = first_return_ns.min(self.return_ns(index));
                candidates.push(index);
            }
        }
        candidates.sort_by_key(|&index| self.return_ns(index));
        candidates
    }

    fn next(&self, from: &Situation, candidates: &[usize]) -> Vec<Situation> {
        let Situation { known, unknown, value } = from;
        let mut next = Vec::new();
        for (place, &index) in candidates.iter().enumerate() {
            let (outcome, changed) = apply(&self.ops[index].kind, value);
            match (self.outcome(index), changed) {
                (Some(seen), _) if *seen != outcome => {}
                (Some(_), changed) => {
                    let (known, unknown) = (known.with(index), unknown.clone());
                    let value = changed.unwrap_or_else(|| value.clone());
                    let situation = Situation { known, unknown, value };
                    // It would change nothing later either, so there is no point in waiting.
                    if outcome.is_harmless() {
                        return vec![situation];
                    }
                    next.push(situation);
                }
                // Of unknown outcome and without effect, it may as well never happen.
                (None, None) => {}
                (None, Some(_)) if self.has_twin(index, &candidates[..place]) => {}
                (None, Some(value)) => {
                    let (known, unknown) = (known.clone(), unknown.with(index));
                    next.push(Situation { known, unknown, value });
                }
            }
        }
        next
    }

    /// Unknown operations that do the same are interchangeable; trying the first will do.
    fn has_twin(&self, index: usize, earlier: &[usize]) -> bool {
        let same = |&other: &usize| self.ops[other].kind == self.ops[index].kind;
        earlier.iter().filter(|&&other| self.outcome(other).is_none()).any(same)
    }

    fn outcome(&self, index: usize) -> Option<&Outcome> {
        self.ops[index].returned.as_ref().map(|returned| &returned.outcome)
    }

    fn return_ns(&self, index: usize) -> u64 {
        self.ops[index].returned.as_ref().map_or(u64::MAX, |returned| returned.at_ns)
    }
}

/// The situations tried: for the known operations ordered and the value left, which unknown ones
/// had been used.
#[derive(Default)]
struct Tried {
    used: BTreeMap<(Set, Value), Vec<Set>>,
    count: usize,
}

impl Tried {
    /// False if the same was tried with no more unknown operations used up: whatever can follow
    /// now could follow then. Otherwise it counts as tried from now on.
    fn is_news(&mut self, situation: &Situation) -> bool {
        let Situation { known, unknown, value } = situation.clone();
        let used = self.used.entry((known, value)).or_default();
        if used.iter().any(|fewer| fewer.is_within(&unknown)) {
            return false;
        }
        used.push(unknown);
        self.count += 1;
        true
    }
}

/// A set of operations, by index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Set(Vec<u64>);

impl Set {
    fn empty(ops: usize) -> Self {
        Self(vec![0; ops.div_ceil(64)])
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] >> (index % 64) & 1 == 1
    }

    fn with(&self, index: usize) -> Self {
        let mut set = self.clone();
        set.0[index / 64] |= 1 << (index % 64);
        set
    }

    fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::linearizable::{Complaint, Returned, check};
    use crate::kv::register::{Condition, Kind};
    use proptest::prelude::*;

    /// Every order there is, without memory or shortcuts.
    fn has_order(todo: &[&Op], value: &Value) -> bool {
        let returns = |op: &Op| op.returned.as_ref().map_or(u64::MAX, |returned| returned.at_ns);
        let first_return_ns = todo.iter().map(|op| returns(op)).min().unwrap_or(u64::MAX);
        todo.iter().all(|op| op.returned.is_none())
            || (0..todo.len()).any(|index| {
                let (outcome, changed) = apply(&todo[index].kind, value);
                let explained = todo[index].returned.as_ref().is_none_or(|r| r.outcome == outcome);
                let rest = [&todo[..index], &todo[index + 1..]].concat();
                todo[index].call_ns <= first_return_ns
                    && explained
                    && has_order(&rest, &changed.unwrap_or_else(|| value.clone()))
            })
    }

    fn op(kind: Kind, call_ns: u64, returned: Option<(u64, Outcome)>) -> Op {
        let returned = returned.map(|(at_ns, outcome)| Returned { at_ns, outcome });
        Op { process: 0, key: b"k".to_vec(), kind, call_ns, returned }
    }

    fn kind() -> impl Strategy<Value = Kind> {
        let conditions = [Condition::Always, Condition::IfAbsent, Condition::IfPresent];
        let set =
            (1..4_u8, prop::sample::select(conditions.to_vec())).prop_map(|(value, condition)| {
                Kind::Set { value: value.to_string().into(), condition }
            });
        prop_oneof![3 => set, 3 => Just(Kind::Get), 1 => Just(Kind::Del), 2 => Just(Kind::Incr)]
    }

    /// An operation and an outcome it could have on some value.
    fn guess() -> impl Strategy<Value = Op> {
        let value = prop::option::of((1..4_u8).prop_map(|value| value.to_string().into_bytes()));
        (kind(), value, 0..12_u64, 0..6_u64, prop::bool::weighted(0.8)).prop_map(
            |(kind, value, call_ns, length_ns, known)| {
                let outcome = apply(&kind, &value).0;
                op(kind, call_ns, known.then_some((call_ns + length_ns, outcome)))
            },
        )
    }

    /// What clients of a real register saw: each operation takes effect ten nanoseconds after the
    /// one before, called up to `stretch_ns` earlier and returning up to as much later. The value
    /// of an unconditional `SET` is its place in the history, so no two write the same.
    /// `lossy` is out of forty: so many outcomes get lost, one in forty with the operation.
    fn recorded(ops: usize, stretch_ns: u64, lossy: u8) -> impl Strategy<Value = Vec<Op>> {
        let stretch = move || 0..=stretch_ns;
        let one = (kind(), stretch(), stretch(), 0..40_u8);
        prop::collection::vec(one, 0..ops).prop_map(move |ops| {
            let mut value = None;
            let run = |(place, (mut kind, before_ns, after_ns, luck)): (u64, (Kind, _, _, _))| {
                if let Kind::Set { value, condition: Condition::Always } = &mut kind {
                    *value = format!("v{place}").into_bytes();
                }
                let at_ns = stretch_ns + 10 * place;
                let (outcome, changed) = apply(&kind, &value);
                if luck != 0 || lossy == 0 {
                    value = changed.unwrap_or_else(|| value.take());
                }
                op(kind, at_ns - before_ns, (luck >= lossy).then_some((at_ns + after_ns, outcome)))
            };
            (0..).zip(ops).map(run).collect()
        })
    }

    /// `SET 1` changes nothing where it could first stand, yet is needed after the `INCR`.
    #[test]
    fn set_without_effect_may_still_have_to_wait() {
        let set = || Kind::Set { value: b"1".to_vec(), condition: Condition::Always };
        let ops = [
            op(set(), 0, Some((1, Outcome::Stored))),
            op(set(), 2, Some((9, Outcome::Stored))),
            op(Kind::Incr, 2, Some((3, Outcome::Count(2)))),
            op(Kind::Incr, 10, Some((11, Outcome::Count(2)))),
        ];
        assert_eq!(check(&ops, 100), Ok(()));
    }

    proptest! {
        #[test]
        fn shortcuts_do_not_change_the_verdict(ops in prop::collection::vec(guess(), 0..7)) {
            let all: Vec<&Op> = ops.iter().collect();
            let found = Search::new(&all, usize::MAX).run() == Verdict::Ordered;
            prop_assert_eq!(found, has_order(&all, &None));
            let Err(Complaint::Violation(violation)) = check(&ops, usize::MAX) else {
                return Ok(());
            };
            let prefix: Vec<&Op> = violation.prefix.iter().collect();
            prop_assert!(!has_order(&prefix, &None));
            // Without the one that spoils it, it has an order: no shorter beginning fails.
            let mut without = violation.prefix.clone();
            for op in &mut without {
                op.returned = op.returned.take().filter(|it| {
                    violation.last.returned.as_ref().is_some_and(|last| it.at_ns < last.at_ns)
                });
            }
            prop_assert!(has_order(&without.iter().collect::<Vec<_>>(), &None));
        }

    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_a_register_did_has_an_order(ops in recorded(200, 80, 4)) {
            prop_assert_eq!(check(&ops, 100_000), Ok(()));
            let mut v: Vec<&Op> = ops.iter().collect(); v.sort_by_key(|o| o.call_ns);
        }

        #[test]
        fn reading_what_was_overwritten_has_none(
            mut ops in recorded(200, 80, 0),
            pick: prop::sample::Index,
        ) {
            let over_ns = 10_000;
            let new = Kind::Set { value: b"new".to_vec(), condition: Condition::Always };
            ops.push(op(new, over_ns, Some((over_ns + 1, Outcome::Stored))));
            let stale = match &ops[pick.index(ops.len())].kind {
                Kind::Set { value, .. } if value != b"new" => Some(value.clone()),
                _ => None,
            };
            ops.push(op(Kind::Get, over_ns + 2, Some((over_ns + 3, Outcome::Value(stale)))));
            prop_assert!(matches!(check(&ops, 100_000), Err(Complaint::Violation(_))));
        }
    }
}
