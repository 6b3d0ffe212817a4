//! Both families and what is between them, by the rows of what was measured on Linux.

use std::net::{IpAddr, Ipv6Addr, SocketAddrV6};

use greenroom::hub::{Domain, Hub, Io, Kind, Opt, Take};

use crate::hub::SimHub;
use crate::testing::{self, at, code, connect, listening, names, polled, recv, send, socket_on};

const V6: Domain = Domain::V6;

fn two_hosts() -> SimHub {
    testing::hub_in(crate::Weather::calm(), 2)
}

fn tcp(hub: &mut SimHub) -> Io {
    socket_on(hub, 0, V6, Kind::Stream)
}

fn udp(hub: &mut SimHub) -> Io {
    socket_on(hub, 0, V6, Kind::Datagram)
}

fn bound(hub: &mut SimHub, kind: Kind, to: &str) -> Result<Io, i32> {
    let address = at(to);
    let io = socket_on(hub, 0, address.domain(), kind);
    code(hub.bind(io, &address)).map(|()| io)
}

/// The address in `[ip]:port`.
fn ip_of(name: &str) -> IpAddr {
    name.parse::<std::net::SocketAddr>().expect("an address").ip()
}

fn ip(ip: &str) -> IpAddr {
    ip.parse().expect("an address")
}

/// 33, 34
#[test]
fn an_address_of_another_family_is_refused_as_each_family_does() {
    let hub = &mut two_hosts();
    let (v4, v6) = (at("127.0.0.1:9"), at("[::1]:9"));
    for kind in [Kind::Stream, Kind::Datagram] {
        let io = socket_on(hub, 0, Domain::V4, kind);
        assert_eq!(code(hub.bind(io, &v6)), Err(libc::EAFNOSUPPORT));
        assert_eq!(code(hub.connect(io, &v6)), Err(libc::EAFNOSUPPORT));
        let io = socket_on(hub, 0, V6, kind);
        assert_eq!(code(hub.bind(io, &v4)), Err(libc::EINVAL));
    }
    let stream = tcp(hub);
    assert_eq!(code(hub.connect(stream, &v4)), Err(libc::EINVAL));
    let of_v4 = socket_on(hub, 0, Domain::V4, Kind::Datagram);
    assert_eq!(code(hub.send_to(of_v4, b"x", &v6)), Err(libc::EAFNOSUPPORT));
    let either = udp(hub);
    assert_eq!(code(hub.send_to(either, b"x", &v4)), Ok(1));
    assert_eq!(code(hub.connect(either, &v4)), Ok(()));
    let name = testing::path("a-name-of-some-length");
    assert_eq!(code(hub.send_to(either, b"x", &name)), Err(libc::EINVAL));
    assert_eq!(code(hub.bind(stream, &testing::path("sixteen-bytes-it"))), Err(libc::EINVAL));
    assert_eq!(code(hub.bind(stream, &name)), Err(libc::EAFNOSUPPORT));
}

/// 35, 16(b), 2(d)
#[test]
fn a_client_of_ipv6_reaches_ipv4_under_its_other_name() {
    let hub = &mut two_hosts();
    let listener = listening(hub, 0, "127.0.0.1:80");
    let client = tcp(hub);
    assert_eq!(connect(hub, client, "[::ffff:127.0.0.1]:80"), Ok(()));
    let (local, peer) = names(hub, client);
    assert_eq!((ip_of(&local), peer.as_str()), (ip("::ffff:127.0.0.1"), "[::ffff:127.0.0.1]:80"));
    while !polled(hub).is_empty() {}
    let (_, from) = hub.accept(listener).expect("it is connected");
    assert_eq!(ip_of(&from.to_string()), ip("127.0.0.1"));
    let only = tcp(hub);
    hub.set_option(only, Opt::OnlyV6, 1).expect("it may be set");
    assert_eq!(connect(hub, only, "[::ffff:127.0.0.1]:80"), Err(libc::ENETUNREACH));
    let of_v6 = bound(hub, Kind::Stream, "[::1]:0").expect("a port is free");
    assert_eq!(connect(hub, of_v6, "[::ffff:127.0.0.1]:80"), Err(libc::ENETUNREACH));
    let apart = tcp(hub);
    assert_eq!(connect(hub, apart, "[::1]:80"), Err(libc::ECONNREFUSED));
    assert_eq!(names(hub, apart).1, libc::ENOTCONN.to_string());
}

