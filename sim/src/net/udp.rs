//! UDP's system calls: datagrams, whole or not at all, into a queue of bounded size.

use std::io;
use std::net::{IpAddr, SocketAddr};

use greenroom::hub::{Address, Control, Domain, Io, Readiness, Take, no_port};

use crate::errno::errno;
use crate::id::SocketId;
use crate::link::packet::Body;
use crate::net::interface::Way;
use crate::net::{address, interface, multicast, naming, outgoing, ports, readiness, route, way};
use crate::socket::Proto;
use crate::socket::address::any;
use crate::socket::mailbox::{Draft, cost_of};
use crate::socket::options::RECV_BUFFER;
use crate::trace::event::{Call, Wire};
use crate::world::World;
use crate::world::journal::Actor;

/// What UDP has a number for.
pub(crate) const LENGTH_MAX: usize = 65_535;

/// The most a datagram carries: 65 535 less two headers; of IPv6's, the first does not count
/// (linux-truth 177).
fn payload_max(to: SocketAddr) -> usize {
    const UDP: usize = 8;
    const V4: usize = 20;
    LENGTH_MAX - UDP - if to.is_ipv4() { V4 } else { 0 }
}

pub(crate) fn connect(world: &mut World, id: SocketId, peer: &Address) -> io::Result<()> {
    autobind(world, id).map_err(|_| errno(libc::EAGAIN))?;
    let socket = &world.sockets[id];
    if socket.options.only_v6 && matches!(peer, Address::Inet(SocketAddr::V4(_))) {
        return Err(errno(libc::EAFNOSUPPORT));
    }
    let peer = address::requested_peer(world, id, peer)?;
    address::check_peer_scope(world, id, peer)?;
    interface::may_broadcast(world, id, peer)?;
    let peer = match route::is_for_many(world, world.sockets[id].host, peer.ip()) {
        true => peer,
        false => address::reachable(world, id, peer)?,
    };
    ports::bind_towards(world, id, peer)?;
    naming::leads_to(world, id, peer);
    let socket = &mut world.sockets[id];
    socket.set_peer(peer, world.hosts[socket.host].owns(peer.ip()));
    let number = socket.number;
    world.record(Actor::Running, Call::Connect { socket: number, peer: peer.into() });
    Ok(())
}

/// One datagram, or what is a part of one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Letting<'a> {
    pub(crate) to: Option<&'a Address>,
    /// Which says how it is to leave.
    pub(crate) control: &'a [Control],
    /// More belongs to it (`MSG_MORE`).
    pub(crate) more: bool,
}

pub(crate) fn send(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &[u8],
    letting: &Letting<'_>,
) -> io::Result<usize> {
    autobind(world, id)?;
    check_length(world, id, buf.len())?;
    let mut draft = match draft(world, id, letting.to)? {
        Some(draft) => draft,
        None => begin(world, io, id, buf.len(), letting)?,
    };
    let to = draft.to;
    if draft.payload.len() + buf.len() > payload_max(to) {
        // What was there of it is lost too.
        return Err(errno(libc::EMSGSIZE));
    }
    let number = world.sockets[id].number;
    let (length, hash) = (buf.len() as u64, world.trace.payload(buf));
    let sent = Call::SendTo { socket: number, bytes: length, payload: hash, to: to.into() };
    world.record(Actor::Running, sent);
    draft.payload.extend_from_slice(buf);
    if letting.more {
        if let Proto::Udp(mailbox) = &mut world.sockets[id].proto {
            mailbox.draft = Some(Box::new(draft));
        }
        return Ok(buf.len());
    }
    leave(world, id, draft);
    Ok(buf.len())
}

/// What is being put together, if anything is: whom that goes to was said before. IPv6 looks at the
/// family of an address all the same, and one of IPv6 can't be ended by a send of IPv4.
fn draft(world: &mut World, id: SocketId, to: Option<&Address>) -> io::Result<Option<Draft>> {
    let socket = &mut world.sockets[id];
    let Proto::Udp(mailbox) = &mut socket.proto else { return Ok(None) };
    let Some(draft) = &mailbox.draft else { return Ok(None) };
    let is_ipv4 = |to: &SocketAddr| match to.ip() {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => ip.to_ipv4_mapped().is_some(),
    };
    match to {
        Some(Address::Unix(_)) if socket.domain == Domain::V6 => Err(errno(libc::EINVAL)),
        Some(Address::Inet(to)) if draft.to.is_ipv6() && is_ipv4(to) => {
            let error = if socket.options.only_v6 { libc::ENETUNREACH } else { libc::EINVAL };
            Err(errno(error))
        }
        _ => Ok(mailbox.draft.take().map(|draft| *draft)),
    }
}

