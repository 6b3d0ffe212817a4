//! The clocks of a hub: the driver's, which starts with it, and its host's monotonic one.

use std::sync::OnceLock;
use std::time::Duration;

use greenroom::hub::Tick;
use greenroom::time::Instant;

use crate::sys;

pub(super) struct Clock {
    /// The driver's clock counts from here on the system's; the host's showed this much then.
    start_ns: u64,
    reading_at_start: Duration,
}

impl Clock {
    /// One that starts now. The host's is the same for all hubs of the process and goes on from
    /// what it shows outside any hub.
    pub(super) fn start() -> Clock {
        static EPOCH: OnceLock<(u64, Duration)> = OnceLock::new();
        let (epoch_ns, reading) =
            *EPOCH.get_or_init(|| (sys::monotonic_ns(), Instant::now().reading()));
        let start_ns = sys::monotonic_ns();
        Clock { start_ns, reading_at_start: reading + Duration::from_nanos(start_ns - epoch_ns) }
    }

    #[inline]
    pub(super) fn now(&self) -> Tick {
        Tick::from_ns(sys::monotonic_ns() - self.start_ns)
    }

    /// What the host's clock shows.
    #[inline]
    pub(super) fn read(&self) -> Instant {
        Instant::from_reading(self.reading_at_start + Duration::from_nanos(self.now().as_ns()))
    }

    /// What the driver's clock shows when the host's shows this.
    pub(super) fn tick_of(&self, at: Instant) -> Tick {
        Tick::default().after(at.reading().saturating_sub(self.reading_at_start))
    }
}
