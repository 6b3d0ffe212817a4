//! Performing a program inside a hub.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Once;
use std::time::Duration;

use greenroom::driver::panic_message;
use greenroom::net::{Shutdown, TcpListener, TcpStream};
use greenroom::sync::{Event, Mutex, MutexGuard};
use greenroom::thread::{self, JoinHandle, Scope, Thread};
use greenroom::time::{Elapsed, Instant, timeout};
use greenroom::wait::{Watcher, cancel_wait, cancel_wait_with, wait, wait_read, wait_write};

use super::handles::{Asked, Kin, answer};
use super::log::{End, Entry, Log, Outcome, What};
use super::program::{How, Kind, Op, Program, size, units};

/// What actors panic with.
const ON_PURPOSE: &str = "on purpose";
/// What the panic of a scope with the panic of its child begins with.
const SCOPE_PANICKED: &str = "a scoped thread panicked: ";

/// Whether a panic with this message is one of a program's own.
pub fn is_on_purpose(message: &str) -> bool {
    let passed_on = message.starts_with(SCOPE_PANICKED) && message.ends_with(ON_PURPOSE);
    passed_on || message == ON_PURPOSE
}

/// Has the panics of programs say nothing on stderr: there are thousands of them.
fn quieten() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !is_on_purpose(&panic_message(info.payload())) {
                loud(info);
            }
        }));
    });
}

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
    handles: Vec<RefCell<Option<JoinHandle<()>>>>,
    threads: RefCell<Vec<Option<Thread>>>,
    left: Cell<usize>,
    all_left: Event,
    start: Instant,
    log: Log,
}

/// Starts the actors, in order.
pub fn begin(program: &Rc<Program>, props: Props, log: &Log) -> Rc<Stage> {
    quieten();
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
        handles: program.actors.iter().map(|_| RefCell::default()).collect(),
        threads: RefCell::new(vec![None; program.all_actors().len()]),
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
    let all_left = AllLeft(Leaving::new(stage, actor));
    let handle = thread::spawn(move || {
        let program = all_left.0.stage.program.clone();
        live(&all_left.0, &program.actors[actor]);
    });
    stage.handles[actor].replace(Some(handle));
}

/// Whether a program panicked, as opposed to being killed or out of time.
fn is_panic(payload: &(dyn Any + Send)) -> bool {
    payload.is::<&str>() || payload.is::<String>()
}

/// What an actor does from its begin to its end.
fn live(leaving: &Leaving, ops: &[Op]) {
    let Leaving { stage, actor, end } = leaving;
    stage.threads.borrow_mut()[*actor] = Some(thread::current());
    let acted = catch_unwind(AssertUnwindSafe(|| {
        let mut acting = Acting { stage, me: *actor, held: None };
        acting.act(ops, 0, &|_, _| None);
    }));
    match acted {
        Ok(()) => end.set(End::Returned),
        Err(payload) => {
            if is_panic(&*payload) {
                end.set(End::Panicked);
            }
            resume_unwind(payload);
        }
    }
}

/// Logs an actor's end, even if it never began.
struct Leaving {
    stage: Rc<Stage>,
    actor: usize,
    end: Cell<End>,
}

impl Leaving {
    fn new(stage: &Rc<Stage>, actor: usize) -> Leaving {
        Leaving { stage: stage.clone(), actor, end: Cell::new(End::Killed) }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.stage.log(self.actor, What::Left(self.end.get()));
    }
}

/// Tells when all have left whom nobody waits for.
struct AllLeft(Leaving);

impl Drop for AllLeft {
    fn drop(&mut self) {
        let stage = &self.0.stage;
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
        for handle in self.handles.iter().filter_map(RefCell::take) {
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
    fn act(&mut self, ops: &[Op], first: usize, kin: Kin<'_>) {
        let mut number = first;
        for op in ops {
            self.stage.log(self.me, What::Began(number));
            let outcome = self.outcome(op, number, kin);
            self.stage.log(self.me, What::Ended(number, outcome));
            number += op.size();
        }
    }

    fn outcome(&mut self, op: &Op, number: usize, kin: Kin<'_>) -> Outcome {
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
            Op::Kill(actor) => return self.ask(*actor, Asked::Kill, kin),
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
            Op::Join { actor, within } => {
                return self.ask(*actor, Asked::Join(limit(within)), kin);
            }
            Op::Panic => resume_unwind(Box::new(ON_PURPOSE)),
            Op::Timeout(time, body) => {
                let within = stage.units(*time);
                if let Err(elapsed) = timeout(within, || self.act(body, number + 1, kin)) {
                    return Outcome::Elapsed(elapsed);
                }
            }
            Op::Scope { first, children, body } => {
                let family = (*first, &children[..]);
                self.in_scope(family, body, number + 1);
            }
            Op::ScopeEnd => unreachable!("it is in no list"),
            Op::Feed { side, count } => {
                let is_closed = stage.stream(*side).local_addr().is_err();
                if is_closed || !(stage.props.feed)(*side, *count) {
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

    fn in_scope(&mut self, (first, children): (u8, &[Vec<Op>]), body: &[Op], number: usize) {
        let scope = || {
            thread::scope(|s| self.act_in_scope(s, (first, children), body, number));
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(scope)) {
            if is_panic(&*payload) {
                self.stage.log(self.me, What::Fell(number - 1));
            }
            resume_unwind(payload);
        }
    }

    fn act_in_scope<'scope>(
        &mut self,
        s: &'scope Scope<'scope, '_>,
        (first, children): (u8, &'scope [Vec<Op>]),
        body: &[Op],
        number: usize,
    ) {
        let start = |(actor, ops)| {
            let leaving = Leaving::new(self.stage, usize::from(actor));
            RefCell::new(Some(s.spawn(move || live(&leaving, ops))))
        };
        let handles: Vec<_> =
            (first..).zip(children.iter().map(Vec::as_slice)).map(start).collect();
        let kin = |actor: u8, asked| {
            let child = actor.checked_sub(first).map(usize::from);
            let handle = child.and_then(|child| handles.get(child))?;
            Some(answer(handle, asked))
        };
        let acted = catch_unwind(AssertUnwindSafe(|| self.act(body, number, &kin)));
        // Who is killed or out of time comes to no end of its scope.
        if acted.as_ref().err().is_none_or(|payload| is_panic(&**payload)) {
            self.stage.log(self.me, What::Began(number + size(body)));
        }
        acted.unwrap_or_else(|payload| resume_unwind(payload));
    }

    fn ask(&self, actor: u8, asked: Asked, kin: Kin<'_>) -> Outcome {
        kin(actor, asked).unwrap_or_else(|| {
            let handle = self.stage.handles.get(usize::from(actor));
            answer(handle.expect("it is no child"), asked)
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
