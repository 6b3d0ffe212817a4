//! A socket of the Unix domain.

pub(crate) mod name;
pub(crate) mod queue;

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use greenroom::hub::Kind;

use crate::errno::errno;
use crate::id::{SocketId, Weak};
use crate::socket::unix::name::{Card, Name};
use crate::socket::unix::queue::Piece;

/// Linux's `net.unix.max_dgram_qlen`: one more may wait.
const QUEUE_MAX: usize = 10;

/// A socket of the Unix domain.
pub(crate) struct UnixSocket {
    pub(crate) kind: Kind,
    pub(crate) name: Card,
    pub(crate) role: Role,
    pub(crate) peer: Peer,
    /// What was sent here and not yet read.
    pub(crate) incoming: VecDeque<Piece>,
    /// What this socket sent and others have not yet read.
    pub(crate) charged: usize,
    pub(crate) shut_read: bool,
    pub(crate) shut_write: bool,
    pub(crate) error: Option<i32>,
    /// Who is to be told of room here, and when this socket closes: datagram sockets connected to
    /// it, and those that wait to send to it or to connect.
    pub(crate) callers: Vec<Weak>,
}

pub(crate) enum Role {
    /// Neither listening nor connected; a datagram socket is never anything else.
    Plain,
    Listening {
        backlog: usize,
        pending: VecDeque<SocketId>,
    },
    Connected,
}

#[derive(Clone)]
pub(crate) enum Peer {
    None,
    Here(SocketId),
    /// It closed; this was its name.
    Gone(Option<Rc<Name>>),
}

impl UnixSocket {
    pub(crate) fn new(kind: Kind) -> Box<UnixSocket> {
        Box::new(UnixSocket {
            kind,
            name: Card::default(),
            role: Role::Plain,
            peer: Peer::None,
            incoming: VecDeque::new(),
            charged: 0,
            shut_read: false,
            shut_write: false,
            error: None,
            callers: Vec::new(),
        })
    }

    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take().map(errno)
    }
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }
    pub(crate) fn is_listening(&self) -> bool {
        matches!(self.role, Role::Listening { .. })
    }

    /// Whether it is connected to this socket and takes nothing from others.
    pub(crate) fn hears_only(&self, index: SocketId) -> bool {
        matches!(self.peer, Peer::Here(peer) if peer == index)
    }
    /// No more is let in, but from its own peer.
    pub(crate) fn is_full(&self) -> bool {
        self.incoming.len() > QUEUE_MAX
    }
    pub(crate) fn takes_from(&self, index: SocketId) -> bool {
        matches!(self.peer, Peer::None) || self.hears_only(index)
    }
}
