//! Options of IPv6, and its multicast groups.

use std::io;

use super::super::Socket;
use crate::hub::{Group, Opt};
use crate::net::Ipv6Addr;

/// Options of IPv6 (`IPPROTO_IPV6`).
impl Socket {
    /// Whether it is for IPv6 only, and takes no IPv4 as mapped addresses (`IPV6_V6ONLY`).
    pub fn only_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::OnlyV6)
    }
    /// Sets whether it is for IPv6 only, and takes no IPv4 as mapped addresses (`IPV6_V6ONLY`).
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.0.set(Opt::OnlyV6, only_v6.into())
    }

    /// How many hops a packet may take (`IPV6_UNICAST_HOPS`).
    pub fn unicast_hops_v6(&self) -> io::Result<u32> {
        self.0.get(Opt::HopsV6)
    }
    /// Sets how many hops a packet may take (`IPV6_UNICAST_HOPS`).
    pub fn set_unicast_hops_v6(&self, hops: u32) -> io::Result<()> {
        self.0.set(Opt::HopsV6, hops)
    }

    /// The traffic class its packets ask for (`IPV6_TCLASS`).
    pub fn tclass_v6(&self) -> io::Result<u32> {
        self.0.get(Opt::TrafficClassV6)
    }
    /// Sets the traffic class its packets ask for (`IPV6_TCLASS`).
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        self.0.set(Opt::TrafficClassV6, tclass)
    }

    /// Whether messages say which traffic class they came with (`IPV6_RECVTCLASS`).
    pub fn recv_tclass_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::RecvTrafficClassV6)
    }
    /// Sets whether messages say which traffic class they came with (`IPV6_RECVTCLASS`).
    pub fn set_recv_tclass_v6(&self, recv_tclass: bool) -> io::Result<()> {
        self.0.set(Opt::RecvTrafficClassV6, recv_tclass.into())
    }

    /// Whether messages say how many hops they had left (`IPV6_RECVHOPLIMIT`).
    pub fn recv_hoplimit_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::RecvHopLimitV6)
    }
    /// Sets whether messages say how many hops they had left (`IPV6_RECVHOPLIMIT`).
    pub fn set_recv_hoplimit_v6(&self, recv_hoplimit: bool) -> io::Result<()> {
        self.0.set(Opt::RecvHopLimitV6, recv_hoplimit.into())
    }

    /// Whether messages say how they came (`IPV6_RECVPKTINFO`).
    pub fn recv_packet_info_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::PacketInfoV6)
    }
    /// Sets whether messages say how they came (`IPV6_RECVPKTINFO`):
    /// [`ReceivedControl::PacketInfoV6`](crate::net::ReceivedControl::PacketInfoV6).
    pub fn set_recv_packet_info_v6(&self, recv_packet_info: bool) -> io::Result<()> {
        self.0.set(Opt::PacketInfoV6, recv_packet_info.into())
    }

    /// Whether it may be bound to an address this host does not have yet (`IPV6_FREEBIND`).
    pub fn freebind_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::FreeBindV6)
    }
    /// Sets whether it may be bound to an address this host does not have yet (`IPV6_FREEBIND`).
    pub fn set_freebind_v6(&self, freebind: bool) -> io::Result<()> {
        self.0.set(Opt::FreeBindV6, freebind.into())
    }

    /// Whether it may be bound to an address of others, as a proxy (`IPV6_TRANSPARENT`).
    pub fn ip_transparent_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::TransparentV6)
    }
    /// Sets whether it may be bound to an address of others, as a proxy (`IPV6_TRANSPARENT`).
    pub fn set_ip_transparent_v6(&self, transparent: bool) -> io::Result<()> {
        self.0.set(Opt::TransparentV6, transparent.into())
    }

    /// Whether this host hears what it sends to a group (`IPV6_MULTICAST_LOOP`).
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::MulticastLoopV6)
    }
    /// Sets whether this host hears what it sends to a group (`IPV6_MULTICAST_LOOP`).
    pub fn set_multicast_loop_v6(&self, loop_v6: bool) -> io::Result<()> {
        self.0.set(Opt::MulticastLoopV6, loop_v6.into())
    }

    /// How many hops a datagram to a group may take (`IPV6_MULTICAST_HOPS`).
    pub fn multicast_hops_v6(&self) -> io::Result<u32> {
        self.0.get(Opt::MulticastHopsV6)
    }
    /// Sets how many hops a datagram to a group may take (`IPV6_MULTICAST_HOPS`).
    pub fn set_multicast_hops_v6(&self, hops: u32) -> io::Result<()> {
        self.0.set(Opt::MulticastHopsV6, hops)
    }

    /// Whether it hears groups that others of this host joined (`IPV6_MULTICAST_ALL`).
    pub fn multicast_all_v6(&self) -> io::Result<bool> {
        self.0.flag(Opt::MulticastAllV6)
    }
    /// Sets whether it hears groups that others of this host joined (`IPV6_MULTICAST_ALL`).
    pub fn set_multicast_all_v6(&self, all: bool) -> io::Result<()> {
        self.0.set(Opt::MulticastAllV6, all.into())
    }

    /// The index of the interface that datagrams to a group leave by (`IPV6_MULTICAST_IF`).
    pub fn multicast_if_v6(&self) -> io::Result<u32> {
        self.0.get(Opt::MulticastInterfaceV6)
    }
    /// Sets the index of the interface that datagrams to a group leave by (`IPV6_MULTICAST_IF`).
    pub fn set_multicast_if_v6(&self, interface: u32) -> io::Result<()> {
        self.0.set(Opt::MulticastInterfaceV6, interface)
    }

    /// Joins a group on the interface of this index; 0 leaves it to the system.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.ask(|hub, io| hub.join(io, Group::V6(*group, interface)))
    }
    /// Leaves a group that was joined so.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.0.ask(|hub, io| hub.leave(io, Group::V6(*group, interface)))
    }
}
