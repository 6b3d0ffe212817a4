//! Messages: sent with what goes with them, and told with what came.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use greenroom::net::{
    Control, MsgHdr, MsgHdrMut, PacketInfoV4, PacketInfoV6, ReceivedControl, SockAddr, Socket,
    SocketAddr, Source,
};

use super::super::program::{Asked, Beside};
use super::call::{Came, Task, Thing};

impl Task {
    pub(super) fn send_message(&self, socket: &Socket, beside: &Beside) -> io::Result<Came> {
        let sources: Vec<&dyn Source> = self.rights.iter().map(source).collect();
        let mut control = Vec::new();
        if !sources.is_empty() {
            control.push(Control::Rights(&sources));
        }
        match beside.info {
            Some((IpAddr::V4(local), interface)) => {
                let destination = Ipv4Addr::UNSPECIFIED;
                let info = PacketInfoV4 { interface, local, destination };
                control.push(Control::PacketInfoV4(info));
            }
            Some((IpAddr::V6(address), interface)) => {
                control.push(Control::PacketInfoV6(PacketInfoV6 { address, interface }));
            }
            None => {}
        }
        let slices = self.slices();
        let mut message = MsgHdr::new().with_buffers(&slices).with_control(&control);
        if let Some(peer) = &self.peer {
            message = message.with_addr(peer);
        }
        let more = if beside.more { libc::MSG_MORE } else { 0 };
        let end = if beside.end { libc::MSG_EOR } else { 0 };
        socket.sendmsg(&message, more | end).map(Came::Count)
    }
}

fn source(thing: &Rc<Thing>) -> &dyn Source {
    match &**thing {
        Thing::Socket(socket) => socket,
        Thing::Reader(pipe) => pipe,
        Thing::Writer(pipe) => pipe,
    }
}

pub(super) fn recv(socket: &Socket, sizes: &[u32], asked: Asked) -> io::Result<Came> {
    let mut parts: Vec<Vec<u8>> = sizes.iter().map(|n| vec![0; *n as usize]).collect();
    let mut slices: Vec<IoSliceMut<'_>> =
        parts.iter_mut().map(|part| IoSliceMut::new(part)).collect();
    let (mut control, mut from) = (Vec::new(), SockAddr::from(SocketAddr::from(([0; 4], 0))));
    let mut message = MsgHdrMut::new().with_addr(&mut from).with_buffers(&mut slices);
    if !asked.bare {
        message = message.with_control(&mut control);
    }
    let n = socket.recvmsg(&mut message, if asked.peek { libc::MSG_PEEK } else { 0 })?;
    let flags = message.flags();
    let flags = [
        (flags.is_truncated(), " trunc"),
        (flags.is_control_truncated(), " ctrunc"),
        (flags.is_end_of_record(), " eor"),
        (flags.is_out_of_band(), " oob"),
    ];
    let mut said: String =
        flags.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word).collect();
    let mut handle = None;
    for one in control {
        match one {
            ReceivedControl::Rights(handles) => {
                said.push_str(&format!(" rights {}", handles.len()));
                handle = asked.into.zip(handles.into_iter().next());
            }
            ReceivedControl::PacketInfoV4(it) => {
                let (local, to, on) = (it.local, it.destination, it.interface);
                said.push_str(&format!(" info {local} {to} {on}"));
            }
            ReceivedControl::PacketInfoV6(it) => {
                said.push_str(&format!(" info {} {}", it.address, it.interface));
            }
            ReceivedControl::Unread(bytes) => said.push_str(&format!(" unread {bytes}")),
            other => said.push_str(&format!(" {other:?}")),
        }
    }
    let mut bytes = parts.concat();
    bytes.truncate(n);
    Ok(Came::Message(bytes, from, said, handle))
}
