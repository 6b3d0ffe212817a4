//! `--check` and `replay`: what differs from process to process or outlives a run is found, and its message says what can do
//! that, and nothing that cannot.

use std::process::Command;

/// What a seed says that is played three times, in two processes.
fn checked(drill: &str, how: &[&str]) -> String {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let output = xtask.args(["sim", drill]).args(how).arg("--check").output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(3), "{drill}: {said}");
    assert!(said.contains("NOT DETERMINISTIC"), "{said}");
    said
}

/// The same for one seed and for many: where it shows, what it may be, and what it is not.
fn is_told(drill: &str, shown: &str, may_be: &str, is_not: &[&str]) {
    for how in [&["--seed", "1"][..], &["--seeds", "0..3"]] {
        let said = checked(drill, how);
        assert!(said.contains("they differ first here") && said.contains(shown), "{said}");
        let causes: Vec<&str> = said.lines().filter(|line| line.starts_with("what does")).collect();
        assert_eq!(causes.len(), 1, "one list of what does that:\n{said}");
        assert!(causes[0].contains(may_be), "{may_be}: {said}");
        for other in is_not {
            assert!(!causes[0].contains(other), "{other}: {said}");
        }
    }
}

#[test]
fn a_process_id_is_told_as_what_a_process_has_of_its_own() {
    is_told("drill/pid", "10B", "its id", &["static", "HashMap"]);
}

#[test]
fn an_address_is_told_as_one() {
    is_told("drill/address", "a box at 0x", "an address as a number", &["static", "outlives"]);
}

#[test]
fn the_systems_clock_is_told_as_a_clock() {
    is_told("drill/clock", " ns", "a clock of the system's", &["static", "its id", "outlives"]);
}

#[test]
fn the_order_of_a_hash_map_is_told_as_that() {
    is_told("drill/hash-order", "[", "the order of a HashMap", &["static", "its id", "outlives"]);
}

#[test]
fn the_environment_is_told_as_what_a_process_has_of_its_own() {
    is_told("drill/environment", " variables", "its environment", &["static", "HashMap"]);
}

#[test]
fn a_counter_in_a_static_is_told_as_what_outlives_a_run() {
    is_told("drill/coin", "run ", "a static", &["clock", "HashMap", "its id"]);
}

/// A run that is asked for by its token is played in a second process too.
#[test]
fn a_replay_finds_what_differs_from_process_to_process() {
    for (drill, may_be) in [
        ("drill/pid", "its id"),
        ("drill/environment", "its environment"),
        ("drill/coin", "a static"),
        ("drill/clock", "a clock of the system's"),
    ] {
        let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let token = format!("v2:{drill}");
        let output = xtask.args(["replay", &token]).output().expect("it runs");
        let said = String::from_utf8(output.stdout).expect("text");
        assert_eq!(output.status.code(), Some(3), "{drill}: {said}");
        assert!(
            said.contains("they differ first here") && said.contains(may_be),
            "{drill}: {said}"
        );
    }
}

/// Twice in a row it is the same, and alone in a process too: what went before is to be another.
#[test]
fn what_other_seeds_left_is_found_in_a_sweep() {
    let said = checked("drill/memory", &["--seeds", "0..9"]);
    assert!(said.contains("in two processes, are not the same"), "{said}");
    assert!(said.contains("something that other seeds left in its process"), "{said}");
    assert!(!said.contains("differ first here"), "{said}");
}
