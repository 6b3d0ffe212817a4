//! Other worlds: scenarios played there once, each by a process of its own, so that whatever it does to that is its
//! result.

use std::panic::{self, AssertUnwindSafe};

use clap::Args;
use greenroom::driver;
use greenroom::scenario::Scenario;

use super::apart::{Played, no_worker, play_apart};
use super::codes::CODES_OF_RUNNERS;
use super::suite::{Knobs, Runner, Suite};
use crate::run::Spec;
use crate::search::job::{Job, Runs, Task};
use crate::text::escaped;

/// Plays scenarios in a world that is not simulated, once each.
#[derive(Args, Debug)]
#[command(after_help = CODES_OF_RUNNERS)]
pub(super) struct RunnerArgs {
    /// Scenarios to play; none is all
    scenarios: Vec<String>,
    #[command(flatten)]
    knobs: Knobs,
    /// Plays them in this process, as a debugger needs it; what ends the process ends all
    #[arg(long)]
    here: bool,
}

pub(super) fn perform_all(
    suite: &Suite,
    runner: &Runner,
    args: &RunnerArgs,
) -> Result<i32, String> {
    let mut code = 0;
    let scenarios = suite.named(&args.scenarios)?;
    let turned: Result<Vec<Scenario>, String> =
        scenarios.into_iter().map(|scenario| args.knobs.turn(scenario)).collect();
    for scenario in turned? {
        if args.here {
            code |= perform(runner, &scenario);
            continue;
        }
        let task = Task::Perform(runner.name.to_owned());
        let job = Job::new(&scenario, &Spec::seed(0), Runs::seed(0), task);
        code |= match play_apart(&job).map_err(no_worker)? {
            Played::ToItsEnd(code, _) => code,
            Played::Died(death, _) => {
                say!("{:<24} {}: {}", scenario.name(), death.outcome, death.cause);
                1
            }
        };
    }
    Ok(code)
}

/// Plays it in this process, and says what it came to; returns the exit code.
pub(super) fn perform(runner: &Runner, scenario: &Scenario) -> i32 {
    // A stage that cannot be set is the scenario's result here too; std has said where.
    let played = panic::catch_unwind(AssertUnwindSafe(|| (runner.play)(scenario)));
    let (held, line) = played.unwrap_or_else(|payload| {
        let what = driver::panic_message(&*payload);
        (false, format!("FAILED, as it panicked: {}", escaped(&what)))
    });
    say!("{:<24} {line}", scenario.name());
    i32::from(!held)
}
