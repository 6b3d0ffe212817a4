//! Drawing random programs, most of which get somewhere: they begin with a connection or a pair.

use proptest::collection::vec;
use proptest::prelude::*;

use super::options::{Opt, Value};
use super::program::{Call, Data, Kind, Op, Place, Program, Step, Switch};

/// Bytes of one call: buffers, which differ in size, are never full.
const BYTES_MAX: u32 = 600;
/// Few, so that most steps meet a socket.
const SLOTS: u8 = 4;
const OPS_MAX: usize = 30;

pub fn programs() -> impl Strategy<Value = Program> {
    (start(), vec(op(), 1..OPS_MAX)).prop_map(|(mut ops, more)| {
        ops.extend(more);
        Program(ops.into_iter().map(Step::Do).collect())
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
        2 => Just(vec![Op::Make(0, Kind::Tcp), Op::Bind(0, loopback()), Op::Listen(0, 0)]),
        1 => Just(vec![Op::Make(0, Kind::UnixStream), Op::Bind(0, Place::Path(0)), Op::Listen(0, 0)]),
        2 => Just(vec![Op::Pair(0, 1, Kind::UnixDatagram)]),
        3 => Just(vec![
            Op::Make(0, Kind::Udp),
            Op::Bind(0, loopback()),
            Op::Make(1, Kind::Udp),
            Op::Call(1, Call::Connect(Place::Of(0))),
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
        2 => Just(loopback()),
        1 => Just(literal([0, 0, 0, 0])),
        1 => Just(Place::Nobody),
        4 => slot().prop_map(Place::Of),
        1 => slot().prop_map(Place::PeerOf),
        2 => (0..3u8).prop_map(Place::Name),
        1 => (0..3u8).prop_map(Place::Path),
    ]
}

fn loopback() -> Place {
    literal([127, 0, 0, 1])
}

fn literal(ip: [u8; 4]) -> Place {
    Place::Literal((ip, 0).into())
}

/// Not where nobody is: a port that a program names stays taken when the program is over.
fn local() -> impl Strategy<Value = Place> {
    place().prop_map(|place| if place == Place::Nobody { loopback() } else { place })
}

/// An option and a value for it, which it may refuse.
fn setting() -> impl Strategy<Value = (Opt, Value)> {
    let flag = || any::<bool>().prop_map(Value::Flag);
    let number = || prop_oneof![3 => 0..2u32, 1 => 0..=255u32].prop_map(Value::Number);
    let flags = ["reuse-address", "reuse-port", "keep-alive", "broadcast", "multicast-loop"];
    let numbers = ["ttl", "tos", "keep-idle", "keep-count", "user-timeout", "multicast-ttl"];
    prop_oneof![
        5 => (named(&flags), flag()),
        // Off, small writes would wait for as long as timers say.
        1 => Just((opt("no-delay"), Value::Flag(true))),
        6 => (named(&numbers), number()),
        // Nothing is unsent when it closes: no close waits.
        2 => (Just(opt("linger")), prop_oneof![Just(Value::Off), number()]),
        // More takes a privilege, which the two hubs may not share.
        1 => (Just(opt("priority")), (0..7u32).prop_map(Value::Number)),
    ]
}

fn asked() -> impl Strategy<Value = Opt> {
    prop_oneof![
        4 => setting().prop_map(|(option, _)| option),
        1 => named(&["domain", "type", "protocol", "listener"]),
    ]
}

fn named(names: &[&str]) -> impl Strategy<Value = Opt> + use<> {
    let all: Vec<Opt> = names.iter().map(|name| opt(name)).collect();
    (0..all.len()).prop_map(move |index| all[index])
}

fn opt(name: &str) -> Opt {
    Opt::named(name).expect("the table has it")
}

fn how() -> impl Strategy<Value = Switch> {
    prop_oneof![Just(Switch::Read), Just(Switch::Write), Just(Switch::Both)]
}

fn slot() -> impl Strategy<Value = u8> {
    0..SLOTS
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = || prop_oneof![1 => Just(0u32), 8 => 1..BYTES_MAX];
    let room = || prop_oneof![1 => Just(0u32), 6 => 1..BYTES_MAX, 2 => 1..4 * BYTES_MAX];
    let backlog = prop_oneof![Just(0), Just(1), Just(64)];
    prop_oneof![
        2 => (slot(), kind()).prop_map(|(a, kind)| Op::Make(a, kind)),
        3 => (slot(), local()).prop_map(|(a, place)| Op::Bind(a, place)),
        1 => (slot(), slot(), kind()).prop_map(|(a, b, kind)| Op::Pair(a, b, kind)),
        1 => (slot(), slot()).prop_map(|(a, b)| Op::Pipe(a, b)),
        2 => (slot(), backlog).prop_map(|(a, n)| Op::Listen(a, n)),
        3 => (slot(), place()).prop_map(|(a, place)| Op::Call(a, Call::Connect(place))),
        2 => (slot(), slot()).prop_map(|(a, b)| Op::Call(a, Call::Accept(b))),
        6 => (slot(), bytes()).prop_map(|(a, n)| Op::Call(a, Call::Send(vec![Data::Numbered(n)]))),
        6 => (slot(), room()).prop_map(|(a, n)| Op::Call(a, Call::Recv(vec![n]))),
        2 => (slot(), room()).prop_map(|(a, n)| Op::Call(a, Call::Peek(n))),
        1 => (slot(), bytes(), bytes()).prop_map(|(a, n, m)| Op::Call(a, Call::Send(vec![Data::Numbered(n), Data::Numbered(m)]))),
        1 => (slot(), room(), bytes()).prop_map(|(a, n, m)| Op::Call(a, Call::Recv(vec![n, m]))),
        1 => (slot(), room()).prop_map(|(a, n)| Op::Call(a, Call::PeekFrom(n))),
        3 => (slot(), bytes(), place()).prop_map(|(a, n, place)| Op::Call(a, Call::SendTo(vec![Data::Numbered(n)], place))),
        2 => (slot(), room()).prop_map(|(a, n)| Op::Call(a, Call::RecvFrom(vec![n]))),
        3 => (slot(), how()).prop_map(|(a, how)| Op::Shutdown(a, how)),
        3 => slot().prop_map(Op::Close),
        1 => (slot(), slot()).prop_map(|(a, b)| Op::Dup(a, b)),
        3 => slot().prop_map(Op::Addresses),
        2 => slot().prop_map(Op::Error),
        5 => slot().prop_map(Op::Poll),
        2 => (slot(), setting()).prop_map(|(a, (option, value))| Op::Set(a, option, value)),
        2 => (slot(), asked()).prop_map(|(a, option)| Op::Get(a, option)),
    ]
}
