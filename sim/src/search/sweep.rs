//! Many seeds of one scenario, in worker processes: a crash, abort, hang or `exit` of one seed is
//! that seed's result and nobody else's.
//!
//! The keeper hands out chunks of seeds; a worker is this same program, called with `--worker`, and
//! prints a line of JSON a seed. Results are taken in order of seeds whatever order they come in,
//! so what a sweep says does not depend on how many workers it had.

mod process;

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::Range;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use greenroom::scenario::Scenario;
use serde::{Deserialize, Serialize};

use crate::choices::Ns;
use crate::keeper;
use crate::run::{Outcome, Run, Spec, run};
use crate::search::difference::contradiction;
use crate::trace::{Level, Style};
use crate::weather::Fired;
use process::{HANG, LastWords, Watched};

/// Seeds a worker is given at a time.
const CHUNK: u64 = 250;

/// What a seed came to, as a worker prints it and `--json` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeedResult {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The outcome's name.
    pub outcome: String,
    /// Hash of everything that happened, in hexadecimal.
    pub trace_hash: String,
    /// How much happened.
    pub events: u64,
    /// Virtual time it took.
    pub virtual_ns: u64,
    /// Wall time it took.
    pub wall_ns: u64,
    /// How many decisions were not boring.
    pub deviations: u64,
    /// What was wrong, if anything was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// What it has in common with other failures of its kind, as [`Outcome::class`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// `sometimes!` claims that came by and did not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
    /// `sometimes!` claims that held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<String>,
    /// Which faults struck how often.
    pub fired: Fired,
}

/// The `sometimes!` claims of a run that held, or that did not.
fn claims(run: &Run, holding: bool) -> Vec<String> {
    let claims = run.sometimes.iter().filter(|(_, held)| *held == holding);
    claims.map(|(name, _)| (*name).to_owned()).collect()
}

impl SeedResult {
    /// The result of a run that came to an end.
    pub fn of(scenario: &Scenario, seed: u64, run: &Run, wall: Duration) -> SeedResult {
        let failed = !run.outcome.held();
        SeedResult {
            scenario: scenario.name().to_owned(),
            seed,
            outcome: run.outcome.name().to_owned(),
            trace_hash: format!("{:016x}", run.hash),
            events: run.events,
            virtual_ns: run.virtual_ns,
            wall_ns: wall.as_nanos() as u64,
            deviations: run.deviation_count() as u64,
            cause: if failed { run.outcome.to_string() } else { String::new() },
            class: if failed { run.outcome.class() } else { String::new() },
            never: claims(run, false),
            once: claims(run, true),
            fired: run.fired,
        }
    }

    /// The result of a seed whose worker died of it.
    fn of_death(scenario: &str, seed: u64, outcome: &str, cause: String) -> SeedResult {
        SeedResult {
            scenario: scenario.to_owned(),
            seed,
            outcome: outcome.to_owned(),
            trace_hash: String::new(),
            events: 0,
            virtual_ns: 0,
            wall_ns: 0,
            deviations: 0,
            class: if outcome == "stuck" {
                outcome
            } else {
                cause.lines().next().unwrap_or(outcome)
            }
            .to_owned(),
            cause,
            never: Vec::new(),
            once: Vec::new(),
            fired: Fired::default(),
        }
    }

    /// Whether its process did not come to the end of it.
    pub fn is_death(&self) -> bool {
        self.trace_hash.is_empty()
    }

    /// Whether every property held.
    pub fn held(&self) -> bool {
        self.outcome == "held"
    }
}

/// Plays one seed; with `twice`, again: a second run that differs in anything makes the outcome
/// [`Nondeterministic`](Outcome::Nondeterministic), with both sides.
pub fn play(scenario: &Scenario, spec: &Spec, twice: bool) -> (Run, Duration) {
    let start = Instant::now();
    let mut first = run(scenario, spec);
    let wall = start.elapsed();
    if twice {
        let again = run(scenario, spec);
        if let Some(both) = contradiction(scenario, (spec, &first), (spec, &again)) {
            first.outcome = Outcome::Nondeterministic(both);
        }
    }
    (first, wall)
}

/// The trace of a run, made by playing it once more with its events kept.
pub fn trace_text(scenario: &Scenario, spec: &Spec, style: &Style, level: Level) -> String {
    let kept = run(scenario, &Spec { keeps_events: true, ..spec.clone() });
    let header = format!(
        "test={}  end={} {}  hash={:016x}",
        scenario.name(),
        Ns(kept.virtual_ns),
        kept.outcome.name(),
        kept.hash
    );
    kept.trace.map(|lanes| lanes.text_in(style, level, &header)).unwrap_or_default()
}

