//! How a run is played again: as a report's reader calls it, on a command line or in a test.

use greenroom::scenario::Scenario;

use crate::run::Spec;
use crate::search::token::Token;

/// Where a report is read, which is where its commands have to work.
#[derive(Clone, Copy, Debug)]
pub enum Again<'a> {
    /// On a command line: how that is called, as `cargo xtask`.
    CommandLine(&'a str),
    /// In a `#[test]`, by its name where that is known.
    Test(Option<&'a str>),
}

impl Again<'_> {
    /// Plays a seed again.
    pub fn by_seed(&self, scenario: &Scenario, spec: &Spec) -> String {
        let (name, seed, weather) = (scenario.name(), spec.seed, &spec.weather.name);
        match self {
            Again::CommandLine(command) => {
                let weather = match weather.as_str() {
                    "default" => String::new(),
                    name => format!(" --weather {name}"),
                };
                let knobs = scenario.knobs_turned();
                let knobs: String =
                    knobs.map(|(k, value)| format!(" --knob {k}={value}")).collect();
                format!("{command} sim {name} --seed {seed}{weather}{knobs}")
            }
            Again::Test(test) => {
                format!("GREENROOM_SEED={seed} GREENROOM_WEATHER={weather} {}", cargo_test(*test))
            }
        }
    }

    /// Plays a token.
    pub fn by_token(&self, token: &Token) -> String {
        match self {
            Again::CommandLine(command) => format!("{command} replay '{token}'"),
            Again::Test(test) => format!("GREENROOM_TOKEN='{token}' {}", cargo_test(*test)),
        }
    }

    /// What shows more of a trace.
    pub fn with_trace(&self) -> &'static str {
        match self {
            Again::CommandLine(_) => "replay … --trace api|sched|wire",
            Again::Test(_) => "by token, with GREENROOM_TRACE=api|sched|wire",
        }
    }
}

/// The test of this name alone: others have scenarios of their own.
fn cargo_test(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("cargo test {name} -- --exact"),
        None => "cargo test".into(),
    }
}
