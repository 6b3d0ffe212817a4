//! Broadcast and groups, by the rows of what was measured on Linux.

use std::net::{Ipv4Addr, SocketAddr};

use greenroom::hub::{Domain, Group, Hub, Io, Kind, Opt};

use crate::hub::SimHub;
use crate::testing::{self, code, recv};

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const PORT: u16 = 5000;

fn on_group() -> Group {
    Group::V4(GROUP, Ipv4Addr::UNSPECIFIED)
}

/// A socket of this host.
fn socket(hub: &mut SimHub, host: u16, options: &[Opt]) -> Io {
    let io = testing::socket_on(hub, host, Domain::V4, Kind::Datagram);
    for &option in options {
        hub.set_option(io, option, 1).expect("it may be set");
    }
    io
}

fn bound(hub: &mut SimHub, host: u16, ip: impl Into<std::net::IpAddr>) -> Io {
    let io = socket(hub, host, &[Opt::ReuseAddress]);
    hub.bind(io, &SocketAddr::new(ip.into(), PORT).into()).expect("it is free");
    io
}

fn send(hub: &mut SimHub, io: Io, to: impl Into<std::net::IpAddr>) -> Result<usize, i32> {
    let sent = code(hub.send_to(io, b"mc", &SocketAddr::new(to.into(), PORT).into()));
    let later = greenroom::hub::Tick::from_ns(hub.now().as_ns() + 1_000_000_000);
    hub.poll(Some(later), &mut Vec::new()).expect("a simulated poll does not fail");
    sent
}

/// Which of them got one, and no more than one.
fn heard(hub: &mut SimHub, sockets: &[Io]) -> Vec<bool> {
    let one = |&io: &Io| match recv(hub, io, 9) {
        Ok(bytes) => {
            assert_eq!((bytes, recv(hub, io, 9)), (b"mc".into(), Err(libc::EAGAIN)));
            true
        }
        Err(error) => {
            assert_eq!(error, libc::EAGAIN);
            false
        }
    };
    sockets.iter().map(one).collect()
}

/// A link is a /24 as long as its hosts fit, else a /16; measured over veth (`ip addr add 10.0.0.1/24 brd +`).
#[test]
fn the_nets_own_broadcast_address_is_one() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 3);
    let all = Ipv4Addr::new(10, 0, 0, 255);
    let quiet = socket(hub, 0, &[]);
    assert_eq!(send(hub, quiet, all), Err(libc::EACCES));
    let loud = socket(hub, 0, &[Opt::Broadcast]);
    let ears = [
        bound(hub, 0, Ipv4Addr::UNSPECIFIED),
        bound(hub, 1, all),
        bound(hub, 2, Ipv4Addr::UNSPECIFIED),
        bound(hub, 2, Ipv4Addr::new(10, 0, 0, 3)),
    ];
    assert_eq!(send(hub, loud, all), Ok(2));
    assert_eq!(heard(hub, &ears), [true, true, true, false]);
    for nowhere in [[10, 0, 255, 255], [10, 1, 0, 255]] {
        assert_eq!(send(hub, loud, Ipv4Addr::from(nowhere)), Err(libc::ENETUNREACH));
    }
    let stream = testing::socket_on(hub, 0, Domain::V4, Kind::Stream);
    let to = SocketAddr::from((all, PORT)).into();
    assert_eq!(code(hub.connect(stream, &to)), Err(libc::ENETUNREACH));
    let hub = &mut testing::hub_in(crate::Weather::calm(), 255);
    let loud = socket(hub, 0, &[Opt::Broadcast]);
    let ears = [bound(hub, 1, Ipv4Addr::UNSPECIFIED), bound(hub, 254, Ipv4Addr::UNSPECIFIED)];
    assert_eq!(send(hub, loud, all), Ok(2), "that is the last host");
    assert_eq!(heard(hub, &ears), [false, true]);
    assert_eq!(send(hub, loud, Ipv4Addr::new(10, 0, 255, 255)), Ok(2));
    assert_eq!(heard(hub, &ears), [true, true]);
}

