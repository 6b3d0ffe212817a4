//! `cargo xtask instructions [--accept]`: what things cost in instructions of user space, held to
//! `snapshots/instructions.txt`. They are the same in every run, which times never are.

mod compare;
mod count;
pub mod growth;
mod snapshot;
pub mod work;

use std::path::PathBuf;

use crate::bench::machine::{figure, table};
use crate::bench::{self, process};
use crate::{Usage, flags, steps};
use compare::{Change, Compared};
use count::Job;
use snapshot::Snapshot;

/// What is counted, by its name in the snapshot.
const ROWS: &[(&str, Job)] = &[
    ("echoed message, 1 connection", Job { work: "echo", size: 1, times: [500, 3_500], items: 1 }),
    (
        "echoed message, 64 connections at once",
        Job { work: "echo", size: 64, times: [20, 120], items: 64 },
    ),
    ("yield", Job { work: "yield", size: 100, times: [100, 1_100], items: 100 }),
    ("spawn and join", Job { work: "spawn", size: 1, times: [1_000, 11_000], items: 1 }),
    (
        "spawn and join, 1 000 alive",
        Job { work: "spawn", size: 1_000, times: [2, 12], items: 1_000 },
    ),
    (
        "simulated round trip over TCP",
        Job { work: "round-trip", size: 1, times: [200, 1_200], items: 1 },
    ),
    (
        "small world: made, run and dropped",
        Job { work: "world", size: 2, times: [20, 120], items: 1 },
    ),
    ("tick of an idle host", Job { work: "tick", size: 100, times: [10, 110], items: 100 }),
    ("MiB through one stream", Job { work: "bulk", size: 1, times: [2, 12], items: 1 }),
    ("seed of a check", Job { work: "check", size: 1, times: [24, 120], items: 1 }),
];

/// The one that is built for sweeps anyway: `release` takes minutes longer, for figures that differ by little
/// and move alike.
const PROFILE: &str = "sweep";

/// Where the figures stand.
fn place() -> PathBuf {
    steps::root().join("snapshots/instructions.txt")
}

/// Counts and compares, or writes down what was counted; returns whether nothing grew.
pub fn main(arguments: &[String]) -> Result<bool, Usage> {
    let accept = !flags("instructions", arguments, &["--accept"])?.is_empty();
    Ok(counted("instructions", arguments, || run(accept)))
}

/// Does a command that counts, if that can be, as the profile builds it that is counted; returns whether all
/// held.
fn counted(
    command: &str,
    arguments: &[String],
    run: impl FnOnce() -> Result<bool, String>,
) -> bool {
    let done = match process::has("valgrind") {
        false => Err("valgrind is not installed: `apt-get install valgrind`".into()),
        true if !bench::is_of(PROFILE) => Ok(bench::again(PROFILE, command, arguments)),
        true => run(),
    };
    done.unwrap_or_else(|error| {
        complain!("{command}: {error}");
        false
    })
}

/// A command of this kind as a step of `ci`: skipped without valgrind, unless tools are required.
pub fn ci(command: fn(&[String]) -> Result<bool, Usage>) -> bool {
    if !process::has("valgrind") && std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_none() {
        complain!("skipped: valgrind, which is not installed");
        return true;
    }
    // It is given nothing that could be wrong.
    command(&[]).is_ok_and(|held| held)
}

fn run(accept: bool) -> Result<bool, String> {
    let jobs: Vec<Job> = ROWS.iter().map(|(_, job)| *job).collect();
    let counts = count::count(&jobs)?;
    let now = Snapshot::new(ROWS.iter().map(|(name, _)| *name).zip(counts));
    if accept {
        let written = std::fs::write(place(), now.to_string());
        written.map_err(|error| format!("{}: {error}", place().display()))?;
        say!("{now}");
        return Ok(true);
    }
    let text = std::fs::read_to_string(place());
    let text = text.map_err(|error| format!("{}: {error}", place().display()))?;
    let then = Snapshot::parse(&text)?;
    let compared = compare::compare(&then, &now);
    print(&compared);
    if then.counted_with != now.counted_with {
        say!("  written down with {}; this is {}", then.counted_with, now.counted_with);
    }
    Ok(compared.iter().all(|row| row.change != Change::Grew))
}

fn print(compared: &[Compared]) {
    let rows: Vec<_> = compared
        .iter()
        .map(|row| {
            let then = row.then.map_or("-".into(), figure);
            let now = row.now.map_or("-".into(), figure);
            vec![row.name.clone(), then, now, row.in_words()]
        })
        .collect();
    let title = "instructions of user space";
    table(title, &["", "written down", "now", "change"], &rows);
    for line in compared.iter().flat_map(Compared::explained) {
        say!("  {line}");
    }
}
