//! Windows, backpressure, and the ways out of them.

use super::*;

#[test]
fn reader_that_sleeps_stops_the_writer() {
    let mut pair = Pair::new();
    let mut sent = 0;
    while let Ok(n) = pair.send(0, &[1; 10_000]) {
        sent += n;
        pair.run(50 * MS);
    }
    assert_eq!(sent, (256 + 128) * 1024);
    assert_eq!((pair.poll(0).as_str(), pair.side(1).queued()), ("", 128 * 1024));
    assert_eq!(pair.side(0).unacked() + pair.side(0).unsent(), 256 * 1024);
    assert_eq!(errno(pair.send(0, b"x")), EAGAIN);
}

#[test]
fn writable_returns_when_a_third_is_free() {
    let config = Config::default().with_buffers(Some(30_000), Some(9000));
    let mut pair = Pair::with([config.clone(), config]);
    while pair.send(0, &[1; 10_000]).is_ok() {
        pair.run(50 * MS);
    }
    let mut drained = 0;
    while pair.poll(0) != "OUT" {
        drained += pair.recv(1, 1000).map_or(0, |bytes| bytes.len());
        pair.run(50 * MS);
    }
    assert!((10_000..13_000).contains(&drained), "{drained}");
}

#[test]
fn read_of_a_full_buffer_announces_the_window() {
    let mut pair = Pair::small_window(4000);
    pair.send(0, &[1; 9000]).unwrap();
    pair.run(100 * MS);
    assert_eq!(pair.side(1).queued(), 4000);
    pair.recv(1, 100).unwrap();
    assert!(pair.wire.is_empty(), "a silly window was announced");
    pair.recv(1, 2000).unwrap();
    pair.run(20 * MS);
    assert_eq!(pair.side(1).queued(), 1900 + 2100);
}

#[test]
fn lost_window_update_is_found_by_a_probe() {
    let mut pair = Pair::small_window(4000);
    pair.send(0, &[1; 9000]).unwrap();
    pair.run(100 * MS);
    pair.fate(|_, _| vec![]);
    pair.recv(1, 4000).unwrap();
    pair.fate(|_, _| vec![10 * MS]);
    pair.run(SECOND);
    assert_eq!(pair.side(1).queued(), 4000);
}

#[test]
fn closed_window_is_probed_for_ever() {
    let mut pair = Pair::small_window(4000);
    pair.send(0, &[1; 9000]).unwrap();
    pair.run(86_400 * SECOND);
    assert_eq!(pair.state(0), State::Established);
    assert!(!pair.side(0).timer_is_background());
    assert!(pair.side(0).window_closed_at().is_some());
    assert!(pair.log.len() < 2000);
}

#[test]
fn row_240_user_timeout_ends_a_closed_window() {
    let limited = Config { user_timeout_ns: Some(500 * MS), ..Config::default() };
    let mut pair = Pair::with([limited, Config::default().with_buffers(None, Some(4000))]);
    pair.send(0, &[1; 9000]).unwrap();
    pair.run(3 * SECOND);
    assert_eq!(pair.poll(0), "IN|OUT|ERR|HUP|RDHUP");
    assert_eq!((pair.so_error(0), errno(pair.send(0, b"x"))), (ETIMEDOUT, EPIPE));
}

#[test]
fn writes_of_one_instant_share_segments() {
    let mut pair = Pair::no_delay();
    let before = pair.log.len();
    for _ in 0..1000 {
        pair.side(0).send(b"x").unwrap();
    }
    pair.flush();
    assert_eq!(pair.log.len() - before, 1);
}

#[test]
fn reply_of_the_same_instant_carries_the_ack() {
    let mut pair = Pair::new();
    pair.send(0, b"ping").unwrap();
    let packet = pair.wire.pop().unwrap();
    let before = pair.log.len();
    pair.deliver(packet);
    pair.send(1, b"pong").unwrap();
    assert_eq!(pair.log.len() - before, 1);
}

#[test]
fn one_byte_window_still_moves_everything() {
    let mut pair = Pair::small_window(1);
    pair.send(0, b"slowly").unwrap();
    let mut got = Vec::new();
    while got.len() < 6 {
        pair.run(SECOND);
        got.extend(pair.recv(1, 9).unwrap());
    }
    assert_eq!(got, b"slowly");
}

