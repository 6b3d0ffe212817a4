//! The laws of the waist (top of `api/src/hub.rs`) and of the calls above it, as programs that hold
//! on every hub. A law has one host, unless it is about two; its name says what it promises.
//!
//! Whatever a law reads off a clock it compares one way only: nothing ends early. How late it may
//! be is a hub's own affair, and tested there.

mod buffers;
mod closing;
mod facts;
mod greenlets;
mod messages;
mod pipes;
mod polling;
mod readiness;
mod scopes;
mod streams;
mod time;
mod unix;
mod urgent;
mod waiting;

use std::io::{self, Write};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};

use crate::common::Complaints;

/// A law as a program: it writes down what it finds broken.
type Law = fn(&Complaints) -> io::Result<()>;

/// All laws, by area.
pub(crate) fn laws() -> Vec<Scenario> {
    let areas = [
        time::LAWS,
        waiting::LAWS,
        closing::LAWS,
        streams::LAWS,
        scopes::LAWS,
        greenlets::LAWS,
        unix::LAWS,
        urgent::LAWS,
        pipes::LAWS,
        polling::LAWS,
        readiness::LAWS,
        buffers::LAWS,
        facts::LAWS,
        messages::LAWS,
    ];
    areas.concat().into_iter().map(|(name, about, law)| scenario(name, about, law)).collect()
}

fn scenario(name: &str, about: &'static str, law: Law) -> Scenario {
    Scenario::new(&format!("law/{name}"), about, move |stage: &mut Stage| {
        let complaints = Complaints::on(stage, about);
        stage.client("host", move || law(&complaints));
    })
}

/// Two ends of a connection on this host.
fn connected() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    Ok((near, far))
}

/// Writes until a write is held back for a while: both sides' buffers are full, and nothing is
/// under way that could make room. Answers how much was taken.
fn fill(mut stream: &TcpStream) -> io::Result<usize> {
    static CHUNK: [u8; 1 << 16] = [7; 1 << 16];
    let mut filled = 0;
    stream.set_write_timeout(Some(Duration::from_millis(50)))?;
    loop {
        match stream.write(&CHUNK) {
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    stream.set_write_timeout(None)?;
    Ok(filled)
}

/// What a call answered, where only the kind of an error matters.
fn kind<T>(outcome: io::Result<T>) -> Result<T, io::ErrorKind> {
    outcome.map_err(|error| error.kind())
}

/// What a call answered, where the number of an error matters.
fn code<T>(outcome: io::Result<T>) -> Result<T, Option<i32>> {
    outcome.map_err(|error| error.raw_os_error())
}

/// The same numbers on every Unix.
const EBADF: i32 = 9;
const EINVAL: i32 = 22;
