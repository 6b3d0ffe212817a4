//! The waist: the trait [`Hub`] and the small values that cross it. It knows no world.
//!
//! A hub is a world a program runs in. No call here suspends: one that cannot finish now returns
//! [`WouldBlock`](io::ErrorKind::WouldBlock), and the driver above parks the greenlet until
//! [`poll`](Hub::poll) names its source. What waits, for how long and in which order is the
//! driver's affair; who runs next is the hub's ([`turn`](Hub::turn)).
//!
//! # Laws
//!
//! 1. After `WouldBlock`, some later `poll` names that source once the call may succeed: too often
//!    is legal, too rarely never.
//! 2. `poll` returns by `until`, and earlier only if it names something or the turn before it was to
//!    [`Advance`](Turn::Advance).
//! 3. In a simulation, `poll(None)` that names nothing means that nothing can ever happen. On the
//!    operating system it never returns so.
//! 4. `now` never goes backwards. In a simulation it moves only inside `poll`, and where all who can
//!    run merely yielded, by a little: never past anybody's deadline, nor past the next event.
//! 5. An [`Io`] is never reused in a process; a stale one returns an error.

mod address;
mod asked;
mod clock;
mod dead;
mod facts;
mod file;
mod id;
mod message;
mod note;
mod option;
mod readiness;
mod signal;
mod turn;

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Shutdown};
use std::os::fd::{OwnedFd, RawFd};
use std::task::Waker;

pub(crate) use address::domain_of;
pub use address::{Address, Domain, Kind};
pub use asked::{Query, Take};
pub use clock::{Instant, SystemTime, UNIX_EPOCH};
pub(crate) use dead::DeadHub;
pub use facts::{Queued, TcpInfo, TcpState};
pub use file::{
    Entry, FileAnswer, FileCall, OnFile, OpenHow, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, Stat,
};
pub use id::{GreenletId, HostId, Io, Tick};
pub use message::{
    Ask, Control, Message, PacketInfoV4, PacketInfoV6, RIGHTS_MAX, Received, RecvFlags,
};
pub use note::{Note, Notice, On, Wait, WokeBy};
pub use option::{Group, Level, NameOpt, Opt};
pub use readiness::Readiness;
pub use signal::Signal;
pub use turn::{Birth, How, Place, Ready, Runnable, SwitchPoint, Turn};

/// The world a program runs in. See the [module documentation](self) for its laws.
pub trait Hub: Any {
    // Time and readiness.

    /// The driver's clock: it never goes backwards and does not drift.
    fn now(&self) -> Tick;
    /// The monotonic clock of the current greenlet's host; it may drift against [`now`](Hub::now).
    fn clock(&self) -> Instant;
    /// The calendar clock of the current greenlet's host; it may step.
    fn wall_clock(&self) -> SystemTime;
    /// When the current host's monotonic clock will show `at`, on the driver's clock.
    fn due(&self, at: Instant) -> Tick;
    /// Waits until something happens or `until` has come, and says what happened, in wake order.
    fn poll(&mut self, until: Option<Tick>, ready: &mut Vec<Ready>) -> io::Result<()>;
    /// Ends a `poll` from any thread: it then names [`Ready::Mail`].
    fn waker(&self) -> Waker;

    // Turns. The policy is the hub's.

