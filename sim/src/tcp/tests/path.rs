//! What routers say, to a connection in each state; what programs see of it is in `net/icmp/tests.rs`.

use super::*;

const ENETUNREACH: i32 = 101;
const EHOSTUNREACH: i32 = 113;

/// RFC 5927 §4: a message about a position that is not in flight is made up.
#[test]
fn a_message_about_no_segment_of_ours_is_ignored() {
    let mut pair = Pair::new();
    pair.side(0).send(&[7; 3000]).unwrap();
    pair.flush();
    for seq in [0, 1000, 1001 + 3001, u64::MAX] {
        pair.side(0).unreachable(0, seq, true);
        assert!(!pair.side(0).too_big(0, seq, 500));
    }
    assert_eq!((pair.so_error(0), pair.side(0).config().mss), (0, 1460));
    assert!(pair.side(0).too_big(0, 1001, 500));
    assert!(!pair.side(0).too_big(0, 1001, 500), "it is no news");
}

/// tcp_v4_err: a socket that connects fails, a request that nobody accepted yet is dropped silently,
/// one that is over is not touched.
#[test]
fn unreachable_ends_an_attempt_and_drops_a_half_open_connection() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.side(0).unreachable(0, 1000, false);
    assert_eq!((pair.state(0), pair.poll(0).as_str()), (State::Closed, "IN|OUT|ERR|HUP|RDHUP"));
    assert_eq!([pair.so_error(0), pair.so_error(0)], [EHOSTUNREACH, 0]);

    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.run(10 * MS);
    assert_eq!(pair.state(1), State::SynReceived);
    let isn = 5000 + pair.now;
    pair.side(1).unreachable(0, isn, true);
    assert!(pair.side(1).is_finished());

    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    pair.close(1);
    pair.settle();
    assert_eq!(pair.state(0), State::TimeWait);
    pair.side(0).unreachable(0, 1002, true);
    assert_eq!((pair.state(0), pair.so_error(0)), (State::TimeWait, 0));
}

/// A simultaneous open is still an attempt to connect.
#[test]
fn unreachable_ends_a_simultaneous_open() {
    let mut one = Connection::connect(Config::default(), 1000);
    let mut payload = Vec::new();
    one.poll_transmit(0, &mut payload);
    let syn =
        Segment { seq: 9000, flags: super::super::Flags::SYN, window: 9000, ..Segment::default() };
    one.handle_segment(0, &syn, &[]);
    assert_eq!(one.state(), State::SynReceived);
    one.unreachable(0, 1000, true);
    let error = one.take_error().and_then(|error| error.raw_os_error());
    assert_eq!((one.state(), error), (State::Closed, Some(ENETUNREACH)));
}

/// Linux's tcp_simple_retransmit: all that is in flight goes again in smaller segments, and the
/// window keeps its number of segments.
#[test]
fn what_was_too_big_goes_again_at_once_in_smaller_segments() {
    let mut pair = Pair::no_delay();
    pair.fate(|_, segment| if segment.len > 960 { vec![] } else { vec![10 * MS] });
    pair.send(0, &[7; 20_000]).unwrap();
    let sent = |pair: &Pair, len: &str| pair.log.iter().filter(|line| line.contains(len)).count();
    assert_eq!(sent(&pair, "len=1460"), 10);
    assert!(pair.side(0).too_big(0, 1001, 960));
    pair.flush();
    assert_eq!(sent(&pair, "len=960"), 10);
    pair.settle();
    assert_eq!((pair.side(1).queued(), sent(&pair, "len=1460")), (20_000, 10));
    assert!(pair.now < 150 * MS, "no timer was waited for: {} ms", pair.now / MS);
}

/// RFC 6069: each answer takes one doubling back, from the moment the segment left.
#[test]
fn an_answer_takes_a_doubling_back() {
    let mut pair = Pair::new();
    pair.send(0, b"x").unwrap();
    pair.settle();
    pair.fate(|_, _| vec![]);
    pair.send(0, b"y").unwrap();
    let began = pair.now;
    for tries in 1..=20 {
        while pair.log.iter().filter(|line| line.contains("seq=1002")).count() <= tries {
            assert!(pair.step(u64::MAX, false));
        }
        let now = pair.now + 10 * MS;
        pair.side(0).unreachable(now, 1002, false);
    }
    let each = (pair.now - began) / 20;
    assert!(each < 250 * MS, "one every {} ms", each / MS);
    // Nobody forgives a timeout that has not been.
    let mut pair = Pair::new();
    pair.send(0, b"x").unwrap();
    let due = pair.side(0).poll_timeout();
    pair.side(0).unreachable(5 * MS, 1001, false);
    assert_eq!(pair.side(0).poll_timeout(), due);
}
