//! Stories that both worlds can play: hosts with roles, properties and knobs, as data and closures.
//!
//! A [`Scenario`] is a name and a closure that sets the stage anew for every run, so state that a
//! checker keeps belongs to one run. `greenroom_sim` rehearses it on a seeded network, a host being
//! a virtual machine; `greenroom_real::perform` plays it on the operating system, a host being a
//! thread with a hub and an address of its own.
//!
//! ```
//! use greenroom::check::Shared;
//! use greenroom::scenario::Scenario;
//! use greenroom::net::UdpSocket;
//!
//! let hello = Scenario::new("hello", "one datagram arrives", |stage| {
//!     let heard = Shared::new(0);
//!     let count = heard.clone();
//!     stage.server("srv", move || {
//!         let socket = UdpSocket::bind("0.0.0.0:9")?;
//!         socket.recv_from(&mut [0; 64])?;
//!         count.with(|n| *n += 1);
//!         Ok(())
//!     });
//!     stage.client("cli", || {
//!         UdpSocket::bind("0.0.0.0:0")?.send_to(b"hello", "srv:9")?;
//!         Ok(())
//!     });
//!     stage.judge("heard at most once", move || {
//!         heard.with(|n| if *n <= 1 { Ok(()) } else { Err(format!("heard {n} times")) })
//!     });
//! });
//! assert_eq!(hello.name(), "hello");
//! ```

mod machine;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub use crate::driver::Role;
use crate::signal;
use crate::thread::{NAMES, is_name};
pub use machine::Machine;

/// What a host does from when it comes up: its program. An error it returns fails the run.
pub type Body = Arc<dyn Fn() -> io::Result<()> + Send + Sync>;

/// What is judged when a run has settled; the error says what was wrong.
pub type Judge = Box<dyn FnOnce() -> Result<(), String> + Send>;

type SetStage = Arc<dyn Fn(&mut Stage) + Send + Sync>;

/// A story that can be played again and again.
#[derive(Clone)]
pub struct Scenario {
    name: String,
    about: String,
    knobs: BTreeMap<String, u64>,
    defaults: BTreeMap<String, u64>,
    set_stage: SetStage,
}

impl Scenario {
    /// A scenario by this name; `set_stage` declares its hosts and judgements for each run. A name
    /// may have parts, as `planted/lost-reply`.
    ///
    /// # Panics
    ///
    /// If the name has a blank or one of `# @ , ; = '` in it: tokens and commands are read by them.
    pub fn new(
        name: &str,
        about: &str,
        set_stage: impl Fn(&mut Stage) + Send + Sync + 'static,
    ) -> Scenario {
        assert!(name.split('/').all(is_name), "no scenario is called {name:?}: {NAMES}");
        Scenario {
            name: name.into(),
            about: about.into(),
            knobs: BTreeMap::new(),
            defaults: BTreeMap::new(),
            set_stage: Arc::new(set_stage),
        }
    }

    /// Declares a number that a run may be given another value of.
    ///
    /// # Panics
    ///
    /// If the name has a blank or one of `/ # @ , ; = '` in it.
    pub fn knob(mut self, name: &str, default: u64) -> Scenario {
        assert!(is_name(name), "no knob is called {name:?}: {NAMES}");
        self.knobs.insert(name.into(), default);
        self.defaults.insert(name.into(), default);
        self
    }

