//! Urgent bytes of Unix streams: each is a piece of its own, which a read stops before and the next
//! one passes over.

use std::io;

use greenroom::hub::{Io, Kind};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::urgent::has_urgent;
use crate::socket::unix::Role;
use crate::socket::unix::queue::{self, Mark, Piece};
use crate::world::World;

impl World {
    pub(crate) fn send_urgent_unix(
        &mut self,
        io: Io,
        index: SocketId,
        buf: &[u8],
    ) -> io::Result<usize> {
        self.may_be_urgent(index, true)?;
        let Some((last, before)) = buf.split_last() else { return Err(errno(libc::EOPNOTSUPP)) };
        let peer = self.peer_to_write_to(index)?;
        let sent = match before {
            [] => 0,
            _ => self.send_unix_stream(io, index, before)?,
        };
        let limit = self.unix_send_buffer(index);
        if sent < before.len() || self.unix(index).charged >= limit {
            // What is urgent comes last or not at all.
            return if sent > 0 { Ok(sent) } else { self.may_charge(io, index).map(|()| 0) };
        }
        let (sender, (_, cost)) = (self.weak(index), queue::piece_of_stream(1, limit));
        let incoming = &mut self.unix_mut(peer).incoming;
        for piece in incoming.iter_mut().filter(|piece| piece.mark == Mark::Urgent) {
            piece.mark = Mark::Plain;
        }
        let bytes = vec![*last];
        incoming.push_back(Piece { bytes, taken: 0, cost, sender, from: None, mark: Mark::Urgent });
        self.unix_mut(index).charged += cost;
        self.wrote(index, peer, &[*last], true);
        Ok(buf.len())
    }

    pub(crate) fn recv_urgent_unix(
        &mut self,
        index: SocketId,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        self.may_be_urgent(index, false)?;
        let inline = self.sockets[index].urgent_is_inline();
        let incoming = &mut self.unix_mut(index).incoming;
        let piece = incoming.iter_mut().find(|piece| piece.mark == Mark::Urgent && !inline);
        let Some(piece) = piece else { return Err(errno(libc::EINVAL)) };
        let byte = piece.rest()[0];
        (piece.taken, piece.mark) = (piece.bytes.len(), Mark::Taken);
        Ok(buf.first_mut().map_or(0, |first| {
            *first = byte;
            1
        }))
    }

    /// Streams have urgent bytes; records look at their connection before they say that they have not.
    fn may_be_urgent(&mut self, index: SocketId, sends: bool) -> io::Result<()> {
        let socket = self.unix_mut(index);
        if socket.kind == Kind::SeqPacket {
            if sends && let Some(error) = socket.error.take() {
                return Err(errno(error));
            }
            if !matches!(socket.role, Role::Connected) {
                return Err(errno(libc::ENOTCONN));
            }
        }
        has_urgent(self.unix(index).kind)
    }

    /// A read begins: the pieces it passes over are gone, and a mark among the others with it.
    pub(super) fn pass_marks(&mut self, index: SocketId, passed: usize) {
        for _ in 0..passed {
            let piece = self.unix_mut(index).incoming.pop_front().expect("it was just looked at");
            self.discharge(piece.sender, piece.cost);
        }
        if let Some(first) = self.unix_mut(index).incoming.front_mut() {
            first.mark = Mark::Plain;
        }
    }
}
