//! `replay`: a run from its token alone.

use clap::Args;
use greenroom::scenario::Scenario;

use super::apart::{Played, no_worker, play_again, play_apart};
use super::codes::CODES_OF_REPLAY;
use super::show::show_token;
use super::shown::TraceArgs;
use super::suite::Suite;
use crate::run::Spec;
use crate::search::again::Again;
use crate::search::evidence;
use crate::search::job::{Job, Runs, Show, Task};
use crate::search::result::SeedResult;
use crate::search::token::{FORMAT, Token, is_outdated};
use crate::text::read_text;

/// The most that is read of a file with a token.
const FILE_MAX_BYTES: u64 = 64 << 20;

/// Plays a run again from its token, twice in one process and once in another, and says how many of its deviations
/// matched.
#[derive(Args, Debug)]
#[command(after_help = CODES_OF_REPLAY)]
pub struct ReplayArgs {
    /// The token, or a file that holds it
    token: String,
    #[command(flatten)]
    shown: TraceArgs,
    /// Leaves the report out
    #[arg(long)]
    quiet: bool,
    /// Plays the run in this process, as a debugger needs it; what ends the process ends all
    #[arg(long)]
    here: bool,
}

pub(super) fn replay(suite: &Suite, args: &ReplayArgs) -> Result<i32, String> {
    let text = if args.token.starts_with(FORMAT) || is_outdated(&args.token) {
        args.token.clone()
    } else {
        read_text(&args.token, FILE_MAX_BYTES).map_err(|error| {
            format!("`{}` is neither a token ({FORMAT}…) nor a readable file ({error})", args.token)
        })?
    };
    let token = Token::parse(&text)?;
    let mut scenario = suite.exactly(&token.scenario)?;
    for (name, value) in &token.knobs {
        scenario = scenario.with_knob(name, *value)?;
    }
    let spec = token.spec()?;
    // Twice, and once more in another process: a verdict that flips is nobody's to act on.
    let shown = Show {
        trace: args.shown.trace,
        style: args.shown.style(),
        report: !args.quiet,
        twice: true,
        ..Show::default()
    };
    if args.here {
        return Ok(show_token(suite, &scenario, (&token, &spec), &shown));
    }
    let runs = Runs::Token(text);
    let job = Job::new(&scenario, &spec, runs.clone(), Task::Show(shown));
    match play_apart(&job).map_err(no_worker)? {
        Played::ToItsEnd(code @ 3, _) | Played::ToItsEnd(code, None) => Ok(code),
        Played::ToItsEnd(code, Some(first)) => {
            let differs = differs(&scenario, &spec, &runs, *first)?;
            let again = Again::CommandLine(&suite.command);
            differs.map_or(Ok(code), |why| {
                super::out::print(&format!("{why}again, by token:  {}\n", again.by_token(&token)));
                Ok(3)
            })
        }
        Played::Died(death, _) => {
            say!("{:<24} {}: {}", scenario.name(), death.outcome, death.cause);
            Ok(1)
        }
    }
}

/// Plays the run once more, in a fresh process: pid, environment, addresses and statics are others there. What is
/// said where it comes to something else.
fn differs(
    scenario: &Scenario,
    spec: &Spec,
    runs: &Runs,
    mut first: SeedResult,
) -> Result<Option<String>, String> {
    let other = play_again(scenario, spec, runs.clone()).map_err(no_worker)?;
    first.compare(&other);
    if !first.is_nondeterministic() {
        return Ok(None);
    }
    let cause = first.cause.replace('\n', "\n  ");
    let evidence = evidence::gather(scenario, spec, runs).map_err(no_worker)?.told();
    Ok(Some(format!("{}  NOT DETERMINISTIC\n  {cause}\n{evidence}", scenario.name())))
}
