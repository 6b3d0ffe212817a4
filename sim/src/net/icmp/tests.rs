//! What programs see of ICMP: each answer below is Linux 6.18's to the same calls, measured with two
//! network namespaces and a router between them that answered 10 ms later (a tun device), and, for
//! neighbours, over a veth pair.

use std::net::SocketAddr;

use greenroom::hub::{Address, Domain, Hub, Io, Kind, Opt, Readiness, Tick};

use super::Why;
use crate::choices::Fault;
use crate::hub::SimHub;
use crate::testing::{self, code, polled, recv, send};
use crate::weather::Weather;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

fn at(address: &str) -> Address {
    address.parse::<SocketAddr>().expect("an address").into()
}

/// Host 0 of two, in this weather; the way there and back takes 2 ms.
fn hub(weather: Weather) -> SimHub {
    testing::hub_in(weather, 2)
}

/// A socket of this host.
fn socket(hub: &mut SimHub, host: u16, kind: Kind) -> Io {
    testing::socket_on(hub, host, Domain::V4, kind)
}

fn tcp(hub: &mut SimHub, host: u16) -> Io {
    socket(hub, host, Kind::Stream)
}

fn udp(hub: &mut SimHub, host: u16) -> Io {
    socket(hub, host, Kind::Datagram)
}

/// A connection from host 0 to host 1.
fn connection(hub: &mut SimHub) -> (Io, Io) {
    let listener = tcp(hub, 1);
    hub.bind(listener, &at("10.0.0.2:80")).expect("a free port");
    hub.listen(listener, 8).expect("it may listen");
    let near = tcp(hub, 0);
    let to = at("10.0.0.2:80");
    testing::begin_connect(hub, near, &to);
    run(hub, SECOND);
    assert_eq!(code(hub.connect(near, &to)), Ok(()));
    let (far, _) = hub.accept(listener).expect("it waits");
    hub.close(listener);
    (near, far)
}

/// Lets so much time pass.
fn run(hub: &mut SimHub, ns: u64) {
    let until = hub.now().as_ns() + ns;
    while hub.now().as_ns() < until {
        hub.poll(Some(Tick::from_ns(until)), &mut Vec::new()).expect("a simulated poll");
    }
}

fn so_error(hub: &mut SimHub, io: Io) -> i32 {
    let error = hub.take_error(io).expect("a socket");
    error.map_or(0, |error| error.raw_os_error().expect("a number"))
}

fn read_all(hub: &mut SimHub, io: Io) -> usize {
    let mut all = 0;
    while let Ok(bytes) = recv(hub, io, 1 << 16) {
        all += bytes.len();
    }
    all
}

fn segment_size(hub: &mut SimHub, io: Io) -> u32 {
    hub.option(io, Opt::MaxSegment).expect("it is connected")
}

fn narrow() -> Weather {
    Weather { path_mtu_bytes: Some(1000), ..Weather::calm() }
}

/// All that is sent from now on until then is answered so.
fn cut(hub: &mut SimHub, why: Option<Why>, ns: u64) {
    let now_ns = hub.now().as_ns();
    let pair = hub.world.pairs.find((testing::host(0), testing::host(1)));
    let pair = hub.world.pairs.get_mut(pair.expect("they have met"));
    (pair.cut_ns, pair.cut_answer) = (Some((now_ns, now_ns + ns)), why);
}

/// Measured: a 1448-byte segment on a path of 1000 is answered with the MTU; all is sent again in
/// segments of 948 as soon as the answer is there, and a second connection begins with them. Here
/// they are 12 bytes of timestamps larger.
#[test]
fn a_narrow_hop_makes_segments_smaller_at_once() {
    let hub = &mut hub(narrow());
    let (near, far) = connection(hub);
    assert_eq!(segment_size(hub, near), 1460);
    let began = hub.now().as_ns();
    assert_eq!(send(hub, near, &[7; 5000]), Ok(5000));
    run(hub, 2 * MS);
    assert_eq!((read_all(hub, far), hub.now().as_ns() - began), (5000, 2 * MS));
    assert_eq!((segment_size(hub, near), segment_size(hub, far)), (960, 1460));
    assert_eq!(so_error(hub, near), 0);
    assert_eq!((hub.world.fired.of(Fault::TooBig), hub.world.fired.of(Fault::IcmpLost)), (3, 0));
    // Small ones were never in question, and who opens another connection knows.
    let (second, accepted) = {
        let listener = tcp(hub, 1);
        hub.bind(listener, &at("10.0.0.2:81")).expect("a free port");
        hub.listen(listener, 8).expect("it may listen");
        let second = tcp(hub, 0);
        let _ = hub.connect(second, &at("10.0.0.2:81"));
        run(hub, SECOND);
        (second, hub.accept(listener).expect("it waits").0)
    };
    assert_eq!((segment_size(hub, second), segment_size(hub, accepted)), (960, 960));
    assert_eq!(hub.world.fired.of(Fault::TooBig), 3);
}

