//! The round trip: how long to wait for an acknowledgment (RFC 6298). Not a timer: it says how
//! long, `connection/timers.rs` keeps the until when.

use super::config::Config;

/// Doublings kept after an ACK that no clean sample goes with. Karn's rule keeps them all until one
/// comes, Linux none, since its timestamps make every ACK a sample. Two let a path four times slower
/// than believed be measured, and a healed partition does not cost two minutes for the next loss.
const BACKOFF_KEPT: u32 = 2;

#[derive(Clone, Debug)]
pub(super) struct RoundTrip {
    /// SRTT and RTTVAR; none before the first sample.
    smoothed_ns: Option<(u64, u64)>,
    /// The shortest sample.
    least_ns: Option<u64>,
    rto_ns: u64,
    backoff: u32,
    /// The one measurement in flight: position whose ACK ends it, and when it began.
    sample: Option<(u64, u64)>,
}

impl RoundTrip {
    pub(super) fn new(config: &Config) -> RoundTrip {
        RoundTrip {
            smoothed_ns: None,
            least_ns: None,
            rto_ns: config.rto_initial_ns.max(1),
            backoff: 0,
            sample: None,
        }
    }

    /// SRTT, once anything was measured.
    pub(super) fn smoothed_ns(&self) -> Option<u64> {
        self.smoothed_ns.map(|(srtt, _)| srtt)
    }

    /// SRTT and RTTVAR, likewise.
    pub(super) fn measured_ns(&self) -> Option<(u64, u64)> {
        self.smoothed_ns
    }

    /// The shortest ever measured.
    pub(super) fn least_ns(&self) -> Option<u64> {
        self.least_ns
    }

    /// The time to wait now, doublings included.
    #[inline]
    pub(super) fn timeout_ns(&self, config: &Config) -> u64 {
        doubled(self.rto_ns, self.backoff, config)
    }

    /// Zero-window probes back off by their own count, over the same measured time.
    pub(super) fn probe_timeout_ns(&self, probes: u32, config: &Config) -> u64 {
        doubled(self.rto_ns, probes, config)
    }

    #[inline]
    pub(super) fn begin_sample(&mut self, end: u64, now: u64) {
        self.sample.get_or_insert((end, now));
    }

    /// A timeout: wait twice as long (5.5), and measure nothing that was sent twice (Karn's rule).
    pub(super) fn back_off(&mut self) {
        self.backoff = self.backoff.saturating_add(1);
        self.sample = None;
    }

    /// Takes a doubling back; false if there is none.
    pub(super) fn forgive(&mut self) -> bool {
        let had = self.backoff > 0;
        self.backoff = self.backoff.saturating_sub(1);
        had
    }

    pub(super) fn drop_sample(&mut self) {
        self.sample = None;
    }

    /// RFC 6298 (5.7): after a SYN sent twice nothing is known but that one second was too short.
    pub(super) fn distrust(&mut self, config: &Config) {
        self.rto_ns = config.rto_initial_ns.saturating_mul(3).clamp(1, config.rto_max_ns.max(1));
        self.backoff = 0;
    }

    #[inline]
    pub(super) fn acknowledged(&mut self, ack: u64, now: u64, config: &Config) {
        match self.sample {
            Some((end, began)) if ack >= end => {
                self.sample = None;
                self.take(now.saturating_sub(began), config);
                self.backoff = 0;
            }
            _ => self.backoff = self.backoff.min(BACKOFF_KEPT),
        }
    }

    /// RFC 6298 (2.2) and (2.3). The floor is Linux's: it bounds the variance term, so that a
    /// steady path keeps `rto_min` of slack instead of none.
    fn take(&mut self, sample_ns: u64, config: &Config) {
        self.least_ns = Some(self.least_ns.map_or(sample_ns, |least| least.min(sample_ns)));
        let (srtt, rttvar) = match self.smoothed_ns {
            None => (sample_ns, sample_ns / 2),
            Some((srtt, rttvar)) => {
                let error = srtt.abs_diff(sample_ns);
                (srtt - srtt / 8 + sample_ns / 8, rttvar - rttvar / 4 + error / 4)
            }
        };
        self.smoothed_ns = Some((srtt, rttvar));
        let slack = rttvar.saturating_mul(4).max(config.rto_min_ns);
        self.rto_ns = srtt.saturating_add(slack).clamp(1, config.rto_max_ns.max(1));
    }
}

#[inline]
fn doubled(rto_ns: u64, times: u32, config: &Config) -> u64 {
    if times == 0 {
        return rto_ns.clamp(1, config.rto_max_ns.max(1));
    }
    let factor = 1_u64.checked_shl(times).unwrap_or(u64::MAX);
    rto_ns.saturating_mul(factor).clamp(1, config.rto_max_ns.max(1))
}
