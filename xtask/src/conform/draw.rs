//! Drawing random programs, most of which get somewhere: they begin with a connection or a pair, and
//! go on in pieces of one step or a few that belong together.
//!
//! Not drawn is what timers decide, and what the sizes of buffers do, which are each hub's own.

pub mod across;
mod message;
pub mod ports;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use greenroom::wait::Readiness;
use proptest::collection::vec;
use proptest::prelude::*;

use super::options::{Opt, Value};
use super::program::{AWAITED, Call, Data, Interface, Kind, Op, Place, Program, Step, Switch};

/// Bytes of one call: buffers, which differ in size, are full only when `fill` filled them.
const BYTES_MAX: u32 = 600;
/// Few, so that most steps meet a socket.
const SLOTS: u8 = 4;
const PIECES_MAX: usize = 24;
/// As long as a call with a deadline may take, in milliseconds: whatever is to come is there.
const WITHIN_MS: u64 = 2;

type Piece = Vec<Step>;

/// Half of them with actors, two to four.
pub fn programs() -> impl Strategy<Value = Program> {
    let alone = (start(), vec(piece(), 1..PIECES_MAX));
    let waiting = prop_oneof![2 => piece(), 1 => actor()];
    let together = (start(), vec(waiting, 1..PIECES_MAX));
    prop_oneof![alone, together].prop_map(|(mut steps, pieces)| {
        steps.extend(pieces.into_iter().flatten());
        Program(steps)
    })
}

fn all(ops: Vec<Op>) -> Piece {
    ops.into_iter().map(Step::Do).collect()
}