/// 189
#[test]
fn a_broadcast_reaches_every_host_that_listens() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 3);
    let all = Ipv4Addr::BROADCAST;
    let quiet = socket(hub, 0, &[]);
    assert_eq!(send(hub, quiet, all), Err(libc::EACCES));
    let to = SocketAddr::from((all, PORT)).into();
    assert_eq!(code(hub.connect(quiet, &to)), Err(libc::EACCES));
    let sockets = [
        bound(hub, 0, Ipv4Addr::UNSPECIFIED),
        bound(hub, 1, Ipv4Addr::UNSPECIFIED),
        bound(hub, 1, Ipv4Addr::new(10, 0, 0, 2)),
        bound(hub, 2, Ipv4Addr::UNSPECIFIED),
    ];
    let loud = socket(hub, 0, &[Opt::Broadcast]);
    assert_eq!(send(hub, loud, all), Ok(2));
    assert_eq!(heard(hub, &sockets), [true, true, false, true]);
    assert_eq!(send(hub, loud, Ipv4Addr::new(127, 255, 255, 255)), Ok(2));
    assert_eq!(heard(hub, &sockets), [true, false, false, false]);
}

/// 193
#[test]
fn members_hear_their_group_over_links_and_from_their_own_host() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 3);
    let sockets = [
        bound(hub, 0, Ipv4Addr::UNSPECIFIED),
        bound(hub, 1, GROUP),
        bound(hub, 2, Ipv4Addr::UNSPECIFIED),
        bound(hub, 1, Ipv4Addr::new(10, 0, 0, 2)),
    ];
    for member in [sockets[0], sockets[1], sockets[3]] {
        hub.join(member, on_group()).expect("it may join");
    }
    let sender = socket(hub, 0, &[]);
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &sockets), [true, true, false, false]);
    hub.set_option(sender, Opt::MulticastLoop, 0).expect("it may be set");
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &sockets), [false, true, false, false]);
    hub.set_option(sender, Opt::MulticastLoop, 1).expect("it may be set");
    hub.set_option(sender, Opt::MulticastTtl, 0).expect("it may be set");
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &sockets), [true, false, false, false]);
    hub.leave(sockets[0], on_group()).expect("it is a member");
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &sockets), [false; 4]);
}

/// 193a, 193c, 193d
#[test]
fn loopback_is_an_interface_of_its_own() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let here = bound(hub, 0, Ipv4Addr::UNSPECIFIED);
    let there = bound(hub, 1, Ipv4Addr::UNSPECIFIED);
    for member in [here, there] {
        hub.join(member, Group::V4(GROUP, Ipv4Addr::LOCALHOST)).expect("it may join");
    }
    let sender = socket(hub, 0, &[]);
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &[here, there]), [false, false], "it left over the link");
    let lo = u32::from(Ipv4Addr::LOCALHOST);
    hub.set_option(sender, Opt::MulticastInterface, lo).expect("it may be set");
    // Neither keeps a datagram from where it is anyway.
    for option in [Opt::MulticastLoop, Opt::MulticastTtl] {
        hub.set_option(sender, option, 0).expect("it may be set");
        assert_eq!(send(hub, sender, GROUP), Ok(2));
        assert_eq!(heard(hub, &[here, there]), [true, false]);
    }
}

/// 194
#[test]
fn joining_and_leaving_are_checked() {
    let hub = &mut testing::hub();
    let io = socket(hub, 0, &[]);
    for (option, value) in [
        (Opt::MulticastLoop, 1),
        (Opt::MulticastTtl, 1),
        (Opt::MulticastAll, 1),
        (Opt::MulticastInterface, 0),
        (Opt::Broadcast, 0),
    ] {
        assert_eq!(code(hub.option(io, option)), Ok(value), "{option:?}");
    }
    assert_eq!(code(hub.join(io, on_group())), Ok(()));
    assert_eq!(code(hub.join(io, on_group())), Err(libc::EADDRINUSE));
    assert_eq!(code(hub.leave(io, on_group())), Ok(()));
    assert_eq!(code(hub.leave(io, on_group())), Err(libc::EADDRNOTAVAIL));
    let not_one = Group::V4(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::UNSPECIFIED);
    assert_eq!(code(hub.join(io, not_one)), Err(libc::EINVAL));
    let elsewhere = Ipv4Addr::new(203, 0, 113, 9);
    assert_eq!(code(hub.join(io, Group::V4(GROUP, elsewhere))), Err(libc::ENODEV));
    let refused = code(hub.set_option(io, Opt::MulticastInterface, elsewhere.into()));
    assert_eq!(refused, Err(libc::EADDRNOTAVAIL));
    let tcp = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
    assert_eq!(code(hub.join(tcp, on_group())), Err(libc::EPROTO));
    assert_eq!(code(hub.set_option(tcp, Opt::Broadcast, 1)), Ok(()));
    let v6 = Group::V6("ff02::1".parse().expect("an address"), 0);
    assert_eq!(code(hub.join(io, v6)), Err(libc::ENOPROTOOPT));
}

