//! The table: every decision that chance takes ([`Decision`]), and every fault that may strike
//! ([`Fault`]). The tape, tokens, reports, traces and summaries take from it what they need.
//!
//! To add a kind of fault, add an entry to each list, a field of the weather for how often it strikes
//! (`weather.rs`), and the code where it does. A decision counts in its series whatever its value. So one
//! that joins a series its entity has already is drawn only where its rate is over 0: old seeds stay as
//! they were.

mod decision;
mod fault;

use decision::decisions;
use fault::faults;

pub use decision::{About, Entry};
pub use fault::{Fired, Row};

use super::series::Series;
use super::unit::{Bytes, Fate, Greenlet, Ns, Number, Pieces, Unit};

decisions! {
    /// Which greenlet runs, instead of the one whose turn it is.
    Turn(Greenlet) {
        series: Turn,
        about: Greenlet,
        rates: [],
        strikes: [],
        says: "{value} runs instead of {who}, at that one's turn {nth}",
    }
    /// What happens to a packet.
    PacketFate(Fate) {
        series: Fate,
        about: Sender,
        rates: ["loss_ppm", "duplicate_ppm", "reorder_ppm"],
        strikes: [Fault::Lost, Fault::Duplicated, Fault::Overtaken],
        says: "packet {nth} of {who} is {value}",
    }
    /// How long a packet is under way.
    PacketDelay(Ns) {
        series: Delay,
        about: Sender,
        rates: [],
        strikes: [],
        says: "packet {nth} of {who} takes {value}",
    }
    /// Where a segment with data is cut in two on its way, of which the second part arrives later.
    Split(Bytes) {
        series: Split,
        about: Socket,
        rates: ["split_ppm"],
        strikes: [Fault::Split],
        says: "segment {nth} of {who} with data is split after {value}",
    }
    /// What happens to an ICMP message about a packet that the host sent.
    IcmpFate(Fate) {
        series: Fate,
        about: Host,
        rates: ["icmp_loss_ppm"],
        strikes: [Fault::IcmpLost],
        says: "an ICMP message to {who} is {value} (that host's fate {nth})",
    }
    /// When two hosts are cut off from each other, counted from their first packet.
    PartitionStart(Ns) {
        series: Fault,
        about: Pair,
        rates: ["partition_ppm"],
        strikes: [Fault::CutOff],
        says: "{who} are cut off {value} after their first packet",
    }
    /// How long they are cut off.
    PartitionLength(Ns) {
        series: Length,
        about: Pair,
        rates: [],
        strikes: [],
        says: "{who} are cut off for {value}",
    }
    /// What a router says meanwhile.
    PartitionAnswer(Fate) {
        series: Fate,
        about: Pair,
        rates: ["partition_answered_ppm"],
        strikes: [Fault::HostUnreachable, Fault::NetUnreachable],
        says: "where {who} are cut off a router says {value}",
    }
    /// How long a resolver takes to answer a query.
    QueryDelay(Ns) {
        series: Delay,
        about: Socket,
        rates: [],
        strikes: [],
        says: "the query {who} is answered after {value}",
    }
    /// How long a job of the blocking pool takes.
    JobDelay(Ns) {
        series: Delay,
        about: Socket,
        rates: [],
        strikes: [],
        says: "the job {who} takes {value}",
    }
    /// How long an operation on files takes.
    FileDelay(Ns) {
        series: Delay,
        about: Greenlet,
        rates: ["disk_stall_ppm"],
        strikes: [],
        says: "operation {nth} on files of {who} takes {value}",
    }
    /// Whether an operation on an open file fails.
    FileError(Fate) {
        series: Fate,
        about: Greenlet,
        rates: ["disk_error_ppm"],
        strikes: [Fault::DiskError],
        says: "read, write or sync {nth} of files of {who} fails with EIO",
    }
    /// How many bytes a read or a write of a file moves at most.
    ShortFile(Bytes) {
        series: Size,
        about: Greenlet,
        rates: ["file_short_ppm"],
        strikes: [Fault::ShortFile],
        says: "read or write {nth} of files of {who} moves {value} at most",
    }
    /// What becomes in a power cut of a change that was not synced.
    Unsynced(Fate) {
        series: Fate,
        about: File,
        rates: ["unsynced_loss_ppm"],
        strikes: [Fault::UnsyncedLost],
        says: "unsynced change {nth} of {who} is {value} in a power cut",
    }
    /// How much of the beginning of a write is all that was written of it when the power failed.
    TornAfter(Bytes) {
        series: Split,
        about: File,
        rates: ["unsynced_loss_ppm"],
        strikes: [Fault::Torn],
        says: "of unsynced write {nth} of {who} a power cut leaves the first {value}",
    }
    /// How much of the beginning of a write was not written when the power failed.
    TornBefore(Bytes) {
        series: Size,
        about: File,
        rates: ["unsynced_loss_ppm"],
        strikes: [Fault::Torn],
        says: "of unsynced write {nth} of {who} a power cut leaves all but the first {value}",
    }
    /// How many bytes a read of a TCP stream returns at most.
    ShortRead(Bytes) {
        series: Size,
        about: Socket,
        rates: ["short_read_ppm"],
        strikes: [Fault::ShortRead],
        says: "read {nth} of {who} returns {value} at most",
    }
    /// How many pieces a read of a Unix stream returns at most.
    ShortUnixRead(Pieces) {
        series: Size,
        about: Socket,
        rates: ["short_read_ppm"],
        strikes: [Fault::ShortRead],
        says: "read {nth} of {who} returns {value} at most",
    }
    /// When a host loses power.
    PowerCut(Ns) {
        series: Fault,
        about: Host,
        rates: ["power_cut_ppm"],
        strikes: [Fault::PowerCut],
        says: "{who} loses power at {value}",
    }
    /// A choice of the program's own.
    User(Number) {
        series: User,
        about: Label,
        rates: [],
        strikes: [],
        says: "{who} chooses {value}, as choice {nth} there",
    }
    /// Random bytes. They are no deviation: they come from the seed in every run.
    Entropy(Number) {
        series: Entropy,
        about: Greenlet,
        rates: [],
        strikes: [],
        says: "{who} draws {value}",
    }
}

