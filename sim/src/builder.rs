//! [`Sim`]: a scenario told in place.

use std::io;
use std::sync::Arc;

use greenroom::driver::Role;
use greenroom::scenario::{Body, Machine, Scenario};

use crate::faults::Weather;
use crate::run::{Run, Spec, run};

/// Hosts and a seed, to be played. See the [crate's front page](crate) for an example.
#[derive(Clone)]
pub struct Sim {
    hosts: Vec<(String, Role, Body)>,
    machines: Vec<(String, Machine)>,
    spec: Spec,
}

impl Sim {
    /// No hosts, seed 0, default weather.
    pub fn new() -> Sim {
        Sim { hosts: Vec::new(), machines: Vec::new(), spec: Spec::seed(0) }
    }
    /// The seed that decides.
    pub fn seed(mut self, seed: u64) -> Sim {
        self.spec.seed = seed;
        self
    }
    /// Which faults exist, and how often.
    pub fn weather(mut self, weather: Weather) -> Sim {
        self.spec.weather = weather;
        self
    }
    /// Keeps the events, so that the run has a trace to show.
    pub fn traced(mut self) -> Sim {
        self.spec.keeps_events = true;
        self
    }
    /// A host whose program is ended when all clients have returned.
    pub fn server(
        self,
        name: &str,
        body: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> Sim {
        self.host(name, Role::Server, Arc::new(body))
    }
    /// A host whose program the run waits for.
    pub fn client(
        self,
        name: &str,
        body: impl Fn() -> io::Result<()> + Send + Sync + 'static,
    ) -> Sim {
        self.host(name, Role::Client, Arc::new(body))
    }
    /// What a host runs on; there has to be one of that name when it is played.
    pub fn machine(mut self, host: &str, machine: Machine) -> Sim {
        self.machines.push((host.to_owned(), machine));
        self
    }
    fn host(mut self, name: &str, role: Role, body: Body) -> Sim {
        self.hosts.push((name.to_owned(), role, body));
        self
    }
    /// Plays it once, on this thread.
    pub fn run(&self) -> Run {
        let (hosts, machines) = (self.hosts.clone(), self.machines.clone());
        let scenario = Scenario::new("sim", "told in place", move |stage| {
            for (name, role, body) in hosts.clone() {
                match role {
                    Role::Server => stage.server(&name, move || body()),
                    Role::Client => stage.client(&name, move || body()),
                }
            }
            for (host, machine) in &machines {
                stage.machine(host, machine.clone());
            }
        });
        run(&scenario, &self.spec)
    }
}

impl Default for Sim {
    fn default() -> Sim {
        Sim::new()
    }
}
