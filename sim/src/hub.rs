//! The virtual world as a hub: each method one hop to where the thing is done.

mod disturbed;
mod events;
mod reads;

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use greenroom::hub::{
    Address, Ask, Birth, Domain, FileAnswer, FileCall, GreenletId, Group, Hub, Io, Job, Kind,
    Message, NameOpt, Note, Opt, Query, Queued, Readiness, Ready, Received, Runnable, SwitchPoint,
    Take, TcpInfo, Tick, Turn, gather, scatter,
};
use greenroom::signal;
use greenroom::time::{Instant, SystemTime};

use crate::clock::calendar;
use crate::errno::errno;
use crate::id::SocketId;
use crate::keeper::Beat;
use crate::net::udp::Letting;
use crate::net::{
    self, address, connection, datagram, deliver, facts, file, groups, job, life, listener,
    loopback, message, names, options, pipe, ports, readiness, stream, udp, unix, urgent,
};
use crate::scheduler::{Context, Scheduler};
use crate::socket::{NO_SOCKET, Proto};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;
pub(crate) use disturbed::Disturbed;
use reads::Reads;

/// The simulator's side of the waist.
pub(crate) struct SimHub {
    pub(crate) world: World,
    pub(crate) scheduler: Scheduler,
    /// Set by threads that have no business in a simulation.
    pub(crate) disturbed: Arc<Disturbed>,
    time_limit_ns: u64,
    pub(crate) out_of_time: bool,
    /// The last turn was to let time move although some could run.
    advances: bool,
    reads: Reads,
    /// What a keeper of this run looks at.
    beat: Option<Arc<Beat>>,
}

impl SimHub {
    pub(crate) fn new(world: World, time_limit: Duration, beat: Option<Arc<Beat>>) -> SimHub {
        let time_limit_ns = u64::try_from(time_limit.as_nanos()).unwrap_or(u64::MAX);
        SimHub {
            scheduler: Scheduler::new(&world.choices),
            world,
            disturbed: Arc::default(),
            time_limit_ns,
            out_of_time: false,
            advances: false,
            reads: Reads::default(),
            beat,
        }
    }

    /// A call on a socket. Its error goes into the trace, unless it merely has to wait. What it sent
    /// to its own host is there when it returns.
    fn call<T>(
        &mut self,
        io: Io,
        name: &'static str,
        call: impl FnOnce(&mut World, SocketId) -> io::Result<T>,
    ) -> io::Result<T> {
        let world = &mut self.world;
        let id = world.socket_of(io)?;
        let number = world.sockets[id].number;
        let outcome = call(world, id).map_err(|error| world.failed(name, number, error));
        deliver::loop_back(world);
        if !world.discarded.is_empty() {
            life::close_discarded(world);
        }
        outcome
    }

    /// A call as above that does something if it succeeds, rather than look.
    fn act<T>(
        &mut self,
        io: Io,
        name: &'static str,
        call: impl FnOnce(&mut World, SocketId) -> io::Result<T>,
    ) -> io::Result<T> {
        let outcome = self.call(io, name, call);
        self.world.stirred |= outcome.is_ok();
        outcome
    }

    /// When a round in which all merely yielded is over.
    fn round_until_ns(&mut self, until_ns: Option<u64>) -> u64 {
        let clock = &self.world.clock;
        // A loop that reads a clock waits for a time, which comes.
        let is_hopeless = !self.reads.take_any()
            && until_ns.is_none()
            && !clock.has_foreground()
            && !connection::watches_a_peer(&self.world);
        let round_ns = clock.now_ns() + self.scheduler.round_lasts_ns(is_hopeless);
        until_ns.map_or(round_ns, |until_ns| until_ns.min(round_ns))
    }
}

impl Hub for SimHub {
    fn now(&self) -> Tick {
        Tick::from_ns(self.reads.now_ns(&self.world))
    }
    fn clock(&self) -> Instant {
        Instant::from_reading(Duration::from_nanos(self.reads.read_ns(&self.world)))
    }
    fn wall_clock(&self) -> SystemTime {
        calendar(self.reads.read_ns(&self.world))
    }
    fn due(&self, at: Instant) -> Tick {
        Tick::from_ns(u64::try_from(at.reading().as_nanos()).unwrap_or(u64::MAX))
    }

