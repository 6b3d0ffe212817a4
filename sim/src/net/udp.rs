//! UDP: datagrams, whole or not at all, into a queue of bounded size.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use greenroom::hub::{Interest, Io, Take};

use super::options::RECV_BUFFER;
use super::stream::covers;
use super::{Body, Packet};
use crate::choices::hash_bytes;
use crate::host::Transport;
use crate::trace::Op;
use crate::world::{Proto, World, errno};

/// The most an IPv4 datagram carries: 65 535 less two headers.
const PAYLOAD_MAX: usize = 65_507;
/// What a datagram costs the queue beside its bytes.
const OVERHEAD: usize = 768;

/// What a socket has received and not yet given out.
#[derive(Default)]
pub(crate) struct Mailbox {
    letters: VecDeque<(SocketAddr, Vec<u8>)>,
    bytes: usize,
    /// An ICMP message came for a connected socket.
    refused: bool,
}

impl Mailbox {
    pub(crate) fn is_readable(&self) -> bool {
        self.refused || !self.letters.is_empty()
    }
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        std::mem::take(&mut self.refused).then(|| errno(libc::ECONNREFUSED))
    }
}

impl World {
    pub(crate) fn connect_datagram(&mut self, index: u32, peer: SocketAddr) -> io::Result<()> {
        let peer = self.reachable(self.sockets[index as usize].host, peer)?;
        self.bind_towards(index, peer)?;
        let socket = &mut self.sockets[index as usize];
        socket.peer = Some(peer);
        let number = socket.number;
        self.record_full(Op::Connect, number, 0, 0, Some(peer), "");
        Ok(())
    }

    pub(crate) fn send_datagram(
        &mut self,
        index: u32,
        buf: &[u8],
        peer: Option<SocketAddr>,
    ) -> io::Result<usize> {
        let (host, number, connected) = {
            let socket = &mut self.sockets[index as usize];
            if let Proto::Udp(mailbox) = &mut socket.proto
                && let Some(error) = mailbox.take_error()
            {
                return Err(error);
            }
            (socket.host, socket.number, socket.peer)
        };
        let peer = peer.or(connected).ok_or_else(|| errno(libc::EDESTADDRREQ))?;
        if buf.len() > PAYLOAD_MAX {
            return Err(errno(libc::EMSGSIZE));
        }
        let to = self.reachable(host, peer)?;
        if self.sockets[index as usize].local.is_none() {
            self.bind_towards(index, to)?;
        }
        let mut from = self.sockets[index as usize].local.expect("just bound");
        if from.ip().is_unspecified() {
            let own = self.hosts[usize::from(host)].ip;
            from.set_ip(if to.ip().is_loopback() { to.ip() } else { own });
        }
        let length = buf.len() as u64;
        self.record_full(Op::SendTo, number, length, hash_bytes(buf), Some(to), "");
        self.record_wire(host, Op::Datagram, number, length, 0, Some(to));
        let mut payload = self.buffers.pop().unwrap_or_default();
        payload.clear();
        payload.extend_from_slice(buf);
        self.send_packet(Some(index), host, from, to, Body::Datagram, payload);
        Ok(buf.len())
    }

    pub(super) fn datagram_arrives(&mut self, packet: Packet) {
        let Some(index) = self.receiver_of(&packet) else {
            let (host, from, to) = (packet.to_host, packet.to, packet.from);
            self.send_packet(None, host, from, to, Body::Unreachable, Vec::new());
            return self.recycle(packet.payload);
        };
        let socket = &mut self.sockets[index as usize];
        let bytes_max = socket.options.recv_buffer.unwrap_or(RECV_BUFFER) as usize;
        let Proto::Udp(mailbox) = &mut socket.proto else { return };
        let cost = packet.payload.len() + OVERHEAD;
        // However large, one fits.
        if !mailbox.letters.is_empty() && mailbox.bytes + cost > bytes_max {
            return self.recycle(packet.payload);
        }
        mailbox.bytes += cost;
        mailbox.letters.push_back((packet.from, packet.payload));
        self.name_ready(index);
    }

    /// A connected socket hears its peer only; the more exact address wins.
    fn receiver_of(&self, packet: &Packet) -> Option<u32> {
        let to = packet.to;
        let bound = self.hosts[usize::from(packet.to_host)].ports.get(&(Transport::Udp, to.port()));
        let score = |&index: &u32| {
            let socket = &self.sockets[index as usize];
            let local = socket.local?;
            let hears = covers(local, to) && socket.peer.is_none_or(|peer| peer == packet.from);
            hears.then_some(((socket.peer.is_some(), local.ip() == to.ip()), index))
        };
        self.choose_receiver(bound.into_iter().flatten().filter_map(score), packet.sender)
    }

    /// A port was closed: only a connected socket is told (linux-truth 174).
    pub(super) fn refusal_arrives(&mut self, packet: &Packet) {
        let bound =
            self.hosts[usize::from(packet.to_host)].ports.get(&(Transport::Udp, packet.to.port()));
        let told = bound
            .into_iter()
            .flatten()
            .copied()
            .find(|&index| self.sockets[index as usize].peer == Some(packet.from));
        let Some(index) = told else { return };
        if let Proto::Udp(mailbox) = &mut self.sockets[index as usize].proto {
            mailbox.refused = true;
            self.name_ready(index);
        }
    }

    pub(crate) fn recv_datagram(
        &mut self,
        io: Io,
        index: u32,
        buf: &mut [u8],
        take: Take,
    ) -> io::Result<(usize, SocketAddr)> {
        let socket = &mut self.sockets[index as usize];
        let number = socket.number;
        let Proto::Udp(mailbox) = &mut socket.proto else {
            return Err(errno(libc::ENOTCONN));
        };
        if let Some(error) = mailbox.take_error() {
            return Err(error);
        }
        let Some((from, payload)) = mailbox.letters.front() else {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        };
        let (from, length) = (*from, payload.len().min(buf.len()));
        buf[..length].copy_from_slice(&payload[..length]);
        if take == Take::Remove {
            let (_, payload) = mailbox.letters.pop_front().expect("it was just looked at");
            mailbox.bytes -= payload.len() + OVERHEAD;
            self.scheduler.took();
            self.recycle(payload);
        }
        self.record_full(Op::RecvFrom, number, length as u64, 0, Some(from), "");
        Ok((length, from))
    }
}
