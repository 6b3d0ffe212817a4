//! What is sent on one host is there when the call returns, by the rows of what was measured on
//! Linux. Nothing here is polled for but where a waiter is to be told.

use std::net::{Ipv4Addr, Shutdown, SocketAddr};

use greenroom::hub::{Address, Domain, Group, Hub, Io, Kind, Opt, Readiness, Ready, Take};

use crate::hub::SimHub;
use crate::testing::{self, code, fill, is_polled, polled, ready, recv, send};

fn at(port: u16) -> Address {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()
}

fn bound(hub: &mut SimHub, kind: Kind, port: u16) -> Io {
    let io = hub.socket(Domain::V4, kind).expect("a socket");
    hub.set_option(io, Opt::ReuseAddress, 1).expect("it may be set");
    hub.bind(io, &at(port)).expect("it is free");
    io
}

fn listener(hub: &mut SimHub, port: u16) -> Io {
    let io = bound(hub, Kind::Stream, port);
    hub.listen(io, 5).expect("it is bound");
    io
}

/// Connects a socket to a listener: both ends.
fn connected(hub: &mut SimHub, client: Io, listener: Io) -> (Io, Io) {
    let to = hub.local_addr(listener).expect("it is bound");
    assert_eq!(code(hub.connect(client, &to)), Err(libc::EINPROGRESS));
    assert_eq!(code(hub.connect(client, &to)), Ok(()));
    (client, hub.accept(listener).expect("it is connected").0)
}

fn pair(hub: &mut SimHub) -> (Io, Io) {
    let (listener, client) = (listener(hub, 80), hub.socket(Domain::V4, Kind::Stream));
    connected(hub, client.expect("a socket"), listener)
}

fn receive(hub: &mut SimHub, io: Io, length: usize) -> usize {
    let mut total = 0;
    while let Ok(bytes) = recv(hub, io, length) {
        total += bytes.len();
    }
    total
}

/// 6, 7
#[test]
fn a_connection_stands_when_the_call_that_asks_for_it_returns() {
    let hub = &mut testing::hub();
    let listener = listener(hub, 80);
    let client = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.connect(client, &at(80))), Err(libc::EINPROGRESS));
    assert_eq!(ready(hub, client), (false, true));
    assert!(hub.take_error(client).expect("it is open").is_none());
    assert_eq!(code(hub.peer_addr(client)), Ok(at(80)));
    assert_eq!(send(hub, client, b"x"), Ok(1));
    let (server, _) = hub.accept(listener).expect("it is connected");
    assert_eq!(recv(hub, server, 9), Ok(b"x".into()));
    assert_eq!(code(hub.connect(client, &at(80))), Ok(()));
    assert_eq!(code(hub.connect(client, &at(80))), Err(libc::EISCONN));
    assert_eq!(code(hub.connect(client, &at(80))), Err(libc::EISCONN));
}

/// 3, 4
#[test]
fn a_refusal_is_known_at_once() {
    let hub = &mut testing::hub();
    let client = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    for _ in 0..3 {
        assert_eq!(code(hub.connect(client, &at(80))), Err(libc::EINPROGRESS));
        assert_eq!(ready(hub, client), (true, true));
        assert_eq!(code(hub.connect(client, &at(80))), Err(libc::ECONNREFUSED));
    }
}

/// 10, 12: the queue is full when the one before stands, and there is room when one was accepted.
#[test]
fn a_backlog_is_full_at_once() {
    let hub = &mut testing::hub();
    let listener = bound(hub, Kind::Stream, 80);
    hub.listen(listener, 2).expect("it is bound");
    let dial = |hub: &mut SimHub| {
        let client = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
        assert_eq!(code(hub.connect(client, &at(80))), Err(libc::EINPROGRESS));
        code(hub.connect(client, &at(80)))
    };
    let dialed: Vec<_> = (0..5).map(|_| dial(hub)).collect();
    assert_eq!(dialed, [Ok(()), Ok(()), Ok(()), Err(libc::EALREADY), Err(libc::EALREADY)]);
    hub.accept(listener).expect("three stand");
    assert_eq!(dial(hub), Ok(()));
}

/// 17
#[test]
fn a_socket_connected_to_itself_stands_at_once() {
    let hub = &mut testing::hub();
    let io = bound(hub, Kind::Stream, 80);
    assert_eq!(code(hub.connect(io, &at(80))), Err(libc::EINPROGRESS));
    assert_eq!(ready(hub, io), (false, true));
    assert_eq!((code(hub.connect(io, &at(80))), code(hub.peer_addr(io))), (Ok(()), Ok(at(80))));
    assert_eq!((send(hub, io, b"hi"), recv(hub, io, 9)), (Ok(2), Ok(b"hi".into())));
    assert_eq!(code(hub.shutdown(io, Shutdown::Write)), Ok(()));
    assert_eq!((recv(hub, io, 9), ready(hub, io)), (Ok(vec![]), (true, true)));
    hub.close(io);
}

