//! Calls that may wait: made at once by the program, or for as long as it takes by an actor.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenroom::io::{PipeReader, PipeWriter};
use greenroom::net::{SockAddr, Socket, Type};
use greenroom::time;
use greenroom::wait::{Readiness, readiness, wait_for};

use super::super::program::{Call, Data};
use super::message;

/// What a slot may hold.
pub enum Thing {
    Socket(Socket),
    Reader(PipeReader),
    Writer(PipeWriter),
}

/// A call with all it takes.
pub struct Task {
    pub thing: Rc<Thing>,
    pub call: Call,
    pub peer: Option<SockAddr>,
    /// Of a wait.
    pub within: Option<Duration>,
    /// What is sent, a part a buffer.
    pub parts: Vec<Vec<u8>>,
    /// What goes with it.
    pub rights: Vec<Rc<Thing>>,
}

/// What a call came to.
pub enum Came {
    Done,
    Shown(Readiness),
    Count(usize),
    Bytes(Vec<u8>),
    BytesFrom(Vec<u8>, Option<SockAddr>),
    /// With what else is to be said of it, and the handle that came, where one is wanted.
    Message(Vec<u8>, SockAddr, String, Option<(u8, Socket)>),
    /// Into which slot, what, and whose.
    Accepted(u8, Socket, SockAddr),
}

impl Task {
    /// Without waiting.
    pub fn run_at_once(&self) -> io::Result<Came> {
        match (&*self.thing, &self.call) {
            (_, Call::Wait(what)) => self.thing.wait(*what, Some(Duration::ZERO)).map_err(refused),
            (Thing::Socket(socket), _) => {
                let was = socket.nonblocking()?;
                socket.set_nonblocking(true)?;
                let answer = self.run();
                socket.set_nonblocking(was)?;
                answer
            }
            // A pipe has no such mode: no time to wait is the same.
            _ => time::timeout(Duration::ZERO, || self.run())
                .unwrap_or_else(|elapsed| {
                    let _ = elapsed;
                    Err(io::Error::from_raw_os_error(libc::EAGAIN))
                })
                .map_err(refused),
        }
    }

    /// As long as it takes.
    pub fn run(&self) -> io::Result<Came> {
        let socket = match &*self.thing {
            Thing::Socket(socket) => socket,
            Thing::Reader(pipe) => return self.of_reader(pipe),
            Thing::Writer(pipe) => return self.of_writer(pipe),
        };
        let peer = || self.peer.as_ref().ok_or(io::ErrorKind::InvalidInput);
        match &self.call {
            Call::Connect(_) => socket.connect(peer()?).map(|()| Came::Done),
            Call::Accept(into) => {
                socket.accept().map(|(socket, peer)| Came::Accepted(*into, socket, peer))
            }
            Call::Send(_) => match self.parts.as_slice() {
                [only] => socket.send(only).map(Came::Count),
                _ => socket.send_vectored(&self.slices()).map(Came::Count),
            },
            Call::Recv(sizes) => match sizes.as_slice() {
                [only] => into_bytes(*only, |buf| socket.recv(buf)),
                _ => into_parts(sizes, |bufs| Ok(socket.recv_vectored(bufs)?.0)),
            },
            Call::Peek(n) => into_bytes(*n, |buf| socket.peek(buf)),
            Call::SendTo(..) => match self.parts.as_slice() {
                [only] => socket.send_to(only, peer()?).map(Came::Count),
                _ => socket.send_to_vectored(&self.slices(), peer()?).map(Came::Count),
            },
            Call::RecvFrom(sizes) => match sizes.as_slice() {
                [only] => into_bytes_from(*only, |buf| socket.recv_from(buf)),
                _ => {
                    let mut from = None;
                    let came = into_parts(sizes, |bufs| {
                        let (n, _, peer) = socket.recv_from_vectored(bufs)?;
                        from = Some(peer);
                        Ok(n)
                    })?;
                    Ok(match came {
                        Came::Bytes(bytes) => Came::BytesFrom(bytes, from),
                        other => other,
                    })
                }
            },
            Call::PeekFrom(n) => into_bytes_from(*n, |buf| socket.peek_from(buf)),
            Call::Urgent(_) => socket.send_out_of_band(&self.parts.concat()).map(Came::Count),
            Call::RecvUrgent(n) => into_bytes(*n, |buf| socket.recv_out_of_band(buf)),
            Call::Message(_, beside) => self.send_message(socket, beside),
            Call::RecvMessage(sizes, asked) => message::recv(socket, sizes, *asked),
            Call::Wait(what) => self.thing.wait(*what, self.within),
        }
    }

    /// Whether what it sends is numbered bytes and nothing else.
    pub fn is_numbered(&self) -> bool {
        match &self.call {
            Call::Send(data) | Call::SendTo(data, _) | Call::Message(data, _) => {
                data.iter().all(|data| matches!(data, Data::Numbered(_)))
            }
            Call::Urgent(data) => matches!(data, Data::Numbered(_)),
            _ => false,
        }
    }