/// A worker: plays these seeds and prints a line for each.
pub fn work(scenario: &Scenario, seeds: Range<u64>, spec: &Spec, twice: bool) -> io::Result<()> {
    let name = scenario.name().to_owned();
    let watching = keeper::watch(Box::new(move |seed, what| {
        print_stuck(&SeedResult::of_death(
            &name,
            seed.unwrap_or_default(),
            "stuck",
            what.to_owned(),
        ));
        std::process::exit(0);
    }));
    let _watching = watching.map_err(io::Error::other)?;
    for seed in seeds {
        let spec = Spec { seed, ..spec.clone() };
        let (run, wall) = play(scenario, &spec, twice);
        let line = serde_json::to_string(&SeedResult::of(scenario, seed, &run, wall))?;
        // A line of its own whatever the program printed, and no lock while a program runs: it
        // may print from a thread of its own.
        let mut out = io::stdout().lock();
        write!(out, "\n{line}\n")?;
        out.flush()?;
    }
    Ok(())
}

/// Prints a worker's last result. The thread that is stuck may hold std's lock of stdout.
fn print_stuck(result: &SeedResult) {
    let line = serde_json::to_string(result).expect("plain values become JSON");
    let out = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    // Without a descriptor to be had the keeper of this process says that it ended.
    let _ = out.and_then(|mut out| write!(out, "\n{line}\n"));
}

/// What a sweep is to do.
pub struct Sweep<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// The seeds.
    pub seeds: Range<u64>,
    /// How many workers at once.
    pub jobs: usize,
    /// What a worker is called with, beside its seeds.
    pub arguments: Vec<String>,
    /// When to begin no more seeds.
    pub until: Option<Instant>,
    /// Whether what the programs write to stderr goes to ours.
    pub passes_stderr: bool,
    /// How many failures end the sweep.
    pub failures_max: u64,
}

/// How often failures of one class came up, and the lowest seed that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many seeds failed so.
    pub seeds: u64,
    /// The first of them.
    pub first: u64,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub struct Summary {
    /// Seeds played.
    pub seeds: u64,
    /// Wall time.
    pub wall: Duration,
    /// Faults that struck, over all seeds.
    pub fired: Fired,
    /// Events, over all seeds.
    pub events: u64,
    /// The failing seed with the lowest number, if one failed.
    pub failed: Option<SeedResult>,
    /// How many seeds failed.
    pub failures: u64,
    /// The same by class.
    pub classes: BTreeMap<String, Tally>,
    /// `sometimes!` claims, and whether they held in any of the seeds.
    pub sometimes: BTreeMap<String, bool>,
}

