//! What a seed came to: [`SeedResult`].

use std::time::Duration;

use greenroom::scenario::Scenario;
use serde::{Deserialize, Serialize};

use crate::run::{Outcome, Run};
use crate::weather::Fired;

/// The name of [`Outcome::Nondeterministic`].
const NONDETERMINISTIC: &str = "nondeterministic";

/// What a seed came to, as a worker tells it and `--json` shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeedResult {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The outcome's name.
    pub outcome: String,
    /// Hash of everything that happened, in hexadecimal.
    pub trace_hash: String,
    /// How much happened.
    pub events: u64,
    /// Virtual time it took.
    pub virtual_ns: u64,
    /// Wall time it took.
    pub wall_ns: u64,
    /// How many decisions were not boring.
    pub deviations: u64,
    /// What was wrong, if anything was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// All that was wrong, the cause among it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// What it has in common with other failures of its kind, as [`Outcome::class`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// `sometimes!` claims that came by and did not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
    /// `sometimes!` claims that held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<String>,
    /// Which faults struck how often.
    pub fired: Fired,
}

/// The `sometimes!` claims of a run that held, or that did not.
fn claims(run: &Run, holding: bool) -> Vec<String> {
    let claims = run.sometimes.iter().filter(|(_, held)| *held == holding);
    claims.map(|(name, _)| (*name).to_owned()).collect()
}

impl SeedResult {
    /// The result of a run that came to an end.
    pub fn of(scenario: &Scenario, seed: u64, run: &Run, wall: Duration) -> SeedResult {
        let failed = !run.outcome.held();
        SeedResult {
            scenario: scenario.name().to_owned(),
            seed,
            outcome: run.outcome.name().to_owned(),
            trace_hash: format!("{:016x}", run.hash),
            events: run.events,
            virtual_ns: run.virtual_ns,
            wall_ns: wall.as_nanos() as u64,
            deviations: run.deviation_count() as u64,
            cause: if failed { run.outcome.to_string() } else { String::new() },
            findings: run.findings.clone(),
            class: if failed { run.outcome.class() } else { String::new() },
            never: claims(run, false),
            once: claims(run, true),
            fired: run.fired,
        }
    }

    /// The result of a seed whose worker died of it.
    pub(crate) fn of_death(scenario: &str, seed: u64, outcome: &str, cause: String) -> SeedResult {
        SeedResult {
            scenario: scenario.to_owned(),
            seed,
            outcome: outcome.to_owned(),
            trace_hash: String::new(),
            events: 0,
            virtual_ns: 0,
            wall_ns: 0,
            deviations: 0,
            class: if outcome == "stuck" {
                outcome
            } else {
                cause.lines().next().unwrap_or(outcome)
            }
            .to_owned(),
            cause,
            findings: Vec::new(),
            never: Vec::new(),
            once: Vec::new(),
            fired: Fired::default(),
        }
    }

    /// Whether its process did not come to the end of it.
    pub fn is_death(&self) -> bool {
        self.trace_hash.is_empty()
    }

    /// Whether every property held.
    pub fn held(&self) -> bool {
        self.outcome == "held"
    }

    /// Whether two plays of it contradict each other.
    pub fn is_nondeterministic(&self) -> bool {
        self.outcome == NONDETERMINISTIC
    }

    /// Makes this the result of two plays that should be one, in two processes: the other one may contradict it.
    pub(crate) fn compare(&mut self, other: &SeedResult) {
        if self.is_nondeterministic() {
            return;
        }
        let agree = match self.is_death() || other.is_death() {
            // Of a process that ended there is no more than how, and that may name addresses.
            true => self.outcome == other.outcome && self.ending() == other.ending(),
            false => self.compared() == other.compared(),
        };
        if agree {
            return;
        }
        let sides = [("first", &*self, other), ("then", other, self)];
        let side = |(name, side, against): (&str, &SeedResult, &SeedResult)| {
            let only = |all: &[String], others: &[String], what: &str| -> String {
                let only = all.iter().filter(|one| !others.contains(one));
                only.map(|one| format!("only {name}: {what}{one}\n")).collect()
            };
            let mut text = format!("{:<7}{}  {}\n", format!("{name}:"), side.hash(), side.said());
            if side.said() == against.said() {
                text += &only(&side.findings, &against.findings, "");
                text += &only(&side.once, &against.once, "sometimes held: ");
                text += &only(&side.never, &against.never, "sometimes did not hold: ");
            }
            text
        };
        let both: String = sides.into_iter().map(side).collect();
        self.cause = format!("two plays of one run, in two processes, are not the same:\n{both}");
        self.cause.truncate(self.cause.trim_end().len());
        self.outcome = NONDETERMINISTIC.into();
        self.class = NONDETERMINISTIC.into();
    }

    fn compared(&self) -> impl PartialEq {
        let counts = [self.events, self.virtual_ns, self.deviations];
        let texts = [&self.outcome, &self.trace_hash, &self.cause].map(Clone::clone);
        (counts, texts, self.findings.clone(), self.never.clone(), self.once.clone())
    }

    fn ending(&self) -> Option<&str> {
        self.cause.lines().next().filter(|_| self.outcome != "stuck")
    }

    fn hash(&self) -> &str {
        if self.is_death() { "(no end)" } else { &self.trace_hash }
    }

    fn said(&self) -> String {
        match self.held() {
            true => Outcome::Held.to_string(),
            false if self.is_death() => format!("{}: {}", self.outcome, self.cause),
            false => self.cause.trim_end().replace('\n', "\n  "),
        }
    }
}
