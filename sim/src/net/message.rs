//! sendmsg(2) and recvmsg(2): bytes with an address, flags and control data, on whatever socket.

#[cfg(test)]
mod tests;

use std::io::{self, IoSliceMut};
use std::net::IpAddr;

use greenroom::hub::{
    Address, Ask, Control, Io, Message, Opt, PacketInfoV4, PacketInfoV6, Received, RecvFlags,
    gather, scatter,
};

use crate::id::SocketId;
use crate::net::udp::{self, Letting};
use crate::net::unix::{self, rights};
use crate::net::{address, connection, datagram, interface, stream};
use crate::socket::Proto;
use crate::world::World;

pub(crate) fn send(
    world: &mut World,
    io: Io,
    id: SocketId,
    message: &Message<'_>,
) -> io::Result<usize> {
    world.proto(id)?;
    let most = datagram::check_pieces(world, io, message.bufs.len())?;
    let buf = gather(&message.bufs[..most]);
    match &world.sockets[id].proto {
        Proto::Unix(_) => {
            let passed = message.control.iter().filter_map(|control| match control {
                Control::Rights(ios) => Some(ios.as_slice()),
                _ => None,
            });
            let rights = rights::wanted(world, &passed.collect::<Vec<_>>().concat())?;
            unix::send(world, io, id, &buf, message.to, &rights)
        }
        Proto::Udp(_) => {
            let letting = Letting { to: message.to, control: message.control, more: message.more };
            udp::send(world, io, id, &buf, &letting)
        }
        _ => {
            // It holds back what is written from here on.
            if message.more {
                connection::send_written(world, id);
            }
            stream::send_message(world, io, id, &buf, message.more, message.end_of_record)
        }
    }
}

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    id: SocketId,
    bufs: &mut [IoSliceMut<'_>],
    ask: Ask,
) -> io::Result<Received> {
    world.proto(id)?;
    let most = datagram::check_pieces(world, io, bufs.len())?;
    let bufs = &mut bufs[..most];
    let mut buf = vec![0; bufs.iter().map(|buf| buf.len()).sum()];
    let received = match &world.sockets[id].proto {
        Proto::Unix(_) => recv_unix(world, io, id, &mut buf, ask),
        Proto::Udp(_) => recv_udp(world, io, id, &mut buf, ask),
        _ => recv_stream(world, io, id, &mut buf, ask),
    }?;
    scatter(&buf[..received.length], bufs);
    Ok(received)
}

fn recv_unix(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    ask: Ask,
) -> io::Result<Received> {
    let (taken, from) = unix::recv_all(world, io, id, buf, ask.take)?;
    let mut flags = RecvFlags::default().with(libc::MSG_TRUNC, taken.whole > taken.length);
    let mut control = Vec::new();
    if !taken.rights.is_empty() && ask.control {
        let (landed, is_all) = rights::land(world, id, taken.rights);
        flags = flags.with(libc::MSG_CTRUNC, !is_all);
        control.extend((!landed.is_empty()).then_some(Control::Rights(landed)));
    } else {
        flags = flags.with(libc::MSG_CTRUNC, !taken.rights.is_empty());
        world.discarded.extend(taken.rights);
    }
    Ok(Received { length: taken.length, from, flags, control })
}

fn recv_udp(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    ask: Ask,
) -> io::Result<Received> {
    let taken = udp::recv(world, io, id, buf, ask.take)?;
    let mut control = Vec::new();
    if let Some((to, number)) = taken.came {
        let socket = &world.sockets[id];
        let number = if to.is_ipv6() || taken.is_described { number } else { 0 };
        if socket.options.get(Opt::PacketInfoV6) != 0 {
            let address = match to {
                IpAddr::V4(to) => to.to_ipv6_mapped(),
                IpAddr::V6(to) => to,
            };
            let info = PacketInfoV6 { address, interface: number };
            control.push(Control::PacketInfoV6(info));
        }
        if let (IpAddr::V4(destination), true) = (to, socket.options.get(Opt::PacketInfoV4) != 0) {
            let local = interface::local_of(world, socket.host, destination, number);
            let info = PacketInfoV4 { interface: number, local, destination };
            control.push(Control::PacketInfoV4(info));
        }
    }
    let flags = RecvFlags::default().with(libc::MSG_TRUNC, taken.whole > taken.length);
    let from = address::shown(world, id, taken.from).into();
    Ok(fitting(Received { length: taken.length, from, flags, control }, ask))
}

fn recv_stream(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    ask: Ask,
) -> io::Result<Received> {
    let length = stream::recv(world, io, id, buf, ask.take)?;
    let mut control = Vec::new();
    let socket = &world.sockets[id];
    if let (Proto::Stream(connection), 1) = (&socket.proto, socket.options.get(Opt::Inq)) {
        control.push(Control::Unread(connection.unread()));
    }
    // Who a stream comes from is known: the system names nobody (linux-truth 61).
    let (from, flags) = (Address::unnamed(), RecvFlags::default());
    Ok(fitting(Received { length, from, flags, control }, ask))
}

/// Without room for control data it is lost, and that is said.
fn fitting(mut received: Received, ask: Ask) -> Received {
    if !ask.control && !received.control.is_empty() {
        received.control.clear();
        received.flags = received.flags.with(libc::MSG_CTRUNC, true);
    }
    received
}
