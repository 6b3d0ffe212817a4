//! `planted/lost-reply`: a client that hears nothing for a while connects anew and sends its
//! increment again. When it was the answer that the network lost, the server counts twice.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};
use greenroom::sync::{Arc, Mutex};
use std::sync::PoisonError;

use super::bystander;
use crate::common::spawn;

const PORT: u16 = 7020;

/// How long the first try waits: several round trips of a calm network, and less than TCP takes to
/// send a lost segment again. Each further try waits twice as long as the one before.
const PATIENCE: Duration = Duration::from_millis(150);

const TRIES_MAX: u32 = 10;

/// The program with the bug: a wrong count. Knobs: `increments`, `bystander`.
pub fn lost_reply() -> Scenario {
    story("planted/lost-reply", "BUG: an increment is sent again, and counted again", false)
}

/// Its corrected twin: the server remembers whose requests it has served.
pub fn lost_reply_fixed() -> Scenario {
    story("planted/lost-reply-fixed", "an increment sent again is known by its number", true)
}

fn story(name: &str, about: &str, remembers: bool) -> Scenario {
    Scenario::new(name, about, move |stage| set(stage, remembers))
        .knob("increments", 5)
        .knob("bystander", 0)
}

fn set(stage: &mut Stage, remembers: bool) {
    let count = Shared::new(0);
    let served = count.clone();
    stage.server("srv", move || serve(Counter { remembers, ..Counter::default() }, &served));
    let (increments, with_bystander) = (stage.knob("increments"), stage.knob("bystander") != 0);
    stage.client("cli", move || {
        bystander(with_bystander)?;
        let mut caller = Caller::default();
        (0..increments).try_for_each(|number| caller.increment(number as u8))
    });
    stage.judge("each increment counts once", move || {
        let counted = count.with(|count| *count);
        if counted == increments {
            Ok(())
        } else {
            Err(format!("{increments} increments counted as {counted}"))
        }
    });
}

/// What the server keeps.
#[derive(Default)]
struct Counter {
    count: u64,
    remembers: bool,
    /// The count each request was answered with.
    answered: BTreeMap<u8, u64>,
}

impl Counter {
    fn increment(&mut self, number: u8) -> u64 {
        if let (true, Some(&count)) = (self.remembers, self.answered.get(&number)) {
            return count;
        }
        self.count += 1;
        self.answered.insert(number, self.count);
        self.count
    }
}

fn serve(counter: Counter, total: &Shared<u64>) -> io::Result<()> {
    let counter = Arc::new(Mutex::new(counter));
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    loop {
        let (stream, _) = listener.accept()?;
        let (counter, total) = (counter.clone(), total.clone());
        // A client that gave its connection up leaves an error here, and nobody to tell.
        spawn("conn", move || drop(attend(&stream, &counter, &total)))?;
    }
}

fn attend(mut stream: &TcpStream, counter: &Mutex<Counter>, total: &Shared<u64>) -> io::Result<()> {
    let mut number = [0];
    while stream.read(&mut number)? > 0 {
        let count = {
            let mut counter = counter.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counter.increment(number[0]);
            total.with(|total| *total = counter.count);
            count
        };
        stream.write_all(&count.to_be_bytes())?;
    }
    Ok(())
}

/// The client's side: one connection, made anew when it stays silent.
#[derive(Default)]
struct Caller {
    stream: Option<TcpStream>,
}

impl Caller {
    /// Sends until it is answered. The retry is the bug, unless the server knows the number.
    fn increment(&mut self, number: u8) -> io::Result<()> {
        for attempt in 0..TRIES_MAX {
            match self.try_once(number, PATIENCE * 2_u32.pow(attempt)) {
                Ok(()) => return Ok(()),
                Err(_) => self.stream = None,
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "no try was answered"))
    }

    fn try_once(&mut self, number: u8, patience: Duration) -> io::Result<()> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(("srv", PORT))?,
        };
        stream.set_read_timeout(Some(patience))?;
        stream.write_all(&[number])?;
        stream.read_exact(&mut [0; 8])?;
        self.stream = Some(stream);
        Ok(())
    }
}
