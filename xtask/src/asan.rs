//! `cargo xtask asan`: the driver's tests, and greenlets that will not end on every hub, under
//! AddressSanitizer, which sees a greenlet that outlives
//! what it borrows, on stacks as on the heap.
//!
//! The sanitizer's runtime comes with the Linux toolchains of rustup; where it does not, the step
//! is skipped, or fails if `GREENROOM_REQUIRE_TOOLS` is set.

use std::fs;
use std::process::Command;

use crate::steps;

/// Runs them; returns whether all held.
pub fn run() -> bool {
    if !has_runtime("asan") {
        if std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_some() {
            complain!("asan: this toolchain has no AddressSanitizer, and it is required");
            return false;
        }
        complain!("skipped: AddressSanitizer, which this toolchain does not have");
        return true;
    }
    // The driver's on the scripted hub, and on every hub the programs that tempt it to leave frames.
    let driver = ["--test", "driver", "--test", "machine", "--test", "overflow"];
    let hubs =
        ["--package", "greenroom-real", "--package", "greenroom-sim", "--test", "unkillable"];
    steps::succeeds(tests(&driver)) && steps::succeeds(tests(&hubs))
}

/// `cargo test` with the sanitizer, of these tests.
fn tests(which: &[&str]) -> Command {
    let mut tests = Command::new(steps::cargo_path());
    tests.args(["test", "--quiet", "--package", "greenroom", "--features", "greenroom/sanitizer"]);
    // A target named by hand keeps the flags from build scripts, and has a folder of its own.
    tests.args(["--target", &target()]).args(which);
    // The flag is not stable; the sanitizer itself is the same as a nightly's.
    tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    // Stacks are kept for the next greenlet, and slabs for good.
    tests.env("ASAN_OPTIONS", "detect_leaks=0").current_dir(steps::root());
    tests
}

/// The one that the runtime is for, where there is one.
pub fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

/// Whether the toolchain has the runtime of this sanitizer.
pub fn has_runtime(sanitizer: &str) -> bool {
    let mut printed = Command::new("rustc");
    printed.args(["--print", "target-libdir", "--target", &target()]);
    let Ok(printed) = printed.output() else { return false };
    let Ok(folder) = fs::read_dir(String::from_utf8_lossy(&printed.stdout).trim()) else {
        return false;
    };
    let mut names = folder.flatten().map(|file| file.file_name());
    let ending = format!("_rt.{sanitizer}.a");
    names.any(|name| name.to_string_lossy().ends_with(&ending))
}
