//! The virtual world as a hub: each method one hop to where the thing is done.

use std::io;
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use greenroom::hub::{
    Address, Birth, Domain, GreenletId, Group, Hub, Interest, Io, Job, Kind, NameOpt, Note, On,
    Opt, Query, Ready, Runnable, Take, Tick, Turn, WokeBy,
};
use greenroom::signal;
use greenroom::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::choices::{self, Entity, Ns};
use crate::clock::Event;
use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::socket::mailbox::Mailbox;
use crate::socket::{NO_SOCKET, Proto};
use crate::trace::event::{Call, Program, Schedule, WaitEnd, What};
use crate::world::journal::Actor;
use crate::world::{Greenlet, World};

/// 2020-01-01 00:00:00 UTC: where every host's calendar begins.
const CALENDAR_START: Duration = Duration::from_secs(1_577_836_800);

/// The simulator's side of the waist.
pub(crate) struct SimHub {
    pub(crate) world: World,
    /// Set by threads that have no business in a simulation.
    pub(crate) disturbed: Arc<Disturbed>,
    time_limit_ns: u64,
    pub(crate) out_of_time: bool,
    /// The last turn was to let time move although some could run.
    advances: bool,
}

/// Whether a thread from outside has touched the run, which then is not determined by its seed.
#[derive(Default)]
pub(crate) struct Disturbed(pub(crate) AtomicBool);

impl Wake for Disturbed {
    fn wake(self: Arc<Disturbed>) {
        self.0.store(true, Ordering::Release);
    }
}

impl SimHub {
    pub(crate) fn new(world: World, time_limit: Duration) -> SimHub {
        let time_limit_ns = u64::try_from(time_limit.as_nanos()).unwrap_or(u64::MAX);
        SimHub {
            world,
            disturbed: Arc::default(),
            time_limit_ns,
            out_of_time: false,
            advances: false,
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
        let index = world.socket_of(io)?;
        let number = world.sockets[index].number;
        let outcome = call(world, index).map_err(|error| world.failed(name, number, error));
        world.loop_back();
        outcome
    }

    /// Lets the next event happen; answers whether time has caught up with a host by it.
    fn happen(&mut self) -> bool {
        let world = &mut self.world;
        let Some((at_ns, event)) = world.clock.pop() else { return false };
        let is_loopback = matches!(event, Event::Loopback(host) if world.hosts[host].is_up);
        match event {
            Event::Timer { socket, generation } => {
                let entry = &mut world.sockets[socket];
                if !entry.live || entry.generation != generation || entry.timer_ns != Some(at_ns) {
                    return false;
                }
                entry.timer_ns = None;
                let Proto::Stream(connection) = &entry.proto else { return false };
                if connection.poll_timeout().is_none_or(|due_ns| due_ns > at_ns) {
                    // It was put off meanwhile: look again when it may be due.
                    world.mark_dirty(socket);
                    return false;
                }
                world.clock.advance_to(at_ns);
                world.timer_due(socket);
            }
            Event::Answer { socket, generation } => {
                world.clock.advance_to(at_ns);
                world.answer_arrives(socket, generation);
            }
            Event::Loopback(host) => {
                world.clock.advance_to(at_ns);
                world.loopback_due(host);
            }
            Event::Packet(packet) => {
                world.clock.advance_to(at_ns);
                world.packet_arrives(packet);
            }
            Event::Start(host) => {
                world.clock.advance_to(at_ns);
                world.start_host(host);
            }
            Event::Job { socket, generation } => {
                world.clock.advance_to(at_ns);
                world.job_comes_due(socket, generation);
            }
            Event::Signal(host, kind) => {
                world.clock.advance_to(at_ns);
                world.signal_comes(host, kind);
            }
            Event::PowerCut(host) => {
                world.clock.advance_to(at_ns);
                world.cut_power(host);
            }
        }
        is_loopback
    }
}

impl Hub for SimHub {
    fn now(&self) -> Tick {
        Tick::from_ns(self.world.clock.now_ns())
    }
    fn clock(&self) -> Instant {
        Instant::from_reading(Duration::from_nanos(self.world.clock.now_ns()))
    }
    fn wall_clock(&self) -> SystemTime {
        let since = CALENDAR_START + Duration::from_nanos(self.world.clock.now_ns());
        UNIX_EPOCH.checked_add(since).expect("a run is shorter than the calendar")
    }
    fn due(&self, at: Instant) -> Tick {
        Tick::from_ns(u64::try_from(at.reading().as_nanos()).unwrap_or(u64::MAX))
    }

