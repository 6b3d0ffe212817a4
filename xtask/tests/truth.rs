//! What Linux does, row by row (`xtask/truth`): both hubs do it, all but a few steps.

use std::process::Command;

/// Percent of the steps that can be observed at most that the simulator has otherwise, or not.
const DIFFERS_MAX: f64 = 3.0;

#[test]
fn linux_truth_holds_on_both_hubs() {
    let mut conform = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = conform.args(["conform", "--truth"]).output().expect("it is built beside this");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "what differs is printed above");
    let all = said.lines().find(|line| line.starts_with("all ")).expect("the counts end in a sum");
    let percent = all.split_whitespace().rev().find_map(|word| word.parse::<f64>().ok());
    assert!(percent.is_some_and(|percent| percent < DIFFERS_MAX), "too much differs: {all}");
}
