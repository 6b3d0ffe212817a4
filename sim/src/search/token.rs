//! A run as a line of text: its scenario and its deviations, each by series, entity and ordinal.
//!
//! ```text
//! v1:planted/half-open;weather=calm;fault@srv.1=62900000ns;turn@cli/main.4=cli/timer
//! ```
//!
//! It names nothing by number of creation or by draw, so it survives changes of the code that a
//! seed does not. What is at its default (weather, knobs) is not written. Neither is what a program
//! sends, which is the program's, or opaque (`Stage::opaque_payload`) and another's.

use std::fmt;

use greenroom::scenario::Scenario;

use crate::run::{Choice, Run, Spec};
use crate::weather::Weather;

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
        Token {
            scenario: scenario.name().to_owned(),
            knobs: scenario.knobs_turned().map(|(name, value)| (name.to_owned(), value)).collect(),
            weather: spec.weather.name.clone(),
            seed: run.drew_entropy.then_some(spec.seed),
            choices: run.deviations(),
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// One line: what could not be read, and what is accepted there.
    pub fn parse(text: &str) -> Result<Token, String> {
        let text = text.trim();
        let rest = text
            .strip_prefix("v1:")
            .ok_or_else(|| format!("a token begins with `v1:`, not `{}`", head(text)))?;
        let mut fields = rest.split(';');
        let scenario = fields.next().unwrap_or_default().to_owned();
        if scenario.is_empty() {
            return Err("a token names its scenario after `v1:`".into());
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

fn head(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1:{}", self.scenario)?;
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
        let text = "v1:planted/lost-reply;weather=stormy;seed=7;knob.bystander=1;\
                    turn@cli/setter.4=cli/waiter#2;delay@cli/.tcp#2.7=9300000ns;\
                    fate@srv/.tcp/from(cli|.tcp).3=lost;size@a/.tcp.1=3B;fault@cli=srv.1=5ns;\
                    fate@cli=srv.1=net-unreachable";
        let token = Token::parse(text).unwrap();
        assert_eq!(token.to_string(), text);
        assert_eq!(token.choices[0].value, Value::Greenlet("cli/waiter#2".into()));
        assert_eq!(token.choices[4].entity, "cli=srv");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, names) in [
            ("v2:echo", "v1:"),
            ("v1:", "scenario"),
            ("v1:echo;what", "`what`"),
            ("v1:echo;seed=x", "`x`"),
            ("v1:echo;turn@a=b", "ordinal"),
            ("v1:echo;spin@a.1=b", "series"),
            ("v1:echo;fate@a.1=eaten", "fate"),
        ] {
            let error = Token::parse(text).unwrap_err();
            assert!(error.contains(names), "{text}: {error}");
            assert_eq!(error.lines().count(), 1);
        }
    }
}
