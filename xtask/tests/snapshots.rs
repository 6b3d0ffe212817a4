//! Golden traces, reports and TCP's throughput: one pinned run each, as text under `snapshots/`.
//!
//! `cargo xtask snapshots` runs this; `--accept` writes what differs. A changed snapshot is read
//! before it is accepted.

#[path = "snapshots/throughput.rs"]
mod throughput;

use greenroom::scenario::Scenario;
use greenroom_sim::report::report;
use greenroom_sim::run::{Spec, run};
use greenroom_sim::trace::Level;

/// The seed whose run is pinned.
const PINNED: u64 = 1;
/// How far to look for a failing seed of a planted bug.
const SEEDS_MAX: u64 = 5_000;

fn trace(scenario: &Scenario, level: Level) -> String {
    let spec = Spec { keeps_events: true, ..Spec::seed(PINNED) };
    let played = run(scenario, &spec);
    let header = format!("test={}  {}", scenario.name(), played.outcome.name());
    played.trace.expect("events were kept").text(level, &header)
}

fn file_name(scenario: &Scenario, what: &str) -> String {
    format!("{}.{what}", scenario.name().replace('/', "-"))
}

fn check(name: String, text: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn calls_of_every_story() {
    for scenario in greenroom_scenarios::all() {
        check(file_name(&scenario, "api"), trace(&scenario, Level::Api));
    }
}

#[test]
fn turns_of_every_story() {
    for scenario in greenroom_scenarios::all() {
        check(file_name(&scenario, "sched"), trace(&scenario, Level::Sched));
    }
}

#[test]
fn reports_of_the_planted_bugs() {
    for scenario in greenroom_scenarios::planted() {
        if scenario.name().ends_with("-fixed") {
            continue;
        }
        let failing = (0..SEEDS_MAX).map(Spec::seed).find_map(|spec| {
            let played = run(&scenario, &spec);
            (!played.outcome.held()).then_some((spec, played))
        });
        let (spec, played) = failing.expect("a planted bug is found");
        check(
            file_name(&scenario, "report"),
            report(&scenario, &spec, &played, "cargo xtask").text,
        );
    }
}

/// Each row is also held within its bounds.
#[test]
fn throughput_beside_theory() {
    check("throughput.txt".into(), throughput::table());
}