fn start() -> impl Strategy<Value = Piece> {
    let listener = |kind, at: Place| vec![Op::Make(0, kind), Op::Bind(0, at), Op::Listen(0, 0)];
    let datagrams = |kind, at: Place| {
        let connect = Op::Call(1, Call::Connect(Place::Of(0)));
        vec![Op::Make(0, kind), Op::Bind(0, at), Op::Make(1, kind), connect]
    };
    let anywhere6 = Place::Literal((Ipv6Addr::UNSPECIFIED, 0).into());
    let mapped = |a: u8| Place::PortOf(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped()), a);
    let crossed = |from: Kind, at, to: Place| {
        vec![
            Op::Make(0, if from == Kind::Tcp { Kind::Tcp6 } else { Kind::Tcp }),
            Op::Bind(0, at),
            Op::Listen(0, 4),
            Op::Make(1, from),
            Op::Call(1, Call::Connect(to)),
            Op::Call(0, Call::Accept(2)),
        ]
    };
    // A backlog that is full, or not quite.
    let crowd = |kind, n| {
        let mut ops = vec![Op::Make(0, kind)];
        if kind == Kind::UnixStream {
            ops.push(Op::Bind(0, Place::Name(0)));
        }
        ops.push(Op::Listen(0, n));
        for caller in 1..=3 {
            ops.extend([Op::Make(caller, kind), Op::Call(caller, Call::Connect(Place::Of(0)))]);
        }
        ops
    };
    let v4 = Place::PortOf(Ipv4Addr::LOCALHOST.into(), 0);
    prop_oneof![
        5 => Just(vec![Op::Connected(0, 1, 2, Kind::Tcp)]),
        1 => Just(vec![Op::Connected(0, 1, 2, Kind::Tcp6)]),
        2 => Just(vec![Op::Connected(0, 1, 2, Kind::UnixStream)]),
        1 => Just(vec![Op::Connected(0, 1, 2, Kind::UnixRecords)]),
        1 => Just(vec![Op::Pair(0, 1, Kind::UnixStream)]),
        1 => Just(vec![Op::Pair(0, 1, Kind::UnixRecords)]),
        1 => Just(vec![Op::Pipe(0, 1)]),
        2 => Just(listener(Kind::Tcp, loopback())),
        1 => Just(listener(Kind::UnixStream, Place::Path(0))),
        2 => Just(vec![Op::Pair(0, 1, Kind::UnixDatagram)]),
        3 => Just(datagrams(Kind::Udp, loopback())),
        1 => Just(datagrams(Kind::Udp6, Place::Literal((Ipv6Addr::LOCALHOST, 0).into()))),
        2 => Just(datagrams(Kind::UnixDatagram, Place::Name(0))),
        // One family's socket, the other's peer.
        1 => Just(crossed(Kind::Tcp, anywhere6, v4)),
        1 => Just(crossed(Kind::Tcp6, loopback(), mapped(0))),
        1 => (0..3).prop_map(move |n| crowd(Kind::Tcp, n)),
        1 => (0..3).prop_map(move |n| crowd(Kind::UnixStream, n)),
        3 => Just(vec![]),
    ]
    .prop_map(all)
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Tcp),
        4 => Just(Kind::Udp),
        1 => Just(Kind::Tcp6),
        1 => Just(Kind::Udp6),
        2 => Just(Kind::UnixStream),
        2 => Just(Kind::UnixDatagram),
        2 => Just(Kind::UnixRecords),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    let v4 = |ip: [u8; 4]| Ipv4Addr::from(ip);
    let ips = prop_oneof![
        2 => Just(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        1 => Just(IpAddr::V4(v4([127, 0, 0, 5]))),
        1 => Just(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        1 => Just(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        1 => Just(IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())),
    ];
    prop_oneof![
        3 => Just(loopback()),
        1 => Just(Place::Literal((Ipv4Addr::UNSPECIFIED, 0).into())),
        1 => Just(Place::Literal((Ipv6Addr::LOCALHOST, 0).into())),
        1 => Just(Place::Literal((Ipv6Addr::UNSPECIFIED, 0).into())),
        2 => Just(Place::Nobody),
        8 => slot().prop_map(Place::Of),
        2 => slot().prop_map(Place::PeerOf),
        2 => (ips, slot()).prop_map(|(ip, a)| Place::PortOf(ip, a)),
        4 => (0..3u8).prop_map(Place::Name),
        2 => (0..3u8).prop_map(Place::Path),
    ]
}

fn loopback() -> Place {
    Place::Literal((Ipv4Addr::LOCALHOST, 0).into())
}

/// Not where nobody is: a port that a program names stays taken when the program is over.
fn local() -> impl Strategy<Value = Place> {
    place().prop_map(|place| if place == Place::Nobody { loopback() } else { place })
}

/// An option and a value for it, which it may refuse.
fn setting() -> impl Strategy<Value = (Opt, Value)> {
    let flag = || any::<bool>().prop_map(Value::Flag);
    let number = || prop_oneof![3 => 0..2u32, 1 => 0..=255u32].prop_map(Value::Number);
    let flags = [
        "reuse-address",
        "reuse-port",
        "keep-alive",
        "broadcast",
        "oob-inline",
        "multicast-loop",
        "multicast-all",
        "only-v6",
        "inq",
        "packet-info",
        "packet-info-v6",
    ];
    let numbers = ["ttl", "tos", "hops-v6", "keep-idle", "keep-count", "multicast-ttl"];
    // Milliseconds, and more than any program takes.
    let long = prop_oneof![Just(Value::Off), (60_000..90_000u32).prop_map(Value::Number)];
    prop_oneof![
        8 => (named(&flags), flag()),
        // Off, small writes would wait for as long as timers say.
        1 => Just((opt("no-delay"), Value::Flag(true))),
        6 => (named(&numbers), number()),
        1 => (Just(opt("user-timeout")), long),
        // Nothing is unsent when it closes: no close waits.
        2 => (Just(opt("linger")), prop_oneof![Just(Value::Off), number()]),
        // More takes a privilege, which the two hubs may not share.
        1 => (Just(opt("priority")), (0..7u32).prop_map(Value::Number)),
        1 => Just((opt("multicast-if"), Value::Ip(Ipv4Addr::LOCALHOST))),
    ]
}

fn asked() -> impl Strategy<Value = Opt> {
    prop_oneof![
        4 => setting().prop_map(|(option, _)| option),
        1 => named(&["domain", "type", "protocol", "listener", "nonblocking"]),
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

/// What is waited for: mostly what a call would.
fn awaited() -> impl Strategy<Value = Readiness> {
    let one = || (0..AWAITED.len()).prop_map(|index| AWAITED[index].0);
    prop_oneof![2 => one(), 1 => (one(), one()).prop_map(|(a, b)| a.with(b))]
}

fn slot() -> impl Strategy<Value = u8> {
    0..SLOTS
}

fn room() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 6 => 1..BYTES_MAX, 2 => 1..4 * BYTES_MAX]
}

fn bytes() -> impl Strategy<Value = Data> {
    prop_oneof![1 => Just(0), 8 => 1..BYTES_MAX].prop_map(Data::Numbered)
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        6000 => op().prop_map(|op| vec![Step::Do(op)]),
        100 => slot().prop_flat_map(aborted),
        100 => slot().prop_flat_map(held_back),
        100 => interrupted(),
        100 => sized(),
        100 => to_a_group(),
        100 => in_a_group(),
        // Seldom: nothing of it is heard of for seconds.
        1 => kept_alive(slot().boxed()),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let backlog = prop_oneof![Just(0), Just(1), Just(64)];
    prop_oneof![
        2 => (slot(), kind()).prop_map(|(a, kind)| Op::Make(a, kind)),
        3 => (slot(), local()).prop_map(|(a, place)| Op::Bind(a, place)),
        1 => (slot(), slot(), kind()).prop_map(|(a, b, kind)| Op::Pair(a, b, kind)),
        1 => (slot(), slot()).prop_map(|(a, b)| Op::Pipe(a, b)),
        2 => (slot(), backlog).prop_map(|(a, n)| Op::Listen(a, n)),
        27 => (slot(), call()).prop_map(|(a, call)| Op::Call(a, call)),
        3 => (slot(), how()).prop_map(|(a, how)| Op::Shutdown(a, how)),
        1 => slot().prop_map(Op::Disconnect),
        3 => slot().prop_map(Op::Close),
        1 => slot().prop_map(Op::CloseNow),
        1 => (slot(), slot()).prop_map(|(a, b)| Op::Dup(a, b)),
        3 => slot().prop_map(Op::Addresses),
        2 => slot().prop_map(Op::Error),
        5 => slot().prop_map(Op::Poll),
        2 => slot().prop_map(Op::Queued),
        1 => slot().prop_map(Op::Tcp),
        2 => (slot(), setting()).prop_map(|(a, (option, value))| Op::Set(a, option, value)),
        2 => (slot(), asked()).prop_map(|(a, option)| Op::Get(a, option)),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let plain = call_of(place().boxed(), slot().boxed());
    prop_oneof![27 => plain, 2 => message::sent(), 2 => message::received()]
}

/// A call that goes to such places, or puts something into such slots.
fn call_of(place: BoxedStrategy<Place>, into: BoxedStrategy<u8>) -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => place.clone().prop_map(Call::Connect),
        2 => into.prop_map(Call::Accept),
        6 => bytes().prop_map(|data| Call::Send(vec![data])),
        6 => room().prop_map(|n| Call::Recv(vec![n])),
        2 => (1..BYTES_MAX).prop_map(Call::Peek),
        1 => vec(bytes(), 2..4).prop_map(Call::Send),
        1 => vec(room(), 2..4).prop_map(Call::Recv),
        1 => (1..BYTES_MAX).prop_map(Call::PeekFrom),
        3 => (bytes(), place).prop_map(|(data, place)| Call::SendTo(vec![data], place)),
        2 => room().prop_map(|n| Call::RecvFrom(vec![n])),
        1 => bytes().prop_map(Call::Urgent),
        1 => (0..3u32).prop_map(Call::RecvUrgent),
    ]
}

