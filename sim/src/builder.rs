//! [`Sim`]: a scenario told in place.

use std::io;
use std::sync::Arc;

use greenroom::driver::Role;
use greenroom::scenario::{Body, Machine, Scenario};

use crate::run::{Run, Spec, run};
use crate::weather::Weather;

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
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use greenroom::net::{TcpListener, TcpStream};
    /// use greenroom::scenario::Machine;
    ///
    /// let run = greenroom_sim::Sim::new()
    ///     .server("srv", || {
    ///         let listener = TcpListener::bind("[::]:80")?;
    ///         loop {
    ///             std::mem::forget(listener.accept()?);
    ///         }
    ///     })
    ///     .machine("srv", Machine::new().v4(1).v6(1))
    ///     .client("cli", || {
    ///         // Two ports lead to as many connections to one place.
    ///         let near = [TcpStream::connect("srv:80")?, TcpStream::connect("srv:80")?];
    ///         let third = TcpStream::connect("10.0.0.1:80").unwrap_err();
    ///         assert_eq!(third.kind(), ErrorKind::AddrNotAvailable);
    ///         // That place has another address.
    ///         let other = TcpStream::connect("[fd00::1]:80")?;
    ///         drop((near, other));
    ///         Ok(())
    ///     })
    ///     .machine("cli", Machine::new().ephemeral_ports(42_000..=42_001))
    ///     .run();
    /// assert!(run.outcome.held(), "{:?}", run.outcome);
    /// ```
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
