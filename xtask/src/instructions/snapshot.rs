//! The text of `snapshots/instructions.txt`: a line a row, and below each the functions that matter.

use std::fmt;
use std::process::Command;

use super::count::Count;

/// A function stands below a row if it takes such a part of it.
const PART_MIN: f64 = 0.03;

const HEAD: &str = "\
# Instructions of user space, as `cargo xtask instructions` counts them; `--accept` writes this file.
# Below each row stand the functions that take 3 % of it or more.
";
const COUNTED_WITH: &str = "# Counted with ";

/// What was counted, with what.
#[derive(Debug, PartialEq)]
pub struct Snapshot {
    pub counted_with: String,
    pub rows: Vec<Row>,
}

/// What one thing costs.
#[derive(Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub total: f64,
    /// The largest first.
    pub functions: Vec<(String, f64)>,
}

impl Row {
    pub fn new(name: &str, count: Count) -> Row {
        let (name, total) = (name.to_owned(), count.total.round());
        let large = |(_, count): &(String, f64)| *count >= total * PART_MIN;
        let mut functions: Vec<_> = count.functions.into_iter().filter(large).collect();
        functions.iter_mut().for_each(|(_, count)| *count = count.round());
        functions.sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.cmp(b)));
        Row { name, total, functions }
    }

    /// What a function took; of one that is not listed, the most that it may have taken.
    pub fn at_most(&self, function: &str) -> f64 {
        let listed = self.functions.iter().find(|(name, _)| name == function);
        listed.map_or(self.total * PART_MIN, |(_, count)| *count)
    }
}

impl Snapshot {
    pub fn new<'a>(rows: impl Iterator<Item = (&'a str, Count)>) -> Snapshot {
        let rows = rows.map(|(name, count)| Row::new(name, count)).collect();
        Snapshot { counted_with: counted_with(), rows }
    }

    pub fn parse(text: &str) -> Result<Snapshot, String> {
        let mut read = Snapshot { counted_with: String::new(), rows: Vec::new() };
        for (number, line) in text.lines().enumerate() {
            let wrong = || format!("snapshots/instructions.txt:{}: `{line}`", number + 1);
            if let Some(with) = line.strip_prefix(COUNTED_WITH) {
                read.counted_with = with.to_owned();
            } else if line.is_empty() || line.starts_with('#') {
            } else if let Some(function) = line.strip_prefix(' ') {
                let (count, name) = function.trim_start().split_once("  ").ok_or_else(wrong)?;
                let count = count.parse().map_err(|_| wrong())?;
                let row = read.rows.last_mut().ok_or_else(wrong)?;
                row.functions.push((name.to_owned(), count));
            } else {
                let (name, total) = line.rsplit_once(": ").ok_or_else(wrong)?;
                let total = total.parse().map_err(|_| wrong())?;
                read.rows.push(Row { name: name.to_owned(), total, functions: Vec::new() });
            }
        }
        Ok(read)
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}{COUNTED_WITH}{}", self.counted_with)?;
        for row in &self.rows {
            writeln!(f, "\n{}: {}", row.name, row.total)?;
            for (name, count) in &row.functions {
                writeln!(f, "{count:>10}  {name}")?;
            }
        }
        Ok(())
    }
}

/// What decides how many instructions the same code is.
fn counted_with() -> String {
    let first_line = |program: &str| {
        let said = Command::new(program).arg("--version").output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        said.lines().next().map(str::to_owned)
    };
    let rustc = first_line("rustc").unwrap_or_else(|| "an unknown rustc".into());
    // "rustc 1.95.0 (59807616e 2026-04-14)" and "ldd (Debian GLIBC 2.36-9+deb12u14) 2.36".
    let rustc = rustc.split_once(" (").map_or(rustc.as_str(), |(name, _)| name);
    let libc = first_line("ldd").unwrap_or_default();
    let libc = libc.rsplit(' ').next().unwrap_or_default();
    let valgrind = first_line("valgrind").unwrap_or_default();
    format!("{rustc}, {}, libc {libc}, {valgrind}, the sweep profile", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_as_it_is_written() {
        let count = |large: f64| Count {
            total: 1000.4,
            functions: [("<a as b>::c".into(), large), ("tiny".into(), 29.0)].into(),
        };
        let rows = [("a row: of two", count(700.2)), ("another", count(31.0))];
        let written = Snapshot::new(rows.into_iter());
        let text = written.to_string();
        assert!(text.contains("\na row: of two: 1000\n       700  <a as b>::c\n"), "{text}");
        assert!(!text.contains("tiny"), "{text}");
        assert_eq!(Snapshot::parse(&text).expect("it reads"), written);
    }

    #[test]
    fn a_line_that_is_neither_is_named_with_its_number() {
        for text in ["# head\necho 12", "echo: many", "echo: 1\n  x  send", "  12  send"] {
            let error = Snapshot::parse(text).expect_err("it is refused");
            let line = text.lines().last().expect("there is one");
            let number = text.lines().count();
            assert_eq!(error, format!("snapshots/instructions.txt:{number}: `{line}`"));
        }
    }
}