/// What takes actors: one begins to wait, or is asked how it went.
fn actor() -> impl Strategy<Value = Piece> {
    actor_of(slot(), call())
}

fn actor_of(
    slot: impl Strategy<Value = u8>,
    call: impl Strategy<Value = Call> + 'static,
) -> impl Strategy<Value = Piece> {
    let within = prop_oneof![7 => Just(None), 1 => Just(Some(WITHIN_MS))];
    let waits = prop_oneof![8 => call.boxed(), 1 => awaited().prop_map(Call::Wait)];
    // Which never waits.
    let waits = waits.prop_filter("an urgent byte is not waited for", |call| {
        !matches!(call, Call::RecvUrgent(_))
    });
    prop_oneof![
        3 => (0..4u8, slot, waits, within).prop_map(|(actor, slot, call, within)| {
            vec![Step::Start { actor, slot, call, within }]
        }),
        3 => (0..4u8).prop_map(|actor| vec![Step::Ask(actor)]),
    ]
}

/// The end of a connection at once, or over bytes that nobody read, behind what was written just before.
fn aborted(slot: u8) -> impl Strategy<Value = Piece> {
    let lingers = Op::Set(slot, opt("linger"), Value::Number(0));
    let send = bytes().prop_map(move |data| Op::Call(slot, Call::Send(vec![data])));
    (send, any::<bool>(), prop_oneof![2 => Just(None), 1 => how().prop_map(Some)]).prop_map(
        move |(send, at_once, shuts)| {
            let mut ops = vec![send];
            ops.extend(shuts.map(|how| Op::Shutdown(slot, how)));
            ops.extend(at_once.then(|| lingers.clone()));
            ops.push(Op::Close(slot));
            vec![Step::Together(ops)]
        },
    )
}

