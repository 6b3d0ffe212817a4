//! A third hub, scripted: it keeps the waist honest and lets a test write down what the world does.
//!
//! Time is virtual and moves only inside `poll`. A stream's peer is the script (an address of
//! [`PEER`]) or another socket of the same hub. It names a source once when something happened to
//! it and not again, which is the least a hub may do. What it does not know: datagrams, packets,
//! chance.
#![allow(dead_code, unused_imports)] // Each test crate uses its own part of it.

mod clocks;
mod play;
mod script;
mod sockets;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use greenroom::hub::{
    Address, Birth, Domain, GreenletId, HostId, How, Hub, Io, Kind, Note, Opt, Query, Readiness,
    Ready, Runnable, SwitchPoint, Take, Tick, Turn, Wait, unsupported,
};
use greenroom::time::{Instant, SystemTime};

use clocks::Clocks;
pub use play::{Played, client, play, play_all, server};
use script::Agenda;
pub use script::Event;
pub use sockets::{PEER, peer};
use sockets::{Sockets, errno};

/// So many turns are a livelock.
const TURNS_MAX: u64 = 1_000_000;

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The scripted world.
pub struct ScriptHub {
    now: u64,
    agenda: Agenda,
    sockets: Sockets,
    clocks: Clocks,
    /// What the next poll names, in the order it happened.
    ready: Vec<Ready>,
    mail: Arc<Mail>,
    /// Greenlets that are not over, in the order they were made.
    pub alive: Vec<(GreenletId, HostId, String)>,
    pub current: Option<GreenletId>,
    paused: Vec<HostId>,
    /// Turns of the default's place: an index for each turn that had a choice.
    picks: VecDeque<usize>,
    /// The same for calls that finished at once.
    interruptions: VecDeque<Turn>,
    /// So many turns at a time go in order, unasked.
    in_order: Option<usize>,
    left_in_round: Option<usize>,
    /// Something else than yields happened since everybody had last only yielded.
    busy: bool,
    pub turns: u64,
    /// What happened: `at name: what`, at in milliseconds.
    trace: Vec<String>,
    takes_notes: bool,
    panics_at_birth: Option<&'static str>,
    waits_at_entry: Option<&'static str>,
    names: BTreeMap<String, (Duration, Vec<IpAddr>)>,
}

#[derive(Default)]
struct Mail(AtomicBool);

impl Wake for Mail {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl ScriptHub {
    pub fn new() -> ScriptHub {
        ScriptHub {
            now: 0,
            agenda: Agenda::default(),
            sockets: Sockets::default(),
            clocks: Clocks::default(),
            ready: Vec::new(),
            mail: Arc::default(),
            alive: Vec::new(),
            current: None,
            paused: Vec::new(),
            picks: VecDeque::new(),
            interruptions: VecDeque::new(),
            in_order: None,
            left_in_round: None,
            busy: true,
            turns: 0,
            trace: Vec::new(),
            takes_notes: true,
            panics_at_birth: None,
            waits_at_entry: None,
            names: BTreeMap::new(),
        }
    }

    // The script.

    /// At `at`, this happens.
    pub fn at(mut self, at: Duration, event: Event) -> ScriptHub {
        self.agenda.add(at.as_nanos() as u64, event);
        self
    }
    /// Turns that have a choice take these candidates, in order; later ones the first.
    pub fn picks(mut self, picks: &[usize]) -> ScriptHub {
        self.picks = picks.iter().copied().collect();
        self
    }
    /// Calls that finish at once are answered these turns, in order; later ones go on.
    pub fn interrupts(mut self, turns: &[Turn]) -> ScriptHub {
        self.interruptions = turns.iter().copied().collect();
        self
    }

