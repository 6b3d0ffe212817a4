//! Who holds which port of a host, and which ports it gives out by itself.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use crate::choices::Fixed;
use crate::id::SocketId;
use crate::socket::flow::Transport;

/// The ports of a host.
pub(crate) struct Ports {
    /// Sockets that were bound, listeners among them, in the order of their binds.
    bound: HashMap<(Transport, u16), Vec<SocketId>, Fixed>,
    /// Connections whose port nobody bound: accepted ones, and those that connect(2) chose for. They
    /// are apart because a port may have any number of them.
    connections: BTreeSet<(u16, SocketId)>,
    ephemeral: RangeInclusive<u16>,
    next: u16,
}

impl Ports {
    pub(crate) fn new(ephemeral: RangeInclusive<u16>) -> Ports {
        let next = *ephemeral.start();
        Ports { bound: HashMap::default(), connections: BTreeSet::new(), ephemeral, next }
    }

    /// Who was bound to it.
    pub(crate) fn bound(&self, transport: Transport, port: u16) -> &[SocketId] {
        self.bound.get(&(transport, port)).map_or(&[], Vec::as_slice)
    }

    /// Who holds it without having been bound to it.
    pub(crate) fn connections(
        &self,
        transport: Transport,
        port: u16,
    ) -> impl Iterator<Item = SocketId> {
        let all = (transport == Transport::Tcp)
            .then(|| self.connections.range((port, SocketId::MIN)..=(port, SocketId::MAX)));
        all.into_iter().flatten().map(|&(_, socket)| socket)
    }

    pub(crate) fn bind(&mut self, transport: Transport, port: u16, socket: SocketId) {
        self.bound.entry((transport, port)).or_default().push(socket);
    }

    pub(crate) fn hold_connection(&mut self, port: u16, socket: SocketId) {
        self.connections.insert((port, socket));
    }

    pub(crate) fn release(&mut self, transport: Transport, port: u16, socket: SocketId) {
        if transport == Transport::Tcp && self.connections.remove(&(port, socket)) {
            return;
        }
        if let Some(bound) = self.bound.get_mut(&(transport, port)) {
            bound.retain(|&other| other != socket);
            if bound.is_empty() {
                self.bound.remove(&(transport, port));
            }
        }
    }

    /// The ports that the host gives out by itself, from the one whose turn it is.
    pub(crate) fn ephemeral(&self) -> impl Iterator<Item = u16> + use<> {
        let (first, next, last) = (*self.ephemeral.start(), self.next, *self.ephemeral.end());
        (next..=last).chain(first..next)
    }

    /// Puts the turn behind this port, so that one which was given up rests as long as it can.
    pub(crate) fn gave_out(&mut self, port: u16) {
        let is_last = port == *self.ephemeral.end();
        self.next = if is_last { *self.ephemeral.start() } else { port + 1 };
    }
}