/// 88
#[test]
fn what_is_written_can_be_read_at_once() {
    let hub = &mut testing::hub();
    let (client, server) = pair(hub);
    for turn in 0..2000_u32 {
        assert_eq!(send(hub, client, &turn.to_le_bytes()), Ok(4));
        assert_eq!(recv(hub, server, 9), Ok(turn.to_le_bytes().into()), "{turn}");
    }
    for turn in 0..2000_u32 {
        let (from, to) = if turn % 2 == 0 { (client, server) } else { (server, client) };
        assert_eq!(send(hub, from, &turn.to_le_bytes()), Ok(4));
        assert_eq!(recv(hub, to, 9), Ok(turn.to_le_bytes().into()), "{turn}");
    }
    assert_eq!(hub.now().as_ns(), 0, "no call takes time");
}

/// Nagle's rule and the delayed ACK go on waiting for each other, where Linux has them do so: of two
/// small writes in a row to one that has answered before, the second waits for the next answer.
#[test]
fn what_waits_for_an_acknowledgement_is_not_there() {
    let hub = &mut testing::hub();
    let (client, server) = pair(hub);
    let read: Vec<_> = (0..17)
        .map(|turn| {
            let (from, to) = if turn % 3 == 0 { (server, client) } else { (client, server) };
            assert_eq!(send(hub, from, &[turn]), Ok(1));
            recv(hub, to, 9).unwrap_or_default()
        })
        .collect();
    // Measured: the first reply finds the server still quick to acknowledge.
    let here = |turn: u8| vec![turn];
    let measured = [
        vec![here(0), here(1), here(2), here(3), here(4), vec![]],
        vec![here(6), here(5), vec![], here(9), vec![7, 8], vec![]],
        vec![here(12), vec![10, 11], vec![], here(15), vec![13, 14]],
    ];
    assert_eq!(read, measured.concat());
}

/// Nothing waits for a timer either: a full buffer drains into the one that is read, by calls alone.
#[test]
fn a_window_opens_while_the_reader_reads() {
    let hub = &mut testing::hub();
    let (client, server) = pair(hub);
    let mut sent = 0;
    for _ in 0..20 {
        sent += fill(hub, client, 60_000).0;
        assert_eq!(ready(hub, client), (false, false));
        sent -= receive(hub, server, 10_000);
        assert_eq!(sent, 0, "all of it could be read");
        assert!(ready(hub, client).1);
    }
    assert_eq!(hub.now().as_ns(), 0);
}

/// 130, 64
#[test]
fn the_end_of_a_stream_and_a_reset_are_known_at_once() {
    let hub = &mut testing::hub();
    let (client, server) = pair(hub);
    assert_eq!(send(hub, client, b"bye"), Ok(3));
    hub.shutdown(client, Shutdown::Write).expect("it is connected");
    assert_eq!((recv(hub, server, 9), recv(hub, server, 9)), (Ok(b"bye".into()), Ok(vec![])));
    assert_eq!(send(hub, server, b"unread"), Ok(6));
    hub.close(client);
    assert_eq!(code(hub.peer_addr(server)), Err(libc::ENOTCONN));
    assert_eq!(
        (send(hub, server, b"x"), send(hub, server, b"x")),
        (Err(libc::EPIPE), Err(libc::EPIPE))
    );
    let client = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    let listener = listener(hub, 81);
    let (client, server) = connected(hub, client, listener);
    assert_eq!(send(hub, server, b"unread"), Ok(6));
    hub.close(client);
    assert_eq!(recv(hub, server, 9), Err(libc::ECONNRESET));
    assert_eq!((recv(hub, server, 9), send(hub, server, b"x")), (Ok(vec![]), Err(libc::EPIPE)));
}

/// 41: a listener that goes resets those that nobody accepted.
#[test]
fn a_closed_listener_is_known_at_once() {
    let hub = &mut testing::hub();
    let listener = listener(hub, 80);
    let client = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.connect(client, &at(80))), Err(libc::EINPROGRESS));
    hub.close(listener);
    assert_eq!(code(hub.connect(client, &at(80))), Err(libc::ECONNRESET));
}

/// 32: a connection's successor begins behind all that it sent, although no time has gone by.
#[test]
fn a_port_in_time_wait_connects_again_at_once() {
    let hub = &mut testing::hub();
    let listener = listener(hub, 80);
    for _ in 0..5 {
        let client = bound(hub, Kind::Stream, 5000);
        let (client, server) = connected(hub, client, listener);
        for _ in 0..20 {
            assert_eq!(send(hub, client, &[7; 50_000]), Ok(50_000));
            assert_eq!(receive(hub, server, 60_000), 50_000);
        }
        hub.close(server);
        hub.close(client);
    }
    assert_eq!(hub.now().as_ns(), 0);
}

