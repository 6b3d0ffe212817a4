//! Random programs against the model of DESIGN §3.1, on the simulator: in wake order, in orders
//! that seeds draw, and again from the tape. `GREENROOM_CASES=20000` looks longer.

#[path = "../../api/tests/machine/mod.rs"]
mod machine;
#[path = "machine/world.rs"]
mod world;

use std::time::Duration;

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

/// Time used to move to the next event when all had merely yielded, and a wait for what is ready yields.
#[test]
fn a_wait_for_what_is_ready_takes_a_microsecond_or_two() {
    let bytes = Arrival { at: 1, side: 0, count: 2 };
    let wait = || Op::WaitReady { side: 0, within: None };
    let read = || Op::Take { side: 0, len: 1, within: None };
    let scope = Op::Timeout(3, vec![wait(), wait(), read(), wait(), read()]);
    let program = only(vec![bytes], vec![vec![Op::Sleep(2), scope]]);
    for world in [&FAIR, &SEEDED] {
        let observed = world.play(&program);
        let (at, read) = outcome(&observed, 0, 6).expect("it reads");
        assert_eq!(read, Outcome::Bytes(vec![1]));
        // Two in a row, and one after a read: that is something else than to yield.
        assert_eq!(at, 2 * UNIT + Duration::from_micros(1 + 2 + 1), "{:#?}", observed.log);
    }
}
