//! Greenlets that make calls which wait.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use greenroom::thread::{self, JoinHandle};

use super::super::program::{ACTORS, Call};
use super::call::{Came, Task, Thing};
use super::{Line, Player, words};

/// One greenlet with its call.
pub enum Actor {
    Waits(Rc<Task>, JoinHandle<io::Result<Came>>),
    /// What it came to, for whoever asks again.
    Over(Result<String, String>),
}

impl Actor {
    /// Ends its call, if that is not over.
    pub fn end(self) {
        if let Actor::Waits(_, handle) = self {
            handle.kill();
            let _ = handle.join();
        }
    }
}

impl Player<'_> {
    /// Makes a call in a greenlet and lets it get as far as it does; within a time, waits for it.
    pub(super) fn start(
        &mut self,
        actor: u8,
        slot: u8,
        call: &Call,
        within: Option<Duration>,
    ) -> Line {
        let _ = self.ask(actor);
        let place = usize::from(actor);
        if matches!(self.actors[place], Some(Actor::Waits(..))) {
            return Err(io::Error::from_raw_os_error(libc::EBUSY));
        }
        let task = Rc::new(Task { within, ..self.task(slot, call)? });
        let theirs = task.clone();
        let modes = Modes::of(&task.thing)?;
        modes.waiting(&task.thing, within)?;
        let handle = thread::spawn(move || match (within, &theirs.call, &*theirs.thing) {
            (Some(time), Call::Connect(_), Thing::Socket(socket)) => {
                let peer = theirs.peer.as_ref().ok_or(io::ErrorKind::InvalidInput)?;
                socket.connect_timeout(peer, time).map(|()| Came::Done)
            }
            // A wait has a time of its own.
            (Some(_), Call::Wait(_), _) => theirs.run(),
            (Some(time), _, Thing::Reader(_) | Thing::Writer(_)) => {
                greenroom::time::timeout(time, || theirs.run())
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
            _ => theirs.run(),
        });
        self.settle();
        // It has begun, with the modes it found.
        modes.restore(&task.thing);
        if within.is_some() {
            while !handle.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        self.actors[place] = Some(Actor::Waits(task, handle));
        self.ask(actor)
    }

    /// How the actor's call went, or that it has not.
    pub(super) fn ask(&mut self, actor: u8) -> Line {
        let place = usize::from(actor);
        let Some(state) = self.actors[place].take() else { return Ok("idle".into()) };
        let outcome = match state {
            Actor::Waits(task, handle) if !handle.is_finished() => {
                self.actors[place] = Some(Actor::Waits(task, handle));
                return Ok("blocks".into());
            }
            Actor::Waits(task, handle) => match handle.join() {
                Ok(Ok(came)) => self.told(&task, came).map_err(|error| words::said(&error)),
                Ok(Err(error)) if is_out_of_time(&error) => Err("timed out".into()),
                Ok(Err(error)) => Err(words::said(&error)),
                Err(_) => Err("it panicked".into()),
            },
            Actor::Over(outcome) => outcome,
        };
        self.actors[place] = Some(Actor::Over(outcome.clone()));
        outcome.map_err(io::Error::other)
    }

    /// Has those that are back let go of what they waited on.
    pub(super) fn hear_from_actors(&mut self) {
        for actor in 0..ACTORS {
            let _ = self.ask(actor);
        }
    }
}

/// A call that waits is told `WouldBlock` by its socket's timeout, `TimedOut` by its own.
fn is_out_of_time(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.kind() == io::ErrorKind::TimedOut && error.raw_os_error().is_none()
}

/// What a call that waits finds a socket set to, and what it was.
struct Modes {
    nonblocking: bool,
    read: Option<Duration>,
    write: Option<Duration>,
}

impl Modes {
    fn of(thing: &Thing) -> io::Result<Modes> {
        let Thing::Socket(socket) = thing else {
            return Ok(Modes { nonblocking: false, read: None, write: None });
        };
        Ok(Modes {
            nonblocking: socket.nonblocking()?,
            read: socket.read_timeout()?,
            write: socket.write_timeout()?,
        })
    }

    fn waiting(&self, thing: &Thing, within: Option<Duration>) -> io::Result<()> {
        let Thing::Socket(socket) = thing else { return Ok(()) };
        socket.set_nonblocking(false)?;
        if within.is_some() {
            socket.set_read_timeout(within)?;
            socket.set_write_timeout(within)?;
        }
        Ok(())
    }

    /// One that was closed meanwhile has none.
    fn restore(&self, thing: &Thing) {
        if let Thing::Socket(socket) = thing {
            let _ = socket.set_nonblocking(self.nonblocking);
            let _ = socket.set_read_timeout(self.read);
            let _ = socket.set_write_timeout(self.write);
        }
    }
}
