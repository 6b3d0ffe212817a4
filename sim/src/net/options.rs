//! getsockopt(2) and setsockopt(2). What each option does is in `socket/options.rs`.

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::io;
use std::net::Ipv4Addr;

use greenroom::hub::{Domain, Kind, NameOpt, Opt, unsupported};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::{interface, outgoing, readiness};
use crate::socket::options::{
    CONGESTION, Level, RECV_BUFFER, is_flag, level_of, normal, prioritize, range_of,
};
use crate::socket::unix::queue;
use crate::socket::{Proto, Socket};
use crate::tcp::Config;
use crate::world::World;

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

pub(crate) fn get(world: &World, index: SocketId, option: Opt) -> io::Result<u32> {
    let socket = &world.sockets[index];
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

pub(crate) fn set(world: &mut World, index: SocketId, option: Opt, value: u32) -> io::Result<()> {
    /// Linux keeps twice what is asked for, and no less than these (linux-truth 105).
    const BUFFERS_MIN: (u32, u32) = (4608, 2304);
    const BUFFER_MAX: u32 = 4 << 20;
    check_level(&world.sockets[index], option, Wish::Set)?;
    check_multicast(world, index, option, value)?;
    let socket = &mut world.sockets[index];
    let is_bound = socket.is_bound();
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
        outgoing::mark_dirty(world, index);
    }
    // A larger buffer has room at once.
    readiness::tell(world, index);
    Ok(())
}

/// Options of multicast are refused to streams, and to interfaces that are not there.
fn check_multicast(world: &World, index: SocketId, option: Opt, value: u32) -> io::Result<()> {
    let socket = &world.sockets[index];
    let is_stream = !matches!(socket.proto, Proto::Udp(_));
    match option {
        Opt::MulticastTtl | Opt::MulticastInterface if is_stream => Err(errno(libc::EINVAL)),
        Opt::MulticastHopsV6 | Opt::MulticastInterfaceV6 if is_stream => {
            Err(errno(libc::ENOPROTOOPT))
        }
        Opt::MulticastInterface
            if !interface::has_interface(world, index, Ipv4Addr::from(value)) =>
        {
            Err(errno(libc::EADDRNOTAVAIL))
        }
        Opt::MulticastInterfaceV6 if interface::of_number(world, socket.host, value).is_none() => {
            Err(errno(libc::ENODEV))
        }
        _ => Ok(()),
    }
}

pub(crate) fn get_name(world: &World, index: SocketId, option: NameOpt) -> io::Result<Vec<u8>> {
    check_name(world, index, option, Wish::Get)?;
    Ok(CONGESTION.to_vec())
}

pub(crate) fn set_name(
    world: &mut World,
    index: SocketId,
    option: NameOpt,
    name: &[u8],
) -> io::Result<()> {
    check_name(world, index, option, Wish::Set)?;
    match name {
        CONGESTION => Ok(()),
        [] => Err(errno(libc::EINVAL)),
        _ => Err(errno(libc::ENOENT)),
    }
}

fn check_name(world: &World, index: SocketId, option: NameOpt, wish: Wish) -> io::Result<()> {
    match option {
        // Of TCP's level as this one is.
        NameOpt::Congestion => check_level(&world.sockets[index], Opt::NoDelay, wish),
        NameOpt::Device => Err(not_offered(option)),
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
