//! Loss, and the patience with it.

use super::*;

#[test]
fn lost_segment_is_sent_again_after_the_rto() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![]);
    let start = pair.now;
    pair.send(0, b"hello").unwrap();
    pair.fate(|_, _| vec![10 * MS]);
    pair.settle();
    assert_eq!(pair.recv(1, 9).unwrap(), b"hello");
    assert_eq!(pair.now - start, 20 * MS + 200 * MS + 20 * MS);
}

#[test]
fn lost_segment_in_a_flight_is_sent_again_at_once() {
    let mut pair = Pair::new();
    let mut data = 0;
    pair.fate(move |_, s| {
        data += u32::from(s.len > 0);
        if s.len > 0 && data == 3 { vec![] } else { vec![10 * MS] }
    });
    let start = pair.now;
    pair.send(0, &[5; 14_000]).unwrap();
    pair.settle();
    assert_eq!(pair.side(1).queued(), 14_000);
    assert_eq!(pair.now - start, 40 * MS, "{}", pair.tail());
}

#[test]
fn several_lost_segments_are_repaired_in_one_round_trip() {
    let mut pair = Pair::new();
    let mut data = 0;
    pair.fate(move |_, s| {
        data += u32::from(s.len > 0);
        if s.len > 0 && [2, 5, 9].contains(&data) { vec![] } else { vec![10 * MS] }
    });
    let (start, before) = (pair.now, pair.log.len());
    pair.send(0, &[5; 14_000]).unwrap();
    pair.settle();
    assert_eq!(pair.side(1).queued(), 14_000);
    assert_eq!(pair.now - start, 40 * MS, "{}", pair.tail());
    let sent = pair.log[before..].iter().filter(|line| line.contains("len=")).count();
    assert_eq!(sent, 10 + 3);
}

#[test]
fn whole_lost_window_is_repaired_by_doubling() {
    let unlimited = Config { congestion_control: false, ..Config::default() };
    let mut pair = Pair::with([unlimited, Config::default()]);
    pair.fate(|_, _| vec![]);
    pair.send(0, &[5; 100_000]).unwrap();
    let start = pair.now;
    pair.fate(|_, _| vec![10 * MS]);
    pair.settle();
    assert_eq!(pair.side(1).queued(), 100_000);
    assert!(pair.now - start < 220 * MS + 8 * 20 * MS, "{}", pair.tail());
}

#[test]
fn dead_peer_is_given_up_after_a_quarter_of_an_hour() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![]);
    let start = pair.now;
    pair.send(0, b"hello").unwrap();
    pair.settle();
    assert_eq!(pair.so_error(0), ETIMEDOUT);
    let minutes = (pair.now - start) / (60 * SECOND);
    assert!((15..20).contains(&minutes), "{minutes}");
}

#[test]
fn user_timeout_is_kept_to_the_nanosecond() {
    let limited = Config { user_timeout_ns: Some(500 * MS), ..Config::default() };
    let mut pair = Pair::with([limited, Config::default()]);
    pair.fate(|_, _| vec![]);
    let start = pair.now;
    pair.send(0, b"hello").unwrap();
    pair.settle();
    assert_eq!((pair.so_error(0), pair.now - start), (ETIMEDOUT, 500 * MS));
}

#[test]
fn orphan_gives_up_sooner() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![]);
    let start = pair.now;
    pair.close(0);
    pair.settle();
    assert!(pair.sides[0].is_none());
    assert!(pair.now - start < 240 * SECOND);
}

/// Probes and answers of both sides fall into one instant in every way that they can.
#[test]
fn keepalive_of_both_sides_keeps_both_whatever_coincides() {
    for (idle, interval, latency) in
        (1..4).flat_map(|i| (1..4).flat_map(move |n| (0..5).map(move |l| (i, n, l))))
    {
        let keepalive = Keepalive {
            idle_ns: idle * SECOND,
            interval_ns: interval * SECOND,
            // Enough for one answer to be under way.
            count: 10,
        };
        let config = Config { keepalive: Some(keepalive), ..Config::default() };
        let mut pair = Pair::connecting([config.clone(), config]);
        pair.fate(move |_, _| vec![latency * SECOND / 2]);
        pair.run(200 * SECOND);
        let states = [pair.state(0), pair.state(1)];
        let case = format!("idle {idle}, interval {interval}, latency {latency}/2");
        assert_eq!(states, [State::Established; 2], "{case}\n{}", pair.tail());
    }
}

#[test]
fn keepalive_keeps_a_living_peer_and_finds_a_dead_one() {
    let keepalive = Some(Keepalive { idle_ns: 100 * MS, interval_ns: 100 * MS, count: 3 });
    let mut pair = Pair::with([Config { keepalive, ..Config::default() }, Config::default()]);
    pair.run(20 * SECOND);
    assert_eq!(pair.state(0), State::Established);
    assert!(pair.side(0).timer_is_background());
    pair.fate(|_, _| vec![]);
    pair.run(10 * SECOND);
    assert_eq!(pair.so_error(0), ETIMEDOUT);
}

#[test]
fn backed_off_timer_forgets_after_a_partition() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![]);
    pair.send(0, b"one").unwrap();
    pair.run(100 * SECOND);
    pair.fate(|_, _| vec![10 * MS]);
    pair.settle();
    pair.send(0, b"two").unwrap();
    pair.wire.clear();
    let start = pair.now;
    pair.settle();
    assert_eq!(pair.side(1).queued(), 6);
    assert!(pair.now - start <= 4 * SECOND);
}

#[test]
fn path_slower_than_the_timer_is_measured_in_the_end() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.wire.clear();
    pair.fate(|_, _| vec![2500 * MS]);
    pair.settle();
    for _ in 0..10 {
        pair.send(0, b"x").unwrap();
        pair.settle();
    }
    let before = pair.log.len();
    pair.send(0, b"x").unwrap();
    pair.settle();
    assert_eq!(pair.log.len() - before, 2, "{}", pair.tail());
}

#[test]
fn reordered_segments_are_put_in_order() {
    let mut pair = Pair::new();
    let mut delay = 40;
    pair.fate(move |_, _| {
        delay -= 1;
        vec![delay * MS]
    });
    let data: Vec<u8> = (0..14_000_u32).map(|i| i as u8).collect();
    pair.send(0, &data).unwrap();
    pair.run(45 * MS);
    assert_eq!(pair.recv(1, 30_000).unwrap(), data);
}

#[test]
fn duplicates_are_dropped() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![10 * MS, 10 * MS, 15 * MS]);
    pair.send(0, b"once").unwrap();
    pair.settle();
    assert_eq!(pair.recv(1, 99).unwrap(), b"once");
}

#[test]
fn late_first_copy_is_no_proof_that_the_second_arrived() {
    let mut pair = Pair::no_delay();
    let mut data = 0;
    pair.fate(move |_, s| {
        data += u32::from(s.len > 0);
        match data {
            1 if s.len > 0 => vec![],
            2 if s.len > 0 => vec![13 * MS],
            _ => vec![10 * MS],
        }
    });
    pair.send(0, &[5; 14_000]).unwrap();
    pair.settle();
    assert_eq!(pair.side(1).queued(), 14_000);
    assert_eq!(pair.side(0).facts().sent_again, 2, "{}", pair.tail());
}
