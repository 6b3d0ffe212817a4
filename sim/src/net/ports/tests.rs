//! Who may have a port, by the rows of what was measured on Linux.

use greenroom::hub::{Domain, Hub, Io, Kind, Opt, Readiness};
use greenroom::scenario::Machine;

use crate::hub::SimHub;
use crate::testing::{self, at, code, connect, listening, names, polled, socket_on};

fn bound(hub: &mut SimHub, kind: Kind, options: &[Opt], address: &str) -> Result<Io, i32> {
    let address = at(address);
    let io = socket_on(hub, 0, address.domain(), kind);
    for &option in options {
        hub.set_option(io, option, 1).expect("it may be set");
    }
    code(hub.bind(io, &address)).map(|()| io)
}

/// 27, and all the pairs of it that were measured: who binds second is refused where the two overlap.
#[test]
fn both_families_share_their_ports_where_they_overlap() {
    const ALL: [(&str, bool); 8] = [
        ("[::]:80", false),
        ("[::]:80", true),
        ("[::1]:80", false),
        ("[::ffff:127.0.0.1]:80", false),
        ("[::ffff:0.0.0.0]:80", false),
        ("0.0.0.0:80", false),
        ("127.0.0.1:80", false),
        ("127.0.0.2:80", false),
    ];
    const FREE: [[u8; 8]; 8] = [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 1, 1, 1, 1, 1],
        [0, 0, 0, 1, 1, 1, 1, 1],
        [0, 1, 1, 0, 0, 0, 0, 1],
        [0, 1, 1, 0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0, 0, 1],
        [0, 1, 1, 1, 0, 0, 1, 0],
    ];
    for kind in [Kind::Stream, Kind::Datagram] {
        for (first, row) in ALL.iter().zip(FREE) {
            for (second, is_free) in ALL.iter().zip(row) {
                let hub = &mut testing::hub();
                let only = |only: bool| if only { &[Opt::OnlyV6][..] } else { &[] };
                let held = bound(hub, kind, only(first.1), first.0).expect("it is free");
                if kind == Kind::Stream {
                    hub.listen(held, 1).expect("it is bound");
                }
                let outcome = bound(hub, kind, only(second.1), second.0).map(drop);
                let wanted = if is_free == 1 { Ok(()) } else { Err(libc::EADDRINUSE) };
                assert_eq!(outcome, wanted, "{kind:?} {first:?}, then {second:?}");
            }
        }
    }
}

/// Of two that hear an address of IPv4, the more exact one is asked, then the one of IPv4.
#[test]
fn the_very_family_hears_first() {
    for (binds, wanted) in [
        (["[::]:80", "0.0.0.0:80"], 1),
        (["0.0.0.0:80", "[::]:80"], 0),
        (["[::ffff:127.0.0.1]:80", "127.0.0.1:80"], 1),
        (["[::ffff:127.0.0.1]:80", "0.0.0.0:80"], 0),
    ] {
        let hub = &mut testing::hub();
        for kind in [Kind::Stream, Kind::Datagram] {
            let ios = binds.map(|at| bound(hub, kind, &[Opt::ReusePort], at).expect("shared"));
            let client = socket_on(hub, 0, Domain::V4, kind);
            if kind == Kind::Stream {
                ios.iter().for_each(|&io| hub.listen(io, 1).expect("shared"));
            }
            assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
            if kind == Kind::Datagram {
                hub.send(client, b"x").expect("it leaves");
            }
            polled(hub);
            let heard =
                ios.map(|io| hub.readiness(io, Readiness::READ).expect("open").is_readable());
            assert_eq!(heard, [wanted == 0, wanted == 1], "{kind:?} {binds:?}");
        }
    }
}

/// 30, 31: what was accepted holds the port of its listener when that is gone.
#[test]
fn an_accepted_connection_holds_its_port() {
    for options in [&[][..], &[Opt::ReuseAddress]] {
        let hub = &mut testing::hub();
        let listener = bound(hub, Kind::Stream, options, "127.0.0.1:80").expect("it is free");
        hub.listen(listener, 1).expect("it is bound");
        let client = socket_on(hub, 0, Domain::V4, Kind::Stream);
        assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
        while !polled(hub).is_empty() {}
        let (accepted, _) = hub.accept(listener).expect("it is connected");
        hub.close(listener);
        let again = |hub: &mut SimHub| bound(hub, Kind::Stream, options, "127.0.0.1:80");
        let wanted = if options.is_empty() { Err(libc::EADDRINUSE) } else { Ok(()) };
        assert_eq!(again(hub).map(|io| hub.close(io)), wanted);
        let elsewhere = bound(hub, Kind::Stream, &[], "127.0.0.2:80").expect("another address");
        hub.close(elsewhere);
        // A reset leaves nothing.
        hub.set_option(accepted, Opt::Linger, 1).expect("it may be set");
        hub.close(accepted);
        while !polled(hub).is_empty() {}
        assert!(bound(hub, Kind::Stream, &[], "127.0.0.1:80").is_ok());
    }
}

