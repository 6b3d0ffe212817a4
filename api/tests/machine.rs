//! Random programs against the model of DESIGN §3.1, on the scripted hub. `GREENROOM_CASES=20000`
//! looks longer.

#[path = "machine/mod.rs"]
mod machine;
mod scripted;

use std::rc::Rc;

use greenroom::driver::Stop;
use greenroom::net::{TcpListener, TcpStream};

use machine::log::Log;
use machine::perform::{Props, is_on_purpose, perform};
use machine::program::{Kind, Program, units};
use machine::{Observed, Offers, Rules, World, cases, explore};
use scripted::{Event, ScriptHub, peer, play};

/// The scripted hub, with a fair queue or with picks of its own.
struct Script {
    picks: &'static [usize],
}

const FAIR: Script = Script { picks: &[] };
const UNFAIR: Script =
    Script { picks: &[1, 2, 0, 1, 1, 3, 0, 2, 1, 0, 0, 3, 1, 2, 2, 1, 0, 1, 3, 1, 0, 2, 1, 1] };

impl World for Script {
    fn offers(&self) -> Offers {
        Offers { time: true, writes: true, accepts: true }
    }

    fn rules(&self) -> Rules {
        Rules { wake_order: self.picks.is_empty(), ..Rules::STRICT }
    }

    fn play(&self, program: &Program) -> Observed {
        let log = Log::default();
        let (program, theirs) = (Rc::new(program.clone()), log.clone());
        let played = play(self.script(&program), move || {
            let dial = |stream| TcpStream::connect(peer(port(stream))).unwrap();
            let streams = (0..program.streams).map(dial).collect();
            let listen = || TcpListener::bind(("127.0.0.1", CALLED)).unwrap();
            let listener = program.accepts.then(listen);
            perform(&program, Props::new(streams, listener), &theirs);
        });
        let (mut reported, mut trouble) = (0, Vec::new());
        for panic in &played.ending.panics {
            match is_on_purpose(&panic.message) {
                true => reported += 1,
                false => trouble.push(format!("{panic:?}")),
            }
        }
        let deadlocked = match &played.ending.stop {
            Stop::Done => false,
            Stop::Deadlock(_) => true,
            other => {
                trouble.push(format!("{other:?}"));
                false
            }
        };
        if played.hub.open() > 0 || played.ending.leaked > 0 {
            trouble.push("something was left open".into());
        }
        Observed { log: log.take(), deadlocked, reported, trouble }
    }
}

/// The port of the listener.
const CALLED: u16 = 80;

impl Script {
    fn script(&self, program: &Program) -> ScriptHub {
        let mut hub = ScriptHub::new().silent().picks(self.picks);
        if program.writes {
            hub = hub.room(port(0), 0);
        }
        for arrival in &program.arrivals {
            let at = units(arrival.at);
            hub = match (program.kind(arrival.side), arrival.count) {
                (Kind::Read, 0) => hub.at(at, Event::Eof(port(arrival.side))),
                (Kind::Read, _) => {
                    hub.at(at, Event::Bytes(port(arrival.side), program.bytes_of(arrival)))
                }
                (Kind::Write, n) => hub.at(at, Event::Room(port(0), n.into())),
                (Kind::Accept, n) => (0..n).fold(hub, |hub, _| hub.at(at, Event::Dial(CALLED))),
            };
        }
        hub
    }
}

fn port(stream: u8) -> u16 {
    u16::from(stream) + 1
}

#[test]
fn random_programs_do_what_the_model_allows() {
    if let Err(failure) = explore(&FAIR, cases(300)) {
        panic!("{failure}");
    }
}

#[test]
fn random_programs_in_another_order_do_what_the_model_allows() {
    if let Err(failure) = explore(&UNFAIR, cases(300)) {
        panic!("{failure}");
    }
}
