//! Seeds of a check in several processes, where `GREENROOM_JOBS` asks for it: each is this test alone, in this
//! binary, and plays a part of them.
//!
//! They only find: the first seed that fails, or that a worker ends at, is played once more by the test itself,
//! which says what it always says. So how many there are changes no verdict.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::process::{Child, ExitStatus};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use greenroom::scenario::Scenario;

use crate::run::Spec;
use crate::search::job::{Job, Runs, Task, Told};
use crate::search::process::{Manner, Tellings, Worker};
use crate::search::result::SeedResult;
use crate::search::worker;

/// Set for a worker.
const PART: &str = "GREENROOM_CHECK_PART";

thread_local! {
    /// How many checks this thread, and so this test, has begun.
    static BEGUN: Cell<u32> = const { Cell::new(0) };
}

/// What a worker is here for: which check of its test, and which of its seeds.
pub(super) struct Part {
    nth: u32,
    scenario: String,
    pub(super) seeds: Range<u64>,
}

/// The check that begins now: which of its test's it is.
pub(super) fn begin() -> u32 {
    BEGUN.set(BEGUN.get() + 1);
    BEGUN.get()
}

impl Part {
    /// This process's, if it is a worker.
    pub(super) fn of_this_process() -> Option<&'static Part> {
        static HERE: OnceLock<Option<Part>> = OnceLock::new();
        let read = || {
            std::env::var_os(PART)?;
            let job = worker::begin().unwrap_or_else(|error| {
                panic!("{PART} is set for workers of a check alone: {error}");
            });
            let (Task::Check { nth }, Runs::Seeds(seeds)) = (job.task, job.runs) else {
                panic!("a worker of a check is told of one");
            };
            Some(Part { nth, scenario: job.scenario, seeds })
        };
        HERE.get_or_init(read).as_ref()
    }

    /// Whether it is here for this check.
    pub(super) fn is_of(&self, nth: u32, scenario: &Scenario) -> bool {
        (self.nth, self.scenario.as_str()) == (nth, scenario.name())
    }
}

/// What workers have found.
#[derive(Default)]
pub(super) struct Found {
    /// The first seed that is to be played by the test itself, and why.
    pub(super) suspect: Option<(u64, String)>,
    pub(super) claims: BTreeMap<String, bool>,
    pub(super) runs: u64,
}

/// A worker, its own seeds, and what it told.
struct Seat {
    child: Child,
    told: Tellings,
    next: u64,
}

/// Plays seeds below `end` in so many processes. `None` where that cannot be: nobody knows what the test is
/// called, or no worker came to this check.
pub(super) fn find(
    scenario: &Scenario,
    spec: &Spec,
    (nth, end, jobs): (u32, u64, u64),
) -> io::Result<Option<Found>> {
    let thread = thread::current();
    let Some(test) = thread.name().filter(|name| *name != "main") else { return Ok(None) };
    let mut seats = Vec::new();
    let jobs = jobs.min(end);
    for job in 0..jobs {
        let [first, after] = [job, job + 1].map(|job| end / jobs * job + job.min(end % jobs));
        let job = Job::new(scenario, spec, Runs::Seeds(first..after), Task::Check { nth });
        // libtest's own flags: this test alone, be it one that is usually ignored.
        let arguments = [test, "--exact", "--include-ignored", "--nocapture"];
        let (child, worker) = Worker::start_as(&job, Manner::default(), &arguments, Some(PART))?;
        seats.push(Seat { child, told: worker.told, next: first });
    }
    // Seeds from this one on matter no more.
    let limit = AtomicU64::new(end);
    let parts: Vec<io::Result<Vec<SeedResult>>> = thread::scope(|scope| {
        let listening: Vec<_> =
            seats.into_iter().map(|seat| scope.spawn(|| listen(seat, &limit))).collect();
        listening.into_iter().map(|part| part.join().expect("it only listens")).collect()
    });
    let results = parts.into_iter().collect::<io::Result<Vec<_>>>()?.concat();
    if results.iter().all(SeedResult::is_death) {
        return Ok(None);
    }
    Ok(Some(sum_up(results, limit.into_inner())))
}

/// Hears a worker out, or until its seeds matter no more.
fn listen(seat: Seat, limit: &AtomicU64) -> io::Result<Vec<SeedResult>> {
    let Seat { mut child, told, mut next } = seat;
    let mut results = Vec::new();
    let mut is_through = false;
    for told in told {
        let Told::Run(result) = told else {
            is_through = true;
            break;
        };
        next = result.seed + 1;
        if !result.held() {
            limit.fetch_min(result.seed, Ordering::Relaxed);
        }
        results.push(*result);
        if next > limit.load(Ordering::Relaxed) {
            is_through = true;
            break;
        }
    }
    if is_through {
        let _ = child.kill();
        child.wait()?;
    } else {
        let status = child.wait()?;
        limit.fetch_min(next, Ordering::Relaxed);
        results.push(of_death(next, status));
    }
    Ok(results)
}

fn of_death(seed: u64, status: ExitStatus) -> SeedResult {
    SeedResult::of_death("", seed, "crashed", format!("its process ended: {status}"))
}

fn sum_up(results: Vec<SeedResult>, limit: u64) -> Found {
    let mut found = Found::default();
    for result in results.into_iter().filter(|result| result.seed <= limit) {
        if !result.held() {
            found.suspect = Some((result.seed, result.cause));
            continue;
        }
        found.runs += 1;
        let (never, once) = (result.never.into_iter(), result.once.into_iter());
        for (claim, holds) in never.map(|it| (it, false)).chain(once.map(|it| (it, true))) {
            *found.claims.entry(claim).or_default() |= holds;
        }
    }
    found
}
