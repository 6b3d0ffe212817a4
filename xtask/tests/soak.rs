//! A soak of a few seconds: it holds, and its table has what it is for.

use std::process::Command;

#[test]
fn a_short_soak_holds() {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = soak.args(["soak", "--for", "4s"]).output().expect("xtask runs");
    let said = String::from_utf8(output.stdout).expect("text");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{complaint}");
    let row = |name: &str| said.lines().find(|line| line.starts_with(name)).expect("a row");
    let numbers = |line: &str| -> Vec<u64> {
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    for honest in ["kv ", "http "] {
        let [requests, rate, median, tail, most] = numbers(row(honest))[..] else {
            panic!("{said}")
        };
        assert!(requests > 0 && rate > 0 && 0 < median && median <= tail && tail <= most, "{said}");
    }
    assert_eq!(numbers(row("descriptors ")).len(), 3, "{said}");
    assert!(numbers(row("VmRSS")).iter().all(|&megabytes| megabytes > 0), "{said}");
}
