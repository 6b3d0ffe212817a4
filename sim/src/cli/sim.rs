//! `sim`: one seed or many, of some scenarios or all.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::time::{Duration, Instant};

use clap::Args;
use greenroom::scenario::Scenario;

use super::shown::TraceArgs;
use super::{Knobs, Suite};
use crate::choices::Ns;
use crate::run::{Outcome, Run, Spec};
use crate::search::again::Again;
use crate::search::report::report_for;
use crate::search::sweep::{SeedResult, Summary, Sweep, play, trace_text, work};
use crate::search::token::Token;
use crate::weather::{Fired, Weather};

/// Rehearses scenarios in the simulated network: a seed, a range of seeds, or as many as time allows.
///
/// Seed 0 is played where nothing else is said. A sweep ends at its first failure unless
/// `--max-failures` says otherwise.
#[derive(Args, Debug)]
pub struct SimArgs {
    /// Scenarios to play; none is all but those played by name only
    scenarios: Vec<String>,
    /// Plays this seed
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "for_"])]
    seed: Option<u64>,
    /// Plays these seeds, the last one left out
    #[arg(long, value_name = "A..B", value_parser = seed_range, conflicts_with_all = ["for_", "trace"])]
    seeds: Option<Range<u64>>,
    /// Plays seeds from 0 on for so long
    #[arg(long = "for", value_name = "60s", value_parser = duration, conflicts_with = "trace")]
    for_: Option<Duration>,
    /// Worker processes at once
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "seed")]
    jobs: Option<u16>,
    /// Ends a sweep at the Nth failure, and counts them by class; the first is reported
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "seed", value_parser = clap::value_parser!(u64).range(1..))]
    max_failures: u64,
    /// Plays every seed twice and compares
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    shown: TraceArgs,
    /// Prints the run's deviations as a token
    #[arg(long, conflicts_with_all = ["seeds", "for_"])]
    token: bool,
    /// calm, default, stormy, or a JSON file
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    weather: String,
    /// Prints a line of JSON an object
    #[arg(long, conflicts_with_all = ["trace", "token"])]
    json: bool,
    #[command(flatten)]
    knobs: Knobs,
    #[arg(long, hide = true)]
    worker: bool,
}

fn seed_range(text: &str) -> Result<Range<u64>, String> {
    let parsed = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    match parsed {
        Some(range) if range.start < range.end => Ok(range),
        _ => Err("a range of seeds is A..B with A below B".into()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    const UNITS_MS: [(&str, u64); 3] = [("ms", 1), ("s", 1_000), ("m", 60_000)];
    let with_unit = UNITS_MS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, *ms)));
    let (digits, unit_ms) = with_unit.unwrap_or((text, 1_000));
    let number = digits.parse().ok().and_then(|number: u64| number.checked_mul(unit_ms));
    number.map(Duration::from_millis).ok_or_else(|| "a time is 60s, 5m or 500ms".to_owned())
}

pub(super) fn sim(suite: &Suite, args: &SimArgs) -> Result<i32, String> {
    let weather = Weather::by_name_or_file(&args.weather)?;
    let scenarios: Result<Vec<Scenario>, String> = suite
        .named(&args.scenarios)?
        .into_iter()
        .map(|scenario| args.knobs.turn(scenario))
        .collect();
    let scenarios = scenarios?;
    let spec = Spec { weather, ..Spec::seed(args.seed.unwrap_or(0)) };
    if args.worker {
        let (Some(seeds), [scenario]) = (&args.seeds, &scenarios[..]) else {
            return Err("a worker plays seeds of one scenario".into());
        };
        work(scenario, seeds.clone(), &spec, args.check).map_err(|error| error.to_string())?;
        return Ok(0);
    }
    match (&args.seeds, args.for_) {
        (Some(seeds), _) => sweep_all(suite, args, &scenarios, &spec, seeds.clone(), None),
        (None, Some(time)) => {
            let until = Instant::now().checked_add(time);
            sweep_all(suite, args, &scenarios, &spec, 0..u64::MAX, until)
        }
        (None, None) => one_seed(suite, args, &scenarios, &spec),
    }
}

// One seed.

