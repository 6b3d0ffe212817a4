//! Reading truth files: rows, what cannot be observed, what is left.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use super::super::parse::{self, outside_quotes};
use super::super::play::Outcome;
use super::super::program::Step;
use crate::steps;

/// All files.
#[derive(Default)]
pub struct Table {
    pub rows: Vec<Row>,
    /// Sections and ids that no call of ours shows.
    pub unobservable: Vec<(char, String)>,
    /// Sections and ids that a test of another kind shows.
    pub elsewhere: Vec<(char, String)>,
    /// Sections and ids that are not built.
    pub left: Vec<(char, String)>,
}

/// A program and what it must come to.
pub struct Row {
    /// The file's name and the line of its heading.
    pub file: String,
    pub line: usize,
    pub ids: Vec<String>,
    /// The ports the system chooses from, where they are few.
    pub ports: Option<RangeInclusive<u16>>,
    /// How many descriptors there are, where they are few.
    pub descriptors: Option<u32>,
    /// Whether the program may not bind the ports that are root's.
    pub is_unprivileged: bool,
    /// Whether it takes a network that leads nowhere.
    pub is_alone: bool,
    /// Whether the simulator is something else by choice.
    pub differs: bool,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub number: usize,
    pub step: Step,
    pub expected: Expected,
}

/// What a step must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing was said: no error.
    Success,
    /// `*`.
    Anything,
    /// `!`.
    AnyError,
    /// One of these.
    OneOf(Vec<String>),
    /// Of several operations in a line, each.
    Each(Vec<Expected>),
    /// One of these on the system, one of those in the simulator.
    Apart(Box<Expected>, Box<Expected>),
}

impl Table {
    /// Reads every file of the directory, and says what is wrong with the whole.
    ///
    /// # Errors
    ///
    /// In a line that names the file and the line, where one cannot be read.
    pub fn read(directory: &Path) -> Result<(Table, Vec<String>), String> {
        let shown = directory.display();
        let entries = fs::read_dir(directory).map_err(|error| format!("{shown}: {error}"))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(".txt")).collect();
        names.sort();
        let mut table = Table::default();
        let mut all = String::new();
        for name in &names {
            let text = fs::read_to_string(directory.join(name))
                .map_err(|error| format!("{name}: {error}"))?;
            if name == "ids.txt" {
                all = text;
                continue;
            }
            table.add(name, &text)?;
        }
        let faults = table.faults(&all);
        Ok((table, faults))
    }

    /// One file's text.
    ///
    /// # Errors
    ///
    /// In a line that names the file and the line.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), String> {
        let section = file.chars().next().unwrap_or('?').to_ascii_uppercase();
        for (index, line) in text.lines().enumerate() {
            let at = |why: String| format!("{file}:{}: {why}", index + 1);
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            if line.starts_with(char::is_whitespace) {
                let row = self.rows.last_mut().filter(|row| row.file == file);
                let row = row.ok_or_else(|| at("a step before any row".into()))?;
                let (step, expected) = lined(trimmed, row.differs).map_err(at)?;
                row.lines.push(Line { number: index + 1, step, expected });
                continue;
            }
            match line.split_once(' ') {
                Some(("row", rest)) => {
                    self.rows.push(Row::headed(file, index + 1, rest).map_err(at)?);
                }
                Some(("unobservable", rest)) => {
                    let ids = listed(rest).map_err(at)?;
                    self.unobservable.extend(ids.into_iter().map(|id| (section, id)));
                }
                Some(("held", rest)) => {
                    let ids = shown_elsewhere(rest).map_err(at)?;
                    self.elsewhere.extend(ids.into_iter().map(|id| (section, id)));
                }
                Some(("left", rest)) => {
                    let ids = listed(rest).map_err(at)?;
                    self.left.extend(ids.into_iter().map(|id| (section, id)));
                }
                _ => {
                    return Err(at("a line begins with `row`, `unobservable`, `held`, `left`, \
                                   `#`, or, for a step, a blank"
                        .into()));
                }
            }
        }
        Ok(())
    }

    /// Ids that stand twice, that there are not, and that stand nowhere.
    fn faults(&self, all: &str) -> Vec<String> {
        let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            for id in &row.ids {
                places.entry(id).or_default().push(row.place());
            }
        }
        for (section, id) in self.unobservable.iter().chain(&self.elsewhere).chain(&self.left) {
            places.entry(id).or_default().push(format!("section {section}"));
        }
        let known = known(all);
        let mut faults = Vec::new();
        for (id, at) in &places {
            if !known.iter().any(|known| known == id) {
                faults.push(format!("{}: there is no {id}", at.join(", ")));
            } else if at.len() > 1 {
                faults.push(format!("{id} stands twice: {}", at.join(", ")));
            }
        }
        let missing: Vec<&str> =
            known.iter().map(String::as_str).filter(|known| !places.contains_key(known)).collect();
        if !missing.is_empty() {
            faults.push(format!("{} stand nowhere: {}", missing.len(), missing.join(" ")));
        }
        faults
    }
}

