//! [`perform`]: a scenario on the operating system, in calm weather. Each host is a thread with a
//! hub and a loopback address of its own; nothing is simulated and nothing is made to fail.
//!
//! Servers come up first, in order, each before the next is started; "up" is when a host has
//! nothing to do for the first time, so a server that listens and then accepts is there when the
//! first client knocks. When every client has returned, or the time is up, all hosts are ended and
//! the judgements are made. A server that ends with an error ends the performance there: its clients
//! would wait for it in vain.

mod supervisor;
mod net;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use greenroom::driver::{self, Ending, Killed, Program};
use greenroom::hub::unsupported;
use greenroom::scenario::{Body, HostSpec, Judge, Machine, Role, Scenario};

use crate::RealHub;
use crate::identity::Identity;
use net::Net;
use supervisor::{Event, SHUTDOWN, Shutdown, Supervisor};

/// How long a performance may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(60);

/// What came of a scenario on the operating system.
#[must_use = "a scenario that fails is told of here alone"]
#[derive(Debug, Default)]
pub struct Performance {
    /// What was wrong, each with its host or judgement: errors a program returned, panics,
    /// deadlocks, claims that did not hold, a limit that was exceeded.
    pub violations: Vec<String>,
    /// The `sometimes!` claims that were made, and whether they ever held.
    pub sometimes: BTreeMap<&'static str, bool>,
    /// The `note!` lines, each with its host, in the order they came.
    pub notes: Vec<(String, String)>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Performance {
    /// Whether nothing was wrong.
    pub fn held(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Plays a scenario on the operating system, over loopback, in a `#[test]`; it may take a minute.
///
/// Host names resolve to addresses `127.a.b.c` that this performance alone uses, and connections
/// leave from them. A program that binds to every address, or to `127.0.0.1`, is given its host's;
/// that is also what `localhost` is. A host may have several addresses, but then a program cannot
/// bind to all of them at once; what else a [`Machine`] may be is refused before anything runs. Knobs of the weather, such as power cuts, do nothing here.
/// Ports are the system's: those below 1024 may take privileges.
///
/// Call it from a thread that runs no hub: it blocks until all is over.
///
/// # Panics
///
/// If anything was wrong, with all of it, as `greenroom_sim::check` does. [`try_perform`] returns it.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use greenroom::net::{TcpListener, TcpStream};
/// use greenroom::scenario::Scenario;
///
/// let hello = Scenario::new("hello", "one line arrives", |stage| {
///     stage.server("srv", || {
///         let (mut stream, _) = TcpListener::bind("0.0.0.0:7070")?.accept()?;
///         stream.write_all(b"hello")
///     });
///     stage.client("cli", || {
///         let mut line = String::new();
///         TcpStream::connect("srv:7070")?.read_to_string(&mut line)?;
///         greenroom::always!(line == "hello", "the line arrives whole");
///         Ok(())
///     });
/// });
/// greenroom_real::perform(&hello);
/// ```
#[track_caller]
pub fn perform(scenario: &Scenario) {
    let performance = try_perform(scenario);
    if !performance.held() {
        let (name, elapsed) = (scenario.name(), performance.elapsed);
        let wrong = performance.violations.join("\n  ");
        let notes = performance.notes.iter().map(|(host, note)| format!("\n  {host}: {note}"));
        let notes = notes.collect::<String>();
        let notes = if notes.is_empty() { notes } else { format!("\nnotes:{notes}") };
        panic!("{name} FAILED on the operating system after {elapsed:.1?}:\n  {wrong}{notes}");
    }
}

/// As [`perform`], and returns what came of it: to drop that is a warning.
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// # let quiet = greenroom::scenario::Scenario::new("quiet", "", |stage| stage.client("cli", || Ok(())));
/// greenroom_real::try_perform(&quiet);
/// ```
pub fn try_perform(scenario: &Scenario) -> Performance {
    try_perform_within(scenario, LIMIT)
}

/// As [`try_perform`], with a limit of the caller's on how long the clients may take.
///
/// A host that never calls anything of greenroom's cannot be ended: its thread is left behind, and
/// a violation says so.
pub fn try_perform_within(scenario: &Scenario, limit: Duration) -> Performance {
    let start = Instant::now();
    let mut outcome = Performance::default();
    let mut stage = scenario.stage();
    let judges = std::mem::take(&mut stage.judges);
    let missing = stage.hosts.iter().filter_map(missing_for);
    outcome.violations.extend(missing);
    if !outcome.held() {
        return outcome;
    }
    let wanted = |host: &HostSpec| host.machine.v4_declared().unwrap_or(1);
    match Net::claim(stage.hosts.iter().map(|host| (host.name.as_str(), wanted(host)))) {
        Ok(net) => {
            let mut supervisor = Supervisor::new(net, start + limit);
            for role in [Role::Server, Role::Client] {
                for host in stage.hosts.iter().filter(|host| host.role == role) {
                    if !supervisor.has_broken_off() {
                        supervisor.bring_up(&host.name, host.role, host.body.clone());
                    }
                }
            }
            supervisor.wait_for_clients(limit);
            // Clients first: what one that hangs waits for is not to end before it is asked.
            supervisor.end(Role::Client);
            supervisor.end(Role::Server);
            let settled = !supervisor.has_broken_off();
            outcome = supervisor.conclude();
            if settled {
                judge(judges, &mut outcome.violations);
            }
        }
        Err(error) => outcome.violations.push(format!("no addresses for the hosts: {error}")),
    }
    outcome.elapsed = start.elapsed();
    outcome
}

/// What a host is to have that no host of a performance can have, in words.
fn missing_for(host: &HostSpec) -> Option<String> {
    let (machine, plain) = (&host.machine, Machine::new());
    let what = [
        (machine.v4_declared() == Some(0), "a machine of no `v4` addresses"),
        (machine.v6_declared().is_some_and(|count| count > 0), "`v6` addresses of a machine"),
        (machine.given_ports() != plain.given_ports(), "`ephemeral_ports` of a machine"),
        (machine.descriptors_most().is_some(), "a limit on `descriptors` of a machine"),
        (machine.socket_memory_bytes().is_some(), "a limit on `socket_memory` of a machine"),
        (machine.disk_bytes().is_some(), "a limit on the `disk` of a machine"),
        (machine.is_unprivileged(), "an `unprivileged` machine"),
        (!host.signals.is_empty(), "a `signal` to one host"),
    ];
    let (_, what) = what.into_iter().find(|(is_asked, _)| *is_asked)?;
    Some(format!("{}: {}", host.name, unsupported(what)))
}

fn judge(judges: Vec<(String, Judge)>, violations: &mut Vec<String>) {
    for (name, judge) in judges {
        match catch_unwind(AssertUnwindSafe(judge)) {
            Ok(Ok(())) => {}
            Ok(Err(wrong)) => violations.push(format!("{name}: {wrong}")),
            Err(payload) => violations.push(format!("{name}: panicked: {}", said(&*payload))),
        }
    }
}

/// One host's thread: its program, and what keeps its hub going after that.
fn play(
    index: usize,
    identity: Identity,
    role: Role,
    body: Body,
    shutdown: &Shutdown,
    events: &Sender<Event>,
) -> Result<Ending, String> {
    let name = identity.host.clone();
    let hub = RealHub::with_identity(Some(identity))
        .map_err(|error| format!("no hub for it: {error}"))?;
    shutdown.add(greenroom::hub::Hub::waker(&hub));
    let events = events.clone();
    let program = move || {
        let outcome = match catch_unwind(AssertUnwindSafe(|| body())) {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(payload) if payload.is::<Killed>() => resume_unwind(payload),
            Err(payload) => Err(format!("panicked: {}", said(&*payload))),
        };
        let _ = events.send(Event::Returned(index, outcome));
        if role == Role::Client {
            // What it spawned stays until every client is done.
            wait_for_shutdown();
        }
    };
    let mut programs = vec![Program { name, role, body: Box::new(program) }];
    if role == Role::Server {
        // A server's run goes on when its program returns, and is no deadlock when it is stuck.
        let body = Box::new(wait_for_shutdown);
        programs.push(Program { name: SHUTDOWN.into(), role: Role::Client, body });
    }
    Ok(driver::run(hub, programs).0)
}

fn wait_for_shutdown() {
    loop {
        greenroom::thread::park();
    }
}

fn said(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
