//! Every option of the waist is the system's: what is set can be asked for.
#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use greenroom::hub::{Domain, Group, Hub, Io, Kind, NameOpt, Opt, Readiness, Take};
use greenroom_real::RealHub;

mod common;
use common::{finish, hub};

fn errno<T: std::fmt::Debug>(answer: std::io::Result<T>) -> i32 {
    answer.unwrap_err().raw_os_error().unwrap()
}

fn has_v6() -> bool {
    std::net::UdpSocket::bind("[::1]:0").is_ok()
}

/// Sets each option to each value and asks for it. What takes a privilege may be refused.
fn hold(hub: &mut RealHub, io: Io, privileged: bool, cases: &[(Opt, &[u32])]) {
    for &(option, values) in cases {
        for &value in values {
            match hub.set_option(io, option, value) {
                Err(error) if privileged && error.kind() == ErrorKind::PermissionDenied => {}
                set => {
                    set.unwrap_or_else(|error| panic!("{option:?} to {value}: {error}"));
                    assert_eq!(hub.option(io, option).unwrap(), value, "{option:?}");
                }
            }
        }
    }
}

const SWITCH: &[u32] = &[1, 0];

#[test]
fn options_of_any_socket() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    hold(
        &mut hub,
        io,
        false,
        &[
            (Opt::ReuseAddress, SWITCH),
            (Opt::ReusePort, SWITCH),
            (Opt::Linger, &[1, 8, 0]),
            (Opt::Broadcast, SWITCH),
            (Opt::KeepAlive, SWITCH),
            (Opt::UrgentInline, SWITCH),
            (Opt::Priority, &[5, 0]),
            (Opt::IncomingCpu, &[0]),
        ],
    );
    hold(
        &mut hub,
        io,
        true,
        &[(Opt::Priority, &[7]), (Opt::Mark, &[9, 0]), (Opt::BusyPoll, &[50])],
    );
    // The system books twice what is asked for.
    for option in [Opt::SendBuffer, Opt::RecvBuffer] {
        hub.set_option(io, option, 20_000).unwrap();
        assert_eq!(hub.option(io, option).unwrap(), 40_000);
    }
    let local = hub.socket(Domain::Unix, Kind::Datagram).unwrap();
    hold(&mut hub, local, false, &[(Opt::PassCredentials, SWITCH)]);
}

#[test]
fn a_socket_without_a_processor_of_its_own_says_so() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    assert_eq!(hub.option(io, Opt::IncomingCpu).unwrap(), u32::MAX);
}

#[test]
fn a_listener_knows_itself_and_cannot_be_told() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    assert_eq!(hub.option(io, Opt::IsListener).unwrap(), 0);
    hub.listen(io, 1).unwrap();
    assert_eq!(hub.option(io, Opt::IsListener).unwrap(), 1);
    assert_eq!(errno(hub.set_option(io, Opt::IsListener, 0)), libc::ENOPROTOOPT);
}

#[test]
fn options_of_tcp() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    hold(
        &mut hub,
        io,
        false,
        &[
            (Opt::NoDelay, SWITCH),
            (Opt::KeepIdle, &[77]),
            (Opt::KeepInterval, &[11]),
            (Opt::KeepCount, &[4]),
            (Opt::UserTimeout, &[1500, 0]),
            (Opt::UnsentLowWater, &[16_384]),
            (Opt::MaxSegment, &[1000]),
            (Opt::Cork, SWITCH),
            (Opt::QuickAck, &[0, 1]),
            (Opt::Inq, &[0, 1]),
            (Opt::ThinLinearTimeouts, SWITCH),
        ],
    );
    assert_eq!(hub.option(io, Opt::KeepAlive).unwrap(), 0, "its numbers do not switch it on");
    for option in [Opt::KeepIdle, Opt::KeepInterval, Opt::KeepCount] {
        for wrong in [0, 1_000_000, u32::MAX] {
            assert_eq!(errno(hub.set_option(io, option, wrong)), libc::EINVAL, "{option:?}");
        }
    }
    let datagram = hub.socket(Domain::V4, Kind::Datagram).unwrap();
    assert!(hub.set_option(datagram, Opt::NoDelay, 1).is_err());
}

#[test]
fn options_of_ipv4() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Datagram).unwrap();
    hold(
        &mut hub,
        io,
        false,
        &[
            (Opt::Ttl, &[3, 255]),
            (Opt::Tos, &[0x10, 0]),
            (Opt::RecvTos, SWITCH),
            (Opt::PacketInfoV4, SWITCH),
            (Opt::FreeBind, SWITCH),
            (Opt::MulticastLoop, &[0, 1]),
            (Opt::MulticastTtl, &[5, 0]),
            (Opt::MulticastAll, &[0, 1]),
            (Opt::MulticastInterface, &[0x7f00_0001]),
        ],
    );
    hold(&mut hub, io, true, &[(Opt::Transparent, SWITCH)]);
    assert_eq!(errno(hub.set_option(io, Opt::Ttl, 256)), libc::EINVAL);
    assert_eq!(
        errno(hub.set_option(io, Opt::MulticastInterface, 0x0102_0304)),
        libc::EADDRNOTAVAIL
    );
}

