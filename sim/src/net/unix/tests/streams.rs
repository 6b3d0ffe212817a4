//! Streams: opening, bytes, ends, and how much fits.

use greenroom::hub::{Address, Hub, Io, Kind, Opt, Readiness, Take};
use std::net::Shutdown;

use super::{connect, pair};
use crate::choices::Fault;
use crate::hub::SimHub;
use crate::testing::{self, bound, code, fill, is_polled, path, ready, recv, send};

fn listener(hub: &mut SimHub, backlog: u32) -> Io {
    let listener = bound(hub, Kind::Stream, "/srv");
    hub.listen(listener, backlog).expect("it has a name");
    listener
}

fn connected(hub: &mut SimHub) -> Io {
    let (io, outcome) = connect(hub, Kind::Stream, "/srv");
    assert_eq!(outcome, Ok(()));
    io
}

/// 203
#[test]
fn a_connection_stands_at_once_and_carries_bytes_before_it_is_accepted() {
    let hub = &mut testing::hub();
    let listener = listener(hub, 5);
    assert_eq!(ready(hub, listener), (false, false));
    assert_eq!(code(hub.accept(listener)).err(), Some(libc::EAGAIN));
    let client = connected(hub);
    assert!(is_polled(hub, listener, Readiness::READ));
    assert_eq!(code(hub.connect(client, &path("/srv"))), Err(libc::EISCONN));
    assert_eq!(ready(hub, client), (false, true));
    assert_eq!(hub.peer_addr(client).expect("it is connected"), path("/srv"));
    assert_eq!(send(hub, client, b"hey"), Ok(3));
    let (server, peer) = hub.accept(listener).expect("one is there");
    assert_eq!(peer, Address::unnamed());
    assert_eq!(hub.local_addr(server).expect("a name"), path("/srv"));
    assert_eq!(recv(hub, server, 9), Ok(b"hey".into()));
    assert_eq!(code(hub.listen(client, 1)), Err(libc::EINVAL));
    assert_eq!(code(hub.connect(listener, &path("/srv"))), Err(libc::EINVAL), "204: it listens");
    assert_eq!(code(hub.send_to(client, b"x", &path("/srv"))), Err(libc::EISCONN), "221");
}

/// 207, 205, 206
#[test]
fn the_backlog_takes_one_more_and_then_connect_waits() {
    let hub = &mut testing::hub();
    for backlog in [0, 1, 5] {
        let name = format!("/backlog{backlog}");
        let listener = bound(hub, Kind::Stream, &name);
        hub.listen(listener, backlog).expect("it has a name");
        let outcomes: Vec<_> = (0..10).map(|_| connect(hub, Kind::Stream, &name).1).collect();
        let fit = backlog as usize + 1;
        assert!(outcomes[..fit].iter().all(|outcome| *outcome == Ok(())));
        assert!(outcomes[fit..].iter().all(|outcome| *outcome == Err(libc::EAGAIN)));
    }
    let listener = listener(hub, 0);
    let _first = connected(hub);
    let (waiting, outcome) = connect(hub, Kind::Stream, "/srv");
    assert_eq!(outcome, Err(libc::EAGAIN));
    assert_eq!(testing::polled(hub), [], "nothing has changed yet");
    hub.accept(listener).expect("one is there");
    assert!(is_polled(hub, waiting, Readiness::WRITE));
    assert_eq!(code(hub.connect(waiting, &path("/srv"))), Ok(()));
    let (waiting, outcome) = connect(hub, Kind::Stream, "/srv");
    assert_eq!(outcome, Err(libc::EAGAIN));
    hub.listen(listener, 3).expect("it listens");
    assert!(is_polled(hub, waiting, Readiness::WRITE), "the backlog grew");
    hub.listen(listener, 0).expect("it listens");
    assert_eq!(code(hub.connect(waiting, &path("/srv"))), Err(libc::EAGAIN));
    hub.close(listener);
    assert!(is_polled(hub, waiting, Readiness::WRITE));
    assert_eq!(code(hub.connect(waiting, &path("/srv"))), Err(libc::ECONNREFUSED));
}

