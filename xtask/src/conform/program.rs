//! Socket programs: steps on numbered sockets, and how they are written. [`parse`](super::parse)
//! reads what is written here.

mod message;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use greenroom::wait::Readiness;

use super::options::{Opt, Value};
pub use message::{Asked, Beside};

/// Sockets a program may hold at once.
pub const SLOTS: u8 = 10;
/// Greenlets that make calls which wait: `a`, `b`, …
pub const ACTORS: u8 = 4;

#[derive(Clone, Debug, PartialEq)]
pub struct Program(pub Vec<Step>);

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Done at once, by a caller who never waits.
    Do(Op),
    /// A call that waits, in a greenlet of its own; within so many milliseconds, if that is said.
    Start { actor: u8, slot: u8, call: Call, within: Option<u64> },
    /// How the actor's call went.
    Ask(u8),
    /// One after the other, with no time for anything to arrive in between.
    Together(Vec<Op>),
    /// So often, without time in between, or until it fails.
    Times(u32, Op),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Udp,
    Tcp6,
    Udp6,
    UnixStream,
    UnixDatagram,
    UnixRecords,
}

/// Where to, or where from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// An address and a port, which is the system's choice if it is 0.
    Literal(SocketAddr),
    /// An address, with the port of what is in this slot.
    PortOf(IpAddr, u8),
    /// Port 1 of the loopback address, or a Unix name, where nobody is.
    Nobody,
    /// The local address of what is in this slot.
    Of(u8),
    /// The peer's address of what is in this slot.
    PeerOf(u8),
    /// An abstract Unix name.
    Name(u8),
    /// A path of a directory of the program's own.
    Path(u8),
    /// The empty Unix address: the system chooses a name.
    Unnamed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Read,
    Write,
    Both,
}

/// What is sent in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    Text(Vec<u8>),
    /// So many bytes, numbered on from where the last ones ended.
    Numbered(u32),
}

/// Which interface a group is joined on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    Address(std::net::Ipv4Addr),
    Index(u32),
}

/// What may wait, and so may be an actor's.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Connect(Place),
    /// Into this slot.
    Accept(u8),
    /// In so many buffers.
    Send(Vec<Data>),
    Recv(Vec<u32>),
    Peek(u32),
    SendTo(Vec<Data>, Place),
    RecvFrom(Vec<u32>),
    PeekFrom(u32),
    /// `MSG_OOB`.
    Urgent(Data),
    RecvUrgent(u32),
    Message(Vec<Data>, Beside),
    RecvMessage(Vec<u32>, Asked),
    /// For any of these.
    Wait(Readiness),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Puts a fresh socket into a slot; what was there is closed.
    Make(u8, Kind),
    /// Puts the two ends of a pair into slots.
    Pair(u8, u8, Kind),
    /// Puts a listener into the first slot, a connection to it into the second, its other end into
    /// the third.
    Connected(u8, u8, u8, Kind),
    /// Puts the two ends of a pipe into slots: the one that is read, the one that is written.
    Pipe(u8, u8),
    Bind(u8, Place),
    Listen(u8, i32),
    Call(u8, Call),
    Shutdown(u8, Switch),
    /// Forgets its peer: connect(2) to no family.
    Disconnect(u8),
    /// An actor that waits on it waits on, as with a handle that two threads share.
    Close(u8),
    /// With those who wait on it woken.
    CloseNow(u8),
    /// A second handle of the first slot's into the second.
    Dup(u8, u8),
    Local(u8),
    Peer(u8),
    Addresses(u8),
    /// `SO_ERROR`.
    Error(u8),
    Poll(u8),
    /// `FIONREAD` and `SIOCOUTQ`.
    Queued(u8),
    /// The state of TCP, and a listener's queue.
    Tcp(u8),
    /// What TCP has counted.
    Counts(u8),
    Set(u8, Opt, Value),
    Get(u8, Opt),
    Join(u8, IpAddr, Interface),
    Leave(u8, IpAddr, Interface),
    /// Sends so many bytes at a time until there is no room.
    Fill(u8, u32),
    /// Sends so many bytes at a time until poll calls it writable no longer.
    FillToTheBrink(u8, u32),
    /// Receives until nothing is left.
    Drain(u8),
    /// Receives so many hundredths of what was filled in and not received.
    DrainPart(u8, u8),
    /// Makes sockets until there is no descriptor for one more, and keeps them.
    Exhaust,
    /// Closes one of those.
    Spare,
    /// Milliseconds.
    Sleep(u64),
    Resolve(String),
}

