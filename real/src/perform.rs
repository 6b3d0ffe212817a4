//! [`perform`]: a scenario on the operating system, in calm weather. Each host is a thread with a
//! hub and a loopback address of its own; nothing is simulated and nothing is made to fail.
//!
//! Servers come up first, in order, each before the next is started; "up" is when a host has
//! nothing to do for the first time, so a server that listens and then accepts is there when the
//! first client knocks. When every client has returned, or the time is up, all hosts are ended and
//! the judgements are made.

mod net;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use greenroom::driver::{self, Ending, Killed, Program, Stop};
use greenroom::scenario::{Body, Judge, Role, Scenario};

use crate::RealHub;
use crate::part::{Part, Record};
use net::Net;

/// How long a performance may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(60);
/// How long a host may take to end once it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// What came of a scenario on the operating system.
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

/// Plays a scenario on the operating system, over loopback; it may take a minute.
///
/// Host names resolve to addresses `127.a.b.c` that this performance alone uses, and connections
/// leave from them. A program that binds to every address, or to `127.0.0.1`, is given its host's;
/// that is also what `localhost` is. Knobs of the weather, such as power cuts, do nothing here.
/// Ports are the system's: those below 1024 may take privileges.
///
/// Call it from a thread that runs no hub: it blocks until all is over.
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
/// let performance = greenroom_real::perform(&hello);
/// assert!(performance.held(), "{:?}", performance.violations);
/// ```
pub fn perform(scenario: &Scenario) -> Performance {
    perform_within(scenario, LIMIT)
}

/// As [`perform`], with a limit of the caller's on how long the clients may take.
///
/// A host that never calls anything of greenroom's cannot be ended: its thread is left behind, and
/// a violation says so.
pub fn perform_within(scenario: &Scenario, limit: Duration) -> Performance {
    let start = Instant::now();
    let mut outcome = Performance::default();
    let mut stage = scenario.stage();
    let judges = std::mem::take(&mut stage.judges);
    match Net::claim(stage.hosts.iter().map(|host| host.name.as_str())) {
        Ok(net) => {
            let mut director = Director::new(net, start + limit);
            for role in [Role::Server, Role::Client] {
                for host in stage.hosts.iter().filter(|host| host.role == role) {
                    director.bring_up(&host.name, host.role, host.body.clone());
                }
            }
            director.wait_for_clients(limit);
            // Clients first: what one that hangs waits for is not to end before it is asked.
            director.end(Role::Client);
            director.end(Role::Server);
            let settled = !director.timed_out;
            outcome = director.conclude();
            if settled {
                judge(judges, &mut outcome.violations);
            }
        }
        Err(error) => outcome.violations.push(format!("no addresses for the hosts: {error}")),
    }
    outcome.elapsed = start.elapsed();
    outcome
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

/// What a host's thread tells the director.
enum Cue {
    /// It has nothing to do for the first time.
    Idle(usize),
    /// Its program returned, or panicked.
    Returned(usize, Result<(), String>),
    /// Its run is over.
    Ended(usize, Result<Ending, String>),
}

struct Host {
    name: String,
    role: Role,
    is_up: bool,
    has_returned: bool,
    ended: bool,
    thread: Option<JoinHandle<()>>,
}

/// Starts the hosts, hears their cues, ends them.
struct Director {
    net: Net,
    deadline: Instant,
    timed_out: bool,
    hosts: Vec<Host>,
    violations: Vec<String>,
    record: Arc<Record>,
    clients: Arc<Curtain>,
    servers: Arc<Curtain>,
    cues: Receiver<Cue>,
    to_me: Sender<Cue>,
}

/// The name of what keeps a server's hub going when its program has returned.
const CURTAIN: &str = "curtain";

/// What ends the hubs of one role.
#[derive(Default)]
struct Curtain {
    is_down: Arc<AtomicBool>,
    hubs: Mutex<Vec<Waker>>,
}

impl Curtain {
    fn add(&self, hub: Waker) {
        self.hubs.lock().unwrap_or_else(PoisonError::into_inner).push(hub.clone());
        // Whoever brings it down meanwhile sees this hub, or is seen here.
        if self.is_down.load(Ordering::SeqCst) {
            hub.wake();
        }
    }
    fn bring_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
        for hub in self.hubs.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            hub.wake_by_ref();
        }
    }
}

impl Director {
    fn new(net: Net, deadline: Instant) -> Director {
        let (to_me, cues) = channel();
        Director {
            net,
            deadline,
            timed_out: false,
            hosts: Vec::new(),
            violations: Vec::new(),
            record: Arc::default(),
            clients: Arc::default(),
            servers: Arc::default(),
            cues,
            to_me,
        }
    }

    fn curtain(&self, role: Role) -> &Arc<Curtain> {
        match role {
            Role::Client => &self.clients,
            Role::Server => &self.servers,
        }
    }

    /// Starts a host; a server is waited for until it is up.
    fn bring_up(&mut self, name: &str, role: Role, body: Body) {
        let index = self.hosts.len();
        let cues = self.to_me.clone();
        let on_idle = move || drop(cues.send(Cue::Idle(index)));
        let part = Part {
            host: name.to_owned(),
            address: self.net.address_of(name),
            names: self.net.names.clone(),
            programs: if role == Role::Server { 2 } else { 1 },
            is_over: self.curtain(role).is_down.clone(),
            on_idle: Some(Box::new(on_idle)),
            record: self.record.clone(),
        };
        let (curtain, cues) = (self.curtain(role).clone(), self.to_me.clone());
        let play = move || {
            let played =
                catch_unwind(AssertUnwindSafe(|| play(index, part, role, body, &curtain, &cues)));
            let ending = played.unwrap_or_else(|payload| Err(said(&*payload).into()));
            let _ = cues.send(Cue::Ended(index, ending));
        };
        let thread = match thread::Builder::new().name(name.to_owned()).spawn(play) {
            Ok(thread) => Some(thread),
            Err(error) => {
                self.violations.push(format!("{name}: no thread for it: {error}"));
                None
            }
        };
        let ended = thread.is_none();
        let name = name.to_owned();
        self.hosts.push(Host { name, role, is_up: ended, has_returned: false, ended, thread });
        if role == Role::Server {
            while !self.hosts[index].is_up && self.hear_until(self.deadline) {}
        }
    }