/// 36, 286
#[test]
fn a_listener_of_ipv6_takes_both_families_unless_told_not_to() {
    let hub = &mut two_hosts();
    let listener = listening(hub, 1, "[::]:80");
    assert_eq!(code(hub.option(listener, Opt::OnlyV6)), Ok(0));
    assert_eq!(code(hub.set_option(listener, Opt::OnlyV6, 1)), Err(libc::EINVAL), "36(d)");
    for (domain, to, from, local) in [
        (Domain::V4, "10.0.0.2:80", "::ffff:10.0.0.1", "[::ffff:10.0.0.2]:80"),
        (V6, "[fd00::2]:80", "fd00::1", "[fd00::2]:80"),
    ] {
        let client = socket_on(hub, 0, domain, Kind::Stream);
        assert_eq!(connect(hub, client, to), Ok(()));
        while !polled(hub).is_empty() {}
        let (accepted, peer) = hub.accept(listener).expect("it is connected");
        let (own, known) = names(hub, accepted);
        assert_eq!((ip_of(&peer.to_string()), own.as_str()), (ip(from), local));
        assert_eq!(known, peer.to_string());
        assert_eq!(code(hub.option(accepted, Opt::Domain)), Ok(libc::AF_INET6 as u32));
    }
    let only = socket_on(hub, 1, V6, Kind::Stream);
    hub.set_option(only, Opt::OnlyV6, 1).expect("it may be set");
    hub.bind(only, &at("[::]:81")).expect("it is free");
    hub.listen(only, 1).expect("it is bound");
    let client = socket_on(hub, 0, Domain::V4, Kind::Stream);
    assert_eq!(connect(hub, client, "10.0.0.2:81"), Err(libc::ECONNREFUSED), "36(c)");
    assert_eq!(code(hub.bind(only, &at("[::ffff:10.0.0.2]:82"))), Err(libc::EINVAL));
    listening(hub, 1, "[::ffff:127.0.0.1]:83");
    let client = socket_on(hub, 1, Domain::V4, Kind::Stream);
    assert_eq!(connect(hub, client, "127.0.0.1:83"), Ok(()), "36(e)");
}

/// 15, 16(c): where a program means itself, by what it is bound to.
#[test]
fn the_unspecified_address_is_oneself() {
    let hub = &mut two_hosts();
    listening(hub, 0, "[::]:80");
    for (from, to, peer) in [
        ("[::]:0", "[::]:80", "::1"),
        ("[fd00::1]:0", "[::]:80", "::1"),
        ("[::]:0", "[::ffff:0.0.0.0]:80", "::ffff:127.0.0.1"),
        ("[::ffff:127.0.0.1]:0", "[::]:80", "::ffff:127.0.0.1"),
        ("[::ffff:10.0.0.1]:0", "[::]:80", "::ffff:127.0.0.1"),
        ("[::ffff:10.0.0.1]:0", "[::ffff:0.0.0.0]:80", "::ffff:10.0.0.1"),
        ("10.0.0.1:0", "0.0.0.0:80", "10.0.0.1"),
        ("0.0.0.0:0", "0.0.0.0:80", "127.0.0.1"),
    ] {
        for kind in [Kind::Stream, Kind::Datagram] {
            let io = bound(hub, kind, from).expect("a port is free");
            assert_eq!(connect(hub, io, to), Ok(()), "{from} to {to}");
            assert_eq!(ip_of(&names(hub, io).1), ip(peer), "{from} to {to}");
        }
    }
}

