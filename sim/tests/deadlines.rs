//! Whatever others do: everybody's deadline comes when it is due, a wait that says ready is followed by a
//! call that does not block, and a loop that polls politely ends.

use std::io;
use std::time::Duration;

use greenroom::net::UdpSocket;
use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::mpsc;
use greenroom::time::{Instant, timeout};
use greenroom::wait::{self, Readiness};
use greenroom::{sync, thread};
use greenroom_sim::faults::Weather;
use greenroom_sim::{Spec, run};
use proptest::collection::vec;
use proptest::prelude::*;

const HOSTS: usize = 3;
const MS: Duration = Duration::from_millis(1);

/// What one greenlet does, one after the other. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
enum Op {
    Sleep(u64),
    ReceiveWithin(u64),
    WaitWithin(u64, Readiness),
    AnyWithin(u64),
    Yield(u32),
    /// Yields for so long.
    PollFor(u64),
    /// Looks at its socket so often.
    Look(u32),
    TryRecv(u32),
    TryLock(u32),
    /// From the thousandth in a row they take their host's time.
    ReadClock(u32),
    /// To the first greenlet of a host.
    Send(usize),
}

/// Hosts of greenlets of what they do.
type Program = Vec<Vec<Vec<Op>>>;

fn op() -> impl Strategy<Value = Op> {
    let ms = || prop_oneof![1 => Just(0), 4 => 1..40_u64, 1 => 100..2000_u64];
    let often = || prop_oneof![6 => 1..20_u32, 1 => 990..2500_u32];
    let set = prop_oneof![
        4 => Just(Readiness::READ),
        2 => Just(Readiness::WRITE),
        1 => Just(Readiness::BOTH),
        1 => Just(Readiness::ERROR.with(Readiness::READ)),
        1 => Just(Readiness::HANG_UP),
    ];
    prop_oneof![
        4 => ms().prop_map(Op::Sleep),
        // None at all is no timeout that a socket takes.
        4 => ms().prop_map(|ms| Op::ReceiveWithin(ms + 1)),
        6 => (ms(), set).prop_map(|(ms, set)| Op::WaitWithin(ms, set)),
        3 => ms().prop_map(Op::AnyWithin),
        3 => often().prop_map(Op::Yield),
        2 => ms().prop_map(Op::PollFor),
        2 => often().prop_map(Op::Look),
        2 => often().prop_map(Op::TryRecv),
        1 => often().prop_map(Op::TryLock),
        1 => often().prop_map(Op::ReadClock),
        5 => (0..HOSTS).prop_map(Op::Send),
    ]
}

fn program() -> impl Strategy<Value = Program> {
    vec(vec(vec(op(), 1..8), 1..4), HOSTS)
}

fn name_of(host: usize) -> String {
    format!("h{host}")
}

fn story(program: Program) -> Scenario {
    Scenario::new("deadlines", "deadlines come when they are due", move |stage: &mut Stage| {
        for (host, greenlets) in program.iter().cloned().enumerate() {
            let is_busy = greenlets.iter().flatten().any(|op| matches!(op, Op::ReadClock(_)));
            stage.client(&name_of(host), move || {
                let tasks = greenlets.iter().cloned().enumerate().map(|(index, ops)| {
                    let socket = UdpSocket::bind(("0.0.0.0", 7 + index as u16))?;
                    let actor = Actor { socket, is_busy, spare: sync::Mutex::new(()) };
                    Ok(thread::spawn(move || ops.into_iter().try_for_each(|op| actor.does(op))))
                });
                let tasks = tasks.collect::<io::Result<Vec<_>>>()?;
                let ended = |task: thread::JoinHandle<_>| {
                    task.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                };
                tasks.into_iter().try_for_each(ended)
            });
        }
    })
}

struct Actor {
    socket: UdpSocket,
    /// Its host's clock runs ahead: its deadlines come late, though never early.
    is_busy: bool,
    spare: sync::Mutex<()>,
}