    pub(super) fn slices(&self) -> Vec<IoSlice<'_>> {
        self.parts.iter().map(|part| IoSlice::new(part)).collect()
    }

    fn of_reader(&self, mut pipe: &PipeReader) -> io::Result<Came> {
        match &self.call {
            Call::Recv(sizes) => match sizes.as_slice() {
                [only] => into_bytes(*only, |buf| pipe.read(buf)),
                _ => into_parts(sizes, |bufs| pipe.read_vectored(bufs)),
            },
            Call::Wait(what) => self.thing.wait(*what, self.within),
            _ => Err(not_a_socket()),
        }
    }

    fn of_writer(&self, mut pipe: &PipeWriter) -> io::Result<Came> {
        match &self.call {
            Call::Send(_) => match self.parts.as_slice() {
                [only] => pipe.write(only).map(Came::Count),
                _ => pipe.write_vectored(&self.slices()).map(Came::Count),
            },
            Call::Wait(what) => self.thing.wait(*what, self.within),
            _ => Err(not_a_socket()),
        }
    }
}

impl Thing {
    /// A pipe has none of a socket's calls.
    pub fn socket(&self) -> io::Result<&Socket> {
        match self {
            Thing::Socket(socket) => Ok(socket),
            _ => Err(not_a_socket()),
        }
    }

    pub fn dup(&self) -> io::Result<Thing> {
        Ok(match self {
            Thing::Socket(socket) => Thing::Socket(socket.try_clone()?),
            Thing::Reader(pipe) => Thing::Reader(pipe.try_clone()?),
            Thing::Writer(pipe) => Thing::Writer(pipe.try_clone()?),
        })
    }

    pub fn close(&self) {
        match self {
            Thing::Socket(socket) => socket.close(),
            Thing::Reader(pipe) => pipe.close(),
            Thing::Writer(pipe) => pipe.close(),
        }
    }

    /// What a look shows: `r` and `w` for what a read and a write would find, the rest by poll's names.
    pub fn poll(&self) -> io::Result<String> {
        let now = match self {
            Thing::Socket(it) => readiness(it),
            Thing::Reader(it) => readiness(it),
            Thing::Writer(it) => readiness(it),
        }?;
        let shown = [
            (Readiness::READ, "r"),
            (Readiness::WRITE, "w"),
            (Readiness::HANG_UP, "+hup"),
            (Readiness::READ_CLOSED, "+rdhup"),
            (Readiness::ERROR, "+err"),
            (Readiness::URGENT, "+pri"),
        ];
        let shown: String = shown
            .iter()
            .filter(|(one, _)| !now.and(*one).is_none())
            .map(|(_, name)| *name)
            .collect();
        Ok(if shown.is_empty() { "-".into() } else { shown })
    }

    /// What is there of it is told where it could be one of several.
    fn wait(&self, what: Readiness, timeout: Option<Duration>) -> io::Result<Came> {
        let shown = match self {
            Thing::Socket(it) => wait_for(it, what, timeout),
            Thing::Reader(it) => wait_for(it, what, timeout),
            Thing::Writer(it) => wait_for(it, what, timeout),
        }?;
        let is_plain = what.without(Readiness::BOTH).is_none();
        Ok(if is_plain { Came::Done } else { Came::Shown(shown) })
    }

    pub fn send_at_once(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Thing::Socket(socket) => socket.send_with_flags(bytes, libc::MSG_DONTWAIT),
            Thing::Writer(pipe) => at_once(|| (&*pipe).write(bytes)),
            Thing::Reader(_) => Err(not_a_socket()),
        }
    }

    pub fn recv_at_once(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Thing::Socket(socket) => socket.recv_with_flags(buf, libc::MSG_DONTWAIT),
            Thing::Reader(pipe) => at_once(|| (&*pipe).read(buf)),
            Thing::Writer(_) => Err(not_a_socket()),
        }
    }

    /// Whether nothing received is the end, not an empty datagram.
    pub fn ends_in_nothing(&self) -> io::Result<bool> {
        match self {
            Thing::Socket(socket) => Ok(socket.r#type()? != Type::DGRAM),
            _ => Ok(true),
        }
    }
}

/// A pipe has no mode in which calls do not wait: no time to wait is the same.
fn at_once<T>(call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    match time::timeout(Duration::ZERO, call) {
        Ok(answer) => answer.map_err(refused),
        Err(_) => Err(io::Error::from_raw_os_error(libc::EAGAIN)),
    }
}

fn refused(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::TimedOut if error.raw_os_error().is_none() => {
            io::Error::from_raw_os_error(libc::EAGAIN)
        }
        _ => error,
    }
}

fn not_a_socket() -> io::Error {
    io::Error::from_raw_os_error(libc::ENOTSOCK)
}

fn into_bytes(n: u32, call: impl FnOnce(&mut [u8]) -> io::Result<usize>) -> io::Result<Came> {
    let mut buf = vec![0; n as usize];
    let n = call(&mut buf)?;
    buf.truncate(n);
    Ok(Came::Bytes(buf))
}

fn into_bytes_from(
    n: u32,
    call: impl FnOnce(&mut [u8]) -> io::Result<(usize, SockAddr)>,
) -> io::Result<Came> {
    let mut buf = vec![0; n as usize];
    let (n, peer) = call(&mut buf)?;
    buf.truncate(n);
    Ok(Came::BytesFrom(buf, Some(peer)))
}

fn into_parts(
    sizes: &[u32],
    call: impl FnOnce(&mut [IoSliceMut<'_>]) -> io::Result<usize>,
) -> io::Result<Came> {
    let mut parts: Vec<Vec<u8>> = sizes.iter().map(|n| vec![0; *n as usize]).collect();
    let mut slices: Vec<IoSliceMut<'_>> =
        parts.iter_mut().map(|part| IoSliceMut::new(part)).collect();
    let n = call(&mut slices)?;
    let mut bytes = parts.concat();
    bytes.truncate(n);
    Ok(Came::Bytes(bytes))
}
