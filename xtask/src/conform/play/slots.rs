//! What a program makes, keeps in its slots and closes.

use std::io;
use std::rc::Rc;

use greenroom::net::{Domain, Protocol, Socket, SocketAddr, Type};

use super::super::program::Kind;
use super::call::Thing;
use super::{Line, Player, closed_already, done};

impl Player<'_> {
    pub(super) fn make(&mut self, a: u8, kind: Kind) -> Line {
        self.clear(&[a]);
        let socket = fresh(kind)?;
        self.put(a, socket)
    }

    pub(super) fn pair(&mut self, a: u8, b: u8, kind: Kind) -> Line {
        self.clear(&[a, b]);
        let (domain, of) = shape(kind);
        let (near, far) = Socket::pair(domain, of, None)?;
        self.put(a, near)?;
        self.put(b, far)
    }

    pub(super) fn connected(&mut self, l: u8, a: u8, b: u8, kind: Kind) -> Line {
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

    pub(super) fn pipe(&mut self, a: u8, b: u8) -> Line {
        self.clear(&[a, b]);
        let (reader, writer) = greenroom::io::pipe()?;
        self.slots[usize::from(a)] = Some(Rc::new(Thing::Reader(reader)));
        self.slots[usize::from(b)] = Some(Rc::new(Thing::Writer(writer)));
        done(())
    }

    pub(super) fn dup(&mut self, a: u8, b: u8) -> Line {
        let copy = self.thing(a)?.dup()?;
        self.clear(&[b]);
        self.slots[usize::from(b)] = Some(Rc::new(copy));
        done(())
    }

    /// Closes even what an actor waits on.
    pub(super) fn close_now(&mut self, a: u8) -> Line {
        let thing = self.thing(a)?;
        self.forget(a)?;
        thing.close();
        done(())
    }

    /// Makes sockets until there is no descriptor left.
    pub(super) fn exhaust(&mut self) -> Line {
        /// More than any row sets; a process without a limit would go on for ever.
        const MOST: usize = 4096;
        while self.spares.len() < MOST {
            self.spares.push(fresh(Kind::Udp)?);
        }
        Ok("never".into())
    }

    /// Closes one of those that `exhaust` made.
    pub(super) fn close_a_spare(&mut self) -> Line {
        self.spares.pop().ok_or_else(closed_already)?.close();
        done(())
    }

    /// Closes what is there, unless an actor waits on it: that one holds it until it is back.
    pub(super) fn forget(&mut self, slot: u8) -> io::Result<()> {
        self.hear_from_actors();
        let thing = self.slots[usize::from(slot)].take().ok_or_else(closed_already)?;
        self.left[usize::from(slot)] = thing.socket().and_then(Socket::local_addr).ok();
        if Rc::strong_count(&thing) == 1 {
            thing.close();
        }
        Ok(())
    }

    /// Closes what is there, one after the other: of two ends that close at once, either may be first.
    pub(super) fn clear(&mut self, slots: &[u8]) {
        for &slot in slots {
            if self.forget(slot).is_ok() {
                self.settle();
            }
        }
    }

    pub(super) fn put(&mut self, slot: u8, socket: Socket) -> Line {
        if self.world.is_lenient && socket.protocol()? == Some(Protocol::TCP) {
            // Small writes would wait for acknowledgements, for as long as timers say.
            socket.set_tcp_nodelay(true)?;
        }
        self.slots[usize::from(slot)] = Some(Rc::new(Thing::Socket(socket)));
        done(())
    }

    /// An empty slot is a descriptor that is not open.
    pub(super) fn thing(&self, slot: u8) -> io::Result<Rc<Thing>> {
        self.slots[usize::from(slot)].clone().ok_or_else(closed_already)
    }
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