    /// Has so many turns at a time go in order, and looks at the world in between.
    pub fn in_order(mut self, turns: usize) -> ScriptHub {
        self.in_order = Some(turns);
        self
    }
    /// A connect to this port of the peer takes so long.
    pub fn dial_takes(mut self, port: u16, time: Duration) -> ScriptHub {
        self.sockets.dial_takes(port, Some(time));
        self
    }
    /// A connect to this port of the peer never ends.
    pub fn dial_hangs(mut self, port: u16) -> ScriptHub {
        self.sockets.dial_takes(port, None);
        self
    }
    /// A connect to this port of the peer is refused after so long.
    pub fn dial_is_refused(mut self, port: u16, after: Duration) -> ScriptHub {
        self.sockets.dial_is_refused(port);
        self.dial_takes(port, after)
    }
    /// Streams to this port of the peer take so many bytes until the script makes room.
    pub fn room(mut self, port: u16, bytes: usize) -> ScriptHub {
        self.sockets.set_room(port, bytes);
        self
    }
    /// A name resolves to these addresses after so long.
    pub fn name(mut self, host: &str, after: Duration, addresses: &[IpAddr]) -> ScriptHub {
        self.names.insert(host.into(), (after, addresses.to_vec()));
        self
    }
    /// A host's clock runs so many parts in a million too fast.
    pub fn drift(mut self, host: u32, ppm: i64) -> ScriptHub {
        self.clocks.set_drift(HostId(host), ppm);
        self
    }
    /// Is at fault when a greenlet of this name is made.
    pub fn panics_at_the_birth_of(mut self, name: &'static str) -> ScriptHub {
        self.panics_at_birth = Some(name);
        self
    }
    /// Waits inside its own call when a greenlet of this name is to run again.
    pub fn waits_at_the_entry_of(mut self, name: &'static str) -> ScriptHub {
        self.waits_at_entry = Some(name);
        self
    }
    /// Records nothing, for speed.
    pub fn silent(mut self) -> ScriptHub {
        self.takes_notes = false;
        self
    }

    // The record.

    /// Everything that happened, a line each.
    pub fn trace(&self) -> &[String] {
        &self.trace
    }
    /// What the program wrote to this port of the peer.
    pub fn written(&self, port: u16) -> &[u8] {
        self.sockets.written(port)
    }
    /// How many descriptors are open.
    pub fn open(&self) -> usize {
        self.sockets.open()
    }

    fn record(&mut self, who: Option<GreenletId>, what: &str) {
        if self.takes_notes {
            let name = who.and_then(|id| self.entry(id)).map_or("world", |(_, _, name)| name);
            let line = format!("{} {name}: {what}", Duration::from_nanos(self.now).as_millis());
            self.trace.push(line);
        }
    }

    fn entry(&self, id: GreenletId) -> Option<&(GreenletId, HostId, String)> {
        self.alive.iter().find(|(known, ..)| *known == id)
    }

    fn greenlet_name(&self, id: GreenletId) -> String {
        self.entry(id).map_or_else(|| "nobody".into(), |(_, _, name)| name.clone())
    }

    fn host(&self) -> HostId {
        self.current.and_then(|id| self.entry(id)).map_or(HostId(0), |&(_, host, _)| host)
    }

    fn may_run(&self, id: GreenletId) -> bool {
        self.entry(id).is_none_or(|(_, host, _)| !self.paused.contains(host))
    }

    // What happens in the world.

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(host) => self.ready.push(Ready::Start(HostId(host))),
            Event::End(name, how) => {
                let ended = self.alive.iter().filter(|(.., known)| *known == name);
                let ended: Vec<Ready> = ended.map(|&(id, ..)| Ready::End(id, how)).collect();
                self.ready.extend(ended);
            }
            Event::PowerCut(host) => self.end_host(HostId(host), How::Abandon),
            Event::Exit(host) => self.end_host(HostId(host), How::Unwind),
            Event::Panic => panic!("the script says so"),
            Event::Pause(host) => self.paused.push(HostId(host)),
            Event::Resume(host) => {
                self.paused.retain(|&paused| paused != HostId(host));
                // Something is to be named, and too often is legal.
                self.ready.push(Ready::Mail);
            }
            Event::StepClock(host, by_ms) => self.clocks.step(HostId(host), by_ms),
            event => self.sockets.happen(event),
        }
        self.ready.extend(self.sockets.take_ready());
    }

    fn end_host(&mut self, host: HostId, how: How) {
        let ended = self.alive.iter().filter(|&&(_, of, _)| of == host);
        let ended: Vec<Ready> = ended.map(|&(id, ..)| Ready::End(id, how)).collect();
        self.ready.extend(ended);
    }
}