#[test]
fn a_member_by_source_hears_that_source_alone() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 3);
    let member = bound(hub, 0, Ipv4Addr::UNSPECIFIED);
    let from = |host: u8| Group::V4From {
        group: GROUP,
        source: Ipv4Addr::new(10, 0, 0, host),
        interface: Ipv4Addr::UNSPECIFIED,
    };
    hub.join(member, from(2)).expect("it may join");
    assert_eq!(code(hub.join(member, from(2))), Err(libc::EADDRNOTAVAIL));
    let senders = [socket(hub, 1, &[]), socket(hub, 2, &[])];
    let hears = |hub: &mut SimHub| {
        senders.map(|sender| {
            send(hub, sender, GROUP).expect("it leaves");
            heard(hub, &[member])[0]
        })
    };
    assert_eq!(hears(hub), [true, false]);
    hub.join(member, from(3)).expect("it may join");
    assert_eq!(hears(hub), [true, true]);
    hub.leave(member, from(2)).expect("it is a member");
    assert_eq!(hears(hub), [false, true]);
    // As measured on Linux: a source after any source is the only one.
    hub.leave(member, on_group()).expect("it is a member");
    hub.join(member, on_group()).expect("it may join");
    assert_eq!(hears(hub), [true, true]);
    assert_eq!(code(hub.join(member, from(2))), Ok(()));
    assert_eq!(code(hub.join(member, from(2))), Err(libc::EADDRNOTAVAIL));
    assert_eq!(hears(hub), [true, false]);
    assert_eq!(code(hub.join(member, on_group())), Err(libc::EADDRINUSE));
}

/// 194d, and who is no member hears with those of its host unless it says otherwise.
#[test]
fn all_who_share_a_port_get_a_copy() {
    let hub = &mut testing::hub();
    let sockets = [(); 3].map(|()| bound(hub, 0, Ipv4Addr::UNSPECIFIED));
    let sender = socket(hub, 0, &[]);
    hub.join(sockets[0], on_group()).expect("it may join");
    hub.set_option(sockets[2], Opt::MulticastAll, 0).expect("it may be set");
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &sockets), [true, true, false]);
    hub.close(sockets[0]);
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &sockets[1..]), [false, false], "the last member is gone");
}

/// Each copy is a packet of its own; hosts that do not listen draw no luck.
#[test]
fn every_copy_has_a_fate_of_its_own() {
    let weather = crate::Weather { loss_ppm: 500_000, ..crate::Weather::calm() };
    let hub = &mut testing::hub_in(weather, 5);
    let members = [1, 2].map(|host| bound(hub, host, Ipv4Addr::UNSPECIFIED));
    for member in members {
        hub.join(member, on_group()).expect("it may join");
    }
    let sender = socket(hub, 0, &[]);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..100 {
        assert_eq!(send(hub, sender, GROUP), Ok(2));
        *counts.entry(heard(hub, &members)).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 4, "{counts:?}");
    let id = hub.world.socket_of(sender).expect("it is open");
    assert_eq!(hub.world.sockets[id].packets_sent, 200);
}

/// A sender of host 0 that is bound to this address.
fn sender_at(hub: &mut SimHub, ip: Ipv4Addr) -> Io {
    let io = socket(hub, 0, &[Opt::Broadcast]);
    hub.bind(io, &SocketAddr::from((ip, 0)).into()).expect("a port is free");
    io
}

/// As measured on Linux, but for the second host.
#[test]
fn what_is_bound_to_loopback_leaves_by_it_and_stays() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let [here, there] = [0, 1].map(|host| bound(hub, host, Ipv4Addr::UNSPECIFIED));
    for member in [here, there] {
        hub.join(member, Group::V4(GROUP, Ipv4Addr::LOCALHOST)).expect("it may join");
    }
    hub.join(there, on_group()).expect("it may join");
    let sender = sender_at(hub, Ipv4Addr::LOCALHOST);
    for to in [GROUP, Ipv4Addr::BROADCAST] {
        assert_eq!(send(hub, sender, to), Ok(2));
        assert_eq!(heard(hub, &[here, there]), [true, false], "{to}");
    }
    let host = Ipv4Addr::new(10, 0, 0, 1);
    hub.set_option(sender, Opt::MulticastInterface, host.into()).expect("it may be set");
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(
        heard(hub, &[here, there]),
        [false, false],
        "by the link, to nobody who believes it"
    );
}

