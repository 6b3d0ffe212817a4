//! A client that asks one thing at a time, and says when it cannot know whether it was done.

use std::io::{self, Write};

use greenroom::net::TcpStream;
use greenroom::time::Duration;

use super::register::{Condition, Kind, Outcome};
use super::reply::{Reply, ReplyReader};
use super::resp::encode_request;

/// One connection to the server.
pub(super) struct Client {
    stream: TcpStream,
    replies: ReplyReader<TcpStream>,
}

impl Client {
    /// A client that waits no longer than `patience` for a reply.
    pub fn connect(server: (&str, u16), patience: Duration) -> io::Result<Client> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(patience))?;
        let replies = ReplyReader::new(stream.try_clone()?);
        Ok(Client { stream, replies })
    }

    /// Does something to a key. After an error the connection is of no more use: the reply that
    /// did not come would be taken for the next one's.
    pub fn ask(&mut self, key: &[u8], kind: &Kind) -> io::Result<Outcome> {
        let mut request = Vec::new();
        encode(&mut request, key, kind);
        self.stream.write_all(&request)?;
        let reply = self.replies.read()?;
        outcome(kind, &reply).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{kind} is answered {reply:?}"))
        })
    }
}

fn encode(request: &mut Vec<u8>, key: &[u8], kind: &Kind) {
    match kind {
        Kind::Get => encode_request(request, &[b"GET", key]),
        Kind::Del => encode_request(request, &[b"DEL", key]),
        Kind::Incr => encode_request(request, &[b"INCR", key]),
        Kind::Set { value, condition } => match condition {
            Condition::Always => encode_request(request, &[b"SET", key, value]),
            Condition::IfAbsent => encode_request(request, &[b"SET", key, value, b"NX"]),
            Condition::IfPresent => encode_request(request, &[b"SET", key, value, b"XX"]),
        },
    }
}

/// What a reply says of the key, if it answers this at all.
fn outcome(kind: &Kind, reply: &Reply) -> Option<Outcome> {
    Some(match (kind, reply) {
        (Kind::Set { .. }, Reply::Simple(_)) => Outcome::Stored,
        (Kind::Set { .. }, Reply::Nil) => Outcome::NotStored,
        (Kind::Get, Reply::Bulk(value)) => Outcome::Value(Some(value.clone())),
        (Kind::Get, Reply::Nil) => Outcome::Value(None),
        (Kind::Del, Reply::Integer(count)) => Outcome::Deleted(*count == 1),
        (Kind::Incr, Reply::Integer(count)) => Outcome::Count(*count),
        (Kind::Incr, Reply::Error(_)) => Outcome::Refused,
        _ => return None,
    })
}
