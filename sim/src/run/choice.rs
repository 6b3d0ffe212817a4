//! A deviation in terms that hold in any run, as a token writes it: `delay@cli/.tcp>srv:80.7=9300000ns,1f3a`.

use std::fmt;

use crate::choices::{Decision, Deviation, Fate, Greenlet, Ns, Series, Site, Unit};
use crate::path::{Paths, hash_of};

/// A decision that was not boring, in terms that hold in any run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What it is counted by.
    pub series: Series,
    /// The path of the entity.
    pub entity: String,
    /// Which of the entity's decisions in the series.
    pub ordinal: u32,
    /// What was decided.
    pub value: Value,
    /// What the entity did last before, as a number; see [`Token::doubts`](crate::token::Token::doubts).
    pub context: Option<u16>,
}

/// The value of a decision. Each series has one unit in tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The greenlet that runs.
    Greenlet(String),
    /// A time or a duration.
    Time(Ns),
    /// How much a read takes: bytes, or pieces of a Unix stream.
    Size(u64),
    /// What happens to something that is sent, or is said of it.
    Fate(Fate),
    /// A plain number.
    Number(u64),
}

impl Choice {
    /// A run's deviation.
    pub(crate) fn of(deviation: &Deviation, paths: &Paths) -> Choice {
        let Deviation { decision, ordinal, path } = *deviation;
        let (series, number) = (decision.series(), decision.number());
        let value = match (decision, series) {
            (Decision::Turn(Greenlet(path)), _) => Value::Greenlet(paths.text(path)),
            (_, Series::Delay | Series::Fault | Series::Length) => Value::Time(Ns(number)),
            (_, Series::Size | Series::Split) => Value::Size(number),
            (_, Series::Fate) => Value::Fate(Fate::of(number)),
            (_, Series::Turn | Series::User | Series::Entropy) => Value::Number(number),
        };
        Choice { series, entity: paths.text(path), ordinal, value, context: None }
    }

    /// Where it stands on a tape, and its number there.
    pub(crate) fn on_tape(&self) -> (Site, u64) {
        let number = match &self.value {
            Value::Greenlet(path) => hash_of(path),
            Value::Time(ns) => ns.number(),
            Value::Fate(fate) => fate.number(),
            Value::Size(number) | Value::Number(number) => *number,
        };
        ((self.series, hash_of(&self.entity), self.ordinal), number)
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// One line: what could not be read, and what is accepted there.
    pub(crate) fn parse(text: &str) -> Result<Choice, String> {
        let bad = |what: &str| {
            format!("`{text}`: {what}; a deviation is SERIES@ENTITY.ORDINAL=VALUE[,CONTEXT]")
        };
        let (series, rest) = text.split_once('@').ok_or_else(|| bad("no `@`"))?;
        let series = Series::by_name(series)
            .ok_or_else(|| bad("no such series (turn, delay, fate, size, fault, length, user)"))?;
        let (site, value) = rest.rsplit_once('=').ok_or_else(|| bad("no `=`"))?;
        let (entity, ordinal) = site.rsplit_once('.').ok_or_else(|| bad("no ordinal"))?;
        let ordinal = ordinal.parse().map_err(|_| bad("the ordinal is no number"))?;
        let (value, context) = match value.rsplit_once(',') {
            None => (value, None),
            Some((value, context)) => {
                let number = u16::from_str_radix(context, 16).ok().filter(|_| context.len() == 4);
                let number = number.ok_or_else(|| bad("a context is four hexadecimal digits"))?;
                (value, Some(number))
            }
        };
        let value = Value::parse(series, value).map_err(|what| bad(&what))?;
        Ok(Choice { series, entity: entity.to_owned(), ordinal, value, context })
    }
}

impl Value {
    fn parse(series: Series, text: &str) -> Result<Value, String> {
        let number = |unit: &str| {
            let digits = text.strip_suffix(unit).unwrap_or(text);
            digits.parse().map_err(|_| "the value is no number".to_owned())
        };
        Ok(match series {
            Series::Turn => Value::Greenlet(text.to_owned()),
            Series::Delay | Series::Fault | Series::Length => Value::Time(Ns(number("ns")?)),
            Series::Size | Series::Split => Value::Size(number("B")?),
            Series::Fate => {
                let names = Fate::ALL[1..].iter().map(|fate| fate.name()).collect::<Vec<_>>();
                let fate = Fate::ALL[1..].iter().find(|fate| fate.name() == text);
                let fate = fate.ok_or_else(|| format!("a fate is one of {}", names.join(", ")))?;
                Value::Fate(*fate)
            }
            Series::User | Series::Entropy => Value::Number(number("")?),
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Greenlet(path) => f.write_str(path),
            Value::Time(Ns(ns)) => write!(f, "{ns}ns"),
            Value::Size(size) => write!(f, "{size}B"),
            Value::Fate(fate) => f.write_str(fate.name()),
            Value::Number(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}.{}={}", self.series.name(), self.entity, self.ordinal, self.value)?;
        self.context.map_or(Ok(()), |context| write!(f, ",{context:04x}"))
    }
}
