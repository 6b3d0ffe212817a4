//! Playing a program inside a hub: what each step came to, in words that both hubs would use alike.

mod actor;
mod call;
mod marks;
mod note;
mod place;
mod words;

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{
    Domain, Protocol, Shutdown, SockAddr, Socket, SocketAddr, ToSocketAddrs, Type,
};

use super::program::{ACTORS, Data, Interface, Kind, Op, Place, Program, SLOTS, Step, Switch};
use actor::Actor;
use call::{Came, Task, Thing};
use marks::Marks;

/// What a step came to: a word for what went well, or the name of an error.
pub type Outcome = Result<String, String>;

/// A hub, as far as a program has to know it.
pub struct World {
    /// Before the names of Unix sockets, so that programs do not meet.
    pub prefix: String,
    /// Where its paths are.
    pub directory: PathBuf,
    /// How long what is under way is given to arrive, after every step.
    pub settle: Duration,
    /// Whether what is free by law is written alike: see [`call::Task`].
    pub is_lenient: bool,
}

/// Plays it; an outcome a step.
pub fn play(program: &Program, world: &World) -> Vec<Outcome> {
    play_noting(program, world, None)
}

/// Likewise, with a note a step of what its socket was like before it, and what it came to.
pub fn play_noting(
    program: &Program,
    world: &World,
    mut notes: Option<&mut Vec<String>>,
) -> Vec<Outcome> {
    let mut player = Player {
        world,
        slots: Default::default(),
        actors: Default::default(),
        left: Default::default(),
        spares: Vec::new(),
        ports: Vec::new(),
        sent: 0,
        filled: 0,
        marks: None,
    };
    if world.settle.is_zero() && program.has_actors() {
        match Marks::new() {
            Ok(marks) => player.marks = Some(marks),
            Err(error) => return vec![Err(words::said(&error))],
        }
    }
    let mut outcomes = Vec::new();
    for step in &program.0 {
        let before = notes.as_ref().map(|_| player.state_before(step));
        let outcome = player.step(step).map_err(|error| words::said(&error));
        player.settle();
        if let (Some(notes), Some(before)) = (&mut notes, before) {
            notes.push(format!("{before}: {} => {}", note::shape(step), note::class(&outcome)));
        }
        outcomes.push(outcome);
    }
    player.leave();
    outcomes
}

struct Player<'a> {
    world: &'a World,
    slots: [Option<Rc<Thing>>; SLOTS as usize],
    actors: [Option<Actor>; ACTORS as usize],
    /// Where what was closed had been, which can still be gone to.
    left: [Option<SockAddr>; SLOTS as usize],
    /// What `exhaust` made.
    spares: Vec<Socket>,
    /// Ports in the order they showed up: what they are called.
    ports: Vec<u16>,
    /// Bytes are numbered as they are sent.
    sent: u32,
    /// Bytes that `fill` sent and that nobody received.
    filled: u64,
    /// What tells that all there was to hear was heard, where no time is given for it.
    marks: Option<Marks>,
}

