//! `half_close`: a client sends all it has and shuts its writing down; the server reads to the end
//! and only then answers with what it got; the client reads that to the end.

use std::io::{self, Read, Write};

use greenroom::net::{Shutdown, TcpStream};
use greenroom::scenario::{Scenario, Stage};

use crate::bytes::{Checksum, pattern};
use crate::common::{Complaints, serve};

const PORT: u16 = 7009;
const CHUNK_BYTES: usize = 16 * 1024;

/// The story. Knobs: `clients` hosts, each sending `bytes`.
pub fn half_close() -> Scenario {
    Scenario::new("half_close", "a stream that ended one way still runs the other", set)
        .knob("clients", 2)
        .knob("bytes", 4000)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "the answer is about all that was sent");
    let book = complaints.clone();
    stage.server("srv", move || serve(PORT, book.clone(), |stream| sum_up(&stream)));
    let bytes = stage.knob("bytes");
    for client in 0..stage.knob("clients") {
        let book = complaints.clone();
        stage.client(&format!("cli{client}"), move || {
            let stream = TcpStream::connect(("srv", PORT))?;
            let expected = send_all(&stream, client, bytes)?;
            let mut answer = String::new();
            (&stream).read_to_string(&mut answer)?;
            book.unless(answer == expected, || {
                format!("client {client}: {answer:?} where {expected:?} was sent")
            });
            let after = (&stream).write(b"late").map_err(|error| error.kind());
            book.unless(after == Err(io::ErrorKind::BrokenPipe), || {
                format!("client {client}: writing after shutdown answers {after:?}")
            });
            Ok(())
        });
    }
}

/// Sends, shuts down, answers what the server should say.
fn send_all(mut stream: &TcpStream, client: u64, bytes: u64) -> io::Result<String> {
    let (mut sum, mut position) = (Checksum::START, 0);
    while position < bytes {
        let count = CHUNK_BYTES.min((bytes - position) as usize);
        let chunk = pattern(client, position, count);
        sum = sum.with(&chunk);
        stream.write_all(&chunk)?;
        position += count as u64;
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(verdict(bytes, sum))
}

fn sum_up(mut stream: &TcpStream) -> io::Result<()> {
    let (mut sum, mut total) = (Checksum::START, 0);
    let mut buf = vec![0; CHUNK_BYTES];
    loop {
        let count = stream.read(&mut buf)?;
        if count == 0 {
            break;
        }
        sum = sum.with(&buf[..count]);
        total += count as u64;
    }
    stream.write_all(verdict(total, sum).as_bytes())
}

fn verdict(bytes: u64, sum: Checksum) -> String {
    format!("{bytes} bytes {:016x}", sum.value())
}
