//! Options are given back as Linux does, and do what they are for.

use std::net::SocketAddr;

use greenroom::hub::{Domain, Hub, Io, Kind, Opt, Readiness};

use crate::hub::SimHub;
use crate::id::Id;
use crate::testing::{self, code, is_polled, polled, recv, send};

fn socket(hub: &mut SimHub, kind: Kind) -> Io {
    hub.socket(Domain::V4, kind).expect("a socket")
}

fn bound(hub: &mut SimHub, kind: Kind, options: &[Opt], address: &str) -> Result<Io, i32> {
    let io = socket(hub, kind);
    for &option in options {
        code(hub.set_option(io, option, 1))?;
    }
    let address: SocketAddr = address.parse().expect("an address");
    code(hub.bind(io, &address.into()))?;
    Ok(io)
}

/// A connection from this host to the other one.
fn connected(hub: &mut SimHub) -> (Io, Io) {
    let listener = testing::socket_on(hub, 1, Domain::V4, Kind::Stream);
    hub.bind(listener, &SocketAddr::from(([0, 0, 0, 0], 80)).into()).expect("it is free");
    hub.listen(listener, 5).expect("it is bound");
    let client = socket(hub, Kind::Stream);
    let server: SocketAddr = ([10, 0, 0, 2], 80).into();
    testing::begin_connect(hub, client, &server.into());
    assert!(is_polled(hub, client, Readiness::WRITE));
    assert_eq!(code(hub.connect(client, &server.into())), Ok(()));
    while !polled(hub).is_empty() {}
    let (accepted, _) = hub.accept(listener).expect("it is connected");
    (client, accepted)
}

/// 99, 194, 196, 98
#[test]
fn defaults_are_linux_s() {
    let hub = &mut testing::hub();
    let tcp = socket(hub, Kind::Stream);
    let wanted = [
        (Opt::KeepAlive, 0),
        (Opt::KeepIdle, 7200),
        (Opt::KeepInterval, 75),
        (Opt::KeepCount, 9),
        (Opt::UserTimeout, 0),
        (Opt::MaxSegment, 536),
        (Opt::NoDelay, 0),
        (Opt::QuickAck, 1),
        (Opt::Ttl, 64),
        (Opt::Tos, 0),
        (Opt::IsListener, 0),
        (Opt::ReusePort, 0),
    ];
    for (option, value) in wanted {
        assert_eq!(code(hub.option(tcp, option)), Ok(value), "{option:?}");
    }
    let udp = socket(hub, Kind::Datagram);
    assert_eq!(code(hub.option(udp, Opt::RecvBuffer)), Ok(212_992));
    let identity = |hub: &mut SimHub, io| {
        [Opt::Domain, Opt::Type, Opt::Protocol].map(|option| code(hub.option(io, option)))
    };
    assert_eq!(identity(hub, tcp), [2, 1, 6].map(Ok));
    assert_eq!(identity(hub, udp), [2, 2, 17].map(Ok));
    let unix = hub.socket(Domain::Unix, Kind::SeqPacket).expect("a socket");
    assert_eq!(identity(hub, unix), [1, 5, 0].map(Ok));
    hub.listen(tcp, 1).expect("a port is free");
    assert_eq!(code(hub.option(tcp, Opt::IsListener)), Ok(1));
}

