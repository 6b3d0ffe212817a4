//! Streams and listeners of the scripted world: byte queues, and a table of descriptors.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
use std::time::Duration;

use greenroom::hub::{Io, Readiness, Ready, Take};

use super::Event;

/// The address that the script answers for.
pub const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A port of the scripted peer.
pub fn peer(port: u16) -> SocketAddr {
    (PEER, port).into()
}

pub(super) fn errno(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

/// What fits between two sockets of the hub.
const CAPACITY: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct Sockets {
    descriptors: Vec<Option<(Io, usize)>>,
    sockets: Vec<Socket>,
    /// What happened to sockets since it was last taken.
    happened: Vec<(usize, Readiness)>,
    dials: BTreeMap<u16, Option<Duration>>,
    /// Ports where a dial is refused in the end.
    refusing: BTreeSet<u16>,
    rooms: BTreeMap<u16, usize>,
    written: BTreeMap<u16, Vec<u8>>,
    /// What happened to streams that do not stand yet.
    early: Vec<(u16, Event)>,
    next_port: u16,
}

struct Socket {
    local: SocketAddr,
    remote: Option<SocketAddr>,
    state: State,
}

enum State {
    Fresh,
    Listener(VecDeque<(usize, SocketAddr)>),
    Connecting,
    /// The attempt failed, and nobody was told yet.
    Refused,
    Stream(Stream),
    Query(Vec<IpAddr>, bool),
}

struct Stream {
    /// The other end, if it is a socket of this hub.
    other: Option<usize>,
    inbox: VecDeque<u8>,
    /// The peer ended its side, or this side ended reading.
    ended: bool,
    reset: bool,
    /// This side may still write.
    writes: bool,
    room: usize,
}

impl Stream {
    fn new(other: Option<usize>, room: usize) -> Stream {
        let inbox = VecDeque::new();
        Stream { other, inbox, ended: false, reset: false, writes: true, room }
    }
    fn readable(&self) -> bool {
        !self.inbox.is_empty() || self.ended || self.reset
    }
    fn writable(&self) -> bool {
        self.room > 0 || !self.writes || self.reset
    }
}

impl Sockets {
    // The table.

    fn open_one(&mut self, socket: usize) -> Io {
        let index = self.descriptors.iter().position(Option::is_none).unwrap_or_else(|| {
            self.descriptors.push(None);
            self.descriptors.len() - 1
        });
        let io = Io::new(index);
        self.descriptors[index] = Some((io, socket));
        io
    }

    fn add(&mut self, state: State, remote: Option<SocketAddr>) -> usize {
        self.next_port += 1;
        let local = (Ipv4Addr::LOCALHOST, 50_000 + self.next_port).into();
        self.sockets.push(Socket { local, remote, state });
        self.sockets.len() - 1
    }

    fn find(&self, io: Io) -> io::Result<usize> {
        match self.descriptors.get(io.index()) {
            Some(&Some((known, socket))) if known == io => Ok(socket),
            _ => Err(errno(libc::EBADF)),
        }
    }

    fn stream(&mut self, io: Io) -> io::Result<(usize, &mut Stream)> {
        let index = self.find(io)?;
        match &mut self.sockets[index].state {
            State::Stream(stream) => Ok((index, stream)),
            _ => Err(errno(libc::ENOTCONN)),
        }
    }

    fn stream_at(&mut self, index: usize) -> Option<&mut Stream> {
        match &mut self.sockets[index].state {
            State::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    pub(super) fn open(&self) -> usize {
        self.descriptors.iter().flatten().count()
    }

    // The script's side.

    pub(super) fn dial_takes(&mut self, port: u16, time: Option<Duration>) {
        self.dials.insert(port, time);
    }
    pub(super) fn dial_is_refused(&mut self, port: u16) {
        self.refusing.insert(port);
    }
    pub(super) fn set_room(&mut self, port: u16, bytes: usize) {
        self.rooms.insert(port, bytes);
    }
    pub(super) fn written(&self, port: u16) -> &[u8] {
        self.written.get(&port).map_or(&[], |bytes| bytes)
    }

    /// What happened, for every descriptor of the socket it happened to.
    pub(super) fn take_ready(&mut self) -> Vec<Ready> {
        let happened = std::mem::take(&mut self.happened);
        let named = happened.iter().flat_map(|&(socket, interest)| {
            let of_it = self.descriptors.iter().flatten().filter(move |(_, of)| *of == socket);
            of_it.map(move |&(io, _)| Ready::Io(io, interest))
        });
        named.collect()
    }

    pub(super) fn happen(&mut self, event: Event) {
        let port = match &event {
            Event::Bytes(port, _) | Event::Eof(port) | Event::Reset(port) => Some(*port),
            _ => None,
        };
        if let Some(port) = port.filter(|&port| self.on_port_index(port).is_none()) {
            return self.early.push((port, event));
        }
        match event {
            Event::Bytes(port, bytes) => {
                self.on_port(port, Readiness::READ, |stream| stream.inbox.extend(bytes));
            }
            Event::Eof(port) => self.on_port(port, Readiness::READ, |stream| stream.ended = true),
            Event::Reset(port) => self.on_port(port, Readiness::BOTH, |stream| stream.reset = true),
            Event::Room(port, more) => {
                self.on_port(port, Readiness::WRITE, |stream| stream.room += more);
            }
            Event::Spurious(port) => self.on_port(port, Readiness::BOTH, |_| {}),
            Event::Dial(port) => self.dial_in(port),
            Event::Connected(io) => self.connected(io),
            other => unreachable!("{other:?} is not about sockets"),
        }
    }

    fn on_port(&mut self, port: u16, interest: Readiness, change: impl FnOnce(&mut Stream)) {
        let found = self.on_port_index(port);
        if let Some(stream) = found.and_then(|index| self.stream_at(index)) {
            change(stream);
        }
        self.happened.extend(found.map(|index| (index, interest)));
    }

    /// The latest stream to this port.
    fn on_port_index(&self, port: u16) -> Option<usize> {
        self.sockets.iter().rposition(|socket| {
            socket.remote == Some(peer(port)) && matches!(socket.state, State::Stream(_))
        })
    }

    /// The stream stands: what came early is there.
    fn stands(&mut self, index: usize) {
        let room = self.room_of(index);
        self.sockets[index].state = State::Stream(Stream::new(None, room));
        let early = std::mem::take(&mut self.early);
        early.into_iter().for_each(|(_, event)| self.happen(event));
    }

    fn dial_in(&mut self, port: u16) {
        // Where nobody listens any more, the caller is refused.
        let Some(listener) = self.listener_on(port) else { return };
        let stream = self.add(State::Stream(Stream::new(None, usize::MAX)), Some(peer(port)));
        self.knock(listener, stream, peer(port));
    }

    fn listener_on(&self, port: u16) -> Option<usize> {
        self.sockets.iter().position(|socket| {
            matches!(socket.state, State::Listener(_)) && socket.local.port() == port
        })
    }

    fn knock(&mut self, listener: usize, stream: usize, from: SocketAddr) {
        if let State::Listener(pending) = &mut self.sockets[listener].state {
            pending.push_back((stream, from));
        }
        self.happened.push((listener, Readiness::READ));
    }

    fn connected(&mut self, io: Io) {
        let Ok(index) = self.find(io) else { return };
        if let State::Query(_, answered) = &mut self.sockets[index].state {
            *answered = true;
            self.happened.push((index, Readiness::READ));
        } else {
            let port = self.sockets[index].remote.map_or(0, |remote| remote.port());
            if self.refusing.contains(&port) {
                self.sockets[index].state = State::Refused;
            } else {
                self.stands(index);
            }
            self.happened.push((index, Readiness::WRITE));
        }
    }

    fn room_of(&self, index: usize) -> usize {
        let port = self.sockets[index].remote.map_or(0, |remote| remote.port());
        self.rooms.get(&port).copied().unwrap_or(usize::MAX)
    }

    // The program's side.

    pub(super) fn fresh(&mut self) -> Io {
        let socket = self.add(State::Fresh, None);
        self.open_one(socket)
    }

    pub(super) fn query(&mut self, answer: Vec<IpAddr>) -> Io {
        let socket = self.add(State::Query(answer, false), None);
        self.open_one(socket)
    }

    pub(super) fn resolved(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        let index = self.find(io)?;
        match &self.sockets[index].state {
            State::Query(answer, true) => Ok(answer.clone()),
            _ => Err(errno(libc::EWOULDBLOCK)),
        }
    }

    pub(super) fn bind(&mut self, io: Io, local: SocketAddr) -> io::Result<()> {
        let index = self.find(io)?;
        if local.port() != 0 {
            if self.listener_on(local.port()).is_some() {
                return Err(errno(libc::EADDRINUSE));
            }
            self.sockets[index].local = local;
        }
        Ok(())
    }

    pub(super) fn listen(&mut self, io: Io) -> io::Result<()> {
        let index = self.find(io)?;
        self.sockets[index].state = State::Listener(VecDeque::new());
        Ok(())
    }

    pub(super) fn is_connecting(&self, io: Io) -> io::Result<bool> {
        let index = self.find(io)?;
        Ok(matches!(self.sockets[index].state, State::Connecting))
    }

    /// When the connection will stand; `None` if it does.
    pub(super) fn connect(&mut self, io: Io, to: SocketAddr, now: u64) -> io::Result<Option<u64>> {
        let index = self.find(io)?;
        match self.sockets[index].state {
            State::Stream(_) => return Ok(None),
            State::Connecting => return Ok(Some(u64::MAX)),
            State::Refused => {
                self.sockets[index].state = State::Fresh;
                return Err(errno(libc::ECONNREFUSED));
            }
            _ => self.sockets[index].remote = Some(to),
        }
        if to.ip() == PEER {
            let takes = self.dials.get(&to.port()).copied().unwrap_or(Some(Duration::ZERO));
            if takes == Some(Duration::ZERO) {
                self.stands(index);
                return Ok(None);
            }
            self.sockets[index].state = State::Connecting;
            return Ok(Some(takes.map_or(u64::MAX, |time| now + time.as_nanos() as u64)));
        }
        let listener = self.listener_on(to.port()).ok_or_else(|| errno(libc::ECONNREFUSED))?;
        let (here, there) = (self.sockets[index].local, self.sockets[listener].local);
        let other = self.add(State::Stream(Stream::new(Some(index), CAPACITY)), Some(here));
        self.sockets[other].local = there;
        self.sockets[index].state = State::Stream(Stream::new(Some(other), CAPACITY));
        self.knock(listener, other, here);
        Ok(None)
    }

    pub(super) fn accept(&mut self, io: Io) -> io::Result<(Io, SocketAddr)> {
        let index = self.find(io)?;
        let State::Listener(pending) = &mut self.sockets[index].state else {
            return Err(errno(libc::EINVAL));
        };
        let (stream, from) = pending.pop_front().ok_or_else(|| errno(libc::EWOULDBLOCK))?;
        Ok((self.open_one(stream), from))
    }

    pub(super) fn recv(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<usize> {
        let (_, stream) = self.stream(io)?;
        if std::mem::take(&mut stream.reset) {
            (stream.ended, stream.writes) = (true, false);
            return Err(errno(libc::ECONNRESET));
        }
        if stream.inbox.is_empty() {
            return if stream.ended { Ok(0) } else { Err(errno(libc::EWOULDBLOCK)) };
        }
        let n = buf.len().min(stream.inbox.len());
        for (byte, from) in buf.iter_mut().zip(&stream.inbox) {
            *byte = *from;
        }
        if take == Take::Remove {
            stream.inbox.drain(..n);
            let other = stream.other;
            if let Some(writer) = other.and_then(|other| self.stream_at(other)) {
                writer.room += n;
                self.happened.extend(other.map(|other| (other, Readiness::WRITE)));
            }
        }
        Ok(n)
    }

    pub(super) fn send(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        let (index, stream) = self.stream(io)?;
        if !stream.writes {
            return Err(errno(libc::EPIPE));
        }
        if stream.room == 0 {
            return Err(errno(libc::EWOULDBLOCK));
        }
        let n = buf.len().min(stream.room);
        if stream.room != usize::MAX {
            stream.room -= n;
        }
        let other = stream.other;
        match other.and_then(|other| self.stream_at(other)) {
            Some(reader) => {
                reader.inbox.extend(&buf[..n]);
                self.happened.extend(other.map(|other| (other, Readiness::READ)));
            }
            None => {
                let port = self.sockets[index].remote.map_or(0, |remote| remote.port());
                self.written.entry(port).or_default().extend(&buf[..n]);
            }
        }
        Ok(n)
    }

    pub(super) fn shutdown(&mut self, io: Io, how: Shutdown) -> io::Result<()> {
        let (index, stream) = self.stream(io)?;
        if how != Shutdown::Write {
            stream.ended = true;
        }
        if how != Shutdown::Read {
            stream.writes = false;
        }
        let named = match how {
            Shutdown::Read => Readiness::READ,
            Shutdown::Write => Readiness::WRITE,
            Shutdown::Both => Readiness::BOTH,
        };
        self.happened.push((index, named));
        if how != Shutdown::Read {
            self.tell_other(index);
        }
        Ok(())
    }

    fn tell_other(&mut self, index: usize) {
        let other = self.stream_at(index).and_then(|stream| stream.other);
        if let Some(reader) = other.and_then(|other| self.stream_at(other)) {
            reader.ended = true;
            self.happened.extend(other.map(|other| (other, Readiness::READ)));
        }
    }

    pub(super) fn close(&mut self, io: Io) {
        let Ok(index) = self.find(io) else { return };
        self.descriptors[io.index()] = None;
        if self.descriptors.iter().flatten().any(|&(_, of)| of == index) {
            return;
        }
        self.tell_other(index);
        let other = self.stream_at(index).and_then(|stream| stream.other);
        if let Some(writer) = other.and_then(|other| self.stream_at(other)) {
            writer.writes = false;
        }
        self.sockets[index].state = State::Fresh;
        self.sockets[index].remote = None;
    }

    pub(super) fn dup(&mut self, io: Io) -> io::Result<Io> {
        let index = self.find(io)?;
        Ok(self.open_one(index))
    }

    pub(super) fn readiness(&mut self, io: Io, interest: Readiness) -> io::Result<Readiness> {
        let index = self.find(io)?;
        let (reads, writes) = match &self.sockets[index].state {
            State::Fresh | State::Connecting => (false, false),
            State::Refused => (true, true),
            State::Listener(pending) => (!pending.is_empty(), false),
            State::Query(_, answered) => (*answered, false),
            State::Stream(stream) => (stream.readable(), stream.writable()),
        };
        let read = if reads { Readiness::READ } else { Readiness::NONE };
        let write = if writes { Readiness::WRITE } else { Readiness::NONE };
        Ok(read.with(write).and(interest))
    }

    pub(super) fn local_addr(&self, io: Io) -> io::Result<SocketAddr> {
        self.find(io).map(|index| self.sockets[index].local)
    }
    pub(super) fn peer_addr(&self, io: Io) -> io::Result<SocketAddr> {
        let index = self.find(io)?;
        self.sockets[index].remote.ok_or_else(|| errno(libc::ENOTCONN))
    }
}
