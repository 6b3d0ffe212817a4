//! The minimiser: fewer deviations that still fail in the same way.
//!
//! A failing run is its deviations, so making it smaller is leaving some out and running what is left
//! (`shrink/narrow.rs`). A run counts only if it fails in the same class, and after every success its
//! actual deviations are taken up, which are often fewer still. Where one run stays large, other seeds
//! that fail alike are made small in its place, as far as the budget goes: each is a start in another
//! place, and the smallest end counts.

mod narrow;

use greenroom::scenario::Scenario;

use crate::run::{Run, Spec, run};
use crate::search::difference::contradiction;
use narrow::{Budget, Search};

/// The most runs one minimisation may take, and the most events in them.
const RUNS_MAX: usize = 3_000;
const EVENTS_MAX: u64 = 20_000_000;
/// A run of no more deviations than this is small: no other start is looked for.
const SMALL: usize = 1;
/// Seeds looked through for other starts.
const SEEDS_MAX: u64 = 1_000;
/// So many starts in a row without a smaller end are enough.
const STARTS_IN_VAIN_MAX: usize = 8;

/// A failure made small.
#[derive(Debug)]
pub struct Shrunk {
    /// The run that is left, with its deviations.
    pub run: Run,
    /// What plays it. Its seed is another than the failing run's where the smallest run was found by
    /// way of that one.
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
    let class = &failing.outcome.class();
    let mut budget = Budget { runs: 0, runs_max: RUNS_MAX, events: 0, events_max: EVENTS_MAX };
    let taped = Spec { tape: Some(failing.deviations()), keeps_events: false, ..spec.clone() };
    let replayed = budget.play(scenario, &taped);
    if let Some(both) = contradiction(scenario, (spec, failing), (&taped, &replayed)) {
        return Err(both);
    }
    let mut search = Search { scenario, spec: taped, class, best: replayed };
    let mut is_minimal = search.narrow(&mut budget);
    if spec.tape.is_none() {
        start_elsewhere(&mut search, &mut is_minimal, spec, &mut budget);
    }
    let tape = Some(search.best.deviations());
    let spec = Spec { tape, ..search.spec };
    let again = run(scenario, &spec);
    if let Some(both) = contradiction(scenario, (&spec, &search.best), (&spec, &again)) {
        return Err(both);
    }
    let before = failing.deviation_count();
    Ok(Shrunk { run: search.best, spec, before, runs: budget.runs, is_minimal })
}

/// Makes other seeds small that fail alike, and takes up whatever is smaller.
fn start_elsewhere(
    search: &mut Search<'_>,
    is_minimal: &mut bool,
    spec: &Spec,
    budget: &mut Budget,
) {
    let mut in_vain = 0;
    for seed in (0..SEEDS_MAX).filter(|&seed| seed != spec.seed) {
        let is_small = search.best.deviation_count() <= SMALL;
        if is_small || in_vain >= STARTS_IN_VAIN_MAX || budget.is_spent() {
            return;
        }
        let spec = Spec { seed, tape: None, keeps_events: false, ..spec.clone() };
        let best = budget.play(search.scenario, &spec);
        if best.outcome.class() != search.class {
            continue;
        }
        let (scenario, class) = (search.scenario, search.class);
        let mut other = Search { scenario, spec, class, best };
        let other_is_minimal = other.narrow(budget);
        in_vain += 1;
        if other.best.deviation_count() < search.best.deviation_count() {
            in_vain = 0;
            (*search, *is_minimal) = (other, other_is_minimal);
        }
    }
}
