//! An ICMP message: what a router or a host says of a packet that went no further. It names the packet
//! by its addresses, and a segment by its position.

use crate::id::HostId;

/// A message about a packet from `to` to `from`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Icmp {
    pub(crate) why: Why,
    /// Where the packet was a segment, its position.
    pub(crate) seq: Option<u64>,
    /// The host it was for.
    pub(crate) far: HostId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody has the port.
    Port,
    /// No way leads to the host, or it does not answer.
    Host,
    /// No way leads to its network.
    Net,
    /// Fragmentation needed: the next hop is narrower.
    TooBig,
}
