//! Datagrams: names, boundaries, queues, and peers that go.

use greenroom::hub::{Address, Domain, Hub, Io, Kind, Readiness, Ready, Take};
use std::net::Shutdown;

use super::pair;
use crate::hub::SimHub;
use crate::testing::{self, bound, code, fill, is_polled, path, ready, recv, send};

fn receiver(hub: &mut SimHub) -> Io {
    bound(hub, Kind::Datagram, "/in")
}

fn unnamed(hub: &mut SimHub) -> Io {
    hub.socket(Domain::Unix, Kind::Datagram).expect("a socket")
}

fn connected(hub: &mut SimHub) -> Io {
    let io = unnamed(hub);
    hub.connect(io, &path("/in")).expect("somebody is there");
    io
}

fn send_to(hub: &mut SimHub, io: Io, bytes: &[u8]) -> Result<usize, i32> {
    code(hub.send_to(io, bytes, &path("/in")))
}

/// 217, 220
#[test]
fn a_datagram_comes_whole_with_its_senders_name() {
    let hub = &mut testing::hub();
    let receiver = receiver(hub);
    let (anonymous, known) = (unnamed(hub), bound(hub, Kind::Datagram, "/out"));
    assert_eq!(recv(hub, receiver, 1), Err(libc::EAGAIN));
    assert_eq!(send_to(hub, anonymous, b"0123456789"), Ok(10));
    assert!(is_polled(hub, receiver, Readiness::READ));
    assert_eq!([send_to(hub, known, b""), send_to(hub, known, b"z")], [Ok(0), Ok(1)]);
    let mut buf = [0; 4];
    assert_eq!(
        hub.recv_from(receiver, &mut buf, Take::Peek).expect("one"),
        (4, Address::unnamed())
    );
    assert_eq!(
        hub.recv_from(receiver, &mut buf, Take::Remove).expect("one"),
        (4, Address::unnamed())
    );
    assert_eq!(&buf, b"0123");
    assert_eq!(hub.recv_from(receiver, &mut buf, Take::Remove).expect("one"), (0, path("/out")));
    assert_eq!(recv(hub, receiver, 4), Ok(b"z".into()));
    let large = connected(hub);
    assert_eq!(send(hub, large, &vec![0; 300_000]), Err(libc::EMSGSIZE));
    let lost = code(hub.send_to(anonymous, b"x", &path("/none")));
    assert_eq!(lost, Err(libc::ENOENT));
    bound(hub, Kind::Stream, "/stream");
    assert_eq!(code(hub.send_to(known, b"x", &path("/stream"))), Err(libc::EPROTOTYPE));
    assert_eq!(code(hub.listen(receiver, 1)), Err(libc::EOPNOTSUPP));
    assert_eq!(code(hub.accept(receiver)).err(), Some(libc::EOPNOTSUPP));
}

/// 220b
#[test]
fn who_is_connected_elsewhere_takes_nothing_from_others() {
    let hub = &mut testing::hub();
    let (receiver, elsewhere) = (receiver(hub), bound(hub, Kind::Datagram, "/elsewhere"));
    hub.connect(receiver, &path("/elsewhere")).expect("somebody is there");
    let sender = unnamed(hub);
    assert_eq!(send_to(hub, sender, b"x"), Err(libc::EPERM));
    assert_eq!(code(hub.connect(sender, &path("/in"))), Err(libc::EPERM));
    assert_eq!(send_to(hub, elsewhere, b"x"), Ok(1));
}

/// 218
#[test]
fn a_full_receiver_holds_senders_back_until_it_reads() {
    let hub = &mut testing::hub();
    let receiver = receiver(hub);
    let sender = unnamed(hub);
    let taken = (0..20).take_while(|_| send_to(hub, sender, b"x") == Ok(1)).count();
    assert_eq!(taken, 11);
    assert_eq!(send_to(hub, sender, b"x"), Err(libc::EAGAIN));
    let connected = connected(hub);
    assert_eq!(send(hub, connected, b"x"), Err(libc::EAGAIN));
    assert_eq!((ready(hub, sender), ready(hub, connected)), ((false, true), (false, false)));
    assert_eq!(testing::polled(hub), [], "nothing has changed yet");
    assert_eq!(recv(hub, receiver, 1), Ok(b"x".into()));
    let named = testing::polled(hub);
    assert_eq!(named.len(), 2, "both wait for the room: {named:?}");
    assert_eq!(ready(hub, connected), (false, true));
    assert_eq!(
        [send(hub, connected, b"x"), send(hub, connected, b"x")],
        [Ok(1), Err(libc::EAGAIN)]
    );
    assert_eq!(recv(hub, receiver, 1), Ok(b"x".into()));
    assert!(is_polled(hub, connected, Readiness::WRITE), "and again");
}

/// 220d
#[test]
fn a_pair_is_bounded_by_memory_alone() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Datagram);
    assert_eq!(fill(hub, near, 1), (278, 70));
    assert_eq!(send(hub, near, b"x"), Err(libc::EAGAIN));
    for _ in 0..300 {
        if is_polled(hub, near, Readiness::WRITE) {
            break;
        }
        assert_eq!(recv(hub, far, 9), Ok(vec![7]));
    }
    assert_eq!(send(hub, near, b"x"), Ok(1));
}

