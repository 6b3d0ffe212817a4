//! [`check()`]: a scenario rehearsed inside a user's `#[test]`.

mod kept;
mod workers;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Once;

use greenroom::scenario::Scenario;

use crate::keeper;
use crate::run::{Run, Spec};
use crate::search::again::Again;
use crate::search::job::Told;
use crate::search::report::report_for;
use crate::search::result::SeedResult;
use crate::search::sweep::{play, trace_text};
use crate::search::token::Token;
use crate::search::worker;
use crate::trace::{Level, Style};
use crate::weather::Weather;
use kept::{Diary, keep, kept_tokens, outdated_ones};
use workers::Part;

/// Seeds a test plays unless `GREENROOM_RUNS` says otherwise.
const RUNS: u64 = 200;
/// Of so many seeds one is played twice.
const TWICE_EVERY: u64 = 8;

/// Rehearses a scenario over many runs and panics with a report when one fails.
///
/// First come the tokens of runs that failed before, which are kept in `greenroom-regressions/`; then
/// the boring run, in which nothing deviates; then seeds, 200 of them, of calm, default and stormy
/// [`Weather`] in turn. The boring run and each eighth seed are played twice: what is not the same both
/// times is not deterministic, and fails. Both are played in the process of the test, where a process id and
/// most addresses are the same: `sim --check` of the command line plays in another, too.
///
/// A [`sometimes!`](greenroom::sometimes) that never held in all these runs is named on stderr, even
/// where a test passes. It does not fail the test: what is rare may need more seeds than a test plays.
///
/// Variables steer it:
///
/// - `GREENROOM_RUNS`: so many seeds.
/// - `GREENROOM_JOBS`: plays the seeds in so many processes at once, each this test alone. What fails, and of
///   which seed, does not depend on it; what the test does before its check is done in each of them.
/// - `GREENROOM_WEATHER`: this weather alone, `calm`, `default`, `stormy` or a JSON file.
/// - `GREENROOM_SEED`: this seed alone, in the weather that is its turn.
/// - `GREENROOM_TOKEN`: this token alone. Checks of other scenarios play nothing, and say so once.
/// - `GREENROOM_TRACE`: prints the trace of that seed or token on stderr; `faults`, `api`, `sched` or
///   `wire`.
///
/// The seed under way is written to a file in `greenroom-regressions/` before it is played, so that one
/// that ends the process is known.
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
    rehearse(scenario, &[Weather::calm(), Weather::default(), Weather::stormy()]);
}

/// As [`check`], in one weather: for a scenario that is not made for others.
///
/// # Panics
///
/// As [`check`].
///
/// # Examples
///
/// ```
/// use greenroom::scenario::Scenario;
/// use greenroom_sim::Weather;
///
/// let quiet = Scenario::new("quiet", "nobody says a word", |stage| {
///     stage.client("cli", || Ok(()));
/// });
/// greenroom_sim::check_in(&quiet, &Weather { loss_ppm: 100_000, ..Weather::calm() });
/// ```
pub fn check_in(scenario: &Scenario, weather: &Weather) {
    rehearse(scenario, std::slice::from_ref(weather));
}

fn rehearse(scenario: &Scenario, weathers: &[Weather]) {
    let nth = workers::begin();
    let part = Part::of_this_process();
    if part.is_some_and(|part| !part.is_of(nth, scenario)) {
        return;
    }
    let name = scenario.name().to_owned();
    let watching = keeper::watch(Box::new(move |seed, what| {
        // Nothing can unwind it: the test ends with its process.
        let which = seed.map_or("a run of a tape".to_owned(), |seed| format!("seed {seed}"));
        say(&format!("{name}: {which} is stuck: {what}"));
        std::process::exit(101);
    }));
    let _watching = watching.unwrap_or_else(|error| panic!("{error}"));
    let chosen = variable("GREENROOM_WEATHER").map(|name| [weather_of(&name, weathers)]);
    let weathers = chosen.as_ref().map_or(weathers, |one| one);
    let mut check = Check { scenario, weathers, claims: BTreeMap::new(), runs: 0 };
    if let Some(part) = part {
        check.play_part(part);
    }
    if let Some(text) = variable("GREENROOM_TOKEN") {
        let token = Token::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        return match token.scenario == scenario.name() {
            true => check.play_token(&token, trace_level()),
            false => say_skipped(&token),
        };
    }
    if let Some(seed) = number("GREENROOM_SEED") {
        return check.play(&check.seed(seed), true, trace_level());
    }
    if let Some(warning) = outdated_ones(scenario) {
        say(&warning);
    }
    for token in kept_tokens(scenario) {
        check.play_token(&token, None);
    }
    let mut diary = Diary::open(scenario);
    let boring = Spec { tape: Some(Vec::new()), ..check.seed(0) };
    diary.write("the boring run");
    check.play(&boring, true, None);
    let runs = number("GREENROOM_RUNS").unwrap_or(RUNS);
    let jobs = number("GREENROOM_JOBS").unwrap_or(1);
    let is_shared = jobs > 1 && check.share(&mut diary, nth, (runs, jobs));
    for seed in (0..runs).take_while(|_| !is_shared) {
        check.play_seed(&mut diary, seed);
    }
    check.say_what_never_held();
}

struct Check<'a> {
    scenario: &'a Scenario,
    weathers: &'a [Weather],
    /// `sometimes!` claims, and whether they held yet.
    claims: BTreeMap<String, bool>,
    runs: u64,
}

