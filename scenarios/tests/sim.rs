//! Every story and every law in the simulator, and what the simulator owes them: the same run for
//! the same seed, intact bytes through bad links, silence where there is no route.

use std::collections::BTreeSet;
use std::io;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom::time::{Duration, Instant};
use greenroom_sim::faults::{Fault, Weather};
use greenroom_sim::run::{Run, Spec, run};
use greenroom_sim::trace::Level;

const MS: u64 = 1_000_000;

fn in_weather(seed: u64, weather: &Weather) -> Spec {
    Spec { weather: weather.clone(), ..Spec::seed(seed) }
}

#[track_caller]
fn holds(scenario: &Scenario, spec: &Spec) -> Run {
    let run = run(scenario, spec);
    let (name, seed, weather) = (scenario.name(), spec.seed, &spec.weather.name);
    assert!(run.outcome.held(), "{name}, seed {seed}, {weather} weather: {}", run.outcome);
    run
}

#[track_caller]
fn holds_in_every_weather(scenario: &Scenario, seeds: u64) {
    for name in Weather::NAMES {
        let weather = Weather::by_name(name).expect("it is one of the names");
        (0..seeds).for_each(|seed| drop(holds(scenario, &in_weather(seed, &weather))));
    }
}

fn turned(scenario: Scenario, knobs: &[(&str, u64)]) -> Scenario {
    knobs.iter().fold(scenario, |scenario, &(name, value)| {
        scenario.with_knob(name, value).expect("the story has the knob")
    })
}

#[test]
fn stories_hold_in_every_weather() {
    for story in greenroom_scenarios::all() {
        let seeds = if story.name() == "backpressure" { 30 } else { 200 };
        holds_in_every_weather(&story, seeds);
    }
}

#[test]
fn laws_hold_in_every_weather() {
    greenroom_scenarios::laws().iter().for_each(|law| holds_in_every_weather(law, 30));
}

#[test]
fn stories_of_other_sizes_hold() {
    use greenroom_scenarios as stories;
    let sizes = [
        turned(stories::echo::echo(), &[("clients", 5), ("connections", 3), ("messages", 6)]),
        turned(stories::pipeline::pipeline(), &[("clients", 1), ("requests", 200), ("size", 3000)]),
        turned(stories::half_close::half_close(), &[("clients", 1), ("bytes", 0)]),
        turned(stories::datagram::datagram(), &[("requests", 30), ("patience_ms", 5)]),
        turned(stories::kv::story(), &[("clients", 4), ("operations", 12), ("keys", 1)]),
        turned(stories::kv::story(), &[("connections", 3), ("operations", 8), ("keys", 5)]),
        turned(stories::http::http(), &[("clients", 3), ("size", 0)]),
        turned(stories::redis::redis(), &[("clients", 3), ("rounds", 3), ("size", 1)]),
        turned(stories::bulk::bulk(), &[("bytes", 0)]),
        turned(stories::bulk::bulk_unix(), &[("bytes", 1)]),
    ];
    sizes.iter().for_each(|story| holds_in_every_weather(story, 20));
}

#[test]
fn a_seed_is_one_run() {
    for scenario in [greenroom_scenarios::all(), greenroom_scenarios::laws()].concat() {
        for seed in 0..5 {
            let spec = in_weather(seed, &Weather::stormy());
            let (first, second) = (run(&scenario, &spec), run(&scenario, &spec));
            assert_eq!(first.hash, second.hash, "{}, seed {seed}", scenario.name());
            assert_eq!(first.deviations(), second.deviations(), "{}, seed {seed}", scenario.name());
        }
    }
}

#[test]
fn a_run_is_its_deviations() {
    for story in greenroom_scenarios::all() {
        for seed in 0..5 {
            let seeded = run(&story, &Spec::seed(seed));
            let tape = Some(seeded.deviations());
            let again = run(&story, &Spec { tape, ..Spec::seed(seed) });
            assert_eq!(again.matched, seeded.deviation_count(), "{}, seed {seed}", story.name());
            assert_eq!(again.hash, seeded.hash, "{}, seed {seed}", story.name());
        }
    }
}

/// A pinned run's trace is read by people.
#[test]
fn boring_runs_are_short_to_read() {
    for story in greenroom_scenarios::all() {
        let spec = Spec { tape: Some(vec![]), keeps_events: true, ..Spec::seed(0) };
        let trace = holds(&story, &spec).trace.expect("its events are kept");
        let lines = trace.text(Level::Api, story.name()).lines().count();
        assert!(lines < 150, "{} takes {lines} lines", story.name());
    }
}

/// A trace line without its time: greenlet and operation, in its host's column.
fn order_of(run: &Run) -> String {
    let trace = run.trace.as_ref().expect("its events are kept");
    let text = trace.text(Level::Api, "echo");
    let untimed = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    untimed.map(|(_, rest)| format!("{rest}\n")).collect()
}

#[test]
fn seeds_give_distinct_orders_at_fixed_latency() {
    // One size, so that what differs is the order and not the messages.
    let echo = turned(greenroom_scenarios::echo::echo(), &[("size", 64)]);
    let orders = (0..200).map(|seed| {
        let spec = Spec { keeps_events: true, ..in_weather(seed, &Weather::calm()) };
        order_of(&holds(&echo, &spec))
    });
    let distinct: BTreeSet<String> = orders.collect();
    assert!(distinct.len() > 150, "200 seeds gave {} orders", distinct.len());
}

