//! Clocks and deadlines: [`Instant`] and [`SystemTime`] of the current host, and [`timeout`].
//!
//! In a simulation these move with virtual time, and may drift and step, host by host. Outside any
//! hub they are the operating system's.

use std::fmt;
use std::io;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

pub use std::time::Duration;

use crate::driver;

/// A point on the current host's monotonic clock, with [`std::time::Instant`]'s arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The current host's monotonic clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::time::Instant;
    ///
    /// let start = Instant::now();
    /// assert!(start.elapsed() >= std::time::Duration::ZERO);
    /// ```
    pub fn now() -> Instant {
        driver::with_current(|driver| driver.clock()).unwrap_or_else(|| {
            use std::sync::OnceLock;
            static START: OnceLock<std::time::Instant> = OnceLock::new();
            Instant(START.get_or_init(std::time::Instant::now).elapsed())
        })
    }
    /// For hubs: the instant at which the clock shows `reading`.
    pub const fn from_reading(reading: Duration) -> Instant {
        Instant(reading)
    }
    /// For hubs: what the clock shows at this instant.
    pub const fn reading(self) -> Duration {
        self.0
    }
    /// The time since `earlier`; zero if it is later than this.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
    /// The time since `earlier`, if it is not later than this.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_sub(earlier.0)
    }
    /// The time since `earlier`; zero if it is later than this.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
    /// The time since this instant.
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }
    /// This and `duration`, if the clock can show it.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }
    /// This less `duration`, if the clock can show it.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemTime(std::time::SystemTime);

/// 1970-01-01 00:00:00 UTC.
pub const UNIX_EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

impl SystemTime {
    /// 1970-01-01 00:00:00 UTC.
    pub const UNIX_EPOCH: SystemTime = SystemTime(std::time::SystemTime::UNIX_EPOCH);

    /// The current host's calendar clock.
    pub fn now() -> SystemTime {
        driver::with_current(|driver| driver.wall_clock())
            .unwrap_or_else(|| SystemTime(std::time::SystemTime::now()))
    }
    /// The time since `earlier`, or by how much it is later than this.
    pub fn duration_since(
        &self,
        earlier: SystemTime,
    ) -> Result<Duration, std::time::SystemTimeError> {
        self.0.duration_since(earlier.0)
    }
    /// The time since this, or by how much the clock is behind it.
    pub fn elapsed(&self) -> Result<Duration, std::time::SystemTimeError> {
        SystemTime::now().duration_since(*self)
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

/// A [`timeout`] came before its closure was done.
///
/// Inside the closure it travels as the source of the [`TimedOut`](io::ErrorKind::TimedOut) errors
/// that the blocking calls answer; it knows which scope it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed {
    scope: u64,
}

impl Elapsed {
    pub(crate) fn of(scope: u64) -> Elapsed {
        Elapsed { scope }
    }
    /// The error a blocking call inside the scope answers.
    pub(crate) fn error(self) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, self)
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the enclosing timeout has elapsed")
    }
}
impl std::error::Error for Elapsed {}

/// What unwinds a greenlet to the scope that expired when a call that cannot fail is met.
pub(crate) struct Unwind {
    pub(crate) scope: u64,
}

/// Runs `f` and lets it wait for no longer than `duration` in all.
///
/// When the time is up, the blocking call it waits in answers
/// [`TimedOut`](io::ErrorKind::TimedOut), and so does every later one inside the scope. A call
/// that cannot fail (`sleep`, `lock`, `join`) unwinds to the scope instead, as does the hundredth
/// error that `f` ignored. The answer is then [`Elapsed`], whatever `f` returns. Scopes nest, and
/// each is told apart from the others.
///
/// # Panics
///
/// Outside any hub.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use greenroom::{thread, time};
///
/// let slow = time::timeout(Duration::from_millis(10), || thread::sleep(Duration::from_secs(60)));
/// assert!(slow.is_err());
/// ```
pub fn timeout<T>(duration: Duration, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    let driver = driver::current().expect(driver::OUTSIDE);
    let scope = driver.enter_scope(duration);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    let expired = driver.leave_scope(scope);
    match outcome {
        Ok(_) if expired => Err(Elapsed::of(scope)),
        Ok(value) => Ok(value),
        Err(payload) => match payload.downcast::<Unwind>() {
            Ok(unwind) if unwind.scope == scope => {
                driver.set_unwinding(false);
                Err(Elapsed::of(scope))
            }
            Ok(other) => resume_unwind(other),
            Err(panic) => resume_unwind(panic),
        },
    }
}