/// A datagram with nothing in it yet, whose bytes are so many at first.
fn begin(
    world: &mut World,
    io: Io,
    id: SocketId,
    length: usize,
    letting: &Letting<'_>,
) -> io::Result<Draft> {
    let (from, to, way) = destination(world, id, length, letting)?;
    if !world.sockets[id].is_named {
        naming::leads_to(world, id, to);
    }
    let socket = &mut world.sockets[id];
    if let Proto::Udp(mailbox) = &mut socket.proto {
        if let Some(error) = mailbox.take_error() {
            return Err(error);
        }
        if mailbox.shut_write {
            return Err(errno(libc::EPIPE));
        }
        // One more goes as long as there is any room, however large it is (measured over veth).
        if mailbox.sending >= socket.options.send_buffer.unwrap_or(RECV_BUFFER) as usize {
            world.want(io, Readiness::WRITE);
            return Err(errno(libc::EAGAIN));
        }
    }
    let mut payload = world.buffers.pop().unwrap_or_default();
    payload.clear();
    let is_for_many = route::is_for_many(world, world.sockets[id].host, to.ip());
    let interface = match is_for_many {
        true => interface::out(world, id, to, way),
        false => way.interface,
    };
    Ok(Draft { from, to, interface, is_for_many, payload })
}

/// A datagram is whole.
fn leave(world: &mut World, id: SocketId, draft: Draft) {
    let Draft { from, to, interface, is_for_many, payload } = draft;
    let socket = &world.sockets[id];
    let (host, number, path) = (socket.host, socket.number, socket.entity.path);
    if is_for_many {
        let interface = interface.expect("it has a source");
        multicast::send(world, id, from, to, interface, &payload);
        return world.recycle(payload);
    }
    world.trace.carry(&payload);
    let bytes = payload.len() as u64;
    let datagram = Wire::Datagram { socket: number, path, from, to, bytes };
    world.record(Actor::Host(host), datagram);
    // Through the wrong interface nothing gets anywhere.
    match interface.is_none_or(|interface| interface::leads_to(world, host, interface, to.ip())) {
        true => outgoing::send(world, Some(id), host, from, to, Body::Datagram, payload),
        false => world.recycle(payload),
    }
}

/// A socket without a port is given one before anything else is looked at.
fn autobind(world: &mut World, id: SocketId) -> io::Result<()> {
    let socket = &world.sockets[id];
    if socket.has_port {
        return Ok(());
    }
    // One that was disconnected may have kept its address.
    let ip = socket.local.map_or(any(socket.domain), |local| local.ip());
    let local = SocketAddr::new(ip, 0);
    // That there is none is said in another way here (linux-truth 55).
    ports::bind_to(world, id, local).map_err(|_| no_port())
}

/// IPv4 looks at the length that no datagram can have before all else.
fn check_length(world: &World, id: SocketId, length: usize) -> io::Result<()> {
    match world.sockets[id].domain == Domain::V4 && length > LENGTH_MAX {
        true => Err(errno(libc::EMSGSIZE)),
        false => Ok(()),
    }
}

/// Where so many bytes leave from and go to, in the order of Linux's refusals: of the length that IP
/// cannot carry last.
fn destination(
    world: &World,
    id: SocketId,
    length: usize,
    letting: &Letting<'_>,
) -> io::Result<(SocketAddr, SocketAddr, Way)> {
    let (socket, peer) = (&world.sockets[id], letting.to);
    if socket.domain == Domain::V6 && matches!(peer, Some(Address::Unix(_))) {
        return Err(errno(libc::EINVAL));
    }
    let peer = peer.map(|peer| address::requested_peer(world, id, peer)).transpose()?;
    if peer.is_some_and(|peer| peer.port() == 0) {
        return Err(errno(libc::EINVAL));
    }
    let to = peer.or(socket.peer()).ok_or_else(|| errno(libc::EDESTADDRREQ))?;
    if socket.domain == Domain::V6 && to.is_ipv4() && to.port() == 0 {
        // IPv6 hands its peer on to IPv4 as if it were named.
        return Err(errno(libc::EINVAL));
    }
    let way = way::of(world, id, letting.control, to.is_ipv6())?;
    interface::may_broadcast(world, id, to)?;
    let to = match route::is_for_many(world, socket.host, to.ip()) {
        true => to,
        false => address::reachable(world, id, to)?,
    };
    let from = address::source_towards(world, id, to, way)?;
    if length > payload_max(to) {
        return Err(errno(libc::EMSGSIZE));
    }
    let port = socket.local.expect("a sender is bound").port();
    Ok((SocketAddr::new(from, port), to, way))
}

