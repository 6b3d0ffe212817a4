//! Where panics abort, nothing unwinds: a kill and the end of a timeout are errors of the calls that can fail,
//! and the others wait on. A program that says so is built with `panic = "abort"`, which no test can be.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program's package: of no workspace, so that how it is built is nobody else's.
const MANIFEST: &str = r#"
[package]
name = "panic-abort"
version = "0.0.0"
edition = "2024"

[[bin]]
name = "panic-abort"
path = "PROGRAM"

[dependencies]
greenroom = { path = "ROOT/api" }
greenroom-real = { path = "ROOT/real" }
greenroom-sim = { path = "ROOT/sim" }

[profile.dev]
panic = "abort"
debug = 0

[workspace]
"#;

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a member stands in the workspace's folder")
}

/// Builds the program, in a target folder of its own that the next build finds warm; returns where it is.
fn build() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-abort");
    fs::create_dir_all(&place).unwrap();
    let program = root().join("xtask/tests/panic_abort/program.rs");
    let manifest = MANIFEST.replace("PROGRAM", program.to_str().expect("text"));
    let manifest = manifest.replace("ROOT", root().to_str().expect("text"));
    fs::write(place.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), place.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--offline", "--target-dir"]).arg(place.join("target"));
    // What the caller's build is told is not this one's.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR").current_dir(&place);
    let built = cargo.output().expect("cargo runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    place.join("target/debug/panic-abort")
}

fn run(program: &Path) -> Output {
    // Longer than it ever takes: one that hangs is ended and named.
    let mut timed = Command::new("timeout");
    timed.args(["--signal=KILL", "30"]).arg(program).stdin(Stdio::null());
    timed.output().expect("it runs")
}

#[test]
fn who_waits_for_a_lock_waits_on_where_panics_abort() {
    let ended = run(&build());
    let (said, error) =
        (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{}: {said}{error}", ended.status);
    assert_eq!(said, "real held\nsim held\n", "{error}");
}
