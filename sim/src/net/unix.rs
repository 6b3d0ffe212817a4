//! Unix sockets: streams, datagrams and records between programs of one host.
//!
//! No link lies between the two ends and no packet moves: what is written can be read in the same
//! instant, and no weather touches it but that reads of a stream may be short. Names, queues,
//! errors and readiness are Linux's. Not modelled: descriptors and credentials sent along,
//! permissions, and `SO_RCVBUF`, which counts for nothing on Linux either.

mod datagram;
mod stream;
#[cfg(test)]
mod tests;
mod urgent;

use std::io;
use std::os::unix::net::SocketAddr;
use std::rc::Rc;

use greenroom::hub::{Address, Interest, Io, Kind, Take};

use crate::errno::errno;
use crate::id::{HostId, SocketId, Weak};
use crate::socket::Proto;
use crate::socket::unix::name::{Name, place_of};
use crate::socket::unix::queue::{self, around_marks};
use crate::socket::unix::{Peer, Role, UnixSocket};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    fn unix(&self, index: SocketId) -> &UnixSocket {
        match &self.sockets[index].proto {
            Proto::Unix(socket) => socket,
            _ => unreachable!("only Unix sockets have calls of Unix sockets"),
        }
    }
    fn unix_mut(&mut self, index: SocketId) -> &mut UnixSocket {
        match &mut self.sockets[index].proto {
            Proto::Unix(socket) => socket,
            _ => unreachable!("only Unix sockets have calls of Unix sockets"),
        }
    }

    // Made and named.

    pub(crate) fn make_unix(&mut self, kind: Kind) -> Io {
        let (host, path) = (self.host_here(), self.path_for_socket(".unix"));
        let index = self.add_socket(host, path, Proto::Unix(UnixSocket::new(kind)));
        self.add_descriptor(index)
    }

    pub(crate) fn pair_of_unix(&mut self, kind: Kind) -> io::Result<(Io, Io)> {
        let (near, far) = (self.make_unix(kind), self.make_unix(kind));
        let (a, b) = (self.socket_of(near)?, self.socket_of(far)?);
        for (index, other) in [(a, b), (b, a)] {
            let other_weak = self.weak(other);
            let socket = self.unix_mut(index);
            socket.peer = Peer::Here(other);
            match kind {
                Kind::Datagram => socket.callers.push(other_weak),
                _ => socket.role = Role::Connected,
            }
        }
        self.record_pair("pair", a, b);
        Ok((near, far))
    }

    /// Records that two sockets were made at once; the text tells them by their numbers.
    pub(super) fn record_pair(&mut self, call: &'static str, a: SocketId, b: SocketId) {
        let number = |index: SocketId| self.sockets[index].number;
        let pair = Call::Pair { call, socket: number(a), other: number(b) };
        self.record(Actor::Running, pair);
    }

    pub(crate) fn bind_unix(&mut self, index: SocketId, local: &SocketAddr) -> io::Result<()> {
        let wanted = Name::of(local);
        let has_name = self.unix(index).name.get().is_some();
        if has_name && !matches!(wanted, Some(Name::Path(_))) {
            // Asking for any name is granted by the one that is there.
            return if wanted.is_none() { Ok(()) } else { Err(errno(libc::EINVAL)) };
        }
        let host = self.sockets[index].host;
        let name = match wanted {
            Some(name) => Rc::new(name),
            None => self.free_name(index)?,
        };
        let place = place_of(&name, self.unix(index).kind);
        let is_taken = self.hosts[host].names.get(&place).is_some_and(|&holder| match *name {
            Name::Path(_) => true,
            Name::Abstract(_) => self.upgrade(holder).is_some(),
        });
        if is_taken {
            return Err(errno(libc::EADDRINUSE));
        }
        if has_name {
            // The file is made before the socket is looked at, and removed again.
            return Err(errno(libc::EINVAL));
        }
        let holder = self.weak(index);
        self.hosts[host].names.insert(place, holder);
        let number = self.sockets[index].number;
        let local = self.name_ref(Some(&name));
        self.record(Actor::Running, Call::Bind { socket: number, local });
        self.unix(index).name.set(name).expect("it had none");
        Ok(())
    }

    /// An abstract name of five hexadecimal digits that nobody has.
    fn free_name(&self, index: SocketId) -> io::Result<Rc<Name>> {
        let names = &self.hosts[self.sockets[index].host].names;
        let kind = self.unix(index).kind;
        let is_free = |name: &Rc<Name>| {
            let holder = names.get(&place_of(name, kind));
            holder.is_none_or(|&holder| self.upgrade(holder).is_none())
        };
        (1..1 << 20)
            .map(|number| Rc::new(Name::Abstract(format!("{number:05x}").into_bytes())))
            .find(is_free)
            .ok_or_else(|| errno(libc::ENOSPC))
    }

    /// Who is bound to this name of the host.
    fn find_unix(&self, host: HostId, name: &Rc<Name>, kind: Kind) -> io::Result<SocketId> {
        let place = place_of(name, kind);
        let holder = match (self.hosts[host].names.get(&place), &**name) {
            (None, Name::Path(_)) => return Err(errno(libc::ENOENT)),
            (holder, _) => holder.and_then(|&holder| self.upgrade(holder)),
        };
        let holder = holder.ok_or_else(|| errno(libc::ECONNREFUSED))?;
        match self.unix(holder).kind == kind {
            true => Ok(holder),
            false => Err(errno(libc::EPROTOTYPE)),
        }
    }

    // Asked about.

    pub(crate) fn unix_name(&self, index: SocketId) -> Address {
        Name::address(self.unix(index).name.get().map(|name| &**name))
    }

    pub(crate) fn unix_peer(&self, index: SocketId) -> io::Result<Address> {
        match &self.unix(index).peer {
            Peer::None => Err(errno(libc::ENOTCONN)),
            Peer::Here(peer) => Ok(self.unix_name(*peer)),
            Peer::Gone(name) => Ok(Name::address(name.as_deref())),
        }
    }

    /// What poll(2) reports; what will fail at once is ready too.
    pub(crate) fn unix_readiness(&self, socket: &UnixSocket, index: SocketId) -> Interest {
        let is_over = socket.error.is_some() || (socket.shut_read && socket.shut_write);
        let reads = |ready: bool| if ready || is_over { Interest::READ } else { Interest::NONE };
        let queued = socket.shut_read || !socket.incoming.is_empty();
        let writes = is_over || socket.shut_write || self.has_room(socket, index);
        let writes = if writes { Interest::WRITE } else { Interest::NONE };
        match &socket.role {
            Role::Listening { pending, .. } => {
                let hung_up = if is_over { Interest::WRITE } else { Interest::NONE };
                reads(socket.shut_read || !pending.is_empty()).with(hung_up)
            }
            Role::Plain if socket.kind != Kind::Datagram => Interest::BOTH,
            Role::Plain | Role::Connected => reads(queued).with(writes),
        }
    }

    /// Linux's rule: three quarters of the buffer are free, and a datagram's receiver has room.
    fn has_room(&self, socket: &UnixSocket, index: SocketId) -> bool {
        let receiver_is_full = match socket.peer {
            Peer::Here(peer) if socket.kind == Kind::Datagram => {
                let receiver = self.unix(peer);
                !receiver.hears_only(index) && receiver.is_full()
            }
            _ => false,
        };
        socket.charged * 4 <= self.unix_send_buffer(index) && !receiver_is_full
    }

    fn unix_send_buffer(&self, index: SocketId) -> usize {
        let options = &self.sockets[index].options;
        options.send_buffer.unwrap_or(queue::SEND_BUFFER) as usize
    }

    // Bytes, whatever the kind.

    pub(crate) fn recv_unix(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<(usize, Address)> {
        match self.unix(index).kind {
            Kind::Datagram => {
                let (length, from) = self.recv_letter(io, index, buf, take)?;
                Ok((length, Name::address(from.as_deref())))
            }
            kind => {
                // Bytes come from the peer; the end comes from nobody.
                let inline = self.sockets[index].urgent_is_inline();
                let (_, bytes) = around_marks(&self.unix(index).incoming, inline);
                let is_end = match kind {
                    Kind::Stream => bytes == 0,
                    _ => self.unix(index).incoming.is_empty(),
                };
                let from = match is_end {
                    true => Address::unnamed(),
                    false => self.unix_peer(index).unwrap_or_else(|_| Address::unnamed()),
                };
                let length = match kind {
                    Kind::Stream => self.recv_unix_stream(io, index, buf, take)?,
                    _ => self.recv_record(io, index, buf, take)?,
                };
                Ok((length, from))
            }
        }
    }

    pub(crate) fn send_unix(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &[u8],
        peer: Option<&Address>,
    ) -> io::Result<usize> {
        match (self.unix(index).kind, peer) {
            (Kind::Datagram, peer) => {
                let peer = peer.map(Address::unix).transpose()?;
                self.send_letter(io, index, buf, peer)
            }
            (Kind::Stream, Some(_)) => match self.unix(index).role {
                Role::Connected => Err(errno(libc::EISCONN)),
                _ => Err(errno(libc::EOPNOTSUPP)),
            },
            (Kind::Stream, None) => self.send_unix_stream(io, index, buf),
            (Kind::SeqPacket, _) => self.send_record(io, index, buf),
        }
    }

    /// What a sender is charged for less, now that it was read; it hears of the room.
    fn discharge(&mut self, sender: Weak, cost: usize) {
        if let Some(sender) = self.upgrade(sender) {
            self.unix_mut(sender).charged -= cost;
            self.name_ready(sender);
        }
    }

    /// There is room here, or no hope of any: those who wait for it look again.
    fn tell_callers(&mut self, index: SocketId) {
        let callers = std::mem::take(&mut self.unix_mut(index).callers);
        if callers.is_empty() {
            return;
        }
        for &caller in &callers {
            if let Some(caller) = self.upgrade(caller) {
                self.name_ready(caller);
            }
        }
        let is_peer = |&caller: &Weak| {
            let peer = self.upgrade(caller).map(|caller| &self.unix(caller).peer);
            matches!(peer, Some(&Peer::Here(peer)) if peer == index)
        };
        let kept: Vec<Weak> = callers.into_iter().filter(is_peer).collect();
        self.unix_mut(index).callers = kept;
    }

    fn add_caller(&mut self, index: SocketId, caller: SocketId) {
        let mut callers = std::mem::take(&mut self.unix_mut(index).callers);
        self.add_hold(&mut callers, self.weak(caller));
        self.unix_mut(index).callers = callers;
    }

    // Ends.

    /// What one end of a connection shuts, the other end finds shut; a datagram socket shuts for
    /// itself alone.
    pub(crate) fn shutdown_unix(&mut self, index: SocketId, read: bool, write: bool) {
        let socket = self.unix_mut(index);
        socket.shut_read |= read;
        socket.shut_write |= write;
        let peer = match (&socket.peer, socket.kind) {
            (&Peer::Here(peer), Kind::Stream | Kind::SeqPacket) => Some(peer),
            _ => None,
        };
        if let Some(peer) = peer {
            let other = self.unix_mut(peer);
            other.shut_read |= write;
            other.shut_write |= read;
            self.name_ready(peer);
        }
        self.tell_callers(index);
    }

    /// The last descriptor is gone. The name stays where it is a path.
    pub(crate) fn close_unix(&mut self, index: SocketId) {
        self.end_unix(index, false);
    }

    /// `embryo`: nobody ever accepted it, so its client finds the connection reset.
    fn end_unix(&mut self, index: SocketId, embryo: bool) {
        let gone = Proto::Fresh;
        let proto = std::mem::replace(&mut self.sockets[index].proto, gone);
        let Proto::Unix(socket) = proto else { return };
        let UnixSocket { kind, name, role, peer, incoming, callers, .. } = *socket;
        let name = name.get().cloned();
        self.forget_socket(index);
        if let (Kind::Stream | Kind::SeqPacket, Peer::Here(peer)) = (kind, peer) {
            let other = self.unix_mut(peer);
            // A record of no bytes that comes first is overlooked.
            let overlooked = incoming.front().is_some_and(|first| first.rest().is_empty());
            if embryo || incoming.len() > usize::from(overlooked) {
                other.error = Some(libc::ECONNRESET);
            }
            other.shut_read = true;
            other.shut_write = true;
            other.peer = Peer::Gone(name.clone());
            self.name_ready(peer);
        }
        // Before anybody is told of anything: being told means looking at the peer.
        for &caller in &callers {
            let Some(caller) = self.upgrade(caller) else { continue };
            let other = self.unix_mut(caller);
            if matches!(other.peer, Peer::Here(peer) if peer == index) {
                other.peer = Peer::Gone(name.clone());
            }
        }
        for piece in incoming {
            self.discharge(piece.sender, piece.cost);
        }
        if let Role::Listening { pending, .. } = role {
            pending.into_iter().for_each(|client| self.end_unix(client, true));
        }
        for caller in callers {
            if let Some(caller) = self.upgrade(caller) {
                self.name_ready(caller);
            }
        }
    }
}
