//! This same program as a worker: it does the job it is given.

use greenroom::scenario::Scenario;

use super::perform::perform;
use super::show::{show, show_token};
use super::suite::Suite;
use crate::keeper;
use crate::run::{Spec, run};
use crate::search::difference::{first_difference, sides};
use crate::search::job::{Runs, Task, Told};
use crate::search::result::SeedResult;
use crate::search::sweep::work;
use crate::search::token::Token;
use crate::search::worker;

/// This process is a worker: it does the job it is given.
pub(super) fn worker(suite: &Suite) -> Result<i32, String> {
    let job = worker::begin()
        .map_err(|error| format!("`worker` is called by a sweep, not by hand ({error})"))?;
    let mut scenario = suite.exactly(&job.scenario)?;
    for (name, value) in &job.knobs {
        scenario = scenario.with_knob(name, *value)?;
    }
    let (name, first) = (job.scenario.clone(), job.first_seed());
    let _watching = keeper::watch(Box::new(move |seed, what| {
        let seed = seed.unwrap_or(first);
        let stuck = SeedResult::of_death(&name, seed, "stuck", what.to_owned());
        worker::tell(&Told::Run(Box::new(stuck)));
        std::process::exit(1);
    }))?;
    let spec = job.spec()?;
    let mut code = 0;
    match (job.task, job.runs) {
        (Task::Sweep { twice, backwards }, Runs::Seeds(seeds)) => {
            work(&scenario, &spec, seeds, twice, backwards);
        }
        (Task::Show(shown), Runs::Token(token)) => {
            let token = Token::parse(&token)?;
            code = show_token(suite, &scenario, (&token, &spec), &shown);
        }
        (Task::Show(shown), Runs::Seeds(_)) => code = show(suite, &scenario, &spec, &shown).0,
        (Task::Events, _) => {
            let played = run(&scenario, &spec.clone().traced());
            let log = played.trace.as_ref();
            for (words, number) in log.into_iter().flat_map(|log| log.described()) {
                worker::tell(&Told::Event(words, number));
            }
            let result = SeedResult::of(&scenario, spec.seed, &played, Default::default());
            worker::tell(&Told::Run(Box::new(result)));
        }
        (Task::Twice, _) => twice(&scenario, &spec),
        (Task::Perform(world), _) => code = perform(suite.runner(&world)?, &scenario),
        (Task::Sweep { .. }, Runs::Token(_)) => return Err("a sweep has seeds".into()),
        (Task::Check { .. }, _) => return Err("a test plays the seeds of a check".into()),
    }
    worker::tell(&Told::End(code));
    Ok(code)
}

/// Tells where two plays in this process differ, the first ones that it has seen.
fn twice(scenario: &Scenario, spec: &Spec) {
    if let Some(events) = first_difference(scenario, spec, spec) {
        return worker::tell(&Told::Differ(true, Some(events)));
    }
    let differ = sides(&run(scenario, spec), &run(scenario, spec)).is_some();
    worker::tell(&Told::Differ(differ, None));
}
