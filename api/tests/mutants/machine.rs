//! Each known fault of the driver is found by random programs on the scripted hub.

use greenroom::mutant::{self, Mutant};

use crate::FAIR;
use crate::machine::explore;

#[track_caller]
fn is_found(mutant: Mutant) {
    let found = mutant::with(mutant, || explore(&FAIR, 20_000));
    let failure = found.expect_err("a known fault goes unnoticed");
    println!("{mutant:?} is found by\n{failure}");
}

macro_rules! are_found {
    ($($name:ident: $mutant:ident;)*) => {$(
        #[test]
        fn $name() {
            is_found(Mutant::$mutant);
        }
    )*};
}

are_found! {
    swapped_wakes_are_found: SwappedWakes;
    a_cancel_without_generation_check_is_found: NoGenerationCheck;
    a_deadline_before_the_try_is_found: DeadlineBeforeTry;
    a_waiter_left_in_line_is_found: WokenNotRemoved;
    a_newest_timer_first_is_found: NewestTimerFirst;
    a_timer_not_cleared_is_found: TimerNotCleared;
    a_kill_of_a_runnable_that_is_lost_is_found: KillOfRunnableLost;
    a_close_that_wakes_one_is_found: CloseWakesOne;
    a_close_that_wakes_writers_first_is_found: CloseWakesWriterFirst;
    a_readiness_that_beats_an_earlier_cancel_is_found: LateReadinessBeatsCancel;
    a_baton_not_passed_is_found: NoBaton;
    a_due_call_that_loses_its_place_is_found: DueLosesPlace;
    a_scope_that_does_not_stick_is_found: ScopeNotSticky;
    a_join_that_misses_an_earlier_end_is_found: JoinMissesEarlierEnd;
    an_unlock_that_wakes_the_last_is_found: UnlockWakesLast;
    an_unpark_not_kept_is_found: UnparkNotKept;
    a_scope_that_waits_for_the_first_is_found: ScopeWaitsForFirst;
    a_scope_that_ends_the_last_first_is_found: ReapsInReverse;
}
