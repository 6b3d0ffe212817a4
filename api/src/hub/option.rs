//! Socket options, and the multicast groups a socket is a member of.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A socket option whose value is a number or a truth value (0 or 1). A hub that cannot honour one
/// answers [`Unsupported`](std::io::ErrorKind::Unsupported); none is taken and ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opt {
    // Any socket.
    /// `SO_REUSEADDR`.
    ReuseAddress,
    /// `SO_REUSEPORT`.
    ReusePort,
    /// `SO_SNDBUF`, in bytes.
    SendBuffer,
    /// `SO_RCVBUF`, in bytes.
    RecvBuffer,
    /// `SO_LINGER`: 0 is off, else seconds + 1.
    Linger,
    /// `SO_BROADCAST`.
    Broadcast,
    /// `SO_KEEPALIVE`.
    KeepAlive,
    /// `SO_OOBINLINE`.
    UrgentInline,
    /// `SO_PASSCRED`.
    PassCredentials,
    /// `SO_PRIORITY`.
    Priority,
    /// `SO_MARK`.
    Mark,
    /// `SO_INCOMING_CPU`.
    IncomingCpu,
    /// `SO_BUSY_POLL`, in microseconds.
    BusyPoll,
    /// `SO_ACCEPTCONN`; it is only asked for.
    IsListener,
    /// `SO_DOMAIN`, as the system numbers them; it is only asked for.
    Domain,
    /// `SO_TYPE`, as the system numbers them; it is only asked for.
    Type,
    /// `SO_PROTOCOL`, as the system numbers them; it is only asked for.
    Protocol,

    // TCP.
    /// `TCP_NODELAY`.
    NoDelay,
    /// `TCP_KEEPIDLE`, in seconds.
    KeepIdle,
    /// `TCP_KEEPINTVL`, in seconds.
    KeepInterval,
    /// `TCP_KEEPCNT`.
    KeepCount,
    /// `TCP_USER_TIMEOUT`, in milliseconds; 0 is the system's own.
    UserTimeout,
    /// `TCP_NOTSENT_LOWAT`, in bytes.
    UnsentLowWater,
    /// `TCP_MAXSEG`, in bytes.
    MaxSegment,
    /// `TCP_CORK`.
    Cork,
    /// `TCP_QUICKACK`.
    QuickAck,
    /// `TCP_THIN_LINEAR_TIMEOUTS`.
    ThinLinearTimeouts,

    // IPv4.
    /// `IP_TTL`, 1 to 255.
    Ttl,
    /// `IP_TOS`.
    Tos,
    /// `IP_RECVTOS`.
    RecvTos,
    /// `IP_FREEBIND`.
    FreeBind,
    /// `IP_TRANSPARENT`.
    Transparent,
    /// `IP_MULTICAST_LOOP`.
    MulticastLoop,
    /// `IP_MULTICAST_TTL`.
    MulticastTtl,
    /// `IP_MULTICAST_ALL`.
    MulticastAll,
    /// `IP_MULTICAST_IF`: the interface's address as a number, high byte first.
    MulticastInterface,

    // IPv6.
    /// `IPV6_V6ONLY`.
    OnlyV6,
    /// `IPV6_UNICAST_HOPS`.
    HopsV6,
    /// `IPV6_TCLASS`.
    TrafficClassV6,
    /// `IPV6_RECVTCLASS`.
    RecvTrafficClassV6,
    /// `IPV6_RECVHOPLIMIT`.
    RecvHopLimitV6,
    /// `IPV6_FREEBIND`.
    FreeBindV6,
    /// `IPV6_TRANSPARENT`.
    TransparentV6,
    /// `IPV6_MULTICAST_LOOP`.
    MulticastLoopV6,
    /// `IPV6_MULTICAST_HOPS`.
    MulticastHopsV6,
    /// `IPV6_MULTICAST_ALL`.
    MulticastAllV6,
    /// `IPV6_MULTICAST_IF`: the interface's index.
    MulticastInterfaceV6,
}

/// A socket option whose value is a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameOpt {
    /// `SO_BINDTODEVICE`; empty is any.
    Device,
    /// `TCP_CONGESTION`.
    Congestion,
}

/// A multicast group, and the interface it is heard on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// IPv4, on the interface of this address; the unspecified one leaves it to the system.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv4, on the interface of this index; 0 leaves it to the system.
    V4At(Ipv4Addr, u32),
    /// IPv4, from this source only, on the interface of this address.
    V4From {
        /// The group.
        group: Ipv4Addr,
        /// Who is heard.
        source: Ipv4Addr,
        /// The interface's address.
        interface: Ipv4Addr,
    },
    /// IPv6, on the interface of this index; 0 leaves it to the system.
    V6(Ipv6Addr, u32),
}
