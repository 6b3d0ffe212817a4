//! A segment: what two connections say to each other. Not its bytes (they travel beside it as a
//! slice), not its addresses (they belong to the packet), and no options or checksum.

use std::fmt;

use super::sack::Blocks;

/// The control bits that are modelled (RFC 9293 §3.1). URG is set where the
/// segment has an urgent pointer; ECE and CWR are not modelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    pub syn: bool,
    pub ack: bool,
    pub fin: bool,
    pub rst: bool,
    pub psh: bool,
}

impl Flags {
    pub const SYN: Flags = Flags { syn: true, ..Flags::NONE };
    pub const SYN_ACK: Flags = Flags { syn: true, ..Flags::ACK };
    pub const ACK: Flags = Flags { ack: true, ..Flags::NONE };
    pub const RST: Flags = Flags { rst: true, ..Flags::NONE };
    pub const RST_ACK: Flags = Flags { rst: true, ..Flags::ACK };
    const NONE: Flags = Flags { syn: false, ack: false, fin: false, rst: false, psh: false };
}

/// One segment's header. Positions are `u64` counted from the sender's ISN and never wrap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Segment {
    /// Position of the first byte, or of SYN or FIN when there is none.
    pub seq: u64,
    /// Next position expected from the other side; meaningful with `flags.ack`.
    pub ack: u64,
    pub flags: Flags,
    /// Bytes the sender of this segment is ready to receive from `ack` on.
    pub window: u32,
    /// How far behind `seq` the byte behind the urgent one is; 0 without URG.
    pub urgent: u16,
    /// What arrived beyond `ack` (RFC 2018).
    pub sack: Blocks,
    /// Bytes carried. SYN and FIN take a position too, but are not counted here.
    pub len: u32,
}

impl Segment {
    /// Two segments that say what this one says, of which the first has so many of its bytes.
    pub fn split_at(mut self, first: u32) -> (Segment, Segment) {
        let mut second = self;
        second.seq = self.seq.saturating_add(first.into());
        second.len = self.len - first;
        second.urgent = u32::from(self.urgent).saturating_sub(first) as u16;
        self.len = first;
        (self.flags.fin, self.flags.psh) = (false, false);
        (self, second)
    }

    /// Positions taken by this segment when it carries `payload_len` bytes (SEG.LEN of RFC 9293).
    #[inline]
    pub(super) fn positions(&self, payload_len: usize) -> u64 {
        payload_len as u64 + u64::from(self.flags.syn) + u64::from(self.flags.fin)
    }

    /// The first position after this segment; saturating, for nobody checked what a peer made up.
    #[inline]
    pub(super) fn end(&self, payload_len: usize) -> u64 {
        self.seq.saturating_add(self.positions(payload_len))
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [
            (self.syn, "SYN"),
            (self.fin, "FIN"),
            (self.rst, "RST"),
            (self.psh, "PSH"),
            (self.ack, "ACK"),
        ];
        let mut names = set.iter().filter(|(on, _)| *on).map(|(_, name)| *name);
        f.write_str(names.next().unwrap_or("-"))?;
        names.try_for_each(|name| write!(f, ",{name}"))
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seq={}", self.flags, self.seq)?;
        if self.flags.ack {
            write!(f, " ack={}", self.ack)?;
        }
        if self.len > 0 {
            write!(f, " len={}", self.len)?;
        }
        for (from, until) in self.sack.iter().filter(|(from, until)| from < until) {
            write!(f, " sack=+{from}..+{until}")?;
        }
        if self.urgent > 0 {
            write!(f, " urg={}", self.urgent)?;
        }
        if !self.flags.rst {
            write!(f, " win={}", self.window)?;
        }
        Ok(())
    }
}