impl Hub for ScriptHub {
    fn now(&self) -> Tick {
        Tick::from_ns(self.now)
    }
    fn clock(&self) -> Instant {
        self.clocks.monotonic(self.host(), self.now)
    }
    fn wall_clock(&self) -> SystemTime {
        self.clocks.wall(self.host(), self.now)
    }
    fn due(&self, at: Instant) -> Tick {
        self.clocks.due(self.host(), at)
    }

    fn poll(&mut self, until: Option<Tick>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.left_in_round = None;
        loop {
            self.ready.extend(self.sockets.take_ready());
            while let Some(event) = self.agenda.take_due(self.now) {
                self.happen(event);
            }
            if self.mail.0.swap(false, Ordering::Acquire) {
                self.ready.push(Ready::Mail);
            }
            if !self.ready.is_empty() || until.is_some_and(|until| until.as_ns() <= self.now) {
                self.busy |= !self.ready.is_empty();
                ready.append(&mut self.ready);
                return Ok(());
            }
            let until = until.map(Tick::as_ns);
            match self.agenda.next().into_iter().chain(until).min() {
                Some(next) => self.now = next,
                None => return Ok(()),
            }
        }
    }

    fn waker(&self) -> Waker {
        self.mail.clone().into()
    }

    fn spawned(&mut self, greenlet: GreenletId, birth: &Birth<'_>) {
        assert!(self.panics_at_birth != Some(birth.label), "the script says so");
        let own = match birth.ordinal {
            1 => birth.label.to_owned(),
            n => format!("{}#{n}", birth.label),
        };
        let name = match birth.parent {
            Some(parent) => format!("{}/{own}", self.greenlet_name(parent)),
            None => own,
        };
        self.busy = true;
        self.alive.push((greenlet, birth.host, name));
    }

    fn entered(&mut self, greenlet: GreenletId) {
        assert!(self.entry(greenlet).is_some(), "only a living greenlet is entered");
        self.current = Some(greenlet);
        if self.waits_at_entry.is_some_and(|name| self.greenlet_name(greenlet).ends_with(name)) {
            greenroom::thread::yield_now();
        }
    }

    fn exited(&mut self, greenlet: GreenletId) {
        self.record(Some(greenlet), "ends");
        self.busy = true;
        self.alive.retain(|&(id, ..)| id != greenlet);
        self.current = None;
    }

    /// A fair queue: each round gives everyone who could run at its start one turn, then polls.
    /// A whole round of nothing but yields, and the world moves on.
    fn turn(&mut self, runnable: &Runnable<'_>) -> Turn {
        self.turns += 1;
        if self.turns > TURNS_MAX {
            return Turn::Stop;
        }
        if let Some(turns) = self.in_order {
            let is_polled = self.left_in_round.replace(0).is_none();
            return if is_polled { Turn::InOrder(turns) } else { Turn::Poll };
        }
        if runnable.point == SwitchPoint::Completed {
            return self.interruptions.pop_front().unwrap_or(Turn::Run(0));
        }
        let free: Vec<usize> =
            (0..runnable.len()).filter(|&index| self.may_run(runnable.get(index))).collect();
        if free.is_empty() {
            return Turn::Advance;
        }
        if runnable.only_yielded() {
            let busy = std::mem::take(&mut self.busy);
            return if busy { Turn::Poll } else { Turn::Advance };
        }
        let left = self.left_in_round.get_or_insert(free.len());
        if *left == 0 {
            return Turn::Poll;
        }
        *left -= 1;
        let pick = if free.len() > 1 { self.picks.pop_front().unwrap_or(0) } else { 0 };
        Turn::Run(free[pick % free.len()])
    }

