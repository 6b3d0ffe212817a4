//! A side of a source: what has come, what was taken, and how it ended.

use std::time::Duration;

use crate::machine::log::Outcome;
use crate::machine::program::Kind;

pub struct Side {
    kind: Kind,
    /// Bytes are their places in the stream: these have come, and these were taken.
    come: u8,
    taken: u8,
    /// Nothing more is to come.
    ended: bool,
    /// Nothing can be written any more.
    pub broken: bool,
    pub closed: bool,
    /// When something last happened to it, and how often then: so many of its line may have been
    /// called at once.
    touched: Option<(Duration, u8)>,
}

impl Side {
    pub fn new(kind: Kind) -> Side {
        Side { kind, come: 0, taken: 0, ended: false, broken: false, closed: false, touched: None }
    }

    pub fn is_ready(&self) -> bool {
        !self.closed && (self.come > self.taken || self.ended || self.broken)
    }

    /// So much comes, or the end of it.
    pub fn arrive(&mut self, count: u8, now: Duration) {
        self.come += count;
        if count == 0 {
            self.end();
        }
        let times = if self.kind == Kind::Accept { count } else { 1 };
        (0..times).for_each(|_| self.touch(now));
    }

    pub fn touch(&mut self, now: Duration) {
        let times = self.touches(now) + 1;
        self.touched = Some((now, times));
    }

    /// How often something happened to it in this tick.
    pub fn touches(&self, now: Duration) -> u8 {
        self.touched.filter(|&(at, _)| at == now).map_or(0, |(_, times)| times)
    }

    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What a call gets that takes from it.
    pub fn take(&mut self, len: u8) -> Outcome {
        if self.broken {
            return Outcome::Epipe;
        }
        let most = if self.kind == Kind::Accept { 1 } else { len };
        let first = self.taken;
        self.taken += most.min(self.come - self.taken);
        match self.kind {
            Kind::Read => Outcome::Bytes((first..self.taken).collect()),
            Kind::Write | Kind::Accept => Outcome::Moved(self.taken - first),
        }
    }
}
