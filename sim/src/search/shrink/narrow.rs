//! One failing run made smaller: which of its deviations can be left out.
//!
//! What is large is tried first: nothing but one kind of deviation, or one host's; all but one kind or
//! one host's; the first half of them; then ever smaller groups, the later ones first, down to single
//! ones (delta debugging), until nothing more can go. Leaving out is not monotone: two deviations that
//! cannot go one by one may go together. So few that are left are tried in all their subsets at last.

use std::collections::BTreeSet;

use greenroom::scenario::Scenario;

use crate::choices::Series;
use crate::run::{Choice, Run, Spec, run};

/// Subsets of what is left are tried where there are no more than so many.
const SUBSETS_MAX: usize = 512;

/// What a minimisation may still spend. Counted in runs and events, so that it does not depend on the
/// machine.
pub(super) struct Budget {
    pub(super) runs: usize,
    pub(super) runs_max: usize,
    pub(super) events: u64,
    pub(super) events_max: u64,
}

impl Budget {
    pub(super) fn is_spent(&self) -> bool {
        self.runs >= self.runs_max || self.events >= self.events_max
    }

    /// Plays a run on it.
    pub(super) fn play(&mut self, scenario: &Scenario, spec: &Spec) -> Run {
        let played = run(scenario, spec);
        self.runs += 1;
        self.events += played.events;
        played
    }
}

/// A failing run on its way to be small.
pub(super) struct Search<'a> {
    pub(super) scenario: &'a Scenario,
    /// What plays it; its tape is whatever was tried last.
    pub(super) spec: Spec,
    /// How it has to fail.
    pub(super) class: &'a str,
    /// The smallest run so far.
    pub(super) best: Run,
}

impl Search<'_> {
    /// Leaves out what can be. True when without any one of what is left it does not fail so.
    pub(super) fn narrow(&mut self, budget: &mut Budget) -> bool {
        if self.best.deviation_count() > 0 && self.try_out(Vec::new(), budget) {
            return true;
        }
        self.keep_one_part(budget);
        self.drop_parts(budget);
        self.drop_tail(budget);
        let mut is_minimal = self.drop_groups(budget);
        while self.keep_a_subset(budget) {
            is_minimal = self.drop_groups(budget);
        }
        is_minimal
    }

    /// Plays these deviations; takes the run up if it fails alike and is smaller.
    fn try_out(&mut self, choices: Vec<Choice>, budget: &mut Budget) -> bool {
        if budget.is_spent() {
            return false;
        }
        self.spec.tape = Some(choices);
        let tried = budget.play(self.scenario, &self.spec);
        let smaller = tried.deviation_count() < self.best.deviation_count();
        let better = smaller && tried.outcome.class() == self.class;
        if better {
            self.best = tried;
        }
        better
    }

    /// Nothing but one kind of deviation, or one host's, the fewest first.
    fn keep_one_part(&mut self, budget: &mut Budget) {
        loop {
            let all = self.best.deviations();
            let mut parts = parts(&all);
            parts.sort_by_key(Vec::len);
            let before = all.len();
            let found =
                parts.into_iter().any(|part| part.len() < before && self.try_out(part, budget));
            if !found {
                return;
            }
        }
    }

    /// All but one kind, or one host's, the most first.
    fn drop_parts(&mut self, budget: &mut Budget) {
        loop {
            let all = self.best.deviations();
            let mut parts = parts(&all);
            parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
            let found = parts.into_iter().filter(|part| part.len() < all.len()).any(|part| {
                let rest = all.iter().filter(|choice| !part.contains(choice)).cloned();
                self.try_out(rest.collect(), budget)
            });
            if !found {
                return;
            }
        }
    }

    /// The shortest prefix that still fails, by halving.
    fn drop_tail(&mut self, budget: &mut Budget) {
        let all = self.best.deviations();
        let (mut holds, mut fails) = (0, all.len());
        while fails - holds > 1 {
            let middle = holds + (fails - holds) / 2;
            if self.try_out(all[..middle].to_vec(), budget) {
                fails = middle
            } else {
                holds = middle
            }
        }
    }

    /// Takes away groups of n/2, n/4 … 1 deviations until none of a size can go. True when every
    /// single one was tried against what is left.
    fn drop_groups(&mut self, budget: &mut Budget) -> bool {
        let mut size = (self.best.deviation_count() / 2).max(1);
        loop {
            let mut shrank = false;
            let mut end = self.best.deviation_count();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut rest = self.best.deviations();
                rest.drain(start..end);
                if self.try_out(rest, budget) {
                    shrank = true;
                    end = start.min(self.best.deviation_count());
                } else {
                    end = start;
                }
            }
            match (size, shrank) {
                _ if budget.is_spent() => return false,
                (1, false) => return true,
                (1, true) => {}
                _ => size = (size / 2).max(1),
            }
        }
    }

    /// A subset of few that are left, the smallest first. True when one fails.
    fn keep_a_subset(&mut self, budget: &mut Budget) -> bool {
        let all = self.best.deviations();
        // Without one, and whole, it is known already.
        let sizes = 1..all.len().saturating_sub(1);
        let mut left = SUBSETS_MAX;
        for size in sizes {
            let mut chosen: Vec<usize> = (0..size).collect();
            loop {
                if left == 0 || budget.is_spent() {
                    return false;
                }
                left -= 1;
                if self.try_out(chosen.iter().map(|&at| all[at].clone()).collect(), budget) {
                    return true;
                }
                if !next_combination(&mut chosen, all.len()) {
                    break;
                }
            }
        }
        false
    }
}

/// What belongs together: the deviations of a kind, those of a host, and those of a kind on a host.
fn parts(all: &[Choice]) -> Vec<Vec<Choice>> {
    let host = |choice: &Choice| choice.entity.split('/').next().unwrap_or_default().to_owned();
    let hosts: BTreeSet<String> = all.iter().map(host).collect();
    let mut parts: Vec<Vec<Choice>> = Vec::new();
    let mut take = |is_in: &dyn Fn(&Choice) -> bool| {
        let part: Vec<Choice> = all.iter().filter(|choice| is_in(choice)).cloned().collect();
        if !part.is_empty() && !parts.contains(&part) {
            parts.push(part);
        }
    };
    for series in Series::ALL {
        take(&|choice| choice.series == series);
    }
    for name in &hosts {
        take(&|choice| host(choice) == *name);
        for series in Series::ALL {
            take(&|choice| host(choice) == *name && choice.series == series);
        }
    }
    parts
}

/// The next choice of as many out of `count`, in order; false behind the last.
fn next_combination(chosen: &mut [usize], count: usize) -> bool {
    let size = chosen.len();
    let Some(at) = (0..size).rev().find(|&at| chosen[at] < count - size + at) else { return false };
    chosen[at] += 1;
    for next in at + 1..size {
        chosen[next] = chosen[next - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_all_there_once() {
        let mut chosen = vec![0, 1, 2];
        let mut seen = BTreeSet::from([chosen.clone()]);
        while next_combination(&mut chosen, 6) {
            assert!(seen.insert(chosen.clone()), "{chosen:?} twice");
        }
        assert_eq!(seen.len(), 20);
    }
}
