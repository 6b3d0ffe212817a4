//! Programs of one host that has four ports to give out: s0 to s5 are datagrams' sockets, s6 to s9 streams'.
//!
//! Every socket that has a port has it on every address or on 127.0.0.1 alone, so that whoever holds a port
//! holds it against all others: how many are left is all that counts, not which.

use std::net::Ipv4Addr;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::program::{Call, Data, Kind, Op, Place, Program, Step};
use super::actor_of;

const FIRST_STREAM: u8 = 6;
const LAST: u8 = 9;
const STEPS_MAX: usize = 30;

pub fn programs() -> impl Strategy<Value = Program> {
    let steps = prop_oneof![
        5 => op().prop_map(|op| vec![Step::Do(op)]),
        1 => datagrams().prop_flat_map(|a| actor_of(Just(a), call())),
    ];
    vec(steps, 5..STEPS_MAX).prop_map(|steps| Program(steps.concat()))
}

fn datagrams() -> impl Strategy<Value = u8> {
    0..FIRST_STREAM
}

fn slot() -> impl Strategy<Value = u8> {
    0..=LAST
}

fn op() -> impl Strategy<Value = Op> {
    let make = slot().prop_flat_map(|a| {
        let (v4, v6) = match a {
            FIRST_STREAM.. => (Kind::Tcp, Kind::Tcp6),
            _ => (Kind::Udp, Kind::Udp6),
        };
        prop_oneof![3 => Just(Op::Make(a, v4)), 1 => Just(Op::Make(a, v6))]
    });
    let local = prop_oneof![
        Just(Place::Literal((Ipv4Addr::LOCALHOST, 0).into())),
        Just(Place::Literal((Ipv4Addr::UNSPECIFIED, 0).into())),
    ];
    prop_oneof![
        10 => make,
        4 => (slot(), local).prop_map(|(a, place)| Op::Bind(a, place)),
        2 => (FIRST_STREAM..=LAST).prop_map(|a| Op::Listen(a, 1)),
        6 => (datagrams(), call()).prop_map(|(a, call)| Op::Call(a, call)),
        // Refused, so that nothing is left of it.
        2 => (FIRST_STREAM..=LAST).prop_map(|a| Op::Call(a, Call::Connect(Place::Nobody))),
        3 => slot().prop_map(Op::Close),
        1 => slot().prop_map(Op::Poll),
        1 => slot().prop_map(Op::Disconnect),
    ]
}

/// Of a datagrams' socket, which takes a port if it has none.
fn call() -> impl Strategy<Value = Call> {
    let data = || vec![Data::Numbered(9)];
    prop_oneof![
        Just(Call::Connect(Place::Nobody)),
        Just(Call::SendTo(data(), Place::Nobody)),
        Just(Call::Send(data())),
    ]
}
