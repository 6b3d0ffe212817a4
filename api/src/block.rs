//! The one retry loop: try, check the deadline, park. Every blocking socket call is this.

use std::io;
use std::time::Duration;

use crate::driver::{Driver, Place, Woken};
use crate::hub::{Hub, Interest, Io, On, Tick};
use crate::mutant::{self, Mutant};

/// One blocking call on one descriptor.
pub(crate) struct Call {
    /// What the user called it, for traces and wait tables.
    pub(crate) op: &'static str,
    pub(crate) io: Io,
    pub(crate) interest: Interest,
    /// How long the whole call may take.
    pub(crate) timeout: Option<Duration>,
    /// What it answers when that time is up.
    pub(crate) expiry: io::ErrorKind,
    /// Whether it may wait at all.
    pub(crate) nonblocking: bool,
}

impl Call {
    /// Repeats `attempt` until it answers something else than `WouldBlock`, waiting in between.
    ///
    /// Calls of one direction on one descriptor are served first come, first served: a newcomer
    /// lines up behind those who wait, and whoever got through lets the next one try.
    pub(crate) fn run<T>(
        &self,
        driver: &Driver,
        mut attempt: impl FnMut(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        driver.raise_kill();
        if let Some(elapsed) = driver.sticky_scope() {
            return Err(elapsed.error());
        }
        let mut place = None;
        let mut deadline = None;
        let mut is_queued = !self.nonblocking
            && driver.is_queued_on(self.io, self.interest)
            && self.may_queue(driver);
        loop {
            if !is_queued {
                if mutant::is_on(Mutant::DeadlineBeforeTry) {
                    self.check_deadline(driver, &mut deadline)?;
                }
                let answer = attempt(&mut **driver.hub.borrow_mut(), self.io);
                match answer {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if self.nonblocking {
                            return Err(error);
                        }
                    }
                    answer => {
                        self.got_through(driver, place.is_some());
                        return answer;
                    }
                }
            }
            is_queued = false;
            driver.may_wait()?;
            self.check_deadline(driver, &mut deadline)?;
            self.wait(driver, deadline, &mut place)?;
        }
    }

    /// A call that may not wait, or no longer, tries once even when others are in line.
    fn may_queue(&self, driver: &Driver) -> bool {
        self.timeout != Some(Duration::ZERO) && driver.may_wait().is_ok() && !driver.is_scope_due()
    }

    /// Lets the next in line try; a call that did not wait is a switch point of its own.
    fn got_through(&self, driver: &Driver, waited: bool) {
        driver.pass_on(self.io, self.interest);
        if !waited {
            driver.completed();
        }
    }

    fn check_deadline(&self, driver: &Driver, deadline: &mut Option<Tick>) -> io::Result<()> {
        if let Some(timeout) = self.timeout {
            let now = driver.now();
            if now >= *deadline.get_or_insert_with(|| now.after(timeout)) {
                return Err(self.expired());
            }
        }
        if let Some(scope) = driver.expired_scope() {
            return Err(crate::time::Elapsed::of(scope).error());
        }
        Ok(())
    }

    fn expired(&self) -> io::Error {
        match self.expiry {
            io::ErrorKind::WouldBlock => io::Error::from_raw_os_error(libc::EAGAIN),
            kind => io::Error::new(kind, format!("{} timed out", self.op)),
        }
    }

    /// Waits once. An end by the clock is not an error yet: the loop tries again first.
    fn wait(
        &self,
        driver: &Driver,
        deadline: Option<Tick>,
        place: &mut Option<Place>,
    ) -> io::Result<()> {
        let ticket = driver.ticket();
        *place = Some(driver.queue_on(self.io, self.interest, *place));
        let woken = driver.park(self.op, On::Io(self.io, self.interest), deadline);
        match woken {
            Woken::Event => {
                driver.answered(self.io, self.interest);
                if driver.is_killed() {
                    // The event was given to this call; somebody else is to have it.
                    driver.pass_on(self.io, self.interest);
                }
            }
            Woken::Closed => {}
            Woken::TimedOut | Woken::Killed | Woken::Cancelled(_) => {
                driver.unqueue(self.io, ticket);
            }
        }
        driver.raise_kill();
        match woken {
            Woken::Cancelled(error) => Err(error),
            Woken::Closed => Err(closed()),
            Woken::Killed => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
            _ => Ok(()),
        }
    }
}

/// The error of a descriptor that was closed here.
pub(crate) fn closed() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}
