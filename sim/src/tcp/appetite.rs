//! How fast the application reads, in bytes a round trip: the receive window is twice that, so that
//! it never is what holds back a sender whom the reader can follow (Linux's dynamic right-sizing).

use super::config::Config;

/// Segments more than what was read (tcp_rcv_space_adjust).
const SPARE_SEGMENTS: u64 = 16;

/// Segments that are read in a round trip before anything is made of it (TCP_INIT_CWND).
const FIRST_SEGMENTS: u64 = 10;

/// One measurement after the other, each of a round trip or more.
#[derive(Clone, Debug)]
pub(super) struct Appetite {
    began_ns: u64,
    /// First position not read when it began.
    began_at: u64,
    /// Bytes of the best measurement so far.
    best: u64,
    /// What the window of the beginning is good for.
    first: u64,
}

impl Appetite {
    pub(super) fn new(position: u64, config: &Config) -> Appetite {
        let first = (FIRST_SEGMENTS * u64::from(config.mss)).min(config.recv_buffer.into());
        Appetite { began_ns: 0, began_at: position, best: 0, first }
    }

    /// Whether a measurement has lasted long enough.
    #[inline]
    pub(super) fn is_due(&self, now: u64, round_trip_ns: u64) -> bool {
        now.saturating_sub(self.began_ns) >= round_trip_ns
    }

    /// The application has read all before `position`. Returns the window it is worth if that is
    /// more than ever before.
    #[inline]
    pub(super) fn measured(
        &mut self,
        now: u64,
        position: u64,
        round_trip_ns: u64,
        mss: u64,
    ) -> Option<u64> {
        if !self.is_due(now, round_trip_ns) {
            return None;
        }
        let read = position.saturating_sub(self.began_at);
        self.began_ns = now;
        self.began_at = position;
        if read <= self.best.max(self.first) {
            return None;
        }
        // While the sender doubles, so does the window.
        let grown = if self.best == 0 { 0 } else { (read - self.best).min(self.best) };
        let window = 2 * read + SPARE_SEGMENTS * mss;
        let more = u128::from(window) * u128::from(grown) / u128::from(self.best.max(1));
        self.best = read;
        Some(window.saturating_add(more as u64))
    }
}
