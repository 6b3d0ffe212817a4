//! A run as a line of text: its scenario and its deviations, each by series, entity and ordinal.
//!
//! ```text
//! v2:planted/half-open;weather=calm;fault@srv.1=62900000ns;turn@cli/main.4=cli/timer,1f3a
//! ```
//!
//! Behind a comma stands what the entity did last before the deviation, as a number (`trace/context.rs`).
//!
//! It names nothing by number of creation or by draw, so it survives changes of the code that a
//! seed does not. What is at its default (weather, knobs) is not written. Neither is what a program
//! sends, which is the program's, or opaque (`Stage::opaque_payload`) and another's.

use std::collections::HashMap;
use std::fmt;

use greenroom::scenario::Scenario;

use crate::choices::{Fixed, Site};
use crate::run::{Choice, Run, Spec};
use crate::weather::Weather;

/// What a token begins with.
pub const FORMAT: &str = "v2:";
const OUTDATED: &str = "in which sockets were named by when they were made: \
                        play the seed again, and it prints a `v2:` one";

/// Whether this is a token of a format that can't be played any more.
pub fn is_outdated(text: &str) -> bool {
    text.trim_start().starts_with("v1:")
}

/// A run that can be played again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The scenario's name.
    pub scenario: String,
    /// Knobs that are not at their default.
    pub knobs: Vec<(String, u64)>,
    /// The weather's name or file.
    pub weather: String,
    /// The seed of random bytes, where the run drew any.
    pub seed: Option<u64>,
    /// Its deviations.
    pub choices: Vec<Choice>,
}

impl Token {
    /// The token of a run.
    pub fn of(scenario: &Scenario, spec: &Spec, run: &Run) -> Token {
        let choices = with_contexts(scenario, spec, run);
        Token {
            scenario: scenario.name().to_owned(),
            knobs: scenario.knobs_turned().map(|(name, value)| (name.to_owned(), value)).collect(),
            weather: match &spec.weather {
                // Made in a program, which left the name.
                one if one.preempts_sync && !one.name.ends_with(Weather::SYNC) => {
                    one.clone().preempting().name
                }
                one => one.name.clone(),
            },
            seed: run.drew_entropy.then_some(spec.seed),
            choices,
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// One line: what could not be read, and what is accepted there.
    pub fn parse(text: &str) -> Result<Token, String> {
        let text = text.trim();
        if is_outdated(text) {
            return Err(format!("`{}` is of an older format, {OUTDATED}", head(text)));
        }
        let rest = text
            .strip_prefix(FORMAT)
            .ok_or_else(|| format!("a token begins with `{FORMAT}`, not `{}`", head(text)))?;
        let mut fields = rest.split(';');
        let scenario = fields.next().unwrap_or_default().to_owned();
        if scenario.is_empty() {
            return Err(format!("a token names its scenario after `{FORMAT}`"));
        }
        let (knobs, choices) = (Vec::new(), Vec::new());
        let mut token = Token { scenario, knobs, weather: "default".into(), seed: None, choices };
        for field in fields {
            token.take(field)?;
        }
        Ok(token)
    }

    fn take(&mut self, field: &str) -> Result<(), String> {
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| format!("`{text}` in `{field}` is not a number"))
        };
        if let Some(name) = field.strip_prefix("weather=") {
            self.weather = name.to_owned();
        } else if field.contains('@') {
            self.choices.push(Choice::parse(field)?);
        } else if let Some(seed) = field.strip_prefix("seed=") {
            self.seed = Some(number(seed)?);
        } else if let Some((name, value)) =
            field.strip_prefix("knob.").and_then(|knob| knob.split_once('='))
        {
            self.knobs.push((name.to_owned(), number(value)?));
        } else {
            return Err(format!(
                "`{}` is no field of a token: weather=NAME, seed=N, knob.NAME=N or \
                 SERIES@ENTITY.ORDINAL=VALUE",
                head(field)
            ));
        }
        Ok(())
    }

