//! How a run came out.

use std::fmt;

use greenroom::driver::Stall;

/// How a run came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every property held.
    Held,
    /// A property failed: its name, and what was wrong.
    Violated(String, String),
    /// A greenlet panicked and nobody joined it: who, and what it said.
    Panicked(String, String),
    /// A client could never go on: the wait table.
    Deadlocked(Stall),
    /// A greenlet spins, or virtual time ran out: what was found.
    Stuck(String),
    /// A thread from outside took part, so the seed does not determine the run.
    Nondeterministic(String),
}

impl Outcome {
    /// Its name on the command line and in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Held => "held",
            Outcome::Violated(..) => "violated",
            Outcome::Panicked(..) => "panicked",
            Outcome::Deadlocked(_) => "deadlock",
            Outcome::Stuck(_) => "stuck",
            Outcome::Nondeterministic(_) => "nondeterministic",
        }
    }

    /// Whether the run held.
    pub fn held(&self) -> bool {
        *self == Outcome::Held
    }

    /// What two failures must share to be the same one: kind and site, without numbers.
    pub fn class(&self) -> String {
        match self {
            Outcome::Violated(name, _) => format!("violated: {name}"),
            Outcome::Panicked(who, what) => {
                let words: String = what.chars().filter(|c| !c.is_ascii_digit()).collect();
                format!("panicked: {} {words}", without_ordinals(who))
            }
            Outcome::Deadlocked(stall) => {
                let mut stuck: Vec<String> = stall
                    .stuck
                    .iter()
                    .filter(|stuck| !stuck.is_idle)
                    .map(|stuck| format!("{} in {}", without_ordinals(&stuck.greenlet), stuck.op))
                    .collect();
                stuck.sort();
                stuck.dedup();
                format!("deadlock: {}", stuck.join(", "))
            }
            Outcome::Stuck(what) => format!("stuck: {}", what.split(':').next().unwrap_or(what)),
            other => other.name().to_owned(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Held => f.write_str("every property held"),
            Outcome::Violated(name, what) if what.is_empty() => write!(f, "violated: {name}"),
            Outcome::Violated(name, what) => write!(f, "violated: {name}: {what}"),
            Outcome::Panicked(who, what) => write!(f, "{who} panicked: {what}"),
            Outcome::Deadlocked(stall) => write!(f, "{stall}"),
            Outcome::Stuck(what) | Outcome::Nondeterministic(what) => f.write_str(what),
        }
    }
}

fn without_ordinals(path: &str) -> String {
    let parts = path.split('/').map(|part| part.split('#').next().unwrap_or(part));
    parts.collect::<Vec<_>>().join("/")
}
