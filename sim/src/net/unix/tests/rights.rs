//! Descriptors that go with what is written (linux-truth 216).

use std::io::IoSlice;

use greenroom::hub::{Ask, Control, Domain, Hub, Io, Kind, Message, Received, Take};
use greenroom::scenario::Machine;

use super::pair;
use crate::Weather;
use crate::hub::SimHub;
use crate::testing::{self, code, recv, send};

fn pass(hub: &mut SimHub, io: Io, rights: &[Io]) -> Result<usize, i32> {
    let (bufs, control) = ([IoSlice::new(b"x")], [Control::Rights(rights.to_vec())]);
    let message =
        Message { bufs: &bufs, to: None, control: &control, more: false, end_of_record: false };
    code(hub.send_message(io, &message))
}

fn take(hub: &mut SimHub, io: Io) -> Result<Received, i32> {
    let ask = Ask { take: Take::Remove, control: true };
    code(hub.recv_message(io, &mut [std::io::IoSliceMut::new(&mut [0; 9])], ask))
}

fn rights(received: Received) -> Vec<Io> {
    match received.control.into_iter().next() {
        Some(Control::Rights(ios)) => ios,
        _ => Vec::new(),
    }
}

#[test]
fn what_is_on_its_way_is_nobodys_and_stays_open() {
    let hub = &mut testing::hub();
    let (near, far) = pair(hub, Kind::Stream);
    let (kept, given) = pair(hub, Kind::Stream);
    assert_eq!(pass(hub, near, &[given]), Ok(1));
    hub.close(given);
    assert_eq!(recv(hub, kept, 1), Err(libc::EAGAIN), "it is open");
    let got = rights(take(hub, far).expect("it is there"));
    assert_eq!(send(hub, got[0], b"y"), Ok(1));
    assert_eq!(recv(hub, kept, 1), Ok(b"y".into()));
    hub.close(got[0]);
    assert_eq!(recv(hub, kept, 1), Ok(vec![]));
}

/// Measured: of three, with room for one, that one comes, and the rest is lost.
#[test]
fn who_has_no_descriptors_left_loses_the_rest() {
    let machine = Machine::new().descriptors(7);
    let hub = &mut testing::hub_of(Weather::calm(), 1, machine);
    let (near, far) = pair(hub, Kind::Datagram);
    let (kept, given) = pair(hub, Kind::Stream);
    assert_eq!(pass(hub, near, &[given, near, kept]), Ok(1));
    let spares: Vec<Io> =
        std::iter::from_fn(|| hub.socket(Domain::V4, Kind::Datagram).ok()).collect();
    hub.close(spares[0]);
    let received = take(hub, far).expect("it is there");
    assert!(received.flags.is_control_truncated());
    let got = rights(received);
    assert_eq!(got.len(), 1);
    assert_eq!(send(hub, got[0], b"y"), Ok(1));
    assert_eq!(recv(hub, kept, 9), Ok(b"y".into()));
    // Nobody holds what was lost.
    hub.close(got[0]);
    hub.close(given);
    assert_eq!(recv(hub, kept, 9), Ok(vec![]));
}

/// One that lies in its own queue, and a circle of two, are collected as on Linux.
#[test]
fn what_nobody_can_receive_is_closed() {
    let hub = &mut testing::hub();
    let (kept, given) = pair(hub, Kind::Stream);
    let (near, far) = pair(hub, Kind::Datagram);
    assert_eq!(pass(hub, near, &[far, given]), Ok(1));
    hub.close(given);
    hub.close(far);
    assert_eq!(recv(hub, kept, 1), Err(libc::EAGAIN), "it could be received still");
    hub.close(near);
    assert_eq!(recv(hub, kept, 1), Ok(vec![]));

    let (kept, given) = pair(hub, Kind::Stream);
    let ((a, b), (c, d)) = (pair(hub, Kind::Stream), pair(hub, Kind::Stream));
    assert_eq!([pass(hub, a, &[d]), pass(hub, c, &[b, given])], [Ok(1), Ok(1)]);
    for io in [a, b, given, d] {
        hub.close(io);
    }
    assert_eq!(recv(hub, kept, 1), Err(libc::EAGAIN));
    hub.close(c);
    assert_eq!(recv(hub, kept, 1), Ok(vec![]));
    assert!(hub.world.in_flight.is_empty());
}

#[test]
fn a_host_without_power_forgets_what_was_on_its_way() {
    let hub = &mut testing::hub();
    let (near, _far) = pair(hub, Kind::Stream);
    let (_kept, given) = pair(hub, Kind::Stream);
    assert_eq!(pass(hub, near, &[given]), Ok(1));
    crate::net::life::cut_power(&mut hub.world, testing::host(0));
    assert!(hub.world.in_flight.is_empty());
    assert_eq!(send(hub, given, b"x"), Err(libc::EBADF));
}

/// All that lies in a circle is taken out before it closes, so nothing is left unread.
#[test]
fn a_circle_that_is_found_ends_its_peer_in_good_order() {
    for kind in [Kind::Stream, Kind::SeqPacket] {
        let hub = &mut testing::hub();
        let (near, far) = pair(hub, kind);
        assert_eq!([pass(hub, near, &[far]), send(hub, near, b"unread")], [Ok(1), Ok(6)]);
        hub.close(far);
        assert_eq!(recv(hub, near, 9), Err(libc::EAGAIN));
        let (one, _other) = pair(hub, kind);
        hub.close(one);
        assert_eq!(recv(hub, near, 9), Ok(vec![]));
        assert!(hub.world.in_flight.is_empty());
    }
}