/// 208
#[test]
fn whom_nobody_accepts_is_reset_when_the_listener_closes() {
    let hub = &mut testing::hub();
    let listener = listener(hub, 5);
    let (gone, waiting) = (connected(hub), connected(hub));
    assert_eq!(send(hub, gone, b"abc"), Ok(3));
    hub.close(gone);
    let (server, _) = hub.accept(listener).expect("it is accepted all the same");
    assert_eq!([recv(hub, server, 9), recv(hub, server, 9)], [Ok(b"abc".into()), Ok(vec![])]);
    assert_eq!(send(hub, server, b"x"), Err(libc::EPIPE));
    assert_eq!(recv(hub, waiting, 1), Err(libc::EAGAIN));
    hub.close(listener);
    assert!(is_polled(hub, waiting, Readiness::READ));
    assert_eq!(ready(hub, waiting), (true, true));
    let error = hub.take_error(waiting).expect("it is open").and_then(|e| e.raw_os_error());
    assert_eq!(error, Some(libc::ECONNRESET));
    assert_eq!(recv(hub, waiting, 1), Ok(vec![]));
    assert_eq!(send(hub, waiting, b"x"), Err(libc::EPIPE));
}

/// 209
#[test]
fn shutting_a_listener_down_wakes_accept_and_refuses() {
    let hub = &mut testing::hub();
    let listener = listener(hub, 5);
    assert_eq!(code(hub.accept(listener)).err(), Some(libc::EAGAIN));
    hub.shutdown(listener, Shutdown::Read).expect("it may be");
    assert!(is_polled(hub, listener, Readiness::READ));
    assert_eq!(code(hub.accept(listener)).err(), Some(libc::EINVAL));
    assert_eq!(connect(hub, Kind::Stream, "/srv").1, Err(libc::ECONNREFUSED));
    assert_eq!(code(hub.option(listener, Opt::IsListener)), Ok(1));
    assert_eq!(code(hub.set_option(listener, Opt::ReusePort, 1)), Err(libc::EOPNOTSUPP));
}

/// 210, 214
#[test]
fn writes_coalesce_and_peeking_takes_nothing() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Stream);
    assert_eq!(recv(hub, far, 9), Err(libc::EAGAIN));
    assert_eq!(recv(hub, far, 0), Err(libc::EAGAIN));
    assert_eq!(send(hub, near, b""), Ok(0));
    assert_eq!(testing::polled(hub), []);
    for _ in 0..3 {
        assert_eq!(send(hub, near, b"ab"), Ok(2));
    }
    assert!(is_polled(hub, far, Readiness::READ));
    let mut buf = [0; 5];
    assert_eq!(code(hub.recv(far, &mut buf, Take::Peek)), Ok(5));
    assert_eq!(&buf, b"ababa");
    assert_eq!([recv(hub, far, 5), recv(hub, far, 9)], [Ok(b"ababa".into()), Ok(b"b".into())]);
    assert_eq!(hub.peer_addr(near).expect("it is connected"), Address::unnamed());
}

/// 156, 158, 215
#[test]
fn closing_ends_the_peer_and_resets_it_over_unread_bytes() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Stream);
    hub.set_option(near, Opt::Linger, 1).expect("it may be set");
    assert_eq!(send(hub, near, b"x"), Ok(1));
    hub.close(near);
    assert_eq!(ready(hub, far), (true, true));
    assert_eq!([recv(hub, far, 1), recv(hub, far, 1)], [Ok(b"x".into()), Ok(vec![])]);
    assert_eq!(send(hub, far, b"y"), Err(libc::EPIPE));
    assert!(hub.take_error(far).expect("it is open").is_none());
    assert_eq!(hub.peer_addr(far).expect("the name stays"), Address::unnamed());

    let (near, far) = pair(hub, Kind::Stream);
    assert_eq!([send(hub, near, b"infl"), send(hub, far, b"unread")], [Ok(4), Ok(6)]);
    hub.close(near);
    assert_eq!(recv(hub, far, 9), Ok(b"infl".into()));
    assert_eq!([recv(hub, far, 9), recv(hub, far, 9)], [Err(libc::ECONNRESET), Ok(vec![])]);
    assert_eq!(send(hub, far, b"y"), Err(libc::EPIPE));
}

#[test]
fn the_last_descriptor_closes() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Stream);
    let second = hub.dup(near).expect("it is open");
    hub.close(near);
    assert_eq!(recv(hub, far, 1), Err(libc::EAGAIN));
    hub.close(second);
    assert!(is_polled(hub, far, Readiness::READ));
    assert_eq!(recv(hub, far, 1), Ok(vec![]));
}

