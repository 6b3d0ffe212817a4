//! Programs of two hosts: s0 to s2 are the near one's, s5 to s7 the far one's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::across::{FAR, NEAR};
use super::super::program::{Call, Kind, Op, Place, Program, Step};
use super::{Piece, aborted, actor_of, all, call_of, held_back, how, kept_alive, setting};

const PIECES_MAX: usize = 20;
const NEAR_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);
const FAR_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2);
const BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);

pub fn programs() -> impl Strategy<Value = Program> {
    (start(), vec(piece(), 1..PIECES_MAX)).prop_map(|(mut steps, pieces)| {
        steps.extend(pieces.into_iter().flatten());
        Program(steps)
    })
}

fn start() -> impl Strategy<Value = Piece> {
    let called = |kind: Kind, at: IpAddr, listener: u8, caller: u8, n| {
        vec![
            Op::Make(listener, kind),
            Op::Bind(listener, Place::Literal((at, 0).into())),
            Op::Listen(listener, n),
            Op::Make(caller, kind),
            Op::Call(caller, Call::Connect(Place::PortOf(at, listener))),
        ]
    };
    let connected = move |kind, at: IpAddr, listener: u8, caller| {
        let mut ops = called(kind, at, listener, caller, 4);
        ops.push(Op::Call(listener, Call::Accept(listener + 1)));
        ops
    };
    let datagrams = |kind, at: IpAddr| {
        vec![
            Op::Make(5, kind),
            Op::Bind(5, Place::Literal((at, 0).into())),
            Op::Make(0, kind),
            Op::Call(0, Call::Connect(Place::PortOf(at, 5))),
        ]
    };
    let crowd = move |n| {
        let mut ops = called(Kind::Tcp, FAR.into(), 5, 0, n);
        for caller in 1..3 {
            let to = Place::PortOf(FAR.into(), 5);
            ops.extend([Op::Make(caller, Kind::Tcp), Op::Call(caller, Call::Connect(to))]);
        }
        ops
    };
    prop_oneof![
        6 => Just(connected(Kind::Tcp, FAR.into(), 5, 0)),
        2 => Just(connected(Kind::Tcp6, FAR_V6.into(), 5, 0)),
        3 => Just(connected(Kind::Tcp, NEAR.into(), 0, 5)),
        3 => Just(datagrams(Kind::Udp, FAR.into())),
        1 => Just(datagrams(Kind::Udp6, FAR_V6.into())),
        1 => (0..2).prop_map(crowd),
        1 => Just(vec![]),
    ]
    .prop_map(all)
}

fn slot() -> impl Strategy<Value = u8> {
    prop_oneof![0..3u8, 5..8u8]
}

/// Where one of the same host is, so that it can be put there.
fn beside(slot: u8) -> impl Strategy<Value = u8> {
    let first = if slot < 5 { 0 } else { 5 };
    first..first + 3u8
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Tcp),
        4 => Just(Kind::Udp),
        1 => Just(Kind::Tcp6),
        1 => Just(Kind::Udp6),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    let ips = prop_oneof![
        4 => Just(IpAddr::V4(FAR)),
        4 => Just(IpAddr::V4(NEAR)),
        1 => Just(IpAddr::V6(FAR_V6)),
        1 => Just(IpAddr::V6(NEAR_V6)),
        1 => Just(IpAddr::V4(BROADCAST)),
        1 => Just(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ];
    prop_oneof![
        2 => Just(Place::Nobody),
        3 => slot().prop_map(Place::Of),
        8 => (ips, slot()).prop_map(|(ip, a)| Place::PortOf(ip, a)),
    ]
}

/// Of the very host, or of none.
fn local(slot: u8) -> impl Strategy<Value = Place> {
    let (v4, v6) = if slot < 5 { (NEAR, NEAR_V6) } else { (FAR, FAR_V6) };
    let at = |ip: IpAddr| Just(Place::Literal((ip, 0).into()));
    prop_oneof![
        4 => at(v4.into()),
        3 => at(Ipv4Addr::UNSPECIFIED.into()),
        1 => at(v6.into()),
        1 => at(Ipv6Addr::UNSPECIFIED.into()),
        1 => at(Ipv4Addr::LOCALHOST.into()),
        1 => at(BROADCAST.into()),
    ]
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        4000 => op().prop_map(|op| vec![Step::Do(op)]),
        200 => slot().prop_flat_map(aborted),
        200 => slot().prop_flat_map(held_back).prop_map(one_by_one),
        3 => kept_alive(slot().boxed()),
        800 => slot().prop_flat_map(|a| actor_of(Just(a), call(a))),
    ]
}

/// With time in between: whether a reader on the other host runs between two writes of one step is up to
/// the system.
fn one_by_one(piece: Piece) -> Piece {
    let alone = |step| match step {
        Step::Together(ops) => all(ops),
        other => vec![other],
    };
    piece.into_iter().flat_map(alone).collect()
}

fn op() -> impl Strategy<Value = Op> {
    slot().prop_flat_map(|a| {
        prop_oneof![
            2 => kind().prop_map(move |kind| Op::Make(a, kind)),
            2 => local(a).prop_map(move |place| Op::Bind(a, place)),
            2 => prop_oneof![Just(0), Just(1), Just(64)].prop_map(move |n| Op::Listen(a, n)),
            24 => call(a).prop_map(move |call| Op::Call(a, call)),
            3 => how().prop_map(move |how| Op::Shutdown(a, how)),
            1 => Just(Op::Disconnect(a)),
            3 => Just(Op::Close(a)),
            1 => beside(a).prop_map(move |b| Op::Dup(a, b)),
            3 => Just(Op::Addresses(a)),
            2 => Just(Op::Error(a)),
            5 => Just(Op::Poll(a)),
            1 => Just(Op::Queued(a)),
            1 => Just(Op::Tcp(a)),
            2 => setting().prop_map(move |(option, value)| Op::Set(a, option, value)),
        ]
    })
}

fn call(slot: u8) -> impl Strategy<Value = Call> {
    call_of(place().boxed(), beside(slot).boxed())
}
