//! What a socket of UDP has received and not yet given out.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::errno::errno;
use crate::link::packet::Interface;
use crate::socket::groups::Membership;

/// A datagram that was received.
pub(crate) struct Letter {
    pub(crate) from: SocketAddr,
    pub(crate) payload: Vec<u8>,
    /// Where its header says that it goes.
    pub(crate) to: IpAddr,
    /// The interface that it came by, as Linux would number it.
    pub(crate) interface: u32,
    /// When it came, somebody wanted to know that of IPv4 (`IP_PKTINFO`).
    pub(crate) is_described: bool,
}

/// A datagram that is being put together (`MSG_MORE`).
pub(crate) struct Draft {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// The interface that it is to leave by, where it was said.
    pub(crate) interface: Option<Interface>,
    pub(crate) is_for_many: bool,
    pub(crate) payload: Vec<u8>,
}

/// What a socket has received and not yet given out.
#[derive(Default)]
pub(crate) struct Mailbox {
    pub(crate) queue: VecDeque<Letter>,
    pub(crate) bytes: usize,
    /// What it has sent and what waits for its turn on a link, with what that costs beside its bytes.
    pub(crate) sending: usize,
    pub(crate) draft: Option<Box<Draft>>,
    /// What an ICMP message to a connected socket said.
    pub(crate) error: Option<i32>,
    pub(crate) shut_read: bool,
    pub(crate) shut_write: bool,
    pub(crate) groups: Vec<Membership>,
}

impl Mailbox {
    /// What is in it, with what that costs beside its bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
    pub(crate) fn is_readable(&self) -> bool {
        self.error.is_some() || self.shut_read || !self.queue.is_empty()
    }
    /// Linux's rule for datagrams: half of the send buffer is free.
    pub(crate) fn has_room_to_wake(&self, send_buffer: u32) -> bool {
        self.error.is_some() || self.sending * 2 < send_buffer as usize
    }
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take().map(errno)
    }

    pub(crate) fn memberships(
        &self,
        group: IpAddr,
        interface: Interface,
    ) -> impl Iterator<Item = &Membership> {
        let same = move |it: &&Membership| (it.group, it.interface) == (group, interface);
        self.groups.iter().filter(same)
    }

    /// One that is no member hears what its host is a member for, unless it wants its own groups
    /// only (`IP_MULTICAST_ALL`).
    pub(crate) fn hears(
        &self,
        group: IpAddr,
        interface: Interface,
        from: IpAddr,
        all: bool,
    ) -> bool {
        let mut own = self.memberships(group, interface).peekable();
        match own.peek() {
            None => all,
            Some(_) => own.any(|it| it.source.is_none_or(|source| source == from)),
        }
    }
}

/// What a datagram costs the queue, by Linux's measure (linux-truth 166, 167): its bookkeeping and
/// the memory that was set aside for it, one piece with the headers up to four pages.
pub(crate) fn cost_of(from: SocketAddr, length: usize) -> usize {
    const HEADER: usize = 256;
    const TRAILER: usize = 320;
    const HEAD_MIN: usize = 576;
    const LINEAR_MAX: usize = 16_384 - TRAILER;
    let headers = if from.is_ipv4() { 59 } else { 72 };
    match length + headers {
        linear @ ..=LINEAR_MAX if linear + TRAILER <= HEAD_MIN => HEADER + HEAD_MIN,
        linear @ ..=LINEAR_MAX => HEADER + (linear + TRAILER).next_power_of_two(),
        _ => HEADER + HEAD_MIN + length,
    }
}
