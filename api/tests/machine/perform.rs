//! Performing a program inside a hub.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{Shutdown, TcpListener, TcpStream};
use greenroom::sync::{Event, Mutex, MutexGuard};
use greenroom::thread::{self, JoinHandle, Killed, Thread};
use greenroom::time::{Elapsed, Instant, timeout};
use greenroom::wait::{Watcher, cancel_wait, cancel_wait_with, wait, wait_read, wait_write};

use super::log::{End, Entry, Log, Outcome, What};
use super::program::{How, Kind, Op, Program, units};

/// What actors panic with.
pub const ON_PURPOSE: &str = "on purpose";

/// What a world has set up.
pub struct Props {
    pub streams: Vec<TcpStream>,
    pub listener: Option<TcpListener>,
    /// How long a program's times are here.
    pub units: fn(u8) -> Duration,
    /// Has so much arrive on a side; false if nothing did.
    pub feed: Box<dyn Fn(u8, u8) -> bool>,
}

impl Props {
    pub fn new(streams: Vec<TcpStream>, listener: Option<TcpListener>) -> Props {
        Props { streams, listener, units, feed: Box::new(|_, _| false) }
    }
}

/// What the actors share.
pub struct Stage {
    program: Rc<Program>,
    props: Props,
    watchers: Vec<Watcher>,
    flag: Event,
    lock: Mutex<()>,
    handles: RefCell<Vec<Option<JoinHandle<()>>>>,
    threads: RefCell<Vec<Option<Thread>>>,
    left: Cell<usize>,
    all_left: Event,
    start: Instant,
    log: Log,
}

/// Starts the actors, in order.
pub fn begin(program: &Rc<Program>, props: Props, log: &Log) -> Rc<Stage> {
    let watcher = |side| match (program.kind(side), program.stream(side), &props.listener) {
        (Kind::Write, Some(stream), _) => Watcher::write(&props.streams[usize::from(stream)]),
        (_, Some(stream), _) => Watcher::read(&props.streams[usize::from(stream)]),
        (_, None, listener) => Watcher::read(listener.as_ref().expect("there is one")),
    };
    let watchers = (0..program.sides()).map(|side| watcher(side).unwrap()).collect();
    let stage = Rc::new(Stage {
        program: program.clone(),
        props,
        watchers,
        flag: Event::new(),
        lock: Mutex::new(()),
        handles: RefCell::new(program.actors.iter().map(|_| None).collect()),
        threads: RefCell::new(vec![None; program.actors.len()]),
        left: Cell::new(program.roots),
        all_left: Event::new(),
        start: Instant::now(),
        log: log.clone(),
    });
    (0..program.roots).for_each(|actor| start(&stage, actor));
    stage
}

/// Starts the actors and waits for all of them.
pub fn perform(program: &Rc<Program>, props: Props, log: &Log) {
    let stage = begin(program, props, log);
    stage.all_left.wait(None);
    stage.finish();
}

fn start(stage: &Rc<Stage>, actor: usize) {
    let leaving = Leaving { stage: stage.clone(), actor, end: Cell::new(End::Killed) };
    let handle = thread::spawn(move || {
        let stage = &leaving.stage;
        stage.threads.borrow_mut()[actor] = Some(thread::current());
        let acted = catch_unwind(AssertUnwindSafe(|| {
            let mut acting = Acting { stage, me: actor, held: None };
            acting.act(&stage.program.actors[actor], 0);
        }));
        match acted {
            Ok(()) => leaving.end.set(End::Returned),
            Err(payload) => {
                if payload.is::<&str>() {
                    leaving.end.set(End::Panicked);
                }
                resume_unwind(payload);
            }
        }
    });
    stage.handles.borrow_mut()[actor] = Some(handle);
}

