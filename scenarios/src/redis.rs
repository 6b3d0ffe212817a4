//! `redis`: sessions with the key-value server as a Redis client has them: one command at a time,
//! pipelines, values of many segments, requests that come in pieces. `kv` judges what several
//! clients make of each other; here every reply is known before it comes.

use std::io::{self, Read, Write};

use greenroom::check::Shared;
use greenroom::net::{TcpListener, TcpStream};
use greenroom::rand;
use greenroom::scenario::{Scenario, Stage};

use crate::bytes::pattern;
use crate::common::Complaints;
use crate::kv::resp::{Reply, ReplyReader, encode_request};
use crate::kv::server::Server;

const PORT: u16 = 6379;

/// The story. Knobs: `clients` hosts, each going through `rounds` with values of up to `size`.
pub fn redis() -> Scenario {
    Scenario::new("redis", "each command of a session is answered as Redis does, in order", set)
        .knob("clients", 1)
        .knob("rounds", 1)
        .knob("size", 5000)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "every reply is the one that is due");
    let hits = Shared::new(Vec::new());
    stage.server("srv", || {
        let listener = TcpListener::bind(("0.0.0.0", PORT))?;
        Server::new(None).serve(&listener)
    });
    let (clients, rounds) = (stage.knob("clients"), stage.knob("rounds"));
    let size = stage.knob("size") as usize;
    for client in 0..clients {
        let (complaints, hits) = (complaints.clone(), hits.clone());
        stage.client(&format!("cli{client}"), move || {
            let mut session = Session::begin(client, complaints.clone())?;
            for round in 0..rounds {
                session.one_at_a_time(round, size)?;
                session.pipeline(round, size)?;
                let count = session.count_a_hit()?;
                hits.with(|hits| hits.push(count));
            }
            session.end()
        });
    }
    stage.judge("every hit is counted once", move || {
        let mut counts = hits.with(std::mem::take);
        counts.sort_unstable();
        let each_once = counts.iter().copied().eq(1..=(clients * rounds) as i64);
        if each_once { Ok(()) } else { Err(format!("the server counted {counts:?}")) }
    });
}

/// One client's connection, and keys that nobody else has.
struct Session {
    client: u64,
    stream: TcpStream,
    replies: ReplyReader<TcpStream>,
    complaints: Complaints,
}

impl Session {
    fn begin(client: u64, complaints: Complaints) -> io::Result<Session> {
        let stream = TcpStream::connect(("srv", PORT))?;
        let replies = ReplyReader::new(stream.try_clone()?);
        let mut session = Session { client, stream, replies, complaints };
        session.ask(&[b"PING"], simple("PONG"))?;
        Ok(session)
    }

    fn key(&self, name: &str) -> Vec<u8> {
        format!("{name}:{}", self.client).into_bytes()
    }

    fn one_at_a_time(&mut self, round: u64, size: usize) -> io::Result<()> {
        let (value, count) = (self.key("value"), self.key("count"));
        let first = if round == 0 { Reply::Nil } else { Reply::Bulk(Vec::new()) };
        self.ask(&[b"GET", &value], first)?;
        for length in [1, 1460, size, 0] {
            let bytes = pattern(self.client, round << 32, length);
            self.ask(&[b"SET", &value, &bytes], simple("OK"))?;
            self.ask(&[b"GET", &value], Reply::Bulk(bytes))?;
        }
        for step in 1..=3 {
            self.ask(&[b"INCR", &count], Reply::Integer(step))?;
        }
        self.ask(&[b"DEL", &count, b"nobody's"], Reply::Integer(1))
    }

    /// Asks much before it reads anything; a command in the middle is refused.
    fn pipeline(&mut self, round: u64, size: usize) -> io::Result<()> {
        let (a, b, count) = (self.key("a"), self.key("b"), self.key("count"));
        let [small, large] = [5, size].map(|length| pattern(self.client, round << 32 | 7, length));
        let mut due = Vec::new();
        let mut requests = Vec::new();
        let mut put = |args: &[&[u8]], reply| {
            encode_request(&mut requests, args);
            due.push(reply);
        };
        put(&[b"SET", &a, &small], simple("OK"));
        put(&[b"SET", &b, &large], simple("OK"));
        (1..=10).for_each(|step| put(&[b"INCR", &count], Reply::Integer(step)));
        put(&[b"INCR", &a], refused("ERR value is not an integer or out of range"));
        put(&[b"GET"], refused("ERR wrong number of arguments for 'get' command"));
        let both = Reply::Array(vec![Reply::Bulk(small), Reply::Nil, Reply::Bulk(large.clone())]);
        put(&[b"MGET", &a, b"nobody's", &b], both);
        put(&[b"GET", &b], Reply::Bulk(large));
        put(&[b"DEL", &a, &b, &count], Reply::Integer(3));
        self.write_torn(&requests)?;
        due.into_iter().try_for_each(|reply| self.expect(&reply))
    }

    /// Where a write ends means nothing to the server.
    fn write_torn(&mut self, bytes: &[u8]) -> io::Result<()> {
        let cut = 1 + rand::choose("cut", bytes.len() as u32 - 1) as usize;
        self.stream.write_all(&bytes[..cut])?;
        self.stream.write_all(&bytes[cut..])
    }

    /// All clients count on one key.
    fn count_a_hit(&mut self) -> io::Result<i64> {
        let mut request = Vec::new();
        encode_request(&mut request, &[b"INCR", b"hits"]);
        self.stream.write_all(&request)?;
        match self.replies.read()? {
            Reply::Integer(count) => Ok(count),
            other => Err(io::Error::other(format!("a hit is answered {other:?}"))),
        }
    }

    fn end(mut self) -> io::Result<()> {
        self.ask(&[b"QUIT"], simple("OK"))?;
        let after = self.stream.read(&mut [0])?;
        self.complaints.unless(after == 0, || "the server speaks on after QUIT".into());
        Ok(())
    }

    fn ask(&mut self, args: &[&[u8]], due: Reply) -> io::Result<()> {
        let mut request = Vec::new();
        encode_request(&mut request, args);
        self.stream.write_all(&request)?;
        self.expect(&due)
    }

    fn expect(&mut self, due: &Reply) -> io::Result<()> {
        let reply = self.replies.read()?;
        self.complaints.unless(reply == *due, || {
            format!("client {}: {} where {} is due", self.client, brief(&reply), brief(due))
        });
        Ok(())
    }
}

fn simple(text: &str) -> Reply {
    Reply::Simple(text.into())
}

fn refused(text: &str) -> Reply {
    Reply::Error(text.into())
}

/// A reply in a line.
fn brief(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) => format!("{} bytes {:?}…", bytes.len(), &bytes[..bytes.len().min(8)]),
        Reply::Array(replies) => format!("an array of {}", replies.len()),
        other => format!("{other:?}"),
    }
}
