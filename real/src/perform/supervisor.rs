//! The supervisor of a performance: starts the hosts, waits for what they tell it, ends them and writes
//! down what went wrong. What a host does on its thread is not known here.

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
use crate::identity::{Identity, Names, Record};

/// How long a host may take to end once it is told to.
const GRACE: Duration = Duration::from_secs(5);

/// What a host's thread tells the supervisor.
pub(super) enum Event {
    /// It has nothing to do for the first time.
    Idle(usize),
    /// Its program returned, or panicked.
    Returned(usize, Result<(), String>),
    /// A claim does not hold: the performance is over.
    Violated,
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

/// Starts the hosts, waits for what they tell it, ends them.
pub(super) struct Supervisor {
    net: Net,
    deadline: Instant,
    timed_out: bool,
    /// It is decided: a claim does not hold, or a server ended with an error.
    is_decided: bool,
    hosts: Vec<Host>,
    violations: Vec<String>,
    record: Arc<Record>,
    clients: Arc<Shutdown>,
    servers: Arc<Shutdown>,
    events: Receiver<Event>,
    to_me: Sender<Event>,
}

/// The name of what keeps a server's hub going when its program has returned.
pub(super) const SHUTDOWN: &str = "shutdown";

/// What ends the hubs of one role.
#[derive(Default)]
pub(super) struct Shutdown {
    is_set: Arc<AtomicBool>,
    hubs: Mutex<Vec<Waker>>,
}

impl Shutdown {
    pub(super) fn add(&self, hub: Waker) {
        self.hubs.lock().unwrap_or_else(PoisonError::into_inner).push(hub.clone());
        // Whoever sets it meanwhile sees this hub, or is seen here.
        if self.is_set.load(Ordering::SeqCst) {
            hub.wake();
        }
    }
    fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        for hub in self.hubs.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            hub.wake_by_ref();
        }
    }
}

impl Supervisor {
    pub(super) fn new(net: Net, deadline: Instant) -> Supervisor {
        let (to_me, events) = channel();
        let of_claims: Sender<Event> = to_me.clone();
        Supervisor {
            net,
            deadline,
            timed_out: false,
            hosts: Vec::new(),
            violations: Vec::new(),
            record: Arc::new(Record::new(move || drop(of_claims.send(Event::Violated)))),
            is_decided: false,
            clients: Arc::default(),
            servers: Arc::default(),
            events,
            to_me,
        }
    }

    fn shutdown(&self, role: Role) -> &Arc<Shutdown> {
        match role {
            Role::Client => &self.clients,
            Role::Server => &self.servers,
        }
    }

    /// Starts a host; a server is waited for until it is up.
    pub(super) fn bring_up(&mut self, name: &str, role: Role, body: Body) {
        let index = self.hosts.len();
        let events = self.to_me.clone();
        let on_idle = move || drop(events.send(Event::Idle(index)));
        let addresses = self.net.addresses_of(name);
        let identity = Identity {
            host: name.to_owned(),
            unix: Names::new(addresses[0]),
            addresses,
            names: self.net.names.clone(),
            programs: if role == Role::Server { 2 } else { 1 },
            is_over: self.shutdown(role).is_set.clone(),
            on_idle: Some(Box::new(on_idle)),
            record: self.record.clone(),
        };
        let (shutdown, events) = (self.shutdown(role).clone(), self.to_me.clone());
        let play = move || {
            let played = catch_unwind(AssertUnwindSafe(|| {
                play(index, identity, role, body, &shutdown, &events)
            }));
            let ending = played.unwrap_or_else(|payload| Err(said(&*payload).into()));
            let _ = events.send(Event::Ended(index, ending));
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
        while self.hosts.iter().any(busy) && !self.is_decided {
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

    /// Whether it ended before its clients did.
    pub(super) fn has_broken_off(&self) -> bool {
        self.timed_out || self.is_decided
    }

    /// Ends the hosts of one role and waits for them.
    pub(super) fn end(&mut self, role: Role) {
        self.shutdown(role).set();
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

    /// Takes in one event; false when none came in time.
    fn hear_until(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(event) = self.events.recv_timeout(left) else { return false };
        match event {
            Event::Violated => self.is_decided = true,
            Event::Idle(index) => self.hosts[index].is_up = true,
            Event::Returned(index, outcome) => {
                let is_over = self.clients.is_set.load(Ordering::SeqCst);
                let host = &mut self.hosts[index];
                // It is not up for that: what it spawned may not have run yet.
                host.has_returned = true;
                match outcome {
                    // What a program makes of its end is not its fault.
                    Err(wrong) if !is_over => {
                        self.is_decided |= host.role == Role::Server;
                        self.violations.push(format!("{}: {wrong}", host.name));
                    }
                    _ => {}
                }
            }
            Event::Ended(index, ending) => {
                let host = &mut self.hosts[index];
                let has_returned = host.has_returned;
                (host.is_up, host.has_returned, host.ended) = (true, true, true);
                let name = host.name.clone();
                match ending {
                    Ok(ending) => self.review(&name, has_returned, ending),
                    Err(wrong) => {
                        self.is_decided |= self.hosts[index].role == Role::Server;
                        self.violations.push(format!("{name}: {wrong}"));
                    }
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
                for stuck in stall.stuck.iter().filter(|stuck| stuck.greenlet != SHUTDOWN) {
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
