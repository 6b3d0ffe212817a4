//! `Pair`: two connections, a wire in the test's hand, and a clock that jumps to what comes next.
//! Named after stimulus and result; the random ones are in `random.rs`.

use std::io;

use super::{Config, Connection, Keepalive, Listener, Segment, State};

mod closing;
mod congestion;
mod delay;
mod facts;
mod loss;
mod opening;
mod path;
mod random;
mod rows;
mod urgent;
mod window;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;

/// More than any case needs, however small its segments: a storm fails instead of running away.
const WIRE_MAX: usize = 100_000;
const SEGMENTS_MAX: usize = 1_000_000;

/// What happens to a packet on the wire: a delay for each copy that arrives.
type Fate = Box<dyn FnMut(usize, &Segment) -> Vec<u64>>;

struct Packet {
    at: u64,
    order: u64,
    to: usize,
    segment: Segment,
    payload: Vec<u8>,
}

/// Side 0 connects, side 1 listens. A side that is finished is forgotten and answers as a dead port.
struct Pair {
    now: u64,
    sides: [Option<Connection>; 2],
    configs: [Config; 2],
    listening: bool,
    fate: Fate,
    wire: Vec<Packet>,
    order: u64,
    log: Vec<String>,
}

impl Pair {
    fn connecting(configs: [Config; 2]) -> Pair {
        let client = Connection::connect(configs[0].clone(), 1000);
        let mut pair = Pair {
            now: 0,
            sides: [Some(client), None],
            configs,
            listening: true,
            fate: Box::new(|_, _| vec![10 * MS]),
            wire: Vec::new(),
            order: 0,
            log: Vec::new(),
        };
        pair.flush();
        pair
    }

    fn with(configs: [Config; 2]) -> Pair {
        let mut pair = Pair::connecting(configs);
        pair.settle();
        assert_eq!([pair.state(0), pair.state(1)], [State::Established; 2]);
        pair
    }

    fn new() -> Pair {
        Pair::with([Config::default(), Config::default()])
    }

    /// Both sides with TCP_NODELAY.
    fn no_delay() -> Pair {
        let config = Config { nagle: false, ..Config::default() };
        Pair::with([config.clone(), config])
    }

    fn small_window(bytes: u32) -> Pair {
        Pair::with([Config::default(), Config::default().with_buffers(None, Some(bytes))])
    }

    fn side(&mut self, side: usize) -> &mut Connection {
        self.sides[side].as_mut().expect("side is gone")
    }

    /// The state, CLOSE for one that is forgotten.
    fn state(&self, side: usize) -> State {
        self.sides[side].as_ref().map_or(State::Closed, Connection::state)
    }

    fn send(&mut self, side: usize, data: &[u8]) -> io::Result<usize> {
        let sent = self.side(side).send(data);
        self.flush();
        sent
    }

    fn recv(&mut self, side: usize, len: usize) -> io::Result<Vec<u8>> {
        let mut buf = vec![0; len];
        let got = self.side(side).recv(&mut buf)?;
        buf.truncate(got);
        self.flush();
        Ok(buf)
    }

    fn shutdown(&mut self, side: usize, read: bool, write: bool) -> io::Result<()> {
        let done = self.side(side).shutdown(read, write);
        self.flush();
        done
    }

    fn close(&mut self, side: usize) {
        self.side(side).close();
        self.flush();
    }

    fn abort(&mut self, side: usize) {
        self.side(side).abort();
        self.flush();
    }

    fn fate(&mut self, fate: impl FnMut(usize, &Segment) -> Vec<u64> + 'static) {
        self.fate = Box::new(fate);
    }

    /// Puts on the wire what the sides have to say now.
    fn flush(&mut self) {
        for from in 0..2 {
            let Some(connection) = &mut self.sides[from] else {
                continue;
            };
            let mut payload = Vec::new();
            let mut said = Vec::new();
            while let Some(segment) = connection.poll_transmit(self.now, &mut payload) {
                assert_eq!(segment.len as usize, payload.len());
                said.push((segment, payload.clone()));
                assert!(said.len() < 200_000, "poll_transmit never ends");
            }
            if connection.is_finished() {
                self.sides[from] = None;
            }
            said.into_iter().for_each(|(segment, payload)| self.post(1 - from, segment, payload));
        }
    }

