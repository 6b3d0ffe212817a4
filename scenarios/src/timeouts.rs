//! `timeouts`: a peer that is slow, a wait that is cancelled, data that races a deadline. Whatever
//! wins, no byte is lost to the loser.

use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::TcpStream;
use greenroom::rand;
use greenroom::scenario::{Scenario, Stage};
use greenroom::thread;
use greenroom::time::{Instant, timeout};
use greenroom::wait::{Watcher, cancel_wait, wait, wait_read};

use crate::common::{Complaints, serve, spawn};

const PORT: u16 = 7013;

/// The server answers after this, about when the client's deadline comes: with a link of 5 ms the
/// answer is there after 100 ms.
const ANSWER_AFTER: Duration = Duration::from_millis(90);
const DEADLINE: Duration = Duration::from_millis(100);

/// The story. Knob: `races`, how often data and a deadline meet.
pub fn timeouts() -> Scenario {
    Scenario::new("timeouts", "deadlines and cancels end a wait and lose no byte", set)
        .knob("races", 3)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "a wait that ended early takes nothing with it");
    let book = complaints.clone();
    stage.server("srv", move || serve(PORT, book.clone(), |stream| answer_when_told(&stream)));
    let races = stage.knob("races");
    stage.client("cli", move || {
        let stream = TcpStream::connect(("srv", PORT))?;
        slow_peer(&stream, &complaints)?;
        cancelled_wait(&stream, &complaints)?;
        for race in 0..races {
            deadline_race(&stream, race as u8, &complaints)?;
        }
        Ok(())
    });
}

/// Answers `a` never, and any other byte with itself; `r` comes with a byte to answer later.
fn answer_when_told(mut stream: &TcpStream) -> io::Result<()> {
    let mut byte = [0];
    while stream.read(&mut byte)? > 0 {
        match byte {
            [b'a'] => {}
            [b'r'] => {
                stream.read_exact(&mut byte)?;
                let early = rand::choose("early", 20);
                thread::sleep(ANSWER_AFTER - Duration::from_millis(early.into()));
                stream.write_all(&byte)?;
            }
            _ => stream.write_all(&byte)?,
        }
    }
    Ok(())
}

/// A read that times out says so with std's kind, not before its time, and the next read gets what
/// comes then.
fn slow_peer(mut stream: &TcpStream, complaints: &Complaints) -> io::Result<()> {
    stream.write_all(b"a")?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let start = Instant::now();
    let kind = stream.read(&mut [0]).map_err(|error| error.kind());
    let waited = start.elapsed();
    complaints.unless(kind == Err(io::ErrorKind::WouldBlock), || {
        format!("a read that nobody answers ends with {kind:?}")
    });
    complaints.unless(waited >= DEADLINE, || format!("a read of {DEADLINE:?} ended at {waited:?}"));
    stream.set_read_timeout(None)?;
    stream.write_all(b"b")?;
    read_byte(stream, b'b', complaints)
}

/// A cancel ends the wait that is on and none after it.
fn cancelled_wait(mut stream: &TcpStream, complaints: &Complaints) -> io::Result<()> {
    let watcher = Rc::new(Watcher::read(stream)?);
    let theirs = watcher.clone();
    let waiter = spawn("wait", move || wait(&theirs, None).map_err(|error| error.raw_os_error()))?;
    // Time for the other to be waiting; a cancel that comes too soon would do nothing.
    while !waiter.is_finished() {
        thread::sleep(Duration::from_millis(1));
        cancel_wait(&watcher);
    }
    // gevent's EBADF, whose number is the same on every Unix.
    let ended = waiter.join().unwrap_or_else(|payload| thread::resume(payload));
    complaints.unless(ended == Err(Some(9)), || format!("a cancelled wait ends with {ended:?}"));
    cancel_wait(&watcher);
    stream.write_all(b"c")?;
    let next = wait(&watcher, None).map_err(|error| error.kind());
    complaints.unless(next.is_ok(), || format!("the wait after a cancel ends with {next:?}"));
    read_byte(stream, b'c', complaints)
}

/// The answer comes about when the inner deadline does, and long before the outer one: it is read
/// within the inner scope or after it, but once.
fn deadline_race(mut stream: &TcpStream, value: u8, complaints: &Complaints) -> io::Result<()> {
    let start = Instant::now();
    stream.write_all(&[b'r', value])?;
    let mut byte = [!value];
    let outer = timeout(Duration::from_secs(3600), || {
        let inner = timeout(DEADLINE, || read_once(stream, &mut byte));
        let waited = start.elapsed();
        complaints.unless(inner.is_ok() || waited >= DEADLINE, || {
            format!("a scope of {DEADLINE:?} elapsed after {waited:?}")
        });
        greenroom::sometimes!(inner.is_ok(), "the answer beats the deadline");
        greenroom::sometimes!(inner.is_err(), "the deadline beats the answer");
        match inner {
            Ok(read) => read,
            // The outer scope lives on: it may wait for what the inner one could not.
            Err(_) => wait_read(stream, None).and_then(|()| read_once(stream, &mut byte)),
        }
    });
    let Ok(read) = outer else {
        complaints.add("an hour went by, or the inner scope ended the outer one".into());
        return Ok(());
    };
    read?;
    complaints.unless(byte == [value], || format!("{byte:?} was read where {value} was sent"));
    Ok(())
}

fn read_once(mut stream: &TcpStream, byte: &mut [u8; 1]) -> io::Result<()> {
    match stream.read(byte)? {
        1 => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read_byte(stream: &TcpStream, expected: u8, complaints: &Complaints) -> io::Result<()> {
    let mut byte = [0];
    read_once(stream, &mut byte)?;
    complaints.unless(byte == [expected], || format!("{byte:?} was read, not {expected}"));
    Ok(())
}
