//! The minimiser: fewer deviations that still fail in the same way.
//!
//! A failing run is its deviations, so making it smaller is taking deviations away and running what
//! is left: first the tail, then whole series, then ever smaller groups, the later ones first, down
//! to single ones (delta debugging). A run counts only if it fails in the same class. After every
//! success the run's actual deviations are taken up, which are often fewer still.

use greenroom::scenario::Scenario;

use crate::choices::Series;
use crate::run::{Choice, Run, Spec, run};
use crate::search::difference::contradiction;

/// The most runs one minimisation may take.
const RUNS_MAX: usize = 3_000;

/// A failure made small.
#[derive(Debug)]
pub struct Shrunk {
    /// The run that is left, with its deviations.
    pub run: Run,
    /// What plays it.
    pub spec: Spec,
    /// How many deviations the failing run had.
    pub before: usize,
    /// How many runs it took.
    pub runs: usize,
    /// Whether without any one of what is left the run holds; else the budget ran out.
    pub is_minimal: bool,
}

/// Makes a failing run small.
///
/// # Errors
///
/// When its own deviations do not give the run again, or those of the smallest run not that one: neither
/// is determined by them. The text has both sides, and where they first differ.
pub fn shrink(scenario: &Scenario, spec: &Spec, failing: &Run) -> Result<Shrunk, String> {
    let class = failing.outcome.class();
    let taped = Spec { tape: Some(failing.deviations()), keeps_events: false, ..spec.clone() };
    let replayed = run(scenario, &taped);
    if let Some(both) = contradiction(scenario, (spec, failing), (&taped, &replayed)) {
        return Err(both);
    }
    let mut search = Search { scenario, spec: taped, class, best: replayed, runs: 1 };
    search.drop_tail();
    search.drop_series();
    let is_minimal = search.drop_groups();
    let before = failing.deviation_count();
    let tape = Some(search.best.deviations());
    let spec = Spec { tape, ..search.spec };
    let again = run(scenario, &spec);
    if let Some(both) = contradiction(scenario, (&spec, &search.best), (&spec, &again)) {
        return Err(both);
    }
    Ok(Shrunk { run: search.best, spec, before, runs: search.runs, is_minimal })
}

struct Search<'a> {
    scenario: &'a Scenario,
    spec: Spec,
    class: String,
    best: Run,
    runs: usize,
}

impl Search<'_> {
    /// Plays these deviations; takes the run up if it fails alike and is smaller.
    fn try_out(&mut self, choices: Vec<Choice>) -> bool {
        if self.runs >= RUNS_MAX {
            return false;
        }
        self.runs += 1;
        self.spec.tape = Some(choices);
        let tried = run(self.scenario, &self.spec);
        let smaller = tried.deviation_count() < self.best.deviation_count();
        let better = smaller && tried.outcome.class() == self.class;
        if better {
            self.best = tried;
        }
        better
    }

    /// The shortest prefix that still fails, by halving.
    fn drop_tail(&mut self) {
        let all = self.best.deviations();
        let (mut holds, mut fails) = (0, all.len());
        if !all.is_empty() && self.try_out(Vec::new()) {
            return;
        }
        while fails - holds > 1 {
            let middle = holds + (fails - holds) / 2;
            if self.try_out(all[..middle].to_vec()) { fails = middle } else { holds = middle }
        }
    }

    fn drop_series(&mut self) {
        for series in Series::ALL {
            let rest: Vec<Choice> = self
                .best
                .deviations()
                .into_iter()
                .filter(|choice| choice.series != series)
                .collect();
            if rest.len() < self.best.deviation_count() {
                self.try_out(rest);
            }
        }
    }

    /// Takes away groups of n/2, n/4 … 1 deviations until none of a size can go. True when every
    /// single one was tried against what is left.
    fn drop_groups(&mut self) -> bool {
        let mut size = (self.best.deviation_count() / 2).max(1);
        loop {
            let mut shrank = false;
            let mut end = self.best.deviation_count();
            while end > 0 {
                let start = end.saturating_sub(size);
                let mut rest = self.best.deviations();
                rest.drain(start..end);
                if self.try_out(rest) {
                    shrank = true;
                    end = start.min(self.best.deviation_count());
                } else {
                    end = start;
                }
            }
            match (size, shrank) {
                (1, false) => return self.runs < RUNS_MAX,
                (1, true) => {}
                _ => size = (size / 2).max(1),
            }
            if self.runs >= RUNS_MAX {
                return false;
            }
        }
    }
}
