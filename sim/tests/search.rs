//! What is done with a failing run: made smaller, or refused where no tape determines it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use greenroom::net::UdpSocket;
use greenroom::scenario::Scenario;
use greenroom::time::{Duration, Instant};
use greenroom_sim::Weather;
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

/// Twelve questions and answers, 120 ms where nothing deviates. Late packets add up, so that none of
/// them can be left out of a run that is barely too slow, while another seed has few that are enough.
fn slow() -> Scenario {
    Scenario::new("slow", "twelve round trips take less than 145 ms", |stage| {
        stage.server("srv", || {
            let socket = UdpSocket::bind("0.0.0.0:9")?;
            loop {
                let (_, from) = socket.recv_from(&mut [0; 8])?;
                socket.send_to(b"pong", from)?;
            }
        });
        stage.client("cli", || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            let start = Instant::now();
            for _ in 0..12 {
                socket.send_to(b"ping", "10.0.0.1:9")?;
                socket.recv(&mut [0; 8])?;
            }
            greenroom::always!(start.elapsed() < Duration::from_millis(145), "fast enough");
            Ok(())
        });
    })
}

fn calm_but_slow() -> Weather {
    Weather { loss_ppm: 0, short_read_ppm: 0, ..Weather::default() }
}

#[test]
fn a_run_that_stays_large_is_left_for_another_that_does_not() {
    let story = slow();
    let spec = |seed| Spec { weather: calm_but_slow(), ..Spec::seed(seed) };
    let runs = (0..).map(|seed| (spec(seed), run(&story, &spec(seed))));
    for (spec, failing) in runs.filter(|(_, run)| !run.outcome.held()).take(5) {
        let small = shrink(&story, &spec, &failing).expect("a tape is its run");
        let left = small.run.deviation_count();
        println!("seed {}: {} -> {left} in {} runs", spec.seed, small.before, small.runs);
        assert_eq!(small.run.outcome.class(), failing.outcome.class());
        assert!(small.is_minimal && small.runs <= 3_000);
        assert!(left <= 6, "seed {}: {left}", spec.seed);
    }
}