    fn post(&mut self, to: usize, segment: Segment, payload: Vec<u8>) {
        self.log.push(format!("{:>9} {to}< {segment}", self.now / MS));
        for delay in (self.fate)(to, &segment) {
            self.order += 1;
            let (at, order, payload) = (self.now + delay, self.order, payload.clone());
            self.wire.push(Packet { at, order, to, segment, payload });
        }
        assert!(self.wire.len() < WIRE_MAX, "the wire overflows:\n{}", self.tail());
        assert!(self.log.len() < SEGMENTS_MAX, "they talk for ever:\n{}", self.tail());
    }

    fn deliver(&mut self, packet: Packet) {
        let Packet { to, segment, payload, .. } = packet;
        let knocks = segment.flags.syn && !segment.flags.ack && !segment.flags.rst;
        if self.sides[to].is_none() && to == 1 && self.listening && knocks {
            let config = self.configs[1].clone();
            self.sides[1] = Some(Connection::accept(config, 5000 + self.now, &segment));
        } else if let Some(connection) = &mut self.sides[to] {
            connection.handle_segment(self.now, &segment, &payload);
        } else if let Some(reset) = Connection::reset_for(&segment, payload.len()) {
            self.post(1 - to, reset, Vec::new());
        }
    }

    fn next_packet(&self) -> Option<u64> {
        self.wire.iter().map(|packet| packet.at).min()
    }

    fn next_timeout(&self, background: bool) -> Option<u64> {
        let wanted = |c: &&Connection| background || !c.timer_is_background();
        let sides = self.sides.iter().flatten();
        sides.filter(wanted).filter_map(Connection::poll_timeout).min()
    }

    /// One event, not later than `until`: a packet arrives or a timer fires.
    fn step(&mut self, until: u64, background: bool) -> bool {
        let next = [self.next_packet(), self.next_timeout(background)];
        let Some(at) = next.into_iter().flatten().min().filter(|at| *at <= until) else {
            return false;
        };
        self.now = self.now.max(at);
        self.wire.sort_by_key(|packet| (packet.at, packet.order));
        let due = self.wire.partition_point(|packet| packet.at <= self.now);
        let due: Vec<Packet> = self.wire.drain(..due).collect();
        due.into_iter().for_each(|packet| self.deliver(packet));
        for connection in self.sides.iter_mut().flatten() {
            if connection.poll_timeout().is_some_and(|at| at <= self.now) {
                connection.handle_timeout(self.now);
            }
        }
        self.flush();
        true
    }

    /// Until nothing is on the wire and only background timers are left.
    fn settle(&mut self) {
        let mut steps = 0;
        while self.step(u64::MAX, false) {
            steps += 1;
            assert!(steps < 100_000, "never settles:\n{}", self.tail());
        }
    }

    fn run(&mut self, duration: u64) {
        let until = self.now + duration;
        while self.step(until, true) {}
        self.now = until;
    }

    fn tail(&self) -> String {
        self.log[self.log.len().saturating_sub(40)..].join("\n")
    }

    /// Bits in the order of linux-truth.md: IN OUT RDHUP HUP ERR.
    fn poll(&self, side: usize) -> String {
        let ready = self.sides[side].as_ref().expect("side is gone").readiness();
        let bits = [
            (ready.readable, "IN"),
            (ready.writable, "OUT"),
            (ready.error, "ERR"),
            (ready.hup, "HUP"),
            (ready.read_closed, "RDHUP"),
        ];
        bits.iter().filter(|bit| bit.0).map(|bit| bit.1).collect::<Vec<_>>().join("|")
    }

    fn so_error(&mut self, side: usize) -> i32 {
        self.side(side).take_error().map_or(0, |error| error.raw_os_error().unwrap())
    }
}

fn errno<T>(result: io::Result<T>) -> i32 {
    result.err().map_or(0, |error| error.raw_os_error().unwrap())
}

const EAGAIN: i32 = 11;
const EPIPE: i32 = 32;
const ECONNABORTED: i32 = 103;
const EISCONN: i32 = 106;
const ECONNRESET: i32 = 104;
const ENOTCONN: i32 = 107;
const ETIMEDOUT: i32 = 110;
const ECONNREFUSED: i32 = 111;