/// 22: a port that was given up rests until the others had their turn.
#[test]
fn ports_are_given_out_in_turn() {
    let hub = &mut testing::hub();
    listening(hub, 0, "127.0.0.1:80");
    let first = bound(hub, Kind::Stream, &[], "127.0.0.1:0").expect("a port is free");
    let (name, _) = names(hub, first);
    hub.close(first);
    let client = socket_on(hub, 0, Domain::V4, Kind::Stream);
    assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
    assert_ne!(names(hub, client).0, name);
}

/// One host, and so many ports to give out.
fn narrow(ports: std::ops::RangeInclusive<u16>) -> SimHub {
    testing::hub_of(crate::Weather::calm(), 1, Machine::new().ephemeral_ports(ports))
}

fn connected(hub: &mut SimHub, to: &str) -> Result<Io, i32> {
    let io = socket_on(hub, 0, Domain::V4, Kind::Stream);
    connect(hub, io, to).map(|()| io)
}

/// 50, 54
#[test]
fn ports_run_out_on_each_address_by_itself() {
    let hub = &mut narrow(42_000..=42_001);
    let any = |hub: &mut SimHub, ip: &str| {
        bound(hub, Kind::Stream, &[], &format!("{ip}:0")).map(|io| names(hub, io).0)
    };
    assert_eq!(any(hub, "127.0.0.1"), Ok("127.0.0.1:42000".into()));
    assert_eq!(any(hub, "127.0.0.1"), Ok("127.0.0.1:42001".into()));
    assert_eq!(any(hub, "127.0.0.1"), Err(libc::EADDRINUSE));
    assert_eq!(any(hub, "127.0.0.2"), Ok("127.0.0.2:42000".into()));
    assert_eq!(any(hub, "0.0.0.0"), Err(libc::EADDRINUSE));
    assert_eq!(any(hub, "[::]"), Err(libc::EADDRINUSE));
    assert!(any(hub, "[::1]").is_ok());
    let io = socket_on(hub, 0, Domain::V4, Kind::Stream);
    assert_eq!(code(hub.listen(io, 1)), Err(libc::EADDRINUSE));
    // Asking for any, nobody of TCP is given one that is shared; of UDP it may be.
    let hub = &mut narrow(42_000..=42_001);
    for (kind, last) in [(Kind::Stream, Err(libc::EADDRINUSE)), (Kind::Datagram, Ok(()))] {
        let share = |hub: &mut SimHub| bound(hub, kind, &[Opt::ReuseAddress], "127.0.0.1:0");
        assert!(share(hub).is_ok() && share(hub).is_ok());
        assert_eq!(share(hub).map(drop), last);
    }
}

/// 51: a port leads to as many places as there are.
#[test]
fn a_port_serves_connections_to_several_places() {
    let hub = &mut narrow(42_000..=42_001);
    let (_, _) = (listening(hub, 0, "127.0.0.1:80"), listening(hub, 0, "127.0.0.1:81"));
    assert!(connected(hub, "127.0.0.1:80").is_ok() && connected(hub, "127.0.0.1:80").is_ok());
    let third = socket_on(hub, 0, Domain::V4, Kind::Stream);
    assert_eq!(connect(hub, third, "127.0.0.1:80"), Err(libc::EADDRNOTAVAIL));
    assert_eq!(names(hub, third).0, "0.0.0.0:0");
    assert_eq!(connect(hub, third, "127.0.0.1:81"), Ok(()));
    let shared = |hub: &mut SimHub, options: &[Opt], at| {
        bound(hub, Kind::Stream, options, at).map(|io| hub.close(io))
    };
    assert_eq!(shared(hub, &[], "127.0.0.1:0"), Err(libc::EADDRINUSE), "51(c)");
    assert_eq!(shared(hub, &[Opt::ReuseAddress], "127.0.0.1:42000"), Err(libc::EADDRINUSE));
    assert_eq!(shared(hub, &[], "10.0.0.1:0"), Ok(()));
    assert_eq!(shared(hub, &[], "127.0.0.2:42000"), Ok(()));
}

