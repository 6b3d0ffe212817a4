//! Honest clients: one request at a time, each reply checked, a pause, the next. Their own keys, so
//! that every reply is known before it comes.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::TcpStream;
use greenroom::thread;
use greenroom::time::Instant;
use greenroom_scenarios::bytes::pattern;
use greenroom_scenarios::http;
use greenroom_scenarios::kv::resp::{Reply, ReplyReader, encode_request};

use super::Soaking;
use super::clients::Latencies;

/// A reply that takes longer is missing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two requests.
const PAUSE: Duration = Duration::from_millis(5);
/// Every so many requests it says goodbye and comes anew.
const REQUESTS_MAX: u64 = 200;
/// How long values are, by turns.
const LENGTHS: [usize; 6] = [1, 10, 100, 1460, 5000, 40_000];

/// Asks the key-value server until the time is over.
pub fn of_kv(number: u64, server: SocketAddr, soaking: &Soaking, latencies: &Latencies) {
    let mut round = 0;
    while !soaking.is_over() {
        if let Err(error) = kv_session(number, &mut round, server, soaking, latencies) {
            soaking.fail(format!("honest kv client {number}: {error}"));
        }
    }
}

fn kv_session(
    number: u64,
    round: &mut u64,
    server: SocketAddr,
    soaking: &Soaking,
    latencies: &Latencies,
) -> io::Result<()> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut replies = ReplyReader::new(stream.try_clone()?);
    let (key, count) = (format!("value:{number}"), format!("count:{number}"));
    for _ in 0..REQUESTS_MAX {
        if soaking.is_over() {
            return Ok(());
        }
        // Each goes around: it is set, read, counted.
        let (turn, step) = (*round / 3, *round % 3);
        let value = pattern(number, turn, LENGTHS[turn as usize % LENGTHS.len()]);
        let (request, due): (&[&[u8]], Reply) = match step {
            0 => (&[b"SET", key.as_bytes(), &value], Reply::Simple("OK".into())),
            1 => (&[b"GET", key.as_bytes()], Reply::Bulk(value.clone())),
            _ => (&[b"INCR", count.as_bytes()], Reply::Integer(turn as i64 + 1)),
        };
        let start = Instant::now();
        let mut bytes = Vec::new();
        encode_request(&mut bytes, request);
        (&stream).write_all(&bytes)?;
        let reply = replies.read()?;
        latencies.note(soaking, start.elapsed());
        if reply != due {
            return Err(io::Error::other(format!("request {round} is answered {}", brief(&reply))));
        }
        *round += 1;
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Asks the HTTP server until the time is over.
pub fn of_http(number: u64, server: SocketAddr, soaking: &Soaking, latencies: &Latencies) {
    while !soaking.is_over() {
        if let Err(error) = http_session(number, server, soaking, latencies) {
            soaking.fail(format!("honest http client {number}: {error}"));
        }
    }
}

fn http_session(
    number: u64,
    server: SocketAddr,
    soaking: &Soaking,
    latencies: &Latencies,
) -> io::Result<()> {
    let mut client = http::Client::connect(server, PATIENCE)?;
    for round in 0..REQUESTS_MAX {
        if soaking.is_over() {
            return Ok(());
        }
        let length = LENGTHS[round as usize % LENGTHS.len()];
        let posted = pattern(number, round, length);
        let start = Instant::now();
        match round % 2 {
            0 => client.get(length)?,
            _ => client.post(&posted)?,
        }
        latencies.note(soaking, start.elapsed());
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn brief(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => format!("{} bytes", bytes.len()),
        other => format!("{other:?}"),
    }
}