    fn poll(&mut self, until: Option<Tick>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.world.current = None;
        let until_ns = until.map(Tick::as_ns);
        let mut caught_up = false;
        loop {
            self.world.flush();
            // Events that name nobody may go on for ever.
            let is_late = self.world.clock.now_ns() > self.time_limit_ns;
            if !self.world.named.is_empty() || (caught_up && self.advances) || is_late {
                break;
            }
            let next_ns = self.world.clock.next_at_ns();
            match (next_ns, until_ns) {
                (None, None) => break,
                (Some(_), None)
                    if !self.world.clock.has_foreground() && !self.world.watches_a_peer() =>
                {
                    break;
                }
                (next, Some(until)) if next.is_none_or(|next| next > until) => {
                    self.world.clock.advance_to(until.max(self.world.clock.now_ns()));
                    break;
                }
                _ => {}
            }
            // All of one instant together, so that its order is the scheduler's to choose.
            caught_up |= self.happen();
            while self.world.clock.next_at_ns() == Some(self.world.clock.now_ns()) {
                caught_up |= self.happen();
            }
        }
        if self.world.clock.now_ns() > self.time_limit_ns {
            self.out_of_time = true;
            ready.push(Ready::Stop);
        }
        if self.disturbed.0.load(Ordering::Acquire) {
            ready.push(Ready::Mail);
        }
        ready.append(&mut self.world.named);
        Ok(())
    }
    fn waker(&self) -> Waker {
        self.disturbed.clone().into()
    }

    fn spawned(&mut self, greenlet: GreenletId, birth: &Birth<'_>) {
        let world = &mut self.world;
        let host = HostId::from(birth.host);
        let above = birth.parent.map(|parent| world.greenlets[parent.into()].entity.path);
        let path = match above {
            Some(above) => world.paths.child(Some(above), birth.label, birth.ordinal),
            // A root is its host.
            None => world.hosts[host].entity.path,
        };
        let entry = Greenlet {
            id: greenlet,
            live: true,
            host,
            entity: Entity::new(path, world.paths.hash(path)),
            sockets_made: 0,
        };
        world.hosts[host].greenlets += 1;
        world.greenlets.put(greenlet.into(), entry);
        if birth.parent.is_some() {
            let child = world.path_ref(path);
            world.record(Actor::Running, Program::Spawn { child });
        } else {
            world.record(Actor::Host(host), Program::Start);
        }
    }
    fn entered(&mut self, greenlet: GreenletId) {
        self.world.current = Some(greenlet.into());
        self.world.last_step_ns = self.world.clock.now_ns();
        self.world.record(Actor::Running, Schedule::Run);
    }
    fn exited(&mut self, greenlet: GreenletId) {
        self.world.record(Actor::Running, Program::Exit);
        let gone = &mut self.world.greenlets[greenlet.into()];
        gone.live = false;
        self.world.hosts[gone.host].greenlets -= 1;
        self.world.current = None;
    }
    #[inline]
    fn turn(&mut self, runnable: &Runnable<'_>) -> Turn {
        let turn = self.world.take_turn(runnable);
        self.advances = turn == Turn::Advance;
        turn
    }

