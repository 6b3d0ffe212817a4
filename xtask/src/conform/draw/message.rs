//! Messages: bytes with an address, flags, handles, or where they are to leave from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::super::program::{Asked, Beside, Call};
use super::{bytes, place, room, slot};

pub(super) fn sent() -> impl Strategy<Value = Call> {
    let ip = prop_oneof![
        2 => (1..3u8).prop_map(|last| IpAddr::from([127, 0, 0, last])),
        1 => Just(IpAddr::from(Ipv4Addr::UNSPECIFIED)),
        1 => Just(IpAddr::from([203, 0, 113, 7])),
        1 => Just(IpAddr::from(Ipv6Addr::LOCALHOST)),
        1 => Just(IpAddr::from(Ipv6Addr::UNSPECIFIED)),
        1 => Just(IpAddr::from(Ipv4Addr::LOCALHOST.to_ipv6_mapped())),
    ];
    // Loopback is the one that both hubs number alike.
    let interface = prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(99)];
    let beside = (
        weighted(0.3, place()),
        vec(slot(), 0..3),
        weighted(0.3, (ip, interface)),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.2),
    );
    let beside =
        beside.prop_map(|(to, rights, info, more, end)| Beside { to, rights, info, more, end });
    (vec(bytes(), 1..3), beside).prop_map(|(data, beside)| Call::Message(data, beside))
}

pub(super) fn received() -> impl Strategy<Value = Call> {
    let asked = (weighted(0.3, slot()), proptest::bool::weighted(0.2), any::<bool>());
    let asked = asked.prop_map(|(into, peek, bare)| Asked { into, peek, bare: bare && !peek });
    (vec(room(), 1..3), asked).prop_map(|(sizes, asked)| Call::RecvMessage(sizes, asked))
}
