//! What a socket is, and whatever else a program waits for by a descriptor. Nothing here knows the world
//! it stands in.

pub(crate) mod address;
pub(crate) mod flow;
pub(crate) mod groups;
pub(crate) mod mailbox;
pub(crate) mod options;
pub(crate) mod pipe;
pub(crate) mod source;
pub(crate) mod unix;

use std::io;
use std::net::SocketAddr;

use greenroom::hub::{Domain, Opt};

use crate::choices::Entity;
use crate::disk::OpenId;
use crate::id::{DescriptorId, HostId, PairId, SocketId};
use crate::socket::address::{any, hears};
use crate::socket::flow::{Flow, Transport};
use crate::socket::mailbox::Mailbox;
use crate::socket::options::Options;
use crate::socket::pipe::PipeEnd;
use crate::socket::source::{FileWait, Query, SignalSource, Work};
use crate::socket::unix::UnixSocket;
use crate::tcp::{Connection, Listener, State};

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
    /// It is called by its peer or its port, not merely by which of its greenlet's sockets it is.
    pub(crate) is_named: bool,
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
    peer: Option<SocketAddr>,
    /// The peer is on its own host: looked up once, for it is asked of whatever is sent.
    leads_here: bool,
    /// Of TCP: shut for reading, for writing, before there was a connection.
    pub(crate) shut_early: (bool, bool),
    /// The error of an attempt that was given up, which nobody was told before it listened.
    pub(crate) left_error: Option<io::Error>,
    pub(crate) options: Options,
    pub(crate) proto: Proto,
    /// When its timer event is due, if one is scheduled.
    pub(crate) timer_ns: Option<u64>,
    /// The listener it will be accepted from, while it is half-open.
    pub(crate) listener: Option<SocketId>,
    /// When its last in-order packet arrives.
    pub(crate) last_arrival_ns: u64,
    pub(crate) packets_sent: u64,
    /// The host that it sent to last, and what lies between: mostly it is the same one again.
    pub(crate) last_pair: Option<(HostId, PairId)>,
    /// Segments of its flow find it.
    pub(crate) is_routed: bool,
    /// The host that packets to its peer go to, once one did.
    way: Option<HostId>,
    /// The socket that its last segment came from: where its own ones most likely go.
    pub(crate) far: Option<SocketId>,
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
    File(OpenId),
    FileCall(FileWait),
    Signal(SignalSource),
}

/// Where a socket may have something to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dirty {
    No,
    /// Its own host, when the call ends.
    Here,
    /// Another host, when the instant ends.
    Link,
}

impl Socket {
    pub(crate) fn new(host: HostId, entity: Entity, proto: Proto) -> Socket {
        Socket {
            generation: 0,
            live: true,
            host,
            number: 0,
            entity,
            is_named: false,
            descriptors: Vec::new(),
            domain: Domain::V4,
            local: None,
            has_port: false,
            port_is_given: false,
            ip_is_given: false,
            peer: None,
            leads_here: false,
            shut_early: (false, false),
            left_error: None,
            options: Options::default(),
            proto,
            timer_ns: None,
            listener: None,
            last_arrival_ns: 0,
            packets_sent: 0,
            last_pair: None,
            is_routed: false,
            way: None,
            far: None,
            dirty: Dirty::No,
        }
    }

    #[inline]
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
    /// Gives it a peer, which is on its own host or not.
    pub(crate) fn set_peer(&mut self, peer: SocketAddr, leads_here: bool) {
        (self.peer, self.leads_here) = (Some(peer), leads_here);
        self.way = None;
    }
    pub(crate) fn forget_peer(&mut self) {
        (self.peer, self.leads_here) = (None, false);
        self.way = None;
    }
    /// Forgets its address, but not its port, unless the program named it.
    pub(crate) fn forget_ip(&mut self) {
        if let Some(local) = self.local.as_mut().filter(|_| !self.ip_is_given) {
            local.set_ip(any(self.domain));
        }
        self.way = None;
    }
    #[inline]
    pub(crate) fn way(&self) -> Option<HostId> {
        self.way
    }
    /// Packets from its address to its peer go there.
    pub(crate) fn set_way(&mut self, way: HostId) {
        self.way = Some(way);
    }
    #[inline]
    pub(crate) fn leads_here(&self) -> bool {
        self.leads_here
    }

    /// Where its connection stands, if it is one.
    pub(crate) fn flow(&self) -> Option<Flow> {
        match self.proto {
            Proto::Stream(_) => {
                Some(Flow { host: self.host, local: self.local?, peer: self.peer? })
            }
            _ => None,
        }
    }

    pub(crate) fn transport(&self) -> Transport {
        match self.proto {
            Proto::Udp(_) => Transport::Udp,
            _ => Transport::Tcp,
        }
    }

    /// Whether it has an address that it will not change.
    pub(crate) fn is_bound(&self) -> bool {
        match &self.proto {
            // A connection that is over has given its port up, unless the program named it; in TIME-WAIT
            // the system has the port.
            Proto::Stream(tcp) if tcp.state() == State::TimeWait => self.port_is_given,
            Proto::Stream(tcp) => !tcp.is_over() || self.has_port,
            _ => self.has_port,
        }
    }

    /// Whether what is sent to `to` is for this socket, by the address.
    pub(crate) fn covers(&self, to: SocketAddr) -> bool {
        self.local.is_some_and(|local| hears(local.ip(), self.options.only_v6, to.ip()))
    }

    /// Whether it and one at `local` would have an address in common.
    pub(crate) fn overlaps(&self, local: SocketAddr, only_v6: bool) -> bool {
        let covered = |own: SocketAddr| hears(local.ip(), only_v6, own.ip());
        self.covers(local) || self.local.is_some_and(covered)
    }

    /// Whether urgent bytes stand among the others.
    pub(crate) fn urgent_is_inline(&self) -> bool {
        self.options.get(Opt::UrgentInline) != 0
    }
}