impl Program {
    /// Whether a step binds, or goes to, a path.
    pub fn has_paths(&self) -> bool {
        let of = |call: &Call| {
            matches!(call, Call::Connect(Place::Path(_)) | Call::SendTo(_, Place::Path(_)))
                || matches!(call, Call::Message(_, Beside { to: Some(Place::Path(_)), .. }))
        };
        let in_op = |op: &Op| match op {
            Op::Call(_, call) => of(call),
            Op::Bind(_, place) => matches!(place, Place::Path(_)),
            _ => false,
        };
        self.0.iter().any(|step| match step {
            Step::Do(op) | Step::Times(_, op) => in_op(op),
            Step::Together(ops) => ops.iter().any(in_op),
            Step::Start { call, .. } => of(call),
            Step::Ask(_) => false,
        })
    }

    /// Whether what is sent may wait for as long as a timer says.
    pub fn waits_for_timers(&self) -> bool {
        let holds = |op: &Op| match op {
            Op::Set(_, option, Value::Flag(on)) => match option.name() {
                "no-delay" => !on,
                "cork" => *on,
                _ => false,
            },
            Op::Call(_, Call::Message(_, beside)) => beside.more,
            _ => false,
        };
        self.0.iter().any(|step| match step {
            Step::Do(op) | Step::Times(_, op) => holds(op),
            Step::Together(ops) => ops.iter().any(holds),
            _ => false,
        })
    }

    /// Whether some call waits.
    pub fn has_actors(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Start { .. }))
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |actor: u8| char::from(b'a' + actor);
        match self {
            Step::Do(op) => op.fmt(f),
            Step::Together(ops) => List(ops, "; ").fmt(f),
            Step::Times(n, op) => write!(f, "times {n} {op}"),
            Step::Ask(actor) => write!(f, "{}?", name(*actor)),
            Step::Start { actor, slot, call, within } => {
                write!(f, "{}: {}", name(*actor), OfSlot(*slot, call))?;
                within.map_or(Ok(()), |ms| write!(f, " within {ms}"))
            }
        }
    }
}

/// A call of what is in this slot.
struct OfSlot<'a>(u8, &'a Call);

impl fmt::Display for OfSlot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let a = self.0;
        match self.1 {
            Call::Connect(place) => write!(f, "connect s{a} {place}"),
            Call::Accept(into) => write!(f, "s{into} = accept s{a}"),
            Call::Send(data) => write!(f, "send s{a} {}", List(data, " ")),
            Call::Recv(sizes) => write!(f, "recv s{a} {}", List(sizes, "+")),
            Call::Peek(n) => write!(f, "peek s{a} {n}"),
            Call::SendTo(data, place) => write!(f, "send_to s{a} {} {place}", List(data, " ")),
            Call::RecvFrom(sizes) => write!(f, "recv_from s{a} {}", List(sizes, "+")),
            Call::PeekFrom(n) => write!(f, "peek_from s{a} {n}"),
            Call::Urgent(data) => write!(f, "urgent s{a} {data}"),
            Call::RecvUrgent(n) => write!(f, "recv_urgent s{a} {n}"),
            Call::Wait(what) => write!(f, "wait s{a} {}", awaited(*what)),
            Call::Message(data, beside) => {
                write!(f, "sendmsg s{a} {}{beside}", List(data, " "))
            }
            Call::RecvMessage(sizes, asked) => {
                write!(f, "recvmsg s{a} {}{asked}", List(sizes, "+"))
            }
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Make(a, kind) => write!(f, "s{a} = {kind}"),
            Op::Pair(a, b, kind) => write!(f, "s{a} s{b} = pair {kind}"),
            Op::Connected(l, a, b, kind) => write!(f, "s{l} s{a} s{b} = connected {kind}"),
            Op::Pipe(a, b) => write!(f, "s{a} s{b} = pipe"),
            Op::Bind(a, place) => write!(f, "bind s{a} {place}"),
            Op::Listen(a, n) => write!(f, "listen s{a} {n}"),
            Op::Call(a, call) => OfSlot(*a, call).fmt(f),
            Op::Shutdown(a, how) => write!(f, "shutdown s{a} {how}"),
            Op::Disconnect(a) => write!(f, "disconnect s{a}"),
            Op::Close(a) => write!(f, "close s{a}"),
            Op::CloseNow(a) => write!(f, "close s{a} now"),
            Op::Dup(a, b) => write!(f, "s{b} = dup s{a}"),
            Op::Local(a) => write!(f, "local s{a}"),
            Op::Peer(a) => write!(f, "peer s{a}"),
            Op::Addresses(a) => write!(f, "addresses s{a}"),
            Op::Error(a) => write!(f, "error s{a}"),
            Op::Poll(a) => write!(f, "poll s{a}"),
            Op::Queued(a) => write!(f, "queued s{a}"),
            Op::Tcp(a) => write!(f, "tcp s{a}"),
            Op::Counts(a) => write!(f, "counts s{a}"),
            Op::Set(a, option, value) => write!(f, "set s{a} {option} {value}"),
            Op::Get(a, option) => write!(f, "get s{a} {option}"),
            Op::Join(a, group, on) => write!(f, "join s{a} {group} {on}"),
            Op::Leave(a, group, on) => write!(f, "leave s{a} {group} {on}"),
            Op::Fill(a, n) => write!(f, "fill s{a} {n}"),
            Op::FillToTheBrink(a, n) => write!(f, "fill s{a} {n} to the brink"),
            Op::Drain(a) => write!(f, "drain s{a}"),
            Op::DrainPart(a, percent) => write!(f, "drain s{a} {percent}%"),
            Op::Exhaust => f.write_str("exhaust"),
            Op::Spare => f.write_str("spare"),
            Op::Sleep(ms) => write!(f, "sleep {ms}"),
            Op::Resolve(text) => write!(f, "resolve {}", Quoted(text.as_bytes())),
        }
    }
}

