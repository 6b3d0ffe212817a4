//! A driver that wakes two greenlets in the wrong order is seen in the turns of some story, within few
//! seeds.

use greenroom::mutant::{self, Mutant};
use greenroom::scenario::Scenario;
use greenroom_sim::run::{Spec, run};
use greenroom_sim::trace::Level;

fn turns(scenario: &Scenario, seed: u64) -> String {
    let spec = Spec { keeps_events: true, ..Spec::seed(seed) };
    run(scenario, &spec).trace.expect("events were kept").text(Level::Sched, "")
}

#[test]
fn swapped_wakes_change_a_trace() {
    const SEEDS: u64 = 50;
    let differs = |scenario: &Scenario| {
        (0..SEEDS).any(|seed| {
            let swapped = mutant::with(Mutant::SwappedWakes, || turns(scenario, seed));
            turns(scenario, seed) != swapped
        })
    };
    assert!(greenroom_scenarios::all().iter().any(differs));
}