/// 195
#[test]
fn a_datagram_is_there_at_once_and_in_order() {
    let hub = &mut testing::hub();
    let (near, far) = (bound(hub, Kind::Datagram, 1), bound(hub, Kind::Datagram, 2));
    for turn in 0..2000_u32 {
        assert_eq!(code(hub.send_to(near, &turn.to_le_bytes(), &at(2))), Ok(4));
        assert_eq!(recv(hub, far, 9), Ok(turn.to_le_bytes().into()));
    }
    for turn in 0..100 {
        assert_eq!(code(hub.send_to(near, &[turn], &at(2))), Ok(1));
    }
    assert!((0..100).all(|turn| recv(hub, far, 9) == Ok(vec![turn])));
    assert_eq!(recv(hub, far, 9), Err(libc::EAGAIN));
}

/// 171
#[test]
fn a_closed_port_is_known_at_the_next_send() {
    let hub = &mut testing::hub();
    let io = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
    assert_eq!(code(hub.connect(io, &at(9))), Ok(()));
    let sent: Vec<_> = (0..4).map(|_| send(hub, io, b"x")).collect();
    assert_eq!(sent, [Ok(1), Err(libc::ECONNREFUSED), Ok(1), Err(libc::ECONNREFUSED)]);
    assert_eq!(send(hub, io, b"x"), Ok(1));
    assert_eq!((recv(hub, io, 1), recv(hub, io, 1)), (Err(libc::ECONNREFUSED), Err(libc::EAGAIN)));
    assert_eq!(send(hub, io, b"x"), Ok(1));
    assert!(hub.take_error(io).expect("it is open").is_some());
    assert!(hub.take_error(io).expect("it is open").is_none());
}

/// 189, 193
#[test]
fn a_copy_for_the_own_host_is_there_at_once() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let receiver = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 1));
    hub.bind(receiver, &any.into()).expect("it is free");
    let group = Ipv4Addr::new(239, 1, 2, 3);
    hub.join(receiver, Group::V4(group, Ipv4Addr::UNSPECIFIED)).expect("it may join");
    let sender = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
    hub.set_option(sender, Opt::Broadcast, 1).expect("it may be set");
    for ip in [group, Ipv4Addr::BROADCAST, Ipv4Addr::new(127, 255, 255, 255)] {
        let to = SocketAddr::from((ip, 1));
        assert_eq!(code(hub.send_to(sender, b"x", &to.into())), Ok(1));
        assert_eq!(recv(hub, receiver, 9), Ok(b"x".into()), "{ip}");
    }
}

/// Who waits is told by a poll, once, and later: that is how loopback takes time.
#[test]
fn a_waiter_is_told_once_and_later() {
    let hub = &mut testing::hub();
    let (near, far) = (bound(hub, Kind::Datagram, 1), bound(hub, Kind::Datagram, 2));
    assert_eq!(recv(hub, far, 1), Err(libc::EAGAIN));
    for _ in 0..3 {
        assert_eq!(code(hub.send_to(near, b"x", &at(2))), Ok(1));
    }
    let mut told = Vec::new();
    hub.poll(Some(hub.now()), &mut told).expect("a simulated poll does not fail");
    assert_eq!((told, ready(hub, far)), (vec![], (true, true)));
    let before = hub.now();
    assert_eq!(polled(hub), [Ready::Io(far, Readiness::BOTH)]);
    assert!(hub.now() > before);
    assert_eq!(polled(hub), []);
}

/// A burst overflows no stack and no memory: the queue of the receiver drops what it cannot hold.
#[test]
fn a_burst_leaves_nothing_but_what_the_receiver_holds() {
    let hub = &mut testing::hub();
    let (near, far) = (bound(hub, Kind::Datagram, 1), bound(hub, Kind::Datagram, 2));
    assert_eq!(recv(hub, far, 1), Err(libc::EAGAIN));
    for _ in 0..10_000 {
        assert_eq!(code(hub.send_to(near, &[7; 1000], &at(2))), Ok(1000));
    }
    assert_eq!((hub.world.loopback.packets.len(), hub.world.packets.ids().count()), (0, 0));
    assert!(hub.world.buffers.len() <= 1, "{} buffers", hub.world.buffers.len());
    assert_eq!(polled(hub).len(), 1);
    assert_eq!(hub.world.clock.next_at_ns(), Some(100_000_000), "it is ahead of time");
    let held = receive(hub, far, 1000) / 1000;
    assert!((50..500).contains(&held), "{held}");
    assert_eq!(polled(hub), []);
    assert_eq!((hub.now().as_ns(), hub.world.clock.next_at_ns()), (100_000_000, None));
}

/// However many segments and answers to them one call moves, each way at once.
#[test]
fn both_directions_are_full_and_empty_again() {
    let hub = &mut testing::hub();
    let (client, server) = pair(hub);
    let there = fill(hub, client, 1 << 20).0;
    let back = fill(hub, server, 1 << 20).0;
    assert_eq!((receive(hub, server, 1 << 20), receive(hub, client, 1 << 20)), (there, back));
    assert_eq!(code(hub.recv(client, &mut [0], Take::Peek)), Err(libc::EAGAIN));
    assert!(is_polled(hub, client, Readiness::WRITE), "it was told to wait for room");
}
