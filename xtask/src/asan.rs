//! `cargo xtask asan`: the driver's tests under AddressSanitizer, which sees a greenlet that outlives
//! what it borrows, on stacks as on the heap.
//!
//! The sanitizer's runtime comes with the Linux toolchains of rustup; where it does not, the step
//! is skipped, or fails if `GREENROOM_REQUIRE_TOOLS` is set.

use std::fs;
use std::process::Command;

use crate::steps;

/// Runs them; returns whether all held.
pub fn run() -> bool {
    if !has_runtime() {
        if std::env::var_os("GREENROOM_REQUIRE_TOOLS").is_some() {
            eprintln!("asan: this toolchain has no AddressSanitizer, and it is required");
            return false;
        }
        eprintln!("skipped: AddressSanitizer, which this toolchain does not have");
        return true;
    }
    let mut tests = Command::new(steps::cargo_path());
    // A target named by hand keeps the flags from build scripts, and has a folder of its own.
    let target = target();
    tests.args(["test", "--quiet", "--package", "greenroom", "--features", "sanitizer"]);
    tests.args(["--test", "driver", "--test", "machine", "--test", "overflow"]);
    tests.args(["--target", &target]);
    // The flag is not stable; the sanitizer itself is the same as a nightly's.
    tests.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
    // Leaks are by design: the stack of a greenlet that will not be unwound is never given back.
    tests.env("ASAN_OPTIONS", "detect_leaks=0").current_dir(steps::root());
    steps::succeeds(tests)
}

/// The one that the runtime is for, where there is one.
fn target() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn has_runtime() -> bool {
    let mut printed = Command::new("rustc");
    printed.args(["--print", "target-libdir", "--target", &target()]);
    let Ok(printed) = printed.output() else { return false };
    let Ok(folder) = fs::read_dir(String::from_utf8_lossy(&printed.stdout).trim()) else {
        return false;
    };
    let mut names = folder.flatten().map(|file| file.file_name());
    names.any(|name| name.to_string_lossy().ends_with("_rt.asan.a"))
}