#[test]
fn fin_needs_no_window() {
    let mut pair = Pair::small_window(1000);
    let mut fins = 0;
    pair.fate(move |_, s| {
        fins += u32::from(s.flags.fin);
        if s.flags.fin && fins == 1 { vec![] } else { vec![10 * MS] }
    });
    pair.send(0, &[1; 1000]).unwrap();
    pair.run(20 * MS);
    pair.shutdown(0, false, true).unwrap();
    pair.send(1, b"still heard").unwrap();
    pair.run(50 * MS);
    assert_eq!((pair.side(1).unacked(), pair.state(1)), (0, State::Established));
    pair.settle();
    assert_eq!([pair.state(0), pair.state(1)], [State::FinWait2, State::CloseWait]);
}

/// Sends for ten round trips of 200 ms and reads at once what comes; answers what was read.
fn followed(mut pair: Pair) -> (usize, Pair) {
    pair.fate(|_, _| vec![100 * MS]);
    let (until, mut read) = (pair.now + 2 * SECOND, 0);
    loop {
        let _ = pair.send(0, &[1; 1 << 20]);
        while let Ok(bytes) = pair.recv(1, 1 << 20) {
            read += bytes.len();
        }
        if !pair.step(until, true) {
            return (read, pair);
        }
    }
}

#[test]
fn buffers_grow_for_a_reader_who_follows() {
    let (read, mut pair) = followed(Pair::new());
    let (sending, receiving) = (pair.side(0).buffers().0, pair.side(1).buffers().1);
    assert!(read > 10 * 128 * 1024, "{read}");
    assert!(sending > 512 * 1024 && sending <= 4 << 20, "{sending}");
    assert!(receiving > 512 * 1024 && receiving <= 6 << 20, "{receiving}");
}

#[test]
fn buffers_that_were_told_their_size_keep_it() {
    let pinned = Config::default().with_buffers(Some(100_000), Some(60_000));
    let (read, mut pair) = followed(Pair::with([pinned.clone(), pinned]));
    assert!(read <= 10 * 60_000, "{read}");
    assert_eq!(
        (pair.side(0).buffers(), pair.side(1).buffers()),
        ((100_000, 60_000), (100_000, 60_000))
    );
}

#[test]
fn another_option_leaves_grown_buffers_as_they_are() {
    let (_, mut pair) = followed(Pair::new());
    let before = pair.side(1).buffers();
    pair.side(1).configure(Config { nagle: false, ..Config::default() });
    assert_eq!(pair.side(1).buffers(), before);
    pair.side(1).configure(Config::default().with_buffers(None, Some(5000)));
    assert_eq!(pair.side(1).buffers(), (before.0, 5000));
}

#[test]
fn a_reader_who_sleeps_makes_no_buffer_grow() {
    let mut pair = Pair::new();
    for _ in 0..50 {
        let _ = pair.send(0, &[1; 1 << 20]);
        pair.run(50 * MS);
    }
    assert_eq!(pair.side(1).buffers().1, 128 * 1024);
    assert!(pair.side(0).buffers().0 <= 512 * 1024);
}

/// Measured: with a window that is closed and a buffer made smaller than what it holds, ten bytes go into
/// the last segment that was begun, and poll says that it is not writable.
#[test]
fn a_buffer_made_small_takes_what_fits_into_the_segment_begun() {
    let mut pair = Pair::small_window(2000);
    assert_eq!(pair.send(0, &[1; 20_300]).unwrap(), 20_300);
    pair.run(100 * MS);
    let small = pair.side(0).config().clone().with_buffers(Some(4608), None);
    pair.side(0).configure(small);
    let begun = pair.side(0).unsent() % pair.side(0).config().mss as usize;
    assert_eq!(pair.send(0, &[2; 10]).unwrap(), 10);
    assert_eq!(pair.poll(0), "");
    let spare = pair.side(0).config().mss as usize - begun - 10;
    assert_eq!(pair.send(0, &[3; 4000]).unwrap(), spare);
    assert_eq!(errno(pair.send(0, &[4])), EAGAIN);
}
