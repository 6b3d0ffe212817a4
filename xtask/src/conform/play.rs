//! Playing a program inside a hub: what each operation came to, as a line that both hubs would
//! write alike.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use greenroom::io::{PipeReader, PipeWriter};
use greenroom::net::{
    Domain, Protocol, Shutdown, SockAddr, Socket, SocketAddr, TcpKeepalive, Type,
};
use greenroom::os::linux::net::SocketAddrExt;
use greenroom::os::unix::net as unix;
use greenroom::wait::{Source, wait_read, wait_write};

use super::program::{Kind, Op, Option as Opt, Place, Program, SLOTS, Switch};

/// A hub, as far as a program has to know it.
pub struct World {
    /// Before the names of Unix sockets, so that programs do not meet.
    pub prefix: String,
    /// Where its paths are.
    pub directory: PathBuf,
    /// How long what is under way is given to arrive, after every operation.
    pub settle: Duration,
}

/// Plays it; a line an operation.
pub fn play(program: &Program, world: &World) -> Vec<String> {
    let mut player =
        Player { world, slots: std::array::from_fn(|_| None), ports: Vec::new(), sent: 0 };
    let lines = program.0.iter().map(|op| {
        let outcome = player.perform(op);
        world.settle();
        match outcome {
            Ok(text) => text,
            Err(error) => said(&error),
        }
    });
    lines.collect()
}

/// What a slot may hold.
enum Thing {
    Socket(Socket),
    Reader(PipeReader),
    Writer(PipeWriter),
}

struct Player<'a> {
    world: &'a World,
    slots: [Option<Thing>; SLOTS as usize],
    /// Ports in the order they showed up: what they are called.
    ports: Vec<u16>,
    /// Bytes are numbered as they are sent.
    sent: u8,
}

type Line = io::Result<String>;

impl World {
    fn settle(&self) {
        if !self.settle.is_zero() {
            greenroom::thread::sleep(self.settle);
        }
    }
}

