//! `replay`: a run from its token alone.

use clap::Args;

use super::apart::{Played, no_worker, play_apart};
use super::codes::CODES_OF_REPLAY;
use super::show::show_token;
use super::shown::TraceArgs;
use super::suite::Suite;
use crate::search::job::{Job, Runs, Show, Task};
use crate::search::token::{FORMAT, Token, is_outdated};
use crate::text::read_text;

/// The most that is read of a file with a token.
const FILE_MAX_BYTES: u64 = 64 << 20;

/// Plays a run again from its token, and says how many of its deviations matched.
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
    // Twice: a verdict that flips is nobody's to act on.
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
    let job = Job::new(&scenario, &spec, Runs::Token(text), Task::Show(shown));
    Ok(match play_apart(&job).map_err(no_worker)? {
        Played::ToItsEnd(code, _) => code,
        Played::Died(death, _) => {
            say!("{:<24} {}: {}", scenario.name(), death.outcome, death.cause);
            1
        }
    })
}
