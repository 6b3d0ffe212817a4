//! Urgent bytes (RFC 6093), as Linux 6.18 answered the same calls on two sockets over loopback; the
//! rows are those of linux-truth.md.

use super::*;

const EINVAL: i32 = 22;

fn urgent(pair: &mut Pair, side: usize) -> Result<u8, i32> {
    let mut buf = [0; 4];
    match pair.side(side).recv_urgent(&mut buf) {
        Ok(length) => {
            assert_eq!(length, 1);
            Ok(buf[0])
        }
        Err(error) => Err(error.raw_os_error().unwrap()),
    }
}

/// Side 0 sends, and all arrives.
fn send_urgent(pair: &mut Pair, data: &[u8]) {
    assert_eq!(pair.side(0).send_urgent(data).unwrap(), data.len());
    pair.flush();
    pair.settle();
}

fn send(pair: &mut Pair, data: &[u8]) {
    pair.send(0, data).unwrap();
    pair.settle();
}

fn read(pair: &mut Pair) -> Result<Vec<u8>, i32> {
    pair.recv(1, 9).map_err(|error| error.raw_os_error().unwrap())
}

fn reads(pair: &mut Pair, expected: &[&[u8]]) {
    for &bytes in expected {
        assert_eq!(read(pair), Ok(bytes.to_vec()));
    }
    assert_eq!(read(pair), Err(EAGAIN));
}

/// What poll(2) says, with PRI.
fn poll(pair: &mut Pair) -> String {
    let urgent = pair.side(1).readiness().urgent;
    format!("{}{}", pair.poll(1), if urgent { "|PRI" } else { "" })
}

#[test]
fn row_91_a_read_stops_at_the_mark_and_the_byte_comes_by_its_own_way() {
    let mut pair = Pair::new();
    assert_eq!(urgent(&mut pair, 1), Err(EINVAL));
    send_urgent(&mut pair, b"abc!");
    assert_eq!(poll(&mut pair), "IN|OUT|PRI");
    assert_eq!(read(&mut pair), Ok(b"abc".to_vec()));
    assert_eq!([urgent(&mut pair, 1), urgent(&mut pair, 1)], [Ok(b'!'), Err(EINVAL)]);
    assert_eq!((read(&mut pair), poll(&mut pair)), (Err(EAGAIN), "OUT".into()));
}

#[test]
fn bytes_behind_the_mark_are_read_by_the_next_call_and_the_byte_is_lost() {
    let mut pair = Pair::new();
    pair.side(0).send_urgent(b"abc!").unwrap();
    send(&mut pair, b"def");
    reads(&mut pair, &[b"abc", b"def"]);
    assert_eq!((urgent(&mut pair, 1), poll(&mut pair)), (Err(EINVAL), "OUT".into()));
}

#[test]
fn row_92_inline_the_mark_only_ends_a_read() {
    let mut pair = Pair::new();
    pair.side(1).configure(Config { urgent_inline: true, ..Config::default() });
    pair.side(0).send_urgent(b"ab!").unwrap();
    send(&mut pair, b"cd");
    assert_eq!(poll(&mut pair), "IN|OUT|PRI");
    assert_eq!(read(&mut pair), Ok(b"ab".to_vec()));
    assert_eq!((poll(&mut pair), urgent(&mut pair, 1)), ("IN|OUT|PRI".into(), Err(EINVAL)));
    reads(&mut pair, &[b"!cd"]);
    assert_eq!(poll(&mut pair), "OUT");
    // Told after it was taken, the byte is among the others once more.
    pair.side(1).configure(Config::default());
    send_urgent(&mut pair, b"ab!");
    assert_eq!(urgent(&mut pair, 1), Ok(b'!'));
    pair.side(1).configure(Config { urgent_inline: true, ..Config::default() });
    assert_eq!(poll(&mut pair), "IN|OUT");
    reads(&mut pair, &[b"ab", b"!"]);
}

#[test]
fn row_92_a_second_urgent_byte_makes_the_first_an_ordinary_one() {
    let mut pair = Pair::new();
    send_urgent(&mut pair, b"ab1");
    send_urgent(&mut pair, b"cd2");
    assert_eq!(urgent(&mut pair, 1), Ok(b'2'));
    reads(&mut pair, &[b"ab1cd"]);
    // Though it was taken meanwhile.
    send_urgent(&mut pair, b"ab1");
    assert_eq!(urgent(&mut pair, 1), Ok(b'1'));
    send(&mut pair, b"cd");
    send_urgent(&mut pair, b"ef2");
    reads(&mut pair, &[b"ab1cdef"]);
}

#[test]
fn row_92_where_the_reader_stands_at_the_first_mark_its_byte_is_gone() {
    for takes in [false, true] {
        let mut pair = Pair::new();
        send_urgent(&mut pair, b"ab1");
        assert_eq!(read(&mut pair), Ok(b"ab".to_vec()));
        if takes {
            assert_eq!(urgent(&mut pair, 1), Ok(b'1'));
        }
        send_urgent(&mut pair, b"cd2");
        assert_eq!(urgent(&mut pair, 1), Ok(b'2'));
        reads(&mut pair, &[b"cd"]);
    }
    let mut pair = Pair::new();
    send_urgent(&mut pair, b"1");
    send_urgent(&mut pair, b"2");
    assert_eq!((poll(&mut pair), urgent(&mut pair, 1)), ("OUT|PRI".into(), Ok(b'2')));
    reads(&mut pair, &[]);
}

