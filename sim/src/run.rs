//! One run of one scenario: what goes in ([`Spec`]), what comes out ([`Run`]).

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::Once;
use std::sync::atomic::Ordering;
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::driver::{self, Ending, Program, Stall, Stop};
use greenroom::scenario::{HostSpec, Scenario, Stage};

use crate::choices::{Choices, Deviation, Kind, Source};
use crate::host::Host;
use crate::hub::SimHub;
use crate::id::HostId;
use crate::path::{Paths, hash_of};
use crate::trace::{Log, Recorder};
use crate::weather::{Fired, Weather};
use crate::world::World;
use crate::world::table::Table;

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

/// A decision that was not boring, in terms that hold in any run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What it is about.
    pub kind: Kind,
    /// The path of the entity.
    pub entity: String,
    /// Which of the entity's decisions of the kind.
    pub ordinal: u32,
    /// What was decided.
    pub value: Value,
}

/// The value of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number in the kind's unit.
    Number(u64),
    /// The greenlet that runs.
    Greenlet(String),
}

/// How a run came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every property held.
    Held,
    /// A property failed: its name, and what was wrong.
    Violated(String, String),
    /// A greenlet panicked and nobody joined it: who, and what it said.
    Panicked(String, String),
    /// A client could never go on: the wait table.
    Deadlocked(Stall),
    /// A greenlet spins, or virtual time ran out: what was found.
    Stuck(String),
    /// A thread from outside took part, so the seed does not determine the run.
    Nondeterministic(String),
}

impl Outcome {
    /// Its name on the command line and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Held => "held",
            Outcome::Violated(..) => "violated",
            Outcome::Panicked(..) => "panicked",
            Outcome::Deadlocked(_) => "deadlock",
            Outcome::Stuck(_) => "stuck",
            Outcome::Nondeterministic(_) => "nondeterministic",
        }
    }

    /// Whether the run held.
    pub fn held(&self) -> bool {
        *self == Outcome::Held
    }

    /// What two failures must share to be the same one: kind and site, without numbers.
    pub fn class(&self) -> String {
        match self {
            Outcome::Violated(name, _) => format!("violated: {name}"),
            Outcome::Panicked(who, what) => {
                let words: String = what.chars().filter(|c| !c.is_ascii_digit()).collect();
                format!("panicked: {} {words}", without_ordinals(who))
            }
            Outcome::Deadlocked(stall) => {
                let mut stuck: Vec<String> = stall
                    .stuck
                    .iter()
                    .map(|stuck| format!("{} in {}", without_ordinals(&stuck.greenlet), stuck.op))
                    .collect();
                stuck.sort();
                stuck.dedup();
                format!("deadlock: {}", stuck.join(", "))
            }
            Outcome::Stuck(what) => format!("stuck: {}", what.split(':').next().unwrap_or(what)),
            other => other.name().to_owned(),
        }
    }
}

fn without_ordinals(path: &str) -> String {
    let parts = path.split('/').map(|part| part.split('#').next().unwrap_or(part));
    parts.collect::<Vec<_>>().join("/")
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Held => f.write_str("every property held"),
            Outcome::Violated(name, what) if what.is_empty() => write!(f, "violated: {name}"),
            Outcome::Violated(name, what) => write!(f, "violated: {name}: {what}"),
            Outcome::Panicked(who, what) => write!(f, "{who} panicked: {what}"),
            Outcome::Deadlocked(stall) => write!(f, "{stall}"),
            Outcome::Stuck(what) | Outcome::Nondeterministic(what) => f.write_str(what),
        }
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
    /// The decisions that were not boring, in order, and the paths they mention.
    raw: (Vec<Deviation>, Rc<Paths>),
    /// How many of a tape's deviations came up.
    pub matched: usize,
    /// Whether random bytes were drawn, so that a token needs its seed.
    pub drew_entropy: bool,
    /// Which faults struck how often.
    pub fired: Fired,
    /// `sometimes!` claims and whether they held.
    pub sometimes: Vec<(&'static str, bool)>,
    /// The events, if they were kept.
    pub trace: Option<Log>,
}

impl Run {
    /// How many decisions were not boring.
    pub fn deviation_count(&self) -> usize {
        self.raw.0.len()
    }

    /// The decisions that were not boring, in order, in terms that hold in any run. Made on demand:
    /// of most runs nobody asks.
    pub fn deviations(&self) -> Vec<Choice> {
        let (deviations, paths) = &self.raw;
        let named = |deviation: &Deviation| Choice {
            kind: deviation.kind,
            entity: paths.text(deviation.path),
            ordinal: deviation.ordinal,
            value: match deviation.kind {
                Kind::Turn => Value::Greenlet(paths.text(deviation.target)),
                _ => Value::Number(deviation.value),
            },
        };
        deviations.iter().map(named).collect()
    }
}

/// Plays a scenario once, on this thread.
pub fn run(scenario: &Scenario, spec: &Spec) -> Run {
    quiet_panics();
    let mut stage = scenario.stage();
    let errors = Shared::new(Vec::new());
    let programs = stage.hosts.iter().map(|host| program_of(host, errors.clone())).collect();
    let source = match &spec.tape {
        None => Source::Seed,
        Some(choices) => Source::Tape(choices.iter().map(site_of).collect()),
    };
    let choices = Choices::new(spec.seed, source);
    let mut world = World::new(&stage.hosts, spec.weather.clone(), choices, spec.keeps_events);
    world.trace.payload_is_opaque = stage.payload_is_opaque;
    let hub = SimHub::new(world, spec.time_limit);
    let quiet = Quiet::begin();
    let (ending, hub) = driver::run(hub, programs);
    let outcome = outcome_of(&ending, &hub, &errors, &mut stage);
    drop(quiet);
    conclude(outcome, hub)
}

