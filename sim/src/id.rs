//! Numbers of the simulated world's things, each a type of its own, so that none stands for another.

use greenroom::hub::{self, GreenletId};

/// A number that finds a row of a table.
pub(crate) trait Id: Copy {
    fn of_row(row: usize) -> Self;
    fn row(self) -> usize;
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident($number:ty);)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name($number);

        impl Id for $name {
            #[inline]
            fn of_row(row: usize) -> $name {
                $name(row as $number)
            }
            #[inline]
            fn row(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// A socket, or what is waited for like one: a query, a job, a signal. Another may have the
    /// number when it is gone.
    SocketId(u32);
    /// A host, in the order they were declared.
    HostId(u16);
    /// A descriptor: one of a socket's numbers that programs hold.
    DescriptorId(u32);
    /// Two hosts that have talked.
    PairId(u32);
    /// A packet between two hosts. Another has the number when it has arrived.
    PacketId(u32);
    /// An operation on files. Another has the number when it is over.
    FileCallId(u32);
    /// Where a greenlet stands in the driver's table. Another may stand there when it has ended.
    GreenletIndex(u32);
}

impl SocketId {
    /// The lowest and the highest: every socket lies between.
    pub(crate) const MIN: SocketId = SocketId(0);
    pub(crate) const MAX: SocketId = SocketId(u32::MAX);
}

impl HostId {
    /// The one that was declared first.
    pub(crate) const FIRST: HostId = HostId(0);

    /// The number that traces know it by.
    #[inline]
    pub(crate) fn number(self) -> u16 {
        self.0
    }
}

impl From<hub::HostId> for HostId {
    fn from(host: hub::HostId) -> HostId {
        HostId(host.0 as u16)
    }
}
impl From<HostId> for hub::HostId {
    fn from(host: HostId) -> hub::HostId {
        hub::HostId(host.0.into())
    }
}

impl From<GreenletId> for GreenletIndex {
    #[inline]
    fn from(greenlet: GreenletId) -> GreenletIndex {
        GreenletIndex::of_row(greenlet.slot())
    }
}

/// Names a socket without keeping it: it may be gone, and its slot another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weak {
    pub(crate) socket: SocketId,
    pub(crate) generation: u32,
}
