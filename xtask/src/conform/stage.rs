//! The two hubs a program is played on.

use std::time::Duration;

use greenroom::check::Shared;
use greenroom::scenario::{Scenario, Stage};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Spec, run};

use super::play::{Outcome, World, play};
use super::program::Program;

/// How a program is played.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// How long what is under way is given to arrive, after every step.
    pub settle: Duration,
    /// Whether what is free by law is written alike.
    pub is_lenient: bool,
    /// The first and the last port that a virtual host gives out by itself, if they are few. Those of
    /// the system are set from outside.
    pub ports: Option<(u16, u16)>,
    /// How many descriptors it has, likewise.
    pub descriptors: Option<u32>,
}

/// On the operating system.
pub fn on_real(program: &Program, manner: Manner) -> Vec<Outcome> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    let number = PLAYED.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("conform-{}-{number}-", std::process::id());
    let directory = std::env::temp_dir().join(format!("{prefix}paths"));
    if program.has_paths()
        && let Err(error) = std::fs::create_dir(&directory)
    {
        return vec![Err(format!("no directory for its paths: {error}"))];
    }
    let (theirs, own) = (program.clone(), directory.clone());
    let outcomes = greenroom_real::try_run(move || {
        let Manner { settle, is_lenient, .. } = manner;
        play(&theirs, &World { prefix, directory: own, settle, is_lenient })
    });
    if program.has_paths() {
        // One that cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(directory);
    }
    outcomes.unwrap_or_else(|error| vec![Err(error.to_string())])
}

/// In the simulator, in calm weather.
pub fn in_sim(program: &Program, manner: Manner) -> Vec<Outcome> {
    let outcomes = Shared::new(Vec::new());
    let told = outcomes.clone();
    let program = program.clone();
    let scenario = Scenario::new("conform", "a program of sockets", move |stage: &mut Stage| {
        let (program, told) = (program.clone(), told.clone());
        stage.client("host", move || {
            let Manner { settle, is_lenient, .. } = manner;
            let (prefix, directory) = ("conform-in-sim-".into(), "/conform-in-sim".into());
            let played = play(&program, &World { prefix, directory, settle, is_lenient });
            told.with(|told| *told = played);
            Ok(())
        });
    });
    let mut weather = Weather::calm();
    if let Some((first, last)) = manner.ports {
        (weather.ephemeral_port_first, weather.ephemeral_port_last) = (first, last);
    }
    weather.descriptors_max = manner.descriptors;
    let spec = Spec { tape: Some(vec![]), weather, ..Spec::seed(0) };
    let run = run(&scenario, &spec);
    let mut outcomes = outcomes.with(|outcomes| outcomes.clone());
    if !run.outcome.held() {
        outcomes.push(Err(run.outcome.to_string()));
    }
    outcomes
}
