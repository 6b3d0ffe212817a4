//! `backpressure`: a writer meets a reader who does not read. The writer is held back before much
//! is accepted; when the reader reads at last, slowly, every byte is there.

use std::io::{self, Read, Write};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::scenario::{Scenario, Stage};
use greenroom::thread;

use crate::bytes::{first_wrong, pattern};
use crate::common::Complaints;

/// The data's port and the signal's. Two, for two connections to one port may be accepted in either
/// order: the network can lose the last packet of the first one's handshake.
const PORT: u16 = 7010;
const SIGNAL_PORT: u16 = 7014;

/// What a writer offers at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// No stack takes this much for a reader who reads nothing; Linux stops at about 10 MiB, most of it
/// the receiver's `tcp_rmem` and the sender's `tcp_wmem`.
const ACCEPTED_BYTES_MAX: u64 = 64 << 20;

/// A write that was accepted nothing of for so long is held back.
const PATIENCE: Duration = Duration::from_millis(200);

/// The story. Knobs: `more` bytes are sent after the writer was held back; the reader rests for
/// `pause_ms` between two reads.
pub fn backpressure() -> Scenario {
    Scenario::new("backpressure", "a writer waits for a reader who does not read", set)
        .knob("more", 100_000)
        .knob("pause_ms", 20)
}

#[derive(Clone, Copy, Default)]
struct Tally {
    /// What was accepted of the writer when it was held back.
    accepted: Option<u64>,
    sent: u64,
    received: u64,
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "bytes arrive in order, each once");
    let tally = Shared::new(Tally::default());
    let pause = Duration::from_millis(stage.knob("pause_ms"));
    let (book, counts) = (complaints, tally.clone());
    stage.client("reader", move || {
        let listener = TcpListener::bind(("0.0.0.0", PORT))?;
        let (signal, _) = TcpListener::bind(("0.0.0.0", SIGNAL_PORT))?.accept()?;
        let (data, _) = listener.accept()?;
        // It does not read until the writer says it is held back.
        (&signal).read_exact(&mut [0])?;
        drain(&data, pause, &book, &counts)
    });
    let (more, counts) = (stage.knob("more"), tally.clone());
    stage.client("writer", move || {
        let mut signal = knock()?;
        let data = TcpStream::connect(("reader", PORT))?;
        let accepted = write_until_held(&data)?;
        counts.with(|tally| tally.accepted = accepted);
        signal.write_all(b"!")?;
        let start = accepted.unwrap_or(ACCEPTED_BYTES_MAX);
        data.set_write_timeout(None)?;
        write_range(&data, start, start + more)?;
        counts.with(|tally| tally.sent = start + more);
        Ok(())
    });
    stage.judge("a writer is held back while nobody reads", {
        let tally = tally.clone();
        move || match tally.with(|tally| tally.accepted) {
            Some(_) => Ok(()),
            None => Err(format!("{ACCEPTED_BYTES_MAX} bytes were accepted and none was read")),
        }
    });
    stage.judge("all that was sent arrives", move || {
        let Tally { sent, received, .. } = tally.with(|tally| *tally);
        if sent == received { Ok(()) } else { Err(format!("{sent} sent, {received} received")) }
    });
}

/// Both are clients, so nobody says that the reader is up before the writer knocks.
fn knock() -> io::Result<TcpStream> {
    for _ in 0..100 {
        match TcpStream::connect(("reader", SIGNAL_PORT)) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
    TcpStream::connect(("reader", SIGNAL_PORT))
}

/// Writes until a write is held back: how much was accepted till then.
fn write_until_held(mut stream: &TcpStream) -> io::Result<Option<u64>> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut position = 0;
    while position < ACCEPTED_BYTES_MAX {
        match stream.write(&pattern(0, position, CHUNK_BYTES)) {
            Ok(count) => position += count as u64,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(position)),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn write_range(mut stream: &TcpStream, from: u64, to: u64) -> io::Result<()> {
    let mut position = from;
    while position < to {
        let count = CHUNK_BYTES.min((to - position) as usize);
        stream.write_all(&pattern(0, position, count))?;
        position += count as u64;
    }
    Ok(())
}

fn drain(
    mut stream: &TcpStream,
    pause: Duration,
    complaints: &Complaints,
    tally: &Shared<Tally>,
) -> io::Result<()> {
    let mut buf = vec![0; 4 * CHUNK_BYTES];
    let mut position = 0;
    loop {
        let count = stream.read(&mut buf)?;
        if count == 0 {
            tally.with(|tally| tally.received = position);
            return Ok(());
        }
        let wrong = first_wrong(0, position, &buf[..count]);
        complaints.unless(wrong.is_none(), || format!("wrong from byte {}", wrong.unwrap_or(0)));
        position += count as u64;
        thread::sleep(pause);
    }
}
