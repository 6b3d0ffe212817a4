//! The congestion window: how it opens, how a loss closes it, and that it may be switched off.

use super::*;

const MSS: u64 = 1460;
/// The client's first byte, behind the SYN.
const FIRST: u64 = 1001;
const WINDOW: u32 = 4 << 20;

fn wide(congestion_control: bool) -> Config {
    Config { send_buffer: WINDOW, recv_buffer: WINDOW, congestion_control, ..Config::default() }
}

/// Two sides that only a congestion window holds back, 10 ms apart.
fn wide_pair() -> Pair {
    Pair::with([wide(true), wide(true)])
}

/// Segments with data that leave in each of the next round trips of 20 ms.
fn flights(pair: &mut Pair, rounds: usize) -> Vec<usize> {
    let count = |pair: &Pair| pair.log.iter().filter(|line| line.contains("len=")).count();
    let mut before = count(pair);
    let mut flights = Vec::new();
    for _ in 0..rounds {
        pair.run(20 * MS - 1);
        let now = count(pair);
        flights.push(now - before);
        before = now;
        pair.run(1);
    }
    flights
}

/// Loses the data segments of these numbers, counted from now.
fn lose(pair: &mut Pair, lost: impl Fn(u32) -> bool + 'static) {
    let mut data = 0;
    pair.fate(move |_, segment| {
        data += u32::from(segment.len > 0);
        if segment.len > 0 && lost(data) { vec![] } else { vec![10 * MS] }
    });
}

#[test]
fn slow_start_doubles_from_ten_segments() {
    let mut pair = wide_pair();
    let before = pair.log.len();
    pair.send(0, &[1; 1 << 20]).unwrap();
    let first = pair.log[before..].iter().filter(|line| line.contains("len=")).count();
    assert_eq!(first, 10);
    assert_eq!(flights(&mut pair, 4), [0, 20, 40, 80]);
}

#[test]
fn switched_off_the_peers_window_is_the_only_limit() {
    let mut pair = Pair::with([wide(false), wide(false)]);
    pair.send(0, &[1; 1 << 20]).unwrap();
    pair.run(10 * MS);
    assert_eq!(pair.side(1).queued(), 1 << 20);
}

#[test]
fn a_loss_halves_the_window_and_then_it_opens_by_a_segment_a_round_trip() {
    let mut pair = wide_pair();
    lose(&mut pair, |nth| nth == 31);
    pair.send(0, &[1; 2 << 20]).unwrap();
    // 10, 20, 40 of which the first is lost: repaired in the round after, at half of 40.
    assert_eq!(flights(&mut pair, 3), [0, 20, 40]);
    pair.run(20 * MS);
    assert_eq!(flights(&mut pair, 6), [0, 21, 22, 23, 24, 25]);
}

#[test]
fn new_data_flows_while_a_hole_is_repaired() {
    let mut pair = wide_pair();
    lose(&mut pair, |nth| nth == 31);
    pair.send(0, &[1; 2 << 20]).unwrap();
    pair.run(60 * MS - 1);
    let before = pair.log.len();
    pair.run(1);
    let sent: Vec<_> = pair.log[before..].iter().filter(|line| line.contains("len=")).collect();
    assert!(sent.len() > 15, "{sent:?}");
}

#[test]
fn a_timeout_starts_again_with_one_segment() {
    let mut pair = wide_pair();
    pair.fate(|_, _| vec![]);
    pair.send(0, &[1; 1 << 20]).unwrap();
    pair.fate(|_, _| vec![10 * MS]);
    pair.run(220 * MS - 1);
    // One, two, four, and from half of the ten that were lost one more each time.
    assert_eq!(flights(&mut pair, 6), [1, 2, 4, 5, 6, 7]);
}

#[test]
fn after_a_rest_the_window_is_the_first_one() {
    let mut pair = wide_pair();
    pair.send(0, &[1; 1 << 20]).unwrap();
    pair.settle();
    pair.recv(1, 1 << 20).unwrap();
    pair.run(60 * SECOND);
    let before = pair.log.len();
    pair.send(0, &[1; 1 << 20]).unwrap();
    assert_eq!(pair.log.len() - before, 10);
}