/// As measured on Linux.
#[test]
fn the_chosen_interface_counts_and_not_the_source() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
    let here = bound(hub, 0, Ipv4Addr::UNSPECIFIED);
    hub.join(here, Group::V4(GROUP, Ipv4Addr::LOCALHOST)).expect("it may join");
    let sender = sender_at(hub, Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &[here]), [false], "by the link");
    let lo = u32::from(Ipv4Addr::LOCALHOST);
    hub.set_option(sender, Opt::MulticastInterface, lo).expect("it may be set");
    assert_eq!(send(hub, sender, GROUP), Ok(2));
    assert_eq!(heard(hub, &[here]), [true]);
}

#[test]
fn a_port_bound_to_another_address_draws_no_luck() {
    let hub = &mut testing::hub_in(crate::Weather::calm(), 3);
    bound(hub, 1, Ipv4Addr::LOCALHOST);
    bound(hub, 2, Ipv4Addr::UNSPECIFIED);
    let sender = socket(hub, 0, &[Opt::Broadcast]);
    assert_eq!(send(hub, sender, Ipv4Addr::BROADCAST), Ok(2));
    let id = hub.world.socket_of(sender).expect("it is open");
    assert_eq!(hub.world.sockets[id].packets_sent, 1);
}

#[test]
fn members_that_are_gone_are_forgotten() {
    let hub = &mut testing::hub();
    for round in 0..1000_u16 {
        let io = socket(hub, 0, &[]);
        let [high, low] = round.to_be_bytes();
        let group = Ipv4Addr::new(239, 0, high, low);
        hub.join(io, Group::V4(group, Ipv4Addr::UNSPECIFIED)).expect("it may join");
        hub.close(io);
    }
    assert!(hub.world.members.len() <= 8, "{}", hub.world.members.len());
}

/// The groups of IPv6, all of them on the link: sent to, `mc` and who hears it.
struct V6<'a>(&'a mut SimHub);

impl V6<'_> {
    fn socket(&mut self, host: u16, options: &[(Opt, u32)]) -> Io {
        let io = testing::socket_on(self.0, host, Domain::V6, Kind::Datagram);
        for &(option, value) in options {
            self.0.set_option(io, option, value).expect("it may be set");
        }
        io
    }
    fn bound(&mut self, host: u16, to: &str) -> Io {
        let io = self.socket(host, &[(Opt::ReuseAddress, 1)]);
        self.0.bind(io, &testing::at(to)).expect("it is free");
        io
    }
    fn send(&mut self, io: Io, to: &str) -> Result<usize, i32> {
        let sent = code(self.0.send_to(io, b"mc", &testing::at(to)));
        while !testing::polled(self.0).is_empty() {}
        sent
    }
}

fn v6(group: &str, interface: u32) -> Group {
    Group::V6(group.parse().expect("a group"), interface)
}

/// As measured between two network namespaces.
#[test]
fn groups_of_ipv6_are_heard_on_their_link() {
    let hub = &mut V6(&mut testing::hub_in(crate::Weather::calm(), 3));
    let sockets = [
        hub.bound(0, "[::]:5000"),
        hub.bound(1, "[ff0e::5]:5000"),
        hub.bound(2, "[::]:5000"),
        hub.bound(1, "[fd00::2]:5000"),
    ];
    for (member, interface) in [(sockets[0], 0), (sockets[1], 2), (sockets[3], 2)] {
        hub.0.join(member, v6("ff0e::5", interface)).expect("it may join");
    }
    let to = "[ff0e::5]:5000";
    for (options, outcome, wanted) in [
        (&[][..], Ok(2), [true, true, false, false]),
        (&[(Opt::MulticastLoopV6, 0)], Ok(2), [false, true, false, false]),
        (&[(Opt::MulticastHopsV6, 0)], Ok(2), [true, false, false, false]),
        (&[(Opt::MulticastInterfaceV6, 2)], Ok(2), [true, true, false, false]),
        (&[(Opt::MulticastInterfaceV6, 1)], Err(libc::ENETUNREACH), [false; 4]),
    ] {
        let sender = hub.socket(0, options);
        assert_eq!(hub.send(sender, to), outcome, "{options:?}");
        assert_eq!(heard(hub.0, &sockets), wanted, "{options:?}");
    }
    let elsewhere = hub.bound(2, "[::]:5000");
    hub.0.join(elsewhere, v6("ff0e::5", 1)).expect("loopback may be joined");
    let sender = hub.bound(0, "[::1]:0");
    assert_eq!(hub.send(sender, to), Ok(2));
    assert_eq!(heard(hub.0, &[sockets[0], elsewhere]), [false; 2], "from loopback to nobody");
    let sender = hub.socket(0, &[]);
    let v4 = testing::at("[::ffff:10.0.0.1]:0");
    hub.0.bind(sender, &v4).expect("a port is free");
    assert_eq!(hub.send(sender, to), Err(libc::EAFNOSUPPORT));
    let sender = hub.socket(0, &[]);
    assert_eq!(code(hub.0.connect(sender, &testing::at(to))), Ok(()));
    let (local, peer) = testing::names(hub.0, sender);
    assert!(local.starts_with("[fd00::1]:") && peer == to, "{local} {peer}");
}

