//! Handshakes, good and bad, and the listener's queues.

use super::*;
use crate::tcp::Flags;

#[test]
fn connect_establishes_both_sides() {
    let mut pair = Pair::new();
    assert!(pair.side(0).connect_result().unwrap().is_ok());
    // It is said once; and whoever was accepted never asked.
    for side in [0, 1] {
        assert_eq!(errno(pair.side(side).connect_result().unwrap()), EISCONN);
    }
    assert_eq!([pair.poll(0), pair.poll(1)], ["OUT", "OUT"]);
    assert_eq!(pair.next_timeout(true), None);
}

#[test]
fn connect_without_listener_is_refused() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.listening = false;
    assert_eq!(pair.poll(0), "");
    assert_eq!([errno(pair.send(0, b"x")), errno(pair.recv(0, 1))], [EAGAIN, EAGAIN]);
    pair.settle();
    assert_eq!(pair.poll(0), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!([pair.so_error(0), pair.so_error(0)], [ECONNREFUSED, 0]);
    assert_eq!(pair.poll(0), "IN|OUT|HUP|RDHUP");
    assert_eq!(errno(pair.side(0).connect_result().unwrap()), ECONNABORTED);
}

#[test]
fn refusal_is_reported_once_by_whoever_asks_first() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.listening = false;
    pair.settle();
    assert_eq!(errno(pair.recv(0, 1)), ECONNREFUSED);
    assert_eq!(pair.recv(0, 1).unwrap(), b"");
    assert_eq!([errno(pair.send(0, b"x")), errno(pair.send(0, b"x"))], [EPIPE, EPIPE]);
}

#[test]
fn lost_syn_is_sent_again_after_a_second() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.wire.clear();
    pair.settle();
    assert_eq!(pair.state(0), State::Established);
    assert_eq!(pair.now, 1030 * MS);
}

#[test]
fn unanswered_syn_is_sent_again_as_linux_does_and_times_out_after_131_seconds() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.wire.clear();
    pair.log.clear();
    pair.fate(|_, _| vec![]);
    pair.settle();
    assert_eq!((pair.so_error(0), pair.now), (ETIMEDOUT, 131 * SECOND));
    let ms = |line: &String| line.split_whitespace().next().unwrap().parse::<u64>().unwrap();
    let times: Vec<u64> = pair.log.iter().map(|line| ms(line) / 1000).collect();
    assert_eq!(times, [1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
}

#[test]
fn half_open_connection_gives_up_silently() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.fate(|to, _| if to == 1 { vec![MS] } else { vec![] });
    pair.step(u64::MAX, true);
    pair.sides[0] = None;
    pair.settle();
    assert!(pair.sides[1].is_none());
    assert_eq!(pair.now, 10 * MS + 63 * SECOND);
}

#[test]
fn lost_final_ack_is_repaired_by_the_first_data() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.fate(|to, s| if to == 1 && !s.flags.syn && s.len == 0 { vec![] } else { vec![MS] });
    pair.run(100 * MS);
    assert_eq!([pair.state(0), pair.state(1)], [State::Established, State::SynReceived]);
    pair.send(0, b"hello").unwrap();
    pair.run(100 * MS);
    assert_eq!(pair.recv(1, 9).unwrap(), b"hello");
}

#[test]
fn simultaneous_open_establishes_both() {
    let mut pair = Pair::connecting([Config::default(), Config::default()]);
    pair.sides[1] = Some(Connection::connect(Config::default(), 9000));
    pair.flush();
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::Established; 2]);
    assert_eq!(pair.now, 20 * MS);
}

#[test]
fn connection_to_itself_echoes() {
    let mut me = Connection::connect(Config::default(), 77);
    let mut payload = Vec::new();
    let mut talk = |me: &mut Connection| {
        while let Some(segment) = me.poll_transmit(0, &mut payload) {
            me.handle_segment(0, &segment, &payload);
        }
    };
    talk(&mut me);
    assert_eq!(me.state(), State::Established);
    me.send(b"hi").unwrap();
    talk(&mut me);
    let mut buf = [0; 9];
    assert_eq!(me.recv(&mut buf).unwrap(), 2);
    me.shutdown(false, true).unwrap();
    talk(&mut me);
    assert_eq!((me.recv(&mut buf).unwrap(), me.state()), (0, State::TimeWait));
}

