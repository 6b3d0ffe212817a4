//! A packet: what one host sends another, or itself.

use std::net::SocketAddr;

use crate::id::{HostId, SocketId};
use crate::link::icmp::{Icmp, Why};
use crate::tcp::Segment;

/// A packet in flight, from one host to another or to itself.
pub(crate) struct Packet {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) to_host: HostId,
    /// The path of the socket that sent it: what a connection it opens is named after.
    pub(crate) sender: u32,
    /// The socket that sent it, and the one that it is most likely for: which spares a look-up, no more.
    pub(crate) between: (Option<SocketId>, Option<SocketId>),
    pub(crate) body: Body,
    pub(crate) payload: Vec<u8>,
}

/// Packets to be used again, each with the payload that it had. Boxed: a packet stays where it is between its uses.
pub(crate) type Spare = Vec<Box<Packet>>;

#[derive(Clone, Copy)]
pub(crate) enum Body {
    Segment(Segment),
    Datagram,
    /// A datagram for all who hear it on this interface.
    ForMany(Interface),
    /// About a packet from `to` to `from`.
    Icmp(Icmp),
}

/// What a host sends to many by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interface {
    Link(u8),
    Loopback,
}

impl Packet {
    /// Of nobody, to nobody.
    pub(crate) fn blank() -> Packet {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        Packet {
            from: nowhere,
            to: nowhere,
            to_host: HostId::FIRST,
            sender: 0,
            between: (None, None),
            body: Body::Datagram,
            payload: Vec::new(),
        }
    }

    /// What a host or router says of it.
    pub(crate) fn icmp(&self, why: Why) -> Icmp {
        let seq = match self.body {
            Body::Segment(segment) => Some(segment.seq),
            _ => None,
        };
        Icmp { why, seq, far: self.to_host }
    }
}
