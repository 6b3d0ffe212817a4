//! Urgent bytes through the hub: UDP, which has none, and Unix streams, measured on Linux 6.18 with
//! the calls of each test on a `socketpair` (linux-truth 180, 214). TCP's are in `tcp/tests/urgent.rs`.

use std::net::SocketAddr;

use greenroom::hub::{Domain, Hub, Io, Kind, Opt, Take};

use crate::hub::SimHub;
use crate::testing::{self, code, polled, ready, recv, send};

fn urgent(hub: &mut SimHub, io: Io) -> Result<u8, i32> {
    let mut buf = [0; 4];
    code(hub.recv_urgent(io, &mut buf)).map(|length| {
        assert_eq!(length, 1);
        buf[0]
    })
}

fn send_urgent(hub: &mut SimHub, io: Io, bytes: &[u8]) -> Result<usize, i32> {
    code(hub.send_urgent(io, bytes))
}

fn pair(hub: &mut SimHub) -> (Io, Io) {
    hub.pair(Domain::Unix, Kind::Stream).expect("a pair")
}

/// 180 (d)
#[test]
fn udp_has_no_urgent_datagrams_and_overlooks_the_flag_of_a_receive() {
    let hub = &mut testing::hub();
    let io = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
    assert_eq!(send_urgent(hub, io, b"x"), Err(libc::EOPNOTSUPP));
    assert_eq!(send_urgent(hub, io, &[0; 70_000]), Err(libc::EMSGSIZE));
    let local = hub.local_addr(io).and_then(|local| local.inet()).expect("an address");
    assert_ne!(local.port(), 0, "it was given a port all the same");
    assert_eq!(urgent(hub, io), Err(libc::EAGAIN));
    let to = SocketAddr::from(([127, 0, 0, 1], local.port())).into();
    hub.send_to(io, b"x", &to).expect("it leaves");
    polled(hub);
    assert_eq!(urgent(hub, io), Ok(b'x'));
}

/// 20, 19: sockets of TCP without a connection, and what is no socket.
#[test]
fn without_a_connection_there_is_nothing_urgent() {
    let hub = &mut testing::hub();
    let fresh = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(urgent(hub, fresh), Err(libc::EINVAL));
    assert_eq!(send_urgent(hub, fresh, b"x"), Err(libc::EPIPE));
    hub.listen(fresh, 1).expect("it may listen");
    assert_eq!(urgent(hub, fresh), Err(libc::ENOTCONN));
    assert_eq!(send_urgent(hub, fresh, b"x"), Err(libc::EPIPE));
    let (reader, writer) = hub.pipe().expect("a pipe");
    assert_eq!(urgent(hub, reader), Err(libc::ENOTSOCK));
    assert_eq!(send_urgent(hub, writer, b"x"), Err(libc::ENOTSOCK));
    let unix = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(urgent(hub, unix), Err(libc::EINVAL));
    assert_eq!(send_urgent(hub, unix, b"x"), Err(libc::ENOTCONN));
}

/// A read that finds nothing but the urgent byte passes over it, measured on Linux 6.18.
#[test]
fn a_read_of_tcp_that_finds_nothing_passes_the_mark() {
    let hub = &mut testing::hub();
    let listener = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    hub.listen(listener, 1).expect("it may listen");
    let to = hub.local_addr(listener).expect("bound by that");
    let near = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.connect(near, &to)), Err(libc::EINPROGRESS));
    polled(hub);
    let (far, _) = hub.accept(listener).expect("it came");
    for looks in [false, true] {
        assert_eq!(send_urgent(hub, near, b"!"), Ok(1));
        polled(hub);
        let take = if looks { Take::Peek } else { Take::Remove };
        assert_eq!(code(hub.recv(far, &mut [0; 9], take)), Err(libc::EAGAIN));
        assert_eq!(urgent(hub, far), if looks { Ok(b'!') } else { Err(libc::EINVAL) });
    }
}

/// 214 (d)
#[test]
fn a_read_of_a_unix_stream_stops_at_the_mark_and_then_passes_it() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub);
    assert_eq!(urgent(hub, far), Err(libc::EINVAL));
    assert_eq!(send_urgent(hub, near, b"abc!"), Ok(4));
    assert_eq!(send(hub, near, b"def"), Ok(3));
    assert_eq!(recv(hub, far, 9), Ok(b"abc".into()));
    assert_eq!(recv(hub, far, 9), Ok(b"def".into()));
    assert_eq!(urgent(hub, far), Err(libc::EINVAL), "the mark was passed");
    assert_eq!(send_urgent(hub, near, b""), Err(libc::EOPNOTSUPP));
}

