//! The two hubs a program is played on.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::scenario::{Machine, Scenario, Stage};
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Spec, run};

use super::across::{Far, Side};
use super::play::{Outcome, Turns, World, play, play_noting, play_side};
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
    fn world(&self) -> World {
        let Manner { settle, is_lenient, .. } = *self;
        World { settle, is_lenient, ..World::default() }
    }

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
        let place = World { prefix, directory: own, ..manner.world() };
        play(&theirs, &place)
    });
    if program.has_paths() {
        // One that cannot be removed is in nobody's way.
        let _ = std::fs::remove_dir_all(directory);
    }
    outcomes.unwrap_or_else(|error| vec![Err(error.to_string())])
}

/// On two hosts of the operating system, which are network namespaces.
pub fn across_on_real(program: &Program, manner: Manner, far: &Far) -> Vec<Outcome> {
    let (common, turns) = (Arc::default(), Arc::new(Turns::default()));
    let played = |side: Side| {
        let world = World { side, common: Arc::clone(&common), ..manner.world() };
        let (program, turns) = (program.clone(), Arc::clone(&turns));
        let played = greenroom_real::try_run(move || play_side(&program, &world, &turns));
        played.map_err(io::Error::other)
    };
    let both = std::thread::scope(|scope| {
        let near = scope.spawn(|| played(Side::Near));
        let far = scope.spawn(|| far.enter().and_then(|()| played(Side::Far)));
        [near.join(), far.join()]
    });
    let both = both.map(|side| side.unwrap_or_else(|_| Err(io::Error::other("it panicked"))));
    let both = both.map(|side| side.unwrap_or_else(|error| vec![(0, Err(error.to_string()))]));
    in_order(both.concat())
}

/// On two hosts of the simulator, a short way apart.
pub fn across_in_sim(program: &Program, manner: Manner) -> Vec<Outcome> {
    /// Shorter than any program gives what is under way.
    const LATENCY_NS: u64 = 20_000;
    let outcomes = Shared::new(Vec::new());
    let told = outcomes.clone();
    let program = program.clone();
    let scenario = Scenario::new("conform", "a program of two hosts", move |stage: &mut Stage| {
        let (common, turns) = (Arc::default(), Arc::new(Turns::default()));
        // On the system no port is one of both, but by rare chance.
        let hosts = [("near", Side::Near, 32_768..=46_767), ("far", Side::Far, 46_768..=60_999)];
        for (name, side, ports) in hosts {
            let (program, told) = (program.clone(), told.clone());
            let (common, turns) = (Arc::clone(&common), Arc::clone(&turns));
            stage.client(name, move || {
                let world = World { side, common: Arc::clone(&common), ..manner.world() };
                let played = play_side(&program, &world, &turns);
                told.with(|told| told.extend(played));
                Ok(())
            });
            stage.machine(name, Machine::new().ephemeral_ports(ports));
        }
    });
    let weather = Weather {
        latency_min_ns: LATENCY_NS,
        latency_typical_ns: LATENCY_NS,
        latency_max_ns: LATENCY_NS,
        ..Weather::calm()
    };
    let run = run(&scenario, &Spec { tape: Some(vec![]), weather, ..Spec::seed(0) });
    let mut outcomes = in_order(outcomes.with(std::mem::take));
    if !run.outcome.held() {
        outcomes.push(Err(run.outcome.to_string()));
    }
    outcomes
}

/// Outcomes by the numbers of their steps.
fn in_order(mut outcomes: Vec<(usize, Outcome)>) -> Vec<Outcome> {
    outcomes.sort_by_key(|(nth, _)| *nth);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
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
            let prefix = "greenroom-conform-in-sim-".to_owned();
            let directory = format!("/{prefix}paths").into();
            let world = World { prefix, directory, ..manner.world() };
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
