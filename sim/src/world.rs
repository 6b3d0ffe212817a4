//! The virtual world: hosts, sockets, packets under way, and the greenlets that stand on hosts.
//!
//! It holds the state; `net` moves packets, `net/*` are the system calls, `scheduler` says who runs,
//! `hub` is the door the driver comes through.

pub(crate) mod table;
pub(crate) mod weak;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use greenroom::driver::Role;
use greenroom::hub::{Domain, GreenletId, How, Interest, Io, Ready};
use greenroom::scenario::HostSpec;

use crate::choices::{self, Choices, Entity, Fixed};
use crate::clock::{Clock, Event};
use crate::host::Host;
use crate::id::{DescriptorId, GreenletIndex, HostId, Id, PacketId, SocketId};
use crate::net::Dirty;
use crate::net::job::Work;
use crate::net::link::Pair;
use crate::net::loopback::UnderWay;
use crate::net::names::Query;
use crate::net::options::Options;
use crate::net::pipe::PipeEnd;
use crate::net::ports::transport_of;
use crate::net::signal::Ear;
use crate::net::udp::Mailbox;
use crate::net::unix::UnixSocket;
use crate::path::Paths;
use crate::scheduler::Scheduler;
use crate::tcp::{Connection, Listener};
use crate::trace::{self, NOBODY, Op, Recorder};
use crate::weather::{Fired, Weather};
use table::{Slots, Table};
use weak::Weak;

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) choices: Choices,
    pub(crate) paths: Paths,
    pub(crate) weather: Weather,
    pub(crate) trace: Recorder,
    pub(crate) scheduler: Scheduler,
    pub(crate) hosts: Table<HostId, Host>,
    pub(crate) greenlets: Table<GreenletIndex, Greenlet>,
    pub(crate) current: Option<GreenletIndex>,
    /// When a greenlet last ran: what the world does by itself since then is its own affair.
    pub(crate) last_step_ns: u64,
    pub(crate) descriptors: Slots<DescriptorId, Descriptor>,
    pub(crate) sockets: Table<SocketId, Socket>,
    free_sockets: Vec<SocketId>,
    pub(crate) packets: Slots<PacketId, crate::net::Packet>,
    pub(crate) buffers: Vec<Vec<u8>>,
    pub(crate) flows: HashMap<crate::net::Flow, SocketId, Fixed>,
    /// Who waits to write on hosts whose memory is limited.
    pub(crate) memory_waiters: Vec<Weak>,
    /// Who ever joined a multicast group; those that are gone go before the list grows.
    pub(crate) members: Vec<Weak>,
    pub(crate) pairs: HashMap<(HostId, HostId), Pair, Fixed>,
    /// Sockets that may have something to send to other hosts.
    pub(crate) dirty: Vec<SocketId>,
    pub(crate) under_way: UnderWay,
    pub(crate) named: Vec<Ready>,
    pub(crate) fired: Fired,
    pub(crate) violations: Vec<String>,
    pub(crate) sometimes: Vec<(&'static str, bool)>,
    pub(crate) user_choices: HashMap<u64, Entity, Fixed>,
}

/// A greenlet as the world knows it.
pub(crate) struct Greenlet {
    pub(crate) id: GreenletId,
    pub(crate) live: bool,
    pub(crate) host: HostId,
    pub(crate) entity: Entity,
    pub(crate) sockets_made: u32,
}

/// One number of a socket, and whether a call on it was told to wait.
pub(crate) struct Descriptor {
    pub(crate) io: Io,
    pub(crate) socket: SocketId,
    pub(crate) wanted: Interest,
}

/// The number of a query, which is no socket and takes none, nor a descriptor of the program's.
pub(crate) const NO_SOCKET: u32 = u32::MAX;

pub(crate) struct Socket {
    /// Told apart from what stood in this slot before.
    pub(crate) generation: u32,
    pub(crate) live: bool,
    pub(crate) host: HostId,
    /// What the host's traces call it; 0 before anybody has it.
    pub(crate) number: u32,
    pub(crate) entity: Entity,
    pub(crate) descriptors: Vec<DescriptorId>,
    /// Its family, of those of the internet: one of IPv6 may hold addresses of IPv4.
    pub(crate) domain: Domain,
    /// What it says its address is, which stays when the port was given up.
    pub(crate) local: Option<SocketAddr>,
    /// It holds the port of that address, as whoever bound it or connected does.
    pub(crate) has_port: bool,
    /// The program asked for this very port: it is held until the end (linux-truth 42).
    pub(crate) port_is_given: bool,
    /// Likewise the address.
    pub(crate) ip_is_given: bool,
    pub(crate) peer: Option<SocketAddr>,
    /// Of TCP: shut for reading, for writing, before there was a connection.
    pub(crate) shut_early: (bool, bool),
    /// The error of an attempt that was given up, which nobody was told before it listened.
    pub(crate) left_error: Option<io::Error>,
    pub(crate) options: Options,
    pub(crate) proto: Proto,
    /// When its timer event is due, if one is scheduled.
    pub(crate) timer_ns: Option<u64>,
    /// The listener it will be accepted from.
    pub(crate) listener: Option<SocketId>,
    /// When its last in-order packet arrives.
    pub(crate) last_arrival_ns: u64,
    pub(crate) packets_sent: u64,
    pub(crate) dirty: Dirty,
}

