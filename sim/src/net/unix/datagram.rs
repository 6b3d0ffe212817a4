//! Unix datagrams: nothing is lost. A receiver that lags holds its senders back.

use std::io;
use std::os::unix::net::SocketAddr;
use std::rc::Rc;

use greenroom::hub::{Interest, Io, Kind, Take};

use crate::errno::errno;
use crate::id::SocketId;
use crate::socket::unix::Peer;
use crate::socket::unix::name::Name;
use crate::trace::event::Call;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    pub(super) fn connect_letters(&mut self, index: SocketId, to: &SocketAddr) -> io::Result<()> {
        let name = Rc::new(Name::of(to).ok_or_else(|| errno(libc::EINVAL))?);
        let host = self.sockets[index].host;
        let peer = self.find_unix(host, &name, Kind::Datagram)?;
        if !self.unix(peer).takes_from(index) {
            return Err(errno(libc::EPERM));
        }
        if !self.unix(index).hears_only(peer) {
            self.lose_letters(index);
        }
        self.unix_mut(index).peer = Peer::Here(peer);
        self.add_caller(peer, index);
        // One that waited to send here may now, if it is the peer, and the others never will.
        self.tell_callers(index);
        let number = self.sockets[index].number;
        let peer = self.name_ref(Some(&name));
        self.record(Actor::Running, Call::Connect { socket: number, peer });
        self.name_ready(index);
        Ok(())
    }

    /// A connected socket leaves its peer: what lies here is lost, and a peer that was connected to
    /// it is told so.
    fn lose_letters(&mut self, index: SocketId) {
        let socket = self.unix_mut(index);
        if matches!(socket.peer, Peer::None) || socket.incoming.is_empty() {
            return;
        }
        let (lost, peer) = (std::mem::take(&mut socket.incoming), socket.peer.clone());
        for piece in lost {
            self.discharge(piece.sender, piece.cost);
        }
        if let Peer::Here(peer) = peer
            && self.unix(peer).hears_only(index)
        {
            self.unix_mut(peer).error = Some(libc::ECONNRESET);
            self.name_ready(peer);
        }
        self.tell_callers(index);
    }

    pub(super) fn send_letter(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &[u8],
        to: Option<&SocketAddr>,
    ) -> io::Result<usize> {
        let wanted = match to {
            Some(to) => Some(Rc::new(Name::of(to).ok_or_else(|| errno(libc::EINVAL))?)),
            None => None,
        };
        self.may_be_long(index, buf.len())?;
        if let Some(error) = self.unix_mut(index).take_error() {
            return Err(error);
        }
        if self.unix(index).shut_write {
            return Err(errno(libc::EPIPE));
        }
        self.may_charge(io, index)?;
        let receiver = self.receiver_of_letter(index, wanted.as_ref())?;
        let target = self.unix(receiver);
        if !target.takes_from(index) {
            return Err(errno(libc::EPERM));
        }
        if target.shut_read {
            return Err(errno(libc::EPIPE));
        }
        if receiver != index && !target.hears_only(index) && target.is_full() {
            self.add_caller(receiver, index);
            self.want(io, Interest::WRITE);
            return Err(errno(libc::EAGAIN));
        }
        self.put_piece(index, receiver, buf);
        let (number, name) = (self.sockets[index].number, self.unix(receiver).name.get().cloned());
        let (bytes, payload) = (buf.len() as u64, self.trace.payload(buf));
        let to = self.name_ref(name.as_deref());
        self.record(Actor::Running, Call::SendTo { socket: number, bytes, payload, to });
        self.name_ready(receiver);
        Ok(buf.len())
    }

    /// The first letter to a peer that closed is refused, and the socket is connected no more.
    fn receiver_of_letter(
        &mut self,
        index: SocketId,
        wanted: Option<&Rc<Name>>,
    ) -> io::Result<SocketId> {
        if let Some(name) = wanted {
            let host = self.sockets[index].host;
            return self.find_unix(host, name, Kind::Datagram);
        }
        match self.unix(index).peer {
            Peer::Here(peer) => Ok(peer),
            Peer::None => Err(errno(libc::ENOTCONN)),
            Peer::Gone(_) => {
                self.lose_letters(index);
                self.unix_mut(index).peer = Peer::None;
                Err(errno(libc::ECONNREFUSED))
            }
        }
    }

    pub(super) fn recv_letter(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<(usize, Option<Rc<Name>>)> {
        let socket = self.unix_mut(index);
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        let was_full = socket.is_full();
        let (length, from) = match (socket.incoming.is_empty(), socket.shut_read) {
            (false, _) => self.take_piece(index, buf, take),
            // What a recv that waits answers, once shut.
            (true, true) => (0, None),
            (true, false) => {
                self.want(io, Interest::READ);
                return Err(errno(libc::EAGAIN));
            }
        };
        let number = self.sockets[index].number;
        let (bytes, name) = (length as u64, self.name_ref(from.as_deref()));
        self.record(Actor::Running, Call::RecvFrom { socket: number, bytes, from: name });
        if was_full && take == Take::Remove {
            self.tell_callers(index);
        }
        Ok((length, from))
    }
}
