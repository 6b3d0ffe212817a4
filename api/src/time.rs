//! Clocks and deadlines: [`Instant`] and [`SystemTime`] of the current host, [`timeout`], and
//! [`interval`].
//!
//! In a simulation these move with virtual time, and may drift and step, host by host. Outside any
//! hub they are the operating system's.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

mod interval;

pub use std::time::{Duration, SystemTimeError, TryFromFloatSecsError};

pub use self::interval::{Interval, interval};
pub use crate::driver::Elapsed;
use crate::driver::{self, Unwind};
pub use crate::hub::{Instant, SystemTime, UNIX_EPOCH};

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
            Instant::from_reading(START.get_or_init(std::time::Instant::now).elapsed())
        })
    }
    /// The time since this instant.
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }
}

impl SystemTime {
    /// The current host's calendar clock.
    pub fn now() -> SystemTime {
        driver::with_current(|driver| driver.wall_clock())
            .unwrap_or_else(|| SystemTime::from(std::time::SystemTime::now()))
    }
    /// The time since this, or by how much the clock is behind it.
    pub fn elapsed(&self) -> Result<Duration, SystemTimeError> {
        SystemTime::now().duration_since(*self)
    }
}

/// Runs `f` and lets it wait for no longer than `duration` in all.
///
/// When the time is up, the blocking call it waits in returns
/// [`TimedOut`](std::io::ErrorKind::TimedOut), and so does every later one inside the closure. A call
/// that cannot fail (`sleep`, `lock`, `join`) unwinds to this call instead, as does the hundredth
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
///
/// [`Elapsed`] becomes an [`io::Error`](std::io::Error) where one is wanted:
///
/// ```no_run
/// # use std::{io::{self, Read}, time::Duration};
/// fn greeting(mut stream: greenroom::net::TcpStream) -> io::Result<[u8; 5]> {
///     let mut buf = [0; 5];
///     greenroom::time::timeout(Duration::from_secs(1), || stream.read_exact(&mut buf))??;
///     Ok(buf)
/// }
/// ```
pub fn timeout<T>(duration: Duration, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    let driver = driver::current().expect(driver::OUTSIDE);
    let entered = driver.enter_timeout(duration);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    let expired = driver.leave_timeout(entered);
    match outcome {
        Ok(_) if expired => Err(Elapsed::of(entered)),
        Ok(value) => Ok(value),
        Err(payload) => match payload.downcast::<Unwind>() {
            Ok(unwind) if unwind.timeout == entered => {
                driver.set_unwinding(false);
                Err(Elapsed::of(entered))
            }
            Ok(other) => {
                driver.set_unwinding(true);
                resume_unwind(other)
            }
            Err(payload) => {
                // A kill that only passes here poisons no lock further out.
                driver.set_unwinding(!driver::is_panic(&*payload));
                resume_unwind(payload)
            }
        },
    }
}