/// What a receive took: how many bytes, of how many, and how they came.
pub(crate) struct Taken {
    pub(crate) length: usize,
    pub(crate) whole: usize,
    pub(crate) from: SocketAddr,
    /// Where the header says that it goes, and the interface; `None` at the end.
    pub(crate) came: Option<(IpAddr, u32)>,
    /// Whether the interface is told of IPv4.
    pub(crate) is_described: bool,
}

pub(crate) fn recv(
    world: &mut World,
    io: Io,
    id: SocketId,
    buf: &mut [u8],
    take: Take,
) -> io::Result<Taken> {
    let socket = &mut world.sockets[id];
    let number = socket.number;
    let Proto::Udp(mailbox) = &mut socket.proto else {
        return Err(errno(libc::ENOTCONN));
    };
    if let Some(error) = mailbox.take_error() {
        return Err(error);
    }
    let Some(letter) = mailbox.queue.front() else {
        if mailbox.shut_read {
            let from = SocketAddr::new(any(socket.domain), 0);
            let received = Call::RecvFrom { socket: number, bytes: 0, from: from.into() };
            world.record(Actor::Running, received);
            return Ok(Taken { length: 0, whole: 0, from, came: None, is_described: false });
        }
        world.want(io, Readiness::READ);
        return Err(errno(libc::EAGAIN));
    };
    let (from, whole) = (letter.from, letter.payload.len());
    let (came, is_described) = (Some((letter.to, letter.interface)), letter.is_described);
    let length = whole.min(buf.len());
    buf[..length].copy_from_slice(&letter.payload[..length]);
    if take == Take::Remove {
        let letter = mailbox.queue.pop_front().expect("it was just looked at");
        mailbox.bytes -= cost_of(from, whole);
        world.stirred = true;
        world.recycle(letter.payload);
    }
    world.trace.carry(&buf[..length]);
    let received = Call::RecvFrom { socket: number, bytes: length as u64, from: from.into() };
    world.record(Actor::Running, received);
    Ok(Taken { length, whole, from, came, is_described })
}

/// Shuts for this side alone, connected or not; where it is not, it says so all the same.
pub(crate) fn shutdown(world: &mut World, id: SocketId, read: bool, write: bool) -> io::Result<()> {
    let socket = &mut world.sockets[id];
    let is_connected = socket.peer().is_some();
    if let Proto::Udp(mailbox) = &mut socket.proto {
        mailbox.shut_read |= read;
        mailbox.shut_write |= write;
    }
    readiness::tell(world, id);
    if is_connected { Ok(()) } else { Err(errno(libc::ENOTCONN)) }
}

/// Forgets the peer, and of its own address what the program did not name. What came stays.
pub(crate) fn disconnect(world: &mut World, id: SocketId) {
    if !world.sockets[id].port_is_given {
        world.unroute(id);
    }
    let socket = &mut world.sockets[id];
    socket.forget_peer();
    let Some(local) = &mut socket.local else { return };
    if !socket.ip_is_given {
        local.set_ip(any(socket.domain));
    }
    if !socket.port_is_given {
        local.set_port(0);
    }
}