pub(crate) enum Proto {
    /// TCP, neither listening nor connecting yet.
    Fresh,
    Listener(Listener<SocketId>),
    Stream(Box<Connection>),
    Udp(Mailbox),
    Unix(Box<UnixSocket>),
    Pipe(PipeEnd),
    Query(Query),
    Job(Work),
    Signal(Ear),
}

impl World {
    pub(crate) fn new(
        hosts: &[HostSpec],
        weather: Weather,
        choices: Choices,
        keeps_events: bool,
    ) -> World {
        const HOSTS_MAX: usize = u16::MAX as usize;
        assert!(hosts.len() <= HOSTS_MAX, "a world has at most {HOSTS_MAX} hosts");
        let mut paths = Paths::default();
        let machines = hosts.iter().enumerate().map(|(row, spec)| {
            let path = paths.child(None, &spec.name, 1);
            Host::new(HostId::of_row(row), spec, Entity::new(path, paths.hash(path)))
        });
        let machines = machines.collect();
        let weather = weather.of_run(&choices);
        let mut world = World {
            clock: Clock::default(),
            scheduler: Scheduler::new(&choices),
            choices,
            paths,
            weather,
            trace: Recorder::new(hosts.len(), keeps_events),
            hosts: machines,
            greenlets: Table::default(),
            current: None,
            last_step_ns: 0,
            descriptors: Slots::default(),
            sockets: Table::default(),
            free_sockets: Vec::new(),
            packets: Slots::default(),
            buffers: Vec::new(),
            flows: HashMap::default(),
            memory_waiters: Vec::new(),
            members: Vec::new(),
            pairs: HashMap::default(),
            dirty: Vec::new(),
            under_way: UnderWay::default(),
            named: Vec::new(),
            fired: Fired::default(),
            violations: Vec::new(),
            sometimes: Vec::new(),
            user_choices: HashMap::default(),
        };
        world.set_up(hosts);
        world
    }

    /// Servers come up before clients, all at time zero; power cuts are drawn.
    fn set_up(&mut self, hosts: &[HostSpec]) {
        for role in [Role::Server, Role::Client] {
            for (_, host) in
                hosts.iter().zip(self.hosts.ids()).filter(|(spec, _)| spec.role == role)
            {
                self.clock.schedule(0, true, Event::Start(host));
            }
        }
        for (spec, host) in hosts.iter().zip(self.hosts.ids()) {
            for &(at, kind) in &spec.signals {
                let at_ns = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
                self.clock.schedule(at_ns, true, Event::Signal(host, kind));
            }
        }
        for (spec, host) in hosts.iter().zip(self.hosts.ids()) {
            let Some(within) = spec.power_cut_within else { continue };
            let (ppm, within_ns) = (self.weather.power_cut_ppm, within.as_nanos() as u64);
            let at_ns =
                self.choices.pick(&mut self.hosts[host].entity, choices::Kind::Fault, |draw| {
                    if draw.happens(ppm) { draw.between(1, within_ns) } else { 0 }
                });
            if at_ns > 0 {
                self.clock.schedule(at_ns, false, Event::PowerCut(host));
            }
        }
    }

    // Greenlets and hosts.

    /// The host of whoever runs; the first where nobody does.
    pub(crate) fn host_here(&self) -> HostId {
        self.current.map_or(HostId::FIRST, |slot| self.greenlets[slot].host)
    }

    pub(crate) fn start_host(&mut self, host: HostId) {
        self.hosts[host].is_up = true;
        self.named.push(Ready::Start(host.into()));
    }

    /// The host's power fails: its greenlets stop where they stand, its sockets are gone, nothing
    /// is sent.
    pub(crate) fn cut_power(&mut self, host: HostId) {
        if !std::mem::replace(&mut self.hosts[host].is_up, false) {
            return;
        }
        self.hosts[host].down_ns = Some(self.clock.now_ns());
        self.hosts[host].loopback.power_off();
        self.fired.power_cuts += 1;
        self.record_world(host, Op::PowerCut, 0, 0);
        let mut dead: Vec<GreenletId> = Vec::new();
        dead.extend(self.greenlets.iter().filter(|g| g.live && g.host == host).map(|g| g.id));
        self.named.extend(dead.into_iter().map(|id| Ready::End(id, How::Abandon)));
        for index in self.sockets.ids() {
            let socket = &self.sockets[index];
            if socket.live && socket.host == host {
                self.forget_socket(index);
            }
        }
    }