/// Measured: with its answers dropped, segments of up to the MTU pass and larger ones are sent again
/// and again, at 1500; once an answer gets through, the next of them is answered and all arrives.
#[test]
fn a_black_hole_passes_small_segments_only() {
    let hole = Weather { icmp_loss_ppm: 1_000_000, ..narrow() };
    let hub = &mut hub(hole);
    let (near, far) = connection(hub);
    assert_eq!(send(hub, near, &[7; 500]), Ok(500));
    run(hub, SECOND);
    assert_eq!(read_all(hub, far), 500);
    assert_eq!(send(hub, near, &[7; 5000]), Ok(5000));
    run(hub, 60 * SECOND);
    assert_eq!((read_all(hub, far), segment_size(hub, near)), (0, 1460));
    let fired = hub.world.fired;
    assert!(
        fired.of(Fault::IcmpLost) > 5 && fired.of(Fault::IcmpLost) == fired.of(Fault::TooBig),
        "{fired:?}"
    );
    hub.world.weather.icmp_loss_ppm = 0;
    run(hub, 120 * SECOND);
    assert_eq!((read_all(hub, far), segment_size(hub, near)), (5000, 960));
}

/// As any path that eats everything: tcp_retries2.
#[test]
fn a_black_hole_ends_a_connection_after_a_quarter_of_an_hour() {
    let hole = Weather { icmp_loss_ppm: 1_000_000, ..narrow() };
    let hub = &mut hub(hole);
    let (near, far) = connection(hub);
    assert_eq!(send(hub, near, &[7; 5000]), Ok(5000));
    run(hub, 900 * SECOND);
    assert_eq!(so_error(hub, near), 0);
    run(hub, 200 * SECOND);
    assert_eq!((so_error(hub, near), read_all(hub, far)), (libc::ETIMEDOUT, 0));
}

/// Measured: the first is lost; a connected socket is told `EMSGSIZE` once, by its next call or by
/// SO_ERROR, one that is not connected is told nothing; from then on the host cuts what is larger,
/// for every socket. What is over its own link's MTU it has always cut.
#[test]
fn datagrams_over_a_narrow_hop_are_lost_once_and_then_cut() {
    let hub = &mut hub(narrow());
    let far = udp(hub, 1);
    hub.bind(far, &at("10.0.0.2:9")).expect("a free port");
    let got = |hub: &mut SimHub| {
        run(hub, SECOND);
        recv(hub, far, 9000).map(|bytes| bytes.len())
    };
    let near = udp(hub, 0);
    hub.connect(near, &at("10.0.0.2:9")).expect("anybody may be connected to");
    assert_eq!(send(hub, near, &[7; 4000]), Ok(4000));
    assert_eq!(got(hub), Ok(4000));
    assert_eq!([send(hub, near, &[7; 972]), send(hub, near, &[7; 1400])], [Ok(972), Ok(1400)]);
    assert_eq!([got(hub), got(hub)], [Ok(972), Err(libc::EAGAIN)]);
    assert_eq!(hub.world.fired.of(Fault::TooBig), 1);
    assert_eq!(
        [send(hub, near, b"x"), send(hub, near, &[7; 1400])],
        [Err(libc::EMSGSIZE), Ok(1400)]
    );
    assert_eq!(got(hub), Ok(1400));
    let other = udp(hub, 0);
    assert_eq!(code(hub.send_to(other, &[7; 1400], &at("10.0.0.2:9"))), Ok(1400));
    assert_eq!(got(hub), Ok(1400));
    // After ten minutes nobody remembers.
    run(hub, 600 * SECOND);
    assert_eq!(code(hub.send_to(other, &[7; 1400], &at("10.0.0.2:9"))), Ok(1400));
    assert_eq!((got(hub), so_error(hub, other)), (Err(libc::EAGAIN), 0));
    assert_eq!(code(hub.send_to(other, &[7; 1400], &at("10.0.0.2:9"))), Ok(1400));
    assert_eq!(got(hub), Ok(1400));
}

