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

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::io;
use std::net::Ipv4Addr;

use greenroom::hub::{Domain, Kind, NameOpt, Opt, unsupported};

use super::ports::is_bound;
use super::unix::queue;
use crate::id::SocketId;
use crate::tcp::{Config, Keepalive};
use crate::world::{Proto, Socket, World, errno};

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
const CONGESTION: &[u8] = b"reno";

/// Linux's `net.core.rmem_default`.
pub(super) const RECV_BUFFER: u32 = 212_992;

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

    fn find(&self, option: Opt) -> Option<u32> {
        self.set.iter().find(|(known, _)| *known == option).map(|&(_, value)| value)
    }
    pub(super) fn get(&self, option: Opt) -> u32 {
        self.find(option).unwrap_or_else(|| default_of(option))
    }
    fn put(&mut self, option: Opt, value: u32) {
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
fn range_of(option: Opt) -> Option<std::ops::RangeInclusive<u32>> {
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
fn is_flag(option: Opt) -> bool {
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

enum Level {
    Socket,
    Tcp,
    V4,
    V6,
}

fn level_of(option: Opt) -> Level {
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

/// What is done with an option. Linux refuses what it does not know in more than one way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    Get,
    Set,
}

/// Whether a socket of this kind knows the option at all (linux-truth 196).
fn check_level(socket: &Socket, option: Opt, wish: Wish) -> io::Result<()> {
    let is_v6 = socket.domain == Domain::V6;
    match (level_of(option), &socket.proto) {
        (_, Proto::Pipe(_) | Proto::Query(_) | Proto::Job(_) | Proto::Signal(_)) => {
            Err(errno(libc::ENOTSOCK))
        }
        (Level::Socket, _) => Ok(()),
        (_, Proto::Unix(_)) => Err(errno(libc::EOPNOTSUPP)),
        (Level::Tcp, Proto::Udp(_)) if wish == Wish::Get && !is_v6 => Err(errno(libc::EOPNOTSUPP)),
        (Level::Tcp, Proto::Udp(_)) => Err(errno(libc::ENOPROTOOPT)),
        (Level::V6, _) if is_v6 => Ok(()),
        (Level::V6, _) if wish == Wish::Get => Err(errno(libc::EOPNOTSUPP)),
        (Level::V6, _) => Err(errno(libc::ENOPROTOOPT)),
        (Level::Tcp | Level::V4, _) => Ok(()),
    }
}

impl World {
    pub(crate) fn get_option(&self, index: SocketId, option: Opt) -> io::Result<u32> {
        let socket = &self.sockets[index];
        let options = &socket.options;
        check_level(socket, option, Wish::Get)?;
        let (send_buffer, recv_buffer) = match &socket.proto {
            Proto::Unix(_) => (queue::SEND_BUFFER, RECV_BUFFER),
            Proto::Udp(_) => (RECV_BUFFER, RECV_BUFFER),
            Proto::Stream(connection) => connection.buffers(),
            _ => (Config::default().send_buffer, Config::default().recv_buffer),
        };
        Ok(match option {
            Opt::ReuseAddress => options.reuse_address.into(),
            Opt::ReusePort => options.reuse_port.into(),
            Opt::OnlyV6 => options.only_v6.into(),
            Opt::Linger => options.linger,
            Opt::SendBuffer => options.send_buffer.unwrap_or(send_buffer),
            Opt::RecvBuffer => options.recv_buffer.unwrap_or(recv_buffer),
            Opt::IsListener => match &socket.proto {
                Proto::Listener(_) => 1,
                Proto::Unix(socket) => socket.is_listening().into(),
                _ => 0,
            },
            Opt::Domain | Opt::Type | Opt::Protocol => identity(socket, option) as u32,
            Opt::MaxSegment => match &socket.proto {
                Proto::Stream(connection) => connection.config().mss,
                _ => options.get(option),
            },
            // Of IPv4's groups a socket of IPv6 hears those it joined.
            Opt::MulticastAll if socket.domain == Domain::V6 => {
                options.find(option).unwrap_or_default()
            }
            option if range_of(option).is_some() => options.get(option),
            _ => return Err(not_offered(option)),
        })
    }

    pub(crate) fn put_option(
        &mut self,
        index: SocketId,
        option: Opt,
        value: u32,
    ) -> io::Result<()> {
        /// Linux keeps twice what is asked for, and no less than these (linux-truth 105).
        const BUFFERS_MIN: (u32, u32) = (4608, 2304);
        const BUFFER_MAX: u32 = 4 << 20;
        check_level(&self.sockets[index], option, Wish::Set)?;
        self.check_multicast(index, option, value)?;
        let socket = &mut self.sockets[index];
        let is_bound = is_bound(socket);
        let options = &mut socket.options;
        let value = normal(option, value);
        let tos_before = options.get(Opt::Tos);
        match option {
            Opt::ReuseAddress => options.reuse_address = value != 0,
            Opt::ReusePort if value != 0 && matches!(socket.proto, Proto::Unix(_)) => {
                return Err(errno(libc::EOPNOTSUPP));
            }
            Opt::ReusePort => options.reuse_port = value != 0,
            // Who has a port has promised what it hears (36).
            Opt::OnlyV6 if is_bound => return Err(errno(libc::EINVAL)),
            Opt::OnlyV6 => options.only_v6 = value != 0,
            Opt::Linger => options.linger = value,
            Opt::SendBuffer => {
                options.send_buffer = Some((value.min(BUFFER_MAX) * 2).max(BUFFERS_MIN.0));
            }
            Opt::RecvBuffer => {
                options.recv_buffer = Some((value.min(BUFFER_MAX) * 2).max(BUFFERS_MIN.1));
            }
            Opt::IsListener | Opt::Domain | Opt::Type | Opt::Protocol => {
                return Err(errno(libc::ENOPROTOOPT));
            }
            option => match range_of(option) {
                None => return Err(not_offered(option)),
                Some(range) if !range.contains(&value) => return Err(errno(libc::EINVAL)),
                Some(_) => options.put(option, masked(&socket.proto, option, value)),
            },
        }
        if let Opt::Tos = option {
            prioritize(options, tos_before);
        }
        let options = &socket.options;
        if let Proto::Stream(connection) = &mut socket.proto {
            connection.configure(options.config(connection.config().clone()));
            // TCP_NODELAY lets out what waits.
            self.mark_dirty(index);
        }
        // A larger buffer has room at once.
        self.name_ready(index);
        Ok(())
    }

    /// Options of multicast are refused to streams, and to interfaces that are not there.
    fn check_multicast(&self, index: SocketId, option: Opt, value: u32) -> io::Result<()> {
        let socket = &self.sockets[index];
        let is_stream = !matches!(socket.proto, Proto::Udp(_));
        match option {
            Opt::MulticastTtl | Opt::MulticastInterface if is_stream => Err(errno(libc::EINVAL)),
            Opt::MulticastHopsV6 | Opt::MulticastInterfaceV6 if is_stream => {
                Err(errno(libc::ENOPROTOOPT))
            }
            Opt::MulticastInterface if !self.has_interface(index, Ipv4Addr::from(value)) => {
                Err(errno(libc::EADDRNOTAVAIL))
            }
            Opt::MulticastInterfaceV6 if self.interface_at(socket.host, value).is_none() => {
                Err(errno(libc::ENODEV))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn get_name_option(&self, index: SocketId, option: NameOpt) -> io::Result<Vec<u8>> {
        self.check_name(index, option, Wish::Get)?;
        Ok(CONGESTION.to_vec())
    }

    pub(crate) fn put_name_option(
        &mut self,
        index: SocketId,
        option: NameOpt,
        name: &[u8],
    ) -> io::Result<()> {
        self.check_name(index, option, Wish::Set)?;
        match name {
            CONGESTION => Ok(()),
            [] => Err(errno(libc::EINVAL)),
            _ => Err(errno(libc::ENOENT)),
        }
    }

    fn check_name(&self, index: SocketId, option: NameOpt, wish: Wish) -> io::Result<()> {
        match option {
            // Of TCP's level as this one is.
            NameOpt::Congestion => check_level(&self.sockets[index], Opt::NoDelay, wish),
            NameOpt::Device => Err(not_offered(option)),
        }
    }
}

/// What the socket was made as, in the system's numbers.
fn identity(socket: &Socket, option: Opt) -> libc::c_int {
    let inet = if socket.domain == Domain::V6 { libc::AF_INET6 } else { libc::AF_INET };
    let (domain, kind, protocol) = match &socket.proto {
        Proto::Unix(socket) => match socket.kind() {
            Kind::Stream => (libc::AF_UNIX, libc::SOCK_STREAM, 0),
            Kind::Datagram => (libc::AF_UNIX, libc::SOCK_DGRAM, 0),
            Kind::SeqPacket => (libc::AF_UNIX, libc::SOCK_SEQPACKET, 0),
        },
        Proto::Udp(_) => (inet, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        _ => (inet, libc::SOCK_STREAM, libc::IPPROTO_TCP),
    };
    match option {
        Opt::Domain => domain,
        Opt::Type => kind,
        _ => protocol,
    }
}

/// A type of service that changes brings its priority with it.
fn prioritize(options: &mut Options, tos_before: u32) {
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
fn normal(option: Opt, value: u32) -> u32 {
    let asks = matches!(option, Opt::HopsV6 | Opt::MulticastHopsV6 | Opt::TrafficClassV6);
    if asks && value == u32::MAX { default_of(option) } else { value }
}

/// As the option is given back.
fn masked(proto: &Proto, option: Opt, value: u32) -> u32 {
    match (option, proto) {
        // The two low bits are TCP's own, for congestion.
        (Opt::Tos | Opt::TrafficClassV6, Proto::Udp(_)) => value & 0xff,
        (Opt::Tos | Opt::TrafficClassV6, _) => value & 0xfc,
        (option, _) if is_flag(option) => (value != 0).into(),
        _ => value,
    }
}

fn not_offered(option: impl Debug) -> io::Error {
    unsupported(&format!("the option {option:?}"))
}
