//! Options of IPv4, and its multicast groups.

use std::io;

use super::super::Socket;
use crate::hub::{Group, Opt};
use crate::net::Ipv4Addr;

/// Options of IPv4 (`IPPROTO_IP`).
impl Socket {
    /// How many hops a packet may take (`IP_TTL`).
    pub fn ttl_v4(&self) -> io::Result<u32> {
        self.0.get(Opt::Ttl)
    }
    /// Sets how many hops a packet may take (`IP_TTL`).
    pub fn set_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.0.set(Opt::Ttl, ttl)
    }

    /// The type of service its packets ask for (`IP_TOS`).
    pub fn tos_v4(&self) -> io::Result<u32> {
        self.0.get(Opt::Tos)
    }
    /// Sets the type of service its packets ask for (`IP_TOS`).
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        self.0.set(Opt::Tos, tos)
    }

    /// Whether messages say which type of service they came with (`IP_RECVTOS`).
    pub fn recv_tos_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::RecvTos)
    }
    /// Sets whether messages say which type of service they came with (`IP_RECVTOS`).
    pub fn set_recv_tos_v4(&self, recv_tos: bool) -> io::Result<()> {
        self.0.set(Opt::RecvTos, recv_tos.into())
    }

    /// Whether messages say how they came (`IP_PKTINFO`).
    pub fn recv_packet_info_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::PacketInfoV4)
    }
    /// Sets whether messages say how they came (`IP_PKTINFO`):
    /// [`ReceivedControl::PacketInfoV4`](crate::net::ReceivedControl::PacketInfoV4).
    pub fn set_recv_packet_info_v4(&self, recv_packet_info: bool) -> io::Result<()> {
        self.0.set(Opt::PacketInfoV4, recv_packet_info.into())
    }

    /// Whether it may be bound to an address this host does not have yet (`IP_FREEBIND`).
    pub fn freebind_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::FreeBind)
    }
    /// Sets whether it may be bound to an address this host does not have yet (`IP_FREEBIND`).
    pub fn set_freebind_v4(&self, freebind: bool) -> io::Result<()> {
        self.0.set(Opt::FreeBind, freebind.into())
    }

    /// Whether it may be bound to an address of others, as a proxy (`IP_TRANSPARENT`).
    pub fn ip_transparent_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::Transparent)
    }
    /// Sets whether it may be bound to an address of others, as a proxy (`IP_TRANSPARENT`).
    pub fn set_ip_transparent_v4(&self, transparent: bool) -> io::Result<()> {
        self.0.set(Opt::Transparent, transparent.into())
    }

    /// Whether this host hears what it sends to a group (`IP_MULTICAST_LOOP`).
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::MulticastLoop)
    }
    /// Sets whether this host hears what it sends to a group (`IP_MULTICAST_LOOP`).
    pub fn set_multicast_loop_v4(&self, loop_v4: bool) -> io::Result<()> {
        self.0.set(Opt::MulticastLoop, loop_v4.into())
    }

    /// How many hops a datagram to a group may take (`IP_MULTICAST_TTL`).
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.0.get(Opt::MulticastTtl)
    }
    /// Sets how many hops a datagram to a group may take (`IP_MULTICAST_TTL`).
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.0.set(Opt::MulticastTtl, ttl)
    }

    /// Whether it hears groups that others of this host joined (`IP_MULTICAST_ALL`).
    pub fn multicast_all_v4(&self) -> io::Result<bool> {
        self.0.flag(Opt::MulticastAll)
    }
    /// Sets whether it hears groups that others of this host joined (`IP_MULTICAST_ALL`).
    pub fn set_multicast_all_v4(&self, all: bool) -> io::Result<()> {
        self.0.set(Opt::MulticastAll, all.into())
    }

    /// The address of the interface that datagrams to a group leave by (`IP_MULTICAST_IF`).
    pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
        self.0.get(Opt::MulticastInterface).map(Ipv4Addr::from)
    }
    /// Sets the interface that datagrams to a group leave by, by its address (`IP_MULTICAST_IF`).
    pub fn set_multicast_if_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.set(Opt::MulticastInterface, u32::from(*interface))
    }

    /// Joins a group on the interface of this address; the unspecified one leaves it to the system.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.ask(|hub, io| hub.join(io, Group::V4(*group, *interface)))
    }
    /// Leaves a group that was joined so.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.0.ask(|hub, io| hub.leave(io, Group::V4(*group, *interface)))
    }
    /// Joins a group on an interface by its index or address.
    pub fn join_multicast_v4_n(
        &self,
        group: &Ipv4Addr,
        interface: &InterfaceIndexOrAddress,
    ) -> io::Result<()> {
        self.0.ask(|hub, io| hub.join(io, interface.of(*group)))
    }
    /// Leaves a group that was joined so.
    pub fn leave_multicast_v4_n(
        &self,
        group: &Ipv4Addr,
        interface: &InterfaceIndexOrAddress,
    ) -> io::Result<()> {
        self.0.ask(|hub, io| hub.leave(io, interface.of(*group)))
    }
    /// Joins a group on the interface of this address, hearing one source only.
    pub fn join_ssm_v4(
        &self,
        source: &Ipv4Addr,
        group: &Ipv4Addr,
        interface: &Ipv4Addr,
    ) -> io::Result<()> {
        let (source, group, interface) = (*source, *group, *interface);
        self.0.ask(|hub, io| hub.join(io, Group::V4From { group, source, interface }))
    }
    /// Leaves a group that was joined so.
    pub fn leave_ssm_v4(
        &self,
        source: &Ipv4Addr,
        group: &Ipv4Addr,
        interface: &Ipv4Addr,
    ) -> io::Result<()> {
        let (source, group, interface) = (*source, *group, *interface);
        self.0.ask(|hub, io| hub.leave(io, Group::V4From { group, source, interface }))
    }
}

/// An interface, for [`Socket::join_multicast_v4_n`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceIndexOrAddress {
    /// By its index; 0 leaves it to the system.
    Index(u32),
    /// By its address; the unspecified one leaves it to the system.
    Address(Ipv4Addr),
}

impl InterfaceIndexOrAddress {
    fn of(self, group: Ipv4Addr) -> Group {
        match self {
            InterfaceIndexOrAddress::Index(index) => Group::V4At(group, index),
            InterfaceIndexOrAddress::Address(address) => Group::V4(group, address),
        }
    }
}
