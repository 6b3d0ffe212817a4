//! Each known fault breaks the law it is about: the law's own test fails with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use greenroom::driver;
use greenroom::mutant::{self, Mutant};

use super::{cancel, close, ending, io, kill, lines, order, park, scope, sync, timeout};

const BROKEN: &[(Mutant, fn())] = &[
    (Mutant::NoGenerationCheck, cancel::a_stale_cancel_does_not_hit_a_later_wait),
    (Mutant::DeadlineBeforeTry, io::data_wins_a_tie_with_the_clock),
    (Mutant::WokenNotRemoved, lines::a_reader_that_timed_out_leaves_the_line),
    (Mutant::SwappedWakes, order::readiness_wakes_in_polls_order_then_timers),
    (Mutant::NewestTimerFirst, order::timers_fire_by_deadline_then_creation),
    (Mutant::TimerNotCleared, park::a_timer_of_an_earlier_wait_does_not_end_a_park),
    (Mutant::KillOfRunnableLost, lines::a_woken_reader_that_is_killed_passes_its_event_on),
    (
        Mutant::KillDropsWhatWasTaken,
        kill::what_a_call_took_is_its_callers_even_if_a_kill_comes_before_it_returns,
    ),
    (Mutant::CloseWakesOne, close::close_wakes_everyone_parked_on_the_descriptor_reader_first),
    (
        Mutant::CloseWakesWriterFirst,
        close::close_wakes_everyone_parked_on_the_descriptor_reader_first,
    ),
    (
        Mutant::LateReadinessBeatsCancel,
        cancel::a_cancel_stands_even_if_bytes_arrive_before_the_waiter_runs,
    ),
    (Mutant::NoBaton, lines::one_event_wakes_one_reader_and_the_baton_is_passed),
    (Mutant::DueLosesPlace, lines::a_reader_whose_time_is_up_keeps_its_place_until_it_has_run),
    (Mutant::ScopeNotSticky, timeout::later_calls_err_even_if_there_is_data),
    (Mutant::JoinMissesEarlierEnd, ending::a_join_of_one_that_is_over_does_not_switch),
    (Mutant::UnlockWakesLast, sync::a_mutex_is_handed_on_first_come_first_served),
    (Mutant::UnparkNotKept, park::an_unpark_before_the_park_is_kept_but_only_one),
    (Mutant::ScopeWaitsForFirst, scope::children_borrow_and_the_scope_waits_for_them),
    (
        Mutant::ReapsInReverse,
        scope::a_kill_in_the_body_or_in_the_wait_ends_the_children_in_one_turn,
    ),
];

#[test]
fn each_known_fault_breaks_its_law() {
    for &(fault, law) in BROKEN {
        law();
        let broken = mutant::with(fault, || catch_unwind(AssertUnwindSafe(law)));
        let Err(payload) = broken else { panic!("{fault:?} breaks nothing") };
        let said = driver::panic_message(&*payload);
        // An expectation of the law's, or a run of it that did not end well: no fault of the test's.
        let is_the_laws = said.starts_with("assertion") || said.starts_with("Ending {");
        assert!(is_the_laws, "{fault:?} breaks something else: {said}");
    }
}
