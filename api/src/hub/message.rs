//! What one call gives or takes beside bytes: addresses, flags, control data.

use std::ffi::c_int;
use std::io::IoSlice;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Address, Io, Take};

/// The most descriptors that go with one message (Linux's `SCM_MAX_FD`).
pub const RIGHTS_MAX: usize = 253;

/// What a call sends, as sendmsg(2) takes it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The bytes, in several buffers.
    pub bufs: &'a [IoSlice<'a>],
    /// Where they go; `None` is the connected peer.
    pub to: Option<&'a Address>,
    /// What goes with them.
    pub control: &'a [Control],
    /// More belongs to them (`MSG_MORE`).
    pub more: bool,
    /// A record ends with them (`MSG_EOR`).
    pub end_of_record: bool,
}

/// How a message is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whether it is taken or only looked at.
    pub take: Take,
    /// Whether there is room for control data; where there is none, it is lost.
    pub control: bool,
}

/// What a call received, as recvmsg(2) says it.
#[derive(Clone, Debug)]
pub struct Received {
    /// How many bytes are in the buffers.
    pub length: usize,
    /// Who sent them; unnamed where the system does not say.
    pub from: Address,
    /// What else is to be known of them.
    pub flags: RecvFlags,
    /// What came with them. Descriptors are the caller's, who closes them.
    pub control: Vec<Control>,
}

/// Control data, whichever way it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Descriptors (`SCM_RIGHTS`): of the sender, who keeps them, or fresh ones of the receiver.
    Rights(Vec<Io>),
    /// `IP_PKTINFO`.
    PacketInfoV4(PacketInfoV4),
    /// `IPV6_PKTINFO`.
    PacketInfoV6(PacketInfoV6),
    /// `TCP_INQ`; it is only received.
    Unread(u32),
}

/// How an IPv4 datagram came or is to go (`IP_PKTINFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketInfoV4 {
    /// The index of the interface it came by, or is to leave by; to a sender, 0 leaves that to the
    /// system.
    pub interface: u32,
    /// The address of this host that it came to (of the interface, where it was for many), or that
    /// it is to come from; to a sender, the unspecified one leaves that to the system.
    pub local: Ipv4Addr,
    /// Where its header says that it goes. A sender's counts for nothing.
    pub destination: Ipv4Addr,
}

/// How an IPv6 datagram came or is to go (`IPV6_PKTINFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketInfoV6 {
    /// Where its header says that it goes, or the address of this host that it is to come from; to a
    /// sender, the unspecified one leaves that to the system.
    pub address: Ipv6Addr,
    /// The index of the interface it came by, or is to leave by; to a sender, 0 leaves that to the
    /// system.
    pub interface: u32,
}

/// What the system says of what was received (`msg_flags`). See `socket2::RecvFlags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecvFlags(c_int);

impl RecvFlags {
    /// The flags with these numbers of the system's.
    pub const fn from_bits(bits: c_int) -> RecvFlags {
        RecvFlags(bits)
    }
    /// This flag of the system's if `holds`, beside those that are there.
    #[must_use]
    pub const fn with(self, flag: c_int, holds: bool) -> RecvFlags {
        RecvFlags(if holds { self.0 | flag } else { self.0 })
    }

    /// The datagram or record was longer than the buffers, and what did not fit is lost
    /// (`MSG_TRUNC`).
    pub const fn is_truncated(self) -> bool {
        self.0 & libc::MSG_TRUNC != 0
    }
    /// Control data was lost, for want of room or of descriptors (`MSG_CTRUNC`).
    pub const fn is_control_truncated(self) -> bool {
        self.0 & libc::MSG_CTRUNC != 0
    }
    /// A record ends here (`MSG_EOR`). No socket of Linux that a hub has says so: not even records of
    /// the Unix domain, each of which is one.
    pub const fn is_end_of_record(self) -> bool {
        self.0 & libc::MSG_EOR != 0
    }
    /// It is urgent data (`MSG_OOB`).
    pub const fn is_out_of_band(self) -> bool {
        self.0 & libc::MSG_OOB != 0
    }
}
