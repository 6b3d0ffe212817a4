//! A driver that wakes two greenlets in the wrong order is seen in the turns of some story or
//! law.

use greenroom::mutant::{self, Mutant};
use greenroom::scenario::Scenario;
use greenroom_sim::run::{Spec, run};
use greenroom_sim::trace::Level;

/// Those of the run without any deviation.
fn turns(scenario: &Scenario) -> String {
    let spec = Spec { keeps_events: true, tape: Some(Vec::new()), ..Spec::seed(1) };
    run(scenario, &spec).trace.expect("events were kept").text(Level::Sched, "")
}

#[test]
fn swapped_wakes_change_a_trace() {
    let differs =
        |scenario| turns(scenario) != mutant::with(Mutant::SwappedWakes, || turns(scenario));
    let all = [greenroom_scenarios::all(), greenroom_scenarios::laws()].concat();
    assert!(all.iter().any(differs));
}
