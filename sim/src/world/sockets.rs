//! Sockets: added, found again, forgotten.

use std::rc::Rc;

use crate::choices::Entity;
use crate::id::{HostId, SocketId, Weak};
use crate::path::escaped;
use crate::socket::flow::Flow;
use crate::socket::{NO_SOCKET, Proto, Socket};
use crate::tcp::Config;
use crate::world::World;

impl World {
    /// A path for a socket of the greenlet that runs: below the greenlet's, with which of its sockets of
    /// that label it is.
    pub(crate) fn path_for_socket(&mut self, label: &str) -> u32 {
        let above = self.current.map(|slot| self.greenlets[slot].entity.path);
        self.paths.next_child(above, label)
    }

    /// The path of what a listener will give out: named after the greenlet that called, and numbered as
    /// the calling socket is among that one's to the same place. The order of arrival is no name.
    pub(crate) fn path_of_accepted(&mut self, listener: SocketId, caller: u32) -> u32 {
        let above = self.sockets[listener].entity.path;
        let greenlet = self.paths.above(caller).unwrap_or(caller);
        let label = format!("<{}", escaped(&self.paths.text(greenlet)));
        let ordinal = self.paths.ordinal(caller);
        self.paths.child(Some(above), &label, ordinal)
    }

    /// Gives a socket a name of its own, below the greenlet that runs. Whatever is decided of it is
    /// counted from here.
    pub(crate) fn rename(&mut self, id: SocketId, label: &str) {
        let path = self.path_for_socket(label);
        let entity = Entity::new(path, self.paths.hash(path));
        let socket = &mut self.sockets[id];
        socket.entity = entity;
        socket.packets_sent = 0;
        let is_first = !std::mem::replace(&mut socket.is_named, true);
        self.trace.name_socket(socket.host.number(), socket.number, path, is_first);
    }

    pub(crate) fn add_socket(&mut self, host: HostId, path: u32, proto: Proto) -> SocketId {
        let entity = Entity::new(path, self.paths.hash(path));
        let mut socket = Socket::new(host, entity, proto);
        match self.free_sockets.pop() {
            Some(id) => {
                let slot = &mut self.sockets[id];
                socket.generation = slot.generation + 1;
                *slot = socket;
                id
            }
            None => self.sockets.push(socket),
        }
    }

    /// What a connection is told: mostly the same as the one before it, which then is kept once.
    pub(crate) fn shared(&mut self, config: Config) -> Rc<Config> {
        match &self.tcp_config {
            Some(last) if **last == config => last.clone(),
            _ => self.tcp_config.insert(Rc::new(config)).clone(),
        }
    }

    pub(crate) fn weak(&self, id: SocketId) -> Weak {
        Weak { socket: id, generation: self.sockets[id].generation }
    }

    /// The socket, if it is still there.
    pub(crate) fn upgrade(&self, weak: Weak) -> Option<SocketId> {
        let socket = &self.sockets[weak.socket];
        (socket.live && socket.generation == weak.generation).then_some(weak.socket)
    }

    /// Adds a hold where it is missing. Those on sockets that are gone make room before the list
    /// has to grow.
    pub(crate) fn add_hold(&self, holds: &mut Vec<Weak>, new: Weak) {
        if holds.contains(&new) {
            return;
        }
        if holds.len() == holds.capacity() {
            holds.retain(|&hold| self.upgrade(hold).is_some());
        }
        holds.push(new);
    }

    /// Takes a socket out of the world: no segment finds it any more.
    pub(crate) fn forget_socket(&mut self, id: SocketId) {
        self.unroute(id);
        self.release_port(id);
        let socket = &mut self.sockets[id];
        socket.live = false;
        socket.proto = Proto::Fresh;
        let (host, counts) = (socket.host, socket.number != NO_SOCKET);
        for descriptor in std::mem::take(&mut socket.descriptors) {
            let removed = self.descriptors.remove(descriptor);
            if removed.is_some_and(|descriptor| descriptor.in_flight) {
                self.in_flight.remove(&descriptor);
            } else if counts {
                self.hosts[host].gave_up_descriptors(1);
            }
        }
        self.free_sockets.push(id);
    }

    /// Has the segments of a flow find this socket.
    pub(crate) fn route(&mut self, flow: Flow, id: SocketId) {
        if let Some(before) = self.flows.insert(flow, id) {
            self.sockets[before].is_routed = false;
        }
        self.sockets[id].is_routed = true;
    }

    /// The socket of a flow. `likely` is where its segments came to last, as far as the sender knows.
    #[inline]
    pub(crate) fn routed(&self, flow: &Flow, likely: Option<SocketId>) -> Option<SocketId> {
        if let Some(id) = likely
            && self.sockets[id].is_routed
            && self.sockets[id].flow().is_some_and(|own| own == *flow)
        {
            debug_assert_eq!(self.flows.get(flow), Some(&id), "who is routed is found");
            return Some(id);
        }
        self.flows.get(flow).copied()
    }

    /// Gives up the socket's flow, and the port unless the program named it.
    pub(crate) fn unroute(&mut self, id: SocketId) {
        let socket = &self.sockets[id];
        if let Some(flow) = socket.flow()
            && self.flows.get(&flow) == Some(&id)
        {
            self.flows.remove(&flow);
            self.sockets[id].is_routed = false;
        }
        if !self.sockets[id].port_is_given {
            self.release_port(id);
        }
    }

    fn release_port(&mut self, id: SocketId) {
        let socket = &mut self.sockets[id];
        let Some(local) = socket.local.filter(|_| std::mem::take(&mut socket.has_port)) else {
            return;
        };
        let transport = socket.transport();
        self.hosts[socket.host].ports.release(transport, local.port(), id);
    }
}