/// The source that each bound address gives, and what Linux says where it can be none.
#[test]
fn a_bound_address_is_the_source_or_the_reason_why_not() {
    let hub = &mut two_hosts();
    for host in [0, 1] {
        listening(hub, host, "[::]:80");
    }
    let (net, family) = (Err(libc::ENETUNREACH), Err(libc::EAFNOSUPPORT));
    for (from, to, source) in [
        ("[::]:0", "[::1]:80", Ok("::1")),
        ("[::]:0", "[fd00::1]:80", Ok("fd00::1")),
        ("[::]:0", "[fd00::2]:80", Ok("fd00::1")),
        ("[::]:0", "[::ffff:10.0.0.2]:80", Ok("::ffff:10.0.0.1")),
        ("[::]:0", "[2001:db8::1]:80", net),
        ("[::]:0", "[::ffff:203.0.113.1]:80", net),
        ("[::1]:0", "[fd00::1]:80", Ok("::1")),
        ("[fd00::1]:0", "[::1]:80", Ok("fd00::1")),
        ("[fd00::1]:0", "[::ffff:10.0.0.2]:80", net),
        ("[::ffff:127.0.0.1]:0", "[::1]:80", family),
        ("[::ffff:10.0.0.1]:0", "[fd00::2]:80", family),
        ("[::ffff:0.0.0.0]:0", "[fd00::2]:80", family),
        ("[::ffff:0.0.0.0]:0", "[2001:db8::1]:80", net),
        ("[::ffff:127.0.0.1]:0", "[::ffff:10.0.0.2]:80", Err(libc::EINVAL)),
        ("[::ffff:0.0.0.0]:0", "[::ffff:10.0.0.2]:80", Ok("::ffff:10.0.0.1")),
    ] {
        for kind in [Kind::Stream, Kind::Datagram] {
            let io = bound(hub, kind, from).expect("a port is free");
            let sent = match kind {
                Kind::Datagram => code(hub.send_to(io, b"x", &at(to))).map(drop),
                _ => source.map(drop),
            };
            assert_eq!(sent, source.map(drop), "{from} to {to}");
            assert_eq!(connect(hub, io, to), source.map(drop), "{from} to {to}");
            let shown = source.unwrap_or(from.trim_end_matches(":0").trim_matches(['[', ']']));
            assert_eq!(ip_of(&names(hub, io).0), ip(shown), "{from} to {to}");
        }
    }
}

/// What claims to come from `::1` leaves, unlike what claims to come from `127.0.0.1`, and gets nowhere.
#[test]
fn nobody_answers_to_loopback_from_afar() {
    let hub = &mut two_hosts();
    let receiver = socket_on(hub, 1, V6, Kind::Datagram);
    hub.bind(receiver, &at("[::]:9")).expect("it is free");
    let sender = bound(hub, Kind::Datagram, "[::1]:0").expect("a port is free");
    assert_eq!(code(hub.send_to(sender, b"x", &at("[fd00::2]:9"))), Ok(1));
    polled(hub);
    assert_eq!(recv(hub, receiver, 1), Err(libc::EAGAIN));
}

/// 23, 48, and scopes of what is no link's own.
#[test]
fn only_own_addresses_are_bound_and_scopes_are_for_links() {
    let hub = &mut two_hosts();
    for (address, outcome) in [
        ("[2001:db8::7]:0", Err(libc::EADDRNOTAVAIL)),
        ("[fd00::2]:0", Err(libc::EADDRNOTAVAIL)),
        ("[::ffff:10.0.0.2]:0", Err(libc::EADDRNOTAVAIL)),
        ("[::ffff:255.255.255.255]:0", Ok(())),
        ("[ff0e::1]:0", Err(libc::EINVAL)),
        ("[fe80::1]:0", Err(libc::EINVAL)),
        ("[fe80::1%2]:0", Err(libc::EADDRNOTAVAIL)),
        ("[fe80::1%9]:0", Err(libc::ENODEV)),
        ("[fd00::1]:0", Ok(())),
    ] {
        assert_eq!(bound(hub, Kind::Stream, address).map(drop), outcome, "{address}");
    }
    assert!(bound(hub, Kind::Datagram, "[ff0e::1]:0").is_ok());
    assert_eq!(bound(hub, Kind::Datagram, "[ff02::1]:0"), Err(libc::EINVAL));
    let (stream, datagram) = (tcp(hub), udp(hub));
    assert_eq!(connect(hub, stream, "[fe80::1]:9"), Err(libc::EINVAL));
    assert_eq!(connect(hub, stream, "[fe80::1%2]:9"), Err(libc::ENETUNREACH));
    assert_eq!(connect(hub, stream, "[ff0e::1]:9"), Err(libc::ENETUNREACH));
    assert_eq!(code(hub.send_to(datagram, b"x", &at("[fe80::1]:9"))), Err(libc::ENETUNREACH));
    assert_eq!(connect(hub, datagram, "[fe80::1]:9"), Err(libc::EINVAL));
    let odd = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 9, 7, 3);
    hub.connect(datagram, &std::net::SocketAddr::from(odd).into()).expect("it is here");
    assert_eq!(names(hub, datagram).1, "[::1]:9");
    // Of a fresh socket and one whose attempt failed.
    let fresh = tcp(hub);
    assert_eq!(names(hub, fresh).0, "[::]:0");
    assert_eq!(connect(hub, fresh, "[::1]:9"), Err(libc::ECONNREFUSED));
    let (local, _) = names(hub, fresh);
    assert_eq!(ip_of(&local), IpAddr::from(Ipv6Addr::UNSPECIFIED), "{local}");
}

