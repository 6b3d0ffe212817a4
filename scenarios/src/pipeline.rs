//! `pipeline`: a client sends requests without waiting for answers, in one stream of frames; the
//! answers come in the order of the requests, each to its own.

use std::io::{self, Read, Write};

use greenroom::net::TcpStream;
use greenroom::rand;
use greenroom::scenario::{Scenario, Stage};
use greenroom::thread;

use crate::bytes::{Checksum, frame, pattern, read_frame, write_frame};
use crate::common::{Complaints, join_all, serve, spawn};

const PORT: u16 = 7008;

/// Small and odd, so that frames lie across its edges whatever the network does.
const READ_BYTES: usize = 53;

/// The story. Knobs: `clients` hosts, each sending `requests` of up to `size` bytes.
pub fn pipeline() -> Scenario {
    Scenario::new("pipeline", "requests in flight are answered in order", set)
        .knob("clients", 2)
        .knob("requests", 4)
        .knob("size", 60)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "answers come in the order of their requests");
    let book = complaints.clone();
    stage.server("srv", move || serve(PORT, book.clone(), |stream| answer_all(&stream)));
    let (requests, size) = (stage.knob("requests") as u32, stage.knob("size"));
    for client in 0..stage.knob("clients") {
        let book = complaints.clone();
        stage.client(&format!("cli{client}"), move || {
            let stream = TcpStream::connect(("srv", PORT))?;
            let ours = stream.try_clone()?;
            let asking = spawn("ask", move || ask(&ours, client, requests, size))?;
            let read = hear(&stream, client, requests, &book);
            join_all([asking])?;
            read
        });
    }
}

/// What request `number` of a client carries. Its length is the client's choice, so the answer's
/// checksum is over what the server says it got.
fn payload(client: u64, number: u32, length: usize) -> Vec<u8> {
    pattern(client << 16 | u64::from(number), 0, length)
}

fn ask(stream: &TcpStream, client: u64, requests: u32, size: u64) -> io::Result<()> {
    for number in 0..requests {
        let length = size.saturating_sub(rand::choose("shorter", size as u32 + 1).into());
        write_frame(stream, number, &payload(client, number, length as usize))?;
        if rand::choose("pause", 4) == 3 {
            thread::yield_now();
        }
    }
    stream.shutdown(greenroom::net::Shutdown::Write)
}

fn hear(
    mut stream: &TcpStream,
    client: u64,
    requests: u32,
    complaints: &Complaints,
) -> io::Result<()> {
    let mut heard = 0;
    while let Some((number, answer)) = read_frame(&mut stream)? {
        complaints.unless(number == heard, || {
            format!("client {client} waits for answer {heard} and gets {number}")
        });
        heard += 1;
        let Ok(answer) = <[u8; 12]>::try_from(answer) else {
            complaints.add(format!("client {client}: answer {number} has another length"));
            continue;
        };
        let (length, sum) = answer.split_at(4);
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let expected = Checksum::of(&payload(client, number, length)).to_be_bytes();
        complaints.unless(sum == expected, || {
            format!("client {client}: request {number} arrived with other bytes")
        });
    }
    complaints.unless(heard == requests, || {
        format!("client {client} sent {requests} requests and got {heard} answers")
    });
    Ok(())
}

/// Answers frame by frame, out of reads that know nothing of frames.
fn answer_all(mut stream: &TcpStream) -> io::Result<()> {
    let mut unread = Vec::new();
    let mut buf = [0; READ_BYTES];
    loop {
        let count = stream.read(&mut buf)?;
        if count == 0 {
            return if unread.is_empty() {
                Ok(())
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        unread.extend_from_slice(&buf[..count]);
        let answers = answers_to(&mut unread);
        stream.write_all(&answers)?;
    }
}

/// Takes the whole frames off the front of `unread`; answers each with length and checksum.
fn answers_to(unread: &mut Vec<u8>) -> Vec<u8> {
    let (mut rest, mut answers) = (unread.as_slice(), Vec::new());
    let mut taken = 0;
    // What is cut off comes with a later read.
    while let Ok(Some((number, payload))) = read_frame(&mut rest) {
        taken = unread.len() - rest.len();
        let length = (payload.len() as u32).to_be_bytes();
        let sum = Checksum::of(&payload).to_be_bytes();
        answers.extend(frame(number, &[&length[..], &sum[..]].concat()));
    }
    unread.drain(..taken);
    answers
}
