//! What a failure prints: verdict, cause, the deviations that matter, the trace around them, and
//! the commands that play it again. At most some forty lines, for somebody who reads it at night.

use std::fmt::Write;

use greenroom::scenario::Scenario;

use crate::choices::Ns;
use crate::run::{Outcome, Run, Spec, run};
use crate::search::again::Again;
use crate::search::shrink::{Shrunk, shrink};
use crate::search::token::Token;
use crate::trace::{Level, Style};

/// Lines of trace a report shows.
const TRACE_LINES: usize = 16;
/// Seeds played to say how often it fails.
const SEEDS_COUNTED: u64 = 200;
/// Deviations a report puts into words.
const DEVIATIONS_SHOWN: usize = 8;

/// A failure, ready to be read.
#[derive(Debug)]
pub struct Report {
    /// The text.
    pub text: String,
    /// The smallest failing run's token; none where no tape determines the run, as the text says.
    pub token: Option<Token>,
}

/// Minimises a failing run and describes it. `command` is how the user calls the command line.
pub fn report(scenario: &Scenario, spec: &Spec, failing: &Run, command: &str) -> Report {
    report_for((Again::CommandLine(command), &Style::default()), scenario, spec, failing)
}

/// Minimises a failing run and describes it to somebody who plays runs in this way, and reads traces in
/// this style.
pub fn report_for(
    (again, style): (Again<'_>, &Style),
    scenario: &Scenario,
    spec: &Spec,
    failing: &Run,
) -> Report {
    let mut text = String::new();
    let spec = &Spec { keeps_events: false, ..spec.clone() };
    let verdict = match failing.outcome {
        Outcome::Nondeterministic(_) => "NOT DETERMINISTIC".into(),
        _ => failing.outcome.name().to_uppercase(),
    };
    let seed = match &spec.tape {
        None => format!("seed {}", spec.seed),
        Some(tape) if tape.is_empty() => "the boring run".into(),
        Some(_) => "token".into(),
    };
    let _ = writeln!(
        text,
        "{}  {seed}  {verdict} at {} of virtual time{}",
        scenario.name(),
        Ns(failing.failed_ns),
        match failing.failed_ns < failing.virtual_ns {
            true => format!(" (the run went on to {})", Ns(failing.virtual_ns)),
            false => String::new(),
        }
    );
    indent(&mut text, &failing.outcome.to_string());
    let seed_command = || match spec.tape {
        None => format!("again, by seed:   {}\n", again.by_seed(scenario, spec)),
        Some(_) => String::new(),
    };
    // What no tape determines can't be made smaller.
    if matches!(failing.outcome, Outcome::Nondeterministic(_)) {
        text.push_str(&seed_command());
        return Report { text, token: None };
    }
    let shrunk = match shrink(scenario, spec, failing) {
        Ok(shrunk) => shrunk,
        Err(why) => {
            let _ = writeln!(text, "NOT DETERMINISTIC: {why}");
            text.push_str(&seed_command());
            return Report { text, token: None };
        }
    };
    deviations(&mut text, spec, &shrunk);
    how_often(&mut text, scenario, spec, &failing.outcome.class());
    if shrunk.run.outcome != failing.outcome {
        let _ = writeln!(text, "which then reads:");
        indent(&mut text, &shrunk.run.outcome.to_string());
    }
    trace(&mut text, (again, style), scenario, &shrunk);
    text.push_str(&seed_command());
    let token = Token::of(scenario, &shrunk.spec, &shrunk.run);
    let _ = writeln!(text, "again, by token:  {}", again.by_token(&token));
    Report { text, token: Some(token) }
}

fn deviations(text: &mut String, spec: &Spec, shrunk: &Shrunk) {
    let left = shrunk.run.deviation_count();
    let proof = match (shrunk.is_minimal, left) {
        (true, 0) => "the boring run fails",
        (true, _) => "without any one of them it holds or fails otherwise",
        (false, _) => "the budget of runs ran out first",
    };
    let by_way = match shrunk.spec.seed == spec.seed {
        true => String::new(),
        false => format!(", by way of seed {}, which fails alike", shrunk.spec.seed),
    };
    let _ = writeln!(
        text,
        "minimised: {} deviations -> {left} in {} runs{by_way}; {proof}",
        shrunk.before, shrunk.runs
    );
    for (at, words) in shrunk.run.deviations_in_words().take(DEVIATIONS_SHOWN).enumerate() {
        let _ = writeln!(text, "  {}. {words}", at + 1);
    }
    if left > DEVIATIONS_SHOWN {
        let _ = writeln!(text, "  … and {} more, in the token", left - DEVIATIONS_SHOWN);
    }
    if shrunk.run.unasked_switches > 0 {
        text.push_str(
            "perhaps impossible on one real hub: somebody is preempted before a call that does not wait\n",
        );
    }
}

/// How likely a seed is to meet it: a rare failure and a sure one are looked for differently.
fn how_often(text: &mut String, scenario: &Scenario, spec: &Spec, class: &str) {
    let seeds = 0..SEEDS_COUNTED;
    let fails = |&seed: &u64| {
        let spec = Spec { seed, tape: None, ..spec.clone() };
        run(scenario, &spec).outcome.class() == class
    };
    let count = seeds.filter(fails).count();
    let _ = writeln!(text, "how often: {count} of seeds 0..{SEEDS_COUNTED} fail alike");
}

fn trace(
    text: &mut String,
    (again, style): (Again<'_>, &Style),
    scenario: &Scenario,
    shrunk: &Shrunk,
) {
    let shown = run(scenario, &Spec { keeps_events: true, ..shrunk.spec.clone() });
    let Some(lanes) = shown.trace else { return };
    let _ = writeln!(text, "trace of the minimised run (more: {}):", again.with_trace());
    let excerpt = lanes.excerpt(style, Level::Api, TRACE_LINES, shown.failed_ns);
    for line in lanes.heading(style).into_iter().chain(excerpt) {
        let _ = writeln!(text, "  {line}");
    }
}

fn indent(text: &mut String, block: &str) {
    for line in block.lines() {
        let _ = writeln!(text, "  {line}");
    }
}