/// 40, 100, 165
#[test]
fn what_is_set_is_given_back_and_what_is_wrong_refused() {
    let hub = &mut testing::hub();
    let tcp = socket(hub, Kind::Stream);
    let good = [
        (Opt::KeepIdle, 30, 30),
        (Opt::KeepInterval, 5, 5),
        (Opt::KeepCount, 3, 3),
        (Opt::UserTimeout, 500, 500),
        (Opt::KeepAlive, 7, 1),
        (Opt::NoDelay, 1, 1),
        (Opt::QuickAck, 0, 0),
        (Opt::Ttl, 33, 33),
        (Opt::Tos, 0xff, 0xfc),
        (Opt::Priority, 6, 6),
        (Opt::Linger, 4, 4),
        (Opt::SendBuffer, 4096, 8192),
        (Opt::RecvBuffer, 1, 2304),
    ];
    for (option, set, given) in good {
        assert_eq!(code(hub.set_option(tcp, option, set)), Ok(()), "{option:?}");
        assert_eq!(code(hub.option(tcp, option)), Ok(given), "{option:?}");
    }
    for (option, value) in [
        (Opt::KeepIdle, 0),
        (Opt::KeepIdle, 32_768),
        (Opt::KeepCount, 128),
        (Opt::Ttl, 0),
        (Opt::Ttl, 256),
    ] {
        assert_eq!(code(hub.set_option(tcp, option, value)), Err(libc::EINVAL), "{option:?}");
    }
    assert_eq!(code(hub.set_option(tcp, Opt::IsListener, 1)), Err(libc::ENOPROTOOPT));
    assert_eq!(code(hub.set_option(tcp, Opt::OnlyV6, 1)), Err(libc::ENOPROTOOPT));
    let udp = socket(hub, Kind::Datagram);
    assert_eq!(code(hub.set_option(udp, Opt::NoDelay, 1)), Err(libc::ENOPROTOOPT));
    assert_eq!(code(hub.option(udp, Opt::NoDelay)), Err(libc::EOPNOTSUPP));
    let unix = hub.socket(Domain::Unix, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.set_option(unix, Opt::NoDelay, 1)), Err(libc::EOPNOTSUPP), "214");
    let (pipe, _write) = hub.pipe().expect("a pipe");
    assert_eq!(code(hub.option(pipe, Opt::SendBuffer)), Err(libc::ENOTSOCK));
}

#[test]
fn what_would_do_nothing_is_refused_by_name() {
    let hub = &mut testing::hub();
    let tcp = socket(hub, Kind::Stream);
    for option in [Opt::FreeBind, Opt::Mark] {
        let error = hub.set_option(tcp, option, 1).expect_err("it is not offered");
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
        assert!(error.to_string().contains(&format!("{option:?}")), "{error}");
        assert!(hub.option(tcp, option).is_err());
    }
}

/// 28, 190
#[test]
fn a_port_is_shared_only_where_both_say_so() {
    const PORT: [Opt; 1] = [Opt::ReusePort];
    let address = "127.0.0.1:80";
    for kind in [Kind::Stream, Kind::Datagram] {
        let hub = &mut testing::hub();
        let first = bound(hub, kind, &PORT, address).expect("it is free");
        assert_eq!(bound(hub, kind, &[], address), Err(libc::EADDRINUSE));
        assert_eq!(bound(hub, kind, &[Opt::ReuseAddress], address), Err(libc::EADDRINUSE));
        if kind == Kind::Stream {
            hub.listen(first, 5).expect("it is bound");
        }
        let second = bound(hub, kind, &PORT, address).expect("they share it");
        if kind == Kind::Stream {
            assert_eq!(code(hub.listen(second, 5)), Ok(()));
        }
    }
}

/// 28c, 28d, 190d
#[test]
fn those_who_share_a_port_divide_the_callers() {
    let hub = &mut testing::hub();
    let share = [Opt::ReusePort];
    let sharing: Vec<Io> = (0..2)
        .map(|_| bound(hub, Kind::Datagram, &share, "127.0.0.1:53").expect("they share it"))
        .collect();
    let to: SocketAddr = "127.0.0.1:53".parse().expect("an address");
    let ask = |hub: &mut SimHub| {
        for _ in 0..40 {
            let sender = socket(hub, Kind::Datagram);
            // Told apart as sockets of different greenlets are.
            let id = hub.world.socket_of(sender).expect("it is open");
            let ordinal = 1 + id.row() as u32;
            let path = hub.world.paths.child(None, "sender", ordinal);
            hub.world.sockets[id].entity.path = path;
            for _ in 0..2 {
                hub.send_to(sender, b"x", &to.into()).expect("a datagram leaves");
            }
        }
        let mut ready = Vec::new();
        hub.poll(Some(greenroom::hub::Tick::from_ns(1_000_000)), &mut ready).expect("it polls");
    };
    let count = |hub: &mut SimHub, io: Io| {
        let mut count = 0;
        while recv(hub, io, 1).is_ok() {
            count += 1;
        }
        count
    };
    ask(hub);
    let counts = [count(hub, sharing[0]), count(hub, sharing[1])];
    assert_eq!(counts.iter().sum::<i32>(), 80);
    assert!(counts.iter().all(|count| *count > 0 && count % 2 == 0), "{counts:?}");
    hub.close(sharing[0]);
    assert_eq!(count(hub, sharing[1]), 0);
}

