//! [`Interval`]: ticks that come at equal distances.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::driver;
use crate::hub::{On, Tick};

/// Ticks at equal distances, the first one a period from when it was made. See [`interval`].
///
/// It stays on its hub's thread.
pub struct Interval {
    hub: u64,
    next: Tick,
    period: Duration,
    stays: PhantomData<*const ()>,
}

/// Ticks every `period` from now on: [`Interval::tick`] waits for the next one. In
/// [`wait::any`](crate::wait::any) an interval is ready once its next tick is due.
///
/// It goes by the clock that sleeps and timeouts go by, which in a simulation is virtual time.
///
/// # Panics
///
/// Outside any hub, and for a period of zero.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// let mut beat = greenroom::time::interval(Duration::from_secs(1));
/// for _ in 0..3 {
///     beat.tick();
///     println!("still here");
/// }
/// ```
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval has a period");
    let driver = driver::current().expect(driver::OUTSIDE);
    Interval { hub: driver.id, next: driver.now().after(period), period, stays: PhantomData }
}

impl Interval {
    /// Waits until the next tick is due and returns how many were since the last call: one, or more
    /// for who comes late. Ticks that were missed are counted and not made up for, and those to come
    /// stay multiples of the period from the start, as those of Linux's timerfd_create(2).
    ///
    /// Others have a turn even where the tick is due. In a destructor that runs while its greenlet
    /// unwinds nobody may wait: there it returns 0 where none is due.
    ///
    /// # Panics
    ///
    /// Under another hub than its own.
    pub fn tick(&mut self) -> u64 {
        let driver = driver::current().expect(driver::OUTSIDE);
        assert!(driver.id == self.hub, "an interval ticks under the hub it was made under");
        driver.after_switch();
        if driver.now() >= self.next {
            if driver.may_wait().is_ok() {
                driver.yield_now();
            }
            return self.take();
        }
        while driver.now() < self.next {
            if driver.may_wait().is_err() {
                return 0;
            }
            driver.park("interval", On::Clock, Some(self.next));
            driver.after_switch();
        }
        self.take()
    }

    /// The time between two ticks.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The hub whose clock it goes by, and when the next tick is due.
    pub(crate) fn next(&self) -> (u64, Tick) {
        (self.hub, self.next)
    }

    /// Counts the ticks that are due and sets out for the first that is not.
    fn take(&mut self) -> u64 {
        let late = driver::current().expect(driver::OUTSIDE).now().since(self.next);
        let period_ns = self.period.as_nanos();
        let missed = late.as_nanos() / period_ns;
        let (ticks, ns) = (missed + 1, (missed + 1).saturating_mul(period_ns));
        let ns = u64::try_from(ns).unwrap_or(u64::MAX);
        self.next = self.next.after(Duration::from_nanos(ns));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").field("period", &self.period).finish_non_exhaustive()
    }
}
