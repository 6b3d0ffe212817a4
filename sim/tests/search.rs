//! What is done with a failing run: made smaller, or refused where no tape determines it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use greenroom::scenario::Scenario;
use greenroom_sim::report::report;
use greenroom_sim::run::{Outcome, Spec, run};
use greenroom_sim::shrink::shrink;

/// Fails in every `nth` run of this process, and looks the same in all.
fn fails_every(nth: u64) -> Scenario {
    let plays = AtomicU64::new(0);
    let plays = std::sync::Arc::new(plays);
    Scenario::new("flip", "what ran before decides", move |stage| {
        let plays = plays.clone();
        stage.client("cli", move || match (plays.fetch_add(1, Ordering::Relaxed) + 1) % nth {
            0 => Err(io::ErrorKind::Other.into()),
            _ => Ok(()),
        });
    })
}

#[test]
fn a_tape_that_gives_another_verdict_is_refused_with_both_sides() {
    let (story, spec) = (fails_every(2), Spec::seed(0));
    assert_eq!(run(&story, &spec).outcome, Outcome::Held);
    let failing = run(&story, &spec);
    assert!(!failing.outcome.held());
    let both = shrink(&story, &spec, &failing).expect_err("the tape's run held");
    assert!(both.contains("violated: cli ends") && both.contains("every property held"), "{both}");
    run(&story, &spec);
    let said = report(&story, &spec, &run(&story, &spec), "it");
    assert!(said.token.is_none());
    assert!(said.text.contains("NOT DETERMINISTIC"), "{}", said.text);
}

#[test]
fn a_panic_that_says_something_else_is_another_run() {
    static PLAYS: AtomicU64 = AtomicU64::new(0);
    let story = Scenario::new("sayings", "a panic with a number of the process's", |stage| {
        stage.client("cli", || panic!("play {}", PLAYS.fetch_add(1, Ordering::Relaxed)));
    });
    let spec = Spec::seed(0);
    let both = shrink(&story, &spec, &run(&story, &spec)).expect_err("it says another number");
    assert!(both.contains("play 0") && both.contains("play 1"), "{both}");
}