/// Every id: `3abc` is three, `10` is itself.
fn known(text: &str) -> Vec<String> {
    let words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    let ids = words.flat_map(|word| {
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let (number, letters) = word.split_at(digits);
        let with = |letter| format!("{number}{letter}");
        if letters.is_empty() {
            vec![number.to_owned()]
        } else {
            letters.chars().map(with).collect()
        }
    });
    ids.collect()
}

impl Row {
    fn headed(file: &str, line: usize, rest: &str) -> Result<Row, String> {
        let mut row = Row {
            file: file.into(),
            line,
            ids: vec![],
            ports: None,
            descriptors: None,
            is_unprivileged: false,
            is_alone: false,
            differs: false,
            lines: vec![],
        };
        let mut rest = rest.trim();
        while let Some((id, after)) = split_word(rest).filter(|(word, _)| is_id(word)) {
            row.ids.push(id.into());
            rest = after;
        }
        while let Some(tagged) = rest.strip_prefix('[') {
            let (tag, after) = tagged.split_once(']').ok_or("a `[` is never closed")?;
            row.tag(tag)?;
            rest = after.trim_start();
        }
        row.differs = rest.starts_with("differs:");
        if row.ids.is_empty() {
            return Err("a row begins with its ids, as 3a or 10".into());
        }
        Ok(row)
    }

    fn tag(&mut self, tag: &str) -> Result<(), String> {
        let ports = tag.strip_prefix("ports ").and_then(|range| {
            let (first, last) = range.split_once('-')?;
            Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
        });
        match ports {
            Some(range) => self.ports = Some(range),
            None if tag == "lo" => self.is_alone = true,
            None if tag == "unprivileged" => self.is_unprivileged = true,
            None => {
                let number = tag.strip_prefix("descriptors ").and_then(|n| n.trim().parse().ok());
                let accepted = "there are [ports A-B], [descriptors N], [unprivileged], [lo]";
                self.descriptors = Some(number.ok_or(format!("no tag [{tag}]; {accepted}"))?);
            }
        }
        Ok(())
    }

    /// Whether the system is to be set up for it, which is done for a process of its own.
    pub fn is_special(&self) -> bool {
        self.is_alone || self.is_unprivileged || self.ports.is_some() || self.descriptors.is_some()
    }

    /// By id, by number, or by section.
    pub fn is_wanted(&self, wanted: &[String]) -> bool {
        let section = self.section();
        let number = |id: &str| id.trim_end_matches(|c: char| c.is_ascii_lowercase()).to_owned();
        wanted.is_empty()
            || wanted.iter().any(|want| {
                want.eq_ignore_ascii_case(&section.to_string())
                    || self.ids.iter().any(|id| id == want || number(id) == *want)
            })
    }