/// Small writes, one behind the other, that Nagle's rule or a cork may hold back.
fn held_back(slot: u8) -> impl Strategy<Value = Piece> {
    let holds = prop_oneof![
        2 => Just(("no-delay", false)),
        1 => Just(("no-delay", true)),
        1 => any::<bool>().prop_map(|on| ("cork", on)),
    ];
    let send = move |data| Op::Call(slot, Call::Send(vec![data]));
    (holds, vec(bytes(), 2..4)).prop_map(move |((option, on), writes)| {
        let holds = Step::Do(Op::Set(slot, opt(option), Value::Flag(on)));
        vec![holds, Step::Together(writes.into_iter().map(send).collect())]
    })
}

/// Two that ask every second whether the other is there, and time for it.
fn kept_alive(slot: BoxedStrategy<u8>) -> impl Strategy<Value = Piece> {
    const SEVERAL_MS: u64 = 2500;
    let asks = |a: u8, count: u32| {
        let number = |name, n| Op::Set(a, opt(name), Value::Number(n));
        let on = Op::Set(a, opt("keep-alive"), Value::Flag(true));
        [number("keep-idle", 1), number("keep-interval", 1), number("keep-count", count), on]
    };
    (slot.clone(), slot, 1..3u32, 1..3u32).prop_map(move |(a, b, few, more)| {
        let mut ops = asks(a, few).to_vec();
        ops.extend(asks(b, more));
        ops.push(Op::Sleep(SEVERAL_MS));
        all(ops)
    })
}

/// A connect to whoever has no room, shut down while it is under way.
fn interrupted() -> impl Strategy<Value = Piece> {
    let to = || Call::Connect(Place::Of(0));
    let full = vec![Op::Make(0, Kind::Tcp), Op::Listen(0, 0), Op::Make(1, Kind::Tcp)];
    let waits = prop_oneof![Just(true), Just(false)];
    (waits, how(), 0..4u8).prop_map(move |(waits, how, actor)| {
        let mut steps = all(full.clone());
        steps.extend(all(vec![Op::Call(1, to()), Op::Make(2, Kind::Tcp)]));
        steps.push(match waits {
            true => Step::Start { actor, slot: 2, call: to(), within: None },
            false => Step::Do(Op::Call(2, to())),
        });
        steps.push(Step::Do(Op::Shutdown(2, how)));
        steps.push(Step::Ask(actor));
        steps
    })
}

/// A buffer's size and what it was made; larger than all that is sent, so that none is full.
fn sized() -> impl Strategy<Value = Piece> {
    let sizes = prop_oneof![4 => 65_536..300_000u32, 1 => Just(1 << 30)];
    (slot(), named(&["send-buffer", "recv-buffer"]), sizes).prop_map(|(a, option, n)| {
        // Asked for at once: what was not set, a connection makes as large as it likes.
        vec![Step::Together(vec![Op::Set(a, option, Value::Number(n)), Op::Get(a, option)])]
    })
}

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);

/// To a group on the loopback interface: nothing leaves this machine.
fn to_a_group() -> impl Strategy<Value = Piece> {
    (slot(), slot(), bytes()).prop_map(|(a, b, data)| {
        let on = Op::Set(a, opt("multicast-if"), Value::Ip(Ipv4Addr::LOCALHOST));
        let send = Call::SendTo(vec![data], Place::PortOf(GROUP.into(), b));
        vec![Step::Together(vec![on, Op::Call(a, send)])]
    })
}

fn in_a_group() -> impl Strategy<Value = Piece> {
    let on = Interface::Address(Ipv4Addr::LOCALHOST);
    (slot(), any::<bool>()).prop_map(move |(a, joins)| {
        let group = IpAddr::V4(GROUP);
        vec![Step::Do(if joins { Op::Join(a, group, on) } else { Op::Leave(a, group, on) })]
    })
}
