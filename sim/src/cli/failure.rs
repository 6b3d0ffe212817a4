//! A seed that failed in a process of a sweep's: reported by another, which may see something else.

use greenroom::scenario::Scenario;

use super::apart::{Played, job, no_worker, play_apart};
use super::args::SimArgs;
use super::suite::Suite;
use crate::run::Spec;
use crate::search::again::Again;
use crate::search::evidence;
use crate::search::job::{Runs, Show};
use crate::search::sweep::SeedResult;

/// Has the failing seed played and reported by a process of its own; returns the exit code. A seed that ends its
/// process is only named.
pub(super) fn failure(
    suite: &Suite,
    args: &SimArgs,
    scenario: &Scenario,
    spec: &Spec,
    failed: &SeedResult,
) -> Result<i32, String> {
    let spec = Spec { seed: failed.seed, ..spec.clone() };
    if failed.is_nondeterministic() {
        return contradicted(suite, args, scenario, &spec, failed);
    }
    if failed.is_death() {
        say_death(suite, args, scenario, &spec, failed);
        return Ok(1);
    }
    let style = args.shown.style();
    let show = Show { report: !args.json, style, ..Show::default() };
    let here = match play_apart(&job(scenario, &spec, show)).map_err(no_worker)? {
        Played::ToItsEnd(_, Some(here)) if here.held() => here,
        Played::ToItsEnd(code, _) => return Ok(code),
        Played::Died(death, None) => death,
        Played::Died(death, Some(_)) => {
            say_death(suite, args, scenario, &spec, &death);
            return Ok(1);
        }
    };
    let mut both = failed.clone();
    both.compare(&here);
    contradicted(suite, args, scenario, &spec, &both)
}

fn say_death(suite: &Suite, args: &SimArgs, scenario: &Scenario, spec: &Spec, death: &SeedResult) {
    if !args.json {
        say!("seed {} {}: {}", death.seed, death.outcome, death.cause);
        super::out::print(&again(suite, args, scenario, spec));
    }
}

/// Says of a seed that it is not the same every time, and what may do that.
fn contradicted(
    suite: &Suite,
    args: &SimArgs,
    scenario: &Scenario,
    spec: &Spec,
    failed: &SeedResult,
) -> Result<i32, String> {
    if !args.json {
        say!("{}  seed {}  NOT DETERMINISTIC", scenario.name(), failed.seed);
        for line in failed.cause.lines() {
            say!("  {line}");
        }
        // What says itself why has no need of more.
        if failed.cause.lines().count() > 1 {
            let runs = Runs::seed(spec.seed);
            let evidence = evidence::gather(scenario, spec, &runs).map_err(no_worker)?;
            super::out::print(&evidence.told());
        }
        super::out::print(&again(suite, args, scenario, spec));
    }
    Ok(3)
}

fn again(suite: &Suite, args: &SimArgs, scenario: &Scenario, spec: &Spec) -> String {
    let command = Again::CommandLine(&suite.command).by_seed(scenario, spec);
    let check = if args.check { " --check" } else { "" };
    format!("again, by seed:   {command}{check}\n")
}
