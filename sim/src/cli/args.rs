//! The arguments of `sim`.

use std::ops::Range;
use std::time::Duration;

use clap::Args;
use greenroom::scenario::Scenario;

use super::codes::CODES;
use super::shown::TraceArgs;
use super::suite::Knobs;
use crate::run::Spec;
use crate::search::sweep::Sweep;

/// Rehearses scenarios in the simulated network: a seed, a range of seeds, or as many as time allows.
///
/// Seed 0 is played where nothing else is said. A sweep ends at its first failure unless
/// `--max-failures` says otherwise.
#[derive(Args, Debug)]
#[command(after_help = CODES)]
pub struct SimArgs {
    /// Scenarios to play; none is all but those played by name only
    pub(super) scenarios: Vec<String>,
    /// Plays this seed
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "for_"])]
    pub(super) seed: Option<u64>,
    /// Plays these seeds, the last one left out
    #[arg(long, value_name = "A..B", value_parser = seed_range, conflicts_with_all = ["for_", "trace"])]
    pub(super) seeds: Option<Range<u64>>,
    /// Plays seeds from 0 on for so long, and ends then whatever a seed is at; a failure found is still reported
    #[arg(long = "for", value_name = "60s", value_parser = duration, conflicts_with = "trace")]
    pub(super) for_: Option<Duration>,
    /// Worker processes at once
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "seed")]
    pub(super) jobs: Option<u16>,
    /// Ends a sweep at the Nth failure, and counts them by class; the first is reported
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "seed", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_failures: u64,
    /// Plays every seed twice in one process, and once in another, and compares
    #[arg(long)]
    pub(super) check: bool,
    #[command(flatten)]
    pub(super) shown: TraceArgs,
    /// Prints the run's deviations as a token
    #[arg(long, conflicts_with_all = ["seeds", "for_"])]
    pub(super) token: bool,
    /// calm, default, stormy, or a JSON file; behind it perhaps +preempt=sync
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    pub(super) weather: String,
    /// Prints a line of JSON an object
    #[arg(long, conflicts_with_all = ["trace", "token"])]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) knobs: Knobs,
    /// Plays the seed in this process, as a debugger needs it; what ends the process ends all
    #[arg(long, conflicts_with_all = ["seeds", "for_", "check"])]
    pub(super) here: bool,
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

impl SimArgs {
    /// A sweep as the arguments have it, without an end in time.
    pub(super) fn sweep<'a>(
        &self,
        scenario: &'a Scenario,
        spec: &'a Spec,
        seeds: Range<u64>,
    ) -> Sweep<'a> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Sweep {
            scenario,
            spec,
            seeds,
            jobs: self.jobs.map_or(cores, usize::from),
            checks: self.check,
            until: None,
            passes_stderr: true,
            failures_max: self.max_failures,
        }
    }
}
