//! Between two hosts: what leaves before a connection is forgotten, and what is left of it.

use greenroom::hub::{Domain, Hub, Io, Kind, TcpState, Tick};

use crate::Weather;
use crate::hub::SimHub;
use crate::testing::{self, at, code, connect, listening, polled, recv, send, socket_on};

fn connected(hub: &mut SimHub) -> (Io, Io) {
    let listener = listening(hub, 1, "10.0.0.2:7");
    let near = socket_on(hub, 0, Domain::V4, Kind::Stream);
    connect(hub, near, "10.0.0.2:7").expect("somebody listens");
    rest(hub);
    let (far, _) = hub.accept(listener).expect("it stands");
    (near, far)
}

fn rest(hub: &mut SimHub) {
    while !polled(hub).is_empty() {}
}

#[test]
fn what_was_written_in_the_same_instant_arrives_before_the_reset() {
    let hub = &mut testing::hub_in(Weather::calm(), 2);
    let (near, far) = connected(hub);
    assert_eq!(send(hub, near, b"last words"), Ok(10));
    assert_eq!(code(hub.disconnect(near)), Ok(()));
    rest(hub);
    assert_eq!(recv(hub, far, 99), Ok(b"last words".into()));
    assert_eq!(recv(hub, far, 99), Err(libc::ECONNRESET));
    assert_eq!(recv(hub, near, 99), Err(libc::ECONNRESET));
    assert_eq!(recv(hub, near, 99), Err(libc::ENOTCONN));
}

/// The system keeps TIME-WAIT, with the port: the socket is free for another connection.
#[test]
fn time_wait_outlives_the_socket_that_was_in_it() {
    let hub = &mut testing::hub_in(Weather::calm(), 2);
    let (near, far) = connected(hub);
    hub.shutdown(near, std::net::Shutdown::Write).unwrap();
    rest(hub);
    hub.close(far);
    rest(hub);
    assert_eq!(hub.tcp_info(near).unwrap().state, TcpState::Closed);
    let local = hub.local_addr(near).unwrap().inet().unwrap();
    assert_eq!(code(hub.disconnect(near)), Ok(()));
    let other = socket_on(hub, 0, Domain::V4, Kind::Stream);
    assert_eq!(code(hub.bind(other, &local.into())), Err(libc::EADDRINUSE));
    assert_eq!(connect(hub, near, "10.0.0.2:7"), Ok(()));
    assert_ne!(hub.local_addr(near).unwrap(), local.into());
    let until = Tick::from_ns(hub.now().as_ns() + 61_000_000_000);
    while hub.now() < until {
        hub.poll(Some(until), &mut Vec::new()).unwrap();
    }
    assert_eq!(code(hub.bind(other, &local.into())), Ok(()), "it is over after its minute");
}

/// Segments that were under way to what is forgotten meet nobody.
#[test]
fn a_new_connection_is_not_met_by_the_last_ones_segments() {
    let hub = &mut testing::hub_in(Weather::calm(), 2);
    let (near, far) = connected(hub);
    assert_eq!(send(hub, far, b"too late"), Ok(8));
    assert_eq!(code(hub.disconnect(near)), Ok(()));
    assert_eq!(connect(hub, near, "10.0.0.2:7"), Ok(()));
    rest(hub);
    assert_eq!(recv(hub, near, 99), Err(libc::EAGAIN));
    assert_eq!(hub.peer_addr(near).unwrap(), at("10.0.0.2:7"));
}