    // Sockets and descriptors.

    /// A path for a socket of whoever runs: its place and which of its sockets it is.
    pub(crate) fn path_for_socket(&mut self, label: &str) -> u32 {
        match self.current {
            Some(slot) => {
                let greenlet = &mut self.greenlets[slot];
                greenlet.sockets_made += 1;
                self.paths.child(Some(greenlet.entity.path), label, greenlet.sockets_made)
            }
            None => self.paths.child(None, label, 1),
        }
    }

    pub(crate) fn add_socket(&mut self, host: HostId, path: u32, proto: Proto) -> SocketId {
        let entity = Entity::new(path, self.paths.hash(path));
        let mut socket = Socket {
            generation: 0,
            live: true,
            host,
            number: 0,
            entity,
            descriptors: Vec::new(),
            domain: Domain::V4,
            local: None,
            has_port: false,
            port_is_given: false,
            ip_is_given: false,
            peer: None,
            shut_early: (false, false),
            left_error: None,
            options: Options::default(),
            proto,
            timer_ns: None,
            listener: None,
            last_arrival_ns: 0,
            packets_sent: 0,
            dirty: Dirty::No,
        };
        match self.free_sockets.pop() {
            Some(index) => {
                let slot = &mut self.sockets[index];
                socket.generation = slot.generation + 1;
                *slot = socket;
                index
            }
            None => self.sockets.push(socket),
        }
    }

    /// Closes a socket that has no descriptor any more.
    pub(crate) fn close_if_last(&mut self, index: SocketId) {
        if self.sockets[index].descriptors.is_empty() {
            self.close_socket(index);
            self.loop_back();
        }
    }

    pub(crate) fn add_descriptor(&mut self, socket: SocketId) -> Io {
        let io = Io::new(self.descriptors.next_id().row());
        let id = self.descriptors.insert(Descriptor { io, socket, wanted: Interest::NONE });
        let entry = &mut self.sockets[socket];
        entry.descriptors.push(id);
        let host = &mut self.hosts[entry.host];
        if entry.number == 0 {
            entry.number = host.name_socket();
        }
        if entry.number != NO_SOCKET {
            host.took_descriptor();
        }
        io
    }

    /// The socket of a descriptor; `EBADF` if it is closed.
    #[inline]
    pub(crate) fn socket_of(&self, io: Io) -> io::Result<SocketId> {
        match self.descriptors.get(DescriptorId::of_row(io.index())) {
            Some(descriptor) if descriptor.io == io => Ok(descriptor.socket),
            _ => Err(errno(libc::EBADF)),
        }
    }

    pub(crate) fn remove_descriptor(&mut self, io: Io) -> Option<SocketId> {
        let socket = self.socket_of(io).ok()?;
        let id = DescriptorId::of_row(io.index());
        self.descriptors.remove(id);
        let entry = &mut self.sockets[socket];
        entry.descriptors.retain(|&other| other != id);
        if entry.number != NO_SOCKET {
            self.hosts[entry.host].gave_up_descriptors(1);
        }
        Some(socket)
    }

    /// Remembers that a call on this descriptor was told to wait.
    pub(crate) fn want(&mut self, io: Io, interest: Interest) {
        let id = DescriptorId::of_row(io.index());
        let Some(descriptor) = self.descriptors.get_mut(id) else { return };
        descriptor.wanted = descriptor.wanted.with(interest);
        let socket = descriptor.socket;
        let host = self.sockets[socket].host;
        if interest.writes() && self.hosts[host].socket_memory.is_some() {
            let waiter = self.weak(socket);
            if !self.memory_waiters.contains(&waiter) {
                self.memory_waiters.push(waiter);
            }
        }
    }

    /// Names the socket's descriptors to those who were told to wait for what is ready now: in the
    /// next poll, but for what its own host sent it, which takes its time (`net/loopback.rs`).
    pub(crate) fn name_ready(&mut self, socket: SocketId) {
        let ready = self.readiness_of(socket);
        if ready.is_none() {
            return;
        }
        let socket = &self.sockets[socket];
        let named = match self.under_way.arrives {
            true => &mut self.hosts[socket.host].loopback.told,
            false => &mut self.named,
        };
        for &id in &socket.descriptors {
            let Some(descriptor) = self.descriptors.get_mut(id) else { continue };
            let hit = descriptor.wanted.and(ready);
            if !hit.is_none() {
                descriptor.wanted = descriptor.wanted.without(hit);
                named.push(Ready::Io(descriptor.io, ready));
            }
        }
    }

