//! What a command line knows: scenarios, their knobs, other worlds.

use clap::Args;
use greenroom::scenario::Scenario;

/// What the command line knows.
pub struct Suite {
    /// Played when no scenario is named.
    pub scenarios: Vec<Scenario>,
    /// Played only by name: planted bugs, laws.
    pub by_name: Vec<Scenario>,
    /// Other worlds to play scenarios in, by the name of their subcommand.
    pub runners: Vec<Runner>,
    /// How the user calls this program: `cargo xtask`.
    pub command: String,
}

/// A world other than the simulator.
pub struct Runner {
    /// The subcommand.
    pub name: &'static str,
    /// Plays a scenario once: whether it held, and a line about it.
    pub play: fn(&Scenario) -> (bool, String),
}

impl Suite {
    /// These scenarios, in the simulator alone. `command` is how the user calls this program.
    pub fn new(command: &str, scenarios: Vec<Scenario>) -> Suite {
        Suite { scenarios, by_name: Vec::new(), runners: Vec::new(), command: command.into() }
    }

    /// The scenario of exactly this name.
    pub(super) fn exactly(&self, name: &str) -> Result<Scenario, String> {
        let mut all = self.scenarios.iter().chain(&self.by_name);
        let found = all.find(|scenario| scenario.name() == name).cloned();
        found.ok_or_else(|| self.unknown(name))
    }

    /// The world of this subcommand.
    pub(super) fn runner(&self, name: &str) -> Result<&Runner, String> {
        let found = self.runners.iter().find(|runner| runner.name == name);
        found.ok_or_else(|| {
            format!("no subcommand `{name}`; there are: {}", self.subcommands().join(", "))
        })
    }

    /// The names of the subcommands.
    pub(super) fn subcommands(&self) -> Vec<&'static str> {
        let runners = self.runners.iter().map(|runner| runner.name);
        ["sim", "replay"].into_iter().chain(runners).collect()
    }

    fn unknown(&self, name: &str) -> String {
        let all = self.scenarios.iter().chain(&self.by_name).map(Scenario::name);
        format!("no scenario `{name}`; there are: {}", all.collect::<Vec<_>>().join(", "))
    }

    /// The scenarios meant by these names; one that is no scenario's may be a group's, as `planted`.
    pub(super) fn named(&self, names: &[String]) -> Result<Vec<Scenario>, String> {
        if names.is_empty() {
            return Ok(self.scenarios.clone());
        }
        let mut found = Vec::new();
        for name in names {
            if let Ok(scenario) = self.exactly(name) {
                found.push(scenario);
                continue;
            }
            let group = format!("{}/", name.trim_end_matches('/'));
            let all = self.scenarios.iter().chain(&self.by_name);
            let before = found.len();
            found.extend(all.filter(|scenario| scenario.name().starts_with(&group)).cloned());
            if found.len() == before {
                return Err(self.unknown(name));
            }
        }
        Ok(found)
    }
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Knobs {
    /// Sets a knob of the scenario
    #[arg(long = "knob", value_name = "NAME=N")]
    pub(super) knobs: Vec<String>,
}

impl Knobs {
    pub(super) fn turn(&self, mut scenario: Scenario) -> Result<Scenario, String> {
        for knob in &self.knobs {
            let parsed = knob.split_once('=').and_then(|(name, n)| Some((name, n.parse().ok()?)));
            let (name, value) =
                parsed.ok_or_else(|| format!("`--knob {knob}`: a knob is NAME=NUMBER"))?;
            scenario = scenario.with_knob(name, value)?;
        }
        Ok(scenario)
    }
}