/// 1 % of the packets are lost each way, and nothing else varies.
fn lossy(latency_ms: u64) -> Weather {
    let latency_ns = latency_ms * MS;
    Weather {
        name: format!("{latency_ms} ms, 1 % lost"),
        latency_min_ns: latency_ns,
        latency_typical_ns: latency_ns,
        latency_max_ns: latency_ns,
        loss_ppm: 10_000,
        ..Weather::calm()
    }
}

fn disorderly(latency_ms: u64) -> Weather {
    let loss = lossy(latency_ms);
    Weather {
        name: format!("{}, 2 % twice, 2 % overtaken", loss.name),
        duplicate_ppm: 20_000,
        reorder_ppm: 20_000,
        short_read_ppm: 100_000,
        ..loss
    }
}

#[test]
fn a_mebibyte_and_echoes_arrive_intact_through_loss_and_disorder() {
    let bulk = [("clients", 1), ("bytes", 1 << 20)];
    let bulk = turned(greenroom_scenarios::half_close::half_close(), &bulk);
    let echo = greenroom_scenarios::echo::echo();
    for latency_ms in [1, 5, 50, 500] {
        for weather in [lossy(latency_ms), disorderly(latency_ms)] {
            for seed in 0..50 {
                holds(&echo, &in_weather(seed, &weather));
                let run = holds(&bulk, &in_weather(seed, &weather));
                assert!(run.fired.of(Fault::Lost) > 0, "seed {seed}: a mebibyte lost nothing");
            }
        }
    }
}

#[test]
fn a_connect_into_a_partition_times_out() {
    let story = Scenario::new("partition", "nobody refuses where there is no route", |stage| {
        stage.server("srv", || TcpListener::bind("0.0.0.0:7030")?.accept().map(drop));
        stage.client("cli", || {
            let address = greenroom::net::ToSocketAddrs::to_socket_addrs("srv:7030")?.next();
            let address = address.ok_or(io::ErrorKind::NotFound)?;
            // The route goes down as soon as the first packet has met it.
            let first = TcpStream::connect_timeout(&address, Duration::from_secs(1));
            let start = Instant::now();
            let second = TcpStream::connect(address);
            let kinds = [first, second].map(|answer| answer.map(drop).map_err(|e| e.kind()));
            greenroom::always!(
                kinds == [Err(io::ErrorKind::TimedOut); 2],
                "both connects time out"
            );
            // Ten retries of the SYN, the first five a second apart.
            greenroom::always!(start.elapsed() == Duration::from_secs(131), "Linux's patience");
            Ok(())
        });
    });
    let weather = Weather {
        name: "partition".into(),
        partition_ppm: 1_000_000,
        partition_start_max_ns: 1,
        // Each partition is drawn up to this long; a third of these outlast any connect.
        partition_max_ns: u64::MAX / 4,
        ..Weather::calm()
    };
    // The first SYN leaves before the cut that begins 1 ns later, so a host that answers it is cut
    // off before its answer leaves.
    (0..20).for_each(|seed| drop(holds(&story, &in_weather(seed, &weather))));
}

#[test]
fn sleeps_and_timeouts_are_exact() {
    let story = Scenario::new("exact", "virtual time is exact", |stage| {
        stage.client("host", || {
            let start = Instant::now();
            greenroom::thread::sleep(Duration::from_nanos(1_234_567));
            greenroom::always!(start.elapsed() == Duration::from_nanos(1_234_567), "a sleep");
            let socket = greenroom::net::UdpSocket::bind("0.0.0.0:0")?;
            socket.set_read_timeout(Some(Duration::from_nanos(999)))?;
            let start = Instant::now();
            greenroom::always!(socket.recv(&mut [0]).is_err(), "nothing comes");
            greenroom::always!(start.elapsed() == Duration::from_nanos(999), "a read timeout");
            Ok(())
        });
    });
    holds_in_every_weather(&story, 5);
}

#[test]
fn where_nothing_deviates_close_wakes_the_reader_first() {
    let laws = greenroom_scenarios::laws();
    let law = laws.iter().find(|law| law.name() == "law/close-wakes").expect("there is the law");
    let run = holds(law, &Spec { tape: Some(vec![]), ..Spec::seed(0) });
    assert_eq!(run.sometimes, [("close wakes the reader first", true)]);
}

/// In the storms that the stories weather, each kind of fault strikes but those of a bandwidth, of a
/// narrow hop, and of routers that speak: a story whose connections they end would have to try again. Nor do
/// those of disks, which none of them has.
#[test]
fn storms_are_storms() {
    let stories = greenroom_scenarios::all();
    let mut fired = greenroom_sim::faults::Fired::default();
    for story in stories.iter().filter(|story| story.name() != "backpressure") {
        for seed in 0..50 {
            fired.add(&run(story, &in_weather(seed, &Weather::stormy())).fired);
        }
    }
    let absent = ["power cuts", "queue drops", "too big", "unreachable", "icmp lost"];
    let of_disks = ["unsynced lost", "torn writes", "disk errors", "short file calls"];
    let strikes = |name: &&str| !absent.contains(name) && !of_disks.contains(name);
    for (name, count) in fired.rows().into_iter().filter(|(name, _)| strikes(name)) {
        assert!(count > 0, "{name}: never");
    }
}

#[test]
fn names_differ_and_planted_ones_say_so() {
    let all = [greenroom_scenarios::all(), greenroom_scenarios::laws()].concat();
    let planted = greenroom_scenarios::planted();
    assert!(planted.iter().all(|story| story.name().starts_with("planted/")));
    assert!(all.iter().all(|story| !story.name().starts_with("planted/")));
    let names: BTreeSet<&str> = all.iter().chain(&planted).map(Scenario::name).collect();
    assert_eq!(names.len(), all.len() + planted.len());
}