/// 190b
#[test]
fn of_two_that_reuse_an_address_the_last_one_hears() {
    let hub = &mut testing::hub();
    let reuse = [Opt::ReuseAddress];
    let first = bound(hub, Kind::Datagram, &reuse, "127.0.0.1:53").expect("it is free");
    let second = bound(hub, Kind::Datagram, &reuse, "127.0.0.1:53").expect("they share it");
    let to: SocketAddr = "127.0.0.1:53".parse().expect("an address");
    let sender = socket(hub, Kind::Datagram);
    hub.send_to(sender, b"x", &to.into()).expect("a datagram leaves");
    assert_eq!((recv(hub, first, 1), recv(hub, second, 1)), (Err(libc::EAGAIN), Ok(b"x".into())));
}

/// 167: what does not fit is lost, but one always fits.
#[test]
fn a_datagram_socket_holds_what_its_buffer_does() {
    let hub = &mut testing::hub();
    let receiver = bound(hub, Kind::Datagram, &[], "127.0.0.1:53").expect("it is free");
    hub.set_option(receiver, Opt::RecvBuffer, 1).expect("it may be set");
    let to: SocketAddr = "127.0.0.1:53".parse().expect("an address");
    let sender = socket(hub, Kind::Datagram);
    assert_eq!(recv(hub, receiver, 1), Err(libc::EAGAIN));
    for byte in 0..3 {
        hub.send_to(sender, &[byte; 4096], &to.into()).expect("a datagram leaves");
    }
    assert!(is_polled(hub, receiver, Readiness::READ));
    assert_eq!(recv(hub, receiver, 1), Ok(vec![0]));
    assert_eq!(recv(hub, receiver, 1), Err(libc::EAGAIN));
}

/// 240, 241
#[test]
fn keepalive_finds_a_peer_dead_that_lost_power() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let (client, _server) = connected(hub);
    for (option, value) in [(Opt::KeepIdle, 10), (Opt::KeepInterval, 5), (Opt::KeepCount, 2)] {
        hub.set_option(client, option, value).expect("it may be set");
    }
    hub.set_option(client, Opt::KeepAlive, 1).expect("it may be set");
    assert_eq!(recv(hub, client, 1), Err(libc::EAGAIN));
    assert_eq!(polled(hub), [], "the peer lives and has nothing to say: nothing will happen");
    let idle_ns = hub.now().as_ns();
    assert!((10..20).contains(&(idle_ns / 1_000_000_000)), "one probe, {idle_ns} ns");

    hub.world.last_step_ns = idle_ns;
    crate::net::life::cut_power(&mut hub.world, testing::host(1));
    assert!(is_polled(hub, client, Readiness::READ));
    assert_eq!(recv(hub, client, 1), Err(libc::ETIMEDOUT));
}

#[test]
fn a_user_timeout_ends_what_makes_no_progress() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let (client, _server) = connected(hub);
    hub.set_option(client, Opt::UserTimeout, 500).expect("it may be set");
    crate::net::life::cut_power(&mut hub.world, testing::host(1));
    assert_eq!(send(hub, client, b"x"), Ok(1));
    assert_eq!(recv(hub, client, 1), Err(libc::EAGAIN));
    let before_ns = hub.now().as_ns();
    assert!(is_polled(hub, client, Readiness::READ));
    assert_eq!(recv(hub, client, 1), Err(libc::ETIMEDOUT));
    let waited_ms = (hub.now().as_ns() - before_ns) / 1_000_000;
    assert!((500..2500).contains(&waited_ms), "{waited_ms} ms");
}

#[test]
fn what_the_windows_hold_back_is_held_low() {
    const LOW_WATER: usize = 4096;
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let (client, server) = connected(hub);
    hub.set_option(client, Opt::UnsentLowWater, LOW_WATER as u32).expect("it may be set");
    let (mut sent, window) = (0, hub.option(server, Opt::RecvBuffer).expect("it has one") as usize);
    loop {
        while let Ok(length) = send(hub, client, &[7; 1000]) {
            sent += length;
            assert!(sent <= window + LOW_WATER, "{sent}");
        }
        assert!(!testing::ready(hub, client).1, "{sent}");
        if !polled(hub).iter().any(|ready| matches!(ready, greenroom::hub::Ready::Io(..))) {
            break;
        }
    }
    assert_eq!(sent, window + LOW_WATER);
    hub.set_option(client, Opt::UnsentLowWater, 0).expect("it may be set");
    assert!(testing::ready(hub, client).1);
}

