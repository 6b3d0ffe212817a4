//! A run of a seed or of a token, played in this process and shown.

use greenroom::scenario::Scenario;

use super::suite::Suite;
use crate::choices::Ns;
use crate::run::{Choice, Outcome, Run, Spec};
use crate::search::again::Again;
use crate::search::job::{Show, Told};
use crate::search::report::{Report, report_for};
use crate::search::sweep::{SeedResult, play, trace_text};
use crate::search::token::Token;
use crate::search::worker;

/// Plays a seed and shows it; returns the exit code, and what the run was.
pub(super) fn show(suite: &Suite, scenario: &Scenario, spec: &Spec, show: &Show) -> (i32, Run) {
    let (played, wall) = play(scenario, spec, show.twice);
    let result = SeedResult::of(scenario, spec.seed, &played, wall);
    if show.json {
        say!("{}", json(&result));
    }
    worker::tell(&Told::Run(Box::new(result)));
    if let Some(level) = show.trace {
        super::out::print(&trace_text(scenario, spec, &show.style, level));
    }
    if show.line {
        say!("{}", line(scenario, &played));
    }
    if show.token {
        say!("{}", Token::of(scenario, spec, &played));
    }
    let code = match played.outcome.held() {
        true => 0,
        false => report_failure(suite, scenario, spec, show, &played),
    };
    (code, played)
}

/// Plays a token in this process and shows the run; returns the exit code.
pub(super) fn show_token(
    suite: &Suite,
    scenario: &Scenario,
    (token, spec): (&Token, &Spec),
    shown: &Show,
) -> i32 {
    let spec = spec.clone().traced();
    let (played, wall) = play(scenario, &spec, shown.twice);
    worker::tell(&Told::Run(Box::new(SeedResult::of(scenario, spec.seed, &played, wall))));
    say!("{}", line(scenario, &played));
    let doubts = token.doubts(&played);
    say!("{} of {} deviations matched{}", played.matched, token.choices.len(), doubtful(&doubts));
    if let Some(level) = shown.trace {
        super::out::print(&trace_text(scenario, &spec, &shown.style, level));
    }
    if !played.outcome.held() {
        return report_failure(suite, scenario, &spec, shown, &played);
    }
    let all_matched = played.matched == token.choices.len() && doubts.is_empty();
    if all_matched { 0 } else { 4 }
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

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain values become JSON")
}

/// A line about a run.
fn line(scenario: &Scenario, run: &Run) -> String {
    format!(
        "{:<24} {:<10} {:>14} virtual {:>9} events  {:016x}",
        scenario.name(),
        run.outcome.name(),
        Ns(run.virtual_ns).to_string(),
        run.events,
        run.hash
    )
}

/// Reports a run that failed; returns the exit code. One whose deviations give another run is not
/// deterministic, whatever it came to; without a report nobody looks.
fn report_failure(
    suite: &Suite,
    scenario: &Scenario,
    spec: &Spec,
    show: &Show,
    played: &Run,
) -> i32 {
    if !show.report {
        return exit_code(&played.outcome);
    }
    let reader = (Again::CommandLine(&suite.command), &show.style);
    let report = report_for(reader, scenario, spec, played);
    super::out::print(&report.text);
    code_of(&report)
}

fn exit_code(outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Held => 0,
        Outcome::Nondeterministic(_) => 3,
        _ => 1,
    }
}

/// The exit code of a run that failed, by its report.
fn code_of(report: &Report) -> i32 {
    if report.token.is_some() { 1 } else { 3 }
}
