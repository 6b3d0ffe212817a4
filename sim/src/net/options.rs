//! What a socket knows about itself: readiness, options, the peer.

use std::io;
use std::net::SocketAddr;

use greenroom::hub::{Interest, Kind, Opt, unsupported};

use crate::tcp::State;
use crate::world::{Proto, World, errno};

impl World {
    /// What a call would not wait for now, as poll(2) has it: an end or an error is ready too.
    pub(crate) fn readiness_of(&self, index: u32) -> Interest {
        let read = |ready: bool| if ready { Interest::READ } else { Interest::NONE };
        match &self.sockets[index as usize].proto {
            Proto::Stream(connection) => {
                let now = connection.readiness();
                let ended = now.hup || now.error;
                let write = if now.writable || ended { Interest::WRITE } else { Interest::NONE };
                read(now.readable || now.read_closed || ended).with(write)
            }
            Proto::Listener(queue) => read(queue.pending() > 0),
            Proto::Udp(mailbox) => read(mailbox.is_readable()).with(Interest::WRITE),
            Proto::Query(query) => read(query.is_answered()),
            Proto::Fresh(Kind::Datagram) => Interest::WRITE,
            Proto::Fresh(_) => Interest::BOTH,
        }
    }

    pub(crate) fn peer_of(&self, index: u32) -> io::Result<SocketAddr> {
        let socket = &self.sockets[index as usize];
        let connected = match &socket.proto {
            Proto::Stream(connection) => {
                !matches!(connection.state(), State::SynSent | State::Closed | State::TimeWait)
            }
            Proto::Udp(_) => true,
            _ => false,
        };
        socket.peer.filter(|_| connected).ok_or_else(|| errno(libc::ENOTCONN))
    }

    pub(crate) fn get_option(&self, index: u32, option: Opt) -> io::Result<u32> {
        const TTL: u32 = 64;
        let options = &self.sockets[index as usize].options;
        let buffers = match &self.sockets[index as usize].proto {
            Proto::Stream(connection) => connection.buffers(),
            _ => (256 * 1024, 128 * 1024),
        };
        Ok(match option {
            Opt::NoDelay => options.no_delay.into(),
            Opt::Ttl => options.ttl.unwrap_or(TTL),
            Opt::ReuseAddress => options.reuse_address.into(),
            Opt::Broadcast => options.broadcast.into(),
            Opt::Linger => options.linger,
            Opt::SendBuffer => options.send_buffer.unwrap_or(buffers.0),
            Opt::RecvBuffer => options.recv_buffer.unwrap_or(buffers.1),
            _ => return Err(unsupported(&format!("the option {option:?}"))),
        })
    }

    pub(crate) fn put_option(&mut self, index: u32, option: Opt, value: u32) -> io::Result<()> {
        /// Linux keeps twice what is asked for, and no less than these (linux-truth 105).
        const BUFFERS_MIN: (u32, u32) = (4608, 2304);
        const BUFFER_MAX: u32 = 4 << 20;
        let socket = &mut self.sockets[index as usize];
        let options = &mut socket.options;
        match option {
            Opt::NoDelay => options.no_delay = value != 0,
            Opt::Ttl if !(1..=255).contains(&value) => return Err(errno(libc::EINVAL)),
            // A link is one hop: any number of hops reaches every host.
            Opt::Ttl => options.ttl = Some(value),
            Opt::ReuseAddress => options.reuse_address = value != 0,
            Opt::Broadcast if value != 0 => return Err(unsupported("broadcast")),
            Opt::Broadcast => options.broadcast = false,
            Opt::Linger => options.linger = value,
            Opt::SendBuffer => {
                options.send_buffer = Some((value.min(BUFFER_MAX) * 2).max(BUFFERS_MIN.0));
            }
            Opt::RecvBuffer => {
                options.recv_buffer = Some((value.min(BUFFER_MAX) * 2).max(BUFFERS_MIN.1));
            }
            _ => return Err(unsupported(&format!("the option {option:?}"))),
        }
        let (send, recv, nagle) = (options.send_buffer, options.recv_buffer, !options.no_delay);
        if let Proto::Stream(connection) = &mut socket.proto {
            let mut config = connection.config().clone().with_buffers(send, recv);
            config.nagle = nagle;
            connection.configure(config);
            // TCP_NODELAY lets out what waits.
            self.mark_dirty(index);
        }
        Ok(())
    }
}
