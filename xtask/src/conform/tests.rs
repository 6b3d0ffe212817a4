//! Few enough programs for every run of the tests; and what they are good for: each infidelity that
//! can be switched on in the simulator is found by them.

use greenroom_sim::mutant::{self, Mutant};

use super::conform;

const CASES: u32 = 2000;

#[test]
fn programs_see_the_same_on_both_hubs() {
    assert!(conform(CASES, 1), "the program and both columns are printed above");
}

#[test]
fn a_reset_that_is_not_sent_is_found() {
    assert!(!mutant::with(Mutant::NoResetOverUnread, || conform(CASES, 1)));
}

#[test]
fn an_end_that_overtakes_is_found() {
    assert!(!mutant::with(Mutant::EndBeforeBytes, || conform(CASES, 1)));
}

#[test]
fn a_wrong_error_is_found() {
    assert!(!mutant::with(Mutant::RefusalMisnamed, || conform(CASES, 1)));
}