/// UDP has no urgent datagrams, and says so once it has a port and the length is one it could send.
pub(crate) fn refuse_urgent(world: &mut World, id: SocketId, length: usize) -> io::Error {
    match autobind(world, id) {
        Err(error) => error,
        Ok(()) if length > LENGTH_MAX => errno(libc::EMSGSIZE),
        Ok(()) => errno(libc::EOPNOTSUPP),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Shutdown, SocketAddr};

    use greenroom::hub::{Address, Domain, Hub, Io, Kind, Readiness};

    use crate::hub::SimHub;
    use crate::testing::{self, code, is_polled, ready, recv, send};

    fn at(address: &str) -> Address {
        address.parse::<SocketAddr>().expect("an address").into()
    }

    fn bound(hub: &mut SimHub, address: &str) -> Io {
        let io = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
        hub.bind(io, &at(address)).expect("it is free");
        io
    }

    /// 175
    #[test]
    fn a_first_send_gives_a_port_and_port_0_is_no_destination() {
        let hub = &mut testing::hub();
        let io = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
        assert_eq!(recv(hub, io, 1), Err(libc::EAGAIN));
        assert_eq!(send(hub, io, b"x"), Err(libc::EDESTADDRREQ));
        assert_eq!(code(hub.send_to(io, b"x", &at("127.0.0.1:0"))), Err(libc::EINVAL));
        assert_eq!(code(hub.send_to(io, b"x", &at("127.0.0.1:9"))), Ok(1));
        let local = hub.local_addr(io).and_then(|local| local.inet()).expect("an address");
        assert!(local.ip().is_unspecified() && local.port() >= 32_768, "{local}");
    }

    /// A send that goes nowhere gives a port all the same; who is connected to port 0 hears any
    /// port of that host, and says that it is connected to nobody.
    #[test]
    fn port_0_is_any_port_and_a_port_is_given_before_anything_is_looked_at() {
        let hub = &mut testing::hub();
        let lost = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
        assert_eq!(send(hub, lost, b"x"), Err(libc::EDESTADDRREQ));
        let local = hub.local_addr(lost).and_then(|local| local.inet()).expect("an address");
        assert_ne!(local.port(), 0);
        let (near, far) = (bound(hub, "127.0.0.1:1"), bound(hub, "127.0.0.1:2"));
        assert_eq!(code(hub.connect(near, &at("127.0.0.1:0"))), Ok(()));
        assert_eq!(code(hub.peer_addr(near)), Err(libc::ENOTCONN));
        assert_eq!(code(hub.send_to(far, b"hi", &at("127.0.0.1:1"))), Ok(2));
        assert_eq!(recv(hub, near, 9), Ok(b"hi".into()));
    }

    /// 187, 188
    #[test]
    fn shutting_down_ends_reads_behind_what_is_there_and_breaks_writes() {
        let hub = &mut testing::hub();
        let (near, far) = (bound(hub, "127.0.0.1:1"), bound(hub, "127.0.0.1:2"));
        assert_eq!(recv(hub, near, 1), Err(libc::EAGAIN));
        assert_eq!(code(hub.shutdown(near, Shutdown::Read)), Err(libc::ENOTCONN));
        assert!(is_polled(hub, near, Readiness::READ), "it is shut all the same");
        assert_eq!(recv(hub, near, 9), Ok(vec![]));
        hub.connect(far, &at("127.0.0.1:1")).expect("anybody may be connected to");
        assert_eq!(send(hub, far, b"late"), Ok(4));
        assert_eq!([recv(hub, near, 9), recv(hub, near, 9)], [Ok(b"late".into()), Ok(vec![])]);
        assert_eq!(ready(hub, near), (true, true));
        assert_eq!(code(hub.shutdown(far, Shutdown::Write)), Ok(()));
        assert_eq!(send(hub, far, b"x"), Err(libc::EPIPE));
        assert_eq!(code(hub.send_to(far, b"x", &at("127.0.0.1:1"))), Err(libc::EPIPE));
    }

    /// 15, 176, and Linux's answer to a source that no reply would find.
    #[test]
    fn loopback_is_a_source_on_its_own_host_only() {
        let hub = &mut testing::hub_in(crate::Weather::calm(), 2);
        let local = bound(hub, "127.0.0.1:1");
        assert_eq!(code(hub.send_to(local, b"x", &at("10.0.0.2:9"))), Err(libc::EINVAL));
        assert_eq!(code(hub.connect(local, &at("10.0.0.2:9"))), Err(libc::EINVAL));
        assert_eq!(code(hub.send_to(local, b"x", &at("10.0.0.1:9"))), Ok(1));
        let tcp = hub.socket(Domain::V4, Kind::Stream).expect("a socket");
        hub.bind(tcp, &at("127.0.0.1:0")).expect("a port is free");
        assert_eq!(code(hub.connect(tcp, &at("10.0.0.2:9"))), Err(libc::EINVAL));
        let receiver = bound(hub, "0.0.0.0:2");
        let sender = hub.socket(Domain::V4, Kind::Datagram).expect("a socket");
        hub.send_to(sender, b"x", &at("127.0.0.9:2")).expect("it leaves");
        let (_, from) =
            hub.recv_from(receiver, &mut [0], greenroom::hub::Take::Remove).expect("one");
        assert!(from.to_string().starts_with("127.0.0.1:"), "{from}");
    }
}
