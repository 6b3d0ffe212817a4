//! The simulator as a world of the machine: each stream's peer is a host of its own, a link of fixed
//! latency away, that sends so much earlier.

use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use greenroom::net::{Shutdown, TcpListener, TcpStream};
use greenroom::scenario::Scenario;
use greenroom::thread;
use greenroom::time::Instant;
use greenroom_sim::run::{Run, run};
use greenroom_sim::{Outcome, Spec, Weather};

use crate::machine::log::{Entry, Log};
use crate::machine::perform::{Props, is_on_purpose, perform};
use crate::machine::program::{Program, units};
use crate::machine::{Observed, Offers, Rules, World};

/// When programs start: all streams stand by then.
const START: Duration = Duration::from_secs(1);

/// The simulator, and where its turns come from.
pub struct Simulated {
    pub order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Every choice is the boring one.
    Wake,
    /// Of the program's seed.
    Seeded,
    /// Of the program's seed, and then again from what deviated.
    Replayed,
}

impl World for Simulated {
    fn offers(&self) -> Offers {
        Offers { time: true, writes: false, accepts: false }
    }

    fn rules(&self) -> Rules {
        let wakes = self.order == Order::Wake;
        // A run tells of its first panic.
        Rules { wake_order: wakes, interrupts: !wakes, panics_max: 1, ..Rules::STRICT }
    }

    fn play(&self, program: &Program) -> Observed {
        let drawn = Spec { weather: Weather::calm(), ..Spec::seed(program.seed.into()) };
        match self.order {
            Order::Wake => {
                let (run, log) = play(program, &Spec { tape: Some(Vec::new()), ..drawn });
                observed(&run, log)
            }
            Order::Seeded => {
                let (run, log) = play(program, &drawn);
                observed(&run, log)
            }
            Order::Replayed => {
                let (run, log) = play(program, &drawn);
                let tape = Some(run.deviations());
                let (again, _) = play(program, &Spec { tape, ..drawn });
                let mut observed = observed(&run, log);
                if (run.hash, run.deviation_count()) != (again.hash, again.matched) {
                    observed.trouble.push("its tape is another run".into());
                }
                observed
            }
        }
    }
}

fn observed(run: &Run, (log, finished): Played) -> Observed {
    let (mut deadlocked, mut reported, mut trouble) = (!finished, 0, Vec::new());
    match &run.outcome {
        Outcome::Held => {}
        Outcome::Deadlocked(stall) if stall.stuck.iter().any(|stuck| stuck.greenlet == "main") => {
            deadlocked = true;
        }
        // Peers wait for the end of their stream.
        Outcome::Deadlocked(_) => trouble.push("a stream was left open".into()),
        Outcome::Panicked(_, message) if is_on_purpose(message) => reported = 1,
        other => trouble.push(other.to_string()),
    }
    Observed { log, deadlocked, reported, trouble }
}

/// The log, and whether all actors left by themselves.
type Played = (Vec<Entry>, bool);

thread_local! {
    /// Of the run of this thread: a host's body holds nothing that stays on a thread.
    static LOG: Log = Log::default();
}

fn play(program: &Program, spec: &Spec) -> (Run, Played) {
    let program = Arc::new(program.clone());
    let scenario = Scenario::new("machine", "one random program", move |stage| {
        for stream in 0..program.streams {
            let program = program.clone();
            let ends = program.ends_first(stream);
            let body = move || send(&program, stream, ends);
            // Whose stream is shut down first stays for the rest of the run.
            if ends {
                stage.server(&peer(stream), body)
            } else {
                stage.client(&peer(stream), body)
            };
        }
        let program = program.clone();
        stage.client("main", move || {
            let start = Instant::now() + START;
            let dial = |stream| TcpStream::connect((&*peer(stream), PORT));
            let streams = (0..program.streams).map(dial).collect::<io::Result<_>>()?;
            sleep_until(start);
            let props = Props::new(streams, None);
            perform(&Rc::new(Program::clone(&program)), props, &LOG.with(Log::clone));
            Ok(())
        });
    });
    let run = run(&scenario, spec);
    (run, LOG.with(|log| (log.take(), log.was_finished())))
}

const PORT: u16 = 7;

fn peer(stream: u8) -> String {
    format!("s{stream}")
}

/// A peer: its arrivals, and then whatever there is until the stream is closed over there.
fn send(program: &Program, stream: u8, ends_first: bool) -> io::Result<()> {
    let start = Instant::now() + START - Duration::from_nanos(Weather::calm().latency_typical_ns);
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    let (mut accepted, _) = listener.accept()?;
    accepted.set_nodelay(true)?;
    for arrival in program.arrivals.iter().filter(|arrival| arrival.side == stream) {
        sleep_until(start + units(arrival.at));
        let told = match arrival.count {
            0 => accepted.shutdown(Shutdown::Write),
            _ => accepted.write_all(&program.bytes_of(arrival)),
        };
        // It was closed: those who read it are told so by their own hub.
        if told.is_err() {
            break;
        }
    }
    while let Ok(1..) = accepted.read(&mut [0; 8]) {}
    if ends_first {
        loop {
            thread::park();
        }
    }
    Ok(())
}

fn sleep_until(at: Instant) {
    thread::sleep(at.duration_since(Instant::now()));
}
