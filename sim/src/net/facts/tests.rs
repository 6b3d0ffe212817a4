//! What is said to be queued, against what is then read.

use greenroom::hub::{Domain, Hub, Kind, Queued, Tick};
use proptest::prelude::*;

use crate::Weather;
use crate::testing::{self, at, code, connect, hub, listening, polled, recv, send, socket_on};

/// One side sends so much, or the other reads so much.
#[derive(Clone, Debug)]
enum Op {
    Send(usize),
    Recv(usize),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![(1..5000_usize).prop_map(Op::Send), (1..4000_usize).prop_map(Op::Recv)];
    proptest::collection::vec(op, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Between two hosts, so that what is under way is here or there.
    #[test]
    fn a_stream_tells_what_a_drain_reads(ops in ops()) {
        let hub = &mut testing::hub_in(Weather::calm(), 2);
        let listener = listening(hub, 1, "10.0.0.2:7");
        let near = socket_on(hub, 0, Domain::V4, Kind::Stream);
        connect(hub, near, "10.0.0.2:7").expect("somebody listens");
        while !polled(hub).is_empty() {}
        let (far, _) = hub.accept(listener).expect("it stands");
        let (mut sent, mut received) = (0, 0);
        for op in ops {
            match op {
                Op::Send(length) => sent += send(hub, near, &vec![7; length]).unwrap_or(0),
                Op::Recv(length) => received += recv(hub, far, length).map_or(0, |it| it.len()),
            }
            let (here, there) = (hub.queued(near).unwrap(), hub.queued(far).unwrap());
            // On the way it is on both sides, or on this one.
            prop_assert!(here.to_send + there.to_read + received >= sent);
            prop_assert!(there.to_read + received <= sent && here.to_send <= sent);
            let soon = Tick::from_ns(hub.now().as_ns() + 150_000);
            hub.poll(Some(soon), &mut Vec::new()).unwrap();
        }
        loop {
            let queued = hub.queued(far).unwrap().to_read;
            let read = recv(hub, far, 1 << 20).map_or(0, |bytes| bytes.len());
            prop_assert_eq!(queued, read);
            received += read;
            if polled(hub).is_empty() && read == 0 {
                break;
            }
        }
        prop_assert_eq!(received, sent);
        prop_assert_eq!(hub.queued(near).unwrap(), Queued::default());
    }

    #[test]
    fn datagrams_are_told_one_by_one(lengths in proptest::collection::vec(0..3000_usize, 1..9)) {
        let hub = &mut hub();
        let (near, far) = hub.pair(Domain::Unix, Kind::Datagram).unwrap();
        let udp = hub.socket(Domain::V4, Kind::Datagram).unwrap();
        hub.bind(udp, &at("127.0.0.1:9")).unwrap();
        for &length in &lengths {
            send(hub, near, &vec![7; length]).unwrap();
            hub.send_to(udp, &vec![7; length], &at("127.0.0.1:9")).unwrap();
        }
        for &length in &lengths {
            for io in [far, udp] {
                prop_assert_eq!(hub.queued(io).unwrap().to_read, length);
                prop_assert_eq!(recv(hub, io, 4000).unwrap().len(), length);
            }
        }
        for io in [near, far, udp] {
            prop_assert_eq!(hub.queued(io).unwrap(), Queued::default());
        }
    }
}

/// Without a connection Linux returns a leftover, which the waist leaves out.
#[test]
fn what_was_written_to_a_peer_that_reset_is_held_no_more() {
    let hub = &mut testing::hub_in(Weather::calm(), 2);
    let listener = listening(hub, 1, "10.0.0.2:7");
    let near = socket_on(hub, 0, Domain::V4, Kind::Stream);
    connect(hub, near, "10.0.0.2:7").expect("somebody listens");
    while !polled(hub).is_empty() {}
    let (far, _) = hub.accept(listener).expect("it stands");
    testing::fill(hub, near, 4096);
    while !polled(hub).is_empty() {}
    assert!(hub.queued(near).unwrap().to_send > 0);
    hub.close(far);
    while !polled(hub).is_empty() {}
    assert_eq!(send(hub, near, b"x"), Err(libc::ECONNRESET));
    assert_eq!(code(hub.queued(near)), Ok(Queued::default()));
}
