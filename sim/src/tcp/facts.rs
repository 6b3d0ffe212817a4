//! What a connection counts for no other reason than to tell it, and what it tells: TCP_INFO.

use super::state::State;

/// Segments, and where what is acknowledged begins and ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// The position behind which what is acknowledged counts.
    acked_from: u64,
    /// What the peer had acknowledged when the connection ended.
    acked_at_end: Option<u64>,
    pub(super) segs_out: u32,
    pub(super) segs_in: u32,
    pub(super) sent_again: u32,
}

impl Counts {
    pub(super) fn new(iss: u64) -> Counts {
        Counts { acked_from: iss, acked_at_end: None, segs_out: 0, segs_in: 0, sent_again: 0 }
    }

    /// Of a connection that a listener makes, whose SYN the listener sends.
    pub(super) fn begin_behind(&mut self, iss: u64) {
        self.acked_from = iss + 1;
    }

    #[inline]
    pub(super) fn left(&mut self) {
        self.segs_out = self.segs_out.wrapping_add(1);
    }
    #[inline]
    pub(super) fn came(&mut self) {
        self.segs_in = self.segs_in.wrapping_add(1);
    }
    /// A listener's connection stands: of what came before, a SYN and the last of the handshake
    /// count, however often they came.
    pub(super) fn was_opened(&mut self) {
        self.segs_in = 2;
    }
    pub(super) fn was_sent_again(&mut self) {
        self.sent_again = self.sent_again.wrapping_add(1);
    }
    pub(super) fn end(&mut self, snd_una: u64) {
        self.acked_at_end.get_or_insert(snd_una);
    }

    /// How much the peer has acknowledged of what counts.
    pub(super) fn acked(&self, snd_una: u64) -> u64 {
        self.acked_at_end.unwrap_or(snd_una).saturating_sub(self.acked_from)
    }
}

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
