//! Notes for coverage: what a socket is like, what is done to it and what that comes to, without
//! what differs from program to program.

use greenroom::net::{Domain, Socket, Type};

use super::super::program::{Op, Step};
use super::call::Thing;
use super::{Outcome, Player};

impl Player<'_> {
    /// What the socket of a step is like. To look changes nothing.
    pub(super) fn state_before(&self, step: &Step) -> String {
        let slot = match step {
            Step::Do(op) | Step::Times(_, op) => slot_of(op),
            Step::Together(ops) => ops.first().and_then(slot_of),
            Step::Start { slot, .. } => Some(*slot),
            Step::Ask(_) => None,
        };
        let Some(slot) = slot else { return "-".into() };
        let Ok(thing) = self.thing(slot) else { return "closed".into() };
        let poll = thing.poll().unwrap_or_else(|_| "!".into());
        let waits = if std::rc::Rc::strong_count(&thing) > 2 { " awaited" } else { "" };
        let of = match &*thing {
            Thing::Socket(socket) => kind_of(socket),
            Thing::Reader(_) => "reader".into(),
            Thing::Writer(_) => "writer".into(),
        };
        format!("{of} {poll}{waits}")
    }
}

fn kind_of(socket: &Socket) -> String {
    let kind = match (socket.domain(), socket.r#type()) {
        (Ok(Domain::UNIX), Ok(Type::STREAM)) => "unix-stream",
        (Ok(Domain::UNIX), Ok(Type::DGRAM)) => "unix-datagram",
        (Ok(Domain::UNIX), _) => "unix-records",
        (Ok(Domain::IPV6), Ok(Type::STREAM)) => "tcp6",
        (Ok(Domain::IPV6), _) => "udp6",
        (_, Ok(Type::STREAM)) => "tcp",
        _ => "udp",
    };
    let listens = socket.is_listener().unwrap_or(false);
    let has_peer = socket.peer_addr().is_ok();
    let state = match (listens, has_peer) {
        (true, _) => "listening",
        (_, true) => "connected",
        _ => "alone",
    };
    format!("{kind} {state}")
}

/// The slot whose socket an operation finds there, if it is about one.
fn slot_of(op: &Op) -> Option<u8> {
    match op {
        Op::Make(..) | Op::Pair(..) | Op::Connected(..) | Op::Pipe(..) => None,
        other => other.slot(),
    }
}

/// A step without its slots, sizes and addresses.
pub fn shape(step: &Step) -> String {
    let text = step.to_string();
    let is_word =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_');
    let waits = if matches!(step, Step::Start { .. }) { "waiting " } else { "" };
    let words: Vec<&str> = text.split_whitespace().filter(is_word).collect();
    format!("{waits}{}", words.join(" "))
}

/// What it came to: an error's name, a word, or what kind of number.
pub fn class(outcome: &Outcome) -> String {
    match outcome {
        Err(name) => name.clone(),
        Ok(text) if text.starts_with("\"\"") => "nothing".into(),
        Ok(text) => {
            let words = text.split(|c: char| !c.is_ascii_lowercase());
            let words: Vec<&str> = words.filter(|word| word.len() > 1).collect();
            words.join(" ")
        }
    }
}
