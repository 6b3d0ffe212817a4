//! `http`: clients keep a connection to an HTTP/1.1 server, whose messages are parsed by a library
//! that knows nothing of us (`httparse`): bodies by length and in chunks, one request at a time and
//! many at once, in pieces that end anywhere.

mod client;
#[doc(hidden)]
pub mod fuzz;
mod message;
mod server;

use std::io::{self, Write};
use std::rc::Rc;

use greenroom::check::Shared;
use greenroom::net::TcpStream;
use greenroom::rand;
use greenroom::scenario::{Scenario, Stage};

use crate::budget::Account;
use crate::bytes::pattern;
use crate::common::{Complaints, serve, spawn};
use message::{Reader, write_chunked, write_sized};

pub use client::Client;
pub use server::Server;

const PORT: u16 = 8080;

/// The story. Knobs: `clients` hosts, each sending `rounds` of requests one at a time and then all
/// of them at once, with bodies of up to `size` bytes.
pub fn http() -> Scenario {
    Scenario::new("http", "requests of a kept connection are answered in order and whole", set)
        .knob("clients", 1)
        .knob("rounds", 1)
        .knob("size", 2000)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "every answer is the one to its request");
    let accepted = Shared::new(0);
    let (book, count) = (complaints.clone(), accepted.clone());
    stage.server("srv", move || {
        let count = count.clone();
        serve(PORT, book.clone(), move |stream| {
            count.with(|count| *count += 1);
            server::converse(&stream, &Rc::new(Account::unlimited()))
        })
    });
    let (clients, rounds) = (stage.knob("clients"), stage.knob("rounds"));
    let size = stage.knob("size") as usize;
    for client in 0..clients {
        let complaints = complaints.clone();
        stage.client(&format!("cli{client}"), move || {
            let session = Session::begin(client, rounds, size)?;
            session.run(&complaints)
        });
    }
    stage.judge("a client needs one connection", move || match accepted.with(|count| *count) {
        count if count == clients => Ok(()),
        count => Err(format!("{clients} clients made {count}")),
    });
}

// The client.

/// A request and what is to come back.
struct Exchange {
    method: &'static str,
    path: String,
    /// What is posted, and whether in chunks.
    posted: Option<(Vec<u8>, bool)>,
    status: &'static str,
    body: Vec<u8>,
    is_last: bool,
}

impl Exchange {
    fn encode(&self) -> io::Result<Vec<u8>> {
        let close = if self.is_last { "Connection: close\r\n" } else { "" };
        let start = format!("{} {} HTTP/1.1\r\nHost: srv\r\n{close}", self.method, self.path);
        let mut bytes = Vec::new();
        match &self.posted {
            Some((body, true)) => write_chunked(&mut bytes, &start, body)?,
            Some((body, false)) => write_sized(&mut bytes, &start, body, body.len())?,
            None => bytes.extend([start.as_bytes(), b"\r\n"].concat()),
        }
        Ok(bytes)
    }
}

struct Session {
    client: u64,
    stream: TcpStream,
    exchanges: Vec<Exchange>,
}

impl Session {
    fn begin(client: u64, rounds: u64, size: usize) -> io::Result<Session> {
        let stream = TcpStream::connect(("srv", PORT))?;
        let exchanges = (0..rounds).flat_map(|round| exchanges(client << 16 | round, size));
        Ok(Session { client, stream, exchanges: exchanges.collect() })
    }

    fn run(&self, complaints: &Complaints) -> io::Result<()> {
        let mut answers = Reader::new(&self.stream);
        for exchange in &self.exchanges {
            write_torn(&self.stream, &exchange.encode()?)?;
            self.expect(&mut answers, exchange, complaints)?;
        }
        // Somebody else writes, so that neither side's buffers can be too small for it.
        let requests: io::Result<Vec<_>> = self.exchanges.iter().map(Exchange::encode).collect();
        let (requests, way_out) = (requests?.concat(), self.stream.try_clone()?);
        let writer = spawn("pipeline", move || write_torn(&way_out, &requests))?;
        for exchange in &self.exchanges {
            self.expect(&mut answers, exchange, complaints)?;
        }
        crate::common::join_all([writer])?;
        let last = Exchange { is_last: true, ..get(3) };
        write_torn(&self.stream, &last.encode()?)?;
        self.expect(&mut answers, &last, complaints)?;
        let at_end = answers.is_at_end()?;
        complaints.unless(at_end, || format!("client {}: more comes at the end", self.client));
        Ok(())
    }

    fn expect(
        &self,
        answers: &mut Reader<&TcpStream>,
        exchange: &Exchange,
        complaints: &Complaints,
    ) -> io::Result<()> {
        let head = answers.response()?;
        let body = if exchange.method == "HEAD" { Vec::new() } else { answers.body(&head)? };
        let is_due = head.start == exchange.status && body == exchange.body;
        complaints.unless(is_due, || {
            let (client, method, path) = (self.client, exchange.method, &exchange.path);
            let (got, due) = (body.len(), exchange.body.len());
            format!("client {client}: {method} {path}: {}, {got} bytes of {due}", head.start)
        });
        Ok(())
    }
}

/// One of each kind.
fn exchanges(of: u64, size: usize) -> Vec<Exchange> {
    let post = |path: &str, length: usize, in_chunks| {
        let body = pattern(of, 0, length);
        let posted = Some((body.clone(), in_chunks));
        Exchange { method: "POST", path: path.into(), posted, body, ..get(0) }
    };
    vec![
        get(1),
        post("/", size, false),
        Exchange { path: format!("/chunked/{size}"), ..get(size) },
        post("/chunked", 1460, true),
        Exchange { method: "HEAD", body: Vec::new(), ..get(size) },
        post("/", 0, false),
        post("/chunked", 0, true),
        post("/", size, true),
        Exchange { path: "/nowhere".into(), status: "404 Not Found", ..get(0) },
    ]
}

fn get(length: usize) -> Exchange {
    Exchange {
        method: "GET",
        path: format!("/{length}"),
        posted: None,
        status: "200 OK",
        body: pattern(0, 0, length),
        is_last: false,
    }
}

/// Where a write ends means nothing in HTTP; where nothing deviates it ends after one byte.
fn write_torn(mut to: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let cut = 1 + rand::choose("cut", bytes.len() as u32 - 1) as usize;
    to.write_all(&bytes[..cut])?;
    to.write_all(&bytes[cut..])
}
