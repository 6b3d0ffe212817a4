//! `replay`: a run from its token alone.

use clap::Args;

use super::Suite;
use super::shown::TraceArgs;
use super::sim::{exit_code, line};
use crate::run::Choice;
use crate::search::again::Again;
use crate::search::report::report_for;
use crate::search::sweep::{play, trace_text};
use crate::search::token::{FORMAT, Token, is_outdated};

/// Plays a run again from its token, and says how many of its deviations matched.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The token, or a file that holds it
    token: String,
    #[command(flatten)]
    shown: TraceArgs,
    /// Leaves the report out
    #[arg(long)]
    quiet: bool,
}

pub(super) fn replay(suite: &Suite, args: &ReplayArgs) -> Result<i32, String> {
    let text = if args.token.starts_with(FORMAT) || is_outdated(&args.token) {
        args.token.clone()
    } else {
        std::fs::read_to_string(&args.token).map_err(|error| {
            format!("`{}` is neither a token ({FORMAT}…) nor a readable file ({error})", args.token)
        })?
    };
    let token = Token::parse(&text)?;
    let mut scenario = suite.exactly(&token.scenario)?;
    for (name, value) in &token.knobs {
        scenario = scenario.with_knob(name, *value)?;
    }
    let spec = token.spec()?.traced();
    // Twice: a verdict that flips is nobody's to act on.
    let (played, _) = play(&scenario, &spec, true);
    say!("{}", line(&scenario, &played));
    let doubts = token.doubts(&played);
    say!("{} of {} deviations matched{}", played.matched, token.choices.len(), doubtful(&doubts));
    let style = args.shown.style();
    if let Some(level) = args.shown.trace {
        super::say_text(&trace_text(&scenario, &spec, &style, level));
    }
    if !played.outcome.held() {
        if args.quiet {
            return Ok(exit_code(&played.outcome));
        }
        let again = Again::CommandLine(&suite.command);
        let report = report_for((again, &style), &scenario, &spec, &played);
        super::say_text(&report.text);
        return Ok(super::code_of(&report));
    }
    let all_matched = played.matched == token.choices.len() && doubts.is_empty();
    Ok(if all_matched { 0 } else { 4 })
}

/// Says which deviations came up where something else had just been done.
fn doubtful(doubts: &[&Choice]) -> String {
    if doubts.is_empty() {
        return String::new();
    }
    let each: String = doubts.iter().map(|choice| format!("\n  doubtful: {choice}")).collect();
    let count = doubts.len();
    format!("; {count} in doubt: something else came before than when they were recorded{each}")
}
