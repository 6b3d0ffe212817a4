//! One run of one scenario: what goes in ([`Spec`]), what comes out ([`Run`]).

mod choice;
mod disks;
mod ending;
mod errors;
mod findings;
mod outcome;
mod quiet;
mod stage;
mod stall;

use std::iter;
use std::rc::Rc;
use std::time::Duration;

use greenroom::driver::{self, Panicked, Program, Stop};
use greenroom::scenario::{HostSpec, Scenario};
use greenroom::time::Instant;

use crate::choices::{Choices, Deviation, Fired, Source};
use crate::host::Host;
use crate::hub::SimHub;
use crate::id::HostId;
use crate::keeper::{self, Phase};
use crate::path::Paths;
use crate::trace::{Log, Recorder};
use crate::weather::Weather;
use crate::world::table::Table;

pub use choice::{Choice, Value};
use disks::Disks;
pub use disks::LastDisk;
use ending::{complaints, outcome_of};
use errors::Errors;
use findings::findings;
pub use outcome::Outcome;
use quiet::Quiet;

/// Virtual time after which a run is given up as stuck.
const TIME_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// What decides a run.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The seed: of every decision, or of random bytes alone where a tape decides.
    pub seed: u64,
    /// Deviations to play; the boring value stands everywhere else. `None` leaves all to the seed.
    pub tape: Option<Vec<Choice>>,
    /// Which faults exist, and how often.
    pub weather: Weather,
    /// Whether the events are kept, to be shown.
    pub keeps_events: bool,
    /// Virtual time after which the run is given up.
    pub time_limit: Duration,
}

impl Spec {
    /// The run of this seed in the default weather.
    pub fn seed(seed: u64) -> Spec {
        Spec {
            seed,
            tape: None,
            weather: Weather::default(),
            keeps_events: false,
            time_limit: TIME_LIMIT,
        }
    }
}

impl Spec {
    /// The same, with its events kept.
    pub fn traced(self) -> Spec {
        Spec { keeps_events: true, ..self }
    }
}

/// What a run was.
#[derive(Debug)]
pub struct Run {
    /// How it came out.
    pub outcome: Outcome,
    /// Hash of everything that happened.
    pub hash: u64,
    /// The same, host by host, in the order they were declared.
    pub host_hashes: Vec<u64>,
    /// How much happened.
    pub events: u64,
    /// Turns taken.
    pub turns: u64,
    /// Virtual time it took.
    pub virtual_ns: u64,
    /// The virtual time at which it went wrong, if it did: its end, or before.
    pub failed_ns: u64,
    /// The decisions that were not boring, in order, and the paths they mention.
    raw: (Vec<Deviation>, Rc<Paths>),
    /// How many of a tape's deviations came up.
    pub matched: usize,
    /// Whether random bytes were drawn, so that a token needs its seed.
    pub drew_entropy: bool,
    /// How many of its switches came before a call that did not wait then ([`Weather::preempts_sync`]). One
    /// real hub makes none of them, but where the call would have waited when it was made.
    pub unasked_switches: u64,
    /// Which faults struck how often.
    pub fired: Fired,
    /// `sometimes!` claims and whether they held.
    pub sometimes: Vec<(&'static str, bool)>,
    /// All that went wrong, the outcome's cause among it: each violated claim, each panic that nobody
    /// joined, each error that a program ended with.
    pub findings: Vec<String>,
    /// The events, if they were kept.
    pub trace: Option<Log>,
    disks: Disks,
}

impl Run {
    /// How many decisions were not boring.
    pub fn deviation_count(&self) -> usize {
        self.raw.0.len()
    }

    /// The decisions that were not boring, in order, in terms that hold in any run. Made on demand:
    /// of most runs nobody asks. Each has its context where the events were kept.
    pub fn deviations(&self) -> Vec<Choice> {
        let (deviations, paths) = &self.raw;
        let contexts = self.trace.as_ref().map(Log::contexts).unwrap_or_default();
        let contexts = contexts.into_iter().chain(iter::repeat(None));
        let choice = |(deviation, context)| Choice { context, ..Choice::of(deviation, paths) };
        deviations.iter().zip(contexts).map(choice).collect()
    }

    /// The disk of a host, if any of its programs ever used it.
    ///
    /// ```
    /// use greenroom_sim::Sim;
    ///
    /// let run = Sim::new().client("cli", || greenroom::fs::write("/greeting", "hello")).run();
    /// assert_eq!(run.disk("cli").unwrap().read("/greeting").unwrap(), b"hello");
    /// ```
    pub fn disk(&self, host: &str) -> Option<&LastDisk> {
        self.disks.iter().find(|(name, _)| name == host).map(|(_, disk)| disk)
    }