impl Actor {
    fn does(&self, op: Op) -> io::Result<()> {
        match op {
            Op::Sleep(ms) => self.takes(ms, || {
                thread::sleep(MS * ms as u32);
                Ok(())
            })?,
            Op::ReceiveWithin(ms) => self.receives(ms)?,
            Op::WaitWithin(ms, set) => self.waits(ms, set)?,
            Op::AnyWithin(ms) => {
                let due = || wait::after(MS * ms as u32);
                self.takes(ms, || wait::any(&[&due()], None).map(drop))?;
            }
            Op::Yield(times) => (0..times).for_each(|_| thread::yield_now()),
            Op::PollFor(ms) => self.polls(ms),
            Op::Look(times) => {
                for _ in 0..times {
                    wait::readiness(&self.socket)?;
                }
            }
            Op::TryRecv(times) => {
                let (sender, receiver) = mpsc::channel::<()>();
                (0..times).for_each(|_| assert!(receiver.try_recv().is_err()));
                drop(sender);
            }
            Op::TryLock(times) => (0..times).for_each(|_| drop(self.spare.try_lock())),
            Op::ReadClock(times) => (0..times).for_each(|_| _ = Instant::now()),
            Op::Send(host) => drop(self.socket.send_to(b"x", (name_of(host).as_str(), 7))?),
        }
        Ok(())
    }

    /// Nobody else moved the clock past its end.
    fn takes<T>(&self, ms: u64, what: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let start = Instant::now();
        let outcome = what();
        self.ended(start, ms);
        outcome
    }

    fn ended(&self, start: Instant, ms: u64) {
        let (took, due) = (start.elapsed(), MS * ms as u32);
        // Who is ready yields, which takes a moment where all do.
        let is_due = due <= took && (self.is_busy || took <= due.max(MS));
        assert!(is_due, "what was due after {due:?} took {took:?}");
    }

    fn receives(&self, ms: u64) -> io::Result<()> {
        let start = Instant::now();
        self.socket.set_read_timeout(Some(MS * ms as u32))?;
        match self.socket.recv(&mut [0; 8]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.ended(start, ms),
            // Nobody is there any more, of those it sent to.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            received => drop(received?),
        }
        Ok(())
    }

    /// It alone reads its socket.
    fn waits(&self, ms: u64, set: Readiness) -> io::Result<()> {
        let start = Instant::now();
        match wait::wait_for(&self.socket, set, Some(MS * ms as u32)) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                // As the thousandth call in a row it gives way before its time begins: a round of nothing
                // but yields, which is a millisecond at most.
                let (took, due) = (start.elapsed(), MS * ms as u32);
                let is_due = due <= took && (self.is_busy || took <= due.max(MS) + MS);
                assert!(is_due, "what was due after {due:?} took {took:?}");
            }
            shown => {
                let shown = shown?;
                assert!(!shown.is_none() && shown.without(set).is_none(), "{shown:?} of {set:?}");
                if shown.is_readable() {
                    self.socket.set_nonblocking(true)?;
                    let received = self.socket.recv(&mut [0; 8]).map_err(|error| error.kind());
                    self.socket.set_nonblocking(false)?;
                    let blocks = received == Err(io::ErrorKind::WouldBlock);
                    assert!(!blocks, "a read that was called ready would block");
                }
            }
        }
        Ok(())
    }

    fn polls(&self, ms: u64) {
        let start = Instant::now();
        let ended = timeout(MS * ms as u32, || {
            loop {
                thread::yield_now();
            }
        });
        let _: greenroom::time::Elapsed = ended.map(|never: ()| never).expect_err("it loops");
        let (took, due) = (start.elapsed(), MS * ms as u32);
        assert!(due <= took && (self.is_busy || took <= due + MS), "{due:?} of polling: {took:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]
    #[test]
    fn deadlines_come_when_they_are_due(program in program(), seed in 0..1000_u64) {
        let story = story(program);
        for weather in [Weather::calm(), Weather::default(), Weather::stormy()] {
            let spec = Spec { weather, ..Spec::seed(seed) };
            let run = run::run(&story, &spec);
            prop_assert!(run.outcome.held(), "{} weather: {}", spec.weather.name, run.outcome);
        }
    }
}