faults! {
    /// A packet is lost.
    Lost { number: 32, tally: "lost", headline: "LOST" }
    /// A packet arrives twice.
    Duplicated { number: 33, tally: "duplicated", headline: "DUPLICATED" }
    /// Packets sent later arrive before this one.
    Overtaken { number: 34, tally: "overtaken", headline: "OVERTAKEN" }
    /// A segment is split, and the second part arrives later.
    Split { number: 64, tally: "split", headline: "SPLIT" }
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
    /// What was not synced is lost in a power cut.
    UnsyncedLost { number: 65, tally: "unsynced lost", headline: "LOST what was not synced of" }
    /// A write that was not synced is there in part after a power cut.
    Torn { number: 66, tally: "torn writes", headline: "TORN a write of" }
    /// A device fails a read, a write or a sync.
    DiskError { number: 67, tally: "disk errors", headline: "DISK ERROR in a call of" }
    /// A read or a write of a file moves less than it could.
    ShortFile { number: 68, tally: "short file calls", headline: "SHORT a call on a file of" }
    /// A host's power fails.
    PowerCut { number: 37, tally: "power cuts", headline: "POWER CUT" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_says_what_was_decided() {
        for (decision, entity, sentence) in [
            (Decision::JobDelay(Ns(3_000_000)), "cli/.job", "the job cli/.job takes 3ms"),
            (
                Decision::QueryDelay(Ns(3_000_000)),
                "cli/.query#2",
                "the query cli/.query#2 is answered after 3ms",
            ),
            (
                Decision::ShortUnixRead(Pieces(1)),
                "cli/.unix",
                "read 2 of cli/.unix returns 1 piece at most",
            ),
            (
                Decision::IcmpFate(Fate::Lost),
                "srv",
                "an ICMP message to srv is lost (that host's fate 2)",
            ),
            (Decision::PacketFate(Fate::Lost), "cli/.tcp", "packet 2 of cli/.tcp is lost"),
            (Decision::PacketDelay(Ns(3_000_000)), "cli/.tcp", "packet 2 of cli/.tcp takes 3ms"),
            (
                Decision::Split(Bytes(5)),
                "cli/.tcp",
                "segment 2 of cli/.tcp with data is split after 5 bytes",
            ),
            (
                Decision::ShortRead(Bytes(5)),
                "cli/.tcp",
                "read 2 of cli/.tcp returns 5 bytes at most",
            ),
            (
                Decision::PartitionAnswer(Fate::NetUnreachable),
                "cli=srv",
                "where cli and srv are cut off a router says net-unreachable",
            ),
        ] {
            assert_eq!(decision.in_words(entity, 2, |_| String::new()), sentence);
        }
    }

    #[test]
    fn a_sentence_names_nothing_but_entity_ordinal_and_value() {
        for decision in DECISIONS {
            let words = decision.in_words("WHO", 7, |_| "greenlet".to_owned());
            assert!(words.contains("WHO") && !words.contains(['{', '}']), "{decision:?}: {words}");
        }
    }
}
