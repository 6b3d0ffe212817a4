//! Many seeds of one scenario, in worker processes: a crash, abort, hang or `exit` of one seed is
//! that seed's result and nobody else's.
//!
//! Workers are handed chunks of seeds, and tell a result a seed. Results are taken in order of seeds whatever
//! order they come in, so what a sweep says does not depend on how many workers it had.
//!
//! A sweep that checks plays each seed three times: twice in a row in one process, and once in another, which
//! goes through its seeds from the last to the first. The first two differ by what a run leaves behind (a
//! static), by a clock, by hash order; the third also by what each process has of its own (its id, addresses),
//! and by what other seeds left behind.

mod chunk;
mod watched;

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use greenroom::scenario::Scenario;

use crate::choices::Ns;
use crate::run::{Outcome, Run, Spec, run};
use crate::search::difference::{contradiction, sides};
use crate::search::job::Told;
pub use crate::search::result::SeedResult;
use crate::search::worker;
use crate::trace::{Level, Style};
use crate::weather::Fired;
use chunk::Chunks;
use watched::Watched;

/// Seeds a worker is given at a time.
const CHUNK: u64 = 250;
/// The same where each chunk is played by two.
const CHUNK_CHECKED: u64 = 100;
/// So often workers are looked at.
const TICK: Duration = Duration::from_millis(200);

/// Plays one seed; with `twice`, again: a second run that differs in anything makes the outcome
/// [`Nondeterministic`](Outcome::Nondeterministic), with both sides.
pub fn play(scenario: &Scenario, spec: &Spec, twice: bool) -> (Run, Duration) {
    let start = Instant::now();
    let mut first = run(scenario, spec);
    let wall = start.elapsed();
    if twice {
        let again = run(scenario, spec);
        if let Some(both) = contradiction(scenario, (spec, &first), (spec, &again)) {
            contradict(&mut first, both);
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

/// In a worker: plays these seeds, and tells what each came to.
pub(crate) fn work(
    scenario: &Scenario,
    spec: &Spec,
    seeds: Range<u64>,
    twice: bool,
    backwards: bool,
) {
    let tell = |seed| {
        let spec = Spec { seed, ..spec.clone() };
        let (mut first, wall) = play(scenario, &spec, false);
        if twice && let Some(both) = sides(&first, &run(scenario, &spec)) {
            // Where they part is looked for by whoever says it.
            contradict(&mut first, both);
        }
        worker::tell(&Told::Run(Box::new(SeedResult::of(scenario, seed, &first, wall))));
    };
    if backwards { seeds.rev().for_each(tell) } else { seeds.for_each(tell) }
}

/// A run that says itself why no seed determines it knows more.
fn contradict(first: &mut Run, both: String) {
    if !matches!(first.outcome, Outcome::Nondeterministic(_)) {
        first.outcome = Outcome::Nondeterministic(both);
    }
}

/// What a sweep is to do.
pub struct Sweep<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What else decides: the weather.
    pub spec: &'a Spec,
    /// The seeds.
    pub seeds: Range<u64>,
    /// How many workers at once.
    pub jobs: usize,
    /// Whether each seed is played three times, in two processes, and compared.
    pub checks: bool,
    /// When to end, whatever a seed is at.
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
        let chunks = &self.chunks();
        let workers: Vec<Arc<Watched>> = (0..self.jobs.max(1)).map(|_| Arc::default()).collect();
        thread::scope(|scope| -> io::Result<()> {
            for watched in &workers {
                let (results, next, stop) = (results.clone(), &next, &stop);
                scope.spawn(move || self.keep_one_busy(chunks, watched, next, stop, &results));
            }
            drop(results);
            let mut waiting = BTreeMap::new();
            let mut expected = self.seeds.start;
            let outcome = loop {
                workers.iter().for_each(|watched| watched.end_if_hanging());
                if chunks.is_over() {
                    workers.iter().for_each(|watched| watched.cut());
                }
                let chunk = match incoming.recv_timeout(self.tick()) {
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
        chunks: &Chunks<'_>,
        watched: &Watched,
        next: &AtomicU64,
        stop: &AtomicBool,
        results: &mpsc::Sender<io::Result<(u64, Vec<SeedResult>)>>,
    ) {
        while !stop.load(Ordering::Relaxed) && !chunks.is_over() {
            let chunk = if self.checks { CHUNK_CHECKED } else { CHUNK };
            let after = |first: u64| first.saturating_add(chunk).min(self.seeds.end);
            let claimed = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |first| {
                (first < self.seeds.end).then(|| after(first))
            });
            let Ok(first) = claimed else { return };
            let chunk = first..after(first);
            let lines = chunks.play(watched, chunk);
            let failed = lines.is_err();
            if results.send(lines.map(|lines| (first, lines))).is_err() || failed {
                return;
            }
        }
    }

    fn chunks(&self) -> Chunks<'_> {
        Chunks {
            scenario: self.scenario,
            spec: self.spec,
            checks: self.checks,
            until: self.until,
            passes_stderr: self.passes_stderr,
            failures_max: self.failures_max,
        }
    }

    /// How long until workers are looked at again.
    fn tick(&self) -> Duration {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        left.map_or(TICK, |left| left.clamp(Duration::from_millis(10), TICK))
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