/// 219, 159
#[test]
fn a_peer_that_went_refuses_once_and_is_forgotten() {
    let hub = &mut testing::hub();
    let receiver = receiver(hub);
    let (sender, waiting) = (unnamed(hub), connected(hub));
    while send_to(hub, sender, b"x") == Ok(1) {}
    assert_eq!(send(hub, waiting, b"x"), Err(libc::EAGAIN));
    hub.close(receiver);
    assert!(is_polled(hub, waiting, Readiness::WRITE));
    assert_eq!(hub.peer_addr(waiting).expect("still"), path("/in"));
    assert_eq!(send(hub, waiting, b"x"), Err(libc::ECONNREFUSED));
    assert_eq!(send(hub, waiting, b"x"), Err(libc::ENOTCONN));
    assert_eq!(code(hub.peer_addr(waiting)).err(), Some(libc::ENOTCONN));
    assert_eq!(recv(hub, waiting, 1), Err(libc::EAGAIN));
    assert_eq!(send_to(hub, sender, b"x"), Err(libc::ECONNREFUSED));
    let (near, far) = pair(hub, Kind::Datagram);
    hub.close(near);
    assert_eq!(ready(hub, far), (false, true));
    assert_eq!(
        [send(hub, far, b"x"), recv(hub, far, 1).map(|_| 0)],
        [Err(libc::ECONNREFUSED), Err(libc::EAGAIN)]
    );
}

#[test]
fn connecting_elsewhere_loses_what_lies_there_and_tells_the_peer() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Datagram);
    receiver(hub);
    assert_eq!(send(hub, far, b"lost"), Ok(4));
    hub.connect(near, &path("/in")).expect("somebody is there");
    assert_eq!(recv(hub, near, 9), Err(libc::EAGAIN));
    assert_eq!(recv(hub, far, 9), Err(libc::ECONNRESET));
}

#[test]
fn shutting_down_is_for_oneself_alone() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Datagram);
    assert_eq!(send(hub, far, b"late"), Ok(4));
    hub.shutdown(near, Shutdown::Both).expect("it may be");
    assert_eq!([send(hub, near, b"x"), send(hub, far, b"x")], [Err(libc::EPIPE); 2]);
    assert_eq!([recv(hub, near, 9), recv(hub, near, 9)], [Ok(b"late".into()), Ok(vec![])]);
    assert_eq!(recv(hub, far, 9), Err(libc::EAGAIN));
}

#[test]
fn callers_that_are_gone_are_forgotten() {
    let hub = &mut testing::hub();
    let receiver = receiver(hub);
    for _ in 0..1000 {
        let io = connected(hub);
        assert_eq!(send(hub, io, b"x"), Ok(1));
        assert_eq!(recv(hub, receiver, 1), Ok(b"x".into()));
        hub.close(io);
    }
    let id = hub.world.socket_of(receiver).expect("it is open");
    let count = hub.world.unix(id).callers.len();
    assert!(count <= 8, "{count}");
}

#[test]
fn a_full_receiver_that_connects_tells_those_who_wait() {
    let hub = &mut testing::hub();
    let (receiver, stranger) = (receiver(hub), unnamed(hub));
    let chosen = bound(hub, Kind::Datagram, "/out");
    while send_to(hub, chosen, b"x") == Ok(1) {}
    for sender in [chosen, stranger] {
        assert_eq!(send_to(hub, sender, b"x"), Err(libc::EAGAIN));
    }
    assert_eq!(testing::polled(hub), []);
    hub.connect(receiver, &path("/out")).expect("it has a name");
    let named = testing::polled(hub);
    let is_polled = |io| named.iter().any(|it| matches!(it, Ready::Io(named, _) if *named == io));
    assert!(is_polled(chosen) && is_polled(stranger), "{named:?}");
    assert_eq!(send_to(hub, chosen, b"x"), Ok(1));
    assert_eq!(send_to(hub, stranger, b"x"), Err(libc::EPERM));
}

#[test]
fn a_sender_that_is_named_later_is_known_by_that_name() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Datagram);
    assert_eq!(send(hub, near, b"x"), Ok(1));
    assert_eq!(code(hub.bind(near, &path("/late"))), Ok(()));
    hub.close(near);
    let (_, from) = hub.recv_from(far, &mut [0], Take::Remove).expect("it is there");
    assert_eq!(from, path("/late"));
}

/// A letter that nobody read is given back to its sender when the socket it lies in closes; the
/// sender, told of the room, looks at its peer, which is that socket.
#[test]
fn a_peer_may_close_over_letters_that_nobody_read() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Datagram);
    assert_eq!(send(hub, near, b"unread"), Ok(6));
    hub.close(far);
    assert_eq!(ready(hub, near), (false, true));
    // The slot of the one that closed is another's now, which is no Unix socket.
    hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(ready(hub, near), (false, true));
    assert_eq!(send(hub, near, b"x"), Err(libc::ECONNREFUSED));
    assert_eq!(send(hub, near, b"x"), Err(libc::ENOTCONN));
}
