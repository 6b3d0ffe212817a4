//! Performing a program inside a hub, and the log of what it saw.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::TcpStream;
use greenroom::sync::Event;
use greenroom::thread::{self, JoinHandle};
use greenroom::time::{Elapsed, Instant, timeout};
use greenroom::wait::{Watcher, cancel_wait, cancel_wait_with, wait, wait_read};

use super::program::{Op, Program, UNIT};

/// One line of the log. Its place in the log is its place in the order of things.
#[derive(Clone)]
pub struct Entry {
    pub at: Duration,
    pub actor: usize,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Began(usize),
    Ended(usize, Outcome),
    /// It returned, or was killed.
    Left {
        killed: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Done,
    Bytes(Vec<u8>),
    Ready,
    WasSet(bool),
    Ebadf,
    /// A read's own timeout.
    WouldBlock,
    /// A wait's own timeout.
    TimedOut,
    Busy,
    /// `cancel_wait_with` this code.
    Cancelled(u8),
    /// The error of a scope, or a scope's own end.
    Elapsed(Elapsed),
    Other(String),
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_nanos() as f64 / UNIT.as_nanos() as f64;
        write!(f, "{at} g{} {:?}", self.actor, self.what)
    }
}

#[derive(Debug)]
struct Code(u8);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled with {}", self.0)
    }
}
impl std::error::Error for Code {}

pub type Log = Rc<RefCell<Vec<Entry>>>;

/// What the actors share.
struct Stage {
    program: Rc<Program>,
    streams: Vec<TcpStream>,
    watchers: Vec<Watcher>,
    flag: Event,
    handles: RefCell<Vec<JoinHandle<()>>>,
    left: Cell<usize>,
    all_left: Event,
    start: Instant,
    log: Log,
}

/// Starts the actors, in order, and waits for all of them.
pub fn perform(program: &Rc<Program>, streams: Vec<TcpStream>, log: &Log) {
    let watchers = streams.iter().map(|stream| Watcher::read(stream).unwrap()).collect();
    let stage = Rc::new(Stage {
        program: program.clone(),
        streams,
        watchers,
        flag: Event::new(),
        handles: RefCell::default(),
        left: Cell::new(program.actors.len()),
        all_left: Event::new(),
        start: Instant::now(),
        log: log.clone(),
    });
    for actor in 0..program.actors.len() {
        let leaving = Leaving { stage: stage.clone(), actor, killed: Cell::new(true) };
        let handle = thread::spawn(move || {
            let stage = &leaving.stage;
            stage.act(actor, &stage.program.actors[actor], 0);
            leaving.killed.set(false);
        });
        stage.handles.borrow_mut().push(handle);
    }
    stage.all_left.wait(None);
    stage.handles.take();
}

/// Logs an actor's end, even if it never began.
struct Leaving {
    stage: Rc<Stage>,
    actor: usize,
    killed: Cell<bool>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let stage = &self.stage;
        stage.log(self.actor, What::Left { killed: self.killed.get() });
        stage.left.set(stage.left.get() - 1);
        if stage.left.get() == 0 {
            stage.all_left.set();
        }
    }
}

fn units(n: u8) -> Duration {
    UNIT * u32::from(n)
}

impl Stage {
    fn log(&self, actor: usize, what: What) {
        let at = Instant::now().duration_since(self.start);
        self.log.borrow_mut().push(Entry { at, actor, what });
    }

    fn act(&self, me: usize, ops: &[Op], first: usize) {
        let mut number = first;
        for op in ops {
            self.log(me, What::Began(number));
            let outcome = self.outcome(me, op, number);
            self.log(me, What::Ended(number, outcome));
            number += op.size();
        }
    }

    fn outcome(&self, me: usize, op: &Op, number: usize) -> Outcome {
        match op {
            Op::Sleep(time) => thread::sleep(units(*time)),
            Op::Yield => thread::yield_now(),
            Op::Read { stream, len, within } => return self.read(*stream, *len, *within),
            Op::WaitRead { stream, within } => {
                let source = &self.streams[usize::from(*stream)];
                return readiness(wait_read(source, within.map(units)));
            }
            Op::Wait { stream, within } => {
                let watcher = &self.watchers[usize::from(*stream)];
                return readiness(wait(watcher, within.map(units)));
            }
            Op::Cancel { stream, code } => {
                let watcher = &self.watchers[usize::from(*stream)];
                match code {
                    None => cancel_wait(watcher),
                    Some(code) => cancel_wait_with(watcher, io::Error::other(Code(*code))),
                }
            }
            Op::Close(stream) => self.streams[usize::from(*stream)].close(),
            Op::Kill(actor) => self.handles.borrow()[usize::from(*actor)].kill(),
            Op::Set => self.flag.set(),
            Op::Clear => self.flag.clear(),
            Op::WaitSet { within } => return Outcome::WasSet(self.flag.wait(within.map(units))),
            Op::Timeout(time, body) => {
                if let Err(elapsed) = timeout(units(*time), || self.act(me, body, number + 1)) {
                    return Outcome::Elapsed(elapsed);
                }
            }
        }
        Outcome::Done
    }

    fn read(&self, stream: u8, len: u8, within: Option<u8>) -> Outcome {
        let mut stream = &self.streams[usize::from(stream)];
        let mut buf = vec![0; usize::from(len)];
        // The timeout is the socket's, and counts for the call that begins now.
        let read = stream.set_read_timeout(within.map(units)).and_then(|()| stream.read(&mut buf));
        match read {
            Ok(n) => Outcome::Bytes(buf[..n].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Outcome::WouldBlock,
            Err(error) => failure(&error),
        }
    }
}

fn readiness(result: io::Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Ready,
        Err(error) => failure(&error),
    }
}

fn failure(error: &io::Error) -> Outcome {
    let inner = error.get_ref();
    if let Some(elapsed) = inner.and_then(|inner| inner.downcast_ref::<Elapsed>()) {
        return Outcome::Elapsed(*elapsed);
    }
    if let Some(Code(code)) = inner.and_then(|inner| inner.downcast_ref::<Code>()) {
        return Outcome::Cancelled(*code);
    }
    match error.kind() {
        _ if error.raw_os_error() == Some(libc::EBADF) => Outcome::Ebadf,
        io::ErrorKind::TimedOut => Outcome::TimedOut,
        io::ErrorKind::ResourceBusy => Outcome::Busy,
        _ => Outcome::Other(format!("{error:?}")),
    }
}
