//! Programs that are kept: each takes some step in some state of a socket with some outcome that
//! no other does. They are played before random ones.
//!
//! `xtask/corpus/*.txt`, programs between blank lines; `conform --grow N` adds to them. Those of two hosts
//! are in `xtask/corpus/across`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::hunt::{Draw, Ground, compare};
use super::parse;
use super::program::{Program, Step};
use super::stage::noted_in_sim;
use crate::steps;

/// So many are kept at most: they are played in every run of the tests.
const PROGRAMS_MAX: usize = 300;

/// All of them, of one host.
///
/// # Errors
///
/// In a line that names the file and, of its program, the line.
pub fn programs() -> Result<Vec<Program>, String> {
    programs_in(&directory())
}

/// Those of two hosts.
///
/// # Errors
///
/// Likewise.
pub fn programs_across() -> Result<Vec<Program>, String> {
    programs_in(&directory().join("across"))
}

fn programs_in(directory: &Path) -> Result<Vec<Program>, String> {
    let files = files(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut all = Vec::new();
    for (name, text) in &files {
        for (index, block) in text.split("\n\n").enumerate() {
            let program = parse::program(block)
                .map_err(|why| format!("{name}: program {}: {why}", index + 1))?;
            all.extend((!program.0.is_empty()).then_some(program));
        }
    }
    Ok(all)
}

/// Draws so many programs and keeps those that reach what none does that is kept.
///
/// # Errors
///
/// In a line, where the files cannot be read or written.
pub fn grow(cases: usize, seed: u64) -> Result<bool, String> {
    let kept = programs()?;
    let mut known: BTreeSet<String> = kept.iter().flat_map(noted_in_sim).collect();
    let mut fresh: BTreeMap<&str, String> = BTreeMap::new();
    let mut count = kept.len();
    for program in Draw::new(seed).take(cases) {
        if count >= PROGRAMS_MAX {
            break;
        }
        let new: BTreeSet<String> = noted_in_sim(&program).difference(&known).cloned().collect();
        if new.is_empty() || compare(&Ground::Loopback, &program).is_some() {
            continue;
        }
        let small = smallest(&program, &new);
        if compare(&Ground::Loopback, &small).is_some() {
            continue;
        }
        known.extend(noted_in_sim(&small));
        fresh.entry(file_of(&small)).or_default().push_str(&format!("\n{small}"));
        count += 1;
    }
    for (name, text) in fresh {
        add(name, &text).map_err(|error| format!("xtask/corpus/{name}.txt: {error}"))?;
    }
    say!("{count} programs are kept, {} new; they reach {}", count - kept.len(), known.len());
    Ok(true)
}

/// Without every step that it does not take to reach these.
fn smallest(program: &Program, new: &BTreeSet<String>) -> Program {
    let mut small = program.clone();
    for at in (0..small.0.len()).rev() {
        let mut less = small.clone();
        less.0.remove(at);
        if noted_in_sim(&less).is_superset(new) {
            small = less;
        }
    }
    small
}

/// Programs are in a file by what they begin with.
fn file_of(program: &Program) -> &'static str {
    let begins = program.0.iter().find(|step| matches!(step, Step::Do(_)));
    let text = begins.map_or(String::new(), Step::to_string);
    let kinds = ["tcp", "udp", "unix", "pipe"];
    kinds.into_iter().find(|kind| text.contains(kind)).unwrap_or("other")
}

fn directory() -> PathBuf {
    steps::root().join("xtask/corpus")
}

/// The files' names and texts, in order; none, where there is no directory yet.
fn files(directory: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if !directory.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read_to_string(entry.path())?);
    }
    Ok(files)
}

fn add(name: &str, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(directory())?;
    let path = directory().join(format!("{name}.txt"));
    let before = fs::read_to_string(&path).unwrap_or_default();
    let whole = format!("{before}{text}");
    fs::write(path, whole.trim_start())
}
