//! Each known fault of the driver is found by random programs on the simulator.

use greenroom::mutant::{self, Mutant};

use crate::machine::explore;
use crate::world::Simulated;
use crate::{FAIR, SEEDED};

/// In every order it is said of; a failure is a small program.
#[track_caller]
fn is_found(mutant: Mutant, worlds: &[&Simulated]) {
    const CASES_MAX: u32 = 50_000;
    for world in worlds {
        let found = mutant::with(mutant, || explore(*world, CASES_MAX));
        let failure = found.expect_err("a known fault goes unnoticed");
        println!("{mutant:?} in {:?} order is found by\n{failure}", world.order);
    }
}

macro_rules! are_found {
    ($($name:ident: $mutant:ident, [$($world:ident),*];)*) => {$(
        #[test]
        fn $name() {
            is_found(Mutant::$mutant, &[$(&$world),*]);
        }
    )*};
}

are_found! {
    a_cancel_without_generation_check_is_found: NoGenerationCheck, [FAIR, SEEDED];
    a_deadline_before_the_try_is_found: DeadlineBeforeTry, [FAIR, SEEDED];
    a_waiter_left_in_line_is_found: WokenNotRemoved, [FAIR, SEEDED];
    // The order of those who can run is the wake order's alone.
    swapped_wakes_are_found: SwappedWakes, [FAIR];
    a_newest_timer_first_is_found: NewestTimerFirst, [FAIR];
    a_timer_not_cleared_is_found: TimerNotCleared, [FAIR, SEEDED];
    a_kill_of_a_runnable_that_is_lost_is_found: KillOfRunnableLost, [FAIR, SEEDED];
    a_close_that_wakes_one_is_found: CloseWakesOne, [FAIR, SEEDED];
    a_readiness_that_beats_an_earlier_cancel_is_found: LateReadinessBeatsCancel, [FAIR, SEEDED];
    a_baton_not_passed_is_found: NoBaton, [FAIR, SEEDED];
    a_due_call_that_loses_its_place_is_found: DueLosesPlace, [FAIR, SEEDED];
    a_scope_that_does_not_stick_is_found: ScopeNotSticky, [FAIR, SEEDED];
    a_join_that_misses_an_earlier_end_is_found: JoinMissesEarlierEnd, [FAIR, SEEDED];
    an_unpark_not_kept_is_found: UnparkNotKept, [FAIR, SEEDED];
    a_scope_that_waits_for_the_first_is_found: ScopeWaitsForFirst, [FAIR, SEEDED];
    a_scope_that_ends_the_last_first_is_found: ReapsInReverse, [FAIR, SEEDED];
    // Only where others may run before a finished call returns.
    a_kill_that_drops_what_was_taken_is_found: KillDropsWhatWasTaken, [SEEDED];
}