/// Measured: `ENETUNREACH` for code 0 and `EHOSTUNREACH` for code 1, when the answer to the SYN is
/// there; SO_ERROR takes it, and connect(2) then says `ECONNABORTED` once. UDP is told nothing.
#[test]
fn an_unreachable_host_fails_a_connect_at_once() {
    for (why, number) in [(Why::Net, libc::ENETUNREACH), (Why::Host, libc::EHOSTUNREACH)] {
        let hub = &mut hub(Weather::calm());
        connection(hub);
        cut(hub, Some(why), SECOND);
        let (near, began) = (tcp(hub, 0), hub.now().as_ns());
        testing::begin_connect(hub, near, &at("10.0.0.2:80"));
        assert!(testing::is_polled(hub, near, Readiness::BOTH));
        assert_eq!(hub.now().as_ns() - began, MS);
        assert_eq!(code(hub.connect(near, &at("10.0.0.2:80"))), Err(number));
        let near = tcp(hub, 0);
        testing::begin_connect(hub, near, &at("10.0.0.2:80"));
        run(hub, 5 * MS);
        assert_eq!([so_error(hub, near), so_error(hub, near)], [number, 0]);
        assert_eq!(code(hub.connect(near, &at("10.0.0.2:80"))), Err(libc::ECONNABORTED));
        let datagrams = udp(hub, 0);
        hub.connect(datagrams, &at("10.0.0.2:80")).expect("anybody may be connected to");
        assert_eq!(send(hub, datagrams, b"x"), Ok(1));
        run(hub, 5 * MS);
        assert_eq!((so_error(hub, datagrams), send(hub, datagrams, b"x")), (0, Ok(1)));
        assert_eq!(hub.world.fired.of(Fault::HostUnreachable), 4);
    }
}

/// Measured: the connection stands, SO_ERROR says the error once; what was sent is sent again every
/// 225 ms, for each answer takes a doubling back (RFC 6069); what ends the connection is that error,
/// and SO_ERROR says it again after the first.
#[test]
fn an_unreachable_host_is_a_soft_error_of_a_connection() {
    let hub = &mut hub(Weather::calm());
    let (near, far) = connection(hub);
    cut(hub, Some(Why::Net), 10 * SECOND);
    assert_eq!(send(hub, near, b"x"), Ok(1));
    run(hub, 9 * SECOND);
    assert_eq!(recv(hub, near, 1), Err(libc::EAGAIN));
    let tries = hub.world.fired.of(Fault::HostUnreachable);
    assert!((40..=46).contains(&tries), "{tries} in nine seconds");
    assert_eq!([so_error(hub, near), so_error(hub, near)], [libc::ENETUNREACH, 0]);
    run(hub, 2 * SECOND);
    assert_eq!((read_all(hub, far), so_error(hub, near)), (1, 0), "it was soft");
    hub.set_option(near, Opt::UserTimeout, 3000).expect("it is offered");
    cut(hub, Some(Why::Host), 10 * SECOND);
    assert_eq!(send(hub, near, b"z"), Ok(1));
    run(hub, 4 * SECOND);
    assert_eq!(recv(hub, near, 1), Err(libc::EHOSTUNREACH));
    assert_eq!([so_error(hub, near), so_error(hub, near)], [libc::EHOSTUNREACH, 0]);
    assert_eq!(recv(hub, near, 1), Ok(vec![]));
}

/// Measured: an acknowledgment in between clears the soft error, and what ends it is `ETIMEDOUT`.
#[test]
fn what_a_router_said_before_the_peer_was_heard_is_forgotten() {
    let hub = &mut hub(Weather::calm());
    let (near, far) = connection(hub);
    cut(hub, Some(Why::Host), 100 * MS);
    assert_eq!(send(hub, near, b"x"), Ok(1));
    run(hub, SECOND);
    assert_eq!(read_all(hub, far), 1);
    hub.set_option(near, Opt::UserTimeout, 2000).expect("it is offered");
    cut(hub, None, 10 * SECOND);
    assert_eq!(send(hub, near, b"z"), Ok(1));
    run(hub, 4 * SECOND);
    assert_eq!(so_error(hub, near), libc::ETIMEDOUT);
}