impl Check<'_> {
    /// A seed, in the weather that is its turn.
    fn seed(&self, seed: u64) -> Spec {
        let weather = &self.weathers[(seed % self.weathers.len() as u64) as usize];
        Spec { weather: weather.clone(), ..Spec::seed(seed) }
    }

    fn play_seed(&mut self, diary: &mut Diary, seed: u64) {
        diary.write(&seed.to_string());
        self.play(&self.seed(seed), is_played_twice(seed), None);
    }

    /// Has processes play the seeds; false where they cannot. What fails in one fails here.
    fn share(&mut self, diary: &mut Diary, nth: u32, (runs, jobs): (u64, u64)) -> bool {
        let name = self.scenario.name();
        let found = match workers::find(self.scenario, &self.seed(0), (nth, runs, jobs)) {
            Ok(Some(found)) => found,
            Ok(None) => {
                say(&format!(
                    "{name}: no other process finds this check: its seeds are played here"
                ));
                return false;
            }
            Err(error) => panic!("{name}: GREENROOM_JOBS={jobs}: {error}"),
        };
        self.runs += found.runs;
        for (claim, held) in found.claims {
            *self.claims.entry(claim).or_default() |= held;
        }
        if let Some((seed, cause)) = found.suspect {
            self.play_seed(diary, seed);
            panic!("{name}: seed {seed} holds here, and not in another process: {cause}");
        }
        true
    }

    /// In a worker: plays its seeds, tells what each came to, and ends the process.
    fn play_part(&self, part: &Part) -> ! {
        for seed in part.seeds.clone() {
            let (played, wall) = play(self.scenario, &self.seed(seed), is_played_twice(seed));
            let result = SeedResult::of(self.scenario, seed, &played, wall);
            worker::tell(&Told::Run(Box::new(result)));
        }
        worker::tell(&Told::End(0));
        std::process::exit(0);
    }

    fn play(&mut self, spec: &Spec, twice: bool, level: Option<Level>) {
        let (played, _) = play(self.scenario, spec, twice);
        self.runs += 1;
        for (name, held) in &played.sometimes {
            *self.claims.entry((*name).to_owned()).or_default() |= held;
        }
        judge(self.scenario, spec, &played, level);
    }

    fn play_token(&self, token: &Token, level: Option<Level>) {
        let mut turned = self.scenario.clone();
        for (name, value) in &token.knobs {
            turned = turned.with_knob(name, *value).unwrap_or_else(|error| panic!("{error}"));
        }
        let spec = token.spec_in(weather_of(&token.weather, self.weathers)).traced();
        let (played, _) = play(&turned, &spec, true);
        if played.matched < token.choices.len() {
            let (name, all) = (&token.scenario, token.choices.len());
            say(&format!("{name}: {} of {all} deviations of a token came up", played.matched));
        }
        for choice in token.doubts(&played) {
            let name = &token.scenario;
            say(&format!("{name}: something else came before than when it was recorded: {choice}"));
        }
        judge(&turned, &spec, &played, level);
    }

    fn say_what_never_held(&self) {
        for (claim, _) in self.claims.iter().filter(|(_, held)| !**held) {
            let (name, runs) = (self.scenario.name(), self.runs);
            say(&format!("{name}: `sometimes!` never held in {runs} runs: {claim}"));
        }
    }
}

fn is_played_twice(seed: u64) -> bool {
    seed.is_multiple_of(TWICE_EVERY)
}

fn judge(scenario: &Scenario, spec: &Spec, run: &Run, level: Option<Level>) {
    if let Some(level) = level {
        say(&trace_text(scenario, spec, &Style::default(), level));
    }
    if run.outcome.held() {
        return;
    }
    // libtest names a test's thread after it; `main` is whoever calls outside of one.
    let thread = std::thread::current();
    let test = Again::Test(thread.name().filter(|name| *name != "main"));
    let report = report_for((test, &Style::default()), scenario, spec, run);
    if let Some(token) = &report.token {
        keep(scenario, token);
    }
    panic!("\n{}", report.text);
}

/// A weather of the check's own by its name, or another by its name or file.
fn weather_of(name: &str, own: &[Weather]) -> Weather {
    if let Some(base) = name.strip_suffix(Weather::SYNC)
        && let Some(weather) = own.iter().find(|weather| weather.name == base)
    {
        return weather.clone().preempting();
    }
    match own.iter().find(|weather| weather.name == name) {
        Some(weather) => weather.clone(),
        None => Weather::by_name_or_file(name).unwrap_or_else(|error| panic!("{error}")),
    }
}

fn variable(name: &str) -> Option<String> {
    let text = std::env::var_os(name)?.into_string();
    Some(text.unwrap_or_else(|text| panic!("{name} is not UTF-8: {}", text.to_string_lossy())))
}

fn number(name: &str) -> Option<u64> {
    let text = variable(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: it is to be a number")))
}

fn trace_level() -> Option<Level> {
    let name = variable("GREENROOM_TRACE")?;
    let names = Level::NAMES.join(", ");
    Some(Level::by_name(&name).unwrap_or_else(|| panic!("GREENROOM_TRACE={name}: one of {names}")))
}

fn say_skipped(token: &Token) {
    static SAID: Once = Once::new();
    let name = &token.scenario;
    SAID.call_once(|| {
        say(&format!("GREENROOM_TOKEN is of `{name}`: checks of other scenarios play nothing"));
    });
}

/// Past libtest, which keeps what a passing test prints with `eprintln!` to itself.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "greenroom: {text}");
}
