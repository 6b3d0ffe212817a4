//! What most stories share: a server that gives each connection a greenlet, how it refuses a peer, and
//! a book that what went wrong is written into.

use std::fmt;
use std::io::{self, Read};

use greenroom::check::Shared;
use greenroom::net::{Shutdown, TcpListener, TcpStream};
use greenroom::scenario::Stage;
use greenroom::thread;
use greenroom::time::{Duration, Instant};

/// Serves a port: each connection is attended by a greenlet `conn`, whose error is a complaint.
pub(crate) fn serve(
    port: u16,
    complaints: Complaints,
    attend: impl Fn(TcpStream) -> io::Result<()> + Clone + 'static,
) -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    loop {
        let (stream, peer) = listener.accept()?;
        let (attend, complaints) = (attend.clone(), complaints.clone());
        let conn = move || complaints.hear(format_args!("attending {}", peer.ip()), attend(stream));
        spawn("conn", conn)?;
    }
}

/// How long a peer that was refused may take to notice, before its connection is cut off: several
/// retransmissions, for it may be in slow start on a bad line.
const LINGER: Duration = Duration::from_secs(5);

/// Says why a peer is refused, which may still be talking. Closing over unread bytes resets the
/// connection, and a reset overtakes the reply: what the peer still sends is thrown away until it has
/// had time to read.
pub(crate) fn let_it_read(
    mut stream: &TcpStream,
    say: impl FnOnce(&TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    stream.set_write_timeout(Some(LINGER))?;
    say(stream)?;
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let start = Instant::now();
    let mut rest = [0; 4096];
    while start.elapsed() < LINGER && stream.read(&mut rest)? > 0 {}
    Ok(())
}

/// Spawns a greenlet of this name.
pub(crate) fn spawn<T: 'static>(
    name: &str,
    f: impl FnOnce() -> T + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(f)
}

/// Joins greenlets that answer what a host's program answers: the first error is the host's.
pub(crate) fn join_all(
    handles: impl IntoIterator<Item = thread::JoinHandle<io::Result<()>>>,
) -> io::Result<()> {
    let outcomes: Vec<_> = handles.into_iter().map(thread::JoinHandle::join).collect();
    outcomes.into_iter().try_for_each(|outcome| match outcome {
        Ok(answer) => answer,
        // Whoever panicked has failed the run; passing it on says where.
        Err(payload) => thread::resume(payload),
    })
}

/// What went wrong in a run, as hosts saw it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints(Shared<Vec<String>>);

impl Complaints {
    /// A book that is judged when the run has settled: it must be empty.
    pub(crate) fn on(stage: &mut Stage, property: &str) -> Complaints {
        let complaints = Complaints::default();
        let book = complaints.clone();
        stage.judge(property, move || book.verdict());
        complaints
    }
    /// Writes a line.
    pub(crate) fn add(&self, line: String) {
        self.0.with(|lines| lines.push(line));
    }
    /// Takes the latest line back.
    pub(crate) fn take_back(&self) {
        self.0.with(|lines| drop(lines.pop()));
    }
    /// Writes a line unless the condition holds.
    pub(crate) fn unless(&self, holds: bool, line: impl FnOnce() -> String) {
        if !holds {
            self.add(line());
        }
    }
    /// Writes an error down.
    pub(crate) fn hear<T>(&self, doing: impl fmt::Display, outcome: io::Result<T>) {
        if let Err(error) = outcome {
            self.add(format!("{doing}: {error}"));
        }
    }
    fn verdict(&self) -> Result<(), String> {
        self.0.with(|lines| match lines.as_slice() {
            [] => Ok(()),
            [only] => Err(only.clone()),
            [first, rest @ ..] => Err(format!("{first} (and {} more)", rest.len())),
        })
    }
}