type Line = io::Result<String>;

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Line {
        match step {
            Step::Do(op) => self.perform(op),
            Step::Start { actor, slot, call, within } => {
                self.start(*actor, *slot, call, within.map(Duration::from_millis))
            }
            Step::Ask(actor) => self.ask(*actor),
            Step::Together(ops) => {
                let mut words = Vec::new();
                let mut is_ok = true;
                for op in ops {
                    let outcome = self.perform(op);
                    is_ok &= outcome.is_ok();
                    words.push(outcome.unwrap_or_else(|error| words::said(&error)));
                }
                let all = words.join("; ");
                if is_ok { Ok(all) } else { Err(io::Error::other(all)) }
            }
            Step::Times(n, op) => (0..*n).try_fold("never".into(), |_, _| self.perform(op)),
        }
    }

    /// Lets happen what is under way: what the kernel knows reaches the hub, and who it wakes runs.
    fn settle(&self) {
        if let Some(marks) = &self.marks {
            marks.pass();
        } else if !self.world.settle.is_zero() {
            // Not `yield_now`: a simulated greenlet that only yields has time pass until something
            // comes.
            greenroom::thread::sleep(self.world.settle);
        }
    }

    fn perform(&mut self, op: &Op) -> Line {
        match op {
            Op::Make(a, kind) => {
                self.clear(&[*a]);
                let socket = fresh(*kind)?;
                self.put(*a, socket)
            }
            Op::Pair(a, b, kind) => {
                self.clear(&[*a, *b]);
                let (domain, of) = shape(*kind);
                let (near, far) = Socket::pair(domain, of, None)?;
                self.put(*a, near)?;
                self.put(*b, far)
            }
            Op::Connected(l, a, b, kind) => self.connected(*l, *a, *b, *kind),
            Op::Pipe(a, b) => {
                self.clear(&[*a, *b]);
                let (reader, writer) = greenroom::io::pipe()?;
                self.slots[usize::from(*a)] = Some(Rc::new(Thing::Reader(reader)));
                self.slots[usize::from(*b)] = Some(Rc::new(Thing::Writer(writer)));
                done()
            }
            Op::Bind(a, place) => {
                let address = self.address(*place, *a)?;
                self.thing(*a)?.socket()?.bind(&address)?;
                done()
            }
            Op::Listen(a, n) => self.thing(*a)?.socket()?.listen(*n).and_then(|()| done()),
            Op::Call(a, call) => {
                let task = self.task(*a, call)?;
                let came = task.run_at_once()?;
                self.told(&task, came)
            }
            Op::Shutdown(a, how) => {
                let how = match how {
                    Switch::Read => Shutdown::Read,
                    Switch::Write => Shutdown::Write,
                    Switch::Both => Shutdown::Both,
                };
                self.thing(*a)?.socket()?.shutdown(how)?;
                done()
            }
            Op::Close(a) => {
                self.forget(*a)?;
                done()
            }
            Op::CloseNow(a) => {
                let thing = self.thing(*a)?;
                self.forget(*a)?;
                thing.close();
                done()
            }
            Op::Dup(a, b) => {
                let copy = self.thing(*a)?.dup()?;
                self.clear(&[*b]);
                self.slots[usize::from(*b)] = Some(Rc::new(copy));
                done()
            }
            Op::Local(a) => {
                let address = self.thing(*a)?.socket()?.local_addr()?;
                Ok(self.show(&address))
            }
            Op::Peer(a) => {
                let address = self.thing(*a)?.socket()?.peer_addr()?;
                Ok(self.show(&address))
            }
            Op::Addresses(a) => {
                let thing = self.thing(*a)?;
                let (local, peer) = (thing.socket()?.local_addr(), thing.socket()?.peer_addr());
                let mut word = |address: io::Result<_>| match address {
                    Ok(address) => self.show(&address),
                    Err(error) => words::said(&error),
                };
                Ok(format!("{} - {}", word(local), word(peer)))
            }
            Op::Error(a) => Ok(match self.thing(*a)?.socket()?.take_error()? {
                Some(error) => words::said(&error),
                None => "none".into(),
            }),
            Op::Poll(a) => self.thing(*a)?.poll(),
            Op::Set(a, option, value) => {
                option.set(self.thing(*a)?.socket()?, value)?;
                done()
            }
            Op::Get(a, option) => {
                let thing = self.thing(*a)?;
                let socket = thing.socket()?;
                // What Linux answers for TCP is a leftover of the packet that opened the connection.
                let is_left_over = self.world.is_lenient && option.name() == "multicast-ttl";
                if is_left_over && socket.protocol()? == Some(Protocol::TCP) {
                    return Ok("any".into());
                }
                option.get(socket)
            }
            Op::Join(a, group, on) => {
                self.group(*a, *group, *on, true)?;
                done()
            }
            Op::Leave(a, group, on) => {
                self.group(*a, *group, *on, false)?;
                done()
            }
            Op::Fill(a, n) => self.fill(*a, *n),
            Op::FillToTheBrink(a, n) => self.fill_to_the_brink(*a, *n),
            Op::Drain(a) => self.drain(*a, None),
            Op::DrainPart(a, percent) => {
                self.drain(*a, Some(self.filled * u64::from(*percent) / 100))
            }
            Op::Exhaust => {
                /// More than any row sets; a process without a limit would go on for ever.
                const MOST: usize = 4096;
                while self.spares.len() < MOST {
                    self.spares.push(fresh(Kind::Udp)?);
                }
                Ok("never".into())
            }
            Op::Spare => {
                self.spares.pop().ok_or_else(closed_already)?.close();
                done()
            }
            Op::Sleep(ms) => {
                greenroom::thread::sleep(Duration::from_millis(*ms));
                done()
            }
            Op::Resolve(text) => Ok(match text.as_str().to_socket_addrs() {
                Ok(all) => {
                    let all: Vec<String> = all.map(|address| self.show(&address.into())).collect();
                    all.join(" ")
                }
                Err(error) => return Err(io::Error::other(error.to_string())),
            }),
        }
    }

    /// Closes what is there, unless an actor waits on it: that one holds it until it is back.
    fn forget(&mut self, slot: u8) -> io::Result<()> {
        self.hear_from_actors();
        let thing = self.slots[usize::from(slot)].take().ok_or_else(closed_already)?;
        self.left[usize::from(slot)] = thing.socket().and_then(Socket::local_addr).ok();
        if Rc::strong_count(&thing) == 1 {
            thing.close();
        }
        Ok(())
    }

    /// Closes what is there, one after the other: of two ends that close at once, either may be first.
    fn clear(&mut self, slots: &[u8]) {
        for &slot in slots {
            if self.forget(slot).is_ok() {
                self.settle();
            }
        }
    }

    fn put(&mut self, slot: u8, socket: Socket) -> Line {
        if self.world.is_lenient && socket.protocol()? == Some(Protocol::TCP) {
            // Small writes would wait for acknowledgements, for as long as timers say.
            socket.set_tcp_nodelay(true)?;
        }
        self.slots[usize::from(slot)] = Some(Rc::new(Thing::Socket(socket)));
        done()
    }

    /// An empty slot is a descriptor that is not open.
    fn thing(&self, slot: u8) -> io::Result<Rc<Thing>> {
        self.slots[usize::from(slot)].clone().ok_or_else(closed_already)
    }

    fn connected(&mut self, l: u8, a: u8, b: u8, kind: Kind) -> Line {
        self.clear(&[l, a, b]);
        let listener = fresh(kind)?;
        let local = match kind {
            Kind::Tcp | Kind::Udp => SocketAddr::from(([127, 0, 0, 1], 0)).into(),
            Kind::Tcp6 | Kind::Udp6 => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0)).into(),
            Kind::UnixStream | Kind::UnixDatagram | Kind::UnixRecords => self.name(9)?,
        };
        listener.bind(&local)?;
        listener.listen(64)?;
        let near = fresh(kind)?;
        near.connect(&listener.local_addr()?)?;
        let (far, _) = listener.accept()?;
        self.settle();
        self.put(l, listener)?;
        self.put(a, near)?;
        self.put(b, far)
    }

    fn group(
        &self,
        slot: u8,
        group: std::net::IpAddr,
        on: Interface,
        joins: bool,
    ) -> io::Result<()> {
        use greenroom::net::InterfaceIndexOrAddress as Numbered;
        use std::net::IpAddr;
        let thing = self.thing(slot)?;
        let socket = thing.socket()?;
        match (group, on, joins) {
            (IpAddr::V4(group), Interface::Address(ip), true) => {
                socket.join_multicast_v4(&group, &ip)
            }
            (IpAddr::V4(group), Interface::Address(ip), false) => {
                socket.leave_multicast_v4(&group, &ip)
            }
            (IpAddr::V4(group), Interface::Index(n), true) => {
                socket.join_multicast_v4_n(&group, &Numbered::Index(n))
            }
            (IpAddr::V4(group), Interface::Index(n), false) => {
                socket.leave_multicast_v4_n(&group, &Numbered::Index(n))
            }
            (IpAddr::V6(group), Interface::Index(n), true) => socket.join_multicast_v6(&group, n),
            (IpAddr::V6(group), Interface::Index(n), false) => socket.leave_multicast_v6(&group, n),
            (IpAddr::V6(_), Interface::Address(_), _) => {
                Err(io::Error::from_raw_os_error(libc::EINVAL))
            }
        }
    }

    /// Sends until there is no room, not even after a while.
    fn fill(&mut self, slot: u8, n: u32) -> Line {
        /// More than any buffer takes; datagrams that are dropped never fill one.
        const BYTES_MAX: u64 = 64 << 20;
        let thing = self.thing(slot)?;
        let block = vec![b'f'; n as usize];
        let (mut taken, mut was_full) = (0u64, false);
        while taken < BYTES_MAX {
            match thing.send_at_once(&block) {
                Ok(n) => {
                    taken += n.max(1) as u64;
                    self.filled += n as u64;
                    was_full = false;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if was_full {
                        return Ok("full".into());
                    }
                    was_full = true;
                    greenroom::thread::sleep(self.world.settle.max(Duration::from_millis(1)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok("never full".into())
    }

    /// Sends as long as poll says that it can.
    fn fill_to_the_brink(&mut self, slot: u8, n: u32) -> Line {
        let thing = self.thing(slot)?;
        let block = vec![b'f'; n as usize];
        while thing.poll()?.contains('w') {
            self.filled += thing.send_at_once(&block)? as u64;
        }
        Ok("brink".into())
    }

    /// Receives until there is nothing, not even after a while; or so many bytes.
    fn drain(&mut self, slot: u8, most: Option<u64>) -> Line {
        let thing = self.thing(slot)?;
        let mut buf = vec![0; 64 << 10];
        let mut left = most.unwrap_or(u64::MAX);
        let mut was_empty = false;
        loop {
            let room = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if room == 0 {
                return Ok("drained".into());
            }
            match thing.recv_at_once(&mut buf[..room]) {
                Ok(0) if thing.ends_in_nothing()? => {
                    return Ok(match std::mem::take(&mut self.filled) {
                        0 => "end".into(),
                        missing => format!("end, {missing} bytes short"),
                    });
                }
                Ok(n) => {
                    was_empty = false;
                    left -= n as u64;
                    self.filled = self.filled.saturating_sub(n as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if was_empty {
                        return Ok("drained".into());
                    }
                    was_empty = true;
                    greenroom::thread::sleep(self.world.settle.max(Duration::from_millis(1)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn bytes(&mut self, data: &Data) -> Vec<u8> {
        match data {
            Data::Text(text) => text.clone(),
            Data::Numbered(n) => {
                let first = self.sent;
                self.sent = self.sent.wrapping_add(*n);
                (0..*n).map(|at| words::numbered(first.wrapping_add(at))).collect()
            }
        }
    }

    /// A call with what it takes, made out now.
    fn task(&mut self, slot: u8, call: &super::program::Call) -> io::Result<Task> {
        use super::program::Call;
        let peer = match call {
            Call::Connect(place) | Call::SendTo(_, place) => Some(self.address(*place, slot)?),
            _ => None,
        };
        let parts = match call {
            Call::Send(data) | Call::SendTo(data, _) => {
                data.iter().map(|data| self.bytes(data)).collect()
            }
            Call::Urgent(data) => vec![self.bytes(data)],
            _ => Vec::new(),
        };
        let thing = self.thing(slot)?;
        Ok(Task { thing, call: call.clone(), peer, parts, is_lenient: self.world.is_lenient })
    }

    /// What a call came to, in words; what it brought goes where it belongs.
    fn told(&mut self, task: &Task, came: Came) -> Line {
        let is_lenient = self.world.is_lenient;
        let from = |player: &mut Self, peer: &Option<SockAddr>| match peer {
            // The end comes from nobody, of whichever family.
            Some(peer) if is_lenient && is_nobody(peer) => "nobody".into(),
            Some(peer) => player.show(peer),
            None => "nobody".into(),
        };
        match came {
            Came::Done => done(),
            Came::Count(n) => {
                let asked: usize = task.parts.iter().map(Vec::len).sum();
                let is_numbered = task.is_numbered();
                if is_numbered {
                    // What was not taken is sent by the next.
                    self.sent = self.sent.wrapping_sub((asked - n.min(asked)) as u32);
                }
                Ok(match n < asked {
                    // How much fits is each hub's own affair.
                    true if self.world.is_lenient => "part".into(),
                    true => format!("{n} of {asked}"),
                    false => n.to_string(),
                })
            }
            Came::Bytes(bytes) => {
                self.filled = self.filled.saturating_sub(bytes.len() as u64);
                Ok(words::shown(&bytes))
            }
            Came::BytesFrom(bytes, peer) => {
                Ok(format!("{} from {}", words::shown(&bytes), from(self, &peer)))
            }
            Came::Accepted(into, socket, peer) => {
                let peer = self.show(&peer);
                self.clear(&[into]);
                self.put(into, socket)?;
                Ok(format!("from {peer}"))
            }
        }
    }

    fn nobody(&self, of: u8) -> io::Result<SockAddr> {
        let domain = self.thing(of)?.socket()?.domain()?;
        match domain {
            Domain::UNIX => self.address(Place::Name(99), of),
            Domain::IPV6 => Ok(SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 1)).into()),
            _ => Ok(SocketAddr::from(([127, 0, 0, 1], 1)).into()),
        }
    }

    /// Ends the actors before the sockets they wait on.
    fn leave(mut self) {
        for actor in self.actors.iter_mut().filter_map(Option::take) {
            actor.end();
        }
    }
}

fn is_nobody(peer: &SockAddr) -> bool {
    peer.as_socket().is_some_and(|inet| inet.ip().is_unspecified() && inet.port() == 0)
}

fn fresh(kind: Kind) -> io::Result<Socket> {
    let (domain, of) = shape(kind);
    Socket::new(domain, of, None)
}

fn shape(kind: Kind) -> (Domain, Type) {
    match kind {
        Kind::Tcp => (Domain::IPV4, Type::STREAM),
        Kind::Udp => (Domain::IPV4, Type::DGRAM),
        Kind::Tcp6 => (Domain::IPV6, Type::STREAM),
        Kind::Udp6 => (Domain::IPV6, Type::DGRAM),
        Kind::UnixStream => (Domain::UNIX, Type::STREAM),
        Kind::UnixDatagram => (Domain::UNIX, Type::DGRAM),
        Kind::UnixRecords => (Domain::UNIX, Type::SEQPACKET),
    }
}

fn closed_already() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

fn done() -> Line {
    Ok("ok".into())
}
