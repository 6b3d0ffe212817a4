//! Who may have a port, by the rows of what was measured on Linux.

use greenroom::hub::{Domain, Hub, Interest, Io, Kind, Opt};

use crate::hub::SimHub;
use crate::net::bench::{self, at, code, connect, inet, listening, named, names};

fn bound(hub: &mut SimHub, kind: Kind, options: &[Opt], address: &str) -> Result<Io, i32> {
    let address = at(address);
    let io = inet(hub, 0, address.domain(), kind);
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
                let hub = &mut bench::hub();
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
        let hub = &mut bench::hub();
        for kind in [Kind::Stream, Kind::Datagram] {
            let ios = binds.map(|at| bound(hub, kind, &[Opt::ReusePort], at).expect("shared"));
            let client = inet(hub, 0, Domain::V4, kind);
            if kind == Kind::Stream {
                ios.iter().for_each(|&io| hub.listen(io, 1).expect("shared"));
            }
            assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
            if kind == Kind::Datagram {
                hub.send(client, b"x").expect("it leaves");
            }
            named(hub);
            let heard = ios.map(|io| hub.readiness(io, Interest::READ).expect("open").reads());
            assert_eq!(heard, [wanted == 0, wanted == 1], "{kind:?} {binds:?}");
        }
    }
}

/// 30, 31: what was accepted holds the port of its listener when that is gone.
#[test]
fn an_accepted_connection_holds_its_port() {
    for options in [&[][..], &[Opt::ReuseAddress]] {
        let hub = &mut bench::hub();
        let listener = bound(hub, Kind::Stream, options, "127.0.0.1:80").expect("it is free");
        hub.listen(listener, 1).expect("it is bound");
        let client = inet(hub, 0, Domain::V4, Kind::Stream);
        assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
        while !named(hub).is_empty() {}
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
        while !named(hub).is_empty() {}
        assert!(bound(hub, Kind::Stream, &[], "127.0.0.1:80").is_ok());
    }
}

/// 22: a port that was given up rests until the others had their turn.
#[test]
fn ports_are_given_out_in_turn() {
    let hub = &mut bench::hub();
    listening(hub, 0, "127.0.0.1:80");
    let first = bound(hub, Kind::Stream, &[], "127.0.0.1:0").expect("a port is free");
    let (name, _) = names(hub, first);
    hub.close(first);
    let client = inet(hub, 0, Domain::V4, Kind::Stream);
    assert_eq!(connect(hub, client, "127.0.0.1:80"), Ok(()));
    assert_ne!(names(hub, client).0, name);
}
