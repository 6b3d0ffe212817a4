//! What ends a greenlet's calls from outside: kills, scopes of `timeout`, and how both unwind it.
//!
//! Most greenlets are neither killed nor inside a scope, and every call asks: [`Driver::hurried`]
//! says so without a look at the table.

use std::panic::resume_unwind;
use std::time::Duration;

use super::table::KillMet;
use super::{Driver, Killed};
use crate::hub::Tick;
use crate::mutant::{self, Mutant};
use crate::time::{Elapsed, Unwind};

/// A `timeout` the greenlet is inside of.
pub(crate) struct Scope {
    id: u64,
    pub(super) deadline: Tick,
    pub(super) expired: bool,
    /// How many errors for it were returned, and how often it was raised.
    ignored: u32,
    raised: u32,
}

impl Scope {
    /// It is about to be raised; returns whether it was so too often to keep the turn.
    pub(super) fn raise(&mut self) -> bool {
        self.raised = self.raised.saturating_add(1);
        self.raised > RAISES_IN_A_TURN
    }

    pub(super) fn is(&self, id: u64) -> bool {
        self.id == id
    }
}

/// How often a kill or an expiry is raised in a greenlet before each further one costs it its turn.
pub(super) const RAISES_IN_A_TURN: u32 = 100;

impl Driver {
    /// What a call that cannot fail owes after a switch: a kill or an expired scope unwinds.
    #[inline]
    pub(crate) fn after_switch(&self) {
        self.raise_kill();
        if let Some(scope) = self.expired_scope() {
            self.raise_expiry(scope);
        }
    }

    /// Whether the current greenlet is killed or inside a scope; it may be said of one that is not.
    #[inline]
    pub(crate) fn is_hurried(&self) -> bool {
        self.hurried.get()
    }

    #[inline]
    pub(crate) fn raise_kill(&self) {
        if self.is_hurried() {
            self.raise_kill_if_killed();
        }
    }

    #[cold]
    fn raise_kill_if_killed(&self) {
        let Some(id) = self.current_id().filter(|_| self.table.borrow().current_is_killed()) else {
            return;
        };
        if std::thread::panicking() {
            return;
        }
        let met = self.table.borrow_mut().met_kill(id, self.in_place.get());
        match met {
            KillMet::Raise => {}
            // `loop { catch_unwind(handler) }` meets its kill for ever: the others run meanwhile.
            KillMet::AfterTurn => self.step_aside(),
            KillMet::TooOften => self.abort_over(id),
        }
        if !cfg!(panic = "abort") {
            self.set_unwinding(true);
            resume_unwind(Box::new(Killed));
        }
    }

    pub(crate) fn raise_expiry(&self, elapsed: u64) {
        if !std::thread::panicking() && !cfg!(panic = "abort") {
            if self.table.borrow_mut().met_expiry(elapsed) {
                self.step_aside();
                self.raise_kill();
            }
            self.set_unwinding(true);
            resume_unwind(Box::new(Unwind { scope: elapsed }));
        }
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.is_hurried() && self.table.borrow().current_is_killed()
    }

    /// Whether a kill or an expired scope is unwinding the current greenlet.
    pub(crate) fn is_ending(&self) -> bool {
        let mut table = self.table.borrow_mut();
        table.current.is_some() && table.current_slot().unwinding
    }

    /// Says whether what unwinds from here on is a kill or an expiry.
    pub(crate) fn set_unwinding(&self, unwinding: bool) {
        self.table.borrow_mut().current_slot().unwinding = unwinding;
    }

    pub(crate) fn enter_scope(&self, duration: Duration) -> u64 {
        let scope = self.scopes_made.get() + 1;
        self.scopes_made.set(scope);
        let deadline = self.now().after(duration);
        let entered = Scope { id: scope, deadline, expired: false, ignored: 0, raised: 0 };
        self.table.borrow_mut().current_slot().scopes.push(entered);
        self.hurried.set(true);
        scope
    }

    /// Ends a scope; answers whether it had expired.
    pub(crate) fn leave_scope(&self, scope: u64) -> bool {
        let mut table = self.table.borrow_mut();
        let slot = table.current_slot();
        let scopes = &mut slot.scopes;
        let expired = match scopes.iter().position(|entered| entered.id == scope) {
            Some(index) => {
                let expired = scopes[index].expired;
                scopes.truncate(index);
                expired
            }
            None => false,
        };
        self.hurried.set(slot.is_hurried());
        expired
    }

    /// The outermost scope of the current greenlet whose time is up. Once it is, it stays so.
    #[inline]
    pub(crate) fn expired_scope(&self) -> Option<u64> {
        if self.is_hurried() { self.find_expired_scope() } else { None }
    }

    #[cold]
    fn find_expired_scope(&self) -> Option<u64> {
        if self.table.borrow().no_scopes() {
            return None;
        }
        let now = self.now();
        self.table.borrow_mut().current_slot().scopes.iter_mut().find_map(|scope| {
            scope.expired |= scope.deadline <= now;
            scope.expired.then_some(scope.id)
        })
    }

    /// Whether the time of a scope of the current greenlet is up, known or not.
    #[inline]
    pub(crate) fn is_scope_due(&self) -> bool {
        self.is_hurried() && self.finds_scope_due()
    }

    #[cold]
    fn finds_scope_due(&self) -> bool {
        if self.table.borrow().no_scopes() {
            return false;
        }
        let now = self.now();
        self.table.borrow_mut().current_slot().scopes.iter().any(|scope| scope.deadline <= now)
    }

    /// The outermost scope that was already found expired, or whose time was over before the last
    /// poll: its calls err without being tried. At the very tick, data wins.
    #[inline]
    pub(crate) fn sticky_scope(&self) -> Option<Elapsed> {
        if self.is_hurried() { self.find_sticky_scope() } else { None }
    }

    #[cold]
    fn find_sticky_scope(&self) -> Option<Elapsed> {
        // A closure that ignores so many errors is not going to stop by itself.
        const IGNORED_MAX: u32 = 100;
        let mut table = self.table.borrow_mut();
        if table.no_scopes() || mutant::is_on(Mutant::ScopeNotSticky) {
            return None;
        }
        let polled_at = self.polled_at.get();
        let scope = table.current_slot().scopes.iter_mut().find_map(|scope| {
            scope.expired |= scope.deadline < polled_at;
            scope.expired.then_some(scope)
        })?;
        scope.ignored += 1;
        let (id, ignored) = (scope.id, scope.ignored);
        drop(table);
        if ignored > IGNORED_MAX {
            self.raise_expiry(id);
        }
        Some(Elapsed::of(id))
    }
}
