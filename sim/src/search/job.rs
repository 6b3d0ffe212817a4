//! What a worker is to do, and what it tells of it: a line of JSON each, over a socket.

use std::ops::Range;

use greenroom::scenario::Scenario;
use serde::{Deserialize, Serialize};

use crate::run::Spec;
use crate::search::result::SeedResult;
use crate::search::token::Token;
use crate::trace::{Level, Style};
use crate::weather::Weather;

/// What a worker is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) scenario: String,
    pub(crate) knobs: Vec<(String, u64)>,
    /// The whole of it, not its file: that may be a pipe, or another by now.
    pub(crate) weather: Weather,
    pub(crate) runs: Runs,
    pub(crate) task: Task,
}

/// Which runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Runs {
    Seeds(Range<u64>),
    Token(String),
}

impl Runs {
    /// A seed by itself.
    pub(crate) fn seed(seed: u64) -> Runs {
        Runs::Seeds(seed..seed.saturating_add(1))
    }
}

/// What is done with them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Plays each seed, and tells what it came to.
    Sweep { twice: bool, backwards: bool },
    /// Plays each seed as the `nth` check of a test does, and tells what it came to.
    Check { nth: u32 },
    /// Plays the first run, and prints it for somebody to read.
    Show(Show),
    /// Plays the first run, and tells each event of it.
    Events,
    /// Plays the first run twice, and tells where the two differ.
    Twice,
    /// Plays the scenario once in the world of this subcommand.
    Perform(String),
}

/// What is printed of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Show {
    pub(crate) trace: Option<Level>,
    pub(crate) style: Style,
    /// A line about it.
    pub(crate) line: bool,
    pub(crate) token: bool,
    pub(crate) json: bool,
    /// The report, where it failed.
    pub(crate) report: bool,
    pub(crate) twice: bool,
}

/// What a worker tells.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// What a run came to.
    Run(Box<SeedResult>),
    /// The next event, in words, and a number for all that is compared of it.
    Event(String, u64),
    /// Whether two plays differ, and their first events that do.
    Differ(bool, Option<(String, String)>),
    /// It is done, and its process ends with this code.
    End(i32),
    /// Its output could not be written: all ends with this code, and why is said.
    Unheard(i32),
}

impl Job {
    pub(crate) fn new(scenario: &Scenario, spec: &Spec, runs: Runs, task: Task) -> Job {
        let knobs = scenario.knobs_turned().map(|(name, value)| (name.to_owned(), value));
        Job {
            scenario: scenario.name().to_owned(),
            knobs: knobs.collect(),
            weather: spec.weather.clone(),
            runs,
            task,
        }
    }

    /// The first of its runs.
    ///
    /// # Errors
    ///
    /// As [`Token::parse`].
    pub(crate) fn spec(&self) -> Result<Spec, String> {
        match &self.runs {
            Runs::Seeds(seeds) => {
                Ok(Spec { weather: self.weather.clone(), ..Spec::seed(seeds.start) })
            }
            Runs::Token(token) => Ok(Token::parse(token)?.spec_in(self.weather.clone())),
        }
    }

    /// The seed that stands for it; 0 where a token decides.
    pub(crate) fn first_seed(&self) -> u64 {
        match &self.runs {
            Runs::Seeds(seeds) => seeds.start,
            Runs::Token(_) => 0,
        }
    }
}
