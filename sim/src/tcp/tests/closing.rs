//! FIN, RST, half-close and what each side is told; the rows are those of linux-truth.md.

use super::*;
use crate::tcp::Flags;

#[test]
fn row_62_close_is_eof_then_late_send_is_reset() {
    let mut pair = Pair::new();
    pair.send(0, b"abc").unwrap();
    pair.close(0);
    pair.settle();
    assert_eq!(pair.poll(1), "IN|OUT|RDHUP");
    assert_eq!(pair.recv(1, 9).unwrap(), b"abc");
    assert_eq!(pair.recv(1, 9).unwrap(), b"");
    assert_eq!(pair.state(1), State::CloseWait);
    assert_eq!(pair.send(1, b"x").unwrap(), 1);
    pair.settle();
    assert_eq!(pair.poll(1), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!((pair.recv(1, 9).unwrap(), pair.so_error(1)), (vec![], EPIPE));
    assert_eq!(errno(pair.send(1, b"x")), EPIPE);
    assert!(pair.sides[0].is_none());
}

#[test]
fn row_64_close_with_unread_data_resets() {
    let mut pair = Pair::new();
    pair.send(1, b"unread").unwrap();
    pair.settle();
    pair.close(0);
    pair.settle();
    assert_eq!(pair.poll(1), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!(pair.state(1), State::Closed);
    assert_eq!(errno(pair.recv(1, 9)), ECONNRESET);
    assert_eq!((pair.recv(1, 9).unwrap(), errno(pair.send(1, b"x"))), (vec![], EPIPE));
    assert!(pair.sides[0].is_none());
}

#[test]
fn row_65_bytes_before_a_reset_stay_readable() {
    let mut pair = Pair::new();
    pair.send(1, b"unread").unwrap();
    pair.send(0, b"inflight").unwrap();
    pair.settle();
    pair.close(0);
    pair.settle();
    assert_eq!(pair.recv(1, 9).unwrap(), b"inflight");
    assert_eq!(errno(pair.recv(1, 9)), ECONNRESET);
    assert_eq!(pair.recv(1, 9).unwrap(), b"");
}

#[test]
fn row_66_reset_after_fin_is_epipe() {
    let mut pair = Pair::new();
    pair.send(1, b"unread").unwrap();
    pair.settle();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    assert_eq!(pair.poll(1), "IN|OUT|RDHUP");
    pair.close(0);
    pair.settle();
    assert_eq!(pair.poll(1), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!((pair.recv(1, 9).unwrap(), pair.so_error(1)), (vec![], EPIPE));
}

#[test]
fn row_68_abort_leaves_bytes_then_error_then_eof() {
    let mut pair = Pair::new();
    pair.send(0, b"abc").unwrap();
    pair.abort(0);
    pair.settle();
    let mut buf = [0; 9];
    assert_eq!(pair.side(1).peek(&mut buf).unwrap(), 3);
    assert_eq!((pair.recv(1, 1).unwrap(), pair.recv(1, 9).unwrap()), (b"a".into(), b"bc".into()));
    assert_eq!(errno(pair.recv(1, 9)), ECONNRESET);
    assert_eq!((pair.recv(1, 9).unwrap(), pair.so_error(1)), (vec![], 0));
}

#[test]
fn row_71_close_with_full_buffers_still_delivers_all() {
    let mut pair = Pair::new();
    let sent = pair.send(0, &vec![7; 1 << 20]).unwrap();
    pair.close(0);
    let (mut got, mut reads) = (0, 0);
    while pair.state(1) != State::CloseWait || pair.side(1).queued() > 0 {
        got += pair.recv(1, 10_000).map_or(0, |bytes| bytes.len());
        pair.run(SECOND);
        reads += 1;
        assert!(reads < 1000, "{}", pair.tail());
    }
    assert_eq!((got, pair.recv(1, 1).unwrap()), (sent, vec![]));
}

#[test]
fn row_72_shutdown_read_is_local_and_later_data_readable() {
    let mut pair = Pair::new();
    pair.shutdown(1, true, false).unwrap();
    assert_eq!((pair.recv(1, 9).unwrap(), pair.poll(1).as_str()), (vec![], "IN|OUT|RDHUP"));
    pair.send(0, b"late").unwrap();
    pair.settle();
    assert_eq!((pair.recv(1, 9).unwrap(), pair.recv(1, 9).unwrap()), (b"late".into(), vec![]));
    assert_eq!((pair.poll(0).as_str(), pair.send(1, b"x").unwrap()), ("OUT", 1));
}

#[test]
fn row_74_shutdown_write_is_half_close() {
    let mut pair = Pair::new();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    assert_eq!([errno(pair.send(0, b"x")), errno(pair.send(0, b""))], [EPIPE, EPIPE]);
    assert_eq!((pair.poll(0).as_str(), pair.state(0)), ("OUT", State::FinWait2));
    assert!(pair.shutdown(0, false, true).is_ok() && pair.shutdown(0, true, false).is_ok());
    assert_eq!((pair.poll(1).as_str(), pair.state(1)), ("IN|OUT|RDHUP", State::CloseWait));
    assert_eq!((pair.recv(1, 1).unwrap(), pair.send(1, b"x").unwrap()), (vec![], 1));
}

#[test]
fn row_75_data_after_shutdown_of_both_resets_both() {
    let mut pair = Pair::new();
    pair.shutdown(0, true, true).unwrap();
    assert_eq!(pair.poll(0), "IN|OUT|HUP|RDHUP");
    pair.settle();
    assert_eq!((pair.poll(1).as_str(), pair.send(1, b"four").unwrap()), ("IN|OUT|RDHUP", 4));
    pair.settle();
    assert_eq!(errno(pair.recv(0, 9)), ECONNRESET);
    assert_eq!(pair.poll(1), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!(pair.so_error(1), EPIPE);
}

#[test]
fn row_76_both_half_closes_make_a_whole() {
    let mut pair = Pair::new();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    pair.shutdown(1, false, true).unwrap();
    pair.settle();
    assert_eq!([pair.poll(0), pair.poll(1)], ["IN|OUT|HUP|RDHUP", "IN|OUT|HUP|RDHUP"]);
    assert_eq!([pair.state(0), pair.state(1)], [State::TimeWait, State::Closed]);
    assert_eq!(pair.state(0).seen_by_owner(), State::Closed);
    assert_eq!(errno(pair.shutdown(0, true, true)), ENOTCONN);
    assert_eq!(errno(pair.shutdown(1, true, true)), ENOTCONN);
}

#[test]
fn row_77_half_close_echo() {
    let mut pair = Pair::new();
    pair.send(0, b"req").unwrap();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    assert_eq!((pair.recv(1, 9).unwrap(), pair.recv(1, 9).unwrap()), (b"req".into(), vec![]));
    pair.send(1, b"resp").unwrap();
    pair.close(1);
    pair.settle();
    assert_eq!(pair.poll(0), "IN|OUT|HUP|RDHUP");
    assert_eq!((pair.recv(0, 9).unwrap(), pair.recv(0, 9).unwrap()), (b"resp".into(), vec![]));
    assert_eq!(errno(pair.shutdown(0, false, true)), ENOTCONN);
}

#[test]
fn row_109_unread_request_resets_after_the_response() {
    let mut pair = Pair::new();
    pair.send(0, b"req").unwrap();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    pair.send(1, b"resp").unwrap();
    pair.close(1);
    pair.settle();
    assert_eq!(pair.poll(0), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!(pair.recv(0, 9).unwrap(), b"resp");
    assert_eq!(errno(pair.recv(0, 9)), ECONNRESET);
    assert_eq!(pair.recv(0, 9).unwrap(), b"");
}

#[test]
fn row_110_reset_in_close_wait_keeps_the_bytes() {
    let mut pair = Pair::new();
    pair.send(0, b"abc").unwrap();
    pair.close(0);
    pair.settle();
    pair.send(1, b"x").unwrap();
    pair.settle();
    assert_eq!((pair.recv(1, 9).unwrap(), pair.recv(1, 9).unwrap()), (b"abc".into(), vec![]));
    assert_eq!([pair.so_error(1), pair.so_error(1)], [EPIPE, 0]);
}

#[test]
fn row_126_fin_queues_behind_data() {
    let mut pair = Pair::small_window(2000);
    pair.send(0, &[1; 9000]).unwrap();
    pair.shutdown(0, false, true).unwrap();
    pair.run(SECOND);
    assert_eq!([pair.state(0), pair.state(1)], [State::FinWait1, State::Established]);
    assert_eq!(pair.poll(1), "IN|OUT");
}

#[test]
fn both_close_at_once_both_wait() {
    let mut pair = Pair::new();
    pair.side(0).close();
    pair.close(1);
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::TimeWait; 2]);
    pair.run(61 * SECOND);
    assert!(pair.sides[0].is_none() && pair.sides[1].is_none());
}

#[test]
fn time_wait_answers_a_fin_sent_again() {
    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    pair.close(1);
    let mut acks = 0;
    pair.fate(move |to, s| {
        acks += u32::from(to == 1 && s.flags == Flags::ACK);
        if to == 1 && acks == 1 { vec![] } else { vec![MS] }
    });
    pair.settle();
    assert!(pair.sides[1].is_none(), "{}", pair.tail());
    assert_eq!(pair.state(0), State::TimeWait);
    assert!(pair.side(0).timer_is_background());
    pair.run(61 * SECOND);
    assert!(pair.sides[0].is_none());
}

#[test]
fn time_wait_gives_way_to_a_later_syn_only() {
    let mut pair = Pair::new();
    pair.shutdown(0, false, true).unwrap();
    pair.settle();
    pair.close(1);
    pair.settle();
    let syn = |seq| Segment { seq, flags: Flags::SYN, ..Segment::default() };
    assert!(pair.side(0).gives_way_to(&syn(1 << 50)));
    assert!(!pair.side(0).gives_way_to(&syn(5)));
}

#[test]
fn orphan_in_fin_wait_2_is_forgotten_after_a_minute() {
    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::FinWait2, State::CloseWait]);
    assert!(pair.side(0).timer_is_background());
    pair.run(60 * SECOND);
    assert!(pair.sides[0].is_none());
}

#[test]
fn reset_of_an_orphan_ends_it() {
    let mut pair = Pair::new();
    pair.close(0);
    pair.settle();
    pair.abort(1);
    pair.settle();
    assert!(pair.sides[0].is_none() && pair.sides[1].is_none());
}

#[test]
fn reset_near_the_right_position_is_challenged() {
    let mut pair = Pair::new();
    let seq = 1001 + 500;
    let reset = Segment { seq, flags: Flags::RST, ..Segment::default() };
    pair.side(1).handle_segment(0, &reset, b"");
    pair.flush();
    pair.settle();
    assert_eq!(pair.state(1), State::Established);
    pair.side(1).handle_segment(0, &Segment { seq: 1001, ..reset }, b"");
    assert_eq!(pair.state(1), State::Closed);
}

#[test]
fn reset_that_overtakes_data_still_arrives() {
    let mut pair = Pair::new();
    pair.fate(|_, s| vec![if s.len > 0 { 30 * MS } else { 10 * MS }]);
    pair.send(0, b"abc").unwrap();
    pair.abort(0);
    pair.settle();
    assert_eq!(errno(pair.recv(1, 9)), 0);
    assert_eq!(errno(pair.recv(1, 9)), ECONNRESET);
}

/// 64 and 66 in every state, as Linux's tcp_reset has it: ECONNRESET, but EPIPE where the peer's end
/// was seen and nothing where nobody looks any more.
#[test]
fn a_reset_in_every_state_that_has_seen_the_peer() {
    let reach = |state: State| {
        let mut pair = Pair::new();
        match state {
            State::Established => {}
            State::CloseWait => pair.shutdown(1, false, true).unwrap(),
            State::LastAck => {
                pair.shutdown(1, false, true).unwrap();
                pair.settle();
                pair.shutdown(0, false, true).unwrap();
                return pair;
            }
            State::FinWait1 => {
                pair.shutdown(0, false, true).unwrap();
                return pair;
            }
            State::FinWait2 => pair.shutdown(0, false, true).unwrap(),
            State::Closing => {
                pair.shutdown(0, false, true).unwrap();
                pair.shutdown(1, false, true).unwrap();
                // The ends cross, and the acknowledgments are still in flight.
                pair.run(10 * MS);
                return pair;
            }
            State::TimeWait => {
                pair.shutdown(0, false, true).unwrap();
                pair.settle();
                pair.shutdown(1, false, true).unwrap();
            }
            _ => unreachable!("{state} has not seen the peer"),
        }
        pair.settle();
        pair
    };
    for (state, error, write) in [
        (State::Established, ECONNRESET, EPIPE),
        (State::FinWait1, ECONNRESET, EPIPE),
        (State::FinWait2, ECONNRESET, EPIPE),
        (State::Closing, ECONNRESET, EPIPE),
        (State::CloseWait, EPIPE, EPIPE),
        (State::LastAck, ECONNRESET, EPIPE),
        (State::TimeWait, 0, EPIPE),
    ] {
        let mut pair = reach(state);
        assert_eq!(pair.state(0), state);
        let now = pair.now;
        // The peer sent a SYN and, where it shut down, a FIN.
        let open = matches!(state, State::Established | State::FinWait1 | State::FinWait2);
        let next = 5001 + 10 * MS + u64::from(!open);
        let reset = Segment { seq: next, flags: super::super::Flags::RST, ..Segment::default() };
        pair.side(0).handle_segment(now, &reset, &[]);
        assert_eq!((pair.state(0), pair.so_error(0)), (State::Closed, error), "in {state}");
        assert_eq!(errno(pair.send(0, b"x")), write, "in {state}");
        assert_eq!(pair.poll(0), "IN|OUT|HUP|RDHUP", "in {state}");
    }
}

/// Row 38 (b) is of a connection that stands; before that there is nothing to accept.
#[test]
fn a_reset_for_a_half_open_connection_is_told_nobody() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.run(10 * MS);
    assert_eq!(pair.state(1), State::SynReceived);
    let reset = Segment { seq: 1001, flags: super::super::Flags::RST, ..Segment::default() };
    let now = pair.now;
    pair.side(1).handle_segment(now, &reset, &[]);
    assert!(pair.side(1).is_finished());
}
