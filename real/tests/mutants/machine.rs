//! Known faults of the driver are found by random programs over loopback sockets.

use greenroom::mutant::{self, Mutant};

use crate::machine::explore;
use crate::world::Loopback;

#[track_caller]
fn is_found(mutant: Mutant) {
    const CASES_MAX: u32 = 1000;
    let found = mutant::with(mutant, || explore(&Loopback::new(), CASES_MAX));
    let failure = found.expect_err("a known fault goes unnoticed");
    println!("{mutant:?} is found by\n{failure}");
}

#[test]
fn a_baton_not_passed_is_found() {
    is_found(Mutant::NoBaton);
}

#[test]
fn a_close_that_wakes_one_is_found() {
    is_found(Mutant::CloseWakesOne);
}

#[test]
fn a_kill_of_a_runnable_that_is_lost_is_found() {
    is_found(Mutant::KillOfRunnableLost);
}
