//! What a call asks of a source: whether bytes stay, a name.

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
