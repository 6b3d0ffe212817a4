//! What a call asks of a source: a direction, whether bytes stay, a name.

/// What a source is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Nothing.
    pub const NONE: Interest = Interest(0);
    /// A read, an accept, a received datagram or an answer would not block.
    pub const READ: Interest = Interest(1);
    /// A write or a connect would not block.
    pub const WRITE: Interest = Interest(2);
    /// Either of the two.
    pub const BOTH: Interest = Interest(3);

    /// Both sets together.
    pub const fn with(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }
    /// What both sets have in common.
    pub const fn and(self, other: Interest) -> Interest {
        Interest(self.0 & other.0)
    }
    /// What is in this set only.
    pub const fn without(self, other: Interest) -> Interest {
        Interest(self.0 & !other.0)
    }
    /// Whether reading is among it.
    pub const fn reads(self) -> bool {
        self.0 & 1 != 0
    }
    /// Whether writing is among it.
    pub const fn writes(self) -> bool {
        self.0 & 2 != 0
    }
    /// Whether nothing is in it.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// Whether received bytes are taken or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// They leave the queue.
    Remove,
    /// They stay, as with `MSG_PEEK`.
    Peek,
}

/// A question to the resolver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// The host name, without a port.
    pub host: &'a str,
}
