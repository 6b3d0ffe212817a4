//! What a socket tells of its queues and of its TCP, in words.

use greenroom::net::{Protocol, TcpState};

use super::{Line, Player, done};

impl Player<'_> {
    /// A connection that a socket of IPv6 accepted from IPv4 is left alone where programs are drawn:
    /// disconnected, Linux's goes on to speak IPv4, and what it sends to IPv6 is never answered.
    pub(super) fn disconnect(&self, slot: u8) -> Line {
        let thing = self.thing(slot)?;
        let socket = thing.socket()?;
        let local = socket.local_addr()?.as_socket_ipv6();
        let is_mapped = local.is_some_and(|local| local.ip().to_ipv4_mapped().is_some());
        if self.world.is_lenient && is_mapped {
            return Ok("left alone".into());
        }
        socket.disconnect().and_then(done)
    }

    pub(super) fn queued(&self, slot: u8) -> Line {
        let thing = self.thing(slot)?;
        let socket = thing.socket()?;
        let queued = socket.bytes_queued()?;
        if !self.world.is_lenient {
            return Ok(format!("{} to read, {} to send", queued.to_read, queued.to_send));
        }
        // How much fits is each hub's own affair, and so is when TCP acknowledges.
        if self.world.common().filled > 0 {
            return Ok("some".into());
        }
        let is_inet =
            socket.protocol()?.is_some_and(|it| it == Protocol::TCP || it == Protocol::UDP);
        Ok(match is_inet {
            true => format!("{} to read", queued.to_read),
            false => format!("{} to read, {} to send", queued.to_read, queued.to_send),
        })
    }

    pub(super) fn tcp(&self, slot: u8) -> Line {
        let info = self.thing(slot)?.socket()?.tcp_info()?;
        // Until when the acknowledgement of a FIN is put off is each hub's own affair.
        let is_acknowledging = matches!(
            info.state,
            TcpState::FinWait1 | TcpState::FinWait2 | TcpState::Closing | TcpState::LastAck
        );
        Ok(match (info.waiting, info.backlog) {
            (Some(waiting), Some(backlog)) => {
                format!("{}: {waiting} waiting, backlog {backlog}", info.state)
            }
            _ if self.world.is_lenient && is_acknowledging => "closing".into(),
            _ => info.state.to_string(),
        })
    }

    pub(super) fn counts(&self, slot: u8) -> Line {
        let info = self.thing(slot)?.socket()?.tcp_info()?;
        Ok(format!(
            "{} acked, {} received, {} out, {} in, {} again, {} unsent",
            info.bytes_acked,
            info.bytes_received,
            info.segs_out,
            info.segs_in,
            info.total_retrans,
            info.notsent_bytes
        ))
    }
}