/// What somebody bound is nobody else's to connect from, on whatever address.
#[test]
fn connecting_chooses_no_port_that_was_bound() {
    let hub = &mut narrow(42_000..=42_000);
    listening(hub, 0, "127.0.0.1:80");
    let holder = bound(hub, Kind::Stream, &[], "127.0.0.2:0").expect("a port is free");
    assert_eq!(connected(hub, "127.0.0.1:80"), Err(libc::EADDRNOTAVAIL));
    hub.close(holder);
    assert!(connected(hub, "127.0.0.1:80").is_ok());
}

fn wait(hub: &mut SimHub, ms: u64) {
    let until = greenroom::hub::Tick::from_ns(hub.now().as_ns() + ms * 1_000_000);
    while hub.now() < until {
        hub.poll(Some(until), &mut Vec::new()).expect("a simulated poll does not fail");
    }
}

/// Closes both ends, the client's first.
fn close_both(hub: &mut SimHub, client: Io, listener: Io) {
    hub.close(client);
    while !polled(hub).is_empty() {}
    let (accepted, _) = hub.accept(listener).expect("it was connected");
    hub.close(accepted);
    wait(hub, 1);
}

/// 52
#[test]
fn time_wait_keeps_a_chosen_port_a_second_on_loopback_and_a_minute_elsewhere() {
    for (at, others, reused_after_ms) in [("127.0.0.1:80", 0, 1000), ("10.0.0.2:80", 1, 60_000)] {
        let machine = Machine::new().ephemeral_ports(42_000..=42_000);
        let hub = &mut testing::hub_of(crate::Weather::calm(), 2, machine);
        let listener = listening(hub, others, at);
        let client = connected(hub, at).expect("a port is free");
        close_both(hub, client, listener);
        assert_eq!(connected(hub, at), Err(libc::EADDRNOTAVAIL));
        wait(hub, reused_after_ms - 10);
        assert_eq!(connected(hub, at), Err(libc::EADDRNOTAVAIL));
        wait(hub, 100);
        assert!(connected(hub, at).is_ok());
    }
}

/// 32
#[test]
fn a_port_by_name_is_taken_out_of_time_wait_at_once() {
    let hub = &mut testing::hub();
    let listener = listening(hub, 0, "127.0.0.1:80");
    listening(hub, 0, "127.0.0.1:81");
    let client = bound(hub, Kind::Stream, &[Opt::ReuseAddress], "127.0.0.1:50").expect("free");
    assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
    close_both(hub, client, listener);
    assert_eq!(bound(hub, Kind::Stream, &[], "127.0.0.1:50"), Err(libc::EADDRINUSE));
    let again = |hub: &mut SimHub| {
        bound(hub, Kind::Stream, &[Opt::ReuseAddress], "127.0.0.1:50").expect("it is shared")
    };
    let (second, third, fourth) = (again(hub), again(hub), again(hub));
    assert_eq!(connect(hub, second, "127.0.0.1:80"), Ok(()));
    assert_eq!(connect(hub, third, "127.0.0.1:81"), Ok(()));
    assert_eq!(connect(hub, fourth, "127.0.0.1:80"), Err(libc::EADDRNOTAVAIL));
}

/// 53
#[test]
fn the_only_port_may_be_the_one_that_is_called() {
    let hub = &mut narrow(42_000..=42_000);
    let io = connected(hub, "127.0.0.1:42000").expect("it meets itself");
    assert_eq!(names(hub, io), ("127.0.0.1:42000".into(), "127.0.0.1:42000".into()));
}

/// 55
#[test]
fn datagrams_run_out_of_ports_in_their_own_words() {
    let hub = &mut narrow(42_000..=42_001);
    for wanted in [Ok(()), Ok(()), Err(libc::EADDRINUSE)] {
        assert_eq!(bound(hub, Kind::Datagram, &[], "0.0.0.0:0").map(drop), wanted);
    }
    for domain in [Domain::V4, Domain::V6] {
        let to = if domain == Domain::V4 { at("127.0.0.1:9") } else { at("[::ffff:127.0.0.1]:9") };
        let io = socket_on(hub, 0, domain, Kind::Datagram);
        // Of this error, which has no number, a program is told as `EAGAIN`.
        let told = |sent: std::io::Result<usize>| sent.map_err(|error| error.to_string());
        let no_port = Err(greenroom::hub::no_port().to_string());
        assert_eq!(told(hub.send_to(io, b"x", &to)), no_port);
        assert_eq!(code(hub.connect(io, &to)), Err(libc::EAGAIN));
        assert_eq!(told(hub.send(io, b"x")), no_port);
    }
    assert!(bound(hub, Kind::Stream, &[], "0.0.0.0:0").is_ok(), "TCP's are others");
}
