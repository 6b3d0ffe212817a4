//! A run that is played and shown by a process of its own.

use std::io;

use greenroom::scenario::Scenario;

use crate::run::Spec;
use crate::search::job::{Job, Runs, Show, Task, Told};
use crate::search::process::{Manner, Worker};
use crate::search::result::SeedResult;
use crate::search::worker;

/// How a run ended that was played by another process.
pub(super) enum Played {
    /// With that one's exit code, and what the run came to.
    ToItsEnd(i32, Option<Box<SeedResult>>),
    /// The process did not come to its end; what the run had come to before, if it was done.
    Died(Box<SeedResult>, Option<Box<SeedResult>>),
}

/// A report plays a seed more often, with fewer deviations, and other seeds.
const LATER: &str = "while what it came to was looked into, ";

/// Has a job done by a process that prints where this one does.
pub(super) fn play_apart(job: &Job) -> io::Result<Played> {
    play(job, Manner { prints: true, passes_stderr: true, is_second: false })
}

/// Has a run played by another process than the one that played it first, which says nothing; returns what it came
/// to there.
pub(super) fn play_again(
    scenario: &Scenario,
    spec: &Spec,
    runs: Runs,
) -> io::Result<Box<SeedResult>> {
    let job = Job::new(scenario, spec, runs, Task::Show(Show::default()));
    let no_result = || io::Error::other("it came to its end, and told no result");
    match play(&job, Manner { is_second: true, ..Manner::default() })? {
        Played::ToItsEnd(_, result) => result.ok_or_else(no_result),
        Played::Died(death, _) => Ok(death),
    }
}

fn play(job: &Job, manner: Manner) -> io::Result<Played> {
    let (mut child, mut worker) = Worker::start(job, manner)?;
    let (mut result, mut stuck, mut code) = (None, None, None);
    for told in worker.told.by_ref() {
        match told {
            Told::Run(run) if run.is_death() => stuck = Some(run),
            Told::Run(run) => result = Some(run),
            Told::End(its) => {
                code = Some(its);
                break;
            }
            Told::Unheard(code) => {
                child.wait()?;
                worker.last_words.told();
                worker::end_unheard(code);
            }
            Told::Event(..) | Told::Differ(..) => {}
        }
    }
    let status = child.wait()?;
    // What it says of its own end is to come before what is said of it.
    let last_words = worker.last_words.told();
    if let Some(code) = code {
        return Ok(Played::ToItsEnd(code, result));
    }
    let when = if result.is_some() { LATER } else { "" };
    let (outcome, cause) = match stuck {
        Some(stuck) if result.is_none() => return Ok(Played::Died(stuck, None)),
        Some(stuck) => ("stuck", format!("{when}seed {}: {}", stuck.seed, stuck.cause)),
        None => ("crashed", format!("{when}the process ended: {status}{last_words}")),
    };
    let death = SeedResult::of_death(&job.scenario, job.first_seed(), outcome, cause);
    Ok(Played::Died(Box::new(death), result))
}

/// What shows a seed.
pub(super) fn job(scenario: &Scenario, spec: &Spec, show: Show) -> Job {
    Job::new(scenario, spec, Runs::seed(spec.seed), Task::Show(show))
}

pub(super) fn no_worker(error: std::io::Error) -> String {
    format!("a worker could not be run: {error}")
}
