//! Real protocols over the virtual network, spoken by libraries that know nothing of us: every byte
//! compared, in the weather of every day (loss, short reads, varying latency), seed by seed.
//!
//! TLS and WebSocket are stories of this test alone: their libraries would weigh on whoever builds
//! the command line. `GREENROOM_SEED=N` plays one seed.

mod opaque;
mod tls;
mod websocket;

use greenroom::scenario::Scenario;
use greenroom_scenarios as stories;
use greenroom_sim::faults::{Fault, Fired, Weather};
use greenroom_sim::run::{Run, Spec, run};

const SEEDS: u64 = 1_000;
/// Seeds of those that are played a second time.
const TWICE: u64 = 50;
/// Seeds that are played in stormy weather too.
const IN_STORMS: u64 = 100;

fn turned(scenario: Scenario, knobs: &[(&str, u64)]) -> Scenario {
    knobs.iter().fold(scenario, |scenario, &(name, value)| {
        scenario.with_knob(name, value).expect("the story has the knob")
    })
}

#[track_caller]
fn holds(story: &Scenario, seed: u64) -> Run {
    let run = run(story, &Spec::seed(seed));
    assert!(run.outcome.held(), "{}, GREENROOM_SEED={seed}: {}", story.name(), run.outcome);
    run
}

/// Every seed, some of them twice, some in storms, and once on the operating system.
#[track_caller]
fn plays(story: &Scenario) -> Fired {
    if let Some(seed) = std::env::var("GREENROOM_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return holds(story, seed).fired;
    }
    let mut fired = Fired::default();
    for seed in 0..SEEDS {
        let first = holds(story, seed);
        if seed < TWICE {
            assert_eq!(holds(story, seed).hash, first.hash, "{}, seed {seed}", story.name());
        }
        fired.add(&first.fired);
    }
    assert!(
        fired.of(Fault::ShortRead) > SEEDS / 10,
        "{} reads were short",
        fired.of(Fault::ShortRead)
    );
    for seed in 0..IN_STORMS {
        let run = run(story, &Spec { weather: Weather::stormy(), ..Spec::seed(seed) });
        assert!(run.outcome.held(), "{}, seed {seed}, stormy: {}", story.name(), run.outcome);
    }
    greenroom_real::perform(story);
    fired
}

/// The same, and packets are lost.
#[track_caller]
fn plays_on_two_hosts(story: &Scenario) {
    let fired = plays(story);
    let alone = std::env::var_os("GREENROOM_SEED").is_some();
    assert!(
        alone || fired.of(Fault::Lost) > SEEDS / 20,
        "{} packets were lost",
        fired.of(Fault::Lost)
    );
}

#[test]
fn http_requests_are_answered_in_order_and_whole() {
    plays_on_two_hosts(&turned(
        stories::http::http(),
        &[("clients", 2), ("rounds", 2), ("size", 10_000)],
    ));
}

#[test]
fn redis_sessions_are_answered_as_redis_does() {
    plays_on_two_hosts(&turned(
        stories::redis::redis(),
        &[("clients", 2), ("rounds", 2), ("size", 100_000)],
    ));
}

#[test]
fn a_mebibyte_comes_back_over_tcp() {
    plays_on_two_hosts(&turned(stories::bulk::bulk(), &[("bytes", 1 << 20)]));
}

#[test]
fn a_mebibyte_comes_back_over_a_unix_socket() {
    plays(&turned(stories::bulk::bulk_unix(), &[("bytes", 1 << 20)]));
}

#[test]
fn tls_carries_every_byte_and_ends_with_a_word() {
    plays_on_two_hosts(&tls::story(true));
}

#[test]
fn websocket_messages_come_back_whole() {
    plays_on_two_hosts(&websocket::story(true));
}