fn program_of(host: &HostSpec, errors: Shared<Vec<(String, io::Error)>>) -> Program {
    let (name, body) = (host.name.clone(), host.body.clone());
    let who = name.clone();
    Program {
        name,
        role: host.role,
        body: Box::new(move || {
            if let Err(error) = body() {
                errors.with(|all| all.push((who.clone(), error)));
            }
        }),
    }
}

fn site_of(choice: &Choice) -> ((Kind, u64, u32), u64) {
    let value = match &choice.value {
        Value::Number(number) => *number,
        Value::Greenlet(path) => hash_of(path),
    };
    ((choice.kind, hash_of(&choice.entity), choice.ordinal), value)
}

/// The first thing that went wrong, the most telling kind first.
fn outcome_of(
    ending: &Ending,
    hub: &SimHub,
    errors: &Shared<Vec<(String, io::Error)>>,
    stage: &mut Stage,
) -> Outcome {
    if hub.disturbed.0.load(Ordering::Acquire) {
        let what = "a thread outside the simulation took part in it";
        return Outcome::Nondeterministic(what.into());
    }
    if let Some(name) = hub.world.violations.first() {
        return Outcome::Violated(name.clone(), String::new());
    }
    if let Some(panicked) = ending.panics.first() {
        return Outcome::Panicked(panicked.greenlet.clone(), panicked.message.clone());
    }
    if let Some((host, error)) = errors.with(|all| all.drain(..).next()) {
        return Outcome::Violated(format!("{host} ends without an error"), error.to_string());
    }
    match &ending.stop {
        Stop::Done => {}
        Stop::Deadlock(stall) => return Outcome::Deadlocked(by_name(stall, hub)),
        Stop::Halted(_) if hub.out_of_time => {
            return Outcome::Stuck("virtual time ran out: clients still run after a day".into());
        }
        Stop::Halted(_) => return Outcome::Stuck(spinning(hub)),
        Stop::Failed(error) => return Outcome::Stuck(format!("the hub failed: {error}")),
    }
    for (name, judge) in stage.judges.drain(..) {
        match panic::catch_unwind(AssertUnwindSafe(judge)) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => return Outcome::Violated(name, what),
            Err(payload) => {
                let what = driver::panic_message(&*payload);
                return Outcome::Violated(name, format!("its judge panicked: {what}"));
            }
        }
    }
    Outcome::Held
}

/// The wait table with hosts by their names, and with what is known of a peer that will not answer.
fn by_name(stall: &Stall, hub: &SimHub) -> Stall {
    let mut stall = stall.clone();
    for stuck in &mut stall.stuck {
        for host in hub.world.hosts.iter() {
            let mut is_peer = false;
            for ip in host.addresses() {
                let (address, name) = match ip {
                    IpAddr::V4(ip) => (format!("{ip}:"), format!("{}:", host.name)),
                    IpAddr::V6(ip) => (format!("[{ip}]:"), format!("[{}]:", host.name)),
                };
                is_peer |= stuck.on.contains(&format!("from {address}"));
                stuck.on = stuck.on.replace(&address, &name);
            }
            if let (true, Some(down_ns)) = (is_peer, host.down_ns) {
                let since = crate::choices::Ns(down_ns);
                stuck.on.push_str(&format!(" ({} has no power since {since})", host.name));
            }
        }
    }
    stall
}

fn spinning(hub: &SimHub) -> String {
    let world = &hub.world;
    let who = match hub.scheduler.spinning {
        Some(id) => world.paths.text(world.greenlets[id.into()].entity.path),
        None => "a greenlet".into(),
    };
    format!(
        "{who} spins: a million turns went by without time moving; \
         a loop that waits for another greenlet must wait in a call, not poll"
    )
}

fn conclude(outcome: Outcome, hub: SimHub) -> Run {
    let world = hub.world;
    let paths = Rc::new(world.paths);
    Run {
        hash: world.trace.hash(),
        host_hashes: world.trace.host_hashes().to_vec(),
        events: world.trace.count,
        turns: hub.scheduler.turns(),
        virtual_ns: world.clock.now_ns(),
        raw: (world.choices.deviations, paths.clone()),
        matched: world.choices.matched,
        drew_entropy: world.choices.drew_entropy,
        fired: world.fired,
        sometimes: world.sometimes,
        trace: log(world.trace, paths, &world.hosts),
        outcome,
    }
}

fn log(trace: Recorder, paths: Rc<Paths>, hosts: &Table<HostId, Host>) -> Option<Log> {
    let events = trace.events?;
    let named = |host: &Host| (host.name.clone(), host.addresses().collect());
    let hosts = hosts.iter().map(named).collect();
    Some(Log { events, paths, hosts })
}

thread_local! {
    static IN_RUN: RefCell<bool> = const { RefCell::new(false) };
    /// What was not printed last, in case the simulator itself does not come out of the run.
    static UNSAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// While it lives, panics on this thread are the run's affair.
struct Quiet;

impl Quiet {
    fn begin() -> Quiet {
        IN_RUN.set(true);
        Quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        IN_RUN.set(false);
        if std::thread::panicking() {
            eprintln!("the simulator itself failed: {}", UNSAID.take());
        }
    }
}

/// A panic inside a run is the run's result and is reported there; printing it as well, thousands
/// of times in a sweep, would bury the report.
fn quiet_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IN_RUN.try_with(|flag| *flag.borrow()).unwrap_or(false) {
                UNSAID.set(info.to_string());
            } else {
                usual(info);
            }
        }));
    });
}
