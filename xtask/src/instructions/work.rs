//! What is counted: each a process of its own that does so much of one thing, `bench-child count NAME
//! SIZE TIMES`. Nothing here depends on how fast anything is: an echo server that is loaded by many is
//! held up until all have sent, or what one look at the system finds would be chance.

use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener as StdListener, TcpStream as StdStream};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::sync::{Event, Mutex};
use greenroom::thread;

use crate::bench::echo::{self, announce};
use crate::bench::sim;

/// Does it `times` over, in a crowd of `size`.
type Work = fn(size: u64, times: u64) -> io::Result<()>;

const WORKS: &[(&str, Work)] = &[
    ("echo", |size, _| serve(size)),
    ("yield", |size, times| run(move || yields(size, times))),
    ("spawn", |size, times| run(move || spawns(size, times))),
    ("parked", |size, times| run(move || beside_parked(size, times))),
    ("event", |size, times| run(move || wait_for_an_event(size, times))),
    ("lock", |size, times| run(move || wait_for_a_lock(size, times))),
    ("round-trip", |size, times| done(|| sim::round_trips(size, times))),
    ("talk", |size, times| done(|| sim::talk(size, times))),
    ("world", |size, times| done(|| sim::worlds(size, times))),
    ("tick", |size, times| done(|| sim::idle(size, times))),
    ("two-a-tick", |size, times| done(|| sim::two_a_tick(size, times))),
    ("bulk", |_, times| done(|| sim::bulk(times))),
    // How many seeds stands in GREENROOM_RUNS.
    ("check", |_, _| done(|| greenroom_sim::check(&greenroom_scenarios::echo::echo()))),
];

/// Does one of them.
pub fn child(name: &str, size: &str, times: &str) -> Result<(), String> {
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
    let work = WORKS.iter().find(|(known, _)| *known == name);
    let (_, work) = work.ok_or_else(|| format!("nothing is called `{name}`"))?;
    work(number(size)?, number(times)?).map_err(|error| error.to_string())
}

fn done(work: impl FnOnce()) -> io::Result<()> {
    work();
    Ok(())
}

fn run(work: impl FnOnce() + 'static) -> io::Result<()> {
    greenroom_real::run(work);
    Ok(())
}

/// So many greenlets that run as far as they get.
fn crowd(size: u64, body: impl Fn() + Clone + 'static) -> Vec<thread::JoinHandle<()>> {
    let all = (0..size).map(|_| thread::spawn(body.clone())).collect();
    thread::yield_now();
    thread::yield_now();
    all
}

fn join(all: Vec<thread::JoinHandle<()>>) {
    all.into_iter().for_each(|one| one.join().expect("it returns"));
}

fn yields(size: u64, times: u64) {
    let yielding = move || (0..times).for_each(|_| thread::yield_now());
    join((0..size).map(|_| thread::spawn(yielding)).collect());
}

fn spawns(size: u64, times: u64) {
    for _ in 0..times {
        join((0..size).map(|one| thread::spawn(move || _ = black_box(one))).collect());
    }
}

/// Two that yield to each other beside all who wait for something else.
fn beside_parked(size: u64, times: u64) {
    let event = Arc::new(Event::new());
    let theirs = event.clone();
    let parked = crowd(size, move || _ = theirs.wait(None));
    yields(2, times);
    event.set();
    join(parked);
}

fn wait_for_an_event(size: u64, times: u64) {
    for _ in 0..times {
        beside_parked(size, 1);
    }
}

fn wait_for_a_lock(size: u64, times: u64) {
    for _ in 0..times {
        let lock = Arc::new(Mutex::new(0));
        let theirs = lock.clone();
        let held = lock.lock().expect("nobody panics");
        let all = crowd(size, move || *theirs.lock().expect("nobody panics") += 1);
        drop(held);
        join(all);
    }
}

/// How many connections wait to be accepted at once: no listener's queue is full.
const BATCH: u64 = 64;

/// An echo server of the real hub, for [`load`]. Its first connection is no client's: while it reads from
/// that one the whole process stands still.
fn serve(size: u64) -> io::Result<()> {
    let gate = StdListener::bind("127.0.0.1:0")?;
    announce(gate.local_addr()?);
    let (mut gate, _) = gate.accept()?;
    greenroom_real::run(move || -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        announce(listener.local_addr()?);
        let (echoed, waiting) = (Rc::new(Cell::new(0)), thread::current());
        let mut served = Vec::new();
        for accepted in 0..size {
            if accepted % BATCH == 0 {
                gate.read_exact(&mut [0])?;
            }
            let (stream, _) = listener.accept()?;
            let (echoed, waiting) = (echoed.clone(), waiting.clone());
            let tell = move || {
                echoed.set(echoed.get() + 1);
                // Whoever holds the gate waits for all of them.
                if echoed.get() % size == 0 {
                    waiting.unpark();
                }
            };
            served.push(thread::spawn(move || send_back(stream, tell)));
        }
        // One at a time needs no gate: who sends again has the answer.
        let mut all = 0;
        while size > 1 && gate.read(&mut [0])? == 1 {
            all += size;
            while echoed.get() < all {
                thread::park();
            }
        }
        // They end with their connections, each as it is told to.
        served.into_iter().try_for_each(|one| one.join().expect("it returns"))
    })
}

fn send_back(mut stream: TcpStream, tell: impl Fn()) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buf = vec![0; echo::BUFFER];
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok(()),
            count => stream.write_all(&buf[..count])?,
        }
        tell();
    }
}

/// Has a server that prints its lines here echo so many messages on each of so many connections.
pub fn load(
    mut line: impl FnMut() -> Result<String, String>,
    size: u64,
    times: u64,
) -> Result<(), String> {
    let mut connect = || -> Result<StdStream, String> {
        let port = line()?;
        let port: u16 = port.parse().map_err(|_| format!("`{port}` is no port"))?;
        StdStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
    };
    let gate = connect()?;
    let first = connect()?;
    ask(gate, first, size, times).map_err(|error| error.to_string())
}

fn ask(mut gate: StdStream, first: StdStream, size: u64, times: u64) -> io::Result<()> {
    /// A server that sends nothing back for so long is stuck.
    const PATIENCE: Duration = Duration::from_secs(60);
    gate.set_nodelay(true)?;
    let server = first.peer_addr()?;
    let mut clients = vec![first];
    while (clients.len() as u64) < size {
        if (clients.len() as u64).is_multiple_of(BATCH) {
            gate.write_all(&[1])?;
        }
        clients.push(StdStream::connect(server)?);
    }
    gate.write_all(&[1])?;
    for client in &clients {
        client.set_nodelay(true)?;
        client.set_read_timeout(Some(PATIENCE))?;
    }
    let mut message = [7; 64];
    for _ in 0..times {
        clients.iter_mut().try_for_each(|client| client.write_all(&message.clone()))?;
        if size > 1 {
            gate.write_all(&[1])?;
        }
        clients.iter_mut().try_for_each(|client| client.read_exact(&mut message))?;
    }
    Ok(())
}
