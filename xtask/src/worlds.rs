//! The commands that play stories: `sim` and `replay` are `greenroom_sim::cli`'s, `real` performs
//! on the operating system.

mod drills;
mod serve;

use std::time::Duration;

use greenroom::scenario::Scenario;
use greenroom_sim::cli::{self, Runner, Suite};

/// Plays as told; returns the exit code.
pub fn main(args: &[String]) -> i32 {
    if let [real, story, rest @ ..] = args
        && (real.as_str(), story.as_str()) == ("real", "kv")
        && rest.iter().any(|flag| flag.split('=').next() == Some("--serve"))
    {
        return serve::main(rest);
    }
    let mut by_name = greenroom_scenarios::planted();
    by_name.extend(greenroom_scenarios::laws());
    by_name.extend(drills::all());
    let suite = Suite {
        scenarios: greenroom_scenarios::all(),
        by_name,
        runners: vec![Runner { name: "real", play: perform }],
        command: "cargo xtask".into(),
    };
    cli::main(&suite, args)
}

fn perform(scenario: &Scenario) -> (bool, String) {
    let performance = greenroom_real::try_perform(scenario);
    let took = format!("{:?}", round(performance.elapsed));
    let line = match performance.held() {
        true => format!("held       {took:>10}"),
        false => format!("FAILED     {took:>10}\n  {}", performance.violations.join("\n  ")),
    };
    (performance.held(), line)
}

fn round(time: Duration) -> Duration {
    Duration::from_micros(time.as_micros() as u64)
}