/// 157
#[test]
fn what_one_end_shuts_the_other_finds_shut() {
    let hub = &mut testing::hub();
    let (a, b) = pair(hub, Kind::Stream);
    assert_eq!(recv(hub, b, 1), Err(libc::EAGAIN));
    hub.shutdown(a, Shutdown::Write).expect("it may be");
    assert!(is_polled(hub, b, Readiness::READ));
    assert_eq!((ready(hub, a).0, ready(hub, b).0), (false, true));
    assert_eq!((recv(hub, b, 1), send(hub, b, b"hi")), (Ok(vec![]), Ok(2)));
    assert_eq!(send(hub, a, b"x"), Err(libc::EPIPE));
    assert_eq!(recv(hub, a, 9), Ok(b"hi".into()));
    hub.shutdown(a, Shutdown::Read).expect("it may be");
    assert_eq!((ready(hub, a), ready(hub, b)), ((true, true), (true, true)));
    assert_eq!(send(hub, b, b"x"), Err(libc::EPIPE));
    let (a, b) = pair(hub, Kind::Stream);
    fill(hub, b, 65_536);
    hub.shutdown(a, Shutdown::Read).expect("it may be");
    assert!(is_polled(hub, b, Readiness::WRITE), "a writer that waits is told");
    assert_eq!(send(hub, b, b"x"), Err(libc::EPIPE), "unlike TCP");
    assert!(ready(hub, a).0 && !ready(hub, b).0);
}

/// 211, 212, 213: by Linux's own measure of memory.
#[test]
fn small_writes_fill_the_buffer_and_a_quarter_used_is_unwritable() {
    let wanted =
        [(1, 278, 70), (100, 27_800, 7_000), (1_000, 93_000, 24_000), (4_096, 180_224, 45_056)];
    for (length, total, unwritable) in wanted {
        let hub = &mut testing::hub();
        let (near, _far) = pair(hub, Kind::Stream);
        assert_eq!(fill(hub, near, length), (total, unwritable), "writes of {length}");
    }
    let hub = &mut testing::hub();
    let (near, _far) = pair(hub, Kind::Stream);
    assert_eq!(fill(hub, near, 65_536), (233_152, 65_536));

    let (near, far) = pair(hub, Kind::Stream);
    let all = vec![7; 4 << 20];
    assert_eq!([send(hub, near, &all), send(hub, near, &all)], [Ok(219_264), Err(libc::EAGAIN)]);
    let mut drained = 0;
    while !is_polled(hub, near, Readiness::WRITE) {
        drained += recv(hub, far, 1000).expect("bytes are there").len();
    }
    assert_eq!(drained, 183_000);
    assert_eq!(send(hub, near, &all), Ok(182_720));
}

/// 105
#[test]
fn the_send_buffer_can_be_set() {
    let hub = &mut testing::hub();
    let (near, _far) = pair(hub, Kind::Stream);
    assert_eq!(code(hub.option(near, Opt::SendBuffer)), Ok(212_992));
    hub.set_option(near, Opt::SendBuffer, 1).expect("it may be set");
    assert_eq!(code(hub.option(near, Opt::SendBuffer)), Ok(4608));
    assert_eq!(fill(hub, near, 1).0, 6);
    assert_eq!(send(hub, near, b"x"), Err(libc::EAGAIN));
    hub.set_option(near, Opt::SendBuffer, 4 << 20).expect("it may be set");
    assert!(is_polled(hub, near, Readiness::WRITE), "there is room now");
}

#[test]
fn a_read_may_be_short_between_two_writes_in_the_weather_that_has_it() {
    let weather = crate::Weather { short_read_ppm: 1_000_000, ..crate::Weather::calm() };
    let hub = &mut testing::hub_in(weather, 1);
    let (near, far) = pair(hub, Kind::Stream);
    // As much as goes into one piece.
    assert_eq!(send(hub, near, &[7; 36_544]), Ok(36_544));
    assert_eq!(recv(hub, far, 10_000).map(|read| read.len()), Ok(10_000));
    assert_eq!(recv(hub, far, 36_544).map(|read| read.len()), Ok(26_544));
    assert_eq!(hub.world.fired.of(Fault::ShortRead), 0, "nobody sees a part of one");
    for length in [100, 200, 300] {
        assert_eq!(send(hub, near, &vec![7; length]), Ok(length));
    }
    let first = recv(hub, far, 1000).expect("bytes are there").len();
    assert!([100, 300].contains(&first), "{first}");
    assert_eq!(hub.world.fired.of(Fault::ShortRead), 1);
}