#[test]
fn a_window_that_is_not_used_does_not_open() {
    let mut pair = wide_pair();
    for _ in 0..1000 {
        pair.send(0, &[1; 1460]).unwrap();
        pair.run(25 * MS);
        pair.recv(1, 1460).unwrap();
        pair.run(25 * MS);
    }
    let before = pair.log.len();
    pair.send(0, &[1; 1 << 20]).unwrap();
    assert_eq!(pair.log.len() - before, 10);
}

#[test]
fn a_syn_lost_twice_costs_the_first_window() {
    let mut pair = Pair::connecting([wide(true), wide(true)]);
    pair.wire.clear();
    pair.fate(|_, _| vec![]);
    pair.run(2 * SECOND);
    pair.fate(|_, _| vec![10 * MS]);
    pair.settle();
    let before = pair.log.len();
    pair.send(0, &[1; 1 << 20]).unwrap();
    assert_eq!(pair.log.len() - before, 1);
}

#[test]
fn two_duplicates_are_no_loss_but_let_new_data_out() {
    let mut pair = wide_pair();
    pair.send(0, &vec![1; 12 * MSS as usize]).unwrap();
    // The first segment is overtaken by two others.
    pair.wire.sort_by_key(|packet| packet.order);
    pair.wire[0].at += MS;
    pair.wire.iter_mut().skip(3).for_each(|packet| packet.at += 2 * MS);
    let before = pair.log.len();
    pair.run(20 * MS);
    let sent = pair.log[before..].iter().filter(|line| line.contains("len=1460")).count();
    assert_eq!(sent, 2, "{}", pair.tail());
    pair.settle();
    assert_eq!(pair.side(1).queued() as u64, 12 * MSS);
}

/// Loses segments by their number in the stream, and which time they are sent.
fn lose_of_stream(pair: &mut Pair, lost: impl Fn(u64, u32) -> bool + 'static) {
    let mut times = std::collections::BTreeMap::<u64, u32>::new();
    pair.fate(move |_, segment| {
        let nth = segment.seq.saturating_sub(FIRST) / MSS;
        let time = times.entry(nth).or_default();
        *time += u32::from(segment.len > 0);
        if segment.len > 0 && lost(nth, *time) { vec![] } else { vec![10 * MS] }
    });
}

/// One hole a round trip would take a hundred of them, and no timer is waited for.
#[test]
fn a_hundred_losses_of_one_window_are_repaired_in_a_few_round_trips() {
    let mut pair = wide_pair();
    lose_of_stream(&mut pair, |nth, time| time == 1 && (150..350).contains(&nth) && nth % 2 == 0);
    let start = pair.now;
    pair.send(0, &[1; 1 << 20]).unwrap();
    pair.settle();
    assert_eq!(pair.side(1).queued(), 1 << 20);
    let rounds = (pair.now - start) / (20 * MS);
    assert!((10..20).contains(&rounds), "{rounds}");
}

/// RFC 8985: what was sent again and lost again is found by what left after it and arrived.
#[test]
fn a_segment_lost_twice_waits_for_no_timer() {
    let mut pair = wide_pair();
    lose_of_stream(&mut pair, |nth, time| nth == 40 && time <= 2);
    let start = pair.now;
    pair.send(0, &[1; 1 << 20]).unwrap();
    let again = |pair: &Pair| {
        let first = format!("seq={} ", FIRST + 40 * MSS);
        let sent: Vec<_> = pair.log.iter().filter(|line| line.contains(&first)).cloned().collect();
        sent.iter().map(|line| line.trim().split(' ').next().unwrap().parse().unwrap()).collect()
    };
    pair.settle();
    let at: Vec<u64> = again(&pair);
    assert_eq!((at.len(), at[2] - at[1]), (3, 20), "sent at {at:?} ms, from {}", start / MS);
}

/// What arrived beyond a gap is in flight no more: as much may follow it (RFC 6675 §5).
#[test]
fn a_timeout_sends_again_only_what_is_missing() {
    let mut pair = wide_pair();
    lose_of_stream(&mut pair, |nth, time| (nth == 2 || nth > 4) && time == 1);
    pair.send(0, &vec![1; 8 * MSS as usize]).unwrap();
    let before = pair.log.len();
    pair.settle();
    assert_eq!(pair.side(1).queued() as u64, 8 * MSS);
    let sent = pair.log[before..].iter().filter(|line| line.contains("len=")).count();
    assert_eq!(sent, 4, "{}", pair.tail());
}
