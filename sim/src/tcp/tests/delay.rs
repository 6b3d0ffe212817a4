//! Nagle's rule, delayed ACKs, and what the two do to each other.

use super::*;

/// Data segments and bare ACKs that left since `from` of the log.
fn said(pair: &Pair, from: usize) -> (usize, usize) {
    let data = pair.log[from..].iter().filter(|line| line.contains("len=")).count();
    (data, pair.log.len() - from - data)
}

/// The client writes twice, the server answers once it has both, the client reads: how long.
fn write_write_read(pair: &mut Pair) -> u64 {
    let start = pair.now;
    pair.side(0).send(b"a").unwrap();
    pair.side(0).send(b"b").unwrap();
    pair.flush();
    let mut got = 0;
    while got < 2 {
        assert!(pair.step(start + SECOND, true));
        got += pair.recv(1, 9).map_or(0, |bytes| bytes.len());
    }
    pair.send(1, b"c").unwrap();
    while pair.recv(0, 9).is_err() {
        assert!(pair.step(start + SECOND, true));
    }
    pair.now - start
}

#[test]
fn row_89_write_write_read_stalls_for_the_delayed_ack() {
    let mut pair = Pair::new();
    let rounds: Vec<_> = (0..60).map(|_| write_write_read(&mut pair) / MS).collect();
    // Both one way times of 10 ms, one round trip for the ACK, and from the second round its delay.
    assert_eq!((rounds[0], rounds[1]), (40, 80));
    assert!(rounds.iter().filter(|ms| **ms == 80).count() > 40, "{rounds:?}");
}

#[test]
fn row_89_no_delay_stalls_never() {
    let mut pair = Pair::no_delay();
    let rounds: Vec<_> = (0..60).map(|_| write_write_read(&mut pair) / MS).collect();
    assert_eq!(rounds, [20; 60]);
}

#[test]
fn row_87_small_writes_wait_for_the_first_ones_ack_and_travel_together() {
    let mut pair = Pair::new();
    let before = pair.log.len();
    for _ in 0..10 {
        pair.side(0).send(b"x").unwrap();
    }
    pair.flush();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 1);
    pair.run(20 * MS);
    assert_eq!((pair.side(1).queued(), said(&pair, before).0), (10, 2));
}

#[test]
fn a_write_of_nothing_holds_up_nothing() {
    let mut pair = Pair::new();
    pair.send(0, b"a").unwrap();
    pair.run(SECOND);
    assert_eq!(pair.side(0).send(b"").unwrap(), 0);
    pair.send(0, b"b").unwrap();
    pair.run(SECOND);
    assert_eq!(pair.side(1).queued(), 2);
}

#[test]
fn a_full_segment_and_the_last_before_fin_do_not_wait() {
    let mut pair = Pair::new();
    let before = pair.log.len();
    pair.side(0).send(b"x").unwrap();
    pair.side(0).send(&[2; 1500]).unwrap();
    pair.flush();
    assert_eq!(said(&pair, before), (2, 0), "{}", pair.tail());
    pair.shutdown(0, false, true).unwrap();
    assert_eq!(said(&pair, before), (3, 0), "{}", pair.tail());
    pair.settle();
    assert_eq!((pair.side(1).queued(), pair.state(1)), (1501, State::CloseWait));
}

#[test]
fn no_delay_set_later_lets_out_what_waits() {
    let mut pair = Pair::new();
    pair.side(0).send(b"x").unwrap();
    pair.side(0).send(b"y").unwrap();
    pair.flush();
    let before = pair.log.len();
    let config = Config { nagle: false, ..Config::default() };
    pair.side(0).configure(config);
    pair.flush();
    assert_eq!(said(&pair, before), (1, 0));
}

#[test]
fn first_acks_are_quick_and_later_ones_wait_where_nobody_reads() {
    let mut pair = Pair::no_delay();
    for nth in 0..20 {
        let before = pair.log.len();
        pair.send(0, b"x").unwrap();
        pair.run(30 * MS);
        assert_eq!(said(&pair, before), (1, usize::from(nth < 16)), "{nth}");
        pair.run(50 * MS);
        assert_eq!(said(&pair, before), (1, 1), "{nth}");
    }
}