    pub fn section(&self) -> char {
        self.file.chars().next().unwrap_or('?').to_ascii_uppercase()
    }

    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// `IDS…: reason`.
fn listed(rest: &str) -> Result<Vec<String>, String> {
    let (ids, reason) = rest.split_once(':').ok_or("`: reason` is missing after the ids")?;
    let ids: Vec<String> = ids.split_whitespace().map(str::to_owned).collect();
    if let Some(other) = ids.iter().find(|id| !is_id(id)) {
        return Err(format!("`{other}` is no id: as 3a or 10"));
    }
    if ids.is_empty() || reason.trim().is_empty() {
        return Err("accepted is `IDS…: reason`".into());
    }
    Ok(ids)
}

fn is_id(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && word.len() <= digits.len() + 1
}

fn split_word(text: &str) -> Option<(&str, &str)> {
    let word = text.split_whitespace().next()?;
    Some((word, text[word.len()..].trim_start()))
}

/// `IDS… by FILE::TEST: words`, the file having that text.
fn shown_elsewhere(rest: &str) -> Result<Vec<String>, String> {
    let usage = "accepted is `IDS… by FILE::TEST: words`";
    let (ids, by) = rest.split_once(" by ").ok_or(usage)?;
    let (file, rest) = by.split_once("::").ok_or(usage)?;
    let (test, words) = rest.split_once(": ").ok_or(usage)?;
    let text = fs::read_to_string(steps::root().join(file));
    if !text.map_err(|error| format!("{file}: {error}"))?.contains(test) {
        return Err(format!("{file} has no `{test}`"));
    }
    listed(&format!("{ids}: {words}"))
}

/// `STEP`, or `STEP => OUTCOME`.
fn lined(line: &str, differs: bool) -> Result<(Step, Expected), String> {
    let mut halves = outside_quotes(line, "=>");
    let step = parse::step(&halves.remove(0))?;
    let expected = match halves.as_slice() {
        [] => Expected::Success,
        [outcome] => expected(outcome)?,
        _ => return Err("`=>` twice".into()),
    };
    if matches!(expected, Expected::Apart(..)) && !differs {
        return Err("`sim:` is for a row that begins with `differs:` and why".into());
    }
    Ok((step, expected))
}

fn expected(text: &str) -> Result<Expected, String> {
    let each = outside_quotes(text, ";");
    if each.len() > 1 {
        let each = each.iter().map(|part| expected(part));
        return each.collect::<Result<_, _>>().map(Expected::Each);
    }
    let parts = outside_quotes(text, "|");
    let (sim, real): (Vec<String>, Vec<String>) =
        parts.into_iter().partition(|part| part.starts_with("sim:"));
    let one_of = |parts: Vec<String>| match parts.as_slice() {
        [only] if only == "*" => Expected::Anything,
        [only] if only == "!" => Expected::AnyError,
        _ => Expected::OneOf(parts.into_iter().map(usual).collect()),
    };
    if real.iter().any(String::is_empty) || real.is_empty() {
        return Err("an outcome is missing after `=>`".into());
    }
    if sim.is_empty() {
        return Ok(one_of(real));
    }
    let sim = sim.iter().map(|part| part.trim_start_matches("sim:").trim().to_owned()).collect();
    Ok(Expected::Apart(Box::new(one_of(real)), Box::new(one_of(sim))))
}

/// No bytes are written `""`.
fn usual(text: String) -> String {
    match text.strip_prefix("0 bytes") {
        Some(rest) => format!("\"\"{rest}"),
        None => text,
    }
}

/// Of several outcomes in one, whether this is an error's name.
fn is_error(said: &str) -> bool {
    let is_name =
        said.len() > 2 && said.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    is_name && said.starts_with('E')
}

impl Expected {
    pub fn on_real(&self, outcome: &Outcome) -> bool {
        match self {
            Expected::Apart(real, _) => real.is(outcome),
            other => other.is(outcome),
        }
    }

    pub fn on_sim(&self, outcome: &Outcome) -> bool {
        match self {
            Expected::Apart(_, sim) => sim.is(outcome),
            other => other.is(outcome),
        }
    }

    fn is(&self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Expected::Success | Expected::Anything, outcome) => outcome.is_ok(),
            (Expected::AnyError, outcome) => outcome.is_err(),
            (Expected::OneOf(words), Ok(word) | Err(word)) => {
                // A send that took fewer bytes than asked: how many, or that it did.
                let taken = word.split_once(" of ").map(|(taken, _)| taken);
                let is_one = |said: &str| words.iter().any(|word| word == said);
                is_one(word) || taken.is_some_and(|taken| is_one(taken) || is_one("part"))
            }
            (Expected::Each(expected), Ok(said) | Err(said)) => {
                let said: Vec<String> = outside_quotes(said, ";");
                let outcome = |said: &String| match is_error(said) {
                    true => Err(said.clone()),
                    false => Ok(said.clone()),
                };
                said.len() == expected.len()
                    && expected.iter().zip(&said).all(|(one, said)| one.is(&outcome(said)))
            }
            (Expected::Apart(..), _) => false,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Success => f.write_str("no error"),
            Expected::Anything => f.write_str("*"),
            Expected::AnyError => f.write_str("!"),
            Expected::OneOf(words) => f.write_str(&words.join(" | ")),
            Expected::Each(each) => {
                let each: Vec<String> = each.iter().map(Expected::to_string).collect();
                f.write_str(&each.join("; "))
            }
            Expected::Apart(real, sim) => write!(f, "{real} | sim: {sim}"),
        }
    }
}
