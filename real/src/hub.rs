//! [`RealHub`]: the operating system as a world. Readiness comes from mio; what a socket remembers
//! of it is `socket`'s, who waits for it the driver's.
//!
//! # Turns
//!
//! A fair queue: whoever became runnable first runs first, and a call that can complete goes on
//! without a switch. So that a greenlet that never waits starves neither the others' I/O nor their
//! timers, the world is looked at again after a **budget** of turns: four for each greenlet that
//! was runnable at the last look (an echoed message takes three), and 64 at least. A turn is one
//! resumed greenlet or one call that went through without waiting.
//!
//! # Time
//!
//! Deadlines are kept to the nanosecond but waited for in the poll's own unit: a timer is never
//! early, and late by up to a millisecond and what the machine adds.

mod clock;
mod closing;
mod files;
mod messages;
mod reports;
mod staging;
mod threads;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Shutdown};
use std::os::fd::{OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};

use greenroom::hub::{
    Address, Ask, Birth, Domain, FileAnswer, FileCall, GreenletId, Group, HostId, Hub, Io, Job,
    Kind, Message, NameOpt, Note, Opt, Query, Queued, Readiness, Ready, Received, Runnable, Take,
    TcpInfo, Tick, Turn,
};
use greenroom::resolve::Resolver;
use greenroom::signal;
use greenroom::time::{Instant, SystemTime};
use mio::{Events, Poll, Token};

use crate::blocking_pool::Inbox;
use crate::facts;
use crate::identity::Identity;
use crate::options;
use crate::resolver::Threaded;
use crate::retries::Retries;
use crate::signal::Signal;
use crate::socket::{Socket, would_block};
use crate::sys;
use crate::table::{Entry, Table};
use crate::watch::{Numbers, Watch};
use crate::watchdog::Watchdog;

use clock::Clock;

/// Reports taken in at a time; more wait for the next look.
const EVENTS: usize = 64;
/// What the poll reports a wake as; no table entry has this number.
const WAKE: Token = Token(usize::MAX);
const TURNS_MIN: usize = 64;
const TURNS_PER_GREENLET: usize = 4;

/// The operating system as a hub, for one thread.
pub struct RealHub {
    poll: Poll,
    events: Events,
    table: Table,
    clock: Clock,
    has_polled: bool,
    has_started: bool,
    /// A claim of its program did not hold: the performance is over.
    is_violated: bool,
    inbox: Arc<Inbox>,
    retries: Retries,
    numbers: Numbers,
    identity: Option<Identity>,
    watchdog: Option<Watchdog>,
    /// A socket of the hub may have been told to linger, here or through a descriptor outside.
    may_linger: bool,
}

struct Bell(mio::Waker);

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Bell>) {
        // It fails only when the poll it would wake is gone.
        let _ = self.0.wake();
    }
}

impl RealHub {
    /// A hub for this thread.
    ///
    /// # Errors
    ///
    /// When the system has no more descriptors. `InvalidInput` when `GREENROOM_WATCHDOG` is neither
    /// `off` nor a number of milliseconds.
    pub fn new() -> io::Result<RealHub> {
        RealHub::with_identity(None)
    }

    pub(crate) fn with_identity(identity: Option<Identity>) -> io::Result<RealHub> {
        let poll = Poll::new()?;
        let bell = Bell(mio::Waker::new(poll.registry(), WAKE)?);
        Ok(RealHub {
            poll,
            events: Events::with_capacity(EVENTS),
            table: Table::default(),
            clock: Clock::start(),
            has_polled: false,
            has_started: false,
            is_violated: false,
            inbox: Arc::new(Inbox::new(Waker::from(Arc::new(bell)))),
            retries: Retries::default(),
            numbers: Numbers::new(),
            identity,
            watchdog: Watchdog::from_env()?,
            may_linger: false,
        })
    }

    #[cfg(test)]
    pub(crate) fn watched_by(mut self, watchdog: Watchdog) -> RealHub {
        self.watchdog = Some(watchdog);
        self
    }