    fn poll(&mut self, until: Option<Tick>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.world.set_current(None);
        if self.world.seal.is_some() {
            ready.push(Ready::Stop);
            return Ok(());
        }
        let advances = std::mem::take(&mut self.advances);
        let until_ns = until.map(Tick::as_ns);
        let until_ns = if advances { Some(self.round_until_ns(until_ns)) } else { until_ns };
        self.out_of_time |= events::pass(&mut self.world, until_ns, advances, self.time_limit_ns);
        if self.out_of_time {
            ready.push(Ready::Stop);
        }
        if self.disturbed.is_so() {
            ready.push(Ready::Mail);
        }
        ready.append(&mut self.world.ready);
        Ok(())
    }
    fn waker(&self) -> Waker {
        self.disturbed.clone().into()
    }

    fn spawned(&mut self, greenlet: GreenletId, birth: &Birth<'_>) {
        self.scheduler.born();
        self.world.greenlet_spawned(greenlet, birth);
    }
    fn entered(&mut self, greenlet: GreenletId) {
        self.reads.begin();
        if let Some(beat) = &self.beat {
            beat.turn();
        }
        self.world.greenlet_entered(greenlet);
    }
    fn exited(&mut self, greenlet: GreenletId) {
        self.world.greenlet_exited(greenlet);
    }
    #[inline]
    fn turn(&mut self, runnable: &Runnable<'_>) -> Turn {
        let world = &mut self.world;
        if world.seal.is_some() {
            return Turn::Stop;
        }
        let context = Context {
            now_ns: world.clock.now_ns(),
            is_ahead: runnable.point == SwitchPoint::Completed && loopback::is_ahead(world),
            stirred: std::mem::take(&mut world.stirred),
            greenlets: &mut world.greenlets,
            hosts: &world.hosts,
            choices: &mut world.choices,
        };
        let turn = self.scheduler.turn(runnable, context);
        if let Turn::Run(picked) = turn {
            world.turn_goes_to(runnable, picked);
        }
        self.advances = turn == Turn::Advance;
        turn
    }
    fn socket(&mut self, domain: Domain, kind: Kind) -> io::Result<Io> {
        life::make_socket(&mut self.world, domain, kind)
    }
    fn pair(&mut self, domain: Domain, kind: Kind) -> io::Result<(Io, Io)> {
        self.world.check_descriptors(2)?;
        match domain {
            Domain::Unix => unix::pair(&mut self.world, kind),
            Domain::V4 | Domain::V6 => Err(errno(libc::EOPNOTSUPP)),
        }
    }
    fn pipe(&mut self) -> io::Result<(Io, Io)> {
        self.world.check_descriptors(2)?;
        pipe::make(&mut self.world)
    }
    fn bind(&mut self, io: Io, local: &Address) -> io::Result<()> {
        self.act(io, "bind", |world, id| match world.proto(id)? {
            Proto::Unix(_) => unix::bind(world, id, local.unix()?),
            _ => ports::bind(world, id, local),
        })
    }
    fn listen(&mut self, io: Io, backlog: u32) -> io::Result<()> {
        /// Linux's `net.core.somaxconn`.
        const SOMAXCONN: u32 = 4096;
        let backlog = backlog.min(SOMAXCONN);
        self.act(io, "listen", |world, id| match world.proto(id)? {
            Proto::Unix(_) => unix::listen(world, id, backlog),
            _ => listener::listen(world, id, backlog),
        })
    }
    fn connect(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        self.act(io, "connect", |world, id| match world.proto(id)? {
            Proto::Unix(_) => unix::connect(world, io, id, peer.unix()?),
            Proto::Udp(_) => udp::connect(world, id, peer),
            _ => stream::connect(world, id, peer),
        })
    }
    fn connecting(&mut self, io: Io, _: &Address) -> io::Result<()> {
        self.call(io, "connect", |world, _| stream::connecting(world, io))
    }
    fn accept(&mut self, io: Io) -> io::Result<(Io, Address)> {
        self.call(io, "accept", |world, id| match world.proto(id)? {
            // Before anything is looked at, as on Linux; what waits goes on to wait (linux-truth 47).
            _ if world.check_descriptors(1).is_err() => Err(errno(libc::EMFILE)),
            Proto::Unix(_) => unix::accept(world, io, id),
            _ => {
                let (io, peer) = listener::accept(world, io)?;
                Ok((io, address::shown(world, id, peer).into()))
            }
        })
    }
    fn shutdown(&mut self, io: Io, how: Shutdown) -> io::Result<()> {
        self.act(io, "shutdown", |world, id| life::shutdown(world, id, how))
    }
    fn disconnect(&mut self, io: Io) -> io::Result<()> {
        self.act(io, "disconnect", net::disconnect::disconnect)
    }
    fn close(&mut self, io: Io) {
        let world = &mut self.world;
        let Some(id) = world.remove_descriptor(io) else { return };
        let socket = &world.sockets[id];
        if socket.number != NO_SOCKET {
            let closed = Call::Close { socket: socket.number };
            world.record(Actor::Running, closed);
        }
        life::close_if_last(world, id);
    }
    fn dup(&mut self, io: Io) -> io::Result<Io> {
        let id = self.world.socket_of(io)?;
        self.world.check_descriptors(1)?;
        Ok(self.world.add_descriptor(id))
    }
    fn recv(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<usize> {
        self.call(io, "read", |world, id| match &world.sockets[id].proto {
            Proto::Udp(_) => udp::recv(world, io, id, buf, take).map(|taken| taken.length),
            Proto::Unix(_) => unix::recv(world, io, id, buf, take).map(|(n, _)| n),
            Proto::Pipe(_) => pipe::read(world, io, id, buf, take),
            Proto::Signal(_) => net::signal::take(world, io, id, take),
            _ => stream::recv(world, io, id, buf, take),
        })
    }
    fn send(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.act(io, "write", |world, id| match &world.sockets[id].proto {
            Proto::Udp(_) => udp::send(world, io, id, buf, &Letting::default()),
            Proto::Unix(_) => unix::send(world, io, id, buf, None, &[]),
            Proto::Pipe(_) => pipe::write(world, io, id, buf),
            _ => stream::send(world, io, id, buf),
        })
    }
    fn recv_vectored(
        &mut self,
        io: Io,
        bufs: &mut [IoSliceMut<'_>],
        take: Take,
    ) -> io::Result<usize> {
        let most = datagram::check_pieces(&self.world, io, bufs.len())?;
        let bufs = &mut bufs[..most];
        let mut gathered = vec![0; bufs.iter().map(|buf| buf.len()).sum()];
        let length = self.recv(io, &mut gathered, take)?;
        scatter(&gathered[..length], bufs);
        Ok(length)
    }
    fn send_vectored(&mut self, io: Io, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let most = datagram::check_pieces(&self.world, io, bufs.len())?;
        self.send(io, &gather(&bufs[..most]))
    }
    fn recv_from(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<(usize, Address)> {
        self.call(io, "recv_from", |world, id| match world.proto(id)? {
            Proto::Unix(_) => unix::recv(world, io, id, buf, take),
            Proto::Udp(_) => {
                let taken = udp::recv(world, io, id, buf, take)?;
                Ok((taken.length, address::shown(world, id, taken.from).into()))
            }
            // Who a stream comes from is known: the system names nobody (linux-truth 61).
            _ => stream::recv(world, io, id, buf, take).map(|n| (n, Address::unnamed())),
        })
    }
    fn send_to(&mut self, io: Io, buf: &[u8], peer: &Address) -> io::Result<usize> {
        self.act(io, "send_to", |world, id| match world.proto(id)? {
            Proto::Unix(_) => unix::send(world, io, id, buf, Some(peer), &[]),
            Proto::Udp(_) => {
                udp::send(world, io, id, buf, &Letting { to: Some(peer), ..Letting::default() })
            }
            // A stream goes where it goes (61).
            _ => stream::send(world, io, id, buf),
        })
    }
    fn send_message(&mut self, io: Io, message: &Message<'_>) -> io::Result<usize> {
        self.act(io, "sendmsg", |world, id| message::send(world, io, id, message))
    }
    fn recv_message(
        &mut self,
        io: Io,
        bufs: &mut [IoSliceMut<'_>],
        ask: Ask,
    ) -> io::Result<Received> {
        self.call(io, "recvmsg", |world, id| message::recv(world, io, id, bufs, ask))
    }
    fn recv_urgent(&mut self, io: Io, buf: &mut [u8]) -> io::Result<usize> {
        self.call(io, "read urgent", |world, id| urgent::recv(world, io, id, buf))
    }
    fn send_urgent(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.act(io, "write urgent", |world, id| urgent::send(world, io, id, buf))
    }
    fn readiness(&mut self, io: Io, interest: Readiness) -> io::Result<Readiness> {
        let id = self.world.socket_of(io)?;
        let ready = readiness::of(&self.world, id).and(interest);
        if ready.is_none() {
            self.world.want(io, interest);
        }
        Ok(ready)
    }
    fn local_addr(&mut self, io: Io) -> io::Result<Address> {
        let id = self.world.socket_of(io)?;
        Ok(match self.world.proto(id)? {
            Proto::Unix(_) => unix::name(&self.world, id),
            _ => address::shown_local(&self.world, id).into(),
        })
    }
    fn label(&self, io: Io) -> Option<String> {
        let id = self.world.socket_of(io).ok()?;
        Some(self.world.paths.text(self.world.sockets[id].entity.path))
    }
    fn peer_addr(&mut self, io: Io) -> io::Result<Address> {
        let id = self.world.socket_of(io)?;
        match self.world.proto(id)? {
            Proto::Unix(_) => unix::peer(&self.world, id),
            _ => {
                let peer = address::peer(&self.world, id)?;
                Ok(address::shown(&self.world, id, peer).into())
            }
        }
    }
    fn queued(&mut self, io: Io) -> io::Result<Queued> {
        let id = self.world.socket_of(io)?;
        facts::queued(&self.world, id)
    }
    fn tcp_info(&mut self, io: Io) -> io::Result<TcpInfo> {
        let id = self.world.socket_of(io)?;
        facts::tcp_info(&self.world, id)
    }
    fn option(&mut self, io: Io, option: Opt) -> io::Result<u32> {
        let id = self.world.socket_of(io)?;
        options::get(&self.world, id, option)
    }
    fn set_option(&mut self, io: Io, option: Opt, value: u32) -> io::Result<()> {
        let id = self.world.socket_of(io)?;
        let outcome = options::set(&mut self.world, id, option, value);
        deliver::loop_back(&mut self.world);
        outcome
    }
    fn name_option(&mut self, io: Io, option: NameOpt) -> io::Result<Vec<u8>> {
        let id = self.world.socket_of(io)?;
        options::get_name(&self.world, id, option)
    }
    fn set_name_option(&mut self, io: Io, option: NameOpt, name: &[u8]) -> io::Result<()> {
        let id = self.world.socket_of(io)?;
        options::set_name(&mut self.world, id, option, name)
    }
    fn join(&mut self, io: Io, group: Group) -> io::Result<()> {
        self.act(io, "join", |world, id| groups::join(world, id, group))
    }
    fn leave(&mut self, io: Io, group: Group) -> io::Result<()> {
        self.act(io, "leave", |world, id| groups::leave(world, id, group))
    }
    fn take_error(&mut self, io: Io) -> io::Result<Option<io::Error>> {
        let id = self.world.socket_of(io)?;
        Ok(match &mut self.world.sockets[id].proto {
            Proto::Stream(connection) => connection.take_error(),
            Proto::Udp(mailbox) => mailbox.take_error(),
            Proto::Unix(socket) => socket.take_error(),
            Proto::Pipe(_) => return Err(errno(libc::ENOTSOCK)),
            _ => self.world.sockets[id].left_error.take(),
        })
    }

    fn cloexec(&mut self, io: Io) -> io::Result<bool> {
        self.world.closes_on_exec(io).copied()
    }
    fn set_cloexec(&mut self, io: Io, on: bool) -> io::Result<()> {
        self.world.closes_on_exec(io).map(|flag| *flag = on)
    }

    fn resolve(&mut self, query: &Query<'_>) -> io::Result<Io> {
        names::ask(&mut self.world, query.host)
    }
    fn resolved(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        names::take_answer(&mut self.world, io)
            .map_err(|error| self.world.failed("resolve", 0, error))
    }
    fn reverse(&mut self, address: IpAddr) -> Option<String> {
        names::name_of(&self.world, address)
    }
    fn offload(&mut self, job: Job) -> io::Result<(Io, Option<Job>)> {
        Ok((job::begin(&mut self.world)?, Some(job)))
    }
    fn offloaded(&mut self, io: Io) -> io::Result<()> {
        job::end(&mut self.world, io)
    }
    fn file(&mut self, call: FileCall) -> io::Result<Io> {
        file::begin(&mut self.world, call)
    }
    fn file_done(&mut self, io: Io) -> io::Result<FileAnswer> {
        file::end(&mut self.world, io)
    }
    fn signal(&mut self, kind: signal::Kind) -> io::Result<Io> {
        net::signal::listen(&mut self.world, kind)
    }
    fn entropy(&mut self, bytes: &mut [u8]) {
        let world = &mut self.world;
        match world.current() {
            Some(slot) => world.choices.entropy(&mut world.greenlets[slot].entity, bytes),
            None => bytes.fill(0),
        }
    }
    fn choose(&mut self, label: &str, arity: u32) -> u32 {
        self.world.choose_for(label, arity)
    }
    fn preempts(&self) -> bool {
        self.world.weather.preempts_sync
    }
    fn takes_notes(&self) -> bool {
        true
    }
    fn note(&mut self, event: &Note<'_>) {
        self.world.take_note(event);
    }
}
