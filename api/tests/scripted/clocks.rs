//! The clocks of hosts: each may run too fast or too slow, and the calendar one may be set.

use std::collections::BTreeMap;
use std::time::Duration;

use greenroom::hub::{HostId, Tick};
use greenroom::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Default)]
pub(super) struct Clocks {
    drift_ppm: BTreeMap<HostId, i64>,
    stepped_ms: BTreeMap<HostId, i64>,
}

const MILLION: i128 = 1_000_000;

impl Clocks {
    pub(super) fn set_drift(&mut self, host: HostId, ppm: i64) {
        self.drift_ppm.insert(host, ppm);
    }
    pub(super) fn step(&mut self, host: HostId, by_ms: i64) {
        *self.stepped_ms.entry(host).or_default() += by_ms;
    }

    fn rate(&self, host: HostId) -> i128 {
        MILLION + i128::from(self.drift_ppm.get(&host).copied().unwrap_or(0))
    }

    pub(super) fn monotonic(&self, host: HostId, now: u64) -> Instant {
        let ns = i128::from(now) * self.rate(host) / MILLION;
        Instant::from_reading(Duration::from_nanos(ns as u64))
    }

    pub(super) fn wall(&self, host: HostId, now: u64) -> SystemTime {
        const YEAR_2000: Duration = Duration::from_secs(946_684_800);
        let stepped = self.stepped_ms.get(&host).copied().unwrap_or(0);
        let reading = YEAR_2000 + self.monotonic(host, now).reading();
        let shown = reading.as_millis() as i64 + stepped;
        UNIX_EPOCH.checked_add(Duration::from_millis(shown as u64)).expect("a date of this era")
    }

    pub(super) fn due(&self, host: HostId, at: Instant) -> Tick {
        let ns = at.reading().as_nanos() as i128 * MILLION / self.rate(host);
        Tick::from_ns(ns as u64)
    }
}
