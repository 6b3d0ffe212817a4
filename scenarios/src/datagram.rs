//! `datagram`: requests and answers over UDP. What is lost is asked for again, what comes late or
//! twice is known by its number.

use std::io;
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use greenroom::scenario::{Scenario, Stage};

use crate::bytes::{Checksum, pattern};
use crate::common::{Complaints, join_all, spawn};

const PORT: u16 = 7011;

/// A try waits twice as long as the one before, but not longer than 2 to the power of this times the
/// first: all together outlast any outage that a weather has.
const DOUBLINGS_MAX: u32 = 5;
const TRIES_MAX: u32 = 60;

/// The story. Knobs: `clients` hosts with `sockets` each, that ask `requests`, again after
/// `patience_ms`: a little more than a round trip, so that answers come late as well as never.
pub fn datagram() -> Scenario {
    Scenario::new("datagram", "what UDP loses is asked for again", set)
        .knob("clients", 2)
        .knob("sockets", 2)
        .knob("requests", 3)
        .knob("patience_ms", 15)
}

#[derive(Clone, Copy, Default)]
struct Tally {
    asked: u64,
    answered: u64,
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "each answer is that of its request");
    let tally = Shared::new(Tally::default());
    stage.server("srv", answer_all);
    let (sockets, requests) = (stage.knob("sockets"), stage.knob("requests"));
    let patience = Duration::from_millis(stage.knob("patience_ms"));
    for client in 0..stage.knob("clients") {
        let (book, tally) = (complaints.clone(), tally.clone());
        stage.client(&format!("cli{client}"), move || {
            let talks = (0..sockets).map(|socket| {
                let (book, tally) = (book.clone(), tally.clone());
                spawn("talk", move || talk(client << 8 | socket, requests, patience, &book, &tally))
            });
            join_all(talks.collect::<io::Result<Vec<_>>>()?)
        });
    }
    stage.judge("every request is answered", move || {
        let Tally { asked, answered } = tally.with(|tally| *tally);
        if asked == answered { Ok(()) } else { Err(format!("{asked} asked, {answered} answered")) }
    });
}

/// Answers each datagram with its number and the checksum of the rest. It remembers nothing, so
/// answering a request again does no harm.
fn answer_all() -> io::Result<()> {
    let socket = UdpSocket::bind(("0.0.0.0", PORT))?;
    let mut buf = [0; 2048];
    loop {
        let (count, peer) = socket.recv_from(&mut buf)?;
        let Some((number, payload)) = buf[..count].split_first_chunk::<8>() else { continue };
        let answer = [&number[..], &Checksum::of(payload).to_be_bytes()].concat();
        socket.send_to(&answer, peer)?;
    }
}

fn talk(
    stream: u64,
    requests: u64,
    patience: Duration,
    complaints: &Complaints,
    tally: &Shared<Tally>,
) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let Some(server) = ("srv", PORT).to_socket_addrs()?.next() else {
        return Err(io::Error::other("srv has no address"));
    };
    for number in 0..requests {
        let payload = pattern(stream, number, 100);
        tally.with(|tally| tally.asked += 1);
        let sum = ask(&socket, server, patience, number, &payload)?;
        tally.with(|tally| tally.answered += 1);
        complaints.unless(sum == Checksum::of(&payload), || {
            format!("stream {stream:#x}: request {number} was answered for other bytes")
        });
    }
    Ok(())
}

/// Asks until an answer of this number comes.
fn ask(
    socket: &UdpSocket,
    server: SocketAddr,
    patience: Duration,
    number: u64,
    payload: &[u8],
) -> io::Result<u64> {
    let request = [&number.to_be_bytes()[..], payload].concat();
    for attempt in 0..TRIES_MAX {
        let factor = 2_u32.pow(attempt.min(DOUBLINGS_MAX));
        socket.set_read_timeout(Some(patience * factor))?;
        socket.send_to(&request, server)?;
        match answer_to(socket, server, number) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return other,
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "no try was answered"))
}

/// Passes over answers to earlier requests: those that came late, or twice.
fn answer_to(socket: &UdpSocket, server: SocketAddr, number: u64) -> io::Result<u64> {
    let mut buf = [0; 64];
    loop {
        let (count, peer) = socket.recv_from(&mut buf)?;
        let Ok(answer) = <[u8; 16]>::try_from(&buf[..count]) else { continue };
        let (of, sum) = answer.split_at(8);
        if peer == server && of == number.to_be_bytes() {
            return Ok(u64::from_be_bytes(sum.try_into().expect("eight bytes")));
        }
    }
}
