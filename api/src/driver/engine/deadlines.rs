//! What ends a greenlet's calls from outside: kills and timeouts, and how both unwind it.
//!
//! Most greenlets are neither killed nor inside a timeout, and every call asks: [`Driver::hurried`]
//! says so without a look at the table.

use std::panic::resume_unwind;
use std::time::Duration;

use super::Driver;
use crate::driver::program::Killed;
use crate::driver::table::KillMet;
use crate::driver::timeout::{Elapsed, RAISES_IN_A_TURN, Timeout, Unwind};

impl Driver {
    /// What a call that cannot fail owes after a switch: a kill or an expired timeout unwinds.
    #[inline]
    pub(crate) fn after_switch(&self) {
        self.raise_kill();
        if let Some(timeout) = self.expired_timeout() {
            self.raise_expiry(timeout);
        }
    }

    /// Whether the current greenlet is killed or inside a timeout; it may be said of one that is not.
    #[inline]
    pub(crate) fn is_hurried(&self) -> bool {
        self.hurried.get()
    }

    #[inline]
    pub(crate) fn raise_kill(&self) {
        if self.is_hurried() && self.meets_kill() {
            // Raised in the frame of the call: each more that stands on top has to be unwound as well.
            resume_unwind(Box::new(Killed));
        }
    }

    /// Whether the current greenlet is killed, and is to unwind now.
    #[cold]
    fn meets_kill(&self) -> bool {
        let Some(id) = self.current_id().filter(|_| self.table.borrow().current_is_killed()) else {
            return false;
        };
        if std::thread::panicking() {
            return false;
        }
        let met = self.table.borrow_mut().met_kill(id, self.in_place.get());
        match met {
            KillMet::Raise => {}
            // `loop { catch_unwind(handler) }` meets its kill for ever: the others run meanwhile.
            KillMet::AfterTurn => self.step_aside(),
            KillMet::TooOften => self.abort_over(id),
        }
        if cfg!(panic = "abort") {
            return false;
        }
        self.set_unwinding(true);
        true
    }

    pub(crate) fn raise_expiry(&self, elapsed: u64) {
        if !std::thread::panicking() && !cfg!(panic = "abort") {
            let met = self.table.borrow_mut().met_expiry(elapsed);
            if met > RAISES_IN_A_TURN {
                // In place it has no turn to give, and its end is owed.
                if let Some(id) = self.current_id().filter(|_| self.in_place.get())
                    && met > 2 * RAISES_IN_A_TURN
                {
                    self.abort_over(id);
                }
                self.step_aside();
                self.raise_kill();
            }
            self.set_unwinding(true);
            resume_unwind(Box::new(Unwind { timeout: elapsed }));
        }
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.is_hurried() && self.table.borrow().current_is_killed()
    }

    /// Whether a kill or an expired timeout is unwinding the current greenlet.
    pub(crate) fn is_ending(&self) -> bool {
        let mut table = self.table.borrow_mut();
        table.current.is_some() && table.current_details().unwinding
    }

    /// Says whether what unwinds from here on is a kill or an expiry.
    pub(crate) fn set_unwinding(&self, unwinding: bool) {
        self.table.borrow_mut().current_details().unwinding = unwinding;
    }

    pub(crate) fn enter_timeout(&self, duration: Duration) -> u64 {
        let timeout = self.timeouts_made.get() + 1;
        self.timeouts_made.set(timeout);
        let deadline = self.now().after(duration);
        let entered = Timeout::new(timeout, deadline);
        let mut table = self.table.borrow_mut();
        table.current_details().rare_mut().timeouts.push(entered);
        self.hurried.set(table.count_timeouts());
        timeout
    }

    /// Ends a timeout; returns whether it had expired.
    pub(crate) fn leave_timeout(&self, timeout: u64) -> bool {
        let mut table = self.table.borrow_mut();
        let details = table.current_details();
        let timeouts = &mut details.rare_mut().timeouts;
        let expired = match timeouts.iter().position(|entered| entered.id == timeout) {
            Some(index) => {
                let expired = timeouts[index].expired;
                timeouts.truncate(index);
                expired
            }
            None => false,
        };
        // Whatever unwound inside was caught on the way: a panic after it is the program's own.
        details.unwinding &= std::thread::panicking();
        self.hurried.set(table.count_timeouts());
        expired
    }

    /// The outermost timeout of the current greenlet whose time is up. Once it is, it stays so.
    #[inline]
    pub(crate) fn expired_timeout(&self) -> Option<u64> {
        if self.is_hurried() { self.find_expired_timeout() } else { None }
    }

    #[cold]
    fn find_expired_timeout(&self) -> Option<u64> {
        if self.table.borrow().no_timeouts() {
            return None;
        }
        let now = self.now();
        let mut outermost = None;
        for timeout in self.table.borrow_mut().current_details().timeouts_mut() {
            // Those inside the first are unwound past. Where nothing is, they are met as well, or a
            // wait would end at once for them again and again.
            if outermost.is_none() || cfg!(panic = "abort") {
                timeout.expired |= timeout.deadline <= now;
                outermost = outermost.or(timeout.expired.then_some(timeout.id));
            }
        }
        outermost
    }

    /// Whether the time of a timeout of the current greenlet is up, known or not.
    #[inline]
    pub(crate) fn is_timeout_due(&self) -> bool {
        self.is_hurried() && self.finds_timeout_due()
    }

    #[cold]
    fn finds_timeout_due(&self) -> bool {
        if self.table.borrow().no_timeouts() {
            return false;
        }
        let now = self.now();
        self.table
            .borrow_mut()
            .current_details()
            .timeouts()
            .iter()
            .any(|timeout| timeout.deadline <= now)
    }

    /// The outermost timeout that was already found expired, or whose time was over before the last
    /// poll: its calls err without being tried. At the very tick, data wins.
    #[inline]
    pub(crate) fn sticky_timeout(&self) -> Option<Elapsed> {
        if self.is_hurried() { self.find_sticky_timeout() } else { None }
    }

    #[cold]
    fn find_sticky_timeout(&self) -> Option<Elapsed> {
        // A closure that ignores so many errors is not going to stop by itself.
        const IGNORED_MAX: u32 = 100;
        let mut table = self.table.borrow_mut();
        if table.no_timeouts() {
            return None;
        }
        let polled_at = self.polled_at.get();
        let timeout = table.current_details().timeouts_mut().iter_mut().find_map(|timeout| {
            timeout.expired |= timeout.deadline < polled_at;
            timeout.expired.then_some(timeout)
        })?;
        timeout.ignored += 1;
        let (id, ignored) = (timeout.id, timeout.ignored);
        drop(table);
        if ignored > IGNORED_MAX {
            self.raise_expiry(id);
        }
        Some(Elapsed::of(id))
    }
}