fn one_seed(
    suite: &Suite,
    args: &SimArgs,
    scenarios: &[Scenario],
    spec: &Spec,
) -> Result<i32, String> {
    let mut code = 0;
    for scenario in scenarios {
        // First in a process of its own: a seed that ends its process must not end this one.
        if let Some(death) = death_of(args, scenario, spec.seed)? {
            if args.json {
                say!("{}", json(&death));
            }
            code = code.max(failure(suite, args, scenario, spec, &death));
            continue;
        }
        let (played, wall) = play(scenario, spec, args.check);
        if args.json {
            let result = SeedResult::of(scenario, spec.seed, &played, wall);
            say!("{}", json(&result));
        }
        if let Some(level) = args.shown.trace {
            super::say_text(&trace_text(scenario, spec, &args.shown.style(), level));
        }
        if !args.json && args.shown.trace.is_none() {
            say!("{}", line(scenario, &played));
        }
        if args.token {
            say!("{}", Token::of(scenario, spec, &played));
        }
        if !played.outcome.held() {
            code = code.max(report_failure(suite, args, scenario, spec, &played));
        }
    }
    Ok(code)
}

/// What became of this seed, if its process did not come to the end of it.
fn death_of(args: &SimArgs, scenario: &Scenario, seed: u64) -> Result<Option<SeedResult>, String> {
    let Some(after) = seed.checked_add(1) else { return Ok(None) };
    let sweep = Sweep { passes_stderr: false, jobs: 1, ..sweep_of(args, scenario, seed..after) };
    let summary = sweep.run(|_| {}).map_err(no_worker)?;
    Ok(summary.failed.filter(|failed| failed.is_death()))
}

/// A line about a run.
pub(super) fn line(scenario: &Scenario, run: &Run) -> String {
    format!(
        "{:<24} {:<10} {:>14} virtual {:>9} events  {:016x}",
        scenario.name(),
        run.outcome.name(),
        Ns(run.virtual_ns).to_string(),
        run.events,
        run.hash
    )
}

pub(super) fn exit_code(outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Held => 0,
        Outcome::Nondeterministic(_) => 3,
        _ => 1,
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain values become JSON")
}

// Many seeds.

fn sweep_all(
    suite: &Suite,
    args: &SimArgs,
    scenarios: &[Scenario],
    spec: &Spec,
    seeds: Range<u64>,
    until: Option<Instant>,
) -> Result<i32, String> {
    let mut code = 0;
    let mut total = Summary::default();
    for (at, scenario) in scenarios.iter().enumerate() {
        // What time there is, is shared out evenly.
        let until = until.map(|until| {
            let left = until.saturating_duration_since(Instant::now());
            Instant::now() + left / (scenarios.len() - at) as u32
        });
        let summary = sweep_one(args, scenario, seeds.clone(), until)?;
        if !args.json {
            say!("{}", summary_line(scenario, &summary));
        }
        for (name, _) in summary.sometimes.iter().filter(|(_, held)| !**held && !args.json) {
            say!("  never in {} seeds: {name}", summary.seeds);
        }
        if !args.json {
            say_failures(args, &summary);
        }
        if let Some(failed) = &summary.failed {
            code = code.max(failure(suite, args, scenario, spec, failed));
        }
        total.seeds += summary.seeds;
        total.wall += summary.wall;
        total.events += summary.events;
        total.fired.add(&summary.fired);
    }
    let rate = total.seeds as f64 / total.wall.as_secs_f64().max(1e-9);
    if args.json {
        let outcome = if code == 0 { "held" } else { "failed" };
        say!(
            "{{\"summary\":true,\"outcome\":\"{outcome}\",\"seeds\":{},\"seeds_per_s\":{rate:.0},\
             \"wall_ns\":{},\"fired\":{}}}",
            total.seeds,
            total.wall.as_nanos(),
            json(&total.fired)
        );
    } else {
        say!(
            "{} seeds in {:.1} s, {rate:.0} seeds per second{}",
            total.seeds,
            total.wall.as_secs_f64(),
            if args.check { ", each played twice" } else { "" }
        );
        say!("{}", fault_table(&total.fired));
    }
    Ok(code)
}

