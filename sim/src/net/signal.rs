//! Signals to a host's program: where it listens they are events; where it does not they end it, as
//! `kill -9` would: no destructor runs, and the host's system closes what it had open.

use std::io;

use greenroom::hub::{GreenletId, How, Interest, Io, Ready, Take};
use greenroom::signal::Kind;

use crate::errno::errno;
use crate::id::{HostId, SocketId};
use crate::socket::source::Ear;
use crate::socket::{NO_SOCKET, Proto};
use crate::trace::event::What;
use crate::world::World;
use crate::world::journal::Actor;

impl World {
    pub(crate) fn listen_for(&mut self, kind: Kind) -> io::Result<Io> {
        let path = self.path_for_socket(".signal");
        let host = self.host_here();
        let ear = Ear { kind, has_come: false };
        let index = self.add_socket(host, path, Proto::Signal(ear));
        self.sockets[index].number = NO_SOCKET;
        Ok(self.add_descriptor(index))
    }

    pub(crate) fn hear(&mut self, io: Io, index: SocketId, take: Take) -> io::Result<usize> {
        let Proto::Signal(ear) = &mut self.sockets[index].proto else {
            return Err(errno(libc::EINVAL));
        };
        if !ear.has_come {
            self.want(io, Interest::READ);
            return Err(errno(libc::EAGAIN));
        }
        ear.has_come = take == Take::Peek;
        Ok(1)
    }

    pub(crate) fn signal_comes(&mut self, host: HostId, kind: Kind) {
        if !self.hosts[host].is_up {
            return;
        }
        self.record(Actor::Host(host), What::Signal { kind });
        let mut is_heard = false;
        for index in self.sockets.ids() {
            let socket = &mut self.sockets[index];
            match &mut socket.proto {
                Proto::Signal(ear) if socket.live && socket.host == host && ear.kind == kind => {
                    ear.has_come = true;
                    is_heard = true;
                }
                _ => continue,
            }
            self.name_ready(index);
        }
        if !is_heard {
            self.end_process(host);
        }
    }

    /// A host's program is ended from outside; the machine goes on.
    fn end_process(&mut self, host: HostId) {
        let live = self.greenlets.iter().filter(|g| g.live && g.host == host);
        let dead: Vec<GreenletId> = live.map(|g| g.id).collect();
        self.named.extend(dead.into_iter().map(|id| Ready::End(id, How::Abandon)));
        for id in self.descriptors.ids() {
            let Some(descriptor) = self.descriptors.get(id) else { continue };
            let (io, socket) = (descriptor.io, descriptor.socket);
            if self.sockets[socket].host == host
                && let Some(last_of) = self.remove_descriptor(io)
            {
                self.close_if_last(last_of);
            }
        }
    }
}