#[test]
fn an_urgent_byte_of_a_unix_stream_that_was_taken_leaves_its_place() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub);
    send_urgent(hub, near, b"ab!").expect("room");
    send(hub, near, b"cd").expect("room");
    assert_eq!([urgent(hub, far), urgent(hub, far)], [Ok(b'!'), Err(libc::EINVAL)]);
    assert_eq!([recv(hub, far, 9), recv(hub, far, 9)], [Ok(b"ab".into()), Ok(b"cd".into())]);
    send_urgent(hub, near, b"!").expect("room");
    assert_eq!(urgent(hub, far), Ok(b'!'));
    assert!(ready(hub, far).0, "its place is still there to be read");
    assert_eq!(recv(hub, far, 9), Err(libc::EAGAIN));
    assert!(!ready(hub, far).0);
}

#[test]
fn only_the_last_urgent_byte_of_a_unix_stream_is_urgent() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub);
    send_urgent(hub, near, b"ab1").expect("room");
    send_urgent(hub, near, b"cd2").expect("room");
    assert_eq!(urgent(hub, far), Ok(b'2'));
    assert_eq!([recv(hub, far, 9), recv(hub, far, 9)], [Ok(b"ab1cd".into()), Err(libc::EAGAIN)]);
    // Even where the reader had come to it: TCP drops it there.
    send_urgent(hub, near, b"ab1").expect("room");
    assert_eq!(recv(hub, far, 9), Ok(b"ab".into()));
    send_urgent(hub, near, b"cd2").expect("room");
    assert_eq!(recv(hub, far, 9), Ok(b"1cd".into()));
    assert_eq!([urgent(hub, far), recv(hub, far, 9).map(|_| 0)], [Ok(b'2'), Err(libc::EAGAIN)]);
}

#[test]
fn urgent_bytes_of_a_unix_stream_may_be_among_the_others_and_looked_past() {
    use greenroom::hub::Take;
    let hub = &mut testing::hub();
    let (near, far) = pair(hub);
    hub.set_option(far, Opt::UrgentInline, 1).expect("it is offered");
    send_urgent(hub, near, b"ab!").expect("room");
    send(hub, near, b"cd").expect("room");
    assert_eq!(recv(hub, far, 9), Ok(b"ab".into()));
    assert_eq!(urgent(hub, far), Err(libc::EINVAL));
    assert_eq!(recv(hub, far, 9), Ok(b"!cd".into()));
    hub.set_option(far, Opt::UrgentInline, 0).expect("it is offered");
    send_urgent(hub, near, b"!").expect("room");
    send(hub, near, b"cd").expect("room");
    let mut buf = [0; 9];
    assert_eq!(code(hub.recv(far, &mut buf, Take::Peek)), Ok(2));
    assert_eq!((&buf[..2], urgent(hub, far)), (&b"cd"[..], Ok(b'!')), "a look takes nothing");
}

#[test]
fn a_unix_stream_that_closes_over_an_urgent_byte_alone_is_not_reset_once_it_was_taken() {
    let hub = &mut testing::hub();
    for (takes, answer) in [(true, Ok(vec![])), (false, Err(libc::ECONNRESET))] {
        let (near, far) = pair(hub);
        send_urgent(hub, near, b"!").expect("room");
        if takes {
            assert_eq!(urgent(hub, far), Ok(b'!'));
        }
        hub.close(far);
        assert_eq!(recv(hub, near, 9), answer);
    }
    let (near, far) = pair(hub);
    testing::fill(hub, near, 1000);
    assert_eq!(send_urgent(hub, near, b"ab!"), Err(libc::EAGAIN));
    assert_eq!(recv(hub, far, 3), Ok(vec![7; 3]));
    let (records, _) = hub.pair(Domain::Unix, Kind::SeqPacket).expect("a pair");
    assert_eq!(send_urgent(hub, records, b"x"), Err(libc::EOPNOTSUPP));
    assert_eq!(urgent(hub, records), Err(libc::EOPNOTSUPP));
}
