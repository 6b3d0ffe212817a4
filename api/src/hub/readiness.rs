//! What a source is ready for.

use std::fmt;

/// A set of what a source can be ready for: what it shows now, or what is waited for.
///
/// Reading and writing are what the calls of a program would find. The others are what poll(2) reports
/// beside: they say why, and none of them is taken by looking.
///
/// # Examples
///
/// ```
/// use greenroom::wait::Readiness;
///
/// let over = Readiness::HANG_UP.with(Readiness::ERROR);
/// assert!(over.has_error() && !over.is_readable());
/// assert_eq!(format!("{over:?}"), "hang-up error");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Readiness = Readiness(0);
    /// A read, an accept or a received datagram would not block: there is something, or the end, or an
    /// error.
    pub const READ: Readiness = Readiness(1);
    /// A write or a connect would not block.
    pub const WRITE: Readiness = Readiness(2);
    /// Reading and writing.
    pub const BOTH: Readiness = Readiness(3);
    /// Nothing can come or go any more, in either direction (`POLLHUP`): the connection is over, or there
    /// was none yet.
    pub const HANG_UP: Readiness = Readiness(4);
    /// Nothing can come any more but what is here already (`POLLRDHUP`): the peer shut its side, or this
    /// one was shut for reading.
    pub const READ_CLOSED: Readiness = Readiness(8);
    /// An error that is yet to be told (`POLLERR`), by the next call or by `take_error`; of a pipe, that
    /// nobody reads it.
    pub const ERROR: Readiness = Readiness(16);
    /// An urgent byte that is yet to be taken or passed (`POLLPRI`).
    pub const URGENT: Readiness = Readiness(32);
    /// Everything.
    pub const ALL: Readiness = Readiness(63);

    const NAMES: [(Readiness, &'static str); 6] = [
        (Readiness::READ, "read"),
        (Readiness::WRITE, "write"),
        (Readiness::HANG_UP, "hang-up"),
        (Readiness::READ_CLOSED, "read-closed"),
        (Readiness::ERROR, "error"),
        (Readiness::URGENT, "urgent"),
    ];

    /// Both sets together.
    pub const fn with(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }
    /// What both sets have in common.
    pub const fn and(self, other: Readiness) -> Readiness {
        Readiness(self.0 & other.0)
    }
    /// What is in this set only.
    pub const fn without(self, other: Readiness) -> Readiness {
        Readiness(self.0 & !other.0)
    }
    /// This set if so, nothing if not.
    pub const fn when(self, so: bool) -> Readiness {
        if so { self } else { Readiness::NONE }
    }
    /// Whether nothing is in it.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
    /// Whether reading is among it.
    pub const fn is_readable(self) -> bool {
        !self.and(Readiness::READ).is_none()
    }
    /// Whether writing is among it.
    pub const fn is_writable(self) -> bool {
        !self.and(Readiness::WRITE).is_none()
    }
    /// Whether a hang-up is among it.
    pub const fn is_hung_up(self) -> bool {
        !self.and(Readiness::HANG_UP).is_none()
    }
    /// Whether the end of reading is among it.
    pub const fn is_read_closed(self) -> bool {
        !self.and(Readiness::READ_CLOSED).is_none()
    }
    /// Whether an error is among it.
    pub const fn has_error(self) -> bool {
        !self.and(Readiness::ERROR).is_none()
    }
    /// Whether an urgent byte is among it.
    pub const fn is_urgent(self) -> bool {
        !self.and(Readiness::URGENT).is_none()
    }

    /// What a program finds where this is reported: a hang-up or an error ends reads and writes alike.
    pub const fn as_found(self) -> Readiness {
        let is_over = self.is_hung_up() || self.has_error();
        self.with(Readiness::BOTH.when(is_over))
    }
}

/// The names of what is in it, `none` if nothing is.
impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here = Readiness::NAMES.iter().filter(|(one, _)| !self.and(*one).is_none());
        let names: Vec<&str> = here.map(|(_, name)| *name).collect();
        if names.is_empty() { f.write_str("none") } else { f.write_str(&names.join(" ")) }
    }
}
