//! `cargo xtask conform --truth [ROW…]`: the table of what Linux does, as programs with the outcomes
//! they must have on both hubs.
//!
//! The files are `xtask/truth/*.txt`; `ids.txt` there lists every row and step, so that none is
//! forgotten.

mod file;
pub mod namespace;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::play::Outcome;
use super::program::{Program, Step};
use super::stage::{self, Manner};
use crate::{kin, steps};
use file::{Row, Table};
use namespace::Namespaces;

/// What is under way is given so long after every step; one that differs is given longer, for a
/// system that is busy delivers late.
const SETTLE_MS: [u64; 3] = [3, 25, 100];
/// Rows at a time: most of them sleep.
const THREADS: usize = 12;

/// What became of a row.
enum Verdict {
    Held,
    /// Line by line.
    Failed(Vec<Mismatch>),
    /// There are no namespaces.
    Skipped,
}

/// A step that came to something else than the table says.
struct Mismatch {
    line: usize,
    step: String,
    expected: String,
    real: String,
    sim: String,
}

/// Plays the rows named, or all; returns whether all hold and, if all were asked for, none is
/// missing.
pub fn main(wanted: &[String]) -> Result<bool, String> {
    let (table, mut faults) = Table::read(&directory())?;
    let rows: Vec<&Row> = table.rows.iter().filter(|row| row.is_wanted(wanted)).collect();
    if !wanted.is_empty() {
        // Of a part, the whole's faults are not asked for.
        faults.clear();
        if rows.is_empty() {
            return Err(format!(
                "no row {}; named by its number, its id, or its section's letter",
                wanted.join(" ")
            ));
        }
    }
    let namespaces = namespace::available();
    let verdicts = all(&rows, namespaces);
    for (row, verdict) in rows.iter().zip(&verdicts) {
        report::print(row, verdict);
    }
    for fault in &faults {
        say!("{fault}");
    }
    let held = faults.is_empty() && !verdicts.iter().any(|v| matches!(v, Verdict::Failed(_)));
    let skipped = verdicts.iter().filter(|v| matches!(v, Verdict::Skipped)).count();
    if wanted.is_empty() {
        report::counts(&table, &rows, &verdicts);
    } else {
        let count = verdicts.iter().filter(|v| matches!(v, Verdict::Held)).count();
        say!("{count} of {} programs come to what they say, on both hubs", rows.len());
    }
    if skipped > 0 {
        say!("skipped (no namespaces): {skipped} rows that need a network of their own");
    }
    let is_complete = skipped == 0 || std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none();
    Ok(held && is_complete)
}

/// One row on the operating system, in the namespace this process was started in: `FILE:LINE`, and
/// the settling time. What it came to goes to stdout.
pub fn child(args: &[String]) -> Result<(), String> {
    kin::end_with_parent().map_err(|error| format!("conform --truth-child: {error}"))?;
    let usage = || "`--truth-child` takes FILE:LINE MS".to_owned();
    let [place, ms] = args else { return Err(usage()) };
    let ms: u64 = ms.parse().map_err(|_| usage())?;
    let (table, _) = Table::read(&directory())?;
    let row = table.rows.iter().find(|row| row.place() == *place).ok_or_else(usage)?;
    let outcomes = stage::on_real(&row.program(), manner(ms));
    greenroom_sim::cli::print(&namespace::written(&outcomes));
    Ok(())
}

fn directory() -> PathBuf {
    Path::new(&steps::root()).join("xtask/truth")
}

fn manner(settle_ms: u64) -> Manner {
    Manner { settle: Duration::from_millis(settle_ms), ..Manner::default() }
}

/// A verdict a row, several rows at a time.
fn all(rows: &[&Row], namespaces: Namespaces) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts: Mutex<Vec<Option<Verdict>>> = Mutex::new(rows.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(rows.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(row) = rows.get(index) else { return };
                    let verdict = judge(row, namespaces);
                    let mut all = verdicts.lock().unwrap_or_else(|error| error.into_inner());
                    all[index] = Some(verdict);
                }
            });
        }
    });
    let verdicts = verdicts.into_inner().unwrap_or_else(|error| error.into_inner());
    verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Skipped)).collect()
}

fn judge(row: &Row, namespaces: Namespaces) -> Verdict {
    let mut first = None;
    for ms in SETTLE_MS {
        let program = row.program();
        let real = match row.is_special() {
            false => stage::on_real(&program, manner(ms)),
            true if namespaces == Namespaces::None => return Verdict::Skipped,
            true => namespace::on_real(row, namespaces, ms),
        };
        let ports = row.ports.as_ref().map(|ports| (*ports.start(), *ports.end()));
        let Row { descriptors, is_unprivileged, .. } = *row;
        let theirs = Manner { ports, descriptors, is_unprivileged, ..manner(ms) };
        let sim = stage::in_sim(&program, theirs);
        let mismatches = compared(row, &program, &real, &sim);
        if mismatches.is_empty() {
            return Verdict::Held;
        }
        first.get_or_insert(mismatches);
    }
    Verdict::Failed(first.unwrap_or_default())
}

fn compared(row: &Row, program: &Program, real: &[Outcome], sim: &[Outcome]) -> Vec<Mismatch> {
    let nothing: Outcome = Err("nothing".into());
    let mut mismatches = Vec::new();
    for (index, (line, step)) in row.lines.iter().zip(&program.0).enumerate() {
        let (real, sim) = (real.get(index).unwrap_or(&nothing), sim.get(index).unwrap_or(&nothing));
        if line.expected.on_real(real) && line.expected.on_sim(sim) {
            continue;
        }
        mismatches.push(Mismatch {
            line: line.number,
            step: step.to_string(),
            expected: line.expected.to_string(),
            real: word(real).to_owned(),
            sim: word(sim).to_owned(),
        });
    }
    let steps = program.0.len();
    for (hub, said) in [("real", real.get(steps)), ("sim", sim.get(steps))] {
        if let Some(said) = said {
            mismatches.push(Mismatch {
                line: row.line,
                step: format!("the run, on {hub}"),
                expected: "an end in order".into(),
                real: word(said).to_owned(),
                sim: String::new(),
            });
        }
    }
    mismatches
}

fn word(outcome: &Outcome) -> &str {
    match outcome {
        Ok(text) | Err(text) => text,
    }
}

impl Row {
    fn program(&self) -> Program {
        let steps: Vec<Step> = self.lines.iter().map(|line| line.step.clone()).collect();
        Program(steps)
    }
}