impl Player<'_> {
    fn perform(&mut self, op: &Op) -> Line {
        match *op {
            Op::Make(a, kind) => {
                self.clear(&[a]);
                let socket = self.fresh(kind)?;
                self.put(a, socket)
            }
            Op::Pair(a, b, kind) => {
                self.clear(&[a, b]);
                let (domain, of) = shape(kind);
                let (near, far) = Socket::pair(domain, of, None)?;
                self.put(a, near)?;
                self.put(b, far)
            }
            Op::Connected(l, a, b, kind) => self.connected(l, a, b, kind),
            Op::Bind(a, place) => {
                let address = self.address(place, a)?;
                self.slot(a)?.bind(&address)?;
                done()
            }
            Op::Pipe(a, b) => {
                self.clear(&[a, b]);
                let (reader, writer) = greenroom::io::pipe()?;
                self.slots[usize::from(a)] = Some(Thing::Reader(reader));
                self.slots[usize::from(b)] = Some(Thing::Writer(writer));
                done()
            }
            Op::Listen(a, n) => self.slot(a)?.listen(n.into()).and_then(|()| done()),
            Op::Connect(a, place) => {
                let address = self.address(place, a)?;
                let socket = self.slot(a)?;
                match socket.connect(&address) {
                    // Which of several calls is told that it stands, and which that it stood, is
                    // up to the hub.
                    Err(error) if error.raw_os_error() == Some(libc::EISCONN) => done(),
                    answer => answer.and_then(|()| done()),
                }
            }
            Op::Accept(a, b) => {
                let (socket, peer) = or_refusal(self.slot(a)?, self.slot(a)?.accept())?;
                let peer = self.show(&peer);
                self.put(b, socket)?;
                Ok(format!("from {peer}"))
            }
            Op::Send(a, n) => {
                let bytes = self.bytes(n);
                if let Some(Thing::Writer(pipe)) = &self.slots[usize::from(a)] {
                    return write_pipe(pipe, &bytes);
                }
                self.slot(a)?.send(&bytes).map(|n| n.to_string())
            }
            Op::SendVectored(a, n, m) => {
                let (first, second) = (self.bytes(n), self.bytes(m));
                let both = [IoSlice::new(&first), IoSlice::new(&second)];
                self.slot(a)?.send_vectored(&both).map(|n| n.to_string())
            }
            Op::Recv(a, n) => {
                if let Some(Thing::Reader(pipe)) = &self.slots[usize::from(a)] {
                    return read_pipe(pipe, n);
                }
                self.receive(a, n, |socket, buf| socket.recv(buf))
            }
            Op::RecvVectored(a, n, m) => self.receive(a, n + m, |socket, buf| {
                let (first, second) = buf.split_at_mut(usize::from(n));
                socket.recv_vectored(&mut [IoSliceMut::new(first), IoSliceMut::new(second)])
            }),
            Op::Peek(a, n) => self.receive(a, n, |socket, buf| socket.peek(buf)),
            Op::SendTo(a, n, place) => {
                let (bytes, address) = (self.bytes(n), self.address(place, a)?);
                self.slot(a)?.send_to(&bytes, &address).map(|n| n.to_string())
            }
            Op::RecvFrom(a, n) => self.receive_from(a, n, |socket, buf| socket.recv_from(buf)),
            Op::PeekFrom(a, n) => self.receive_from(a, n, |socket, buf| socket.peek_from(buf)),
            Op::Shutdown(a, how) => {
                let how = match how {
                    Switch::Read => Shutdown::Read,
                    Switch::Write => Shutdown::Write,
                    Switch::Both => Shutdown::Both,
                };
                self.slot(a)?.shutdown(how)?;
                done()
            }
            Op::Close(a) => {
                let closed = self.slots[usize::from(a)].take();
                closed.map_or_else(|| Err(closed_already()), |_| done())
            }
            Op::Dup(a, b) => {
                let copy = match &self.slots[usize::from(a)] {
                    None => return Err(closed_already()),
                    Some(Thing::Reader(pipe)) => Thing::Reader(pipe.try_clone()?),
                    Some(Thing::Writer(pipe)) => Thing::Writer(pipe.try_clone()?),
                    Some(Thing::Socket(socket)) => {
                        let copy = socket.try_clone()?;
                        return self.put(b, copy);
                    }
                };
                self.slots[usize::from(b)] = Some(copy);
                done()
            }
            Op::Addresses(a) => {
                let local = self.slot(a)?.local_addr().map(|address| self.show(&address));
                let peer = self.slot(a)?.peer_addr().map(|address| self.show(&address));
                let word = |address: Line| address.unwrap_or_else(|error| said(&error));
                Ok(format!("{} - {}", word(local), word(peer)))
            }
            Op::TakeError(a) => Ok(match self.slot(a)?.take_error()? {
                Some(error) => said(&error),
                None => "none".into(),
            }),
            Op::Poll(a) => self.poll(a),
            Op::Set(a, option, value) => self.set(a, option, value),
            Op::Get(a, option) => self.get(a, option),
        }
    }

    /// Closes what is there, one after the other: of two ends that close at once, either may be first.
    fn clear(&mut self, slots: &[u8]) {
        for &slot in slots {
            self.slots[usize::from(slot)] = None;
            self.world.settle();
        }
    }

    fn fresh(&self, kind: Kind) -> io::Result<Socket> {
        let (domain, of) = shape(kind);
        Socket::new(domain, of, None)
    }

    fn put(&mut self, slot: u8, socket: Socket) -> Line {
        socket.set_nonblocking(true)?;
        if socket.protocol()? == Some(Protocol::TCP) {
            // Small writes would wait for acknowledgements, for as long as timers say.
            socket.set_tcp_nodelay(true)?;
        }
        self.slots[usize::from(slot)] = Some(Thing::Socket(socket));
        done()
    }

    /// An empty slot is a descriptor that is not open; the end of a pipe has no such call.
    fn slot(&self, slot: u8) -> io::Result<&Socket> {
        match &self.slots[usize::from(slot)] {
            Some(Thing::Socket(socket)) => Ok(socket),
            Some(_) => Err(io::Error::from_raw_os_error(libc::ENOTSOCK)),
            None => Err(closed_already()),
        }
    }

    fn connected(&mut self, l: u8, a: u8, b: u8, kind: Kind) -> Line {
        self.clear(&[l, a, b]);
        let listener = self.fresh(kind)?;
        let local = match kind {
            Kind::Tcp | Kind::Udp => loopback(),
            Kind::UnixStream | Kind::UnixDatagram | Kind::UnixRecords => self.name(9)?,
        };
        listener.bind(&local)?;
        listener.listen(64)?;
        let near = self.fresh(kind)?;
        near.connect(&listener.local_addr()?)?;
        let (far, _) = listener.accept()?;
        self.world.settle();
        self.put(l, listener)?;
        self.put(a, near)?;
        self.put(b, far)
    }

    fn bytes(&mut self, n: u16) -> Vec<u8> {
        let first = self.sent;
        self.sent = self.sent.wrapping_add(n as u8);
        (0..n).map(|at| first.wrapping_add(at as u8)).collect()
    }

    fn receive(
        &mut self,
        slot: u8,
        n: u16,
        call: impl Fn(&Socket, &mut [u8]) -> io::Result<usize>,
    ) -> Line {
        let mut buf = vec![0; usize::from(n)];
        let n = or_end(self.slot(slot)?, call(self.slot(slot)?, &mut buf), 0)?;
        Ok(shown(&buf[..n]))
    }

    fn receive_from(
        &mut self,
        slot: u8,
        n: u16,
        call: impl Fn(&Socket, &mut [u8]) -> io::Result<(usize, SockAddr)>,
    ) -> Line {
        let mut buf = vec![0; usize::from(n)];
        let socket = self.slot(slot)?;
        let nobody = match socket.domain()? {
            Domain::UNIX => unix::SocketAddr::from_pathname("")?.into(),
            _ => SocketAddr::from(([0, 0, 0, 0], 0)).into(),
        };
        let (n, peer) = or_end(socket, call(socket, &mut buf), (0, nobody))?;
        let peer = self.show(&peer);
        Ok(format!("{} from {peer}", shown(&buf[..n])))
    }

    fn poll(&self, slot: u8) -> Line {
        match &self.slots[usize::from(slot)] {
            None => Err(closed_already()),
            Some(Thing::Socket(socket)) => Player::poll_source(socket),
            Some(Thing::Reader(pipe)) => Player::poll_source(pipe),
            Some(Thing::Writer(pipe)) => Player::poll_source(pipe),
        }
    }

    fn poll_source(socket: &impl Source) -> Line {
        let word = |ready: io::Result<()>, word: &str| match ready {
            Ok(()) => word.to_owned(),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => "-".into(),
            Err(error) => said(&error),
        };
        let read = word(wait_read(socket, Some(Duration::ZERO)), "r");
        Ok(read + &word(wait_write(socket, Some(Duration::ZERO)), "w"))
    }

    fn set(&self, slot: u8, option: Opt, value: u8) -> Line {
        let (socket, on, number) = (self.slot(slot)?, value != 0, u32::from(value));
        let seconds = Duration::from_secs(number.into());
        match option {
            Opt::ReuseAddress => socket.set_reuse_address(on),
            Opt::ReusePort => socket.set_reuse_port(on),
            // Never off, see `put`.
            Opt::NoDelay => socket.set_tcp_nodelay(true),
            Opt::KeepAlive => socket.set_keepalive(on),
            Opt::Broadcast => socket.set_broadcast(on),
            Opt::LingerZero => socket.set_linger(on.then_some(Duration::ZERO)),
            // Nothing is unsent when it closes: no close waits.
            Opt::LingerLong => socket.set_linger(Some(seconds)),
            Opt::Ttl => socket.set_ttl_v4(number),
            Opt::Tos => socket.set_tos_v4(number),
            // More takes a privilege, which the two hubs may not share.
            Opt::Priority => socket.set_priority(number % 7),
            Opt::KeepIdle => socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(seconds)),
            Opt::KeepCount => socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(number)),
            Opt::UserTimeout => socket.set_tcp_user_timeout(on.then_some(seconds)),
            Opt::MulticastLoop => socket.set_multicast_loop_v4(on),
            Opt::MulticastTtl => socket.set_multicast_ttl_v4(number),
            Opt::Identity => Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT)),
        }?;
        done()
    }

    fn get(&self, slot: u8, option: Opt) -> Line {
        let socket = self.slot(slot)?;
        Ok(match option {
            Opt::ReuseAddress => socket.reuse_address()?.to_string(),
            Opt::ReusePort => socket.reuse_port()?.to_string(),
            Opt::NoDelay => socket.tcp_nodelay()?.to_string(),
            Opt::KeepAlive => socket.keepalive()?.to_string(),
            Opt::Broadcast => socket.broadcast()?.to_string(),
            Opt::LingerZero | Opt::LingerLong => format!("{:?}", socket.linger()?),
            Opt::Ttl => socket.ttl_v4()?.to_string(),
            Opt::Tos => socket.tos_v4()?.to_string(),
            Opt::Priority => socket.priority()?.to_string(),
            Opt::KeepIdle => format!("{:?}", socket.tcp_keepalive_time()?),
            Opt::KeepCount => socket.tcp_keepalive_retries()?.to_string(),
            Opt::UserTimeout => format!("{:?}", socket.tcp_user_timeout()?),
            Opt::MulticastLoop => socket.multicast_loop_v4()?.to_string(),
            // What Linux answers for TCP is a leftover of the packet that opened the connection.
            Opt::MulticastTtl if socket.protocol()? == Some(Protocol::TCP) => "any".into(),
            Opt::MulticastTtl => socket.multicast_ttl_v4()?.to_string(),
            Opt::Identity => {
                let (domain, of) = (socket.domain()?, socket.r#type()?);
                let listens = socket.is_listener()?;
                format!("{domain:?} {of:?} {:?} {listens}", socket.protocol()?)
            }
        })
    }

    // Addresses.

    fn address(&self, place: Place, of: u8) -> io::Result<SockAddr> {
        let is_unix = self.slot(of)?.domain()? == Domain::UNIX;
        match place {
            Place::Of(slot) => self.slot(slot)?.local_addr(),
            Place::PeerOf(slot) => self.slot(slot)?.peer_addr(),
            Place::Name(n) => self.name(n),
            Place::Path(n) => SockAddr::unix(self.world.directory.join(n.to_string())),
            Place::Nobody if is_unix => self.name(99),
            Place::Nobody => Ok(SocketAddr::from(([127, 0, 0, 1], 1)).into()),
            Place::Loopback => Ok(loopback()),
            Place::Anywhere => Ok(SocketAddr::from(([0, 0, 0, 0], 0)).into()),
        }
    }

    fn name(&self, n: u8) -> io::Result<SockAddr> {
        let name = format!("{}{n}", self.world.prefix);
        unix::SocketAddr::from_abstract_name(name).map(SockAddr::from)
    }

    /// An address as both hubs show it: ports by the order in which they showed up.
    fn show(&mut self, address: &SockAddr) -> String {
        if let Some(inet) = address.as_socket() {
            let port = match inet.port() {
                small @ ..1024 => small.to_string(),
                port => format!("p{}", self.port(port)),
            };
            return format!("{}:{port}", inet.ip());
        }
        if let Some(path) = address.as_pathname() {
            let own = path.strip_prefix(&self.world.directory);
            return format!("/{}", own.unwrap_or(path).display());
        }
        match address.as_abstract_namespace() {
            Some(name) => match name.strip_prefix(self.world.prefix.as_bytes()) {
                Some(own) => format!("@{}", String::from_utf8_lossy(own)),
                None => "@auto".into(),
            },
            None => "unnamed".into(),
        }
    }

    fn port(&mut self, port: u16) -> usize {
        self.ports.iter().position(|&known| known == port).unwrap_or_else(|| {
            self.ports.push(port);
            self.ports.len() - 1
        })
    }
}

