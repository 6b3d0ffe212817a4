//! Socket options: what is set is honoured, or cannot be seen by a program, or is refused.
//!
//! | option | here |
//! | --- | --- |
//! | `SO_REUSEADDR`, `SO_REUSEPORT` | honoured by bind, listen and delivery |
//! | `SO_SNDBUF`, `SO_RCVBUF` | honoured; UDP sends leave at once and never fill a buffer |
//! | `SO_LINGER` | off and zero seconds honoured; a close never waits |
//! | `SO_KEEPALIVE`, `TCP_KEEP*`, `TCP_USER_TIMEOUT` | honoured by TCP; elsewhere idle, as on Linux |
//! | `TCP_MAXSEG` | honoured for what this side sends; no program can see the rest |
//! | `SO_ACCEPTCONN`, `SO_DOMAIN`, `SO_TYPE`, `SO_PROTOCOL` | asked for only |
//! | `SO_BROADCAST`, `IP_MULTICAST_*`, `IPV6_MULTICAST_*` | honoured |
//! | `IPV6_V6ONLY` | honoured |
//! | `TCP_NODELAY`, `TCP_CORK`, `TCP_NOTSENT_LOWAT` | honoured |
//! | `TCP_CONGESTION` | `reno`, as of a system that has no other |
//! | `SO_OOBINLINE` | honoured by TCP and Unix streams; elsewhere idle, as on Linux |
//! | `TCP_QUICKACK` | on: no ACK waits from then on, where Linux forgets it in time |
//! | `SO_PRIORITY`, `IP_TOS`, `IPV6_TCLASS` | kept: a link's queue makes no difference between packets |
//! | `IP_RECVTOS`, `IPV6_RECVTCLASS`, `IPV6_RECVHOPLIMIT` | kept: no call gives out what they ask for |
//! | `IP_TTL`, `IPV6_UNICAST_HOPS` | kept: a link is one hop |
//! | of IPv4, on a socket of IPv6 | as on one of IPv4, and for what it does in IPv4 |
//! | of IPv6, on a socket of IPv4 | set, `ENOPROTOOPT`; asked for, `EOPNOTSUPP` |
//! | of a protocol that the socket does not have | `EOPNOTSUPP` |
//! | all others | `Unsupported`: a program could see that they do nothing |

use greenroom::hub::Opt;

use crate::tcp::{Config, Keepalive};

/// What was set with `setsockopt`.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    /// A socket of IPv6 takes no IPv4.
    pub(crate) only_v6: bool,
    /// Seconds + 1; 0 is off.
    pub(crate) linger: u32,
    pub(crate) send_buffer: Option<u32>,
    pub(crate) recv_buffer: Option<u32>,
    /// The rest, as it was set.
    set: Vec<(Opt, u32)>,
}

/// The congestion control by its name (RFC 6582).
pub(crate) const CONGESTION: &[u8] = b"reno";

/// Linux's `net.core.rmem_default`.
pub(crate) const RECV_BUFFER: u32 = 212_992;

impl Options {
    /// What TCP is told, where it was told `config` before.
    pub(crate) fn config(&self, config: Config) -> Config {
        const SECOND_NS: u64 = 1_000_000_000;
        const MS: u64 = 1_000_000;
        let ns = |option| u64::from(self.get(option)) * SECOND_NS;
        let keepalive = Keepalive {
            idle_ns: ns(Opt::KeepIdle),
            interval_ns: ns(Opt::KeepInterval),
            count: self.get(Opt::KeepCount),
        };
        let user_timeout = Some(self.get(Opt::UserTimeout)).filter(|&ms| ms > 0);
        let mss = self.find(Opt::MaxSegment);
        Config {
            nagle: self.get(Opt::NoDelay) == 0,
            cork: self.get(Opt::Cork) != 0,
            urgent_inline: self.get(Opt::UrgentInline) != 0,
            ack_delay_ns: if self.find(Opt::QuickAck) == Some(1) { 0 } else { config.ack_delay_ns },
            mss: mss.map_or(config.mss, |mss| mss.min(config.mss)),
            keepalive: (self.get(Opt::KeepAlive) != 0).then_some(keepalive),
            unsent_max: Some(self.get(Opt::UnsentLowWater)).filter(|&bytes| bytes > 0),
            user_timeout_ns: user_timeout.map(|ms| u64::from(ms) * MS),
            ..config
        }
        .with_buffers(self.send_buffer, self.recv_buffer)
    }