#[test]
fn options_of_ipv6() {
    if !has_v6() {
        return;
    }
    let mut hub = hub();
    let io = hub.socket(Domain::V6, Kind::Datagram).unwrap();
    hold(
        &mut hub,
        io,
        false,
        &[
            (Opt::OnlyV6, SWITCH),
            (Opt::HopsV6, &[3, 255]),
            (Opt::TrafficClassV6, &[0x20, 0]),
            (Opt::RecvTrafficClassV6, SWITCH),
            (Opt::RecvHopLimitV6, SWITCH),
            (Opt::PacketInfoV6, SWITCH),
            (Opt::FreeBindV6, SWITCH),
            (Opt::MulticastLoopV6, &[0, 1]),
            (Opt::MulticastHopsV6, &[5, 0]),
            (Opt::MulticastAllV6, &[0, 1]),
            (Opt::MulticastInterfaceV6, &[1, 0]),
        ],
    );
    hold(&mut hub, io, true, &[(Opt::TransparentV6, SWITCH)]);
}

#[test]
fn options_that_are_names() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    let usual = hub.name_option(io, NameOpt::Congestion).unwrap();
    assert!(!usual.is_empty() && usual.is_ascii() && !usual.contains(&0));
    hub.set_name_option(io, NameOpt::Congestion, b"reno").unwrap();
    assert_eq!(hub.name_option(io, NameOpt::Congestion).unwrap(), b"reno");
    assert_eq!(errno(hub.set_name_option(io, NameOpt::Congestion, b"no such")), libc::ENOENT);

    assert_eq!(hub.name_option(io, NameOpt::Device).unwrap(), b"");
    let none = errno(hub.set_name_option(io, NameOpt::Device, b"none such"));
    assert!([libc::ENODEV, libc::EPERM].contains(&none));
    // Newer systems let anyone name a device, but none without privilege name another.
    for device in [&b"lo"[..], b""] {
        match hub.set_name_option(io, NameOpt::Device, device) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return,
            set => set.unwrap(),
        }
        assert_eq!(hub.name_option(io, NameOpt::Device).unwrap(), device);
    }
}

/// Whether a datagram to the group reaches the socket.
fn hears(hub: &mut RealHub, io: Io, group: SocketAddr, sender: &std::net::UdpSocket) -> bool {
    let own = hub.local_addr(io).unwrap().inet().unwrap().port();
    sender.send_to(b"group", SocketAddr::new(group.ip(), own)).unwrap();
    sender.send_to(b"mark", SocketAddr::new(sender.local_addr().unwrap().ip(), own)).unwrap();
    let mut heard = false;
    loop {
        let mut buf = [0; 8];
        let n = finish(hub, io, Readiness::READ, |hub| hub.recv(io, &mut buf, Take::Remove));
        match &buf[..n.unwrap()] {
            b"mark" => return heard,
            _ => heard = true,
        }
    }
}

#[test]
fn a_group_is_heard_while_the_socket_is_a_member() {
    let lo = Ipv4Addr::LOCALHOST;
    let name = Ipv4Addr::new(239, 77, 12, 9);
    let sender = std::net::UdpSocket::bind((lo, 0)).unwrap();
    socket2::SockRef::from(&sender).set_multicast_if_v4(&lo).unwrap();
    let mut hub = hub();
    let strangers =
        Group::V4From { group: name, source: Ipv4Addr::new(127, 0, 0, 9), interface: lo };
    let senders = Group::V4From { group: name, source: lo, interface: lo };
    for (group, reaches) in [
        (Group::V4(name, lo), true),
        (Group::V4At(name, 1), true),
        (senders, true),
        (strangers, false),
    ] {
        let io = hub.socket(Domain::V4, Kind::Datagram).unwrap();
        hub.set_option(io, Opt::MulticastAll, 0).unwrap();
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        hub.bind(io, &any.into()).unwrap();
        let to = SocketAddr::from((name, 0));
        assert!(!hears(&mut hub, io, to, &sender), "before joining {group:?}");
        hub.join(io, group).unwrap();
        assert_eq!(hears(&mut hub, io, to, &sender), reaches, "{group:?}");
        assert!(hub.join(io, group).is_err(), "twice: {group:?}");
        hub.leave(io, group).unwrap();
        assert!(!hears(&mut hub, io, to, &sender), "after leaving {group:?}");
        assert!(hub.leave(io, group).is_err(), "twice: {group:?}");
        hub.close(io);
    }
}

#[test]
fn a_group_of_ipv6_is_joined_and_left() {
    if !has_v6() {
        return;
    }
    let mut hub = hub();
    let io = hub.socket(Domain::V6, Kind::Datagram).unwrap();
    let group = Group::V6(Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0x7712, 9), 1);
    hub.join(io, group).unwrap();
    assert_eq!(errno(hub.join(io, group)), libc::EADDRINUSE);
    hub.leave(io, group).unwrap();
    assert_eq!(errno(hub.leave(io, group)), libc::EADDRNOTAVAIL);
}
