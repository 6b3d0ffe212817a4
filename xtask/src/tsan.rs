//! `cargo xtask tsan`: the driver's tests, and those of locks, scopes and queues between hubs, under
//! ThreadSanitizer, with a thread for every greenlet: it cannot follow a switch of stacks.
//!
//! std is built with it too, which takes its source: without that, what std's own locks order looks like
//! races. Where that is missing, the step is skipped; where the sanitizer is, it fails if
//! `GREENROOM_REQUIRE_TOOLS` is set.

use std::process::{Command, Stdio};

use crate::{asan, steps};

/// The test that is to fail.
const PLANTED: &str = "a_planted_race";

/// Runs them; returns whether all held, and whether a race that is planted was reported.
pub fn run() -> bool {
    match (asan::has_runtime("tsan"), has_source()) {
        (true, true) => all(),
        (true, false) => {
            complain!("skipped: tsan, which takes std's source (rustup component rust-src)");
            true
        }
        (false, _) if std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_some() => {
            complain!("tsan: this toolchain has no ThreadSanitizer, and it is required");
            false
        }
        (false, _) => {
            complain!("skipped: ThreadSanitizer, which this toolchain does not have");
            true
        }
    }
}

fn all() -> bool {
    // Stacks are no matter here, and walks of them are of threads'.
    let driver = ["--package", "greenroom", "--test", "driver", "--test", "machine"];
    let hubs = ["--package", "greenroom-real", "--test", "shared", "--test", "races"];
    let sound = ["--skip", PLANTED];
    let sync = ["--package", "greenroom-scenarios", "--test", "sync"];
    steps::succeeds(tests(&driver, &["--skip", "driver::dump"]))
        && steps::succeeds(tests(&hubs, &sound))
        && steps::succeeds(tests(&sync, &[]))
        && reports_the_planted_race()
}

fn reports_the_planted_race() -> bool {
    let which = ["--package", "greenroom-real", "--test", "races"];
    let mut planted = tests(&which, &["--exact", PLANTED]);
    let Ok(said) = planted.stdout(Stdio::piped()).stderr(Stdio::piped()).output() else {
        complain!("tsan: no cargo to run");
        return false;
    };
    let text = String::from_utf8_lossy(&said.stderr);
    let reported = !said.status.success() && text.contains("WARNING: ThreadSanitizer: data race");
    if !reported {
        complain!("tsan: a race was planted and not reported\n{text}");
    }
    reported
}

/// `cargo test` with the sanitizer and threads, of these tests.
fn tests(which: &[&str], run: &[&str]) -> Command {
    let mut tests = Command::new(steps::cargo_path());
    tests.args(["test", "--quiet", "-Zbuild-std", "--target", &asan::target()]);
    tests.args(which).arg("--").args(run);
    let flags = "-Zsanitizer=thread --cfg greenroom_threads";
    // The flags are not stable; the sanitizer itself is the same as a nightly's.
    tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags).current_dir(steps::root());
    // It takes ten times as long under the sanitizer.
    tests.env("PROPTEST_CASES", "32");
    tests.env("CARGO_TARGET_DIR", steps::root().join("target/tsan"));
    tests
}

fn has_source() -> bool {
    let mut printed = Command::new("rustc");
    let Ok(printed) = printed.args(["--print", "sysroot"]).output() else { return false };
    let sysroot = String::from_utf8_lossy(&printed.stdout);
    let sources = std::path::Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    sources.join("Cargo.lock").exists()
}
