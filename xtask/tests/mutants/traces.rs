//! A driver that wakes two greenlets in the wrong order is seen in the turns of some story: the
//! golden traces would change.

use greenroom::mutant::{self, Mutant};
use greenroom::scenario::Scenario;
use greenroom_sim::run::{Spec, run};
use greenroom_sim::trace::Level;

/// Those of the seed whose run is pinned under `snapshots/`.
fn turns(scenario: &Scenario) -> String {
    let spec = Spec { keeps_events: true, ..Spec::seed(1) };
    run(scenario, &spec).trace.expect("events were kept").text(Level::Sched, "")
}

#[test]
fn swapped_wakes_change_a_golden_trace() {
    let differs =
        |scenario| turns(scenario) != mutant::with(Mutant::SwappedWakes, || turns(scenario));
    assert!(greenroom_scenarios::all().iter().any(differs));
}