#[test]
fn every_second_full_segment_is_acknowledged_at_once() {
    let mut pair = Pair::no_delay();
    // Both talk, so ACKs wait for data.
    for side in [0, 1, 0, 1] {
        pair.send(side, b"x").unwrap();
        pair.run(10 * MS);
    }
    pair.run(SECOND / 10);
    let before = pair.log.len();
    pair.send(0, &[1; 2920]).unwrap();
    pair.run(10 * MS);
    assert_eq!(said(&pair, before), (2, 1), "{}", pair.tail());
}

#[test]
fn an_answer_of_the_next_milliseconds_carries_the_ack() {
    let mut pair = Pair::no_delay();
    for side in [0, 1, 0, 1] {
        pair.send(side, b"x").unwrap();
        pair.run(15 * MS);
    }
    let before = pair.log.len();
    for side in [0, 1, 0, 1] {
        pair.send(side, b"x").unwrap();
        pair.run(15 * MS);
    }
    assert_eq!(said(&pair, before), (4, 0), "{}", pair.tail());
}

#[test]
fn a_gap_and_its_end_are_acknowledged_at_once() {
    let mut pair = Pair::no_delay();
    for side in [0, 1, 0, 1] {
        pair.send(side, b"x").unwrap();
        pair.run(15 * MS);
    }
    pair.fate(|_, _| vec![12 * MS]);
    pair.send(0, b"first").unwrap();
    pair.fate(|_, _| vec![10 * MS]);
    let before = pair.log.len();
    pair.send(0, b"second").unwrap();
    pair.run(12 * MS);
    assert_eq!(said(&pair, before), (1, 2), "{}", pair.tail());
}

#[test]
fn switched_off_an_ack_leaves_in_its_instant() {
    let config = Config { ack_delay_ns: 0, ..Config::default() };
    let mut pair = Pair::with([config.clone(), config]);
    let rounds: Vec<_> = (0..60).map(|_| write_write_read(&mut pair) / MS).collect();
    assert_eq!(rounds, [40; 60]);
}

fn corked() -> Pair {
    Pair::with([Config { cork: true, ..Config::default() }, Config::default()])
}

fn uncork(pair: &mut Pair) {
    pair.side(0).configure(Config::default());
    pair.flush();
}

/// And measured over a round trip of 20 ms: full segments leave at once, the rest when the cork is
/// drawn, or about 230 ms after nothing is on the way any more, with all that was written meanwhile.
#[test]
fn row_90_a_cork_holds_what_is_not_full() {
    let mut pair = corked();
    pair.send(0, &[7; 100]).unwrap();
    pair.run(20 * MS);
    assert_eq!(pair.side(1).queued(), 0);
    uncork(&mut pair);
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 100);

    let mut pair = corked();
    let began = pair.now;
    pair.send(0, &[7; 3000]).unwrap();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 2920);
    pair.run(140 * MS);
    pair.send(0, &[7; 100]).unwrap();
    pair.run(40 * MS);
    assert_eq!(pair.side(1).queued(), 2920);
    while pair.side(1).queued() < 3100 {
        assert!(pair.step(u64::MAX, false));
    }
    let took = pair.now - began;
    assert!((220 * MS..280 * MS).contains(&took), "{} ms", took / MS);
    // It was let out once.
    pair.send(0, &[7; 100]).unwrap();
    pair.run(100 * MS);
    assert_eq!(pair.side(1).queued(), 3100);
}