    fn socket(&mut self, _: Domain, kind: Kind) -> io::Result<Io> {
        match kind {
            Kind::Stream => Ok(self.sockets.fresh()),
            Kind::Datagram | Kind::SeqPacket => Err(unsupported("datagrams")),
        }
    }
    fn bind(&mut self, io: Io, local: &Address) -> io::Result<()> {
        self.sockets.bind(io, local.inet()?)
    }
    fn listen(&mut self, io: Io, _backlog: u32) -> io::Result<()> {
        self.sockets.listen(io)
    }
    fn connect(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        if self.sockets.is_connecting(io)? {
            return Err(errno(libc::EALREADY));
        }
        match self.sockets.connect(io, peer.inet()?, self.now)? {
            None => Ok(()),
            Some(at) => {
                if at != u64::MAX {
                    self.agenda.add(at, Event::Connected(io));
                }
                Err(errno(libc::EINPROGRESS))
            }
        }
    }
    fn connecting(&mut self, io: Io, peer: &Address) -> io::Result<()> {
        match self.sockets.is_connecting(io)? {
            true => Err(errno(libc::EWOULDBLOCK)),
            false => self.connect(io, peer),
        }
    }
    fn accept(&mut self, io: Io) -> io::Result<(Io, Address)> {
        let (io, peer) = self.sockets.accept(io)?;
        Ok((io, peer.into()))
    }
    fn shutdown(&mut self, io: Io, how: Shutdown) -> io::Result<()> {
        self.sockets.shutdown(io, how)
    }
    fn close(&mut self, io: Io) {
        self.record(self.current, "closes");
        self.sockets.close(io);
    }
    fn dup(&mut self, io: Io) -> io::Result<Io> {
        self.sockets.dup(io)
    }
    fn recv(&mut self, io: Io, buf: &mut [u8], take: Take) -> io::Result<usize> {
        self.sockets.recv(io, buf, take)
    }
    fn send(&mut self, io: Io, buf: &[u8]) -> io::Result<usize> {
        self.sockets.send(io, buf)
    }
    fn recv_from(&mut self, _: Io, _: &mut [u8], _: Take) -> io::Result<(usize, Address)> {
        Err(unsupported("datagrams"))
    }
    fn send_to(&mut self, _: Io, _: &[u8], _: &Address) -> io::Result<usize> {
        Err(unsupported("datagrams"))
    }
    fn readiness(&mut self, io: Io, interest: Readiness) -> io::Result<Readiness> {
        self.sockets.readiness(io, interest)
    }
    fn local_addr(&mut self, io: Io) -> io::Result<Address> {
        Ok(self.sockets.local_addr(io)?.into())
    }
    fn peer_addr(&mut self, io: Io) -> io::Result<Address> {
        Ok(self.sockets.peer_addr(io)?.into())
    }
    fn option(&mut self, io: Io, _: Opt) -> io::Result<u32> {
        self.sockets.local_addr(io).map(|_| 0)
    }
    fn set_option(&mut self, _: Io, _: Opt, _: u32) -> io::Result<()> {
        Ok(())
    }
    fn take_error(&mut self, _: Io) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    fn resolve(&mut self, query: &Query<'_>) -> io::Result<Io> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "no such name in the script");
        let (after, addresses) = self.names.get(query.host).cloned().ok_or_else(unknown)?;
        let io = self.sockets.query(addresses);
        self.agenda.add(self.now + after.as_nanos() as u64, Event::Connected(io));
        Ok(io)
    }
    fn resolved(&mut self, io: Io) -> io::Result<Vec<IpAddr>> {
        self.sockets.resolved(io)
    }
    fn entropy(&mut self, bytes: &mut [u8]) {
        bytes.fill(4);
    }
    fn choose(&mut self, _: &str, _: u32) -> u32 {
        0
    }
    fn takes_notes(&self) -> bool {
        self.takes_notes
    }

    fn note(&mut self, note: &Note<'_>) {
        let told = match note {
            Note::Text(text) => format!("* {text}"),
            Note::Parked(Wait { op, .. }) => format!("parks in {op}"),
            Note::Woke(Wait { op, .. }, by, _) => format!("{op} woken by {by:?}"),
            Note::Struck(whom, how) => format!("{how} of {}", self.greenlet_name(*whom)),
            other => format!("{other:?}"),
        };
        self.record(self.current, &told);
    }
}