/// What all nodes hear, and what does not leave its host.
#[test]
fn narrow_groups_name_their_link() {
    let hub = &mut V6(&mut testing::hub_in(crate::Weather::calm(), 2));
    let sockets = [hub.bound(0, "[::]:5000"), hub.bound(1, "[::]:5000"), hub.bound(1, "[::]:6000")];
    let sender = hub.socket(0, &[]);
    for to in ["[ff02::1]:5000", "[ff02::1%2]:5000"] {
        assert_eq!(hub.send(sender, to), Ok(2));
        assert_eq!(heard(hub.0, &sockets), [true, true, false]);
    }
    for to in ["[ff02::1%1]:5000", "[ff02::1%9]:5000"] {
        assert_eq!(hub.send(sender, to), Err(libc::ENETUNREACH));
    }
    hub.0.set_option(sockets[1], Opt::MulticastAllV6, 0).expect("it may be set");
    assert_eq!(hub.send(sender, "[ff02::1]:5000"), Ok(2));
    assert_eq!(heard(hub.0, &sockets), [true, false, false]);
    for member in &sockets[..2] {
        hub.0.join(*member, v6("ff01::5", 2)).expect("it may join");
    }
    assert_eq!(hub.send(sender, "[ff01::5%2]:5000"), Ok(2));
    assert_eq!(heard(hub.0, &sockets), [true, false, false]);
    let sender = hub.socket(0, &[]);
    assert_eq!(code(hub.0.connect(sender, &testing::at("[ff02::5]:5"))), Err(libc::EINVAL));
    assert_eq!(code(hub.0.connect(sender, &testing::at("[ff02::5%2]:5"))), Ok(()));
    assert_eq!(testing::names(hub.0, sender).1, "[ff02::5%2]:5");
}

/// As 194(b), and where IPv6 answers otherwise.
#[test]
fn memberships_of_ipv6() {
    let hub = &mut V6(&mut testing::hub());
    let io = hub.socket(0, &[]);
    for (group, interface, joined, left) in [
        ("ff02::1234", 0, Ok(()), Ok(())),
        ("ff02::1234", 1, Ok(()), Ok(())),
        ("ff02::1234", 9, Err(libc::ENODEV), Err(libc::EADDRNOTAVAIL)),
        ("::1", 1, Err(libc::EINVAL), Err(libc::EINVAL)),
        ("::ffff:224.0.0.9", 0, Err(libc::EINVAL), Err(libc::EINVAL)),
    ] {
        assert_eq!(code(hub.0.join(io, v6(group, interface))), joined, "{group} {interface}");
        assert_eq!(code(hub.0.leave(io, v6(group, interface))), left, "{group} {interface}");
    }
    assert_eq!(code(hub.0.join(io, v6("ff0e::5", 0))), Ok(()));
    assert_eq!(code(hub.0.join(io, v6("ff0e::5", 2))), Err(libc::EADDRINUSE));
    assert_eq!(code(hub.0.leave(io, v6("ff0e::5", 1))), Err(libc::EADDRNOTAVAIL));
    assert_eq!(code(hub.0.leave(io, v6("ff0e::5", 0))), Ok(()));
    assert_eq!(code(hub.0.join(io, on_group())), Ok(()), "one of IPv4");
    let tcp = testing::socket_on(hub.0, 0, Domain::V6, Kind::Stream);
    assert_eq!(code(hub.0.join(tcp, v6("ff0e::5", 2))), Err(libc::EPROTO));
    assert_eq!(code(hub.0.leave(tcp, v6("ff0e::5", 2))), Err(libc::EPROTO));
    let of_v4 = testing::socket_on(hub.0, 0, Domain::V4, Kind::Datagram);
    assert_eq!(code(hub.0.join(of_v4, v6("ff0e::5", 2))), Err(libc::ENOPROTOOPT));
}