/// A sweep as the arguments have it, without an end in time.
fn sweep_of<'a>(args: &SimArgs, scenario: &'a Scenario, seeds: Range<u64>) -> Sweep<'a> {
    let mut arguments: Vec<String> =
        vec!["sim".into(), scenario.name().into(), "--weather".into(), args.weather.clone()];
    for knob in &args.knobs.knobs {
        arguments.extend(["--knob".to_owned(), knob.clone()]);
    }
    arguments.extend(args.check.then(|| "--check".to_owned()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.map_or(cores, usize::from);
    let scenario = scenario.name();
    let failures_max = args.max_failures;
    Sweep { scenario, seeds, jobs, arguments, until: None, passes_stderr: true, failures_max }
}

fn sweep_one(
    args: &SimArgs,
    scenario: &Scenario,
    seeds: Range<u64>,
    until: Option<Instant>,
) -> Result<Summary, String> {
    let sweep = Sweep { until, ..sweep_of(args, scenario, seeds) };
    let mut shown = Instant::now();
    let shows = std::io::stderr().is_terminal() && !args.json;
    let mut count = 0_u64;
    let summary = sweep.run(|result| {
        count += 1;
        if args.json {
            say!("{}", json(result));
        } else if shows && shown.elapsed() > Duration::from_millis(200) {
            shown = Instant::now();
            eprint!("\r{:<24} {count} seeds", scenario.name());
            let _ = std::io::stderr().flush();
        }
    });
    if shows {
        eprint!("\r{:60}\r", "");
    }
    summary.map_err(no_worker)
}

fn no_worker(error: std::io::Error) -> String {
    format!("a worker could not be run: {error}")
}

fn summary_line(scenario: &Scenario, summary: &Summary) -> String {
    let outcome = match &summary.failed {
        None => "held".to_owned(),
        Some(failed) => format!("{} at seed {}", failed.outcome, failed.seed),
    };
    let rate = summary.seeds as f64 / summary.wall.as_secs_f64().max(1e-9);
    format!("{:<24} {:>7} seeds  {outcome}  ({rate:.0} seeds/s)", scenario.name(), summary.seeds)
}

/// How many failed in which way, or that nobody looked.
fn say_failures(args: &SimArgs, summary: &Summary) {
    if args.max_failures > 1 {
        for (class, tally) in &summary.classes {
            say!("  {:>7} failed, first seed {}: {class}", tally.seeds, tally.first);
        }
    }
    if summary.failures == args.max_failures {
        let count = match args.max_failures {
            1 => "the first failure".to_owned(),
            more => format!("{more} failures"),
        };
        say!("  stopped at {count}; --max-failures N goes on to the Nth, and counts by class");
    }
}

/// Which faults struck how often: one that never did has tested nothing.
fn fault_table(fired: &Fired) -> String {
    let rows = fired.rows();
    let cells: Vec<String> = rows.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("faults: {}", cells.join(", "))
}

/// Plays the failing seed here and reports it; a seed that ends its process is only named.
fn failure(
    suite: &Suite,
    args: &SimArgs,
    scenario: &Scenario,
    spec: &Spec,
    failed: &SeedResult,
) -> i32 {
    let spec = Spec { seed: failed.seed, ..spec.clone() };
    let command = Again::CommandLine(&suite.command);
    let again = || format!("again, by seed:   {}\n", command.by_seed(scenario, &spec));
    if failed.is_death() {
        if !args.json {
            say!("seed {} {}: {}", failed.seed, failed.outcome, failed.cause);
            super::say_text(&again());
        }
        return 1;
    }
    let (played, _) = play(scenario, &spec, args.check);
    if played.outcome.held() {
        if !args.json {
            say!("seed {} {} in a worker: {}", failed.seed, failed.outcome, failed.cause);
            say!("NOT DETERMINISTIC: played here it holds: state outlives a run");
            super::say_text(&again());
        }
        return 3;
    }
    report_failure(suite, args, scenario, &spec, &played)
}

/// Reports a run that failed here; returns the exit code. One whose deviations give another run is not
/// deterministic, whatever it came to; without a report nobody looks.
fn report_failure(
    suite: &Suite,
    args: &SimArgs,
    scenario: &Scenario,
    spec: &Spec,
    played: &Run,
) -> i32 {
    if args.json {
        return exit_code(&played.outcome);
    }
    let reader = (Again::CommandLine(&suite.command), &args.shown.style());
    let report = report_for(reader, scenario, spec, played);
    super::say_text(&report.text);
    super::code_of(&report)
}
