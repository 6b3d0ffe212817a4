//! Random programs against the model of DESIGN §3.1, on the scripted hub; and the driver's known
//! faults, each found by it. `GREENROOM_CASES=20000` looks longer.

#[path = "machine/mod.rs"]
mod machine;
mod scripted;

use std::rc::Rc;

use greenroom::driver::Stop;
use greenroom::mutant::{self, Mutant};

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

#[track_caller]
fn is_found(mutant: Mutant) {
    let found = mutant::with(mutant, || explore(&FAIR, 20_000));
    let failure = found.expect_err("a known fault goes unnoticed");
    println!("{mutant:?} is found by\n{failure}");
}

macro_rules! are_found {
    ($($name:ident: $mutant:ident;)*) => {$(
        #[test]
        fn $name() {
            is_found(Mutant::$mutant);
        }
    )*};
}

are_found! {
    swapped_wakes_are_found: SwappedWakes;
    a_cancel_without_generation_check_is_found: NoGenerationCheck;
    a_deadline_before_the_try_is_found: DeadlineBeforeTry;
    a_waiter_left_in_line_is_found: WokenNotRemoved;
    a_newest_timer_first_is_found: NewestTimerFirst;
    a_timer_not_cleared_is_found: TimerNotCleared;
    a_kill_of_a_runnable_that_is_lost_is_found: KillOfRunnableLost;
    a_close_that_wakes_one_is_found: CloseWakesOne;
    a_close_that_wakes_writers_first_is_found: CloseWakesWriterFirst;
    a_readiness_that_beats_an_earlier_cancel_is_found: LateReadinessBeatsCancel;
    a_baton_not_passed_is_found: NoBaton;
    a_due_call_that_loses_its_place_is_found: DueLosesPlace;
    a_scope_that_does_not_stick_is_found: ScopeNotSticky;
    a_join_that_misses_an_earlier_end_is_found: JoinMissesEarlierEnd;
    an_unlock_that_wakes_the_last_is_found: UnlockWakesLast;
    an_unpark_not_kept_is_found: UnparkNotKept;
    a_scope_that_waits_for_the_first_is_found: ScopeWaitsForFirst;
    a_scope_that_ends_the_last_first_is_found: ReapsInReverse;
}