impl Sweep<'_> {
    /// Plays the seeds until so many failed as may; `each` sees every result in order of seeds.
    pub fn run(&self, mut each: impl FnMut(&SeedResult)) -> io::Result<Summary> {
        let start = Instant::now();
        let next = AtomicU64::new(self.seeds.start);
        let stop = AtomicBool::new(false);
        let mut summary = Summary::default();
        let (results, incoming) = mpsc::channel();
        let workers: Vec<Arc<Watched>> = (0..self.jobs.max(1)).map(|_| Arc::default()).collect();
        thread::scope(|scope| -> io::Result<()> {
            for watched in &workers {
                let (results, next, stop) = (results.clone(), &next, &stop);
                scope.spawn(move || self.keep_one_busy(watched, next, stop, &results));
            }
            drop(results);
            let mut waiting = BTreeMap::new();
            let mut expected = self.seeds.start;
            let outcome = loop {
                workers.iter().for_each(|watched| watched.end_if_hanging());
                let chunk = match incoming.recv_timeout(Duration::from_secs(1)) {
                    Ok(chunk) => chunk,
                    Err(mpsc::RecvTimeoutError::Timeout) => continue,
                    Err(mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
                };
                let (first, lines) = match chunk {
                    Ok(chunk) => chunk,
                    Err(error) => break Err(error),
                };
                waiting.insert(first, lines);
                while let Some(lines) = waiting.remove(&expected) {
                    expected += lines.len() as u64;
                    summary.take_all(&lines, self.failures_max, &mut each);
                    stop.fetch_or(summary.failures >= self.failures_max, Ordering::Relaxed);
                }
            };
            stop.store(true, Ordering::Relaxed);
            // Behind a chunk that time cut short.
            waiting
                .values()
                .for_each(|lines| summary.take_all(lines, self.failures_max, &mut each));
            outcome
        })?;
        summary.wall = start.elapsed();
        Ok(summary)
    }

    fn keep_one_busy(
        &self,
        watched: &Watched,
        next: &AtomicU64,
        stop: &AtomicBool,
        results: &mpsc::Sender<io::Result<(u64, Vec<SeedResult>)>>,
    ) {
        while !stop.load(Ordering::Relaxed) && !self.is_over() {
            let after = |first: u64| first.saturating_add(CHUNK).min(self.seeds.end);
            let claimed = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |first| {
                (first < self.seeds.end).then(|| after(first))
            });
            let Ok(first) = claimed else { return };
            let chunk = first..after(first);
            let lines = self.play_chunk(watched, chunk);
            let failed = lines.is_err();
            if results.send(lines.map(|lines| (first, lines))).is_err() || failed {
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Plays a chunk, with a new worker after each seed that ended one.
    fn play_chunk(&self, watched: &Watched, chunk: Range<u64>) -> io::Result<Vec<SeedResult>> {
        let mut lines = Vec::new();
        let mut left = chunk;
        while !left.is_empty() {
            let before = lines.len();
            let death = self.one_worker(watched, left.clone(), &mut lines)?;
            left.start += (lines.len() - before) as u64;
            let Some((outcome, cause)) = death else { break };
            // The seed it was at: even a clean exit is one if seeds were left, and its own keeper has
            // not said why.
            let has_told = lines.len() > before && lines.last().is_some_and(SeedResult::is_death);
            if !left.is_empty() && !has_told {
                lines.push(SeedResult::of_death(self.scenario, left.start, outcome, cause));
                left.start += 1;
            }
            // Seeds behind the failure that ends a sweep are not played.
            let failures = lines.iter().filter(|line| !line.held()).count() as u64;
            if failures >= self.failures_max {
                break;
            }
        }
        Ok(lines)
    }

    /// Runs one worker to its end; returns how that would be called if seeds were left, or `None`
    /// if it was ended because time is up.
    fn one_worker(
        &self,
        watched: &Watched,
        seeds: Range<u64>,
        lines: &mut Vec<SeedResult>,
    ) -> io::Result<Option<(&'static str, String)>> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(&self.arguments)
            .args(["--worker", "--seeds", &format!("{}..{}", seeds.start, seeds.end)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let last_words = LastWords::hear(child.stderr.take(), self.passes_stderr);
        watched.begin(child);
        let mut expected = seeds.start;
        let mut cut_short = false;
        for line in output.split(b'\n') {
            // What a scenario prints itself is not for us, whatever bytes it is made of.
            let line = String::from_utf8_lossy(&line?).into_owned();
            let Ok(result) = serde_json::from_str::<SeedResult>(&line) else { continue };
            if result.seed == expected {
                watched.saw_life();
                expected += 1;
                lines.push(result);
                cut_short = expected < seeds.end && self.is_over();
            }
            if cut_short {
                watched.end();
                break;
            }
        }
        let (status, hung) = watched.finish()?;
        Ok(match hung {
            _ if cut_short => None,
            true => Some(("stuck", format!("no result after {} s of wall time", HANG.as_secs()))),
            false => Some(("crashed", format!("the process ended: {status}{}", last_words.told()))),
        })
    }
}

impl Summary {
    /// Takes results in order of seeds, up to the failure that ends the sweep.
    fn take_all(
        &mut self,
        lines: &[SeedResult],
        failures_max: u64,
        each: &mut impl FnMut(&SeedResult),
    ) {
        for result in lines {
            if self.failures < failures_max {
                self.take(result);
                each(result);
            }
        }
    }

    fn take(&mut self, result: &SeedResult) {
        self.seeds += 1;
        self.events += result.events;
        self.fired.add(&result.fired);
        for name in &result.never {
            self.sometimes.entry(name.clone()).or_insert(false);
        }
        for name in &result.once {
            self.sometimes.insert(name.clone(), true);
        }
        if !result.held() {
            self.failures += 1;
            let first = Tally { seeds: 0, first: result.seed };
            self.classes.entry(result.class.clone()).or_insert(first).seeds += 1;
            self.failed.get_or_insert_with(|| result.clone());
        }
    }
}
