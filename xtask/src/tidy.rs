//! Tidiness as a test: crate arrows, module docs, and no clock, chance, hash order or `unsafe`
//! outside its file.
//!
//! What is allowed where is data, each entry with its reason: the [`Allowed`] lists below. A
//! finding is one line, `path:line: what, why`.

mod arrows;
mod floors;
mod lengths;
mod mask;
mod partners;
mod rules;
mod source;
pub mod unsafety;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{mutants, steps};

/// Places that may do what others may not: (path, reason). A path that ends in `*` is a prefix.
type Allowed = &'static [(&'static str, &'static str)];

/// Who may ask the operating system for the time.
const CLOCKS: Allowed = &[
    ("real/*", "the operating system's clocks are that hub's"),
    ("xtask/*", "measures and reports wall time"),
    ("api/src/time.rs", "falls back on the operating system outside any hub"),
    ("api/src/hub/clock.rs", "wraps std's types"),
    ("sim/src/search/sweep*", "limits and reports a sweep's wall time"),
    ("sim/src/cli*", "reports wall time; `--for` is one"),
    ("sim/src/runner*", "tells a seed that hangs from one that is slow"),
    ("sim/benches/*", "measures"),
    ("sim/examples/*", "measures"),
];
/// Who may ask the operating system for chance.
const CHANCE: Allowed = &[("real/src/sys.rs", "the operating system's entropy is that hub's")];
/// Who may use the generator that seeded values come from.
const SEEDED: Allowed = &[("sim/src/choices*", "derives an entity's keys, and is the only chance")];
/// Where the order of a hash table would reach a decision or a trace.
const NO_HASH_ORDER: &[&str] = &["api/src/", "sim/src/"];
/// Who may say `unsafe`.
const UNSAFE: Allowed = &[
    ("api/src/greenlet/switched.rs", "switches stacks"),
    ("api/src/greenlet/threaded.rs", "passes a baton between threads, for tools"),
    ("api/src/greenlet/stack.rs", "maps stacks"),
    ("api/src/greenlet/lent.rs", "lends a run's driver without a count of who holds it"),
    ("api/src/greenlet/interrupt.rs", "has a thread that hangs say where it is"),
    ("api/src/greenlet/overflow.rs", "handles the fault of an overflow"),
    ("api/src/thread/scoped.rs", "lets a greenlet borrow from a frame it cannot outlive"),
    ("real/tests/races.rs", "plants a race for ThreadSanitizer to report"),
    ("real/src/sys.rs", "a few system calls"),
    ("real/src/sys/control.rs", "control data of messages"),
    ("real/src/sys/names.rs", "the C library's look-ups of names"),
    ("real/src/sys/facts.rs", "what a socket tells by ioctl(2), and TCP_INFO"),
];
/// Modules of sim that import no sibling: (folder or file below `sim/src` without `.rs`).
const ALONE: &[&str] = &["tcp", "choices"];

/// One thing that is not tidy.
#[derive(Clone, Debug)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
    pub why: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}, {}", self.path, self.line, self.what, self.why)
    }
}

/// Every finding below `root`, in the order of paths.
pub fn check(root: &Path) -> io::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let (mut manifests, mut rust) = (Vec::new(), Vec::new());
    for path in files(root)? {
        // What is not text (an image, a capture) has no rule.
        let Ok(text) = String::from_utf8(fs::read(root.join(&path))?) else { continue };
        rules::text(&path, &text, &mut findings);
        if mutants::is_patch(&path)
            && let Err(what) = mutants::check(root, &path)
        {
            findings.push(Finding { path: path.clone(), line: 1, what, why: mutants::REFRESH });
        }
        if path.ends_with(".rs") {
            rules::rust(&path, &text, &mut findings);
            rust.push((path, text));
        } else if path.ends_with("Cargo.toml") {
            manifests.push((path, text));
        }
    }
    arrows::check(&manifests, &mut findings);
    floors::check(&rust, &mut findings);
    lengths::check(&rust, &mut findings);
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(findings)
}

/// `tidy` with its arguments; returns whether all holds.
pub fn main(args: &[String]) -> Result<bool, String> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let held = match args[..] {
        [] => report(&steps::root()),
        ["--floors"] => floors::report(&steps::root(), None),
        ["--floors", name] if floors::has(name) => floors::report(&steps::root(), Some(name)),
        _ => return Err("`tidy` takes nothing, or `--floors` with `api` or `sim`".into()),
    };
    held.map_err(|error| format!("tidy: the tree can't be read: {error}"))
}

/// Prints the findings of the tree; returns whether there were none.
pub fn report(root: &Path) -> io::Result<bool> {
    let mut findings = check(root)?;
    partners::check(root, &mut findings);
    for finding in &findings {
        complain!("{finding}");
    }
    Ok(findings.is_empty())
}

/// Whether a list allows this path.
fn allows(list: Allowed, path: &str) -> bool {
    list.iter().any(|(place, _)| match place.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == *place,
    })
}

/// All files of the tree, sorted, with `/` between the parts; no build output, no `.git`.
fn files(root: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            // In a linked work tree `.git` is a file, which says where the repository stands.
            if kind.is_file() && entry.file_name() != ".git" {
                found.push(path.to_string_lossy().replace('\\', "/"));
            } else if kind.is_dir() && !is_output(&entry.path()) {
                folders.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Cargo tags its target directories, whatever they are called.
fn is_output(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    name == ".git"
        || name == "target"
        || name == "greenroom-regressions"
        || folder.join("CACHEDIR.TAG").exists()
}