/// Measured likewise: an end, urgent data and TCP_NODELAY do not wait for the cork; but TCP_NODELAY
/// only lets out what was written before it, and Nagle's rule outlives the cork.
#[test]
fn what_a_cork_does_not_hold() {
    let mut pair = corked();
    pair.send(0, &[7; 100]).unwrap();
    pair.shutdown(0, false, true).unwrap();
    pair.run(10 * MS);
    assert_eq!((pair.side(1).queued(), pair.state(1)), (100, State::CloseWait));

    let mut pair = corked();
    pair.send(0, &[7; 100]).unwrap();
    pair.side(0).send_urgent(b"!").unwrap();
    pair.flush();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 100);

    let mut pair = corked();
    pair.send(0, &[7; 100]).unwrap();
    let no_delay = Config { cork: true, nagle: false, ..Config::default() };
    pair.side(0).configure(no_delay);
    pair.flush();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 100);
    pair.send(0, &[7; 100]).unwrap();
    pair.run(100 * MS);
    assert_eq!(pair.side(1).queued(), 100);

    let mut pair = Pair::new();
    pair.send(0, b"a").unwrap();
    pair.side(0).configure(Config { cork: true, ..Config::default() });
    pair.send(0, &[7; 100]).unwrap();
    uncork(&mut pair);
    pair.send(0, b"z").unwrap();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 1);
    pair.run(20 * MS);
    assert_eq!(pair.side(1).queued(), 102);
}

/// Measured: what is not a full segment waits for the next write, 200 ms, an end, urgent data or
/// TCP_NODELAY, and for an ACK of what went before; not for a write of nothing, nor for Nagle's rule.
#[test]
fn what_more_belongs_to_is_held_back() {
    let more = |pair: &mut Pair, data: &[u8]| {
        let sent = pair.side(0).send_more(data).unwrap();
        pair.flush();
        sent
    };
    let mut pair = Pair::no_delay();
    assert_eq!(more(&mut pair, &[7; 100]), 100);
    pair.send(0, b"").unwrap();
    pair.run(100 * MS);
    assert_eq!(pair.side(1).queued(), 0);
    pair.run(150 * MS);
    assert_eq!(pair.side(1).queued(), 100);
    more(&mut pair, &[7; 100]);
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 100);
    pair.send(0, b"z").unwrap();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 201);

    // Full segments do not wait.
    let mut pair = Pair::new();
    more(&mut pair, &[7; 1500]);
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 1460);

    let mut pair = Pair::new();
    more(&mut pair, &[7; 100]);
    pair.shutdown(0, false, true).unwrap();
    pair.run(10 * MS);
    assert_eq!((pair.side(1).queued(), pair.state(1)), (100, State::CloseWait));

    let mut pair = Pair::new();
    more(&mut pair, &[7; 100]);
    pair.side(0).send_urgent(b"!").unwrap();
    pair.flush();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 100);

    let mut pair = Pair::no_delay();
    more(&mut pair, &[7; 100]);
    pair.side(0).push();
    pair.flush();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 100);

    let mut pair = Pair::no_delay();
    pair.send(0, b"a").unwrap();
    more(&mut pair, &[7; 100]);
    assert_eq!(pair.side(0).unsent(), 100);
    while pair.side(0).unacked() > 0 {
        assert!(pair.step(u64::MAX, false));
    }
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 101, "the ACK lets it out");
}

/// Measured by counting segments behind a cork: each record ends one, and only the last waits.
#[test]
fn a_record_ends_a_segment() {
    let mut pair = corked();
    for (data, ends) in [(b"aaaaa", true), (b"bbbbb", true), (b"ccccc", false)] {
        pair.side(0).send(data).unwrap();
        if ends {
            pair.side(0).end_record();
        }
    }
    let from = pair.log.len();
    pair.flush();
    pair.run(10 * MS);
    assert_eq!((pair.side(1).queued(), said(&pair, from).0), (10, 2));
    uncork(&mut pair);
    pair.run(100 * MS);
    assert_eq!(said(&pair, from).0, 3);

    let mut pair = Pair::new();
    pair.side(0).send_more(b"aaaaa").unwrap();
    pair.side(0).send_more(b"bbbbb").unwrap();
    pair.side(0).end_record();
    pair.side(0).send(b"ccccc").unwrap();
    let from = pair.log.len();
    pair.flush();
    pair.run(300 * MS);
    assert_eq!((pair.side(1).queued(), said(&pair, from).0), (15, 2));
}