#[test]
fn row_137_an_urgent_byte_alone_is_no_input() {
    let mut pair = Pair::new();
    send_urgent(&mut pair, b"!");
    assert_eq!(poll(&mut pair), "OUT|PRI");
    // A read that finds nothing has passed it all the same.
    assert_eq!((read(&mut pair), poll(&mut pair)), (Err(EAGAIN), "OUT".into()));
    assert_eq!(urgent(&mut pair, 1), Err(EINVAL));
    send_urgent(&mut pair, b"!");
    assert_eq!((urgent(&mut pair, 1), poll(&mut pair)), (Ok(b'!'), "OUT".into()));
    send(&mut pair, b"x");
    assert_eq!(poll(&mut pair), "IN|OUT");
    reads(&mut pair, &[b"x"]);
}

#[test]
fn a_look_stops_at_the_mark_too_and_moves_nothing() {
    let mut pair = Pair::new();
    pair.side(0).send_urgent(b"ab!").unwrap();
    send(&mut pair, b"cd");
    let mut buf = [0; 9];
    assert_eq!(pair.side(1).peek(&mut buf).unwrap(), 2);
    assert_eq!(read(&mut pair), Ok(b"ab".to_vec()));
    assert_eq!(pair.side(1).peek(&mut buf).unwrap(), 2);
    assert_eq!((&buf[..2], poll(&mut pair)), (&b"cd"[..], "IN|OUT|PRI".into()));
    assert_eq!(urgent(&mut pair, 1), Ok(b'!'));
    reads(&mut pair, &[b"cd"]);
}

#[test]
fn an_end_leaves_the_urgent_byte_and_a_reset_takes_it() {
    let mut pair = Pair::new();
    pair.side(0).send_urgent(b"ab!").unwrap();
    pair.close(0);
    pair.settle();
    assert_eq!(poll(&mut pair), "IN|OUT|RDHUP|PRI");
    assert_eq!([read(&mut pair), read(&mut pair)], [Ok(b"ab".to_vec()), Ok(vec![])]);
    assert_eq!((poll(&mut pair), urgent(&mut pair, 1)), ("IN|OUT|RDHUP".into(), Err(EINVAL)));

    let mut pair = Pair::new();
    send_urgent(&mut pair, b"ab!");
    pair.abort(0);
    pair.settle();
    assert_eq!(poll(&mut pair), "IN|OUT|ERR|HUP|RDHUP|PRI");
    assert_eq!((urgent(&mut pair, 1), read(&mut pair)), (Err(ENOTCONN), Ok(b"ab".to_vec())));
    assert_eq!([read(&mut pair), read(&mut pair)], [Err(ECONNRESET), Ok(vec![])]);
}

#[test]
fn closing_over_an_urgent_byte_resets_even_if_it_was_taken() {
    for passes in [false, true] {
        let mut pair = Pair::new();
        send_urgent(&mut pair, b"!");
        match passes {
            true => assert_eq!(read(&mut pair), Err(EAGAIN)),
            false => assert_eq!(urgent(&mut pair, 1), Ok(b'!')),
        }
        pair.close(1);
        pair.settle();
        let answer = pair.recv(0, 9).map_err(|error| error.raw_os_error().unwrap());
        assert_eq!(answer, if passes { Ok(vec![]) } else { Err(ECONNRESET) });
    }
}

#[test]
fn an_announced_byte_that_has_not_come_is_waited_for_and_one_far_behind_is_not_announced() {
    // It is lost once; what comes after it tells of it.
    let mut pair = Pair::new();
    let mut lost = false;
    pair.fate(move |_, segment| match segment.len > 0 && !std::mem::replace(&mut lost, true) {
        true => vec![],
        false => vec![10 * MS],
    });
    pair.side(0).send_urgent(&[7; 3000]).unwrap();
    pair.flush();
    pair.run(11 * MS);
    assert_eq!(urgent(&mut pair, 1), Ok(7), "it is beyond the gap and here already");
    pair.settle();

    // Behind a closed window.
    for (beyond, answer) in [(60_000, Err(EAGAIN)), (70_000, Err(EINVAL))] {
        let mut pair = Pair::small_window(4000);
        pair.send(0, &vec![7; 4000 + beyond]).unwrap();
        pair.run(SECOND);
        pair.side(0).send_urgent(b"!").unwrap();
        pair.run(10 * SECOND);
        assert_eq!(urgent(&mut pair, 1), answer);
        assert!(!pair.side(1).readiness().urgent);
    }
}

#[test]
fn urgent_bytes_do_not_wait_for_nagles_rule() {
    let mut pair = Pair::new();
    pair.send(0, b"a").unwrap();
    pair.side(0).send_urgent(b"!").unwrap();
    pair.flush();
    let sent = pair.log.iter().filter(|line| line.contains("1< ") && line.contains("len=")).count();
    assert_eq!(sent, 2, "{}", pair.tail());
    assert!(pair.tail().contains("urg=1"), "{}", pair.tail());
}

/// Where not all fits, the last byte that does is the urgent one.
#[test]
fn a_partial_write_is_urgent_at_its_end() {
    let send_small = Config::default().with_buffers(Some(5000), None);
    let mut pair = Pair::with([send_small, Config::default()]);
    assert_eq!(pair.side(0).send_urgent(&[7; 9000]).unwrap(), 5000);
    pair.flush();
    pair.settle();
    assert_eq!(pair.side(1).queued(), 4999);
    assert_eq!(urgent(&mut pair, 1), Ok(7));
}

#[test]
fn bytes_that_are_shut_out_are_still_urgent() {
    let mut pair = Pair::new();
    send_urgent(&mut pair, b"ab!");
    pair.shutdown(1, true, false).unwrap();
    assert_eq!([read(&mut pair), read(&mut pair)].map(Result::unwrap), [b"ab".to_vec(), vec![]]);
    let mut pair = Pair::new();
    pair.shutdown(1, true, false).unwrap();
    assert_eq!(urgent(&mut pair, 1), Err(EINVAL));
}
