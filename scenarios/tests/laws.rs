//! The laws of DESIGN §3.1, a test each: its programs hold on the operating system, in the
//! simulator's boring run, and in every weather.

use std::rc::Rc;

use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::Mutex;
use greenroom::thread;
use greenroom_sim::faults::Weather;
use greenroom_sim::run::{Outcome, Spec, run};

const SEEDS: u64 = 20;

#[track_caller]
fn holds(programs: &[&str]) {
    let laws = greenroom_scenarios::laws();
    for name in programs {
        let law = laws.iter().find(|law| law.name() == format!("law/{name}"));
        let law = law.unwrap_or_else(|| panic!("there is no program law/{name}"));
        let performance = greenroom_real::try_perform(law);
        assert!(performance.held(), "{name} on real: {:?}", performance.violations);
        let boring = run(law, &Spec { tape: Some(vec![]), ..Spec::seed(0) });
        assert!(boring.outcome.held(), "{name} in sim's boring run: {}", boring.outcome);
        // Where nothing is left to chance, what holds sometimes holds at once.
        assert!(performance.sometimes.values().all(|&held| held), "{name} on real");
        assert!(boring.sometimes.iter().all(|&(_, held)| held), "{name} in sim's boring run");
        for weather in Weather::NAMES {
            let weather = Weather::by_name(weather).expect("it is one of the names");
            for seed in 0..SEEDS {
                let run = run(law, &Spec { weather: weather.clone(), ..Spec::seed(seed) });
                assert!(run.outcome.held(), "{name}, seed {seed}: {}", run.outcome);
            }
        }
    }
}

#[test]
fn law_01_switch_points_are_a_closed_list() {
    holds(&["switch-points", "any"]);
}

#[test]
fn law_02_a_call_tries_then_looks_at_its_deadline_then_parks() {
    holds(&["wait-timeout", "readiness"]);
}

#[test]
fn law_03_wake_order_is_the_order_of_becoming_runnable() {
    holds(&["wake-order", "sleep"]);
}

#[test]
fn law_04_a_cancel_fixes_the_outcome_of_one_wait() {
    holds(&["cancel"]);
}

#[test]
fn law_05_several_on_one_socket_are_served_as_they_came() {
    holds(&["accept-order", "one-waiter", "both-ways", "one-handle", "readwrite", "write-room"]);
}

#[test]
fn law_06_a_handle_is_its_own_descriptor() {
    holds(&["last-handle", "close-wakes", "shutdown-wakes", "stale"]);
}

#[test]
fn law_07_a_timeout_covers_the_whole_call() {
    holds(&["read-timeout", "connect-timeout"]);
}

#[test]
fn law_08_scopes_are_sticky_and_told_apart() {
    holds(&["scopes", "sticky-scope"]);
}

#[test]
fn law_09_a_kill_unwinds_at_the_switch_point() {
    holds(&["kill", "destructor", "scope-ends"]);
}

#[test]
fn law_10_a_run_ends_when_main_returns() {
    holds(&["run-ends"]);
}

/// One joins a greenlet that waits for a lock which the first one holds.
fn embrace() -> Scenario {
    Scenario::new("embrace", "two wait for each other", |stage: &mut Stage| {
        stage.client("host", || {
            let lock = Rc::new(Mutex::new(()));
            let theirs = lock.clone();
            let held = lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let other = thread::spawn(move || drop(theirs.lock()));
            let _ = other.join();
            drop(held);
            Ok(())
        });
    })
}

#[test]
fn law_11_a_deadlock_is_named_on_both_hubs() {
    let performance = greenroom_real::try_perform(&embrace());
    let said = performance.violations.join("\n");
    for word in ["deadlock", "in join on the end of", "in lock on a lock held by"] {
        assert!(said.contains(word), "real says {said}");
    }
    let run = run(&embrace(), &Spec::seed(1));
    assert!(matches!(run.outcome, Outcome::Deadlocked(_)), "sim says {}", run.outcome);
    let said = run.outcome.to_string();
    for word in ["in join on the end of", "in lock on a lock held by"] {
        assert!(said.contains(word), "sim says {said}");
    }
}

#[test]
fn law_12_nobody_is_starved_by_one_who_never_waits() {
    holds(&["yields"]);
}

#[test]
fn law_13_a_panic_is_its_greenlets_result() {
    holds(&["panic"]);
}

#[test]
fn law_14_handles_may_go_anywhere_and_say_where_they_cannot_work() {
    holds(&["handles"]);
}

#[test]
fn law_15_statics_port() {
    holds(&["statics"]);
}
