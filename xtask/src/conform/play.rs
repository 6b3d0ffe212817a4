//! Playing a program inside a hub: what each step came to, in words that both hubs would use alike.

mod actor;
mod buffers;
mod call;
mod calls;
mod facts;
mod marks;
mod message;
mod note;
mod place;
mod sides;
mod slots;
mod socket;
mod words;

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use greenroom::net::{SockAddr, Socket};

use super::across::Side;
use super::program::{ACTORS, Op, Program, SLOTS, Step};
use actor::Actor;
use call::Thing;
use marks::Marks;
pub use sides::{Turns, play_side};

/// What a step came to: a word for what went well, or the name of an error.
pub type Outcome = Result<String, String>;

/// A hub, as far as a program has to know it.
#[derive(Default)]
pub struct World {
    /// Before the names of Unix sockets, so that programs do not meet.
    pub prefix: String,
    /// Where its paths are.
    pub directory: PathBuf,
    /// How long what is under way is given to arrive, after every step.
    pub settle: Duration,
    /// Whether what is free by law is written alike: see [`calls`].
    pub is_lenient: bool,
    /// The host that a player is on, where a program has two.
    pub side: Side,
    /// What the players of a program share.
    pub common: Arc<Mutex<Common>>,
}

/// What the players of a program have in common.
#[derive(Default)]
pub struct Common {
    /// Ports in the order they showed up, each of a host: what they are called.
    ports: Vec<(Side, u16)>,
    /// Bytes are numbered as they are sent.
    sent: u32,
    /// Bytes that `fill` sent and that nobody received.
    filled: u64,
    /// Where what is in a slot is, for the other host's player.
    locals: [Option<SockAddr>; SLOTS as usize],
}

impl World {
    fn common(&self) -> MutexGuard<'_, Common> {
        self.common.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays it; an outcome a step.
pub fn play(program: &Program, world: &World) -> Vec<Outcome> {
    play_noting(program, world, None)
}

/// Likewise, with a note a step of what its socket was like before it, and what it came to.
pub fn play_noting(
    program: &Program,
    world: &World,
    mut notes: Option<&mut Vec<String>>,
) -> Vec<Outcome> {
    let mut player = Player::new(world);
    if world.settle.is_zero() && program.has_actors() {
        match Marks::new() {
            Ok(marks) => player.marks = Some(marks),
            Err(error) => return vec![Err(words::said(&error))],
        }
    }
    let mut outcomes = Vec::new();
    for step in &program.0 {
        let before = notes.as_ref().map(|_| player.state_before(step));
        let outcome = player.step(step).map_err(|error| words::said(&error));
        player.settle();
        if let (Some(notes), Some(before)) = (&mut notes, before) {
            notes.push(format!("{before}: {} => {}", note::shape(step), note::class(&outcome)));
        }
        outcomes.push(outcome);
    }
    player.leave();
    outcomes
}

struct Player<'a> {
    world: &'a World,
    slots: [Option<Rc<Thing>>; SLOTS as usize],
    actors: [Option<Actor>; ACTORS as usize],
    /// Where what was closed had been, which can still be gone to.
    left: [Option<SockAddr>; SLOTS as usize],
    /// What `exhaust` made.
    spares: Vec<Socket>,
    /// What tells that all there was to hear was heard, where no time is given for it.
    marks: Option<Marks>,
}

type Line = io::Result<String>;

impl<'a> Player<'a> {
    fn new(world: &'a World) -> Player<'a> {
        Player {
            world,
            slots: Default::default(),
            actors: Default::default(),
            left: Default::default(),
            spares: Vec::new(),
            marks: None,
        }
    }

    fn step(&mut self, step: &Step) -> Line {
        match step {
            Step::Do(op) => self.perform(op),
            Step::Start { actor, slot, call, within } => {
                self.start(*actor, *slot, call, within.map(Duration::from_millis))
            }
            Step::Ask(actor) => self.ask(*actor),
            Step::Together(ops) => {
                let mut words = Vec::new();
                let mut is_ok = true;
                for op in ops {
                    let outcome = self.perform(op);
                    is_ok &= outcome.is_ok();
                    words.push(outcome.unwrap_or_else(|error| words::said(&error)));
                }
                let all = words.join("; ");
                if is_ok { Ok(all) } else { Err(io::Error::other(all)) }
            }
            Step::Times(n, op) => (0..*n).try_fold("never".into(), |_, _| self.perform(op)),
        }
    }

    /// Lets happen what is under way: what the kernel knows reaches the hub, and who it wakes runs.
    fn settle(&self) {
        if let Some(marks) = &self.marks {
            marks.pass();
        } else if !self.world.settle.is_zero() {
            // Not `yield_now`: a simulated greenlet that only yields has time pass until something
            // comes.
            greenroom::thread::sleep(self.world.settle);
        }
    }

    fn perform(&mut self, op: &Op) -> Line {
        match op {
            Op::Make(a, kind) => self.make(*a, *kind),
            Op::Pair(a, b, kind) => self.pair(*a, *b, *kind),
            Op::Connected(l, a, b, kind) => self.connected(*l, *a, *b, *kind),
            Op::Pipe(a, b) => self.pipe(*a, *b),
            Op::Close(a) => self.forget(*a).and_then(done),
            Op::CloseNow(a) => self.close_now(*a),
            Op::Dup(a, b) => self.dup(*a, *b),
            Op::Exhaust => self.exhaust(),
            Op::Spare => self.close_a_spare(),

            Op::Call(a, call) => self.call(*a, call),
            Op::Bind(a, place) => self.bind(*a, *place),
            Op::Listen(a, n) => self.thing(*a)?.socket()?.listen(*n).and_then(done),
            Op::Shutdown(a, how) => self.shutdown(*a, *how),
            Op::Disconnect(a) => self.disconnect(*a),
            Op::Queued(a) => self.queued(*a),
            Op::Tcp(a) => self.tcp(*a),
            Op::Counts(a) => self.counts(*a),
            Op::Local(a) => self.local_address(*a),
            Op::Peer(a) => self.peer_address(*a),
            Op::Addresses(a) => self.addresses(*a),
            Op::Error(a) => self.error(*a),
            Op::Poll(a) => self.thing(*a)?.poll(),
            Op::Set(a, option, value) => {
                option.set(self.thing(*a)?.socket()?, value).and_then(done)
            }
            Op::Get(a, option) => self.get(*a, *option),
            Op::Join(a, group, on) => self.group(*a, *group, *on, true).and_then(done),
            Op::Leave(a, group, on) => self.group(*a, *group, *on, false).and_then(done),

            Op::Fill(a, n) => self.fill(*a, *n),
            Op::FillToTheBrink(a, n) => self.fill_to_the_brink(*a, *n),
            Op::Drain(a) => self.drain(*a, None),
            Op::DrainPart(a, percent) => {
                let most = self.world.common().filled * u64::from(*percent) / 100;
                self.drain(*a, Some(most))
            }

            Op::Sleep(ms) => {
                greenroom::thread::sleep(Duration::from_millis(*ms));
                done(())
            }
            Op::Resolve(text) => self.resolve(text),
        }
    }

    /// Ends the actors before the sockets they wait on.
    fn leave(mut self) {
        for actor in self.actors.iter_mut().filter_map(Option::take) {
            actor.end();
        }
    }
}

fn closed_already() -> io::Error {
    io::Error::from_raw_os_error(libc::EBADF)
}

/// What goes well and brings nothing.
fn done((): ()) -> Line {
    Ok("ok".into())
}
