//! Drawing random programs, most of which get somewhere: they begin with a connection or a pair.

use proptest::collection::vec;
use proptest::prelude::*;

use super::program::{Kind, Op, Option as Opt, Place, Program, SLOTS, Switch};

/// Bytes of one call: buffers, which differ in size, are never full.
const BYTES_MAX: u16 = 600;
const OPS_MAX: usize = 30;

pub fn programs() -> impl Strategy<Value = Program> {
    (start(), vec(op(), 1..OPS_MAX)).prop_map(|(mut ops, more)| {
        ops.extend(more);
        Program(ops)
    })
}

fn start() -> impl Strategy<Value = Vec<Op>> {
    prop_oneof![
        4 => Just(vec![Op::Connected(0, 1, 2, Kind::Tcp)]),
        2 => Just(vec![Op::Connected(0, 1, 2, Kind::UnixStream)]),
        1 => Just(vec![Op::Connected(0, 1, 2, Kind::UnixRecords)]),
        1 => Just(vec![Op::Pair(0, 1, Kind::UnixStream)]),
        1 => Just(vec![Op::Pair(0, 1, Kind::UnixRecords)]),
        1 => Just(vec![Op::Pipe(0, 1)]),
        2 => Just(vec![Op::Make(0, Kind::Tcp), Op::Bind(0, Place::Loopback), Op::Listen(0, 0)]),
        1 => Just(vec![Op::Make(0, Kind::UnixStream), Op::Bind(0, Place::Path(0)), Op::Listen(0, 0)]),
        2 => Just(vec![Op::Pair(0, 1, Kind::UnixDatagram)]),
        3 => Just(vec![
            Op::Make(0, Kind::Udp),
            Op::Bind(0, Place::Loopback),
            Op::Make(1, Kind::Udp),
            Op::Connect(1, Place::Of(0)),
        ]),
        2 => Just(vec![
            Op::Make(0, Kind::UnixDatagram),
            Op::Bind(0, Place::Name(0)),
            Op::Make(1, Kind::UnixDatagram),
        ]),
        3 => Just(vec![]),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        2 => Just(Kind::Tcp),
        2 => Just(Kind::Udp),
        1 => Just(Kind::UnixStream),
        1 => Just(Kind::UnixDatagram),
        1 => Just(Kind::UnixRecords),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        2 => Just(Place::Loopback),
        1 => Just(Place::Anywhere),
        1 => Just(Place::Nobody),
        4 => slot().prop_map(Place::Of),
        1 => slot().prop_map(Place::PeerOf),
        2 => (0..3u8).prop_map(Place::Name),
        1 => (0..3u8).prop_map(Place::Path),
    ]
}

/// Not where nobody is: a port that a program names stays taken when the program is over.
fn local() -> impl Strategy<Value = Place> {
    place().prop_map(|place| if let Place::Nobody = place { Place::Loopback } else { place })
}

fn option() -> impl Strategy<Value = Opt> {
    prop_oneof![
        Just(Opt::ReuseAddress),
        Just(Opt::ReusePort),
        Just(Opt::NoDelay),
        Just(Opt::KeepAlive),
        Just(Opt::Broadcast),
        Just(Opt::LingerZero),
        Just(Opt::LingerLong),
        Just(Opt::Ttl),
        Just(Opt::Tos),
        Just(Opt::Priority),
        Just(Opt::KeepIdle),
        Just(Opt::KeepCount),
        Just(Opt::UserTimeout),
        Just(Opt::MulticastLoop),
        Just(Opt::MulticastTtl),
        Just(Opt::Identity),
    ]
}

fn how() -> impl Strategy<Value = Switch> {
    prop_oneof![Just(Switch::Read), Just(Switch::Write), Just(Switch::Both)]
}

fn slot() -> impl Strategy<Value = u8> {
    0..SLOTS
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || prop_oneof![1 => Just(0u16), 8 => 1..BYTES_MAX];
    let room = || prop_oneof![1 => Just(0u16), 6 => 1..BYTES_MAX, 2 => 1..4 * BYTES_MAX];
    let values = || prop_oneof![3 => 0..2u8, 1 => 0..=255u8];
    let backlog = prop_oneof![Just(0u8), Just(1), Just(64)];
    prop_oneof![
        2 => (slot(), kind()).prop_map(|(a, kind)| Op::Make(a, kind)),
        3 => (slot(), local()).prop_map(|(a, place)| Op::Bind(a, place)),
        1 => (slot(), slot(), kind()).prop_map(|(a, b, kind)| Op::Pair(a, b, kind)),
        1 => (slot(), slot()).prop_map(|(a, b)| Op::Pipe(a, b)),
        2 => (slot(), backlog).prop_map(|(a, n)| Op::Listen(a, n)),
        3 => (slot(), place()).prop_map(|(a, place)| Op::Connect(a, place)),
        2 => (slot(), slot()).prop_map(|(a, b)| Op::Accept(a, b)),
        6 => (slot(), bytes()).prop_map(|(a, n)| Op::Send(a, n)),
        6 => (slot(), room()).prop_map(|(a, n)| Op::Recv(a, n)),
        2 => (slot(), room()).prop_map(|(a, n)| Op::Peek(a, n)),
        1 => (slot(), bytes(), bytes()).prop_map(|(a, n, m)| Op::SendVectored(a, n, m)),
        1 => (slot(), room(), bytes()).prop_map(|(a, n, m)| Op::RecvVectored(a, n, m)),
        1 => (slot(), room()).prop_map(|(a, n)| Op::PeekFrom(a, n)),
        3 => (slot(), bytes(), place()).prop_map(|(a, n, place)| Op::SendTo(a, n, place)),
        2 => (slot(), room()).prop_map(|(a, n)| Op::RecvFrom(a, n)),
        3 => (slot(), how()).prop_map(|(a, how)| Op::Shutdown(a, how)),
        3 => slot().prop_map(Op::Close),
        1 => (slot(), slot()).prop_map(|(a, b)| Op::Dup(a, b)),
        3 => slot().prop_map(Op::Addresses),
        2 => slot().prop_map(Op::TakeError),
        5 => slot().prop_map(Op::Poll),
        2 => (slot(), option(), values()).prop_map(|(a, option, n)| Op::Set(a, option, n)),
        2 => (slot(), option()).prop_map(|(a, option)| Op::Get(a, option)),
    ]
}