impl Op {
    /// The slot that it is about, or the first of several.
    pub fn slot(&self) -> Option<u8> {
        match self {
            Op::Sleep(_) | Op::Resolve(_) | Op::Exhaust | Op::Spare => None,
            Op::Make(a, _)
            | Op::Pair(a, ..)
            | Op::Connected(a, ..)
            | Op::Pipe(a, _)
            | Op::Bind(a, _)
            | Op::Listen(a, _)
            | Op::Call(a, _)
            | Op::Shutdown(a, _)
            | Op::Disconnect(a)
            | Op::Close(a)
            | Op::CloseNow(a)
            | Op::Dup(a, _)
            | Op::Local(a)
            | Op::Peer(a)
            | Op::Addresses(a)
            | Op::Error(a)
            | Op::Poll(a)
            | Op::Queued(a)
            | Op::Tcp(a)
            | Op::Counts(a)
            | Op::Set(a, ..)
            | Op::Get(a, _)
            | Op::Join(a, ..)
            | Op::Leave(a, ..)
            | Op::Fill(a, _)
            | Op::FillToTheBrink(a, _)
            | Op::Drain(a)
            | Op::DrainPart(a, _) => Some(*a),
        }
    }
}

impl Kind {
    pub const ALL: [(Kind, &str); 7] = [
        (Kind::Tcp, "tcp"),
        (Kind::Udp, "udp"),
        (Kind::Tcp6, "tcp6"),
        (Kind::Udp6, "udp6"),
        (Kind::UnixStream, "unix-stream"),
        (Kind::UnixDatagram, "unix-datagram"),
        (Kind::UnixRecords, "unix-records"),
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Kind::ALL.iter().find(|(kind, _)| kind == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Literal(address) => address.fmt(f),
            Place::PortOf(IpAddr::V4(ip), a) => write!(f, "{ip}:s{a}"),
            Place::PortOf(IpAddr::V6(ip), a) => write!(f, "[{ip}]:s{a}"),
            Place::Nobody => f.write_str("nobody"),
            Place::Of(a) => write!(f, "of s{a}"),
            Place::PeerOf(a) => write!(f, "peer of s{a}"),
            Place::Name(n) => write!(f, "@{n}"),
            Place::Path(n) => write!(f, "/{n}"),
            Place::Unnamed => f.write_str("unnamed"),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Switch::Read => "read",
            Switch::Write => "write",
            Switch::Both => "both",
        })
    }
}

/// What may be waited for, by name. Reading and writing together are `both`.
pub const AWAITED: [(Readiness, &str); 7] = [
    (Readiness::BOTH, "both"),
    (Readiness::READ, "read"),
    (Readiness::WRITE, "write"),
    (Readiness::HANG_UP, "hang-up"),
    (Readiness::READ_CLOSED, "read-closed"),
    (Readiness::ERROR, "error"),
    (Readiness::URGENT, "urgent"),
];

/// The names of what is in a set, joined by `+`.
pub fn awaited(mut what: Readiness) -> String {
    let mut names = Vec::new();
    for (some, name) in AWAITED {
        if what.and(some) == some {
            names.push(name);
            what = what.without(some);
        }
    }
    names.join("+")
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interface::Address(ip) => ip.fmt(f),
            Interface::Index(n) => n.fmt(f),
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::Text(text) => Quoted(text).fmt(f),
            Data::Numbered(n) => n.fmt(f),
        }
    }
}

/// Text between quotation marks.
pub struct Quoted<'a>(pub &'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

struct List<'a, T>(&'a [T], &'static str);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, item)| match at {
            0 => item.fmt(f),
            _ => write!(f, "{}{item}", self.1),
        })
    }
}
