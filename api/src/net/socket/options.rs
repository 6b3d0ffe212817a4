//! The options of a [`Socket`], by the layer they belong to.
//!
//! Each is asked for and set by socket2's name of it. On a hub that cannot honour one both answer
//! [`Unsupported`](io::ErrorKind::Unsupported); none is taken and ignored. On the wrong kind of
//! socket the error is the system's, `ENOPROTOOPT` or `EOPNOTSUPP`.

use std::ffi::c_int;
use std::io;
use std::time::Duration;

use super::{Domain, Protocol, Socket, TcpKeepalive, Type};
use crate::hub::{Group, NameOpt, Opt};
use crate::net::{Ipv4Addr, Ipv6Addr};

/// Options of any socket (`SOL_SOCKET`).
impl Socket {
    /// The family it was made as (`SO_DOMAIN`).
    pub fn domain(&self) -> io::Result<Domain> {
        Ok(Domain::from(self.0.get(Opt::Domain)? as i32))
    }
    /// The type it was made as (`SO_TYPE`).
    pub fn r#type(&self) -> io::Result<Type> {
        Ok(Type::from(self.0.get(Opt::Type)? as i32))
    }
    /// The protocol it speaks (`SO_PROTOCOL`); none in the Unix domain.
    pub fn protocol(&self) -> io::Result<Option<Protocol>> {
        let number = self.0.get(Opt::Protocol)? as i32;
        Ok((number != 0).then(|| Protocol::from(number)))
    }
    /// Whether it listens (`SO_ACCEPTCONN`).
    pub fn is_listener(&self) -> io::Result<bool> {
        self.0.flag(Opt::IsListener)
    }

    /// Whether it may be bound to an address that closed connections still hold (`SO_REUSEADDR`).
    pub fn reuse_address(&self) -> io::Result<bool> {
        self.0.flag(Opt::ReuseAddress)
    }
    /// Sets whether it may be bound to an address that closed connections still hold (`SO_REUSEADDR`).
    pub fn set_reuse_address(&self, reuse: bool) -> io::Result<()> {
        self.0.set(Opt::ReuseAddress, reuse.into())
    }

    /// Whether several sockets may be bound to one address and share what comes (`SO_REUSEPORT`).
    pub fn reuse_port(&self) -> io::Result<bool> {
        self.0.flag(Opt::ReusePort)
    }
    /// Sets whether several sockets may be bound to one address and share what comes (`SO_REUSEPORT`).
    pub fn set_reuse_port(&self, reuse: bool) -> io::Result<()> {
        self.0.set(Opt::ReusePort, reuse.into())
    }

    /// How many bytes may wait to be sent (`SO_SNDBUF`). Linux counts what it adds itself:
    /// twice what was asked for.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        Ok(self.0.get(Opt::SendBuffer)? as usize)
    }
    /// Sets how many bytes may wait to be sent (`SO_SNDBUF`).
    pub fn set_send_buffer_size(&self, size: usize) -> io::Result<()> {
        self.0.set(Opt::SendBuffer, u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// How many bytes may wait to be received (`SO_RCVBUF`). Linux counts what it adds
    /// itself: twice what was asked for.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        Ok(self.0.get(Opt::RecvBuffer)? as usize)
    }
    /// Sets how many bytes may wait to be received (`SO_RCVBUF`).
    pub fn set_recv_buffer_size(&self, size: usize) -> io::Result<()> {
        self.0.set(Opt::RecvBuffer, u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// How long a close goes on for bytes that are not sent (`SO_LINGER`); `None` is the system's own
    /// way, in the background.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        let seconds = self.0.get(Opt::Linger)?.checked_sub(1);
        Ok(seconds.map(|seconds| Duration::from_secs(seconds.into())))
    }
    /// Sets how long a close goes on for bytes that are not sent (`SO_LINGER`), in whole seconds.
    /// Zero has the close throw them away and reset the connection.
    ///
    /// Closing never holds the greenlet up, nor its hub: a real socket lingers on a thread of its
    /// own, which a process that ends does not wait for. The system sends what is left all the same.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.0.set(Opt::Linger, linger.map_or(0, |time| whole_seconds(time) + 1))
    }

    /// Whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    pub fn broadcast(&self) -> io::Result<bool> {
        self.0.flag(Opt::Broadcast)
    }
    /// Sets whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.0.set(Opt::Broadcast, broadcast.into())
    }

    /// Whether an idle connection is asked whether it still stands (`SO_KEEPALIVE`).
    pub fn keepalive(&self) -> io::Result<bool> {
        self.0.flag(Opt::KeepAlive)
    }
    /// Sets whether an idle connection is asked whether it still stands (`SO_KEEPALIVE`).
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.0.set(Opt::KeepAlive, keepalive.into())
    }

    /// Whether urgent bytes are among the others (`SO_OOBINLINE`).
    pub fn out_of_band_inline(&self) -> io::Result<bool> {
        self.0.flag(Opt::UrgentInline)
    }
    /// Sets whether urgent bytes are among the others (`SO_OOBINLINE`).
    pub fn set_out_of_band_inline(&self, inline: bool) -> io::Result<()> {
        self.0.set(Opt::UrgentInline, inline.into())
    }

    /// Whether messages say which process sent them (`SO_PASSCRED`).
    pub fn passcred(&self) -> io::Result<bool> {
        self.0.flag(Opt::PassCredentials)
    }
    /// Sets whether messages say which process sent them (`SO_PASSCRED`).
    pub fn set_passcred(&self, passcred: bool) -> io::Result<()> {
        self.0.set(Opt::PassCredentials, passcred.into())
    }

    /// How much its packets matter to the queues of this host (`SO_PRIORITY`).
    pub fn priority(&self) -> io::Result<u32> {
        self.0.get(Opt::Priority)
    }
    /// Sets how much its packets matter to the queues of this host (`SO_PRIORITY`).
    pub fn set_priority(&self, priority: u32) -> io::Result<()> {
        self.0.set(Opt::Priority, priority)
    }

    /// What its packets are marked with, for routing and filters (`SO_MARK`).
    pub fn mark(&self) -> io::Result<u32> {
        self.0.get(Opt::Mark)
    }
    /// Sets what its packets are marked with, for routing and filters (`SO_MARK`). It
    /// takes a privilege.
    pub fn set_mark(&self, mark: u32) -> io::Result<()> {
        self.0.set(Opt::Mark, mark)
    }

    /// The processor its packets are handled on (`SO_INCOMING_CPU`); `usize::MAX`, which is -1 to
    /// the system, where none is known yet.
    pub fn cpu_affinity(&self) -> io::Result<usize> {
        Ok(self.0.get(Opt::IncomingCpu)? as c_int as usize)
    }
    /// Sets the processor its packets are to be handled on (`SO_INCOMING_CPU`).
    pub fn set_cpu_affinity(&self, cpu: usize) -> io::Result<()> {
        self.0.set(Opt::IncomingCpu, u32::try_from(cpu).unwrap_or(u32::MAX))
    }

    /// How many microseconds a receive asks the device before it waits (`SO_BUSY_POLL`).
    pub fn busy_poll(&self) -> io::Result<u32> {
        self.0.get(Opt::BusyPoll)
    }
    /// Sets how many microseconds a receive asks the device before it waits (`SO_BUSY_POLL`).
    pub fn set_busy_poll(&self, busy_poll: u32) -> io::Result<()> {
        self.0.set(Opt::BusyPoll, busy_poll)
    }

    /// The network interface it is bound to, by name (`SO_BINDTODEVICE`).
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        let name = self.0.ask(|hub, io| hub.name_option(io, NameOpt::Device))?;
        Ok(Some(name).filter(|name| !name.is_empty()))
    }
    /// Binds it to a network interface by name, or to none (`SO_BINDTODEVICE`).
    pub fn bind_device(&self, interface: Option<&[u8]>) -> io::Result<()> {
        let name = interface.unwrap_or_default();
        self.0.ask(|hub, io| hub.set_name_option(io, NameOpt::Device, name))
    }
}