#[test]
fn shutdown_while_connecting_resets_it() {
    for (read, write) in [(false, true), (true, false)] {
        let mut pair = Pair::connecting([Config::default(), Config::default()]);
        pair.shutdown(0, read, write).unwrap();
        assert_eq!(pair.state(0), State::Closed);
        assert_eq!(pair.poll(0), "OUT|ERR|HUP");
        assert_eq!(pair.so_error(0), ECONNRESET);
    }
}

#[test]
fn old_incarnation_is_reset_by_a_new_syn() {
    let mut pair = Pair::new();
    pair.sides[0] = Some(Connection::connect(Config::default(), 500_000));
    pair.flush();
    pair.run(500 * MS);
    assert_eq!(errno(pair.recv(1, 1)), ECONNRESET);
    pair.close(1);
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::Established; 2]);
}

#[test]
fn stale_data_is_not_accepted() {
    // Before the window; and within it by chance, but acknowledging what was never said.
    for seq in [70, 1001] {
        let mut pair = Pair::new();
        let stale =
            Segment { seq, ack: 90, flags: Flags::ACK, window: 9000, len: 5, ..Segment::default() };
        pair.side(1).handle_segment(0, &stale, b"stale");
        pair.flush();
        pair.settle();
        assert_eq!(pair.side(1).queued(), 0);
        assert_eq!([pair.state(0), pair.state(1)], [State::Established; 2]);
    }
}

#[test]
fn desynchronized_connections_do_not_answer_each_other_for_ever() {
    let mut pair = Pair::new();
    pair.sides[0] = Pair::new().sides[0].take();
    pair.sides[1] = {
        let mut other = Pair::connecting([Config::default(), Config::default()]);
        other.now = 12_345_678;
        other.settle();
        other.sides[1].take()
    };
    pair.send(0, b"x").unwrap();
    pair.run(10 * SECOND);
    assert!(pair.log.len() < 60, "{}", pair.tail());
}

#[test]
fn reset_for_mirrors_the_segment() {
    let ack = Segment { seq: 5, ack: 9, flags: Flags::ACK, window: 0, ..Segment::default() };
    let syn = Segment { seq: 5, flags: Flags::SYN, ..Segment::default() };
    assert_eq!(Connection::reset_for(&ack, 0).unwrap().to_string(), "RST seq=9");
    assert_eq!(Connection::reset_for(&syn, 0).unwrap().to_string(), "RST,ACK seq=0 ack=6");
    assert_eq!(Connection::reset_for(&Segment { flags: Flags::RST, ..ack }, 0), None);
}

#[test]
fn backlog_holds_one_more_than_its_number() {
    for (backlog, fit) in [(0, 1), (1, 2), (2, 3), (5, 6)] {
        let mut listener = Listener::new(backlog);
        let completed = (0..12).filter(|key| listener.begin(*key) && listener.complete(key));
        assert_eq!(completed.count(), fit);
        assert_eq!(listener.pending(), fit);
        assert!(!listener.may_complete());
    }
}

#[test]
fn full_queue_keeps_connections_half_open() {
    let mut listener = Listener::new(0);
    assert!(listener.begin('a') && listener.begin('b'));
    assert!(listener.complete(&'a'));
    assert!(!listener.complete(&'b') && !listener.begin('c'));
    assert_eq!((listener.accept(), listener.half_open()), (Some('a'), 1));
    assert!(listener.complete(&'b') && !listener.abandon(&'b'));
}

#[test]
fn accept_is_first_in_first_out() {
    let mut listener = Listener::new(5);
    for key in 0..5 {
        assert!(listener.begin(key) && listener.complete(&key));
    }
    assert!((0..3).all(|key| listener.accept() == Some(key)));
    assert!(listener.begin(9));
    assert_eq!(listener.close().collect::<Vec<_>>(), [9, 3, 4]);
}
