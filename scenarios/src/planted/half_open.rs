//! `planted/half-open`: a client waits for an answer without a deadline. When the server's host
//! loses power after it took the request, nothing is ever sent again and the client waits for ever.

use std::io::{self, Read, Write};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};
use greenroom::thread;

use super::bystander;
use crate::common::spawn;

const PORT: u16 = 7021;

/// How long the server works on a request.
const WORK: Duration = Duration::from_millis(40);

/// The power may fail within this, which is about how long the whole story takes.
const POWER_FAILS_WITHIN: Duration = Duration::from_millis(300);

/// Far longer than any answer takes where the server lives, a retransmission or two included.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program with the bug: a deadlock. Knobs: `requests`, `bystander`.
pub fn half_open() -> Scenario {
    story("planted/half-open", "BUG: a reader without a deadline", None)
}

/// Its corrected twin: it gives up in time.
pub fn half_open_fixed() -> Scenario {
    story("planted/half-open-fixed", "a reader with a deadline gives up", Some(PATIENCE))
}

fn story(name: &str, about: &str, patience: Option<Duration>) -> Scenario {
    Scenario::new(name, about, move |stage| set(stage, patience))
        .knob("requests", 4)
        .knob("bystander", 0)
}

fn set(stage: &mut Stage, patience: Option<Duration>) {
    stage.server("srv", serve);
    stage.may_lose_power("srv", POWER_FAILS_WITHIN);
    let outcome = Shared::new(None);
    let ours = outcome.clone();
    let (requests, with_bystander) = (stage.knob("requests"), stage.knob("bystander") != 0);
    stage.client("cli", move || {
        bystander(with_bystander)?;
        let asked = ask_all(requests, patience);
        ours.with(|outcome| *outcome = Some(asked.map_err(|error| error.kind())));
        Ok(())
    });
    stage.judge("the client has its answers, or knows that the server is gone", move || {
        match outcome.with(|outcome| outcome.take()) {
            Some(Ok(answers)) if answers == requests => Ok(()),
            // Unacknowledged segments end as TimedOut, and a read's deadline as WouldBlock.
            Some(Err(io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)) => Ok(()),
            other => Err(format!("after {requests} requests: {other:?}")),
        }
    });
}

/// Each byte is answered with itself, after some work.
fn serve() -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT))?;
    loop {
        let (mut stream, _) = listener.accept()?;
        spawn("conn", move || -> io::Result<()> {
            let mut byte = [0];
            while stream.read(&mut byte)? > 0 {
                thread::sleep(WORK);
                stream.write_all(&byte)?;
            }
            Ok(())
        })?;
    }
}

fn ask_all(requests: u64, patience: Option<Duration>) -> io::Result<u64> {
    let mut stream = TcpStream::connect(("srv", PORT))?;
    stream.set_read_timeout(patience)?;
    let mut answers = 0;
    for number in 0..requests {
        stream.write_all(&[number as u8])?;
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answers += u64::from(byte == [number as u8]);
    }
    Ok(answers)
}