/// Options of TCP (`IPPROTO_TCP`).
impl Socket {
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub fn tcp_nodelay(&self) -> io::Result<bool> {
        self.0.flag(Opt::NoDelay)
    }
    /// Sets whether small writes are sent at once (`TCP_NODELAY`).
    pub fn set_tcp_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set(Opt::NoDelay, nodelay.into())
    }

    /// How long an idle connection is quiet before it is asked whether it stands (`TCP_KEEPIDLE`).
    pub fn tcp_keepalive_time(&self) -> io::Result<Duration> {
        Ok(Duration::from_secs(self.0.get(Opt::KeepIdle)?.into()))
    }
    /// How long the answer to that is waited for (`TCP_KEEPINTVL`).
    pub fn tcp_keepalive_interval(&self) -> io::Result<Duration> {
        Ok(Duration::from_secs(self.0.get(Opt::KeepInterval)?.into()))
    }
    /// After how many unanswered questions the connection is given up (`TCP_KEEPCNT`).
    pub fn tcp_keepalive_retries(&self) -> io::Result<u32> {
        self.0.get(Opt::KeepCount)
    }
    /// Has an idle connection asked whether it still stands (`SO_KEEPALIVE`), so.
    ///
    /// # Errors
    ///
    /// `EINVAL` for what the system does not take, such as less than a second.
    pub fn set_tcp_keepalive(&self, params: &TcpKeepalive) -> io::Result<()> {
        self.set_keepalive(true)?;
        if let Some(time) = params.time {
            self.0.set(Opt::KeepIdle, whole_seconds(time))?;
        }
        if let Some(interval) = params.interval {
            self.0.set(Opt::KeepInterval, whole_seconds(interval))?;
        }
        if let Some(retries) = params.retries {
            self.0.set(Opt::KeepCount, retries)?;
        }
        Ok(())
    }

    /// How long sent bytes may go unacknowledged before the connection is given up
    /// (`TCP_USER_TIMEOUT`); `None` is the system's own.
    pub fn tcp_user_timeout(&self) -> io::Result<Option<Duration>> {
        let milliseconds = self.0.get(Opt::UserTimeout)?;
        Ok((milliseconds != 0).then(|| Duration::from_millis(milliseconds.into())))
    }
    /// Sets how long sent bytes may go unacknowledged before the connection is given up
    /// (`TCP_USER_TIMEOUT`), in whole milliseconds.
    ///
    /// # Errors
    ///
    /// `EINVAL` for more than `i32::MAX` of them, which Linux refuses.
    pub fn set_tcp_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let milliseconds = timeout.map_or(0, |time| time.as_millis().min(u32::MAX.into()) as u32);
        self.0.set(Opt::UserTimeout, milliseconds)
    }

    /// How many unsent bytes make the socket not writable (`TCP_NOTSENT_LOWAT`).
    pub fn tcp_notsent_lowat(&self) -> io::Result<u32> {
        self.0.get(Opt::UnsentLowWater)
    }
    /// Sets how many unsent bytes make the socket not writable (`TCP_NOTSENT_LOWAT`).
    pub fn set_tcp_notsent_lowat(&self, lowat: u32) -> io::Result<()> {
        self.0.set(Opt::UnsentLowWater, lowat)
    }

    /// How many bytes a segment holds at most (`TCP_MAXSEG`).
    pub fn tcp_mss(&self) -> io::Result<u32> {
        self.0.get(Opt::MaxSegment)
    }
    /// Sets how many bytes a segment holds at most (`TCP_MAXSEG`).
    pub fn set_tcp_mss(&self, mss: u32) -> io::Result<()> {
        self.0.set(Opt::MaxSegment, mss)
    }

    /// Whether only full segments are sent (`TCP_CORK`).
    pub fn tcp_cork(&self) -> io::Result<bool> {
        self.0.flag(Opt::Cork)
    }
    /// Sets whether only full segments are sent (`TCP_CORK`).
    pub fn set_tcp_cork(&self, cork: bool) -> io::Result<()> {
        self.0.set(Opt::Cork, cork.into())
    }

    /// Whether what arrives is acknowledged at once (`TCP_QUICKACK`).
    pub fn tcp_quickack(&self) -> io::Result<bool> {
        self.0.flag(Opt::QuickAck)
    }
    /// Sets whether what arrives is acknowledged at once (`TCP_QUICKACK`). The system
    /// returns to its own judgement.
    pub fn set_tcp_quickack(&self, quickack: bool) -> io::Result<()> {
        self.0.set(Opt::QuickAck, quickack.into())
    }

    /// Whether a thin stream repeats what was lost at even intervals (`TCP_THIN_LINEAR_TIMEOUTS`).
    pub fn tcp_thin_linear_timeouts(&self) -> io::Result<bool> {
        self.0.flag(Opt::ThinLinearTimeouts)
    }
    /// Sets whether a thin stream repeats what was lost at even intervals (`TCP_THIN_LINEAR_TIMEOUTS`).
    pub fn set_tcp_thin_linear_timeouts(&self, timeouts: bool) -> io::Result<()> {
        self.0.set(Opt::ThinLinearTimeouts, timeouts.into())
    }

    /// The congestion control in use, by name (`TCP_CONGESTION`).
    pub fn tcp_congestion(&self) -> io::Result<Vec<u8>> {
        self.0.ask(|hub, io| hub.name_option(io, NameOpt::Congestion))
    }
    /// Sets the congestion control, by name (`TCP_CONGESTION`).
    ///
    /// # Errors
    ///
    /// `NotFound` for one the system does not have; `PermissionDenied` for one it keeps to itself.
    pub fn set_tcp_congestion(&self, tcp_ca_name: &[u8]) -> io::Result<()> {
        self.0.ask(|hub, io| hub.set_name_option(io, NameOpt::Congestion, tcp_ca_name))
    }
}

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

/// Whole seconds, as many as the system's numbers hold.
fn whole_seconds(time: Duration) -> u32 {
    time.as_secs().min(i32::MAX as u64) as u32
}