    /// Those of its deviations that came up in a run, with its events kept, where their entity had just
    /// done something else than when they were written down: they may have hit another thing.
    pub fn doubts(&self, run: &Run) -> Vec<&Choice> {
        let of_site = |choice: &Choice| (choice.on_tape().0, choice.context);
        let played: HashMap<Site, Option<u16>, Fixed> =
            run.deviations().iter().map(of_site).collect();
        let elsewhere = |choice: &&Choice| {
            let came_up = played.get(&choice.on_tape().0);
            choice.context.is_some() && came_up.is_some_and(|played| *played != choice.context)
        };
        self.choices.iter().filter(elsewhere).collect()
    }

    /// What plays the run again.
    ///
    /// # Errors
    ///
    /// As [`Weather::by_name_or_file`].
    pub fn spec(&self) -> Result<Spec, String> {
        Ok(self.spec_in(Weather::by_name_or_file(&self.weather)?))
    }

    /// The same, given the weather that it names.
    pub fn spec_in(&self, weather: Weather) -> Spec {
        let tape = Some(self.choices.clone());
        Spec { tape, weather, ..Spec::seed(self.seed.unwrap_or(0)) }
    }
}

/// A run's deviations with their contexts, which are known where the events are: if need be, it is played
/// once more from them.
fn with_contexts(scenario: &Scenario, spec: &Spec, run: &Run) -> Vec<Choice> {
    let choices = run.deviations();
    if run.trace.is_some() {
        return choices;
    }
    let tape = Some(choices.clone());
    let again = crate::run::run(scenario, &Spec { tape, ..spec.clone() }.traced()).deviations();
    let are_same = |(one, other): (&Choice, &Choice)| one.on_tape() == other.on_tape();
    match again.len() == choices.len() && choices.iter().zip(&again).all(are_same) {
        true => again,
        // No tape determines it, which others say.
        false => choices,
    }
}

fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{FORMAT}{}", self.scenario)?;
        if self.weather != "default" {
            write!(f, ";weather={}", self.weather)?;
        }
        if let Some(seed) = self.seed {
            write!(f, ";seed={seed}")?;
        }
        for (name, value) in &self.knobs {
            write!(f, ";knob.{name}={value}")?;
        }
        for choice in &self.choices {
            write!(f, ";{choice}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Value;

    #[test]
    fn a_token_reads_as_it_is_written() {
        let text = "v2:planted/lost-reply;weather=stormy;seed=7;knob.bystander=1;\
                    turn@cli/setter.4=cli/waiter#2,0a1f;delay@cli/.tcp>srv:80#2.7=9300000ns;\
                    fate@srv/.tcp:80/<cli|main~2.3=lost;size@a/.tcp>[::1]:9.1=3B,ffff;\
                    fault@cli=srv.1=5ns;\
                    fate@cli=srv.1=net-unreachable";
        let token = Token::parse(text).unwrap();
        assert_eq!(token.to_string(), text);
        assert_eq!(token.choices[0].value, Value::Greenlet("cli/waiter#2".into()));
        assert_eq!(token.choices[4].entity, "cli=srv");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, names) in [
            ("v3:echo", "v2:"),
            ("v1:echo;turn@a.1=b", "older format"),
            ("v2:", "scenario"),
            ("v2:echo;what", "`what`"),
            ("v2:echo;seed=x", "`x`"),
            ("v2:echo;turn@a=b", "ordinal"),
            ("v2:echo;turn@a.1=b,12", "context"),
            ("v2:echo;spin@a.1=b", "series"),
            ("v2:echo;fate@a.1=eaten", "fate"),
        ] {
            let error = Token::parse(text).unwrap_err();
            assert!(error.contains(names), "{text}: {error}");
            assert_eq!(error.lines().count(), 1);
        }
    }
}
