//! [`check()`]: a scenario rehearsed inside a user's `#[test]`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use greenroom::scenario::Scenario;

use crate::run::{Run, Spec, run};
use crate::search::report::report;
use crate::search::token::Token;

/// Runs a test makes unless `GREENROOM_RUNS` says otherwise.
const RUNS: u64 = 200;
/// Where failing tokens are kept and tried first.
const REGRESSIONS: &str = "greenroom-regressions";

/// Rehearses a scenario over many seeds and panics with a report when one fails.
///
/// `GREENROOM_SEED` plays one seed, `GREENROOM_TOKEN` one token, `GREENROOM_RUNS` so many seeds
/// (200 otherwise). A failing run's token is kept in `greenroom-regressions/` and tried first the
/// next time. The seed under way is written to a file there before it is played, so that one that
/// ends the process is known.
///
/// # Panics
///
/// When a run fails, or one of those variables cannot be read.
///
/// # Examples
///
/// ```
/// use greenroom::scenario::Scenario;
///
/// let quiet = Scenario::new("quiet", "nobody says a word", |stage| {
///     stage.client("cli", || Ok(()));
/// });
/// greenroom_sim::check(&quiet);
/// ```
pub fn check(scenario: &Scenario) {
    if let Ok(text) = std::env::var("GREENROOM_TOKEN") {
        return play_token(scenario, &text);
    }
    if let Some(seed) = number("GREENROOM_SEED") {
        let spec = Spec::seed(seed);
        return judge(scenario, &spec, &run(scenario, &spec));
    }
    let ours = |text: &String| Token::parse(text).is_ok_and(|t| t.scenario == scenario.name());
    for text in kept_tokens(scenario).into_iter().filter(ours) {
        play_token(scenario, &text);
    }
    let runs = number("GREENROOM_RUNS").unwrap_or(RUNS);
    let mut diary = Diary::open(scenario);
    for seed in 0..runs {
        diary.write(seed);
        let spec = Spec::seed(seed);
        judge(scenario, &spec, &run(scenario, &spec));
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text}: it is to be a number")))
}

fn play_token(scenario: &Scenario, text: &str) {
    let token = Token::parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert!(
        token.scenario == scenario.name(),
        "the token is of `{}`, not of `{}`",
        token.scenario,
        scenario.name()
    );
    let mut turned = scenario.clone();
    for (name, value) in &token.knobs {
        turned = turned.with_knob(name, *value).unwrap_or_else(|error| panic!("{error}"));
    }
    let spec = token.spec().unwrap_or_else(|error| panic!("{error}"));
    let played = run(&turned, &spec);
    if played.matched < token.choices.len() {
        let all = token.choices.len();
        eprintln!("{}: {} of {all} deviations of a token came up", token.scenario, played.matched);
    }
    judge(&turned, &spec, &played);
}

fn judge(scenario: &Scenario, spec: &Spec, run: &Run) {
    if run.outcome.held() {
        return;
    }
    let report = report(scenario, spec, run, "cargo xtask");
    if let Some(token) = &report.token {
        keep(scenario, &token.to_string());
        panic!("\n{}in this test:     GREENROOM_TOKEN='{token}' cargo test\n", report.text);
    }
    panic!("\n{}", report.text);
}

fn file_of(scenario: &Scenario, ending: &str) -> PathBuf {
    PathBuf::from(REGRESSIONS).join(format!("{}.{ending}", scenario.name().replace('/', "-")))
}

fn kept_tokens(scenario: &Scenario) -> Vec<String> {
    let kept = fs::read_to_string(file_of(scenario, "tokens")).unwrap_or_default();
    kept.lines().filter(|line| line.starts_with("v1:")).map(str::to_owned).collect()
}

/// Keeping is a courtesy: a read-only checkout still gets its report.
fn keep(scenario: &Scenario, token: &str) {
    if kept_tokens(scenario).iter().any(|kept| kept == token) {
        return;
    }
    let _ = fs::create_dir_all(REGRESSIONS);
    let file = fs::OpenOptions::new().create(true).append(true).open(file_of(scenario, "tokens"));
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{token}");
    }
}

/// The seed under way, for whoever finds the process gone. The file is there only meanwhile.
struct Diary(PathBuf);

impl Diary {
    fn open(scenario: &Scenario) -> Diary {
        let _ = fs::create_dir_all(REGRESSIONS);
        Diary(file_of(scenario, &format!("{}.seed", std::process::id())))
    }
    fn write(&mut self, seed: u64) {
        let _ = fs::write(&self.0, format!("{seed}\n"));
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        // Gone again unless tokens are kept there.
        let _ = fs::remove_dir(REGRESSIONS);
    }
}
