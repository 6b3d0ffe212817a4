//! A host's loopback interface.

use std::collections::VecDeque;

use greenroom::hub::Ready;

use crate::id::SocketId;
use crate::link::packet::Packet;

/// What hosts have sent themselves within one call, and have yet to get.
#[derive(Default)]
pub(crate) struct LoopbackQueue {
    pub(crate) packets: VecDeque<Box<Packet>>,
    /// Sockets that may have something to send to their own host.
    pub(crate) dirty: VecDeque<SocketId>,
}

/// A host's loopback interface.
#[derive(Default)]
pub(crate) struct Loopback {
    /// Who is to be told.
    pub(crate) told: Vec<Ready>,
    /// An event is scheduled that tells them.
    pub(crate) is_due: bool,
    /// When all that was sent so far would be through, if calls took time.
    pub(crate) through_ns: u64,
}

impl Loopback {
    /// Nobody is there to be told any more, nor to have given way.
    pub(crate) fn power_off(&mut self) {
        self.told.clear();
        self.through_ns = 0;
    }
}
