//! The system as a world of the machine: streams over loopback whose other ends are the test's own,
//! written to from inside the program.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream as Peer};
use std::rc::Rc;
use std::time::Duration;

use greenroom::driver::{self, Role, Stop};
use greenroom::net::TcpStream;
use greenroom::thread;
use greenroom_real::RealHub;
use socket2::SockRef;

use crate::machine::log::Log;
use crate::machine::perform::{Props, begin, is_on_purpose};
use crate::machine::program::Program;
use crate::machine::{Observed, Offers, Rules, World};

pub struct Loopback {
    listener: Rc<TcpListener>,
}

impl Loopback {
    pub fn new() -> Loopback {
        Loopback { listener: Rc::new(TcpListener::bind("127.0.0.1:0").unwrap()) }
    }
}

/// Looks at the world that nobody moved in, after which nobody will.
const QUIET_LOOKS: u32 = 3;
/// The hub looks at the world after 64 turns at the latest, while so few can run.
const TURNS_PER_LOOK: u32 = 2 * 64;

impl World for Loopback {
    fn offers(&self) -> Offers {
        Offers { time: false, writes: false, accepts: false }
    }

    fn rules(&self) -> Rules {
        Rules { interrupts: true, named_first: true, time: false, ..Rules::STRICT }
    }

    fn play(&self, program: &Program) -> Observed {
        let log = Log::default();
        let (program, theirs) = (Rc::new(program.clone()), log.clone());
        let listener = self.listener.clone();
        let body = Box::new(move || stand_by(&program, &listener, &theirs));
        let main = driver::Program { name: "main".into(), role: Role::Client, body };
        let (ending, _) = driver::run(RealHub::new().unwrap(), vec![main]);
        let (mut reported, mut trouble) = (0, Vec::new());
        for panic in &ending.panics {
            match is_on_purpose(&panic.message) {
                true => reported += 1,
                false => trouble.push(format!("{panic:?}")),
            }
        }
        if !matches!(ending.stop, Stop::Done) || ending.leaked > 0 {
            trouble.push(format!("{ending:?}"));
        }
        let deadlocked = !log.was_finished();
        let mut log = log.take();
        // Whatever the clock showed, all was one instant.
        log.iter_mut().for_each(|entry| entry.at = Duration::ZERO);
        Observed { log, deadlocked, reported, trouble }
    }
}

/// Plays a program until all have left, or nobody moves any more: the end of the run ends those.
fn stand_by(program: &Rc<Program>, listener: &TcpListener, log: &Log) {
    let far: Vec<(TcpStream, Far)> = (0..program.streams).map(|_| connect(listener)).collect();
    let (streams, far): (Vec<_>, Vec<_>) = far.into_iter().unzip();
    let mut props = Props::new(streams, None);
    props.units = never_or_now;
    props.feed = Box::new(move |side, count| far[usize::from(side)].feed(count));
    let stage = begin(program, props, log);
    let (mut seen, mut quiet) = (log.len(), 0);
    while !stage.have_all_left() && quiet < QUIET_LOOKS {
        // Everyone who can run has run by then, and the hub has looked at the world.
        (0..TURNS_PER_LOOK).for_each(|_| thread::yield_now());
        quiet = if log.len() == seen { quiet + 1 } else { 0 };
        seen = log.len();
    }
    if stage.have_all_left() {
        stage.finish();
    }
}

fn never_or_now(n: u8) -> Duration {
    const HOUR: Duration = Duration::from_secs(3600);
    HOUR * u32::from(n)
}

/// The other end of a stream.
struct Far {
    peer: RefCell<Peer>,
    /// The ports of the program's end and of this one.
    ports: (u16, u16),
    fed: Cell<u8>,
}

fn connect(listener: &TcpListener) -> (TcpStream, Far) {
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (peer, from) = listener.accept().unwrap();
    assert_eq!(stream.local_addr().unwrap(), from, "nobody else connects here");
    peer.set_nodelay(true).unwrap();
    // It resets when it is dropped, so that thousands of programs leave nothing in TIME-WAIT.
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    let ports = (from.port(), listener.local_addr().unwrap().port());
    (stream, Far { peer: RefCell::new(peer), ports, fed: Cell::new(0) })
}

impl Far {
    /// Sends bytes, or the end, and returns when the program's end has them: no poll has named them
    /// by then. False if nothing can be sent any more.
    fn feed(&self, count: u8) -> bool {
        let Some(before) = self.unread() else { return false };
        let first = self.fed.get();
        let bytes: Vec<u8> = (first..first + count).collect();
        let mut peer = self.peer.borrow_mut();
        let sent = match count {
            0 => peer.shutdown(Shutdown::Write),
            _ => peer.write_all(&bytes),
        };
        if sent.is_err() {
            return false;
        }
        self.fed.set(first + count);
        // The end counts as one.
        while self.unread().is_some_and(|now| now < before + u64::from(count.max(1))) {
            if count == 0 && self.has_ended() {
                break;
            }
            std::thread::yield_now();
        }
        true
    }

    /// What the system holds for the program's end and nobody has read, by its own table.
    fn unread(&self) -> Option<u64> {
        let (_, queues) = self.entry()?;
        let (_, unread) = queues.split_once(':')?;
        u64::from_str_radix(unread, 16).ok()
    }

    /// Whether the program's end has heard the end: that is not counted once all is over.
    fn has_ended(&self) -> bool {
        const TIME_WAIT: &str = "06";
        const CLOSE_WAIT: &str = "08";
        self.entry().is_none_or(|(state, _)| state == TIME_WAIT || state == CLOSE_WAIT)
    }

    /// State and queues of the program's end.
    fn entry(&self) -> Option<(String, String)> {
        let table =
            std::fs::read_to_string("/proc/net/tcp").expect("the system's table of sockets");
        table.lines().skip(1).find_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let port = |field: &str| u16::from_str_radix(field.rsplit(':').next()?, 16).ok();
            let ports = (port(fields.next()?)?, port(fields.next()?)?);
            let (state, queues) = (fields.next()?, fields.next()?);
            (ports == self.ports).then(|| (state.to_owned(), queues.to_owned()))
        })
    }
}
