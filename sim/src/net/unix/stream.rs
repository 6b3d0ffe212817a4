//! Unix connections: streams, and records in order (SOCK_SEQPACKET).

use std::collections::VecDeque;
use std::io;
use std::os::unix::net::SocketAddr;
use std::rc::Rc;

use greenroom::hub::{Address, Interest, Io, Kind, Take};

use crate::choices;
use crate::errno::errno;
use crate::id::SocketId;
use crate::socket::Proto;
use crate::socket::unix::name::Name;
use crate::socket::unix::queue::{self, Mark, Piece, around_marks};
use crate::socket::unix::{Peer, Role, UnixSocket};
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    // Opening.

    pub(crate) fn listen_unix(&mut self, index: SocketId, backlog: u32) -> io::Result<()> {
        let socket = self.unix_mut(index);
        if socket.kind == Kind::Datagram {
            return Err(errno(libc::EOPNOTSUPP));
        }
        let backlog_now = backlog as usize;
        match &mut socket.role {
            _ if socket.name.get().is_none() => return Err(errno(libc::EINVAL)),
            Role::Connected => return Err(errno(libc::EINVAL)),
            Role::Listening { backlog, .. } => *backlog = backlog_now,
            role => {
                *role = Role::Listening { backlog: backlog_now, pending: VecDeque::new() };
            }
        }
        let socket = self.sockets[index].number;
        self.record(Actor::Running, Call::Listen { socket, backlog });
        self.tell_callers(index);
        Ok(())
    }

    /// A connection stands at once, or not at all; while the listener's queue is full the call has
    /// to wait.
    pub(crate) fn connect_unix(
        &mut self,
        io: Io,
        index: SocketId,
        to: &SocketAddr,
    ) -> io::Result<()> {
        let kind = self.unix(index).kind;
        if kind == Kind::Datagram {
            return self.connect_letters(index, to);
        }
        let name = Rc::new(Name::of(to).ok_or_else(|| errno(libc::EINVAL))?);
        let target = self.find_unix(self.sockets[index].host, &name, kind)?;
        let listener = self.unix(target);
        match &listener.role {
            Role::Listening { backlog, pending } if !listener.shut_read => {
                if pending.len() > *backlog {
                    self.add_caller(target, index);
                    self.want(io, Interest::WRITE);
                    return Err(errno(libc::EAGAIN));
                }
            }
            _ => return Err(errno(libc::ECONNREFUSED)),
        }
        match self.unix(index).role {
            Role::Plain => {}
            Role::Connected => return Err(errno(libc::EISCONN)),
            Role::Listening { .. } => return Err(errno(libc::EINVAL)),
        }
        let far = self.make_far_end(target, index);
        let near = self.unix_mut(index);
        near.role = Role::Connected;
        near.peer = Peer::Here(far);
        let number = self.sockets[index].number;
        let peer = self.name_ref(Some(&name));
        self.record(Actor::Running, Call::Connect { socket: number, peer });
        self.name_ready(target);
        Ok(())
    }

    /// The end that the listener will give out, named after the socket that called.
    fn make_far_end(&mut self, listener: SocketId, near: SocketId) -> SocketId {
        let path = self.path_of_accepted(listener, self.sockets[near].entity.path);
        let host = self.sockets[listener].host;
        let mut socket = UnixSocket::new(self.unix(listener).kind);
        socket.name = self.unix(listener).name.clone();
        socket.role = Role::Connected;
        socket.peer = Peer::Here(near);
        let far = self.add_socket(host, path, Proto::Unix(socket));
        if let Role::Listening { pending, .. } = &mut self.unix_mut(listener).role {
            pending.push_back(far);
        }
        far
    }

    pub(crate) fn accept_unix(&mut self, io: Io, index: SocketId) -> io::Result<(Io, Address)> {
        let socket = self.unix_mut(index);
        if socket.kind == Kind::Datagram {
            return Err(errno(libc::EOPNOTSUPP));
        }
        let Role::Listening { pending, .. } = &mut socket.role else {
            return Err(errno(libc::EINVAL));
        };
        let Some(accepted) = pending.pop_front() else {
            if socket.shut_read {
                return Err(errno(libc::EINVAL));
            }
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        };
        self.scheduler.took();
        let io = self.add_descriptor(accepted);
        let peer = match &self.unix(accepted).peer {
            Peer::Here(peer) => self.unix(*peer).name.get().cloned(),
            Peer::Gone(name) => name.clone(),
            Peer::None => None,
        };
        let number = self.sockets[accepted].number;
        let name = self.name_ref(peer.as_deref());
        self.record(Actor::Running, Call::Accept { socket: number, peer: name });
        self.tell_callers(index);
        Ok((io, Name::address(peer.as_deref())))
    }

    // Bytes.

    pub(super) fn send_unix_stream(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &[u8],
    ) -> io::Result<usize> {
        let limit = self.unix_send_buffer(index);
        let sender = self.weak(index);
        let peer = self.peer_to_write_to(index)?;
        let (mut charged, mut sent) = (self.unix(index).charged, 0);
        while sent < buf.len() && charged < limit {
            let (length, cost) = queue::piece_of_stream(buf.len() - sent, limit);
            let bytes = buf[sent..sent + length].to_vec();
            let piece = Piece { bytes, taken: 0, cost, sender, from: None, mark: Mark::Plain };
            self.unix_mut(peer).incoming.push_back(piece);
            charged += cost;
            sent += length;
        }
        self.unix_mut(index).charged = charged;
        if sent == 0 && !buf.is_empty() {
            self.want(io, Interest::WRITE);
            return Err(errno(libc::EAGAIN));
        }
        self.wrote(index, peer, &buf[..sent], false);
        Ok(sent)
    }

    pub(super) fn peer_to_write_to(&self, index: SocketId) -> io::Result<SocketId> {
        let socket = self.unix(index);
        match socket.peer {
            Peer::None => Err(errno(libc::ENOTCONN)),
            Peer::Here(peer) if !socket.shut_write => Ok(peer),
            _ => Err(errno(libc::EPIPE)),
        }
    }

    pub(super) fn wrote(&mut self, index: SocketId, peer: SocketId, bytes: &[u8], is_urgent: bool) {
        let number = self.sockets[index].number;
        let (length, payload) = (bytes.len() as u64, self.trace.payload(bytes));
        let written = Call::Write { socket: number, bytes: length, payload, is_urgent };
        self.record(Actor::Running, written);
        self.name_ready(peer);
    }

    pub(super) fn recv_unix_stream(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<usize> {
        let socket = self.unix_mut(index);
        if !matches!(socket.role, Role::Connected) {
            return Err(errno(libc::EINVAL));
        }
        let inline = self.sockets[index].urgent_is_inline();
        let (mut passed, queued) = around_marks(&self.unix(index).incoming, inline);
        if take == Take::Remove {
            self.pass_marks(index, std::mem::take(&mut passed));
        }
        if self.unix(index).incoming.len() == passed {
            return self.nothing_to_read(io, index);
        }
        let there = queued.min(buf.len());
        let window = self.cut_between_pieces(index, there);
        let socket = self.unix_mut(index);
        let length = queue::peek(socket.incoming.iter().skip(passed), &mut buf[..window]);
        if take == Take::Remove && length > 0 {
            let sender = socket.incoming.front().expect("it was just looked at").sender;
            let freed = queue::consume(&mut socket.incoming, length);
            self.scheduler.took();
            self.discharge(sender, freed);
        }
        self.record_read(index, length, there);
        Ok(length)
    }

    /// How much a read takes of what is there: now and then less, as one does that looks before the
    /// next write is done. What came as one piece is seen whole.
    fn cut_between_pieces(&mut self, index: SocketId, there: usize) -> usize {
        let mut end = 0;
        let ends = self.unix(index).incoming.iter().map(|piece| {
            end += piece.rest().len();
            end
        });
        let cuts: Vec<usize> = ends.take_while(|&end| end < there).collect();
        if cuts.is_empty() {
            return there;
        }
        let ppm = self.weather.short_read_ppm;
        let entity = &mut self.sockets[index].entity;
        let nth = self.choices.pick(entity, choices::Kind::Size, |draw| {
            if draw.happens(ppm) { draw.between(1, cuts.len() as u64) } else { 0 }
        });
        nth.checked_sub(1).and_then(|at| cuts.get(at as usize)).copied().unwrap_or(there)
    }

    /// An error is told once, after what was there to read; the end for ever after.
    fn nothing_to_read(&mut self, io: Io, index: SocketId) -> io::Result<usize> {
        let socket = self.unix_mut(index);
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        if !socket.shut_read {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        }
        self.record_read(index, 0, 0);
        Ok(0)
    }

    // Records.

    pub(super) fn send_record(&mut self, io: Io, index: SocketId, buf: &[u8]) -> io::Result<usize> {
        if let Some(error) = self.unix_mut(index).take_error() {
            return Err(error);
        }
        let peer = self.peer_to_write_to(index)?;
        self.may_be_long(index, buf.len())?;
        self.may_charge(io, index)?;
        self.put_piece(index, peer, buf);
        self.wrote(index, peer, buf, false);
        Ok(buf.len())
    }

    /// Whether the sender's buffer could ever hold a datagram or record of this length.
    pub(super) fn may_be_long(&self, index: SocketId, length: usize) -> io::Result<()> {
        match length > self.unix_send_buffer(index) - 32 {
            true => Err(errno(libc::EMSGSIZE)),
            false => Ok(()),
        }
    }

    /// Whether the sender's buffer has room for a datagram or record: it goes whole or not at all.
    pub(super) fn may_charge(&mut self, io: Io, index: SocketId) -> io::Result<()> {
        if self.unix(index).charged >= self.unix_send_buffer(index) {
            self.want(io, Interest::WRITE);
            return Err(errno(libc::EAGAIN));
        }
        Ok(())
    }

    pub(super) fn put_piece(&mut self, index: SocketId, receiver: SocketId, buf: &[u8]) {
        let (sender, cost) = (self.weak(index), queue::cost_of_datagram(buf.len()));
        let socket = self.unix_mut(index);
        socket.charged += cost;
        let from = Some(socket.name.clone());
        let piece = Piece { bytes: buf.to_vec(), taken: 0, cost, sender, from, mark: Mark::Plain };
        self.unix_mut(receiver).incoming.push_back(piece);
    }

    pub(super) fn recv_record(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<usize> {
        let socket = self.unix_mut(index);
        if !matches!(socket.role, Role::Connected) {
            return Err(errno(libc::ENOTCONN));
        }
        if socket.error.is_some() || socket.incoming.is_empty() {
            return self.nothing_to_read(io, index);
        }
        let (length, _) = self.take_piece(index, buf, take);
        self.record_read(index, length, length);
        Ok(length)
    }

    /// Takes the first datagram or record, cut to the buffer; what is cut off is lost.
    pub(super) fn take_piece(
        &mut self,
        index: SocketId,
        buf: &mut [u8],
        take: Take,
    ) -> (usize, Option<Rc<Name>>) {
        let incoming = &mut self.unix_mut(index).incoming;
        let piece = incoming.front().expect("the caller looked");
        let length = piece.bytes.len().min(buf.len());
        buf[..length].copy_from_slice(&piece.bytes[..length]);
        let from = piece.from.as_ref().and_then(|from| from.get().cloned());
        if take == Take::Remove {
            let piece = incoming.pop_front().expect("it was just looked at");
            self.scheduler.took();
            self.discharge(piece.sender, piece.cost);
        }
        (length, from)
    }
}