    pub(crate) fn find(&self, option: Opt) -> Option<u32> {
        self.set.iter().find(|(known, _)| *known == option).map(|&(_, value)| value)
    }
    pub(crate) fn get(&self, option: Opt) -> u32 {
        self.find(option).unwrap_or_else(|| default_of(option))
    }
    pub(crate) fn put(&mut self, option: Opt, value: u32) {
        match self.set.iter_mut().find(|(known, _)| *known == option) {
            Some((_, known)) => *known = value,
            None => self.set.push((option, value)),
        }
    }
}

/// Linux's defaults, of what is kept in a list.
fn default_of(option: Opt) -> u32 {
    match option {
        Opt::KeepIdle => 7200,
        Opt::KeepInterval => 75,
        Opt::KeepCount => 9,
        Opt::MaxSegment => 536,
        Opt::Ttl | Opt::HopsV6 => 64,
        Opt::QuickAck | Opt::MulticastLoop | Opt::MulticastTtl | Opt::MulticastAll => 1,
        Opt::MulticastLoopV6 | Opt::MulticastHopsV6 | Opt::MulticastAllV6 => 1,
        _ => 0,
    }
}

/// What Linux takes for an option that is kept in a list; `None` for those that are not offered.
pub(crate) fn range_of(option: Opt) -> Option<std::ops::RangeInclusive<u32>> {
    Some(match option {
        Opt::KeepIdle | Opt::KeepInterval => 1..=32_767,
        Opt::KeepCount => 1..=127,
        Opt::UserTimeout => 0..=i32::MAX as u32,
        Opt::MaxSegment => 88..=32_767,
        Opt::Ttl => 1..=255,
        // More takes a privilege.
        Opt::Priority => 0..=6,
        Opt::MulticastTtl | Opt::HopsV6 | Opt::MulticastHopsV6 | Opt::TrafficClassV6 => 0..=255,
        Opt::MulticastLoopV6 => 0..=1,
        Opt::MulticastInterfaceV6 => 0..=u32::MAX,
        Opt::Tos | Opt::MulticastInterface | Opt::UnsentLowWater => 0..=u32::MAX,
        option if is_flag(option) => 0..=u32::MAX,
        _ => return None,
    })
}

/// Kept in the list as 0 or 1.
pub(crate) fn is_flag(option: Opt) -> bool {
    matches!(
        option,
        Opt::KeepAlive
            | Opt::UrgentInline
            | Opt::NoDelay
            | Opt::Cork
            | Opt::QuickAck
            | Opt::RecvTos
            | Opt::Broadcast
            | Opt::MulticastLoop
            | Opt::MulticastAll
            | Opt::MulticastAllV6
            | Opt::RecvTrafficClassV6
            | Opt::RecvHopLimitV6
    )
}

pub(crate) enum Level {
    Socket,
    Tcp,
    V4,
    V6,
}

pub(crate) fn level_of(option: Opt) -> Level {
    match option {
        Opt::NoDelay
        | Opt::KeepIdle
        | Opt::KeepInterval
        | Opt::KeepCount
        | Opt::UserTimeout
        | Opt::UnsentLowWater
        | Opt::MaxSegment
        | Opt::Cork
        | Opt::QuickAck
        | Opt::ThinLinearTimeouts => Level::Tcp,
        Opt::Ttl
        | Opt::Tos
        | Opt::RecvTos
        | Opt::FreeBind
        | Opt::Transparent
        | Opt::MulticastLoop
        | Opt::MulticastTtl
        | Opt::MulticastAll
        | Opt::MulticastInterface => Level::V4,
        Opt::OnlyV6
        | Opt::HopsV6
        | Opt::TrafficClassV6
        | Opt::RecvTrafficClassV6
        | Opt::RecvHopLimitV6
        | Opt::FreeBindV6
        | Opt::TransparentV6
        | Opt::MulticastLoopV6
        | Opt::MulticastHopsV6
        | Opt::MulticastAllV6
        | Opt::MulticastInterfaceV6 => Level::V6,
        _ => Level::Socket,
    }
}

/// A type of service that changes brings its priority with it.
pub(crate) fn prioritize(options: &mut Options, tos_before: u32) {
    const BEST_EFFORT: u32 = 0;
    const BULK: u32 = 2;
    const INTERACTIVE: u32 = 6;
    const INTERACTIVE_BULK: u32 = 4;
    let tos = options.get(Opt::Tos);
    if tos != tos_before {
        let of = [BEST_EFFORT, BULK, INTERACTIVE, INTERACTIVE_BULK];
        options.put(Opt::Priority, of[(tos as usize >> 3) % of.len()]);
    }
}

/// -1 asks for the default, where IPv6 has numbers.
pub(crate) fn normal(option: Opt, value: u32) -> u32 {
    let asks = matches!(option, Opt::HopsV6 | Opt::MulticastHopsV6 | Opt::TrafficClassV6);
    if asks && value == u32::MAX { default_of(option) } else { value }
}