    fn wait_for_clients(&mut self, limit: Duration) {
        let busy = |host: &Host| host.role == Role::Client && !host.has_returned;
        while self.hosts.iter().any(busy) {
            if !self.hear_until(self.deadline) {
                self.timed_out = true;
                for host in self.hosts.iter().filter(|host| busy(host)) {
                    let name = &host.name;
                    self.violations.push(format!("{name}: still running after {limit:?}"));
                }
                return;
            }
        }
    }

    /// Ends the hosts of one role and waits for them.
    fn end(&mut self, role: Role) {
        self.curtain(role).bring_down();
        let deadline = Instant::now() + GRACE;
        let runs = |host: &Host| host.role == role && !host.ended;
        while self.hosts.iter().any(runs) && self.hear_until(deadline) {}
        for host in self.hosts.iter_mut().filter(|host| host.role == role) {
            match host.thread.take() {
                Some(thread) if host.ended => drop(thread.join()),
                None => {}
                Some(_) => {
                    let name = &host.name;
                    let line = format!("{name}: would not end; its thread is left behind");
                    self.violations.push(line);
                }
            }
        }
    }

    /// Takes in one cue; false when none came in time.
    fn hear_until(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(cue) = self.cues.recv_timeout(left) else { return false };
        match cue {
            Cue::Idle(index) => self.hosts[index].is_up = true,
            Cue::Returned(index, outcome) => {
                let is_over = self.clients.is_down.load(Ordering::SeqCst);
                let host = &mut self.hosts[index];
                (host.is_up, host.has_returned) = (true, true);
                match outcome {
                    // What a program makes of its end is not its fault.
                    Err(wrong) if !is_over => {
                        self.violations.push(format!("{}: {wrong}", host.name));
                    }
                    _ => {}
                }
            }
            Cue::Ended(index, ending) => {
                let host = &mut self.hosts[index];
                let has_returned = host.has_returned;
                (host.is_up, host.has_returned, host.ended) = (true, true, true);
                let name = host.name.clone();
                match ending {
                    Ok(ending) => self.review(&name, has_returned, ending),
                    Err(wrong) => self.violations.push(format!("{name}: {wrong}")),
                }
            }
        }
        true
    }

    fn review(&mut self, host: &str, has_returned: bool, ending: Ending) {
        for panicked in ending.panics {
            let line = format!("{} panicked: {}", panicked.greenlet, panicked.message);
            self.violations.push(line);
        }
        if ending.leaked > 0 {
            self.violations.push(format!("{host}: {} would not be unwound", ending.leaked));
        }
        match ending.stop {
            Stop::Done => {}
            Stop::Deadlock(stall) => self.violations.push(format!("{host}: {stall}")),
            // Where a host that hung was when it was ended is what its reader wants to know.
            Stop::Halted(stall) if self.timed_out && !has_returned => {
                for stuck in stall.stuck.iter().filter(|stuck| stuck.greenlet != CURTAIN) {
                    let line = format!("{}: was in {} on {}", stuck.greenlet, stuck.op, stuck.on);
                    self.violations.push(line);
                }
            }
            Stop::Halted(_) => {}
            Stop::Failed(error) => self.violations.push(format!("{host}: its hub: {error}")),
        }
    }

    fn conclude(mut self) -> Performance {
        let said = self.record.take();
        self.violations.extend(said.violations);
        Performance {
            violations: self.violations,
            sometimes: said.sometimes,
            notes: said.notes,
            elapsed: Duration::ZERO,
        }
    }
}

/// One host's thread: its program, and what keeps its hub going after that.
fn play(
    index: usize,
    part: Part,
    role: Role,
    body: Body,
    curtain: &Curtain,
    cues: &Sender<Cue>,
) -> Result<Ending, String> {
    let name = part.host.clone();
    let hub = RealHub::with_part(Some(part)).map_err(|error| format!("no hub for it: {error}"))?;
    curtain.add(greenroom::hub::Hub::waker(&hub));
    let cues = cues.clone();
    let program = move || {
        let outcome = match catch_unwind(AssertUnwindSafe(|| body())) {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(payload) if payload.is::<Killed>() => resume_unwind(payload),
            Err(payload) => Err(format!("panicked: {}", said(&*payload))),
        };
        let _ = cues.send(Cue::Returned(index, outcome));
        if role == Role::Client {
            // What it spawned stays until every client is done.
            wait_for_the_curtain();
        }
    };
    let mut programs = vec![Program { name, role, body: Box::new(program) }];
    if role == Role::Server {
        // A server's run goes on when its program returns, and is no deadlock when it is stuck.
        let body = Box::new(wait_for_the_curtain);
        programs.push(Program { name: CURTAIN.into(), role: Role::Client, body });
    }
    Ok(driver::run(hub, programs).0)
}

fn wait_for_the_curtain() {
    loop {
        greenroom::thread::park();
    }
}

fn said(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}
