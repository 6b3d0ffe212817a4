//! Descriptors: the numbers of sockets that programs hold, and what they were told to wait for.

use std::io;

use greenroom::hub::{Io, Readiness};

use crate::errno::errno;
use crate::id::{DescriptorId, Id, SocketId};
use crate::socket::{NO_SOCKET, Proto};
use crate::world::{Descriptor, World};

impl World {
    pub(crate) fn add_descriptor(&mut self, socket: SocketId) -> Io {
        let io = self.insert_descriptor(socket, false);
        self.count_descriptor(socket);
        io
    }

    /// A descriptor that goes with a message. It counts for nobody's until it is received.
    pub(crate) fn send_descriptor(&mut self, socket: SocketId) -> Io {
        let io = self.insert_descriptor(socket, true);
        self.in_flight.insert(DescriptorId::of_row(io.index()));
        io
    }

    fn insert_descriptor(&mut self, socket: SocketId, in_flight: bool) -> Io {
        let io = Io::new(self.descriptors.next_id().row());
        let wanted = Readiness::NONE;
        let descriptor = Descriptor { io, socket, wanted, in_flight, closes_on_exec: true };
        let id = self.descriptors.insert(descriptor);
        self.sockets[socket].descriptors.push(id);
        io
    }

    /// A program gets a descriptor.
    pub(crate) fn land_descriptor(&mut self, io: Io) {
        let id = DescriptorId::of_row(io.index());
        let Some(descriptor) = self.descriptors.get_mut(id) else { return };
        descriptor.in_flight = false;
        let socket = descriptor.socket;
        self.in_flight.remove(&id);
        self.count_descriptor(socket);
    }

    /// A program has one more of a socket.
    fn count_descriptor(&mut self, socket: SocketId) {
        let entry = &mut self.sockets[socket];
        let host = &mut self.hosts[entry.host];
        if entry.number == 0 {
            entry.number = host.number_socket();
            let (host, path) = (entry.host.number(), entry.entity.path);
            self.trace.name_socket(host, entry.number, path, false);
        }
        if entry.number != NO_SOCKET {
            host.took_descriptor();
        }
    }

    /// A descriptor of something that is no socket: a query, a job, a signal. It takes no number of the host's.
    pub(crate) fn add_source(&mut self, label: &str, source: Proto) -> (SocketId, Io) {
        let path = self.path_for_socket(label);
        self.add_source_at(path, source)
    }

    /// As above, without a path of its own.
    pub(crate) fn add_source_at(&mut self, path: u32, source: Proto) -> (SocketId, Io) {
        let host = self.host_here();
        let id = self.add_socket(host, path, source);
        self.sockets[id].number = NO_SOCKET;
        (id, self.add_descriptor(id))
    }

    /// The socket of a descriptor; `EBADF` if it is closed.
    #[inline]
    pub(crate) fn socket_of(&self, io: Io) -> io::Result<SocketId> {
        match self.descriptors.get(DescriptorId::of_row(io.index())) {
            Some(descriptor) if descriptor.io == io => Ok(descriptor.socket),
            _ => Err(errno(libc::EBADF)),
        }
    }

    /// Whether a descriptor is marked to be closed when a program is run.
    pub(crate) fn closes_on_exec(&mut self, io: Io) -> io::Result<&mut bool> {
        match self.descriptors.get_mut(DescriptorId::of_row(io.index())) {
            Some(descriptor) if descriptor.io == io => Ok(&mut descriptor.closes_on_exec),
            _ => Err(errno(libc::EBADF)),
        }
    }

    pub(crate) fn remove_descriptor(&mut self, io: Io) -> Option<SocketId> {
        let socket = self.socket_of(io).ok()?;
        let id = DescriptorId::of_row(io.index());
        let in_flight = self.descriptors.remove(id).is_some_and(|descriptor| descriptor.in_flight);
        if in_flight {
            self.in_flight.remove(&id);
        }
        let entry = &mut self.sockets[socket];
        entry.descriptors.retain(|&other| other != id);
        if entry.number != NO_SOCKET && !in_flight {
            self.hosts[entry.host].gave_up_descriptors(1);
        }
        Some(socket)
    }

    /// Remembers that a call on this descriptor was told to wait.
    #[inline]
    pub(crate) fn want(&mut self, io: Io, interest: Readiness) {
        let id = DescriptorId::of_row(io.index());
        let Some(descriptor) = self.descriptors.get_mut(id) else { return };
        descriptor.wanted = descriptor.wanted.with(interest);
        let socket = descriptor.socket;
        let host = self.sockets[socket].host;
        if interest.is_writable() && self.hosts[host].socket_memory.is_some() {
            let waiter = self.weak(socket);
            if !self.memory_waiters.contains(&waiter) {
                self.memory_waiters.push(waiter);
            }
        }
    }

    /// Whether whoever runs may have so many descriptors more.
    pub(crate) fn check_descriptors(&self, more: u32) -> io::Result<()> {
        self.hosts[self.host_here()].check_descriptors(more)
    }

    /// What a socket is; `ENOTSOCK` where it is none.
    pub(crate) fn proto(&self, id: SocketId) -> io::Result<&Proto> {
        match &self.sockets[id].proto {
            Proto::Pipe(_)
            | Proto::Query(_)
            | Proto::Job(_)
            | Proto::File(_)
            | Proto::FileCall(_)
            | Proto::Signal(_) => Err(errno(libc::ENOTSOCK)),
            proto => Ok(proto),
        }
    }
}
