//! A chunk of seeds: played by one worker after another, where seeds end them, and once more to compare.

use std::io;
use std::ops::Range;
use std::time::Instant;

use greenroom::scenario::Scenario;

use super::watched::{End, HANG, Watched};
use crate::run::Spec;
use crate::search::job::{Job, Runs, Task, Told};
use crate::search::process::{Manner, Worker};
use crate::search::result::SeedResult;

/// One way through a chunk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Only,
    /// Each seed twice.
    First,
    /// In a process of its own, from the last seed to the first.
    Second,
}

/// How chunks are played.
pub(super) struct Chunks<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) spec: &'a Spec,
    pub(super) checks: bool,
    pub(super) until: Option<Instant>,
    pub(super) passes_stderr: bool,
    pub(super) failures_max: u64,
}

impl Chunks<'_> {
    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// Plays a chunk. Fewer results than seeds are those up to the failure that ends the sweep, or those that
    /// there was time for.
    pub(super) fn play(&self, watched: &Watched, chunk: Range<u64>) -> io::Result<Vec<SeedResult>> {
        if !self.checks {
            return self.pass(watched, chunk, Pass::Only);
        }
        let mut results = self.pass(watched, chunk.clone(), Pass::First)?;
        let played = chunk.start..chunk.start + results.len() as u64;
        let others = self.pass(watched, played.clone(), Pass::Second)?;
        for (result, other) in results.iter_mut().rev().zip(&others) {
            result.compare(other);
        }
        // What time did not suffice to compare is not counted, unless it failed by itself.
        let compared_from = played.end - others.len() as u64;
        results.retain(|result| result.seed >= compared_from || !result.held());
        Ok(results)
    }

    /// Plays seeds, with a new worker after each that ended one.
    fn pass(
        &self,
        watched: &Watched,
        seeds: Range<u64>,
        pass: Pass,
    ) -> io::Result<Vec<SeedResult>> {
        let mut results = Vec::new();
        let mut left = seeds;
        while !left.is_empty() && !self.is_over() {
            let before = results.len();
            let death = self.one_worker(watched, left.clone(), pass, &mut results)?;
            for _ in before..results.len() {
                next(&mut left, pass);
            }
            let Some((outcome, cause)) = death else { break };
            // The seed it was at: even a clean exit is one if seeds were left, and its own keeper has
            // not said why.
            let has_told =
                results.len() > before && results.last().is_some_and(SeedResult::is_death);
            if !has_told && let Some(seed) = next(&mut left, pass) {
                let scenario = self.scenario.name();
                results.push(SeedResult::of_death(scenario, seed, outcome, cause));
            }
            // Seeds behind the failure that ends a sweep are not played.
            let failures = results.iter().filter(|line| !line.held()).count() as u64;
            if failures >= self.failures_max && pass != Pass::Second {
                break;
            }
        }
        Ok(results)
    }

    /// Runs one worker to its end; returns how that would be called if seeds were left, or `None`
    /// if it was ended because time is up.
    fn one_worker(
        &self,
        watched: &Watched,
        seeds: Range<u64>,
        pass: Pass,
        results: &mut Vec<SeedResult>,
    ) -> io::Result<Option<(&'static str, String)>> {
        let task = Task::Sweep { twice: pass == Pass::First, backwards: pass == Pass::Second };
        let job = Job::new(self.scenario, self.spec, Runs::Seeds(seeds.clone()), task);
        // What a program says is said once.
        let passes_stderr = self.passes_stderr && pass != Pass::Second;
        let manner = Manner { prints: false, passes_stderr, is_second: pass == Pass::Second };
        let (child, mut worker) = Worker::start(&job, manner)?;
        watched.begin(child);
        let mut left = seeds;
        for told in worker.told.by_ref() {
            let Told::Run(result) = told else { break };
            if next(&mut left, pass) != Some(result.seed) {
                break;
            }
            watched.saw_life();
            results.push(*result);
            if self.is_over() {
                watched.cut();
                break;
            }
        }
        // One that tells what it should not is ended by this.
        drop(worker.told);
        let (status, end) = watched.finish()?;
        Ok(match end {
            End::Cut => None,
            End::Hung => {
                Some(("stuck", format!("no result after {} s of wall time", HANG.as_secs())))
            }
            End::Itself => {
                let words = worker.last_words.told();
                Some(("crashed", format!("the process ended: {status}{words}")))
            }
        })
    }
}

/// The seed that is played next.
fn next(left: &mut Range<u64>, pass: Pass) -> Option<u64> {
    if pass == Pass::Second { left.next_back() } else { left.next() }
}
