//! The table of what may go wrong: [`Fault`], what struck.
//!
//! An entry is all that the trace, its hash and a run's summary have to be told of it.

use super::fault::{Row, faults};

faults! {
    /// A packet is lost.
    Lost { number: 32, tally: "lost", headline: "LOST" }
    /// A packet arrives twice.
    Duplicated { number: 33, tally: "duplicated", headline: "DUPLICATED" }
    /// Packets sent later arrive before this one.
    Overtaken { number: 34, tally: "overtaken", headline: "OVERTAKEN" }
    /// A packet meets a partition.
    CutOff { number: 35, tally: "cut off", headline: "CUT OFF" }
    /// A packet meets a full queue.
    QueueFull { number: 39, tally: "queue drops", headline: "QUEUE FULL at" }
    /// A packet is too large for the path.
    TooBig { number: 40, tally: "too big", headline: "TOO BIG for the path:" }
    /// A router has no route to the host, or the host does not answer its neighbour; the sender is told.
    HostUnreachable { number: 41, tally: "unreachable", headline: "HOST UNREACHABLE for" }
    /// A router has no route to the network, and the sender is told.
    NetUnreachable { number: 41, more: 1, tally: "unreachable", headline: "NET UNREACHABLE for" }
    /// An ICMP message about a packet is lost.
    IcmpLost { number: 42, tally: "icmp lost", headline: "LOST" }
    /// A read returns less than is there.
    ShortRead { number: 36, tally: "short reads", headline: "SHORT READ" }
    /// A host's power fails.
    PowerCut { number: 37, tally: "power cuts", headline: "POWER CUT" }
}