    fn socket(&mut self, domain: Domain, kind: Kind) -> io::Result<Io> {
        let world = &mut self.world;
        let (label, proto) = match (domain, kind) {
            (Domain::Unix, _) => {
                world.check_descriptors(1)?;
                return Ok(world.make_unix(kind));
            }
            (_, Kind::Stream) => (".tcp", Proto::Fresh),
            (_, Kind::Datagram) => (".udp", Proto::Udp(Mailbox::default())),
            (_, Kind::SeqPacket) => return Err(errno(libc::ESOCKTNOSUPPORT)),
        };
        world.check_descriptors(1)?;
        let (host, path) = (world.host_here(), world.path_for_socket(label));
        let index = world.add_socket(host, path, proto);
        world.sockets[index].domain = domain;
        Ok(world.add_descriptor(index))
    }
    fn pair(&mut self, domain: Domain, kind: Kind) -> io::Result<(Io, Io)> {
        self.world.check_descriptors(2)?;
        match domain {
            Domain::Unix => self.world.pair_of_unix(kind),
            Domain::V4 | Domain::V6 => Err(errno(libc::EOPNOTSUPP)),
        }
    }
    fn pipe(&mut self) -> io::Result<(Io, Io)> {
        self.world.check_descriptors(2)?;
        self.world.make_pipe()
    }
    fn bind(&mut self, io: Io, local: &Address) -> io::Result<()> {
        self.call(io, "bind", |world, index| match world.proto(index)? {
            Proto::Unix(_) => world.bind_unix(index, local.unix()?),
            _ => world.bind_inet(index, local),
        })
    }
    fn listen(&mut self, io: Io, backlog: u32) -> io::Result<()> {
        /// Linux's `net.core.somaxconn`.
        const SOMAXCONN: u32 = 4096;
        let backlog = backlog.min(SOMAXCONN);
        self.call(io, "listen", |world, index| match world.proto(index)? {
            Proto::Unix(_) => world.listen_unix(index, backlog),
            _ => world.listen_on(index, backlog),
        })
    }
    fn connect(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        self.call(io, "connect", |world, index| match world.proto(index)? {
            Proto::Unix(_) => world.connect_unix(io, index, peer.unix()?),
            Proto::Udp(_) => world.connect_datagram(index, peer),
            _ => world.connect_stream(io, peer),
        })
    }
    fn accept(&mut self, io: Io) -> io::Result<(Io, Address)> {
        self.call(io, "accept", |world, index| match world.proto(index)? {
            // Before anything is looked at, as on Linux; what waits goes on to wait (linux-truth 47).
            _ if world.check_descriptors(1).is_err() => Err(errno(libc::EMFILE)),
            Proto::Unix(_) => world.accept_unix(io, index),
            _ => {
                let (io, peer) = world.accept_from(io)?;
                Ok((io, world.shown(index, peer).into()))
            }
        })
    }
    fn shutdown(&mut self, io: Io, how: Shutdown) -> io::Result<()> {
        self.call(io, "shutdown", |world, index| world.shutdown_socket(index, how))
    }
    fn close(&mut self, io: Io) {
        let world = &mut self.world;
        let Some(index) = world.remove_descriptor(io) else { return };
        let socket = &world.sockets[index];
        if socket.number != NO_SOCKET {
            let closed = Call::Close { socket: socket.number };
            world.record(Actor::Running, closed);
        }
        world.close_if_last(index);
    }
    fn dup(&mut self, io: Io) -> io::Result<Io> {
        let index = self.world.socket_of(io)?;
        self.world.check_descriptors(1)?;
        Ok(self.world.add_descriptor(index))
    }
    fn recv(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<usize> {
        self.call(io, "read", |world, index| match &world.sockets[index].proto {
            Proto::Udp(_) => world.recv_datagram(io, index, buf, take).map(|(n, _)| n),
            Proto::Unix(_) => world.recv_unix(io, index, buf, take).map(|(n, _)| n),
            Proto::Pipe(_) => world.read_pipe(io, index, buf, take),
            Proto::Signal(_) => world.hear(io, index, take),
            _ => world.recv_stream(io, index, buf, take),
        })
    }
    fn send(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.call(io, "write", |world, index| match &world.sockets[index].proto {
            Proto::Udp(_) => world.send_datagram(index, buf, None),
            Proto::Unix(_) => world.send_unix(io, index, buf, None),
            Proto::Pipe(_) => world.write_pipe(io, index, buf),
            _ => world.send_stream(io, index, buf),
        })
    }
    fn recv_from(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<(usize, Address)> {
        self.call(io, "recv_from", |world, index| match world.proto(index)? {
            Proto::Unix(_) => world.recv_unix(io, index, buf, take),
            Proto::Udp(_) => {
                let (n, from) = world.recv_datagram(io, index, buf, take)?;
                Ok((n, world.shown(index, from).into()))
            }
            // Who a stream comes from is known: the system names nobody (linux-truth 61).
            _ => world.recv_stream(io, index, buf, take).map(|n| (n, Address::unnamed())),
        })
    }
    fn send_to(&mut self, io: Io, buf: &[u8], peer: &Address) -> io::Result<usize> {
        self.call(io, "send_to", |world, index| match world.proto(index)? {
            Proto::Unix(_) => world.send_unix(io, index, buf, Some(peer)),
            Proto::Udp(_) => world.send_datagram(index, buf, Some(peer)),
            // A stream goes where it goes (61).
            _ => world.send_stream(io, index, buf),
        })
    }
    fn recv_urgent(&mut self, io: Io, buf: &mut [u8]) -> io::Result<usize> {
        self.call(io, "read urgent", |world, index| world.recv_urgent(io, index, buf))
    }
    fn send_urgent(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.call(io, "write urgent", |world, index| world.send_urgent(io, index, buf))
    }
    fn readiness(&mut self, io: Io, interest: Interest) -> io::Result<Interest> {
        let index = self.world.socket_of(io)?;
        let ready = self.world.readiness_of(index).and(interest);
        if ready.is_none() {
            self.world.want(io, interest);
        } else {
            self.world.scheduler.told_ready();
        }
        Ok(ready)
    }
    fn local_addr(&mut self, io: Io) -> io::Result<Address> {
        let index = self.world.socket_of(io)?;
        Ok(match self.world.proto(index)? {
            Proto::Unix(_) => self.world.unix_name(index),
            _ => self.world.shown_local(index).into(),
        })
    }
    fn peer_addr(&mut self, io: Io) -> io::Result<Address> {
        let index = self.world.socket_of(io)?;
        match self.world.proto(index)? {
            Proto::Unix(_) => self.world.unix_peer(index),
            _ => {
                let peer = self.world.peer_of(index)?;
                Ok(self.world.shown(index, peer).into())
            }
        }
    }
    fn option(&mut self, io: Io, option: Opt) -> io::Result<u32> {
        let index = self.world.socket_of(io)?;
        self.world.get_option(index, option)
    }
    fn set_option(&mut self, io: Io, option: Opt, value: u32) -> io::Result<()> {
        let index = self.world.socket_of(io)?;
        let outcome = self.world.put_option(index, option, value);
        self.world.loop_back();
        outcome
    }
    fn name_option(&mut self, io: Io, option: NameOpt) -> io::Result<Vec<u8>> {
        let index = self.world.socket_of(io)?;
        self.world.get_name_option(index, option)
    }
    fn set_name_option(&mut self, io: Io, option: NameOpt, name: &[u8]) -> io::Result<()> {
        let index = self.world.socket_of(io)?;
        self.world.put_name_option(index, option, name)
    }
    fn join(&mut self, io: Io, group: Group) -> io::Result<()> {
        self.call(io, "join", |world, index| world.join_group(index, group))
    }
    fn leave(&mut self, io: Io, group: Group) -> io::Result<()> {
        self.call(io, "leave", |world, index| world.leave_group(index, group))
    }
    fn take_error(&mut self, io: Io) -> io::Result<Option<io::Error>> {
        let index = self.world.socket_of(io)?;
        Ok(match &mut self.world.sockets[index].proto {
            Proto::Stream(connection) => connection.take_error(),
            Proto::Udp(mailbox) => mailbox.take_error(),
            Proto::Unix(socket) => socket.take_error(),
            Proto::Pipe(_) => return Err(errno(libc::ENOTSOCK)),
            _ => self.world.sockets[index].left_error.take(),
        })
    }

    fn resolve(&mut self, query: &Query<'_>) -> io::Result<Io> {
        self.world.ask(query.host)
    }
    fn resolved(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        self.world.take_answer(io).map_err(|error| self.world.failed("resolve", 0, error))
    }
    fn reverse(&mut self, address: IpAddr) -> Option<String> {
        self.world.name_of(address)
    }
    fn offload(&mut self, job: Job) -> io::Result<(Io, Option<Job>)> {
        Ok((self.world.begin_job()?, Some(job)))
    }
    fn offloaded(&mut self, io: Io) -> io::Result<()> {
        self.world.end_job(io)
    }
    fn signal(&mut self, kind: signal::Kind) -> io::Result<Io> {
        self.world.listen_for(kind)
    }
    fn entropy(&mut self, bytes: &mut [u8]) {
        let world = &mut self.world;
        match world.current {
            Some(slot) => world.choices.entropy(&mut world.greenlets[slot].entity, bytes),
            None => bytes.fill(0),
        }
    }
    fn choose(&mut self, label: &str, arity: u32) -> u32 {
        self.world.choose_for(label, arity)
    }
    fn takes_notes(&self) -> bool {
        true
    }
    fn note(&mut self, event: &Note<'_>) {
        self.world.take_note(event);
    }
}

impl World {
    /// Whether whoever runs may have so many descriptors more.
    fn check_descriptors(&self, more: u32) -> io::Result<()> {
        self.hosts[self.host_here()].check_descriptors(more)
    }

    /// What a socket is; `ENOTSOCK` where it is none.
    fn proto(&self, index: SocketId) -> io::Result<&Proto> {
        match &self.sockets[index].proto {
            Proto::Pipe(_) | Proto::Query(_) | Proto::Job(_) | Proto::Signal(_) => {
                Err(errno(libc::ENOTSOCK))
            }
            proto => Ok(proto),
        }
    }

    /// A choice of the program's own: a site of its own below the greenlet's.
    fn choose_for(&mut self, label: &str, arity: u32) -> u32 {
        let Some(slot) = self.current else { return 0 };
        let (above, own) = (self.greenlets[slot].entity.path, self.greenlets[slot].entity.hash);
        let key = choices::mix(own, choices::hash_bytes(label.as_bytes()));
        let paths = &mut self.paths;
        let entity = self.user_choices.entry(key).or_insert_with(|| {
            let path = paths.child(Some(above), &format!(":{label}"), 1);
            Entity::new(path, paths.hash(path))
        });
        let sample = |draw: &mut choices::Draw| draw.below(arity.into());
        let value = self.choices.pick(entity, choices::Kind::User, sample);
        let value = value.min(u64::from(arity) - 1);
        let label = self.trace.text(label);
        self.record(Actor::Running, Program::Chose { label, value });
        value as u32
    }

    fn take_note(&mut self, note: &Note<'_>) {
        match *note {
            Note::Parked(wait) => {
                let socket = self.number_of(wait.on);
                self.record(Actor::Running, Schedule::Park { call: wait.op, socket });
            }
            Note::Woke(wait, by, waited) => {
                let (socket, waited) = (self.number_of(wait.on), Ns(waited.as_nanos() as u64));
                let end = match by {
                    WokeBy::Event => WaitEnd::Event,
                    WokeBy::Timeout if wait.op == "sleep" => WaitEnd::Slept,
                    WokeBy::Timeout => WaitEnd::TimedOut,
                    WokeBy::Cancel => WaitEnd::Cancelled,
                    WokeBy::Kill => WaitEnd::Killed,
                    WokeBy::Close => WaitEnd::Closed,
                };
                let woke = Schedule::Wake { end, call: wait.op, socket, waited };
                self.record(Actor::Running, woke);
            }
            Note::Struck(victim, how) => {
                let greenlet = self.path_ref(self.greenlets[victim.into()].entity.path);
                self.record(Actor::Running, Program::Interrupted { how, greenlet });
            }
            Note::Ended(_, None) => {}
            Note::Ended(_, Some(_)) => self.record(Actor::Running, Program::Panic),
            Note::Always(_, true) => {}
            Note::Always(name, false) => {
                if !self.violations.iter().any(|known| known == name) {
                    let violated = What::Violation { name: self.trace.text(name) };
                    self.record(Actor::Running, violated);
                    self.violations.push(name.to_owned());
                }
            }
            Note::Sometimes(name, holds) => {
                match self.sometimes.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, held)) => *held |= holds,
                    None => self.sometimes.push((name, holds)),
                }
            }
            Note::Text(text) => {
                let text = self.trace.text(text);
                self.record(Actor::Running, Program::Note { text });
            }
            _ => {}
        }
    }

    fn number_of(&self, on: On) -> u32 {
        let On::Io(io, _) = on else { return 0 };
        let number = self.socket_of(io).map_or(0, |index| self.sockets[index].number);
        if number == NO_SOCKET { 0 } else { number }
    }
}