    /// Takes a socket out of the world: no segment finds it any more.
    pub(crate) fn forget_socket(&mut self, index: SocketId) {
        self.unroute(index);
        self.release_port(index);
        let socket = &mut self.sockets[index];
        socket.live = false;
        socket.proto = Proto::Fresh;
        let descriptors = std::mem::take(&mut socket.descriptors);
        if socket.number != NO_SOCKET {
            self.hosts[socket.host].gave_up_descriptors(descriptors.len() as u32);
        }
        for descriptor in descriptors {
            self.descriptors.remove(descriptor);
        }
        self.free_sockets.push(index);
    }

    /// Gives up the socket's place among the connections, and the port unless the program named it.
    pub(crate) fn unroute(&mut self, index: SocketId) {
        let socket = &self.sockets[index];
        if let Some(flow) = crate::net::Flow::of(socket)
            && self.flows.get(&flow) == Some(&index)
        {
            self.flows.remove(&flow);
        }
        if !self.sockets[index].port_is_given {
            self.release_port(index);
        }
    }

    fn release_port(&mut self, index: SocketId) {
        let socket = &mut self.sockets[index];
        let Some(local) = socket.local.filter(|_| std::mem::take(&mut socket.has_port)) else {
            return;
        };
        let transport = transport_of(socket);
        self.hosts[socket.host].ports.release(transport, local.port(), index);
    }

    // What happened.

    pub(crate) fn record(&mut self, op: Op, socket: u32, value: u64) {
        self.record_full(op, socket, value, 0, None, "");
    }

    /// Records something about a greenlet: by its path's hash, which is the same in every run.
    pub(crate) fn record_path(&mut self, op: Op, path: u32, name: &'static str) {
        let hash = self.paths.hash(path);
        self.record_event(op, (0, hash, 0), path, None, name);
    }

    pub(crate) fn record_text(&mut self, op: Op, text: &str) {
        let (hash, refers) = (choices::hash_bytes(text.as_bytes()), self.trace.keep_text(text));
        self.record_event(op, (0, hash, 0), refers, None, "");
    }

    /// Records a choice of the program's own.
    pub(crate) fn record_choice(&mut self, label: &str, value: u64) {
        let (hash, refers) = (choices::hash_bytes(label.as_bytes()), self.trace.keep_text(label));
        self.record_event(Op::Choose, (0, value, hash), refers, None, "");
    }

    pub(crate) fn record_full(
        &mut self,
        op: Op,
        socket: u32,
        value: u64,
        more: u64,
        peer: Option<SocketAddr>,
        name: &'static str,
    ) {
        self.record_event(op, (socket, value, more), 0, peer, name);
    }

    pub(crate) fn record_event(
        &mut self,
        op: Op,
        (socket, value, more): (u32, u64, u64),
        refers: u32,
        peer: Option<SocketAddr>,
        name: &'static str,
    ) {
        let (host, greenlet, hash) = match self.current {
            Some(slot) => {
                let greenlet = &self.greenlets[slot];
                (greenlet.host, greenlet.entity.path, greenlet.entity.hash)
            }
            None => (HostId::FIRST, NOBODY, 0),
        };
        let (at_ns, host) = (self.clock.now_ns(), host.number());
        let event =
            trace::Event { at_ns, host, op, greenlet, socket, value, more, refers, peer, name };
        self.trace.record(event, hash);
    }

    /// Records what no greenlet did, in a host's lane.
    pub(crate) fn record_world(&mut self, host: HostId, op: Op, value: u64, more: u64) {
        self.record_wire(host, op, 0, value, more, None);
    }

    pub(crate) fn record_wire(
        &mut self,
        host: HostId,
        op: Op,
        socket: u32,
        value: u64,
        more: u64,
        peer: Option<SocketAddr>,
    ) {
        let (at_ns, host) = (self.clock.now_ns(), host.number());
        let (greenlet, name) = (NOBODY, "");
        let refers = 0;
        let event =
            trace::Event { at_ns, host, op, greenlet, socket, value, more, refers, peer, name };
        self.trace.record(event, 0);
    }

    /// Records a call's error, unless it merely has to wait; gives the error back.
    pub(crate) fn failed(
        &mut self,
        name: &'static str,
        socket: u32,
        error: io::Error,
    ) -> io::Error {
        if error.kind() != io::ErrorKind::WouldBlock {
            let code = trace::code_of(&error);
            self.record_full(Op::Failed, socket, code, 0, None, name);
        }
        error
    }
}

pub(crate) fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}
