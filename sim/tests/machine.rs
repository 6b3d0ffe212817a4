//! Random programs against the model of DESIGN §3.1, on the simulator: in wake order, in orders
//! that seeds draw, and again from the tape. `GREENROOM_CASES=20000` looks longer.

#[path = "../../api/tests/machine/mod.rs"]
mod machine;
#[path = "machine/world.rs"]
mod world;

use std::time::Duration;

use greenroom::mutant::{self, Mutant};

use machine::log::{Outcome, What};
use machine::program::{Arrival, Op, Program, UNIT};
use machine::{Observed, World, cases, explore};
use world::{Order, Simulated};

const FAIR: Simulated = Simulated { order: Order::Wake };
const SEEDED: Simulated = Simulated { order: Order::Seeded };
const REPLAYED: Simulated = Simulated { order: Order::Replayed };

#[track_caller]
fn holds(world: &Simulated) {
    if let Err(failure) = explore(world, cases(200)) {
        panic!("{failure}");
    }
}

#[test]
fn random_programs_do_what_the_model_allows() {
    holds(&FAIR);
}

#[test]
fn random_programs_in_drawn_orders_do_what_the_model_allows() {
    holds(&SEEDED);
}

#[test]
fn a_random_program_is_the_same_run_from_its_tape() {
    holds(&REPLAYED);
}

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

fn only(arrivals: Vec<Arrival>, actors: Vec<Vec<Op>>) -> Program {
    let roots = actors.len();
    Program { seed: 0, streams: 1, writes: false, accepts: false, arrivals, roots, actors }
}

/// What one actor's operation came to.
fn outcome(observed: &Observed, actor: usize, op: usize) -> Option<(Duration, Outcome)> {
    observed.log.iter().find_map(|entry| match &entry.what {
        What::Ended(ended, outcome) if (entry.actor, *ended) == (actor, op) => {
            Some((entry.at, outcome.clone()))
        }
        _ => None,
    })
}

/// Time used to move on at once when all had merely yielded, and a wait for what is ready yields.
#[test]
fn a_wait_for_what_is_ready_takes_no_time() {
    let bytes = Arrival { at: 1, side: 0, count: 2 };
    let wait = || Op::WaitReady { side: 0, within: None };
    let read = || Op::Take { side: 0, len: 1, within: None };
    let scope = Op::Timeout(3, vec![wait(), wait(), read(), wait(), read()]);
    let program = only(vec![bytes], vec![vec![Op::Sleep(2), scope]]);
    for world in [&FAIR, &SEEDED] {
        let observed = world.play(&program);
        let read = outcome(&observed, 0, 6).expect("it reads");
        assert_eq!(read, (2 * UNIT, Outcome::Bytes(vec![1])), "{:#?}", observed.log);
    }
}
