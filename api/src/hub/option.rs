//! Socket options, and the multicast groups a socket is a member of.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A socket option whose value is a number or a truth value (0 or 1). A hub that cannot honour one
/// returns [`Unsupported`](std::io::ErrorKind::Unsupported); none is taken and ignored.
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
    /// `TCP_INQ`.
    Inq,

    // IPv4.
    /// `IP_TTL`, 1 to 255.
    Ttl,
    /// `IP_TOS`.
    Tos,
    /// `IP_RECVTOS`.
    RecvTos,
    /// `IP_PKTINFO`.
    PacketInfoV4,
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
    /// `IPV6_RECVPKTINFO`.
    PacketInfoV6,
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

/// The protocol that an option belongs to, which is how setsockopt(2) is told whom it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// `SOL_SOCKET`: any socket.
    Socket,
    /// `IPPROTO_TCP`.
    Tcp,
    /// `IPPROTO_IP`.
    V4,
    /// `IPPROTO_IPV6`.
    V6,
}

impl Opt {
    /// Every option, in the order in which they are declared.
    ///
    /// An option is added here and to the enum; what each hub makes of it, and what a program of
    /// `cargo xtask conform` calls it, does not compile, or fails a test by name, until it is said.
    pub const ALL: &[Opt] = &[
        // Any socket.
        Opt::ReuseAddress,
        Opt::ReusePort,
        Opt::SendBuffer,
        Opt::RecvBuffer,
        Opt::Linger,
        Opt::Broadcast,
        Opt::KeepAlive,
        Opt::UrgentInline,
        Opt::PassCredentials,
        Opt::Priority,
        Opt::Mark,
        Opt::IncomingCpu,
        Opt::BusyPoll,
        Opt::IsListener,
        Opt::Domain,
        Opt::Type,
        Opt::Protocol,
        // TCP.
        Opt::NoDelay,
        Opt::KeepIdle,
        Opt::KeepInterval,
        Opt::KeepCount,
        Opt::UserTimeout,
        Opt::UnsentLowWater,
        Opt::MaxSegment,
        Opt::Cork,
        Opt::QuickAck,
        Opt::ThinLinearTimeouts,
        Opt::Inq,
        // IPv4.
        Opt::Ttl,
        Opt::Tos,
        Opt::RecvTos,
        Opt::PacketInfoV4,
        Opt::FreeBind,
        Opt::Transparent,
        Opt::MulticastLoop,
        Opt::MulticastTtl,
        Opt::MulticastAll,
        Opt::MulticastInterface,
        // IPv6.
        Opt::OnlyV6,
        Opt::HopsV6,
        Opt::TrafficClassV6,
        Opt::RecvTrafficClassV6,
        Opt::RecvHopLimitV6,
        Opt::PacketInfoV6,
        Opt::FreeBindV6,
        Opt::TransparentV6,
        Opt::MulticastLoopV6,
        Opt::MulticastHopsV6,
        Opt::MulticastAllV6,
        Opt::MulticastInterfaceV6,
    ];