/// Measured over one link: `EHOSTUNREACH` 3.07 s after the connect (three questions, a second apart),
/// each time; UDP is told nothing. A peer that was heard is believed in for 30 s and more, and a
/// connection to it hears of nothing but silence.
#[test]
fn a_neighbour_without_power_is_unreachable_after_three_seconds() {
    let hub = &mut hub(Weather { neighbours: true, ..Weather::calm() });
    let (near, _far) = connection(hub);
    crate::net::life::cut_power(&mut hub.world, testing::host(1));
    polled(hub);
    assert_eq!(send(hub, near, b"x"), Ok(1));
    run(hub, 30 * SECOND);
    assert_eq!((so_error(hub, near), hub.world.fired.of(Fault::HostUnreachable)), (0, 0));
    run(hub, 30 * SECOND);
    for _ in 0..2 {
        let (caller, began) = (tcp(hub, 0), hub.now().as_ns());
        testing::begin_connect(hub, caller, &at("10.0.0.2:80"));
        while so_error(hub, caller) != libc::EHOSTUNREACH {
            run(hub, MS);
        }
        assert_eq!(hub.now().as_ns() - began, 3 * SECOND);
        hub.close(caller);
    }
    let datagrams = udp(hub, 0);
    assert_eq!(code(hub.send_to(datagrams, b"x", &at("10.0.0.2:9"))), Ok(1));
    run(hub, 5 * SECOND);
    assert_eq!(so_error(hub, datagrams), 0);
    // Routers between: silence, as by default.
    let hub = &mut self::hub(Weather::calm());
    connection(hub);
    crate::net::life::cut_power(&mut hub.world, testing::host(1));
    let caller = tcp(hub, 0);
    testing::begin_connect(hub, caller, &at("10.0.0.2:80"));
    run(hub, 130 * SECOND);
    assert_eq!(so_error(hub, caller), 0);
    run(hub, SECOND);
    assert_eq!(so_error(hub, caller), libc::ETIMEDOUT);
}

/// A partition drawn off the tape may be answered by either message.
#[test]
fn partitions_are_answered_as_often_as_the_weather_says() {
    let hub = &mut hub(Weather {
        partition_ppm: 1_000_000,
        partition_answered_ppm: 1_000_000,
        partition_start_max_ns: 2,
        partition_max_ns: SECOND,
        ..Weather::calm()
    });
    let near = tcp(hub, 0);
    let first = udp(hub, 0);
    hub.send_to(first, b"they meet", &at("10.0.0.2:9")).expect("it leaves");
    run(hub, 10);
    testing::begin_connect(hub, near, &at("10.0.0.2:80"));
    run(hub, 5 * MS);
    let error = so_error(hub, near);
    assert!([libc::ENETUNREACH, libc::EHOSTUNREACH].contains(&error), "{error}");
    assert_eq!(
        hub.world.fired.of(Fault::HostUnreachable),
        1,
        "nobody answers what the far host says of the port"
    );
}

/// Measured likewise: what is over the host's own link is cut by the host, and no router cuts it
/// further, so it is lost once too; and below 1280 no message is believed, for no link is narrower.
#[test]
fn routers_cut_nothing_of_ipv6() {
    for (path_mtu, mss) in [(1400, 1340), (1000, 1220)] {
        let hub = &mut hub(Weather { path_mtu_bytes: Some(path_mtu), ..Weather::calm() });
        let socket = |hub: &mut SimHub, host: u16, kind: Kind| {
            testing::socket_on(hub, host, Domain::V6, kind)
        };
        let far = socket(hub, 1, Kind::Datagram);
        hub.bind(far, &at("[fd00::2]:9")).expect("a free port");
        let near = socket(hub, 0, Kind::Datagram);
        hub.connect(near, &at("[fd00::2]:9")).expect("anybody may be connected to");
        for (sent, outcome) in [(1232, Ok(1232)), (4000, Err(libc::EAGAIN)), (4000, Ok(4000))] {
            assert_eq!(send(hub, near, &vec![7; sent]), Ok(sent));
            run(hub, SECOND);
            assert_eq!(recv(hub, far, 9000).map(|bytes| bytes.len()), outcome);
            let error = if outcome.is_err() { libc::EMSGSIZE } else { 0 };
            assert_eq!(so_error(hub, near), error);
        }
        let listener = socket(hub, 1, Kind::Stream);
        hub.bind(listener, &at("[fd00::2]:80")).expect("a free port");
        hub.listen(listener, 8).expect("it may listen");
        let caller = socket(hub, 0, Kind::Stream);
        let _ = hub.connect(caller, &at("[fd00::2]:80"));
        run(hub, SECOND);
        assert_eq!(segment_size(hub, caller), mss);
    }
}