    fn socket_of(&mut self, io: Io) -> io::Result<&mut Socket> {
        self.table.get(io)?.socket()
    }
}

impl Hub for RealHub {
    fn now(&self) -> Tick {
        self.clock.now()
    }
    fn clock(&self) -> Instant {
        self.clock.read()
    }
    fn wall_clock(&self) -> SystemTime {
        std::time::SystemTime::now().into()
    }
    fn due(&self, at: Instant) -> Tick {
        self.clock.tick_of(at)
    }

    fn poll(&mut self, until: Option<Tick>, ready: &mut Vec<Ready>) -> io::Result<()> {
        if !self.has_started {
            self.has_started = true;
            if let Some(watchdog) = &mut self.watchdog {
                watchdog.start();
            }
            let programs = self.identity.as_ref().map_or(1, |identity| identity.programs);
            ready.extend((0..programs).map(|host| Ready::Start(HostId(host))));
            return Ok(());
        }
        if self.is_violated {
            ready.push(Ready::Stop);
            return Ok(());
        }
        self.has_polled = true;
        if let Some(watchdog) = &self.watchdog {
            watchdog.left();
        }
        self.wait(until, ready)
    }

    fn waker(&self) -> Waker {
        self.inbox.waker()
    }

    fn spawned(&mut self, _: GreenletId, _: &Birth<'_>) {}
    fn entered(&mut self, _: GreenletId) {
        if let Some(watchdog) = &self.watchdog {
            watchdog.entered();
        }
    }
    fn exited(&mut self, _: GreenletId) {}

    #[inline]
    fn turn(&mut self, runnable: &Runnable<'_>) -> Turn {
        if self.is_violated {
            return Turn::Stop;
        }
        if !std::mem::take(&mut self.has_polled) {
            return Turn::Poll;
        }
        Turn::InOrder(TURNS_MIN.max(TURNS_PER_GREENLET * runnable.len()))
    }

    fn socket(&mut self, domain: Domain, kind: Kind) -> io::Result<Io> {
        self.table.insert(Entry::Socket(Socket::new(domain, kind)?))
    }
    fn pair(&mut self, domain: Domain, kind: Kind) -> io::Result<(Io, Io)> {
        self.table.insert_both(Socket::pair(domain, kind)?)
    }
    fn pipe(&mut self) -> io::Result<(Io, Io)> {
        self.table.insert_both(Socket::pipe()?)
    }
    fn bind(&mut self, io: Io, local: &Address) -> io::Result<()> {
        self.bind_staged(io, local)
    }
    fn listen(&mut self, io: Io, backlog: u32) -> io::Result<()> {
        self.socket_of(io)?.listen(backlog)
    }
    fn connect(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        let peer_in_process = self.staged_peer(io, peer)?;
        if let Some(source) = self.identity.as_ref().and_then(|identity| identity.source_for(peer))
        {
            self.socket_of(io)?.leave_from(source)?;
        }
        if self.socket_of(io)?.is_unix() {
            return self.attempt_unreported(io, |socket| socket.connect(&peer_in_process));
        }
        self.socket_of(io)?.connect(&peer_in_process)
    }
    fn connecting(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        let peer_in_process = self.staged_peer(io, peer)?;
        self.attempt(io, |socket| socket.connecting(&peer_in_process))
    }
    fn accept(&mut self, io: Io) -> io::Result<(Io, Address)> {
        let (socket, peer) = self.attempt(io, |listener| listener.accept())?;
        Ok((self.table.insert(Entry::Socket(socket))?, self.unstaged(peer)))
    }
    fn shutdown(&mut self, io: Io, how: Shutdown) -> io::Result<()> {
        self.socket_of(io)?.shutdown(how)
    }
    fn disconnect(&mut self, io: Io) -> io::Result<()> {
        self.socket_of(io)?.disconnect()
    }
    fn close(&mut self, io: Io) {
        self.give_up(io);
    }
    fn dup(&mut self, io: Io) -> io::Result<Io> {
        let copy = match self.table.get(io)? {
            Entry::File(file) => Entry::File(Arc::new(file.try_clone()?)),
            entry => Entry::Socket(entry.socket()?.dup()?),
        };
        self.table.insert(copy)
    }

    fn recv(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<usize> {
        let socket = self.table.socket(io);
        if socket.is_some_and(|socket| !buf.is_empty() && socket.take_known_dry()) {
            return Err(would_block());
        }
        self.attempt(io, |socket| socket.recv(buf, take))
    }
    fn send(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.attempt_sending(io, |socket| socket.send(buf))
    }
    fn recv_vectored(
        &mut self,
        io: Io,
        bufs: &mut [IoSliceMut<'_>],
        take: Take,
    ) -> io::Result<usize> {
        self.attempt(io, |socket| socket.recv_vectored(bufs, take))
    }
    fn send_vectored(&mut self, io: Io, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.attempt_sending(io, |socket| socket.send_vectored(bufs))
    }
    fn recv_from(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<(usize, Address)> {
        let (n, peer) = self.attempt(io, |socket| socket.recv_from(buf, take))?;
        Ok((n, self.unstaged(peer)))
    }
    fn send_to(&mut self, io: Io, buf: &[u8], peer: &Address) -> io::Result<usize> {
        let peer = self.staged_peer(io, peer)?;
        if self.socket_of(io)?.is_unix() {
            // What is full is this socket, of which the poll tells, or the peer, of which it does
            // not; the clock serves for both.
            return self.attempt_unreported(io, |socket| socket.send_to(buf, &peer));
        }
        self.attempt_of_inet(io, |socket| socket.send_to(buf, &peer))
    }
    fn send_message(&mut self, io: Io, message: &Message<'_>) -> io::Result<usize> {
        self.give_message(io, message)
    }
    fn recv_message(
        &mut self,
        io: Io,
        bufs: &mut [IoSliceMut<'_>],
        ask: Ask,
    ) -> io::Result<Received> {
        self.take_message(io, bufs, ask)
    }
    fn recv_urgent(&mut self, io: Io, buf: &mut [u8]) -> io::Result<usize> {
        self.attempt(io, |socket| socket.recv_urgent(buf))
    }
    fn send_urgent(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.attempt(io, |socket| socket.send_urgent(buf))
    }
    fn readiness(&mut self, io: Io, interest: Readiness) -> io::Result<Readiness> {
        let ready = match self.table.get(io)? {
            Entry::Query(answer) if answer.is_there() => return Ok(interest.and(Readiness::READ)),
            // Its result comes with a wake, whether or not anybody watches.
            Entry::Job(outcome) if outcome.is_there() => return Ok(interest.and(Readiness::READ)),
            Entry::FileCall(outcome) if outcome.is_there() => {
                return Ok(interest.and(Readiness::READ));
            }
            Entry::Query(_) | Entry::Job(_) | Entry::FileCall(_) => return Ok(Readiness::NONE),
            Entry::Watch(_) => return Ok(self.watched_readiness(io)?.and(interest)),
            entry => entry.socket()?.readiness()?.and(interest),
        };
        if ready.is_none() {
            self.report_later(io, interest)?;
        }
        Ok(ready)
    }

    fn local_addr(&mut self, io: Io) -> io::Result<Address> {
        let address = self.socket_of(io)?.local_addr()?;
        Ok(self.unstaged(address))
    }
    fn peer_addr(&mut self, io: Io) -> io::Result<Address> {
        let address = self.socket_of(io)?.peer_addr()?;
        Ok(self.unstaged(address))
    }
    fn queued(&mut self, io: Io) -> io::Result<Queued> {
        facts::queued(self.socket_of(io)?.os())
    }
    fn tcp_info(&mut self, io: Io) -> io::Result<TcpInfo> {
        facts::tcp_info(self.socket_of(io)?.os())
    }
    fn option(&mut self, io: Io, option: Opt) -> io::Result<u32> {
        options::get(self.socket_of(io)?.os(), option)
    }
    fn set_option(&mut self, io: Io, option: Opt, value: u32) -> io::Result<()> {
        self.may_linger |= option == Opt::Linger;
        options::set(self.socket_of(io)?.os(), option, value)
    }
    fn name_option(&mut self, io: Io, option: NameOpt) -> io::Result<Vec<u8>> {
        options::get_name(self.socket_of(io)?.os(), option)
    }
    fn set_name_option(&mut self, io: Io, option: NameOpt, name: &[u8]) -> io::Result<()> {
        options::set_name(self.socket_of(io)?.os(), option, name)
    }
    fn join(&mut self, io: Io, group: Group) -> io::Result<()> {
        options::join(self.socket_of(io)?.os(), group)
    }
    fn leave(&mut self, io: Io, group: Group) -> io::Result<()> {
        options::leave(self.socket_of(io)?.os(), group)
    }
    fn take_error(&mut self, io: Io) -> io::Result<Option<io::Error>> {
        self.socket_of(io)?.os().take_error()
    }

    fn adopt(&mut self, descriptor: OwnedFd) -> io::Result<Io> {
        self.may_linger = true;
        self.table.insert(Entry::Socket(Socket::adopt(descriptor)?))
    }
    fn descriptor(&mut self, io: Io) -> io::Result<RawFd> {
        self.may_linger = true;
        match self.table.get(io)? {
            Entry::Watch(watch) => Ok(watch.number()),
            entry => Ok(entry.socket()?.descriptor()),
        }
    }
    fn cloexec(&mut self, io: Io) -> io::Result<bool> {
        sys::cloexec(self.socket_of(io)?.descriptor())
    }
    fn set_cloexec(&mut self, io: Io, on: bool) -> io::Result<()> {
        self.socket_of(io)?.os().set_cloexec(on)
    }
    fn watch(&mut self, descriptor: RawFd) -> io::Result<Io> {
        let io = self.table.insert(Entry::Watch(Watch::new(descriptor)?.into()))?;
        match self.start_watch(io) {
            Ok(()) => Ok(io),
            Err(error) => {
                self.close(io);
                Err(error)
            }
        }
    }
    fn export(&mut self, io: Io) -> io::Result<OwnedFd> {
        self.may_linger = true;
        self.socket_of(io)?.export()
    }

    fn resolve(&mut self, query: &Query<'_>) -> io::Result<Io> {
        self.look_up(query.host)
    }
    fn resolved(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        self.addresses(io)
    }
    fn resolver(&self) -> Option<Box<dyn Any>> {
        // A host of a scenario knows names of its own, and asks the system for the rest.
        let threaded = || Box::new(Rc::new(Threaded) as Rc<dyn Resolver>) as Box<dyn Any>;
        self.identity.is_none().then(threaded)
    }

    fn offload(&mut self, job: Job) -> io::Result<(Io, Option<Job>)> {
        self.start_job(job).map(|io| (io, None))
    }
    fn offloaded(&mut self, io: Io) -> io::Result<()> {
        self.finish_job(io)
    }
    fn file(&mut self, call: FileCall) -> io::Result<Io> {
        self.begin_file(call)
    }
    fn file_done(&mut self, io: Io) -> io::Result<FileAnswer> {
        self.end_file(io)
    }

    fn entropy(&mut self, bytes: &mut [u8]) {
        sys::random(bytes);
    }
    fn choose(&mut self, _: &str, _: u32) -> u32 {
        0
    }
    fn signal(&mut self, kind: signal::Kind) -> io::Result<Io> {
        self.table.insert(Entry::Signal(Signal::new(kind)?.into()))
    }

    fn takes_notes(&self) -> bool {
        self.identity.is_some()
    }
    fn note(&mut self, event: &Note<'_>) {
        if let Some(identity) = &self.identity {
            identity.record.take_down(&identity.host, event);
            if let Note::Always(_, false) = event {
                // The run ends at the next switch point.
                self.is_violated = true;
            }
        }
    }
}

impl std::fmt::Debug for RealHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RealHub").field("poll", &self.poll).finish_non_exhaustive()
    }
}
