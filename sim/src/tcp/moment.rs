//! A time that may be none, in a word: a connection has a dozen, and asks for the earliest of them all the time.

/// Nanoseconds of the owner's clock, or none, which is later than any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) const NONE: Moment = Moment(u64::MAX);

    #[inline]
    pub(super) fn at(ns: u64) -> Moment {
        Moment(ns.min(u64::MAX - 1))
    }
    #[inline]
    pub(super) fn get(self) -> Option<u64> {
        self.is_some().then_some(self.0)
    }
    #[inline]
    pub(super) fn is_some(self) -> bool {
        self != Moment::NONE
    }
    #[inline]
    pub(super) fn is_none(self) -> bool {
        self == Moment::NONE
    }
    /// The same if so, otherwise none.
    #[inline]
    pub(super) fn when(self, is_so: bool) -> Moment {
        if is_so { self } else { Moment::NONE }
    }
    /// Whether it has come.
    #[inline]
    pub(super) fn is_due(self, now: u64) -> bool {
        self.0 <= now && self.is_some()
    }
    /// Sets it where it is none.
    #[inline]
    pub(super) fn begin(&mut self, ns: u64) {
        if self.is_none() {
            *self = Moment::at(ns);
        }
    }
}

impl From<Option<u64>> for Moment {
    #[inline]
    fn from(at: Option<u64>) -> Moment {
        at.map_or(Moment::NONE, Moment::at)
    }
}