    /// As the system's headers name it.
    pub const fn name(self) -> &'static str {
        self.spec().0
    }

    /// The protocol it belongs to.
    pub const fn level(self) -> Level {
        self.spec().1
    }

    const fn spec(self) -> (&'static str, Level) {
        use Level::{Socket, Tcp, V4, V6};
        match self {
            Opt::ReuseAddress => ("SO_REUSEADDR", Socket),
            Opt::ReusePort => ("SO_REUSEPORT", Socket),
            Opt::SendBuffer => ("SO_SNDBUF", Socket),
            Opt::RecvBuffer => ("SO_RCVBUF", Socket),
            Opt::Linger => ("SO_LINGER", Socket),
            Opt::Broadcast => ("SO_BROADCAST", Socket),
            Opt::KeepAlive => ("SO_KEEPALIVE", Socket),
            Opt::UrgentInline => ("SO_OOBINLINE", Socket),
            Opt::PassCredentials => ("SO_PASSCRED", Socket),
            Opt::Priority => ("SO_PRIORITY", Socket),
            Opt::Mark => ("SO_MARK", Socket),
            Opt::IncomingCpu => ("SO_INCOMING_CPU", Socket),
            Opt::BusyPoll => ("SO_BUSY_POLL", Socket),
            Opt::IsListener => ("SO_ACCEPTCONN", Socket),
            Opt::Domain => ("SO_DOMAIN", Socket),
            Opt::Type => ("SO_TYPE", Socket),
            Opt::Protocol => ("SO_PROTOCOL", Socket),
            Opt::NoDelay => ("TCP_NODELAY", Tcp),
            Opt::KeepIdle => ("TCP_KEEPIDLE", Tcp),
            Opt::KeepInterval => ("TCP_KEEPINTVL", Tcp),
            Opt::KeepCount => ("TCP_KEEPCNT", Tcp),
            Opt::UserTimeout => ("TCP_USER_TIMEOUT", Tcp),
            Opt::UnsentLowWater => ("TCP_NOTSENT_LOWAT", Tcp),
            Opt::MaxSegment => ("TCP_MAXSEG", Tcp),
            Opt::Cork => ("TCP_CORK", Tcp),
            Opt::QuickAck => ("TCP_QUICKACK", Tcp),
            Opt::ThinLinearTimeouts => ("TCP_THIN_LINEAR_TIMEOUTS", Tcp),
            Opt::Inq => ("TCP_INQ", Tcp),
            Opt::Ttl => ("IP_TTL", V4),
            Opt::Tos => ("IP_TOS", V4),
            Opt::RecvTos => ("IP_RECVTOS", V4),
            Opt::PacketInfoV4 => ("IP_PKTINFO", V4),
            Opt::FreeBind => ("IP_FREEBIND", V4),
            Opt::Transparent => ("IP_TRANSPARENT", V4),
            Opt::MulticastLoop => ("IP_MULTICAST_LOOP", V4),
            Opt::MulticastTtl => ("IP_MULTICAST_TTL", V4),
            Opt::MulticastAll => ("IP_MULTICAST_ALL", V4),
            Opt::MulticastInterface => ("IP_MULTICAST_IF", V4),
            Opt::OnlyV6 => ("IPV6_V6ONLY", V6),
            Opt::HopsV6 => ("IPV6_UNICAST_HOPS", V6),
            Opt::TrafficClassV6 => ("IPV6_TCLASS", V6),
            Opt::RecvTrafficClassV6 => ("IPV6_RECVTCLASS", V6),
            Opt::RecvHopLimitV6 => ("IPV6_RECVHOPLIMIT", V6),
            Opt::PacketInfoV6 => ("IPV6_RECVPKTINFO", V6),
            Opt::FreeBindV6 => ("IPV6_FREEBIND", V6),
            Opt::TransparentV6 => ("IPV6_TRANSPARENT", V6),
            Opt::MulticastLoopV6 => ("IPV6_MULTICAST_LOOP", V6),
            Opt::MulticastHopsV6 => ("IPV6_MULTICAST_HOPS", V6),
            Opt::MulticastAllV6 => ("IPV6_MULTICAST_ALL", V6),
            Opt::MulticastInterfaceV6 => ("IPV6_MULTICAST_IF", V6),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_in_the_list() {
        let (_, declared) = include_str!("option.rs").split_once("pub enum Opt {").unwrap();
        let (declared, _) = declared.split_once("\n}\n").unwrap();
        let declared = declared.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        let declared: Vec<&str> = declared.filter_map(|line| line.strip_suffix(',')).collect();
        let listed: Vec<String> = Opt::ALL.iter().map(|option| format!("{option:?}")).collect();
        assert_eq!(listed, declared);
    }

    #[test]
    fn a_name_tells_the_level() {
        for option in Opt::ALL {
            let prefix = match option.level() {
                Level::Socket => "SO_",
                Level::Tcp => "TCP_",
                Level::V4 => "IP_",
                Level::V6 => "IPV6_",
            };
            assert!(option.name().starts_with(prefix), "{option:?}");
        }
    }
}