#[test]
fn raising_the_send_buffer_wakes_a_writer() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let (client, _server) = connected(hub);
    hub.set_option(client, Opt::SendBuffer, 1).expect("it may be set");
    // Until both buffers are full and nothing is in flight.
    while send(hub, client, &[7; 60_000]).is_ok() || !polled(hub).is_empty() {}
    assert_eq!(send(hub, client, b"x"), Err(libc::EAGAIN));
    hub.set_option(client, Opt::NoDelay, 1).expect("it may be set");
    assert!(!is_polled(hub, client, Readiness::WRITE), "nothing made room");
    hub.set_option(client, Opt::SendBuffer, 4 << 20).expect("it may be set");
    assert!(is_polled(hub, client, Readiness::WRITE));
    assert_eq!(send(hub, client, b"x"), Ok(1));
}

/// As measured: default, and what comes of each value.
#[test]
fn options_of_ipv6() {
    type Set = (u32, Result<u32, i32>);
    const NOT_SET: Result<u32, i32> = Err(libc::EINVAL);
    let hub = &mut testing::hub();
    let minus = |n: i32| -n as u32;
    let both: &[(Opt, u32, &[Set])] = &[
        (Opt::OnlyV6, 0, &[(2, Ok(1)), (0, Ok(0))]),
        (Opt::HopsV6, 64, &[(0, Ok(0)), (255, Ok(255)), (256, NOT_SET), (minus(1), Ok(64))]),
        (Opt::TrafficClassV6, 0, &[(16, Ok(16)), (minus(1), Ok(0)), (minus(2), NOT_SET)]),
        (Opt::RecvTrafficClassV6, 0, &[(5, Ok(1))]),
        (Opt::RecvHopLimitV6, 0, &[(5, Ok(1))]),
        (Opt::MulticastLoopV6, 1, &[(0, Ok(0)), (2, NOT_SET)]),
        (Opt::MulticastAllV6, 1, &[(0, Ok(0)), (2, Ok(1))]),
        (Opt::Ttl, 64, &[(5, Ok(5)), (0, NOT_SET)]),
        (Opt::MulticastLoop, 1, &[(0, Ok(0))]),
    ];
    let hops = (Opt::MulticastHopsV6, 1, &[(0, Ok(0)), (256, NOT_SET), (minus(1), Ok(1))][..]);
    let interface = (Opt::MulticastInterfaceV6, 0, &[(2, Ok(2)), (9, Err(libc::ENODEV))][..]);
    for kind in [Kind::Stream, Kind::Datagram] {
        let io = hub.socket(Domain::V6, kind).expect("a socket");
        let more = if kind == Kind::Datagram { vec![hops, interface] } else { vec![] };
        for &(option, default, values) in both.iter().chain(&more) {
            assert_eq!(code(hub.option(io, option)), Ok(default), "{option:?}");
            for &(value, wanted) in values {
                let got = code(hub.set_option(io, option, value));
                let got = got.and_then(|()| code(hub.option(io, option)));
                assert_eq!(got, wanted, "{option:?} {value}");
            }
        }
    }
    let tcp = hub.socket(Domain::V6, Kind::Stream).expect("a socket");
    for option in [Opt::MulticastHopsV6, Opt::MulticastInterfaceV6] {
        assert_eq!(code(hub.set_option(tcp, option, 1)), Err(libc::ENOPROTOOPT));
    }
    hub.set_option(tcp, Opt::TrafficClassV6, 255).expect("it may be set");
    assert_eq!(code(hub.option(tcp, Opt::TrafficClassV6)), Ok(252));
    assert_eq!(code(hub.option(tcp, Opt::Priority)), Ok(0));
    for option in [Opt::FreeBindV6, Opt::TransparentV6] {
        let refused = hub.set_option(tcp, option, 1).expect_err("it would do nothing");
        assert_eq!(refused.kind(), std::io::ErrorKind::Unsupported);
    }
    let udp = hub.socket(Domain::V6, Kind::Datagram).expect("a socket");
    assert_eq!(code(hub.option(udp, Opt::NoDelay)), Err(libc::ENOPROTOOPT));
    let of_v4 = socket(hub, Kind::Datagram);
    assert_eq!(code(hub.option(of_v4, Opt::HopsV6)), Err(libc::EOPNOTSUPP));
    assert_eq!(code(hub.set_option(of_v4, Opt::HopsV6, 3)), Err(libc::ENOPROTOOPT));
}
