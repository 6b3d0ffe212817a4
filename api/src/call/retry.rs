//! The one retry loop: try, check the deadline, park. Every blocking socket call is this.

use std::io;

use super::prelude::{Wake, begin, check_timeouts, wake_of};
use crate::driver::{Arrival, Driver, Waited, count_call};
use crate::hub::{Hub, Io, Readiness, Tick, told};

/// One blocking call on one descriptor.
pub(crate) struct Call {
    /// What the user called it, for traces and wait tables.
    pub(crate) op: &'static str,
    pub(crate) io: Io,
    pub(crate) interest: Readiness,
    /// How long the whole call may take, in nanoseconds.
    pub(crate) timeout_ns: Option<u64>,
    /// What it returns when that time is up.
    pub(crate) expiry: io::ErrorKind,
    /// Whether it may wait at all.
    pub(crate) nonblocking: bool,
}

/// Where a call stands that waits.
#[derive(Default)]
struct Stand {
    /// Its place in the line, which it keeps from wait to wait; 0 before it has one.
    place: Arrival,
    /// When its own time is up.
    deadline: Option<Tick>,
    /// Whether others are in line.
    others: bool,
}

/// What a call that waited does next.
enum Next {
    Try,
    /// It is another's turn.
    WaitOn,
    /// Its time was up before it began to wait: what the socket shows now is all it gets.
    AskOnce,
}