/// 174(b), 177(c), 192, 197
#[test]
fn datagrams_of_ipv6() {
    let hub = &mut two_hosts();
    let receiver = bound(hub, Kind::Datagram, "[::]:9").expect("it is free");
    let of_v4 = bound(hub, Kind::Datagram, "127.0.0.1:10").expect("it is free");
    let sender = udp(hub);
    let from = |hub: &mut SimHub, io| {
        polled(hub);
        let (_, from) = hub.recv_from(io, &mut [0; 9], Take::Remove).expect("one came");
        ip_of(&from.to_string())
    };
    hub.send_to(of_v4, b"x", &at("127.0.0.1:9")).expect("it leaves");
    assert_eq!(from(hub, receiver), ip("::ffff:127.0.0.1"));
    hub.send_to(sender, b"x", &at("[::ffff:127.0.0.1]:10")).expect("it leaves");
    assert_eq!(from(hub, of_v4), ip("127.0.0.1"));
    hub.send_to(sender, b"x", &at("[::1]:9")).expect("it leaves");
    assert_eq!(from(hub, receiver), ip("::1"));
    assert_eq!(ip_of(&names(hub, sender).0), IpAddr::from(Ipv6Addr::UNSPECIFIED));
    let bytes = vec![0; 65_528];
    let to = at("[::1]:9");
    assert_eq!(code(hub.send_to(sender, &bytes, &to)), Err(libc::EMSGSIZE));
    assert_eq!(code(hub.send_to(sender, &bytes[1..], &to)), Ok(65_527));
    let as_v4 = at("[::ffff:127.0.0.1]:9");
    assert_eq!(code(hub.send_to(sender, &bytes[..65_508], &as_v4)), Err(libc::EMSGSIZE));
    assert_eq!(code(hub.send_to(sender, &bytes, &at("[::1]:0"))), Err(libc::EINVAL));
    let dead = udp(hub);
    assert_eq!(connect(hub, dead, "[::1]:11"), Ok(()));
    assert_eq!(send(hub, dead, b"x"), Ok(1));
    polled(hub);
    assert_eq!(recv(hub, dead, 1), Err(libc::ECONNREFUSED));
    assert!(hub.take_error(dead).expect("it is open").is_none());
    let only = udp(hub);
    hub.set_option(only, Opt::OnlyV6, 1).expect("it may be set");
    assert_eq!(code(hub.send_to(only, b"x", &as_v4)), Err(libc::ENETUNREACH));
    assert_eq!(code(hub.send_to(only, b"x", &at("127.0.0.1:9"))), Err(libc::ENETUNREACH));
    assert_eq!(code(hub.connect(only, &at("127.0.0.1:9"))), Err(libc::EAFNOSUPPORT));
}

/// What is left of a packet for TCP is shorter by what IPv6's header is longer.
#[test]
fn segments_of_ipv6_are_shorter() {
    let hub = &mut two_hosts();
    listening(hub, 1, "[::]:80");
    for (to, mss) in [("[fd00::2]:80", 1440), ("[::ffff:10.0.0.2]:80", 1460)] {
        let client = tcp(hub);
        assert_eq!(connect(hub, client, to), Ok(()));
        assert_eq!(code(hub.option(client, Opt::MaxSegment)), Ok(mss));
    }
}