/// What a datagram socket that is shut for reading answers once it is empty: Linux lets a call that
/// may wait come back with nothing, and one that may not wait answers `EAGAIN` although poll calls
/// it readable. The waist has one verb for both; either answer counts as the first.
fn or_end<T>(socket: &Socket, answer: io::Result<T>, end: T) -> io::Result<T> {
    match answer {
        Err(error)
            if error.kind() == io::ErrorKind::WouldBlock
                && socket.r#type()? == Type::DGRAM
                && wait_read(socket, Some(Duration::ZERO)).is_ok() =>
        {
            Ok(end)
        }
        answer => answer,
    }
}

/// Likewise, `EINVAL` of a Unix listener that is shut: for a call that may not wait it is `EAGAIN`.
fn or_refusal<T>(socket: &Socket, answer: io::Result<T>) -> io::Result<T> {
    match answer {
        Err(error)
            if error.kind() == io::ErrorKind::WouldBlock
                && wait_read(socket, Some(Duration::ZERO)).is_ok() =>
        {
            Err(io::Error::from_raw_os_error(libc::EINVAL))
        }
        answer => answer,
    }
}

/// Without waiting: a pipe that is not ready is not read.
fn read_pipe(mut pipe: &PipeReader, n: u16) -> Line {
    let mut buf = vec![0; usize::from(n)];
    wait_read(pipe, Some(Duration::ZERO))?;
    let n = pipe.read(&mut buf)?;
    Ok(shown(&buf[..n]))
}

