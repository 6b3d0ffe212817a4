//! Greenlets that will not end, in the simulator: see `api/tests/unkillable/programs.rs`.
#![forbid(unsafe_code)]

#[path = "../../api/tests/unkillable/programs.rs"]
mod programs;

use std::time::Duration;

use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom_sim::choices::Fault;
use greenroom_sim::{Outcome, Run, Sim, Spec};

fn of_one_host(main: fn()) -> Run {
    let program = move || {
        main();
        Ok(())
    };
    Sim::new().client("cli", program).run()
}

/// What the test below starts; by itself it does nothing.
#[test]
fn plays_what_it_is_told_to() {
    if let Some(main) = programs::asked_for() {
        std::thread::spawn(move || of_one_host(main).outcome).join().unwrap();
    }
}

#[test]
fn who_swallows_every_kill_where_its_end_is_owed_ends_the_process_by_name() {
    programs::each_ends_by_name("plays_what_it_is_told_to");
}

#[test]
fn who_swallows_a_thousand_and_lets_go_ends_in_good_order() {
    assert_eq!(of_one_host(programs::lets_go_at_last).outcome, Outcome::Held);
}

/// A power cut leaves frames as they stand; after the world they are unwound, stubborn ones too.
#[test]
fn what_a_power_cut_left_is_unwound_however_stubborn() {
    let story = Scenario::new("stubborn", "a server that swallows kills", |stage| {
        let server = || {
            programs::lets_go_at_last();
            Ok(())
        };
        stage.server("srv", server);
        stage.may_lose_power("srv", Duration::from_millis(1));
        stage.client("cli", || {
            thread::sleep(Duration::from_millis(50));
            Ok(())
        });
    });
    for seed in 0..50 {
        let run = greenroom_sim::run::run(&story, &Spec::seed(seed));
        assert_eq!(run.outcome, Outcome::Held, "seed {seed}");
    }
}

/// A job that the dead hub cannot place is its caller's to drop: a destructor of the program's that
/// opens a scope is no part of a hub's call.
#[test]
fn a_job_that_is_refused_is_dropped_outside_the_hub() {
    struct Reads<'a>(&'a [u64]);
    impl Drop for Reads<'_> {
        fn drop(&mut self) {
            assert_eq!(self.0[5], 7);
        }
    }
    struct Job;
    impl Drop for Job {
        fn drop(&mut self) {
            let values = vec![7_u64; 1 << 16];
            let reads = Reads(&values);
            thread::scope(|s| {
                s.spawn(move || drop(reads));
            });
        }
    }
    struct Offloads;
    impl Drop for Offloads {
        fn drop(&mut self) {
            let job = Job;
            let done = thread::run_blocking(move || drop(job));
            assert!(done.is_err());
        }
    }
    let story = Scenario::new("refused", "a job under the dead hub", |stage| {
        stage.server("srv", || {
            let _offloads = Offloads;
            thread::sleep(Duration::from_secs(60));
            Ok(())
        });
        stage.may_lose_power("srv", Duration::from_millis(1));
        stage.client("cli", || {
            thread::sleep(Duration::from_millis(50));
            Ok(())
        });
    });
    let outcome = |seed| greenroom_sim::run::run(&story, &Spec::seed(seed));
    let cut = (0..50).map(outcome).inspect(|run| assert_eq!(run.outcome, Outcome::Held));
    assert!(cut.filter(|run| run.fired.of(Fault::PowerCut) > 0).count() > 0);
}
