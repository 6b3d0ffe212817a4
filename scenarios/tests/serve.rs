//! Servers, pools, jobs and signals: the same programs on the operating system and in the simulator,
//! and what only a simulator can show.

#[path = "serve/jobs.rs"]
mod jobs;
#[path = "serve/pools.rs"]
mod pools;
#[path = "serve/servers.rs"]
mod servers;
#[path = "serve/signals.rs"]
mod signals;

use greenroom::scenario::{Scenario, Stage};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Spec, run};

/// Runs the program on both hubs; in the simulator in calm weather, in several orders of turns.
fn on_both(program: fn()) {
    greenroom_real::run(program);
    let scenario = Scenario::new("serve", "one host", move |stage: &mut Stage| {
        stage.client("host", move || {
            program();
            Ok(())
        });
    });
    for seed in 0..8 {
        let run = run(&scenario, &Spec { weather: Weather::calm(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "seed {seed}: {}", run.outcome);
    }
}
