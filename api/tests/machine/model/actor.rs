//! What the model knows of one actor: the call it is in, the scopes around it, how it ended.

use std::ops::Range;
use std::time::Duration;

use crate::machine::log::{End, Outcome};
use crate::machine::program::{Op, units};

pub struct Actor<'a> {
    pub ops: Vec<&'a Op>,
    pub scopes: Vec<Scope>,
    pub families: Vec<Family>,
    /// Whose scope it is a child of.
    pub owner: Option<usize>,
    pub doing: Option<Doing>,
    /// It was started, has run (or was killed before), and came to its end.
    pub born: bool,
    pub started: bool,
    pub ran: bool,
    pub gone: Option<End>,
    pub killed: bool,
    /// A panic of its own unwinds it: it waits for the children of its scopes on its way out.
    pub falls: bool,
    /// It was killed while a call of its had its bytes: it goes on until its next wait.
    pub hands_over: bool,
    /// Its handle lies where all can reach it, or its owner can; somebody joined it.
    pub has_handle: bool,
    pub joined: bool,
    /// An unpark that no park has taken yet.
    pub token: bool,
    /// Its place in the order of those who can run, where the log tells it.
    pub turn: Option<u64>,
}

/// A `timeout` an actor is inside of.
pub struct Scope {
    pub op: usize,
    pub deadline: Duration,
    /// A call has answered its expiry.
    pub known: bool,
    /// Its time came while all its greenlet did was to yield: it may be known by now.
    pub maybe_known: bool,
}

/// A `scope` an actor is inside of.
pub struct Family {
    pub op: usize,
    pub children: Range<usize>,
}

/// A call that has begun.
pub struct Doing {
    pub op: usize,
    pub since: Duration,
    /// Its line of the log.
    pub place: usize,
    pub start: Start,
    pub fixed: Option<Fixed>,
    /// What it waits for is there, but may not have been named yet.
    pub maybe_named: bool,
    /// It waits for what was there when it began: the others run first.
    pub aside: bool,
    /// Somebody took what it had been named for: the log does not tell whether it has run since.
    pub doubted: bool,
    /// A cancel that came when it had been named: it counts if what was there is taken.
    pub cancel: Option<Fixed>,
    /// Its time was up while others stood in line before it.
    pub may_ask: bool,
    /// The child that the end of a scope waits for first, until that is over and others are not:
    /// from then on the log does not tell.
    pub awaits: Option<usize>,
}

/// What a call found when it began.
#[derive(Clone, PartialEq)]
pub enum Start {
    /// It waits for something to happen.
    Waits,
    /// It only steps aside for the others.
    Yields,
    /// What it waits for is there: it steps aside, and looks again.
    Aside,
    /// A call on a source has what it wanted at once.
    Took(Outcome),
    /// Any other call is over at once.
    AtOnce(Outcome),
    /// The world says what becomes of it.
    Asks,
    Closed,
    Busy,
    /// An enclosing scope is over already: it fails.
    Expired,
    /// The same, and it cannot fail.
    Unwinds,
    /// It is the beginning of a scope.
    Scope,
    Panics,
    /// Its greenlet was killed: it does nothing.
    Doomed,
}

/// What ended a wait, whatever happens before its greenlet runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fixed {
    Named,
    Closed,
    Cancelled(Option<u8>),
    Deadline,
}

impl<'a> Actor<'a> {
    pub fn new(ops: Vec<&'a Op>, born: bool) -> Actor<'a> {
        Actor {
            ops,
            scopes: Vec::new(),
            families: Vec::new(),
            owner: None,
            doing: None,
            born,
            started: false,
            ran: false,
            gone: None,
            killed: false,
            falls: false,
            hands_over: false,
            has_handle: born,
            joined: false,
            token: false,
            turn: None,
        }
    }

    pub fn is_alive(&self) -> bool {
        self.born && self.gone.is_none()
    }

    /// The operation of the call it waits in, and that call. The killed wait for nothing.
    pub fn waiting(&self) -> Option<(&'a Op, &Doing)> {
        let doing = self.doing.as_ref().filter(|doing| doing.start == Start::Waits)?;
        (self.is_alive() && !self.killed).then(|| (self.ops[doing.op], doing))
    }

    pub fn waiting_mut(&mut self) -> Option<(&'a Op, &mut Doing)> {
        let may = self.is_alive() && !self.killed;
        let doing = self.doing.as_mut().filter(|doing| may && doing.start == Start::Waits)?;
        Some((self.ops[doing.op], doing))
    }

    /// When the call it waits in gives up.
    pub fn deadline(&self) -> Option<Duration> {
        let doing = self.doing.as_ref().filter(|doing| doing.start == Start::Waits)?;
        let own = own_limit(self.ops[doing.op]).map(|limit| doing.since + limit);
        own.into_iter().chain(self.scopes.iter().map(|scope| scope.deadline)).min()
    }

    /// Whether a scope around it is over, as far as a call that cannot fail is concerned.
    pub fn is_due(&self, now: Duration) -> bool {
        self.scopes.iter().any(|scope| scope.known || scope.deadline <= now)
    }

    /// The same for a call that can: at the very tick it is still tried.
    pub fn is_over(&self, now: Duration) -> bool {
        self.scopes.iter().any(|scope| scope.known || scope.deadline < now)
    }

    /// Whether a kill of it is still to be met, because a call had taken something before.
    pub fn may_go_on(&self) -> bool {
        let doomed = self.doing.as_ref().is_some_and(|doing| doing.start == Start::Doomed);
        !self.killed || (self.hands_over && !doomed)
    }

    /// Orders its end.
    pub fn kill(&mut self) {
        if self.is_alive() && !self.killed {
            let took = |doing: &Doing| matches!(doing.start, Start::Took(_));
            self.hands_over = self.doing.as_ref().is_some_and(took);
            self.killed = true;
        }
    }
}

/// How long a call may take of its own.
pub fn own_limit(op: &Op) -> Option<Duration> {
    match op {
        Op::Sleep(time) => Some(units(*time)),
        Op::Take { within, .. }
        | Op::WaitReady { within, .. }
        | Op::Wait { within, .. }
        | Op::WaitSet { within }
        | Op::Park { within }
        | Op::Join { within, .. } => within.map(units),
        _ => None,
    }
}

/// The side a wait for readiness is on.
pub fn watched(op: &Op) -> Option<u8> {
    match op {
        Op::WaitReady { side, .. } | Op::Wait { side, .. } => Some(*side),
        _ => None,
    }
}

/// The side that a call takes from.
pub fn taken_from(op: &Op) -> Option<u8> {
    match op {
        Op::Take { side, .. } => Some(*side),
        _ => None,
    }
}
