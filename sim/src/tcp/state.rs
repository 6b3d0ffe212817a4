//! The states of RFC 9293 §3.3.2, without LISTEN (a `Listener` is a type of its own). Only names
//! and what follows from a name; the moves between them are in `connection/input.rs`.

use std::fmt;

/// Where a connection is in its life; the picture is at the top of `tcp.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

impl State {
    /// What TCP_INFO shows the owner of the descriptor: Linux hands TIME-WAIT to a small timer and
    /// tells the socket that it is closed.
    #[inline]
    pub fn seen_by_owner(self) -> State {
        if self == State::TimeWait { State::Closed } else { self }
    }

    /// Both sides know each other's position (RFC 9293 §3.4, "synchronized").
    #[inline]
    pub fn is_synchronized(self) -> bool {
        !matches!(self, State::SynSent | State::SynReceived | State::Closed)
    }

    #[inline]
    pub(super) fn is_opening(self) -> bool {
        matches!(self, State::SynSent | State::SynReceived)
    }
}

impl fmt::Display for State {
    /// The name as `ss` and `netstat` print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::SynSent => "SYN_SENT",
            State::SynReceived => "SYN_RECV",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN_WAIT1",
            State::FinWait2 => "FIN_WAIT2",
            State::CloseWait => "CLOSE_WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST_ACK",
            State::TimeWait => "TIME_WAIT",
            State::Closed => "CLOSE",
        })
    }
}