    /// A sentence about each of them.
    pub fn deviations_in_words(&self) -> impl Iterator<Item = String> {
        let (deviations, paths) = &self.raw;
        deviations.iter().map(|Deviation { decision, ordinal, path }| {
            decision.in_words(&paths.text(*path), *ordinal, |path| paths.text(path))
        })
    }
}

/// Plays a scenario once, on this thread. A stage that cannot be set (two hosts of one name, a panic of the
/// function that sets it) is how the run came out.
pub fn run(scenario: &Scenario, spec: &Spec) -> Run {
    let running = keeper::Running::begin(spec.tape.is_none().then_some(spec.seed));
    let quiet = Quiet::begin();
    let source = match &spec.tape {
        None => Source::Seed,
        Some(choices) => Source::Tape(choices.iter().map(Choice::on_tape).collect()),
    };
    let choices = Choices::new(spec.seed, source);
    let set = stage::set(scenario, &spec.weather, choices, spec.keeps_events);
    let (mut stage, mut world) = match set {
        Ok(set) => set,
        Err(what) => return without_a_stage(what),
    };
    let errors = Errors::default();
    let programs = stage.hosts.iter().map(|host| program_of(host, errors.clone())).collect();
    world.trace.payload_is_opaque = stage.payload_is_opaque;
    running.phase(Phase::Programs);
    let hub = SimHub::new(world, spec.time_limit, running.beat());
    let is_unsealed = |hub: &SimHub| hub.world.seal.is_none();
    let judge = |stop: &Stop, panics: &[Panicked], hub: &SimHub| {
        running.phase(Phase::Judges);
        let complaints = complaints(stop, hub, &mut stage);
        let verdict = Verdict {
            findings: findings(stop, panics, hub, &errors, &complaints),
            outcome: outcome_of(stop, panics, hub, &errors, &complaints, &stage.hosts),
            failed_ns: failed_ns(panics, hub, &errors),
        };
        running.phase(Phase::Programs);
        verdict
    };
    let (_, hub, verdict) = driver::run_judged(hub, programs, is_unsealed, judge);
    drop((quiet, running));
    conclude(verdict, hub)
}

/// A run in which nothing happened.
fn without_a_stage(what: String) -> Run {
    let outcome = Outcome::Panicked("the stage".into(), what);
    Run {
        findings: vec![outcome.to_string()],
        outcome,
        hash: 0,
        host_hashes: Vec::new(),
        events: 0,
        turns: 0,
        virtual_ns: 0,
        failed_ns: 0,
        raw: Default::default(),
        matched: 0,
        drew_entropy: false,
        unasked_switches: 0,
        fired: Fired::default(),
        sometimes: Vec::new(),
        trace: None,
        disks: Vec::new(),
    }
}

/// What came of a run.
struct Verdict {
    outcome: Outcome,
    findings: Vec<String>,
    failed_ns: Option<u64>,
}

/// When it went wrong, where that is before the run's end: as [`outcome_of`] looks for it.
fn failed_ns(panics: &[Panicked], hub: &SimHub, errors: &Errors) -> Option<u64> {
    if !hub.world.violations.is_empty() {
        return None;
    }
    if let Some(panicked) = panics.first() {
        let panics = &hub.world.panics;
        return panics.iter().find(|(who, _)| *who == panicked.greenlet).map(|(_, at_ns)| *at_ns);
    }
    errors.first_ns()
}

fn program_of(host: &HostSpec, errors: Errors) -> Program {
    let (name, body) = (host.name.clone(), host.body.clone());
    let who = name.clone();
    Program {
        name,
        role: host.role,
        body: Box::new(move || {
            if let Err(error) = body() {
                let at_ns = Instant::now().reading().as_nanos() as u64;
                errors.add(&who, &error, at_ns);
            }
        }),
    }
}

fn conclude(verdict: Verdict, hub: SimHub) -> Run {
    let Verdict { outcome, findings, failed_ns } = verdict;
    let mut world = hub.world;
    world.unseal();
    let virtual_ns = world.clock.now_ns();
    world.leave_memory();
    let paths = Rc::new(world.paths);
    Run {
        failed_ns: failed_ns.unwrap_or(u64::MAX).min(virtual_ns),
        hash: world.trace.hash(),
        host_hashes: world.trace.host_hashes().to_vec(),
        events: world.trace.count,
        turns: hub.scheduler.turns(),
        virtual_ns,
        raw: (world.choices.deviations.clone(), paths.clone()),
        matched: world.choices.matched,
        drew_entropy: world.choices.drew_entropy,
        unasked_switches: world.unasked_switches,
        fired: world.fired,
        sometimes: world.sometimes,
        disks: disks::take(&mut world.hosts),
        trace: log(world.trace, paths, &world.hosts, world.choices),
        findings,
        outcome,
    }
}

fn log(
    mut trace: Recorder,
    paths: Rc<Paths>,
    hosts: &Table<HostId, Host>,
    choices: Choices,
) -> Option<Log> {
    let events = trace.events.take()?;
    let named = |host: &Host| (host.name.clone(), host.addresses().collect());
    let hosts = hosts.iter().map(named).collect();
    let (is_seeded, deviations) = (choices.is_seeded(), choices.deviations);
    let Recorder { names, payloads, .. } = trace;
    Some(Log { events, deviations, is_seeded, names, payloads, paths, hosts })
}
