//! What is asked of a socket beside its bytes and options: the lengths of its queues, and how its TCP
//! stands.

#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use greenroom::hub::{Domain, Queued, TcpInfo, TcpState};

use crate::errno::errno;
use crate::id::SocketId;
use crate::net::unix;
use crate::socket::Proto;
use crate::tcp::{Connection, State};
use crate::world::World;

/// `FIONREAD` and `SIOCOUTQ`.
pub(crate) fn queued(world: &World, id: SocketId) -> io::Result<Queued> {
    Ok(match &world.sockets[id].proto {
        Proto::Fresh => Queued::default(),
        Proto::Listener(_) => return Err(errno(libc::EINVAL)),
        Proto::Stream(tcp) => Queued { to_read: tcp.to_read(), to_send: tcp.to_acknowledge() },
        Proto::Udp(mailbox) => {
            let first = mailbox.queue.front().map_or(0, |letter| letter.payload.len());
            Queued { to_read: first, to_send: mailbox.sending }
        }
        Proto::Unix(socket) => unix::queued(socket)?,
        // It has no queue towards anybody.
        Proto::Pipe(_) => return Err(errno(libc::ENOTTY)),
        Proto::Query(_)
        | Proto::Job(_)
        | Proto::File(_)
        | Proto::FileCall(_)
        | Proto::Signal(_) => {
            return Err(errno(libc::ENOTSOCK));
        }
    })
}

/// `TCP_INFO`.
pub(crate) fn tcp_info(world: &World, id: SocketId) -> io::Result<TcpInfo> {
    /// What any host takes, before a peer says otherwise (RFC 9293 §3.7.1).
    const MSS_DEFAULT: u32 = 536;
    let socket = &world.sockets[id];
    match &socket.proto {
        Proto::Stream(tcp) => Ok(of_connection(tcp)),
        Proto::Listener(queue) => {
            let mut info = TcpInfo::new(TcpState::Listen);
            info.waiting = Some(queue.pending() as u32);
            info.backlog = Some(queue.backlog() as u32);
            Ok(info)
        }
        Proto::Fresh => {
            let mut info = TcpInfo::new(TcpState::Closed);
            info.rto = Duration::from_nanos(world.weather.tcp().rto_initial_ns);
            info.snd_mss = MSS_DEFAULT;
            Ok(info)
        }
        Proto::Udp(_) if socket.domain == Domain::V6 => Err(errno(libc::ENOPROTOOPT)),
        Proto::Udp(_) | Proto::Unix(_) => Err(errno(libc::EOPNOTSUPP)),
        Proto::Pipe(_)
        | Proto::Query(_)
        | Proto::Job(_)
        | Proto::File(_)
        | Proto::FileCall(_)
        | Proto::Signal(_) => Err(errno(libc::ENOTSOCK)),
    }
}

fn of_connection(tcp: &Connection) -> TcpInfo {
    let facts = tcp.facts();
    let mut info = TcpInfo::new(state_of(facts.state));
    info.retransmits = facts.timeouts;
    info.total_retrans = facts.sent_again;
    info.rto = Duration::from_nanos(facts.rto_ns);
    info.rtt = facts.round_trip_ns.map(|(srtt, _)| Duration::from_nanos(srtt));
    info.rttvar = facts.round_trip_ns.map(|(_, rttvar)| Duration::from_nanos(rttvar));
    info.snd_mss = facts.mss;
    (info.bytes_acked, info.bytes_received) = (facts.acked, facts.received);
    (info.segs_out, info.segs_in) = (facts.segs_out, facts.segs_in);
    info.notsent_bytes = u32::try_from(facts.unsent).unwrap_or(u32::MAX);
    info
}

fn state_of(state: State) -> TcpState {
    match state {
        State::SynSent => TcpState::SynSent,
        State::SynReceived => TcpState::SynReceived,
        State::Established => TcpState::Established,
        State::FinWait1 => TcpState::FinWait1,
        State::FinWait2 => TcpState::FinWait2,
        State::CloseWait => TcpState::CloseWait,
        State::Closing => TcpState::Closing,
        State::LastAck => TcpState::LastAck,
        State::TimeWait => TcpState::TimeWait,
        State::Closed => TcpState::Closed,
    }
}