/// Logs an actor's end, even if it never began.
struct Leaving {
    stage: Rc<Stage>,
    actor: usize,
    end: Cell<End>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let stage = &self.stage;
        stage.log(self.actor, What::Left(self.end.get()));
        stage.left.set(stage.left.get() - 1);
        if stage.left.get() == 0 {
            stage.all_left.set();
        }
    }
}

impl Stage {
    fn log(&self, actor: usize, what: What) {
        let at = Instant::now().duration_since(self.start);
        self.log.add(Entry { at, actor, what });
    }

    fn units(&self, n: u8) -> Duration {
        (self.props.units)(n)
    }

    fn stream(&self, stream: u8) -> &TcpStream {
        &self.props.streams[usize::from(stream)]
    }

    pub fn have_all_left(&self) -> bool {
        self.left.get() == 0
    }

    /// All are over: what they left is taken, so that no panic counts as unjoined.
    pub fn finish(&self) {
        self.log.finish();
        for handle in self.handles.take().into_iter().flatten() {
            let _ = handle.join();
        }
    }

    /// Ends all who are left, as the end of a run does.
    pub fn end(&self) {
        let handles = self.handles.take();
        handles.iter().flatten().for_each(JoinHandle::kill);
        for handle in handles.into_iter().flatten() {
            let _ = handle.join();
        }
    }
}

/// One actor at work.
struct Acting<'a> {
    stage: &'a Rc<Stage>,
    me: usize,
    held: Option<MutexGuard<'a, ()>>,
}

impl<'a> Acting<'a> {
    fn act(&mut self, ops: &[Op], first: usize) {
        let mut number = first;
        for op in ops {
            self.stage.log(self.me, What::Began(number));
            let outcome = self.outcome(op, number);
            self.stage.log(self.me, What::Ended(number, outcome));
            number += op.size();
        }
    }

    fn outcome(&mut self, op: &Op, number: usize) -> Outcome {
        let stage = self.stage;
        let limit = |within: &Option<u8>| within.map(|n| stage.units(n));
        match op {
            Op::Sleep(time) => thread::sleep(stage.units(*time)),
            Op::Yield => thread::yield_now(),
            Op::Take { side, len, within } => return take(stage, *side, *len, limit(within)),
            Op::WaitReady { side, within } => return wait_ready(stage, *side, limit(within)),
            Op::Wait { side, within } => {
                return readiness(wait(&stage.watchers[usize::from(*side)], limit(within)));
            }
            Op::Cancel { side, code } => {
                let watcher = &stage.watchers[usize::from(*side)];
                match code {
                    None => cancel_wait(watcher),
                    Some(code) => cancel_wait_with(watcher, io::Error::other(Code(*code))),
                }
            }
            Op::Close(side) => match (stage.program.stream(*side), &stage.props.listener) {
                (Some(stream), _) => stage.stream(stream).close(),
                (None, listener) => listener.as_ref().expect("there is one").close(),
            },
            Op::Shutdown { stream, how } => {
                let how = match how {
                    How::Read => Shutdown::Read,
                    How::Write => Shutdown::Write,
                    How::Both => Shutdown::Both,
                };
                return stage
                    .stream(*stream)
                    .shutdown(how)
                    .map_or_else(|error| failure(&error), |()| Outcome::Done);
            }
            Op::Kill(actor) => match &stage.handles.borrow()[usize::from(*actor)] {
                Some(handle) => handle.kill(),
                None => return Outcome::Nothing,
            },
            Op::Set => stage.flag.set(),
            Op::Clear => stage.flag.clear(),
            Op::WaitSet { within } => return Outcome::WasSet(stage.flag.wait(limit(within))),
            Op::Lock => return self.lock(),
            Op::Unlock => match self.held.take() {
                Some(guard) => drop(guard),
                None => return Outcome::Nothing,
            },
            Op::Park { within: None } => thread::park(),
            Op::Park { within: Some(time) } => thread::park_timeout(stage.units(*time)),
            Op::Unpark(actor) => match &stage.threads.borrow()[usize::from(*actor)] {
                Some(thread) => thread.unpark(),
                None => return Outcome::Nothing,
            },
            Op::Spawn(actor) => {
                stage.left.set(stage.left.get() + 1);
                start(stage, usize::from(*actor));
            }
            Op::Join { actor, within } => return self.join(*actor, limit(within)),
            Op::Panic => resume_unwind(Box::new(ON_PURPOSE)),
            Op::Timeout(time, body) => {
                let within = stage.units(*time);
                if let Err(elapsed) = timeout(within, || self.act(body, number + 1)) {
                    return Outcome::Elapsed(elapsed);
                }
            }
            Op::Feed { side, count } => {
                if !(stage.props.feed)(*side, *count) {
                    return Outcome::Nothing;
                }
            }
        }
        Outcome::Done
    }