impl Call {
    /// Repeats `attempt` until it returns something else than `WouldBlock`, waiting in between.
    ///
    /// Calls of one direction on one descriptor are served first come, first served: a newcomer
    /// lines up behind those who wait, and whoever got through lets the next one try.
    #[inline]
    pub(crate) fn run<T>(
        &self,
        driver: &Driver,
        mut attempt: impl FnMut(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        begin(driver)?;
        // Whether somebody else is in line: nobody can join it while this call runs.
        let others = driver.is_queued_on(self.io, self.interest);
        if !others || self.nonblocking || !self.may_queue(driver) {
            let tried = attempt(&mut **driver.hub.borrow_mut(), self.io);
            match tried {
                // The error ends here: a kill that unwinds the wait has nothing to drop.
                Err(error) if would_block(&error) => {
                    if self.nonblocking {
                        return self.refused(driver, error, others, attempt);
                    }
                }
                done => {
                    self.got_through(driver, false, others);
                    return done.map_err(told);
                }
            }
        }
        let mut stand = Stand { others, ..Stand::default() };
        loop {
            match self.wait_for_turn(driver, &mut stand)? {
                Next::Try => {}
                Next::WaitOn => continue,
                Next::AskOnce => {
                    let Some(answer) = self.ask(driver, attempt) else {
                        return Err(self.why_over(driver, stand.deadline));
                    };
                    self.got_through(driver, false, stand.others);
                    return answer;
                }
            }
            let tried = attempt(&mut **driver.hub.borrow_mut(), self.io);
            match tried {
                Err(error) if would_block(&error) => {}
                done => {
                    self.got_through(driver, true, stand.others);
                    return done.map_err(told);
                }
            }
        }
    }

    /// Waits once for the call's turn.
    ///
    /// What is on the stack while it waits is little, and the same for all calls: each line of the cache
    /// that it takes more has to be fetched when it goes on.
    #[inline(never)]
    fn wait_for_turn(&self, driver: &Driver, stand: &mut Stand) -> io::Result<Next> {
        driver.may_wait()?;
        if (self.timeout_ns.is_some() || driver.is_hurried())
            && self.is_over(driver, &mut stand.deadline)
        {
            return self.end_waiting(driver, stand);
        }
        let line = (self.io, self.interest, &mut stand.place);
        match driver.park_in_line(self.op, line, stand.deadline) {
            Waited::Called { others } if !driver.is_hurried() => {
                stand.others = others;
                Ok(Next::Try)
            }
            waited if driver.is_killed() => {
                // It stands in no line any more, and nothing was left with it. It is raised here, before
                // anything stands on the stack that would have to be unwound.
                let called = waited.into_others();
                driver.raise_kill();
                stand.others =
                    called.ok_or_else(|| io::Error::from_raw_os_error(libc::ECANCELED))?;
                Ok(Next::Try)
            }
            waited => self.woken_in_a_hurry(driver, waited, stand),
        }
    }

    /// What a call whose time is up does before it is told so.
    #[cold]
    #[inline(never)]
    fn end_waiting(&self, driver: &Driver, stand: &Stand) -> io::Result<Next> {
        match stand.place {
            0 => Ok(Next::AskOnce),
            _ => Err(self.why_over(driver, stand.deadline)),
        }
    }

    /// A call that may not wait, or no longer, tries once even when others are in line.
    #[cold]
    fn may_queue(&self, driver: &Driver) -> bool {
        self.timeout_ns != Some(0) && driver.may_wait().is_ok() && !driver.is_timeout_due()
    }

    /// Lets the next in line try; a call that did not wait is a switch point of its own.
    #[inline]
    fn got_through(&self, driver: &Driver, waited: bool, others: bool) {
        if others {
            driver.pass_on(self.io, self.interest);
        }
        if !waited {
            driver.completed();
        }
    }

    /// A call that may not wait is told what the socket shows now. Told either way, it is over, and
    /// as good a place to let others run as any: who polls a socket in a loop must not starve them.
    #[cold]
    fn refused<T>(
        &self,
        driver: &Driver,
        refusal: io::Error,
        others: bool,
        attempt: impl FnMut(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        let answer = self.ask(driver, attempt);
        self.got_through(driver, false, others && answer.is_some());
        count_call();
        answer.unwrap_or(Err(refusal))
    }

    /// What a call that would block but is not to wait finds after all: a hub that answered from
    /// memory may not know what the socket shows now, so it asks, and tries once more.
    #[cold]
    fn ask<T>(
        &self,
        driver: &Driver,
        mut attempt: impl FnMut(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> Option<io::Result<T>> {
        let mut hub = driver.hub.borrow_mut();
        // A read that finds nothing passes over an urgent byte all the same.
        let urgent = Readiness::URGENT.when(self.interest.is_readable());
        if hub.readiness(self.io, self.interest.with(urgent)).ok()?.is_none() {
            return None;
        }
        let tried = attempt(&mut **hub, self.io);
        (!tried.as_ref().is_err_and(would_block)).then_some(tried)
    }

    /// Whether its own time or that of a timeout around it is up, which nobody is told of by this.
    #[inline]
    fn is_over(&self, driver: &Driver, deadline: &mut Option<Tick>) -> bool {
        if let Some(timeout_ns) = self.timeout_ns {
            let now = driver.now();
            if now >= *deadline.get_or_insert_with(|| now.after_ns(timeout_ns)) {
                return true;
            }
        }
        driver.is_timeout_due()
    }

    /// The error of a call whose time is up. From here on a timeout is known to be over.
    #[cold]
    fn why_over(&self, driver: &Driver, deadline: Option<Tick>) -> io::Error {
        if deadline.is_some_and(|deadline| driver.now() >= deadline) {
            return self.expired();
        }
        check_timeouts(driver).err().unwrap_or_else(|| self.expired())
    }

    fn expired(&self) -> io::Error {
        match self.expiry {
            io::ErrorKind::WouldBlock => io::Error::from_raw_os_error(libc::EAGAIN),
            // A connect's, in std's words: no other call has a time of its own to run out of.
            kind => io::Error::new(kind, "connection timed out"),
        }
    }

    /// An end by the clock is not an error yet: the call tries again before, if it is its turn.
    #[cold]
    #[inline(never)]
    fn woken_in_a_hurry(
        &self,
        driver: &Driver,
        waited: Waited,
        stand: &mut Stand,
    ) -> io::Result<Next> {
        let woken = match waited {
            Waited::Called { others } => {
                stand.others = others;
                return Ok(Next::Try);
            }
            Waited::Ended(woken) => woken,
        };
        match wake_of(woken)? {
            Wake::Event => unreachable!("it is called then"),
            Wake::TimedOut => {
                let left = driver.last_turn((self.io, self.interest, stand.place));
                driver.raise_kill();
                // It is in no line if the descriptor was closed, which its try will find.
                let Some(left) = left else {
                    stand.others = false;
                    return Ok(Next::Try);
                };
                if left.called && !left.first {
                    driver.pass_on(self.io, self.interest);
                }
                stand.others = left.others;
                Ok(if left.first { Next::Try } else { Next::WaitOn })
            }
        }
    }
}

/// Whether a call would have had to wait. The number of it is looked at first: what an error *is*
/// takes longer to find out.
#[inline]
fn would_block(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EAGAIN) || error.kind() == io::ErrorKind::WouldBlock
}
