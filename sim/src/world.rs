//! The simulated world: tables of hosts, sockets, packets in flight and greenlets, each found by its own ids, and
//! the journal of what happens. What it does with them is in `net`.

pub(crate) mod journal;
pub(crate) mod table;
pub(crate) mod files;
mod descriptors;
mod greenlets;
mod memory;
mod notes;
mod packets;
mod sockets;
mod unix;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use greenroom::driver::Role;
use greenroom::hub::{GreenletId, Io, Readiness, Ready};
use greenroom::scenario::HostSpec;

use crate::choices::{Choices, Decision, Entity, Fired, Fixed, Ns};
use crate::clock::{Clock, Event};
use crate::host::Host;
use crate::host::loopback::LoopbackQueue;
use crate::id::{DescriptorId, FileCallId, GreenletIndex, HostId, Id, PacketId, SocketId, Weak};
use crate::link::packet::{Packet, Spare};
use crate::link::pair::Pairs;
use crate::path::Paths;
use crate::socket::Socket;
use crate::socket::flow::Flow;
use crate::tcp::Config;
use crate::trace::Recorder;
use crate::trace::event::PathRef;
use crate::weather::Weather;
use crate::world::files::Operation;
use crate::world::table::{Slots, Table};

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) choices: Choices,
    pub(crate) paths: Paths,
    pub(crate) weather: Weather,
    pub(crate) trace: Recorder,
    pub(crate) hosts: Table<HostId, Host>,
    pub(crate) greenlets: Table<GreenletIndex, Greenlet>,
    current: Option<GreenletIndex>,
    /// Where what happens is recorded as whoever runs does it: its host, and its path.
    acting: (HostId, Option<PathRef>),
    /// When a greenlet last ran: what the world does by itself since then is its own affair.
    pub(crate) last_step_ns: u64,
    pub(crate) descriptors: Slots<DescriptorId, Descriptor>,
    pub(crate) sockets: Table<SocketId, Socket>,
    free_sockets: Vec<SocketId>,
    /// What the last connection was told.
    tcp_config: Option<Rc<Config>>,
    pub(crate) packets: Slots<PacketId, Box<Packet>>,
    /// Packets to be used again.
    spare: Spare,
    /// On files, under way.
    pub(crate) operations: Slots<FileCallId, Operation>,
    pub(crate) buffers: Vec<Vec<u8>>,
    pub(crate) flows: HashMap<Flow, SocketId, Fixed>,
    /// Who waits to write on hosts whose memory is limited.
    pub(crate) memory_waiters: Vec<Weak>,
    /// Who ever joined a multicast group; those that are gone go before the list grows.
    pub(crate) members: Vec<Weak>,
    pub(crate) pairs: Pairs,
    /// Descriptors that went with messages which nobody will receive, and are still to be closed.
    pub(crate) discarded: Vec<Io>,
    /// How many descriptors go with messages.
    pub(crate) in_flight: BTreeSet<DescriptorId>,
    /// Sockets that may have something to send to other hosts.
    pub(crate) dirty: Vec<SocketId>,
    /// What hosts have sent themselves, and have yet to get.
    pub(crate) loopback: LoopbackQueue,
    /// Somebody did something other than to yield, or to look at what is there, since the last turn.
    pub(crate) stirred: bool,
    /// How often somebody was preempted before a call that did not wait then.
    pub(crate) unasked_switches: u64,
    /// What the next poll returns.
    pub(crate) ready: Vec<Ready>,
    pub(crate) fired: Fired,
    pub(crate) violations: Vec<String>,
    /// What stood when the first claim was violated: what comes after that is not of the run.
    pub(crate) seal: Option<Seal>,
    /// Who panicked, and when.
    pub(crate) panics: Vec<(String, u64)>,
    pub(crate) sometimes: Vec<(&'static str, bool)>,
    pub(crate) user_choices: HashMap<u64, Entity, Fixed>,
}

/// A run as it stood when a claim was violated.
pub(crate) struct Seal {
    trace: Recorder,
    deviations: usize,
    matched: usize,
    fired: Fired,
}

/// A greenlet as the world knows it.
pub(crate) struct Greenlet {
    pub(crate) id: GreenletId,
    pub(crate) live: bool,
    pub(crate) host: HostId,
    pub(crate) entity: Entity,
    /// It was preempted before the call that it is in.
    pub(crate) passed_by: bool,
}

/// One number of a socket, and whether a call on it was told to wait.
pub(crate) struct Descriptor {
    pub(crate) io: Io,
    pub(crate) socket: SocketId,
    pub(crate) wanted: Readiness,
    /// It goes with a message that nobody has received yet: no program has it.
    pub(crate) in_flight: bool,
    /// As the program set it; no program is ever run.
    pub(crate) closes_on_exec: bool,
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
            choices,
            paths,
            weather,
            trace: Recorder::new(hosts.len(), keeps_events),
            hosts: machines,
            greenlets: Table::default(),
            current: None,
            acting: (HostId::FIRST, None),
            last_step_ns: 0,
            descriptors: Slots::default(),
            sockets: Table::default(),
            free_sockets: Vec::new(),
            tcp_config: None,
            packets: Slots::default(),
            spare: Vec::new(),
            operations: Slots::default(),
            buffers: Vec::new(),
            flows: HashMap::default(),
            memory_waiters: Vec::new(),
            members: Vec::new(),
            pairs: Pairs::default(),
            discarded: Vec::new(),
            in_flight: BTreeSet::new(),
            dirty: Vec::new(),
            loopback: LoopbackQueue::default(),
            stirred: false,
            unasked_switches: 0,
            ready: Vec::new(),
            fired: Fired::default(),
            violations: Vec::new(),
            seal: None,
            panics: Vec::new(),
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
            let Ns(at_ns) =
                self.choices.pick(&mut self.hosts[host].entity, Decision::PowerCut, |draw| {
                    Ns(draw.sometimes(ppm, 1, within_ns))
                });
            if at_ns > 0 {
                self.clock.schedule(at_ns, false, Event::PowerCut(host));
            }
        }
    }

    // Greenlets and hosts.

    /// Who runs.
    #[inline]
    pub(crate) fn current(&self) -> Option<GreenletIndex> {
        self.current
    }
    #[inline]
    pub(crate) fn set_current(&mut self, current: Option<GreenletIndex>) {
        self.current = current;
        self.acting = match current {
            Some(slot) => self.acting_as(slot),
            None => (HostId::FIRST, None),
        };
    }
    #[inline]
    pub(crate) fn acting_as(&self, slot: GreenletIndex) -> (HostId, Option<PathRef>) {
        let greenlet = &self.greenlets[slot];
        let (path, hash) = (greenlet.entity.path, greenlet.entity.hash);
        (greenlet.host, Some(PathRef { path, hash }))
    }

    /// The host of whoever runs; the first where nobody does.
    pub(crate) fn host_here(&self) -> HostId {
        self.acting.0
    }
}
