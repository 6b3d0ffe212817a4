//! `cargo xtask test` and `cargo xtask ci`: commands run one after the other, timed, until one
//! fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::{asan, fuzz, instructions, mutants, tidy, tsan};

/// What a step runs.
enum Work {
    Cargo(&'static [&'static str]),
    Tests,
    Asan,
    Tsan,
    Mutants,
    Fuzz,
    Tidy,
    Snapshots,
    Instructions,
    Growth,
}

impl Work {
    fn is_tests(&self) -> bool {
        matches!(self, Work::Tests | Work::Asan | Work::Tsan | Work::Mutants)
    }
}

const CI: &[(&str, Work)] = &[
    ("fmt", Work::Cargo(&["fmt", "--all", "--check"])),
    ("clippy", Work::Cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ("test", Work::Tests),
    ("asan", Work::Asan),
    ("tsan", Work::Tsan),
    ("mutants", Work::Mutants),
    ("doc", Work::Cargo(&["doc", "--workspace", "--no-deps"])),
    ("tidy", Work::Tidy),
    ("fuzz", Work::Fuzz),
    ("snapshots", Work::Snapshots),
    // The sweep profile: a debug build would spend longer on the seeds than on the build.
    (
        "sweep",
        Work::Cargo(&[
            "run",
            "--profile",
            "sweep",
            "-p",
            "xtask",
            "--",
            "sim",
            "--seeds",
            "0..200",
            "--check",
        ]),
    ),
    ("instructions", Work::Instructions),
    ("growth", Work::Growth),
];

/// Every check there is; returns whether all held. `tests: false` leaves the tests out.
pub fn ci(tests: bool) -> bool {
    CI.iter()
        .filter(|(_, work)| tests || !work.is_tests())
        .all(|(name, work)| step(name, || run(work)))
}

/// Every test: nextest where installed, else cargo's own runner.
pub fn test() -> bool {
    if !has_nextest() {
        return cargo(&["test", "--workspace"]);
    }
    // nextest runs no doctests.
    cargo(&["nextest", "run", "--workspace"]) && cargo(&["test", "--workspace", "--doc"])
}

/// Compares golden traces and reports with `snapshots/`, or accepts what differs.
pub fn snapshots(accept: bool) -> bool {
    let mut command = Command::new(cargo_path());
    command.args(["test", "--quiet", "--package", "xtask", "--test", "snapshots"]);
    command.current_dir(root()).env("INSTA_UPDATE", if accept { "always" } else { "no" });
    succeeds(command)
}

fn run(work: &Work) -> bool {
    match work {
        Work::Cargo(args) => cargo(args),
        Work::Tests => test(),
        Work::Asan => asan::run(),
        Work::Tsan => tsan::run(),
        Work::Mutants => mutants::run(),
        // Half a minute of inputs that nobody saw before, and the kept ones.
        Work::Fuzz => fuzz::ci(),
        Work::Snapshots => snapshots(false),
        Work::Instructions => instructions::ci(instructions::main),
        Work::Growth => instructions::ci(instructions::growth::main),
        Work::Tidy => tidy::report(&root()).unwrap_or_else(|error| {
            complain!("tidy: the tree can't be read: {error}");
            false
        }),
    }
}

fn step(name: &str, work: impl FnOnce() -> bool) -> bool {
    complain!("==> {name}");
    let start = Instant::now();
    let held = work();
    let seconds = start.elapsed().as_secs_f64();
    complain!("==> {name} {} in {seconds:.1} s", if held { "held" } else { "FAILED" });
    held
}

fn has_nextest() -> bool {
    let mut probe = Command::new(cargo_path());
    probe.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn cargo(args: &[&str]) -> bool {
    let mut command = Command::new(cargo_path());
    command.args(args).current_dir(root()).env("RUSTDOCFLAGS", "-D warnings");
    succeeds(command)
}

pub fn succeeds(mut command: Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            complain!("cargo can't be started: {error}");
            false
        }
    }
}

/// The cargo that runs us.
pub fn cargo_path() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// The workspace this xtask was built from.
pub fn root() -> PathBuf {
    let member = Path::new(env!("CARGO_MANIFEST_DIR"));
    member.parent().expect("a member stands in the workspace's folder").to_owned()
}
