//! `cargo xtask mutants`: known faults are switched into a copy of the tree, and the tests that are
//! there to catch them have to.
//!
//! The switches are patches beside those tests, in the folders `tests/mutants`, so nothing of them
//! is in an ordinary build. A patch also adds the tests to be compiled.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::steps;

/// What catches them, by package: the other tests of these targets are left to `cargo xtask test`.
const TESTS: &[&str] = &[
    "test",
    "--quiet",
    "--package=greenroom",
    "--package=greenroom-sim",
    "--package=greenroom-real",
    "--package=xtask",
    "--test=driver",
    "--test=machine",
    "--bins",
    "--",
    "mutants::",
    "traces::",
];

/// Makes the copy, builds and runs it; returns whether every fault was caught.
pub fn run() -> bool {
    let root = steps::root();
    let place = root.join("target/mutants");
    if let Err(error) = prepare(&root, &place) {
        complain!("mutants: {error}");
        return false;
    }
    // What stands beside the patches is formatted by nothing else.
    steps::succeeds(cargo(&place, &["fmt", "--all", "--check"]))
        && steps::succeeds(cargo(&place, TESTS))
}

fn cargo(place: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(steps::cargo_path());
    command.args(args).current_dir(place.join("tree")).env("CARGO_TARGET_DIR", place.join("build"));
    // Seconds of running, minutes of building: the tests end with the first program that finds.
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
    command
}

/// Has `tree` below `place` hold the tree below `root` with every patch applied.
fn prepare(root: &Path, place: &Path) -> Result<(), String> {
    let fail = |error: io::Error| format!("the tree can't be copied: {error}");
    let (fresh, tree) = (place.join("fresh"), place.join("tree"));
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(fail)?;
    }
    let files = files(root)?;
    for file in &files {
        let to = fresh.join(file);
        fs::create_dir_all(to.parent().expect("a file stands in a folder")).map_err(fail)?;
        fs::copy(root.join(file), to).map_err(fail)?;
    }
    for patch in files.iter().filter(|file| is_patch(file)) {
        apply(&fresh, patch, &[]).map_err(|error| format!("{patch}: {error}, {REFRESH}"))?;
    }
    mirror(&fresh, &tree).map_err(fail)
}

/// The files that git knows or would add, and that are there.
fn files(root: &Path) -> Result<Vec<String>, String> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = list.output().map_err(|error| format!("git can't be started: {error}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim()));
    }
    let names = String::from_utf8_lossy(&listed.stdout).into_owned();
    let there = |file: &&str| root.join(file).is_file();
    Ok(names.split('\0').filter(there).map(str::to_owned).collect())
}

/// Makes `to` hold what `from` holds. What is the same keeps its time: cargo builds only what
/// changed since the last copy.
fn mirror(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for old in fs::read_dir(to)? {
        let old = old?;
        match (from.join(old.file_name()).exists(), old.file_type()?.is_dir()) {
            (true, _) => {}
            (false, true) => fs::remove_dir_all(old.path())?,
            (false, false) => fs::remove_file(old.path())?,
        }
    }
    for new in fs::read_dir(from)? {
        let new = new?;
        let (new, to) = (new.path(), to.join(new.file_name()));
        if new.is_dir() {
            mirror(&new, &to)?;
        } else if fs::read(&to).ok() != Some(fs::read(&new)?) {
            fs::copy(&new, &to)?;
        }
    }
    Ok(())
}

/// How a patch that does not apply is mended.
pub const REFRESH: &str = "the patch's first lines say how to refresh it";

/// Whether a file of the tree is a patch of faults.
pub fn is_patch(file: &str) -> bool {
    file.contains("/tests/mutants/") && file.ends_with(".patch")
}

/// Whether a patch of faults would still apply to the tree.
pub fn check(root: &Path, patch: &str) -> Result<(), String> {
    apply(root, patch, &["--check"])
}

/// Applies a patch to the tree that holds it; the error is git's, and names file and line.
fn apply(tree: &Path, patch: &str, flags: &[&str]) -> Result<(), String> {
    let mut git = Command::new("git");
    git.arg("apply").args(flags).arg(patch).current_dir(tree);
    // Below a repository git would pass over whatever the patch says of files outside its folder.
    let above = tree.parent().unwrap_or(tree);
    git.env("GIT_CEILING_DIRECTORIES", above).env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
    let applied = git.output().map_err(|error| format!("git can't be started: {error}"))?;
    if applied.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&applied.stderr);
    let first = said.lines().find_map(|line| line.strip_prefix("error: "));
    Err(first.unwrap_or("git does not apply it").to_owned())
}
