//! The two hubs a program is played on.

use std::collections::BTreeSet;
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::scenario::{Machine, Scenario, Stage};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Spec, run};

use super::play::{Outcome, World, play, play_noting};
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
    /// Whether its programs may not bind the ports that are root's, likewise.
    pub is_unprivileged: bool,
}

impl Manner {
    fn machine(&self) -> Machine {
        let mut machine = Machine::new();
        if let Some((first, last)) = self.ports {
            machine = machine.ephemeral_ports(first..=last);
        }
        if let Some(most) = self.descriptors {
            machine = machine.descriptors(most);
        }
        if self.is_unprivileged {
            machine = machine.unprivileged();
        }
        machine
    }
}

/// On the operating system.
pub fn on_real(program: &Program, manner: Manner) -> Vec<Outcome> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static PLAYED: AtomicU64 = AtomicU64::new(0);
    let number = PLAYED.fetch_add(1, Ordering::Relaxed);
    // Long enough, as the simulator's is, to be no shorter than an address of IPv6.
    let prefix = format!("greenroom-conform-{}-{number}-", std::process::id());
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
    simulated(program, manner, false).0
}

/// What a program is good for: which steps it takes in which states of a socket, with what outcome.
pub fn noted_in_sim(program: &Program) -> BTreeSet<String> {
    let manner = Manner { settle: Duration::from_millis(1), is_lenient: true, ..Manner::default() };
    simulated(program, manner, true).1.into_iter().collect()
}

fn simulated(program: &Program, manner: Manner, takes_notes: bool) -> (Vec<Outcome>, Vec<String>) {
    let outcomes = Shared::new((Vec::new(), Vec::new()));
    let told = outcomes.clone();
    let program = program.clone();
    let scenario = Scenario::new("conform", "a program of sockets", move |stage: &mut Stage| {
        let (program, told) = (program.clone(), told.clone());
        stage.client("host", move || {
            let Manner { settle, is_lenient, .. } = manner;
            let prefix = "greenroom-conform-in-sim-".to_owned();
            let directory = format!("/{prefix}paths").into();
            let world = World { prefix, directory, settle, is_lenient };
            let mut notes = Vec::new();
            let played = play_noting(&program, &world, takes_notes.then_some(&mut notes));
            told.with(|told| *told = (played, notes));
            Ok(())
        });
        stage.machine("host", manner.machine());
    });
    let weather = Weather::calm();
    let spec = Spec { tape: Some(vec![]), weather, ..Spec::seed(0) };
    let run = run(&scenario, &spec);
    let (mut outcomes, notes) = outcomes.with(std::mem::take);
    if !run.outcome.held() {
        outcomes.push(Err(run.outcome.to_string()));
    }
    (outcomes, notes)
}
