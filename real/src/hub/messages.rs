//! Messages: what goes with bytes, as the process has it, and as the hub.

use std::io::{self, IoSliceMut};
use std::os::fd::{OwnedFd, RawFd};

use greenroom::hub::{Ask, Control, Hub, Io, Message, Received, RecvFlags};

use super::RealHub;
use crate::socket::Socket;
use crate::sys::control::Raw;

impl RealHub {
    pub(super) fn give_message(&mut self, io: Io, message: &Message<'_>) -> io::Result<usize> {
        let mut control = Vec::with_capacity(message.control.len());
        for one in message.control {
            control.push(self.outgoing(one)?);
        }
        match message.to {
            Some(peer) => {
                let peer = self.staged_peer(io, peer)?;
                let send =
                    |socket: &mut Socket| socket.send_message(message, Some(&peer), &control);
                // As of `send_to`.
                match self.socket_of(io)?.is_unix() {
                    true => self.attempt_unreported(io, send),
                    false => self.attempt_of_inet(io, send),
                }
            }
            None => self.attempt_sending(io, |socket| socket.send_message(message, None, &control)),
        }
    }

    pub(super) fn take_message(
        &mut self,
        io: Io,
        bufs: &mut [IoSliceMut<'_>],
        ask: Ask,
    ) -> io::Result<Received> {
        let (length, from, flags, control) =
            self.attempt(io, |socket| socket.recv_message(bufs, ask))?;
        let from = self.unstaged(from);
        let mut received = Received { length, from, flags, control: Vec::new() };
        for one in control {
            let one = match one {
                Raw::Rights(fds) => Control::Rights(self.take_in(fds, &mut received.flags)),
                Raw::V4(info) => Control::PacketInfoV4(info),
                Raw::V6(info) => Control::PacketInfoV6(info),
                Raw::Unread(bytes) => Control::Unread(bytes),
            };
            received.control.push(one);
        }
        Ok(received)
    }

    /// Makes sources of descriptors. One that cannot be is closed, and the message says that some
    /// are lost.
    fn take_in(&mut self, fds: Vec<OwnedFd>, flags: &mut RecvFlags) -> Vec<Io> {
        let taken = fds.into_iter().map(|fd| self.adopt(fd).ok());
        let taken: Vec<Option<Io>> = taken.collect();
        *flags = flags.with(libc::MSG_CTRUNC, taken.contains(&None));
        taken.into_iter().flatten().collect()
    }

    /// Who gets a descriptor may have the socket linger.
    fn outgoing(&mut self, control: &Control) -> io::Result<Raw<RawFd>> {
        Ok(match control {
            Control::Rights(ios) => {
                Raw::Rights(ios.iter().map(|io| self.descriptor(*io)).collect::<io::Result<_>>()?)
            }
            Control::PacketInfoV4(info) => Raw::V4(*info),
            Control::PacketInfoV6(info) => Raw::V6(*info),
            Control::Unread(bytes) => Raw::Unread(*bytes),
        })
    }
}
