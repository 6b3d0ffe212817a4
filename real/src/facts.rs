//! What is asked of a socket beside its bytes: its queues, and how its TCP stands.

#[cfg(target_os = "linux")]
pub(crate) use linux::{queued, tcp_info};

/// Only Linux is known to count as the waist's documentation says.
#[cfg(not(target_os = "linux"))]
pub(crate) fn queued(_: &socket2::Socket) -> std::io::Result<greenroom::hub::Queued> {
    Err(greenroom::hub::unsupported("the lengths of a socket's queues"))
}
#[cfg(not(target_os = "linux"))]
pub(crate) fn tcp_info(_: &socket2::Socket) -> std::io::Result<greenroom::hub::TcpInfo> {
    Err(greenroom::hub::unsupported("what TCP knows of a connection"))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::time::Duration;

    use greenroom::hub::{Queued, TcpInfo, TcpState, unsupported};
    use socket2::{Socket, Type};

    use crate::sys::facts::{self, TcpRecord};

    /// How long the record is with all that is read of it here.
    const NEEDED: usize = 148;

    pub(crate) fn queued(socket: &Socket) -> io::Result<Queued> {
        let to_read = facts::to_read(socket)?;
        let to_send = facts::to_send(socket)?;
        // A socket of TCP that is connected no more returns whatever its last connection left.
        let is_left = to_send > 0 && is_tcp(socket)? && socket.peer_addr().is_err();
        Ok(Queued { to_read, to_send: if is_left { 0 } else { to_send } })
    }

    fn is_tcp(socket: &Socket) -> io::Result<bool> {
        Ok(socket.r#type()? == Type::STREAM && !socket.local_addr()?.is_unix())
    }

    pub(crate) fn tcp_info(socket: &Socket) -> io::Result<TcpInfo> {
        let record = TcpRecord::of(socket)?;
        let state = TcpState::from_linux(record.u8(0));
        let state = state.ok_or_else(|| io::Error::other("a state that Linux has no name for"))?;
        if !record.reaches(NEEDED) {
            return Err(unsupported(
                "what TCP knows of a connection: the kernel is older than 4.6",
            ));
        }
        let u32 = |at| record.u32(at);
        let time = |at| Duration::from_micros(u32(at).into());
        let mut info = TcpInfo::new(state);
        if state == TcpState::Listen {
            (info.waiting, info.backlog) = (Some(u32(24)), Some(u32(28)));
            return Ok(info);
        }
        info.retransmits = record.u8(2).into();
        info.rto = time(8);
        info.snd_mss = u32(16);
        if u32(68) > 0 {
            (info.rtt, info.rttvar) = (Some(time(68)), Some(time(72)));
        }
        info.total_retrans = u32(100);
        (info.bytes_acked, info.bytes_received) = (record.u64(120), record.u64(128));
        (info.segs_out, info.segs_in) = (u32(136), u32(140));
        if state != TcpState::Closed {
            info.notsent_bytes = u32(144);
        }
        Ok(info)
    }
}
