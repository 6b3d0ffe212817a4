//! What a connection states of itself when it is asked: the lengths of its queues (SIOCINQ, SIOCOUTQ)
//! and what TCP_INFO counts. Nothing here decides anything.

use super::super::state::State;
use super::Connection;

/// What TCP_INFO tells of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub state: State,
    /// Timeouts in a row.
    pub timeouts: u32,
    pub sent_again: u32,
    pub rto_ns: u64,
    /// SRTT and RTTVAR.
    pub round_trip_ns: Option<(u64, u64)>,
    pub mss: u32,
    pub acked: u64,
    pub received: u64,
    pub segs_out: u32,
    pub segs_in: u32,
    pub unsent: u64,
}

impl Connection {
    pub fn facts(&self) -> Facts {
        let (counts, timers) = (&self.counts, &self.timers);
        Facts {
            state: self.state.seen_by_owner(),
            timeouts: timers.timeouts(),
            sent_again: counts.sent_again,
            rto_ns: timers.rtt.timeout_ns(&self.config),
            round_trip_ns: timers.rtt.measured_ns(),
            mss: self.config.mss,
            acked: counts.acked(self.snd_una),
            received: self.rcv_nxt().saturating_sub(self.irs.saturating_add(1)),
            segs_out: counts.segs_out,
            segs_in: counts.segs_in,
            unsent: if self.is_over() { 0 } else { self.written().saturating_sub(self.snd_nxt) },
        }
    }

    /// SIOCINQ: bytes up to an urgent one that is apart from them, all where there is none.
    pub fn to_read(&self) -> usize {
        if self.state.is_opening() {
            return 0;
        }
        let start = self.incoming.start();
        match self.urgent.at() {
            Some(at)
                if !self.config.urgent_inline && (start..self.incoming.next()).contains(&at) =>
            {
                (at - start) as usize
            }
            _ => self.incoming.len(),
        }
    }

    /// SIOCOUTQ: what was written and not acknowledged, a FIN as one.
    pub fn to_acknowledge(&self) -> usize {
        if self.state.is_opening() || self.is_over() {
            return 0;
        }
        self.written().saturating_sub(self.snd_una) as usize
    }

    /// Behind all that is written, and behind a FIN.
    fn written(&self) -> u64 {
        self.outgoing.end() + u64::from(self.shut_write)
    }
}
