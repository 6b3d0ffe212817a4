//! What a hub states of a socket beside its bytes: how much is queued, and how its TCP stands.

use std::fmt;
use std::time::Duration;

/// The bytes that a socket holds, as `FIONREAD` and `SIOCOUTQ` count them.
///
/// | | `to_read` | `to_send` |
/// | --- | --- | --- |
/// | TCP | what is in order and unread, up to the next urgent byte unless that is inline | what was written and not acknowledged; a FIN counts as one |
/// | UDP | the first datagram, 0 for an empty one | what waits for the interface, with the system's bookkeeping |
/// | Unix streams and records | all of it | the memory of what the peer has not read, with the system's bookkeeping |
/// | Unix datagrams | the first one | likewise |
///
/// `to_send` is 0 where there is no connection: what Linux returns there is a leftover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queued {
    /// Bytes that a read would find.
    pub to_read: usize,
    /// Bytes that were written and are still held here.
    pub to_send: usize,
}

/// Where a TCP socket is in its life, by the names of RFC 9293 §3.3.2.
///
/// A socket in TIME-WAIT is `Closed` to its owner on Linux, which keeps that state apart from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TcpState {
    /// It accepts connections.
    Listen,
    /// It asked for a connection.
    SynSent,
    /// Both sides asked, or the answer is not yet confirmed.
    SynReceived,
    /// Bytes go both ways.
    Established,
    /// Shut for writing; the peer has not acknowledged that.
    FinWait1,
    /// Shut for writing, and acknowledged.
    FinWait2,
    /// The peer has shut its side.
    CloseWait,
    /// Both have shut, at the same time.
    Closing,
    /// Both have shut, the peer first; it has not acknowledged ours.
    LastAck,
    /// Over, while late segments may still arrive.
    TimeWait,
    /// No connection.
    Closed,
}

impl TcpState {
    /// The state that Linux gives this number; `None` for one it has not.
    pub fn from_linux(number: u8) -> Option<TcpState> {
        Some(match number {
            1 => TcpState::Established,
            2 => TcpState::SynSent,
            // The twelfth (`TCP_NEW_SYN_RECV`) is of a request that has no socket yet.
            3 | 12 => TcpState::SynReceived,
            4 => TcpState::FinWait1,
            5 => TcpState::FinWait2,
            6 => TcpState::TimeWait,
            7 => TcpState::Closed,
            8 => TcpState::CloseWait,
            9 => TcpState::LastAck,
            10 => TcpState::Listen,
            11 => TcpState::Closing,
            _ => return None,
        })
    }
}

impl fmt::Display for TcpState {
    /// The RFC's name: `FIN-WAIT-1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TcpState::Listen => "LISTEN",
            TcpState::SynSent => "SYN-SENT",
            TcpState::SynReceived => "SYN-RECEIVED",
            TcpState::Established => "ESTABLISHED",
            TcpState::FinWait1 => "FIN-WAIT-1",
            TcpState::FinWait2 => "FIN-WAIT-2",
            TcpState::CloseWait => "CLOSE-WAIT",
            TcpState::Closing => "CLOSING",
            TcpState::LastAck => "LAST-ACK",
            TcpState::TimeWait => "TIME-WAIT",
            TcpState::Closed => "CLOSED",
        })
    }
}

/// How a TCP socket stands, as `TCP_INFO` tells it.
///
/// A connection that is over keeps its numbers until it is connected anew or
/// [disconnected](crate::net::Socket::disconnect). A listener has none but its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    /// Where it is in its life.
    pub state: TcpState,
    /// Of a listener, the connections that wait to be accepted (`tcpi_unacked`).
    pub waiting: Option<u32>,
    /// Of a listener, how many may wait, less one: its backlog (`tcpi_sacked`).
    pub backlog: Option<u32>,
    /// Timeouts in a row of what is waited for (`tcpi_retransmits`).
    pub retransmits: u32,
    /// Segments that were sent again, SYNs among them (`tcpi_total_retrans`).
    pub total_retrans: u32,
    /// How long an acknowledgement is waited for now (`tcpi_rto`).
    pub rto: Duration,
    /// The round trip, smoothed, once one was measured (`tcpi_rtt`).
    pub rtt: Option<Duration>,
    /// How far round trips are from that on average, once one was measured (`tcpi_rttvar`).
    pub rttvar: Option<Duration>,
    /// The most bytes of a segment, of a connection (`tcpi_snd_mss`).
    pub snd_mss: u32,
    /// Bytes that the peer acknowledged. The SYN of who connects counts as one, and so does a FIN
    /// (`tcpi_bytes_acked`).
    pub bytes_acked: u64,
    /// Bytes that came in order, read or not. A FIN counts as one (`tcpi_bytes_received`).
    pub bytes_received: u64,
    /// Segments sent, as far as the connection had a socket of its own: a listener's answer to a SYN
    /// does not count (`tcpi_segs_out`).
    pub segs_out: u32,
    /// Segments received, the SYN of an accepted connection and its last of the handshake among them
    /// (`tcpi_segs_in`).
    pub segs_in: u32,
    /// Bytes written that were never sent, a FIN as one; 0 without a connection
    /// (`tcpi_notsent_bytes`).
    pub notsent_bytes: u32,
}

impl TcpInfo {
    /// Of a socket in this state, of which nothing else is known.
    pub fn new(state: TcpState) -> TcpInfo {
        TcpInfo {
            state,
            waiting: None,
            backlog: None,
            retransmits: 0,
            total_retrans: 0,
            rto: Duration::ZERO,
            rtt: None,
            rttvar: None,
            snd_mss: 0,
            bytes_acked: 0,
            bytes_received: 0,
            segs_out: 0,
            segs_in: 0,
            notsent_bytes: 0,
        }
    }
}
