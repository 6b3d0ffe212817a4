//! Socket programs: a list of operations on numbered sockets, one at a time.

use std::fmt;

/// Sockets a program may hold at once.
pub const SLOTS: u8 = 4;

#[derive(Clone, Debug)]
pub struct Program(pub Vec<Op>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Udp,
    UnixStream,
    UnixDatagram,
    UnixRecords,
}

/// Where to, or where from.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// 127.0.0.1 and a port of the system's choice.
    Loopback,
    /// 0.0.0.0 and a port of the system's choice.
    Anywhere,
    /// Port 1 of 127.0.0.1, or a Unix name, where nobody is.
    Nobody,
    /// The local address of what is in this slot.
    Of(u8),
    /// The peer's address of what is in this slot.
    PeerOf(u8),
    /// An abstract Unix name.
    Name(u8),
    /// A path of a directory of the program's own.
    Path(u8),
}

#[derive(Clone, Copy, Debug)]
pub enum Switch {
    Read,
    Write,
    Both,
}

/// Options that a program sets and asks for.
#[derive(Clone, Copy, Debug)]
pub enum Option {
    ReuseAddress,
    ReusePort,
    NoDelay,
    KeepAlive,
    Broadcast,
    LingerZero,
    LingerLong,
    Ttl,
    Tos,
    Priority,
    KeepIdle,
    KeepCount,
    UserTimeout,
    MulticastLoop,
    MulticastTtl,
    /// Asked for only: domain, type, protocol, and whether it listens.
    Identity,
}

#[derive(Clone, Copy, Debug)]
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
    Listen(u8, u8),
    Connect(u8, Place),
    /// From the first slot into the second.
    Accept(u8, u8),
    Send(u8, u16),
    Recv(u8, u16),
    Peek(u8, u16),
    /// In two buffers.
    SendVectored(u8, u16, u16),
    RecvVectored(u8, u16, u16),
    SendTo(u8, u16, Place),
    RecvFrom(u8, u16),
    PeekFrom(u8, u16),
    Shutdown(u8, Switch),
    Close(u8),
    /// A second handle of the first slot's into the second.
    Dup(u8, u8),
    Addresses(u8),
    TakeError(u8),
    Poll(u8),
    Set(u8, Option, u8),
    Get(u8, Option),
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Op::Make(a, kind) => write!(f, "s{a} = socket {kind}"),
            Op::Pair(a, b, kind) => write!(f, "s{a}, s{b} = pair {kind}"),
            Op::Connected(l, a, b, kind) => write!(f, "s{l}, s{a}, s{b} = connected {kind}"),
            Op::Bind(a, place) => write!(f, "bind s{a} {place}"),
            Op::Pipe(a, b) => write!(f, "s{a}, s{b} = pipe"),
            Op::Listen(a, n) => write!(f, "listen s{a} {n}"),
            Op::Connect(a, place) => write!(f, "connect s{a} {place}"),
            Op::Accept(a, b) => write!(f, "s{b} = accept s{a}"),
            Op::Send(a, n) => write!(f, "send s{a} {n}"),
            Op::Recv(a, n) => write!(f, "recv s{a} {n}"),
            Op::Peek(a, n) => write!(f, "peek s{a} {n}"),
            Op::SendVectored(a, n, m) => write!(f, "send s{a} {n}+{m}"),
            Op::RecvVectored(a, n, m) => write!(f, "recv s{a} {n}+{m}"),
            Op::SendTo(a, n, place) => write!(f, "send_to s{a} {n} {place}"),
            Op::RecvFrom(a, n) => write!(f, "recv_from s{a} {n}"),
            Op::PeekFrom(a, n) => write!(f, "peek_from s{a} {n}"),
            Op::Shutdown(a, how) => write!(f, "shutdown s{a} {how:?}"),
            Op::Close(a) => write!(f, "close s{a}"),
            Op::Dup(a, b) => write!(f, "s{b} = dup s{a}"),
            Op::Addresses(a) => write!(f, "addresses s{a}"),
            Op::TakeError(a) => write!(f, "take_error s{a}"),
            Op::Poll(a) => write!(f, "poll s{a}"),
            Op::Set(a, option, value) => write!(f, "set s{a} {option:?} {value}"),
            Op::Get(a, option) => write!(f, "get s{a} {option:?}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Tcp => "tcp",
            Kind::Udp => "udp",
            Kind::UnixStream => "unix-stream",
            Kind::UnixDatagram => "unix-datagram",
            Kind::UnixRecords => "unix-records",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Loopback => f.write_str("127.0.0.1:0"),
            Place::Anywhere => f.write_str("0.0.0.0:0"),
            Place::Nobody => f.write_str("nobody"),
            Place::Of(a) => write!(f, "of s{a}"),
            Place::PeerOf(a) => write!(f, "peer of s{a}"),
            Place::Name(n) => write!(f, "@{n}"),
            Place::Path(n) => write!(f, "/{n}"),
        }
    }
}