    fn lock(&mut self) -> Outcome {
        if self.held.is_some() {
            return Outcome::Nothing;
        }
        let locked = self.stage.lock.lock();
        let poisoned = locked.is_err();
        self.held = Some(locked.unwrap_or_else(|poisoned| poisoned.into_inner()));
        Outcome::Locked { poisoned }
    }

    fn join(&self, actor: u8, within: Option<Duration>) -> Outcome {
        let handles = &self.stage.handles;
        let Some(handle) = handles.borrow_mut()[usize::from(actor)].take() else {
            return Outcome::Nothing;
        };
        let joined = match within {
            None => handle.join(),
            Some(within) => match handle.join_timeout(within) {
                Ok(joined) => joined,
                Err(handle) => {
                    handles.borrow_mut()[usize::from(actor)] = Some(handle);
                    return Outcome::TimedOut;
                }
            },
        };
        Outcome::Joined(match joined {
            Ok(()) => End::Returned,
            Err(payload) if payload.is::<Killed>() => End::Killed,
            Err(_) => End::Panicked,
        })
    }
}

fn take(stage: &Stage, side: u8, len: u8, within: Option<Duration>) -> Outcome {
    let mut buf = vec![0; usize::from(len)];
    // A timeout is the socket's, and counts for the call that begins now.
    let taken = match (stage.program.stream(side), &stage.props.listener) {
        (None, listener) => {
            let listener = listener.as_ref().expect("there is one");
            let accepted =
                listener.set_accept_timeout(within).and_then(|()| listener.accept().map(drop));
            accepted.map(|()| Outcome::Moved(1))
        }
        (Some(stream), _) => {
            let mut stream = stage.stream(stream);
            if stage.program.kind(side) == Kind::Write {
                let wrote = stream.set_write_timeout(within).and_then(|()| stream.write(&buf));
                wrote.map(|n| Outcome::Moved(n as u8))
            } else {
                let read = stream.set_read_timeout(within).and_then(|()| stream.read(&mut buf));
                read.map(|n| Outcome::Bytes(buf[..n].to_vec()))
            }
        }
    };
    match taken {
        Ok(taken) => taken,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Outcome::WouldBlock,
        Err(error) => failure(&error),
    }
}

fn wait_ready(stage: &Stage, side: u8, within: Option<Duration>) -> Outcome {
    readiness(match (stage.program.kind(side), stage.program.stream(side)) {
        (Kind::Write, Some(stream)) => wait_write(stage.stream(stream), within),
        (_, Some(stream)) => wait_read(stage.stream(stream), within),
        (_, None) => wait_read(stage.props.listener.as_ref().expect("there is one"), within),
    })
}

#[derive(Debug)]
struct Code(u8);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cancelled with {}", self.0)
    }
}
impl std::error::Error for Code {}

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
        io::ErrorKind::BrokenPipe => Outcome::Epipe,
        io::ErrorKind::NotConnected => Outcome::NotConnected,
        io::ErrorKind::TimedOut => Outcome::TimedOut,
        io::ErrorKind::ResourceBusy => Outcome::Busy,
        _ => Outcome::Other(format!("{error:?}")),
    }
}
