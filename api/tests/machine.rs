//! Random programs against the model of DESIGN §3.1, on the scripted hub; and the driver's known
//! faults, each found by it. `GREENROOM_CASES=20000` looks longer.

#[path = "machine/mod.rs"]
mod machine;
mod scripted;

use std::cell::RefCell;
use std::rc::Rc;

use greenroom::driver::Stop;
use greenroom::mutant::{self, Mutant};

use machine::program::{Arrival, Program, UNIT};
use machine::{Observed, Rules, World, cases, explore};
use scripted::{Event, ScriptHub, peer, play};

/// The scripted hub, with a fair queue or with picks of its own.
struct Script {
    picks: &'static [usize],
}

const FAIR: Script = Script { picks: &[] };
const UNFAIR: Script =
    Script { picks: &[1, 2, 0, 1, 1, 3, 0, 2, 1, 0, 0, 3, 1, 2, 2, 1, 0, 1, 3, 1, 0, 2, 1, 1] };

impl World for Script {
    fn rules(&self) -> Rules {
        Rules { wake_order: self.picks.is_empty(), ..Rules::STRICT }
    }

    fn play(&self, program: &Program) -> Observed {
        let mut hub = ScriptHub::new().silent().picks(self.picks);
        for &Arrival { at, stream, bytes } in &program.arrivals {
            let event = match bytes {
                0 => Event::Eof(port(stream)),
                n => Event::Bytes(port(stream), program.bytes_of(stream, at, n)),
            };
            hub = hub.at(UNIT * u32::from(at), event);
        }
        let log = Rc::new(RefCell::new(Vec::new()));
        let (program, theirs) = (Rc::new(program.clone()), log.clone());
        let played = play(hub, move || {
            let dial = |stream| greenroom::net::TcpStream::connect(peer(port(stream))).unwrap();
            let streams = (0..program.streams).map(dial).collect();
            machine::perform::perform(&program, streams, &theirs);
        });
        let trouble = played.ending.panics.iter().map(|panic| format!("{panic:?}"));
        let mut trouble: Vec<String> = trouble.collect();
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
        Observed { log: log.take(), deadlocked, trouble }
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

#[track_caller]
fn is_found(mutant: Mutant) {
    let found = mutant::with(mutant, || explore(&FAIR, 3000));
    let failure = found.expect_err("a known fault goes unnoticed");
    println!("{mutant:?} is found by\n{failure}");
}

#[test]
fn swapped_wakes_are_found() {
    is_found(Mutant::SwappedWakes);
}

#[test]
fn a_cancel_without_generation_check_is_found() {
    is_found(Mutant::NoGenerationCheck);
}

#[test]
fn a_deadline_before_the_try_is_found() {
    is_found(Mutant::DeadlineBeforeTry);
}

#[test]
fn a_waiter_left_in_line_is_found() {
    is_found(Mutant::WokenNotRemoved);
}
