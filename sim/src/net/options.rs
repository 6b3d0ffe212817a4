//! getsockopt(2) and setsockopt(2). What each option does is in `socket/options/table.rs`.

#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::io;
use std::net::Ipv4Addr;

use greenroom::hub::{Domain, Kind, Level, NameOpt, Opt, unsupported};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::{connection, interface, outgoing, readiness};
use crate::socket::options::table::{Field, Identity, Row, row};
use crate::socket::options::{CONGESTION, Options, RECV_BUFFER, normal, prioritize};
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
    match (option.level(), &socket.proto) {
        (
            _,
            Proto::Pipe(_)
            | Proto::Query(_)
            | Proto::Job(_)
            | Proto::File(_)
            | Proto::FileCall(_)
            | Proto::Signal(_),
        ) => Err(errno(libc::ENOTSOCK)),
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

pub(crate) fn get(world: &World, id: SocketId, option: Opt) -> io::Result<u32> {
    let socket = &world.sockets[id];
    check_level(socket, option, Wish::Get)?;
    match row(option) {
        Row::Field(field, _) => Ok(field_of(socket, field)),
        Row::Kept(..) | Row::Flag(..) => Ok(kept(socket, option)),
        Row::Identity(identity) => Ok(identity_of(socket, identity)),
        Row::Refused(_) => Err(not_offered(option)),
    }
}

fn field_of(socket: &Socket, field: Field) -> u32 {
    let options = &socket.options;
    let (send_buffer, recv_buffer) = match &socket.proto {
        Proto::Unix(_) => (queue::SEND_BUFFER, RECV_BUFFER),
        Proto::Udp(_) => (RECV_BUFFER, RECV_BUFFER),
        Proto::Stream(connection) => connection.buffers(),
        _ => (Config::default().send_buffer, Config::default().recv_buffer),
    };
    match field {
        Field::ReuseAddress => options.reuse_address.into(),
        Field::ReusePort => options.reuse_port.into(),
        Field::OnlyV6 => options.only_v6.into(),
        Field::Linger => options.linger,
        Field::SendBuffer => options.send_buffer.unwrap_or(send_buffer),
        Field::RecvBuffer => options.recv_buffer.unwrap_or(recv_buffer),
    }
}

/// What was set, but for two that depend on what the socket is.
fn kept(socket: &Socket, option: Opt) -> u32 {
    let options = &socket.options;
    if let (Opt::MaxSegment, Proto::Stream(connection)) = (option, &socket.proto) {
        return connection.config().mss;
    }
    // Of IPv4's groups a socket of IPv6 hears those it joined.
    if option == Opt::MulticastAll && socket.domain == Domain::V6 {
        return options.find(option).unwrap_or_default();
    }
    options.get(option)
}

pub(crate) fn set(world: &mut World, id: SocketId, option: Opt, value: u32) -> io::Result<()> {
    check_level(&world.sockets[id], option, Wish::Set)?;
    check_multicast(world, id, option, value)?;
    // A cork, say, holds back what is written after it.
    connection::send_written(world, id);
    let socket = &mut world.sockets[id];
    let value = normal(option, value);
    let tos_before = socket.options.get(Opt::Tos);
    match row(option) {
        Row::Field(field, _) => set_field(socket, field, value)?,
        Row::Kept(_, range, _) if !range.contains(&value) => return Err(errno(libc::EINVAL)),
        Row::Kept(..) => socket.options.put(option, masked(&socket.proto, option, value)),
        Row::Flag(..) => socket.options.put(option, (value != 0).into()),
        Row::Identity(_) => return Err(errno(libc::ENOPROTOOPT)),
        Row::Refused(_) => return Err(not_offered(option)),
    }
    let options = &mut socket.options;
    if let Opt::Tos = option {
        prioritize(options, tos_before);
    }
    if let Proto::Stream(connection) = &mut socket.proto {
        connection.configure(options.config(connection.config().clone()));
        match (option, value) {
            (Opt::NoDelay, 1..) => connection.push(),
            (Opt::Cork, 0) => connection.let_out(),
            _ => {}
        }
        outgoing::mark_dirty(world, id);
    }
    // A larger buffer has room at once.
    readiness::tell(world, id);
    Ok(())
}

fn set_field(socket: &mut Socket, field: Field, value: u32) -> io::Result<()> {
    /// Linux keeps twice what is asked for, and no less than these (linux-truth 105).
    const BUFFERS_MIN: (u32, u32) = (4608, 2304);
    const BUFFER_MAX: u32 = 4 << 20;
    let is_bound = socket.is_bound();
    let is_unix = matches!(socket.proto, Proto::Unix(_));
    let options: &mut Options = &mut socket.options;
    match field {
        Field::ReuseAddress => options.reuse_address = value != 0,
        Field::ReusePort if value != 0 && is_unix => return Err(errno(libc::EOPNOTSUPP)),
        Field::ReusePort => options.reuse_port = value != 0,
        // Who has a port has promised what it hears (36).
        Field::OnlyV6 if is_bound => return Err(errno(libc::EINVAL)),
        Field::OnlyV6 => options.only_v6 = value != 0,
        Field::Linger => options.linger = value,
        Field::SendBuffer => {
            options.send_buffer = Some((value.min(BUFFER_MAX) * 2).max(BUFFERS_MIN.0));
        }
        Field::RecvBuffer => {
            options.recv_buffer = Some((value.min(BUFFER_MAX) * 2).max(BUFFERS_MIN.1));
        }
    }
    Ok(())
}

/// Options of multicast are refused to streams, and to interfaces that are not there.
fn check_multicast(world: &World, id: SocketId, option: Opt, value: u32) -> io::Result<()> {
    let socket = &world.sockets[id];
    let is_stream = !matches!(socket.proto, Proto::Udp(_));
    match option {
        Opt::MulticastTtl | Opt::MulticastInterface if is_stream => Err(errno(libc::EINVAL)),
        Opt::MulticastHopsV6 | Opt::MulticastInterfaceV6 if is_stream => {
            Err(errno(libc::ENOPROTOOPT))
        }
        Opt::MulticastInterface if !interface::has_interface(world, id, Ipv4Addr::from(value)) => {
            Err(errno(libc::EADDRNOTAVAIL))
        }
        Opt::MulticastInterfaceV6 if interface::of_number(world, socket.host, value).is_none() => {
            Err(errno(libc::ENODEV))
        }
        _ => Ok(()),
    }
}

pub(crate) fn get_name(world: &World, id: SocketId, option: NameOpt) -> io::Result<Vec<u8>> {
    check_name(world, id, option, Wish::Get)?;
    Ok(CONGESTION.to_vec())
}

pub(crate) fn set_name(
    world: &mut World,
    id: SocketId,
    option: NameOpt,
    name: &[u8],
) -> io::Result<()> {
    check_name(world, id, option, Wish::Set)?;
    match name {
        CONGESTION => Ok(()),
        [] => Err(errno(libc::EINVAL)),
        _ => Err(errno(libc::ENOENT)),
    }
}

fn check_name(world: &World, id: SocketId, option: NameOpt, wish: Wish) -> io::Result<()> {
    match option {
        // Of TCP's level as this one is.
        NameOpt::Congestion => check_level(&world.sockets[id], Opt::NoDelay, wish),
        NameOpt::Device => Err(not_offered(option)),
    }
}

/// What the socket is, in the system's numbers.
fn identity_of(socket: &Socket, identity: Identity) -> u32 {
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
    let number = match identity {
        Identity::IsListener => match &socket.proto {
            Proto::Listener(_) => 1,
            Proto::Unix(socket) => socket.is_listening().into(),
            _ => 0,
        },
        Identity::Domain => domain,
        Identity::Type => kind,
        Identity::Protocol => protocol,
    };
    number as u32
}

/// As the option is given back.
fn masked(proto: &Proto, option: Opt, value: u32) -> u32 {
    match proto {
        _ if !matches!(option, Opt::Tos | Opt::TrafficClassV6) => value,
        Proto::Udp(_) => value & 0xff,
        // The two low bits are TCP's own, for congestion.
        _ => value & 0xfc,
    }
}

fn not_offered(option: impl Debug) -> io::Error {
    unsupported(&format!("the option {option:?}"))
}
