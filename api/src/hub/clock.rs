//! What the clocks of a host show: values alone. Who reads them is `time`'s affair.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::{Duration, SystemTimeError};

/// A point on the current host's monotonic clock, with [`std::time::Instant`]'s arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Since the clock's zero, which may lie well after what a program computes: an hour ago is an
    /// instant though the hub was started a second ago.
    ns: i128,
}

/// Linux's clock counts seconds in 64 bits with their sign.
const NS_MAX: i128 = i64::MAX as i128 * 1_000_000_000 + 999_999_999;
const NS_MIN: i128 = i64::MIN as i128 * 1_000_000_000;

impl Instant {
    /// For hubs: the instant at which the clock shows `reading`.
    pub const fn from_reading(reading: Duration) -> Instant {
        Instant { ns: reading.as_nanos() as i128 }
    }
    /// For hubs: what the clock shows at this instant; zero before its zero.
    pub const fn reading(self) -> Duration {
        if self.ns < 0 { Duration::ZERO } else { to_duration(self.ns) }
    }
    /// The time since `earlier`; zero if it is later than this.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
    /// The time since `earlier`, if it is not later than this.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        (self.ns >= earlier.ns).then(|| to_duration(self.ns - earlier.ns))
    }
    /// The time since `earlier`; zero if it is later than this.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }
    /// This and `duration`, if the clock can show it.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        Instant::at(self.ns + duration.as_nanos() as i128)
    }
    /// This less `duration`, if the clock can show it.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        Instant::at(self.ns - duration.as_nanos() as i128)
    }

    fn at(ns: i128) -> Option<Instant> {
        (NS_MIN..=NS_MAX).contains(&ns).then_some(Instant { ns })
    }
}

/// Nanoseconds that are not negative, and fewer than two clocks can be apart.
const fn to_duration(ns: i128) -> Duration {
    const SECOND_NS: i128 = 1_000_000_000;
    Duration::new((ns / SECOND_NS) as u64, (ns % SECOND_NS) as u32)
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, distance) = (if self.ns < 0 { "-" } else { "" }, to_duration(self.ns.abs()));
        write!(f, "Instant({sign}{distance:?})")
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, other: Duration) -> Instant {
        self.checked_add(other).expect("overflow when adding duration to instant")
    }
}
impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}
impl Sub<Duration> for Instant {
    type Output = Instant;
    fn sub(self, other: Duration) -> Instant {
        self.checked_sub(other).expect("overflow when subtracting duration from instant")
    }
}
impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, other: Duration) {
        *self = *self - other;
    }
}
impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, other: Instant) -> Duration {
        self.duration_since(other)
    }
}

/// A point on the current host's calendar clock, with [`std::time::SystemTime`]'s arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(std::time::SystemTime);

/// 1970-01-01 00:00:00 UTC.
pub const UNIX_EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

impl SystemTime {
    /// 1970-01-01 00:00:00 UTC.
    pub const UNIX_EPOCH: SystemTime = SystemTime(std::time::SystemTime::UNIX_EPOCH);

    /// The time since `earlier`, or by how much it is later than this.
    pub fn duration_since(&self, earlier: SystemTime) -> Result<Duration, SystemTimeError> {
        self.0.duration_since(earlier.0)
    }
    /// This and `duration`, if it can be said.
    pub fn checked_add(&self, duration: Duration) -> Option<SystemTime> {
        self.0.checked_add(duration).map(SystemTime)
    }
    /// This less `duration`, if it can be said.
    pub fn checked_sub(&self, duration: Duration) -> Option<SystemTime> {
        self.0.checked_sub(duration).map(SystemTime)
    }
}

impl fmt::Debug for SystemTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Add<Duration> for SystemTime {
    type Output = SystemTime;
    fn add(self, other: Duration) -> SystemTime {
        SystemTime(self.0 + other)
    }
}
impl AddAssign<Duration> for SystemTime {
    fn add_assign(&mut self, other: Duration) {
        self.0 += other;
    }
}
impl Sub<Duration> for SystemTime {
    type Output = SystemTime;
    fn sub(self, other: Duration) -> SystemTime {
        SystemTime(self.0 - other)
    }
}
impl SubAssign<Duration> for SystemTime {
    fn sub_assign(&mut self, other: Duration) {
        self.0 -= other;
    }
}

impl From<std::time::SystemTime> for SystemTime {
    fn from(time: std::time::SystemTime) -> SystemTime {
        SystemTime(time)
    }
}
impl From<SystemTime> for std::time::SystemTime {
    fn from(time: SystemTime) -> std::time::SystemTime {
        time.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same arithmetic as std's, on an instant just after the clock's zero.
    #[test]
    fn instants_reach_back_before_the_clocks_zero_as_stds_do() {
        let (ours, stds) = (Instant::from_reading(Duration::from_millis(1500)), std_now());
        for distance in [0, 1, 2_000_000_000, 3_600_000_000_000, u64::MAX].map(Duration::from_nanos)
        {
            let (ago, stds_ago) = (ours.checked_sub(distance), stds.checked_sub(distance));
            assert_eq!(ago.is_some(), stds_ago.is_some(), "{distance:?}");
            let (ago, stds_ago) = (ago.unwrap(), stds_ago.unwrap());
            assert_eq!(ours - ago, stds - stds_ago);
            assert_eq!(ago.checked_duration_since(ours), stds_ago.checked_duration_since(stds));
            assert_eq!(ago + distance, ours);
        }
        for too_far in [Duration::MAX, Duration::from_secs(u64::MAX - 10)] {
            assert_eq!((ours.checked_sub(too_far), ours.checked_add(too_far)), (None, None));
            assert_eq!((stds.checked_sub(too_far), stds.checked_add(too_far)), (None, None));
        }
        assert_eq!((ours - Duration::from_secs(2)).reading(), Duration::ZERO);
        assert_eq!(format!("{:?}", ours - Duration::from_secs(2)), "Instant(-500ms)");
    }

    #[test]
    fn system_times_are_counted_with_as_stds() {
        let day = Duration::from_secs(86_400);
        let (mut ours, mut stds) = (UNIX_EPOCH + day, std::time::UNIX_EPOCH + day);
        ours += day;
        stds += day;
        assert_eq!(std::time::SystemTime::from(ours), stds);
        assert_eq!(format!("{ours:?}"), format!("{stds:?}"));
        ours -= day;
        assert_eq!(ours - day, UNIX_EPOCH);
        assert_eq!((UNIX_EPOCH - day).duration_since(ours).unwrap_err().duration(), day * 2);
        assert_eq!(
            (ours.checked_add(Duration::MAX), ours.checked_sub(Duration::MAX)),
            (None, None)
        );
        assert!(std::panic::catch_unwind(|| ours + Duration::MAX).is_err());
        assert!(std::panic::catch_unwind(|| ours - Duration::MAX).is_err());
    }

    fn std_now() -> std::time::Instant {
        std::time::Instant::now()
    }
}
