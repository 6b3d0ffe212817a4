//! Messages between hosts: how a datagram came, and how it is to leave.

use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use greenroom::hub::{
    Ask, Control, Domain, Group, Hub, Io, Kind, Message, Opt, PacketInfoV4, Take, Tick,
};

use crate::Weather;
use crate::hub::SimHub;
use crate::testing::{self, at, code, recv};

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn pause(hub: &mut SimHub) {
    let later = Tick::from_ns(hub.now().as_ns() + 1_000_000_000);
    hub.poll(Some(later), &mut Vec::new()).expect("a simulated poll does not fail");
}

fn bound(hub: &mut SimHub, host: u16) -> Io {
    let io = testing::socket_on(hub, host, Domain::V4, Kind::Datagram);
    hub.bind(io, &at("0.0.0.0:5000")).expect("it is free");
    hub.set_option(io, Opt::PacketInfoV4, 1).expect("it may be set");
    io
}

fn send_from(
    hub: &mut SimHub,
    io: Io,
    to: Ipv4Addr,
    local: Ipv4Addr,
    interface: u32,
) -> Result<usize, i32> {
    send_with(hub, io, to, &info(interface, local, Ipv4Addr::UNSPECIFIED))
}

fn send_with(hub: &mut SimHub, io: Io, to: Ipv4Addr, control: &[Control]) -> Result<usize, i32> {
    let (bufs, to) = ([IoSlice::new(b"x")], SocketAddr::from((to, 5000)).into());
    let message =
        Message { bufs: &bufs, to: Some(&to), control, more: false, end_of_record: false };
    let sent = code(hub.send_message(io, &message));
    pause(hub);
    sent
}

fn came(hub: &mut SimHub, io: Io) -> Result<(IpAddr, Vec<Control>), i32> {
    let ask = Ask { take: Take::Remove, control: true };
    let received = code(hub.recv_message(io, &mut [IoSliceMut::new(&mut [0; 9])], ask))?;
    let from = received.from.inet().expect("an address of the internet");
    Ok((from.ip(), received.control))
}

fn info(interface: u32, local: Ipv4Addr, destination: Ipv4Addr) -> Vec<Control> {
    vec![Control::PacketInfoV4(PacketInfoV4 { interface, local, destination })]
}

/// Loopback is 1, the first link 2, as Linux numbers them; what was for many came to the
/// interface's own address.
#[test]
fn a_datagram_says_how_it_came() {
    let hub = &mut testing::hub_in(Weather::calm(), 2);
    let (near, far) = (bound(hub, 0), bound(hub, 1));
    hub.set_option(near, Opt::Broadcast, 1).expect("it may be set");
    hub.join(far, Group::V4(GROUP, Ipv4Addr::UNSPECIFIED)).expect("there is a link");
    for (to, local) in [
        (THERE, THERE),
        (GROUP, THERE),
        (Ipv4Addr::BROADCAST, THERE),
        (Ipv4Addr::new(10, 0, 0, 255), THERE),
    ] {
        let sent = code(hub.send_to(near, b"x", &SocketAddr::from((to, 5000)).into()));
        assert_eq!(sent, Ok(1), "{to}");
        pause(hub);
        assert_eq!(came(hub, far), Ok((HERE.into(), info(2, local, to))), "{to}");
    }
    while recv(hub, near, 9).is_ok() {}
    assert_eq!(code(hub.send_to(near, b"x", &at("10.0.0.1:5000"))), Ok(1));
    assert_eq!(came(hub, near), Ok((HERE.into(), info(2, HERE, HERE))), "measured of eth0");
}

#[test]
fn a_datagram_leaves_as_it_is_told() {
    let hub = &mut testing::hub_in(Weather::calm(), 2);
    let (near, far) = (bound(hub, 0), bound(hub, 1));
    let any = Ipv4Addr::UNSPECIFIED;
    assert_eq!(send_from(hub, near, THERE, HERE, 2), Ok(1));
    assert_eq!(came(hub, far).map(|(from, _)| from), Ok(HERE.into()));
    // As of one that is bound to it.
    assert_eq!(send_from(hub, near, THERE, Ipv4Addr::LOCALHOST, 0), Err(libc::EINVAL));
    assert_eq!(send_from(hub, near, THERE, THERE, 0), Err(libc::ENETUNREACH));
    assert_eq!(send_from(hub, near, THERE, any, 9), Err(libc::ENODEV));
    // Through the wrong interface it leaves, and gets nowhere.
    assert_eq!(send_from(hub, near, Ipv4Addr::LOCALHOST, any, 2), Ok(1));
    assert_eq!([came(hub, near), came(hub, far)], [Err(libc::EAGAIN), Err(libc::EAGAIN)]);
    // A group's way is that of the source, unless one is named.
    hub.join(near, Group::V4(GROUP, Ipv4Addr::LOCALHOST)).expect("there is loopback");
    hub.join(far, Group::V4(GROUP, any)).expect("there is a link");
    assert_eq!(send_from(hub, near, GROUP, Ipv4Addr::LOCALHOST, 0), Ok(1));
    let by_loopback = info(1, Ipv4Addr::LOCALHOST, GROUP);
    assert_eq!(came(hub, near), Ok((Ipv4Addr::LOCALHOST.into(), by_loopback)));
    assert_eq!(came(hub, far), Err(libc::EAGAIN));
    assert_eq!(send_from(hub, near, GROUP, any, 2), Ok(1));
    assert_eq!(came(hub, far), Ok((HERE.into(), info(2, THERE, GROUP))));
}

/// Of IPv4 nothing is looked at but what the last of several leaves: each interface stays until another
/// is named (measured on Linux 6.18).
#[test]
fn of_several_the_last_counts() {
    let hub = &mut testing::hub();
    let io = bound(hub, 0);
    let (any, here, foreign) =
        (Ipv4Addr::UNSPECIFIED, Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 99, 9, 9));
    let mut sent = |infos: [(u32, Ipv4Addr); 2]| {
        let control: Vec<Control> =
            infos.iter().flat_map(|&(interface, local)| info(interface, local, any)).collect();
        send_with(hub, io, here, &control)
    };
    assert_eq!(sent([(0, foreign), (0, here)]), Ok(1));
    assert_eq!(sent([(0, foreign), (0, any)]), Ok(1));
    assert_eq!(sent([(99, any), (1, any)]), Ok(1));
    assert_eq!(sent([(1, any), (99, any)]), Err(libc::ENODEV));
    assert_eq!(sent([(99, any), (0, any)]), Err(libc::ENODEV));
    assert_eq!(sent([(0, here), (0, foreign)]), Err(libc::ENETUNREACH));
}
