//! What Linux was measured to do, row by row, where no other file here tells it as its own story.

use super::*;

/// Both directions are over, and there is an error to report.
const ALL: &str = "IN|OUT|ERR|HUP|RDHUP";

/// The first side closes, the second writes into it, and a reset comes back.
fn written_to_a_closed_peer() -> Pair {
    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    assert_eq!(pair.send(1, b"x").unwrap(), 1);
    pair.settle();
    pair
}

#[test]
fn row_63_a_late_writes_error_is_told_once() {
    let mut pair = written_to_a_closed_peer();
    assert_eq!((pair.so_error(1), pair.so_error(1)), (EPIPE, 0));
    assert_eq!((errno(pair.send(1, b"x")), pair.recv(1, 9).unwrap().len()), (EPIPE, 0));
    let mut pair = written_to_a_closed_peer();
    assert_eq!((errno(pair.send(1, b"x")), errno(pair.send(1, b"x"))), (EPIPE, EPIPE));
    assert_eq!((pair.so_error(1), pair.recv(1, 9).unwrap().len()), (0, 0));
}

#[test]
fn row_67_abort_is_a_reset() {
    let mut pair = Pair::new();
    pair.abort(0);
    pair.settle();
    assert_eq!((pair.poll(1).as_str(), errno(pair.recv(1, 9))), (ALL, ECONNRESET));
    assert_eq!((pair.recv(1, 9).unwrap().len(), errno(pair.send(1, b"x"))), (0, EPIPE));
    assert_eq!(pair.state(1), State::Closed);
}

#[test]
fn row_73_what_was_queued_is_read_after_shutdown() {
    let mut pair = Pair::new();
    pair.send(0, b"early").unwrap();
    pair.settle();
    pair.shutdown(1, true, false).unwrap();
    assert_eq!(pair.recv(1, 9).unwrap(), b"early");
    assert_eq!(pair.recv(1, 9).unwrap(), b"");
}

#[test]
fn row_78_shutdown_after_the_peer_closed_or_reset() {
    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    pair.shutdown(1, true, false).unwrap();
    pair.shutdown(1, false, true).unwrap();
    pair.settle();
    assert_eq!((errno(pair.send(1, b"x")), pair.state(1)), (EPIPE, State::Closed));

    let mut pair = Pair::new();
    pair.abort(0);
    pair.settle();
    assert_eq!(errno(pair.shutdown(1, false, true)), ENOTCONN);
    assert_eq!(errno(pair.shutdown(1, true, true)), ENOTCONN);
    assert_eq!(pair.so_error(1), ECONNRESET);
}

#[test]
fn row_79_data_before_fin_is_read_in_pieces() {
    let mut pair = Pair::new();
    pair.send(0, b"data").unwrap();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    assert_eq!(pair.poll(1), "IN|OUT|RDHUP");
    assert_eq!(pair.recv(1, 2).unwrap(), b"da");
    assert_eq!(pair.poll(1), "IN|OUT|RDHUP");
    assert_eq!((pair.recv(1, 9).unwrap(), pair.recv(1, 9).unwrap()), (b"ta".to_vec(), vec![]));
}

#[test]
fn row_93_an_empty_write_is_nothing_and_after_shutdown_an_error() {
    let mut pair = Pair::new();
    assert_eq!(pair.send(0, b"").unwrap(), 0);
    pair.shutdown(0, false, true).unwrap();
    assert_eq!(errno(pair.send(0, b"")), EPIPE);
}

#[test]
fn row_97_abort_after_shutdown_of_both() {
    let mut pair = Pair::new();
    pair.shutdown(0, true, true).unwrap();
    pair.settle();
    pair.abort(0);
    pair.settle();
    assert_eq!((pair.poll(1).as_str(), pair.recv(1, 9).unwrap().len()), (ALL, 0));
    assert_eq!(pair.so_error(1), EPIPE);
}

#[test]
fn row_120_a_write_may_succeed_where_poll_promises_none() {
    let config = Config::default().with_buffers(Some(30_000), Some(9000));
    let mut pair = Pair::with([config.clone(), config]);
    while pair.send(0, &[1; 1000]).is_ok() {
        pair.run(50 * MS);
    }
    assert_eq!(pair.recv(1, 1).unwrap().len(), 1);
    pair.run(50 * MS);
    assert_eq!((pair.poll(0).as_str(), errno(pair.send(0, b"x"))), ("", EAGAIN));
    pair.recv(1, 5000).unwrap();
    pair.run(50 * MS);
    assert_eq!((pair.poll(0).as_str(), errno(pair.send(0, b"x"))), ("", 0));
}

#[test]
fn row_122_a_reset_meets_a_full_buffer() {
    let mut pair = Pair::new();
    while pair.send(0, &[1; 100_000]).is_ok() {
        pair.run(50 * MS);
    }
    pair.close(1);
    pair.settle();
    assert_eq!((errno(pair.send(0, b"x")), errno(pair.send(0, b"x"))), (ECONNRESET, EPIPE));
}

#[test]
fn rows_124_and_125_states_of_an_active_close() {
    let mut pair = Pair::new();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::FinWait2, State::CloseWait]);
    pair.close(1);
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::TimeWait, State::Closed]);
    assert_eq!(pair.state(0).seen_by_owner(), State::Closed);

    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::FinWait2, State::CloseWait]);
    pair.close(1);
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::TimeWait, State::Closed]);

    let mut pair = Pair::new();
    pair.abort(0);
    pair.settle();
    assert!(pair.sides[0].is_none());
    assert_eq!(pair.state(1), State::Closed);
}

/// RFC 6298 (5.5) and (2.5), with Linux's bounds of 200 ms and 120 s.
#[test]
fn retransmissions_double_from_the_first_to_two_minutes() {
    let mut pair = Pair::new();
    pair.fate(|_, _| vec![]);
    let (start, before) = (pair.now, pair.log.len());
    pair.send(0, b"hello").unwrap();
    pair.run(900 * SECOND);
    let millis = |line: &String| line.split_whitespace().next().unwrap().parse::<u64>().unwrap();
    let times: Vec<u64> = pair.log[before..].iter().map(millis).collect();
    let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let doubled: Vec<u64> = (0..).map(|n| (220 << n).min(120_000)).take(gaps.len()).collect();
    assert_eq!((times[0], gaps.clone()), (start / MS, doubled));
    assert!(gaps.len() > 12 && gaps.ends_with(&[120_000, 120_000]), "{gaps:?}");
}