    /// The same story with a knob set.
    ///
    /// # Errors
    ///
    /// When there is no such knob: a line that names those there are.
    pub fn with_knob(mut self, name: &str, value: u64) -> Result<Scenario, String> {
        match self.knobs.get_mut(name) {
            Some(knob) => *knob = value,
            None => {
                let known: Vec<&str> = self.knobs.keys().map(String::as_str).collect();
                return Err(format!(
                    "{} has no knob `{name}`; it has: {}",
                    self.name,
                    if known.is_empty() { "none".into() } else { known.join(", ") }
                ));
            }
        }
        Ok(self)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What it is about, in a line.
    pub fn about(&self) -> &str {
        &self.about
    }
    /// The knobs that are not at their default, in order of name.
    pub fn knobs_turned(&self) -> impl Iterator<Item = (&str, u64)> {
        self.knobs
            .iter()
            .filter(|(name, value)| self.defaults.get(*name) != Some(value))
            .map(|(name, value)| (name.as_str(), *value))
    }

    /// Sets the stage for one run.
    pub fn stage(&self) -> Stage {
        let mut stage = Stage { knobs: self.knobs.clone(), ..Stage::default() };
        (self.set_stage)(&mut stage);
        stage
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The hosts and judgements of one run.
#[derive(Default)]
pub struct Stage {
    knobs: BTreeMap<String, u64>,
    /// Names of hosts: a stage may have tens of thousands.
    taken: BTreeSet<String>,
    /// The hosts, in the order they were declared.
    pub hosts: Vec<HostSpec>,
    /// What is judged at the end, by name.
    pub judges: Vec<(String, Judge)>,
    /// Whether the bytes that are sent are left out of what makes two runs the same.
    pub payload_is_opaque: bool,
}

/// One host: a machine with a name that resolves, and a program.
pub struct HostSpec {
    /// Its name, which resolves to its address, or to those that its machine declares.
    pub name: String,
    /// Whether the run waits for its program.
    pub role: Role,
    /// Its program.
    pub body: Body,
    /// Within which time its power may fail, once and for good, where the weather has that.
    pub power_cut_within: Option<Duration>,
    /// Signals that are sent to its program, and when, from the beginning of the run.
    pub signals: Vec<(Duration, signal::Kind)>,
    /// What it runs on.
    pub machine: Machine,
}

impl Stage {
    /// What a knob is set to.
    ///
    /// # Panics
    ///
    /// If the scenario did not declare it.
    pub fn knob(&self, name: &str) -> u64 {
        *self.knobs.get(name).unwrap_or_else(|| panic!("the scenario declares no knob `{name}`"))
    }

    /// A host whose program is ended when all clients have returned.
    ///
    /// # Panics
    ///
    /// If the name is another host's, `localhost`, an address, or has a blank or one of
    /// `/ # @ , ; = '` in it.
    pub fn server(
        &mut self,
        name: &str,
        body: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) {
        self.host(name, Role::Server, body);
    }

    /// A host whose program the run waits for.
    ///
    /// # Panics
    ///
    /// As [`server`](Stage::server).
    pub fn client(
        &mut self,
        name: &str,
        body: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) {
        self.host(name, Role::Client, body);
    }

    fn host(
        &mut self,
        name: &str,
        role: Role,
        body: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) {
        assert!(is_name(name), "no host is called {name:?}: {NAMES}");
        let is_address = name.parse::<std::net::IpAddr>().is_ok();
        assert!(!is_address && name != "localhost", "a host called {name:?} could not be found");
        let is_free = self.taken.insert(name.to_owned());
        assert!(is_free, "two hosts are not both called `{name}`");
        let (name, body) = (name.to_owned(), Arc::new(body));
        let (machine, signals) = (Machine::new(), Vec::new());
        self.hosts.push(HostSpec { name, role, body, power_cut_within: None, signals, machine });
    }

    /// Says that a host's power may fail within this time, as far as the weather has it: nothing is
    /// sent any more, no destructor runs, and its peers hear silence.
    ///
    /// # Panics
    ///
    /// If there is no such host yet.
    pub fn may_lose_power(&mut self, host: &str, within: Duration) {
        self.known(host).power_cut_within = Some(within);
    }

    /// Sends a host's program a signal, so long after the run began. Where nobody there listens for it
    /// it ends the program, and no destructor runs. In a simulation only: over the operating system
    /// the hosts are of one process, and to perform such a scenario fails at the start.
    ///
    /// # Panics
    ///
    /// If there is no such host yet.
    pub fn signal(&mut self, host: &str, kind: signal::Kind, at: Duration) {
        self.known(host).signals.push((at, kind));
    }

    /// Says what a host runs on: how many links and addresses it has, and what its kernel gives.
    ///
    /// # Panics
    ///
    /// If there is no such host yet.
    pub fn machine(&mut self, host: &str, machine: Machine) {
        self.known(host).machine = machine;
    }

    fn known(&mut self, host: &str) -> &mut HostSpec {
        let found = self.hosts.iter_mut().find(|known| known.name == host);
        found.unwrap_or_else(|| panic!("there is no host `{host}` yet"))
    }

    /// Says that no seed decides the bytes that are sent, as where a library (TLS, WebSocket) draws
    /// its keys from the operating system and not from [`rand`](crate::rand). A simulator then
    /// leaves them out of what it compares two runs of a seed by, which otherwise are reported as
    /// not deterministic.
    ///
    /// How many bytes are sent still counts, and when, and by whom: what a program does must not
    /// depend on the bytes.
    pub fn opaque_payload(&mut self) {
        self.payload_is_opaque = true;
    }

    /// Judges the run once it has settled.
    pub fn judge(
        &mut self,
        name: &str,
        judge: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) {
        self.judges.push((name.into(), Box::new(judge)));
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
        f.debug_struct("Stage").field("hosts", &hosts).finish_non_exhaustive()
    }
}
