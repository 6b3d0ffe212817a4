//! `echo`: clients send, the server sends back, and every byte is the one that was sent: in both
//! directions, on each of many connections at once.

use std::io::{self, Read, Write};

use greenroom::check::Shared;
use greenroom::net::TcpStream;
use greenroom::rand;
use greenroom::scenario::{Scenario, Stage};

use crate::bytes::{first_wrong, pattern};
use crate::common::{Complaints, join_all, serve, spawn};

const PORT: u16 = 7007;

/// What a message may measure where no size is fixed: the first is the boring one, then a byte, a
/// full segment, and several.
const SIZES: [usize; 4] = [64, 1, 1460, 5000];

/// A client that wrote more than both sides' buffers hold before it read would wait for a server
/// that waits for it.
const IN_FLIGHT_BYTES_MAX: usize = 64 * 1024;

/// The story. Knobs: `clients` hosts with `connections` each, that send `messages` of `size` bytes
/// (0: a size chosen per message).
pub fn echo() -> Scenario {
    Scenario::new("echo", "what clients send comes back, byte for byte", set)
        .knob("clients", 2)
        .knob("connections", 2)
        .knob("messages", 2)
        .knob("size", 0)
}

/// What crossed the server, summed over all connections.
#[derive(Clone, Copy, Default)]
struct Totals {
    sent: u64,
    served: u64,
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "every byte comes back as it was sent");
    let totals = Shared::new(Totals::default());
    let (book, served) = (complaints.clone(), totals.clone());
    stage.server("srv", move || {
        let served = served.clone();
        serve(PORT, book.clone(), move |stream| echo_back(&stream, &served))
    });
    let (connections, messages) = (stage.knob("connections"), stage.knob("messages"));
    let size = stage.knob("size") as usize;
    for client in 0..stage.knob("clients") {
        let (book, totals) = (complaints.clone(), totals.clone());
        stage.client(&format!("cli{client}"), move || {
            let talks = (0..connections).map(|connection| {
                let talk = Talk { stream: client << 8 | connection, messages, size };
                let (book, totals) = (book.clone(), totals.clone());
                spawn("talk", move || talk.run(&book, &totals))
            });
            join_all(talks.collect::<io::Result<Vec<_>>>()?)
        });
    }
    stage.judge("the server saw every byte once", move || {
        let Totals { sent, served } = totals.with(|totals| *totals);
        if served == sent { Ok(()) } else { Err(format!("{sent} bytes sent, {served} served")) }
    });
}

fn echo_back(mut stream: &TcpStream, totals: &Shared<Totals>) -> io::Result<()> {
    let mut buf = [0; 8192];
    loop {
        let count = stream.read(&mut buf)?;
        if count == 0 {
            return Ok(());
        }
        totals.with(|totals| totals.served += count as u64);
        stream.write_all(&buf[..count])?;
    }
}

/// One connection's part.
struct Talk {
    /// Which stream of bytes is its own.
    stream: u64,
    messages: u64,
    size: usize,
}

impl Talk {
    fn run(&self, complaints: &Complaints, totals: &Shared<Totals>) -> io::Result<()> {
        let stream = TcpStream::connect(("srv", PORT))?;
        let mut position = 0;
        for _ in 0..self.messages {
            let mut left = match self.size {
                0 => SIZES[rand::choose("size", SIZES.len() as u32) as usize],
                size => size,
            };
            while left > 0 {
                let count = left.min(IN_FLIGHT_BYTES_MAX);
                self.exchange(&stream, position, count, complaints)?;
                totals.with(|totals| totals.sent += count as u64);
                position += count as u64;
                left -= count;
            }
        }
        Ok(())
    }

    fn exchange(
        &self,
        mut stream: &TcpStream,
        position: u64,
        count: usize,
        complaints: &Complaints,
    ) -> io::Result<()> {
        let mut bytes = pattern(self.stream, position, count);
        stream.write_all(&bytes)?;
        bytes.fill(0);
        stream.read_exact(&mut bytes)?;
        let wrong = first_wrong(self.stream, position, &bytes);
        complaints.unless(wrong.is_none(), || {
            format!("stream {:#x} came back wrong from byte {}", self.stream, wrong.unwrap_or(0))
        });
        Ok(())
    }
}