    /// A greenlet was made. It stands on its parent's host; a root is named as its host.
    fn spawned(&mut self, greenlet: GreenletId, birth: &Birth<'_>);
    /// The greenlet is about to run, be it only to be unwound, or goes on after it ended others
    /// inside its own turn.
    fn entered(&mut self, greenlet: GreenletId);
    /// The greenlet is over; its id will not be seen again.
    fn exited(&mut self, greenlet: GreenletId);
    /// Who runs next. Candidate 0 is what would happen by default.
    fn turn(&mut self, runnable: &Runnable<'_>) -> Turn;

    // Sockets: BSD's verbs over numbers.

    /// Makes a socket that is neither bound nor connected.
    fn socket(&mut self, domain: Domain, kind: Kind) -> io::Result<Io>;
    /// Makes two sockets that are connected to each other.
    fn pair(&mut self, _domain: Domain, _kind: Kind) -> io::Result<(Io, Io)> {
        Err(unsupported("socket pairs"))
    }
    /// Makes a pipe: the end that is read from and the end that is written to.
    fn pipe(&mut self) -> io::Result<(Io, Io)> {
        Err(unsupported("pipes"))
    }
    /// Gives a socket its local address; port 0 asks for a free one.
    fn bind(&mut self, io: Io, local: &Address) -> io::Result<()>;
    /// Makes a bound stream socket accept connections.
    fn listen(&mut self, io: Io, backlog: u32) -> io::Result<()>;
    /// Starts a connection, as connect(2) on a socket that does not wait: `EINPROGRESS` says that one
    /// was started, `EALREADY` that one is under way, and [`connecting`](Hub::connecting) how it goes.
    /// `WouldBlock` is of the Unix domain, whose full listeners are tried again.
    fn connect(&mut self, io: Io, peer: &Address) -> io::Result<()>;
    /// How the connection goes that this caller waits for: `WouldBlock` while it is under way, then
    /// how that ended, whoever was told before. It starts none.
    fn connecting(&mut self, io: Io, peer: &Address) -> io::Result<()>;
    /// Takes the oldest finished connection.
    fn accept(&mut self, io: Io) -> io::Result<(Io, Address)>;
    /// Ends reading, writing or both, for every descriptor of the socket.
    fn shutdown(&mut self, io: Io, how: Shutdown) -> io::Result<()>;
    /// Forgets the peer, as connect(2) to an address of no family; whoever is parked in what that ends
    /// is named by a later [`poll`](Hub::poll).
    fn disconnect(&mut self, _io: Io) -> io::Result<()> {
        Err(unsupported("the end of a connection that leaves its socket"))
    }
    /// Gives the descriptor up; the last one closes the socket.
    fn close(&mut self, io: Io);
    /// A second descriptor of the same socket.
    fn dup(&mut self, io: Io) -> io::Result<Io>;
    /// Takes bytes; 0 is the end of a stream.
    fn recv(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<usize>;
    /// Gives bytes; fewer than asked may be taken.
    fn send(&mut self, io: Io, buf: &[u8]) -> io::Result<usize>;
    /// Takes bytes into several buffers, as [`recv`](Hub::recv) into one.
    fn recv_vectored(
        &mut self,
        io: Io,
        bufs: &mut [IoSliceMut<'_>],
        take: Take,
    ) -> io::Result<usize> {
        let mut gathered = vec![0; bufs.iter().map(|buf| buf.len()).sum()];
        let n = self.recv(io, &mut gathered, take)?;
        scatter(&gathered[..n], bufs);
        Ok(n)
    }
    /// Gives the bytes of several buffers, as [`send`](Hub::send) those of one.
    fn send_vectored(&mut self, io: Io, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(io, &gather(bufs))
    }
    /// Takes one datagram, cut to the buffer.
    fn recv_from(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<(usize, Address)>;
    /// Gives one datagram, whole or not at all.
    fn send_to(&mut self, io: Io, buf: &[u8], peer: &Address) -> io::Result<usize>;
    /// Gives bytes with all that sendmsg(2) takes beside them.
    fn send_message(&mut self, _io: Io, _message: &Message<'_>) -> io::Result<usize> {
        Err(unsupported("messages"))
    }
    /// Takes bytes with all that recvmsg(2) says of them.
    fn recv_message(
        &mut self,
        _io: Io,
        _bufs: &mut [IoSliceMut<'_>],
        _ask: Ask,
    ) -> io::Result<Received> {
        Err(unsupported("messages"))
    }
    /// Takes the urgent byte of a stream, as with `MSG_OOB`.
    fn recv_urgent(&mut self, _io: Io, _buf: &mut [u8]) -> io::Result<usize> {
        Err(unsupported("urgent data"))
    }
    /// Gives bytes of which the last is urgent, as with `MSG_OOB`.
    fn send_urgent(&mut self, _io: Io, _buf: &[u8]) -> io::Result<usize> {
        Err(unsupported("urgent data"))
    }
    /// What of `interest` the source shows now. Where that is nothing, a later `poll` names what comes
    /// of it.
    fn readiness(&mut self, io: Io, interest: Readiness) -> io::Result<Readiness>;
    /// The address on this side.
    fn local_addr(&mut self, io: Io) -> io::Result<Address>;
    /// The address on the other side.
    fn peer_addr(&mut self, io: Io) -> io::Result<Address>;
    /// What a source is called where somebody reads of it, if it has a name beside its addresses.
    fn label(&self, _io: Io) -> Option<String> {
        None
    }
    /// How many bytes a socket holds in either direction.
    fn queued(&mut self, _io: Io) -> io::Result<Queued> {
        Err(unsupported("the lengths of a socket's queues"))
    }
    /// How a socket's TCP stands.
    fn tcp_info(&mut self, _io: Io) -> io::Result<TcpInfo> {
        Err(unsupported("what TCP knows of a connection"))
    }
    /// What an option is set to.
    fn option(&mut self, io: Io, option: Opt) -> io::Result<u32>;
    /// Sets an option.
    fn set_option(&mut self, io: Io, option: Opt, value: u32) -> io::Result<()>;
    /// What an option is set to that is a name.
    fn name_option(&mut self, _io: Io, option: NameOpt) -> io::Result<Vec<u8>> {
        Err(unsupported(&format!("the option {option:?}")))
    }
    /// Sets an option that is a name.
    fn set_name_option(&mut self, _io: Io, option: NameOpt, _name: &[u8]) -> io::Result<()> {
        Err(unsupported(&format!("the option {option:?}")))
    }
    /// Makes a socket a member of a multicast group.
    fn join(&mut self, _io: Io, _group: Group) -> io::Result<()> {
        Err(unsupported("multicast groups"))
    }
    /// Ends a socket's membership of a multicast group.
    fn leave(&mut self, _io: Io, _group: Group) -> io::Result<()> {
        Err(unsupported("multicast groups"))
    }
    /// Takes the pending error, as `SO_ERROR` does.
    fn take_error(&mut self, io: Io) -> io::Result<Option<io::Error>>;

    // Descriptors of the process, where the world has them.

    /// Takes a descriptor of the process in as a source of the hub, which then owns it.
    fn adopt(&mut self, _descriptor: OwnedFd) -> io::Result<Io> {
        Err(unsupported("descriptors of the process"))
    }
    /// The descriptor of the process behind a source. It is the hub's, and lives no longer.
    fn descriptor(&mut self, _io: Io) -> io::Result<RawFd> {
        Err(unsupported("descriptors of the process"))
    }
    /// A second descriptor of the process for what a source names, as with `dup`. The caller owns
    /// it.
    fn export(&mut self, _io: Io) -> io::Result<OwnedFd> {
        Err(unsupported("descriptors of the process"))
    }
    /// Whether the descriptor is closed when the process runs another program.
    fn cloexec(&mut self, _io: Io) -> io::Result<bool> {
        Err(unsupported("close-on-exec"))
    }
    /// Sets whether the descriptor is closed when the process runs another program.
    fn set_cloexec(&mut self, _io: Io, _on: bool) -> io::Result<()> {
        Err(unsupported("close-on-exec"))
    }
    /// A source that is ready when a descriptor of the process is, which stays its owner's.
    fn watch(&mut self, _descriptor: RawFd) -> io::Result<Io> {
        Err(unsupported("waiting for a descriptor of the process"))
    }

    // Names, chance, notes.

    /// Asks for the addresses of a name. The query is a source, readable once answered.
    fn resolve(&mut self, query: &Query<'_>) -> io::Result<Io>;
    /// The answer to a query, which is over then; `WouldBlock` before.
    fn resolved(&mut self, io: Io) -> io::Result<Vec<IpAddr>>;
    /// The name of the host that has an address, where the hub itself knows.
    fn reverse(&mut self, _address: IpAddr) -> Option<String> {
        None
    }
    /// Whom `resolve::resolver` names unless one is set, where that is not this hub itself: an
    /// `Rc<dyn Resolver>` of `resolve`, whose type the waist does not know.
    fn resolver(&self) -> Option<Box<dyn Any>> {
        None
    }
    /// Has a job done where it holds nobody up. The job is a source, readable once it is done; who
    /// closes that gives it up, done or not. A hub that has no such place gives the job back: it is
    /// the caller's to do once the source is readable.
    fn offload(&mut self, _job: Job) -> io::Result<(Io, Option<Job>)> {
        Err(unsupported("a place for jobs that block"))
    }
    /// Whether a job is over, as its source is then; `WouldBlock` before.
    fn offloaded(&mut self, _io: Io) -> io::Result<()> {
        Err(unsupported("a place for jobs that block"))
    }
    /// Begins an operation on files. It is a source, readable once it is over; who closes that gives up
    /// the answer, and the operation may happen all the same. What is opened is a descriptor, as sockets
    /// are: it is closed by [`close`](Hub::close) and has copies by [`dup`](Hub::dup).
    fn file(&mut self, _call: FileCall) -> io::Result<Io> {
        Err(unsupported("files"))
    }
    /// What came of an operation on files, which is over then; `WouldBlock` before.
    fn file_done(&mut self, _io: Io) -> io::Result<FileAnswer> {
        Err(unsupported("files"))
    }
    /// Fills the buffer with random bytes; in a simulation they come from the seed.
    fn entropy(&mut self, bytes: &mut [u8]);
    /// One of `arity` choices the program leaves to the world; the operating system returns 0.
    fn choose(&mut self, label: &str, arity: u32) -> u32;
    /// A source that is readable once such a signal came to the process, and is read to hear of it.
    fn signal(&mut self, _kind: Signal) -> io::Result<Io> {
        Err(unsupported("signals"))
    }
    /// Whether the calls of which every thousandth in a row gives way (`lock`, `try_*`, `recv`,
    /// `is_finished`, …, but none that only tells, as `set` or `unpark` do) are [switch
    /// points](SwitchPoint::Unasked) as well: to find what only threads could do. Asked once, at the start.
    fn preempts(&self) -> bool {
        false
    }
    /// Whether [`note`](Hub::note) does anything: nobody makes notes for a hub that drops them.
    fn takes_notes(&self) -> bool {
        false
    }
    /// Something worth recording happened above the waist.
    fn note(&mut self, _event: &Note<'_>) {}
}

/// The buffers that a system takes at a time (Linux's `UIO_MAXIOV`).
pub const PIECES_MAX: usize = 1024;

/// Work that would hold up its thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// The error of something a hub cannot do, named so that a reader knows what.
pub fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("this hub does not offer {what}"))
}

/// The error of a socket that would have to be given a port when there is none: `EAGAIN` to a
/// program, at once, where [`WouldBlock`](io::ErrorKind::WouldBlock) would promise that some poll
/// names the socket.
pub fn no_port() -> io::Error {
    io::Error::other(NoPort)
}

/// A hub's error as a program is told of it.
#[cold]
pub(crate) fn told(error: io::Error) -> io::Error {
    match error.get_ref() {
        Some(inner) if inner.is::<NoPort>() => io::Error::from_raw_os_error(libc::EAGAIN),
        _ => error,
    }
}

#[derive(Debug)]
struct NoPort;

impl fmt::Display for NoPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no port is free")
    }
}

impl std::error::Error for NoPort {}

/// Puts bytes into buffers, one after the other.
pub fn scatter(mut bytes: &[u8], bufs: &mut [IoSliceMut<'_>]) {
    for buf in bufs {
        let (here, later) = bytes.split_at(bytes.len().min(buf.len()));
        buf[..here.len()].copy_from_slice(here);
        bytes = later;
    }
}

/// The bytes of several buffers in one.
pub fn gather(bufs: &[IoSlice<'_>]) -> Vec<u8> {
    bufs.iter().flat_map(|buf| buf.iter().copied()).collect()
}
