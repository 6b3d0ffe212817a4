//! The director of a performance: starts the hosts, hears their cues, ends them and writes down what
//! went wrong. What a host does on its thread is not known here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use greenroom::driver::{Ending, Stop};
use greenroom::scenario::{Body, Role};

use super::net::Net;
use super::{Performance, play, said};
use crate::part::{Names, Part, Record};

/// How long a host may take to end once it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// What a host's thread tells the director.
pub(super) enum Cue {
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
pub(super) struct Director {
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
pub(super) const CURTAIN: &str = "curtain";

/// What ends the hubs of one role.
#[derive(Default)]
pub(super) struct Curtain {
    is_down: Arc<AtomicBool>,
    hubs: Mutex<Vec<Waker>>,
}

impl Curtain {
    pub(super) fn add(&self, hub: Waker) {
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
    pub(super) fn new(net: Net, deadline: Instant) -> Director {
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
    pub(super) fn bring_up(&mut self, name: &str, role: Role, body: Body) {
        let index = self.hosts.len();
        let cues = self.to_me.clone();
        let on_idle = move || drop(cues.send(Cue::Idle(index)));
        let addresses = self.net.addresses_of(name);
        let part = Part {
            host: name.to_owned(),
            unix: Names::new(addresses[0]),
            addresses,
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

    pub(super) fn wait_for_clients(&mut self, limit: Duration) {
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

    pub(super) fn has_timed_out(&self) -> bool {
        self.timed_out
    }

    /// Ends the hosts of one role and waits for them.
    pub(super) fn end(&mut self, role: Role) {
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
                // It is not up for that: what it spawned may not have run yet.
                host.has_returned = true;
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

    pub(super) fn conclude(mut self) -> Performance {
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
