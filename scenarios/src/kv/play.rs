//! `kv`: several hosts use one server at once, and what they saw is judged: each key behaves as if
//! one operation happened after the other.

use std::io;

use greenroom::check::Shared;
use greenroom::net::TcpListener;
use greenroom::rand;
use greenroom::scenario::{Scenario, Stage};
use greenroom::time::{Duration, Instant};

use super::client::Client;
use super::linearizable::{self, Op, Returned};
use super::register::{Condition, Kind};
use super::server::Server;
use crate::common::{Complaints, join_all, spawn};

const PORT: u16 = 7379;

/// A reply that takes longer may never come: the client gives it up, not knowing whether the
/// server did what it asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection of which nothing is heard is given up.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// What the judge may look at for one key before it says that it cannot tell.
const STATES_MAX: usize = 200_000;

/// Connections that may come to nothing, one after the other, before a client complains.
const CONNECTS_MAX: u32 = 5;

/// The story. Knobs: `clients` hosts with `connections` each, that do `operations` on `keys`.
pub fn story() -> Scenario {
    Scenario::new("kv", "a Redis-like server is linearizable, key by key", set)
        .knob("clients", 3)
        .knob("connections", 1)
        .knob("operations", 4)
        .knob("keys", 2)
}

fn set(stage: &mut Stage) {
    let complaints = Complaints::on(stage, "the server can be reached and answers what is asked");
    let history = History::default();
    stage.server("srv", || {
        let listener = TcpListener::bind(("0.0.0.0", PORT))?;
        Server::new(Some(IDLE_MAX)).serve(&listener)
    });
    let (connections, keys) = (stage.knob("connections"), stage.knob("keys").max(1));
    let operations = stage.knob("operations");
    for client in 0..stage.knob("clients") {
        let (book, history) = (complaints.clone(), history.clone());
        stage.client(&format!("cli{client}"), move || {
            let users = (0..connections).map(|connection| {
                let user = User { process: client * connections + connection, keys, operations };
                let (book, history) = (book.clone(), history.clone());
                spawn("user", move || user.run(&history, &book))
            });
            join_all(users.collect::<io::Result<Vec<_>>>()?)
        });
    }
    stage.judge("each key behaves as if one thing happened after the other", move || {
        history.0.with(|seen| linearizable::check(&seen.ops, STATES_MAX)).map_err(|e| e.to_string())
    });
}

/// What all clients saw, in one order that every host agrees on.
#[derive(Clone, Default)]
struct History(Shared<Seen>);

#[derive(Default)]
struct Seen {
    ops: Vec<Op>,
    latest_ns: u64,
}

impl Seen {
    /// The time, made to differ from every earlier answer. Hosts' clocks need not agree; the order
    /// in which they come here is one that happened.
    fn stamp(&mut self) -> u64 {
        let now_ns = Instant::now().reading().as_nanos() as u64;
        self.latest_ns = now_ns.max(self.latest_ns + 1);
        self.latest_ns
    }
}

impl History {
    /// An operation begins; answers its number.
    fn called(&self, process: u64, key: Vec<u8>, kind: Kind) -> usize {
        self.0.with(|seen| {
            let call_ns = seen.stamp();
            seen.ops.push(Op { process, key, kind, call_ns, returned: None });
            seen.ops.len() - 1
        })
    }

    fn returned(&self, number: usize, outcome: super::register::Outcome) {
        self.0.with(|seen| {
            let at_ns = seen.stamp();
            seen.ops[number].returned = Some(Returned { at_ns, outcome });
        });
    }
}

/// One connection's user. What it does next is chance's choice, and varies without it.
struct User {
    process: u64,
    keys: u64,
    operations: u64,
}

impl User {
    fn run(&self, history: &History, complaints: &Complaints) -> io::Result<()> {
        let mut client = None;
        for number in 0..self.operations {
            let mut connected = match client.take() {
                Some(client) => client,
                None => connect()?,
            };
            let (key, kind) = self.next(number);
            let call = history.called(self.process, key.clone(), kind.clone());
            match connected.ask(&key, &kind) {
                Ok(outcome) => {
                    history.returned(call, outcome);
                    client = Some(connected);
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    complaints.add(error.to_string());
                }
                // Nobody knows what became of it.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn next(&self, number: u64) -> (Vec<u8>, Kind) {
        let turn = self.process + number;
        let key = (turn + u64::from(rand::choose("key", self.keys as u32))) % self.keys;
        // A number, so that it can be counted on, and one that nobody else sets.
        let value = (1000 * (self.process + 1) + number).to_string().into_bytes();
        let set = |condition| Kind::Set { value, condition };
        let kind = match (turn + u64::from(rand::choose("operation", 7))) % 7 {
            0 => set(Condition::Always),
            1 | 4 => Kind::Incr,
            2 | 5 => Kind::Get,
            3 => Kind::Del,
            _ if rand::choose("condition", 2) == 0 => set(Condition::IfAbsent),
            _ => set(Condition::IfPresent),
        };
        (format!("k{key}").into_bytes(), kind)
    }
}

fn connect() -> io::Result<Client> {
    let mut last = None;
    for _ in 0..CONNECTS_MAX {
        match Client::connect(("srv", PORT), PATIENCE) {
            Ok(client) => return Ok(client),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::TimedOut.into()))
}