/// Less than a page, which a pipe that is ready has room for.
fn write_pipe(mut pipe: &PipeWriter, bytes: &[u8]) -> Line {
    wait_write(pipe, Some(Duration::ZERO))?;
    pipe.write(bytes).map(|n| n.to_string())
}

fn closed_already() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

fn shape(kind: Kind) -> (Domain, Type) {
    match kind {
        Kind::Tcp => (Domain::IPV4, Type::STREAM),
        Kind::Udp => (Domain::IPV4, Type::DGRAM),
        Kind::UnixStream => (Domain::UNIX, Type::STREAM),
        Kind::UnixDatagram => (Domain::UNIX, Type::DGRAM),
        Kind::UnixRecords => (Domain::UNIX, Type::SEQPACKET),
    }
}

fn loopback() -> SockAddr {
    SocketAddr::from(([127, 0, 0, 1], 0)).into()
}

fn done() -> Line {
    Ok("ok".into())
}

/// How many bytes, and which: the first and the last one's numbers.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        [] => "0 bytes".into(),
        [only] => format!("1 byte: {only}"),
        [first, .., last] => format!("{} bytes: {first}..{last}", bytes.len()),
    }
}

fn said(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{:?} ({code})", error.kind()),
        None => format!("{:?}", error.kind()),
    }
}
