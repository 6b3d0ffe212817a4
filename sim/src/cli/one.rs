//! One seed: played and reported by a process of its own, so that whatever it does to that is its result.

use greenroom::scenario::Scenario;

use super::apart::{Played, job, no_worker, play_apart};
use super::args::SimArgs;
use super::failure::failure;
use super::show::{json, show};
use super::suite::Suite;
use crate::run::Spec;
use crate::search::job::Show;
use crate::search::sweep::{SeedResult, Sweep};

pub(super) fn one_seed(
    suite: &Suite,
    args: &SimArgs,
    scenarios: &[Scenario],
    spec: &Spec,
) -> Result<i32, String> {
    let mut code = 0;
    for scenario in scenarios {
        if args.check
            && let Some(failed) = checked(args, scenario, spec)?
        {
            if args.json {
                say!("{}", json(&failed));
            }
            code = code.max(failure(suite, args, scenario, spec, &failed)?);
            continue;
        }
        let played = play_apart(&job(scenario, spec, shown(args))).map_err(no_worker)?;
        let death = match &played {
            Played::ToItsEnd(of_scenario, _) => {
                code = code.max(*of_scenario);
                continue;
            }
            Played::Died(death, _) => death,
        };
        if args.json {
            say!("{}", json(death));
        }
        code = code.max(failure(suite, args, scenario, spec, death)?);
    }
    Ok(code)
}

/// Plays it in this process.
pub(super) fn here(
    suite: &Suite,
    args: &SimArgs,
    scenarios: &[Scenario],
    spec: &Spec,
) -> Result<i32, String> {
    let show = |scenario| show(suite, scenario, spec, &shown(args)).0;
    Ok(scenarios.iter().map(show).max().unwrap_or(0))
}

/// What is shown of a seed that is asked for.
fn shown(args: &SimArgs) -> Show {
    Show {
        trace: args.shown.trace,
        style: args.shown.style(),
        line: !args.json && args.shown.trace.is_none(),
        token: args.token,
        json: args.json,
        report: !args.json,
        twice: false,
    }
}

/// What was wrong when the seed was played three times, unless a play by itself tells all of that.
fn checked(args: &SimArgs, scenario: &Scenario, spec: &Spec) -> Result<Option<SeedResult>, String> {
    let after = spec.seed.checked_add(1);
    let after =
        after.ok_or_else(|| format!("seed {} is beyond those that --check has", spec.seed))?;
    let seeds = spec.seed..after;
    let sweep = Sweep { passes_stderr: false, jobs: 1, ..args.sweep(scenario, spec, seeds) };
    let summary = sweep.run(|_| {}).map_err(no_worker)?;
    Ok(summary.failed.filter(|failed| failed.is_death() || failed.is_nondeterministic()))
}
