//! Calls of a program: made out with what they take, and told in words.

use std::io;

use greenroom::net::{Domain, SockAddr, Socket};

use super::super::program::{Beside, Call, Data, awaited};
use super::call::{Came, Task, Thing};
use super::{Line, Player, done, words};

impl Player<'_> {
    pub(super) fn call(&mut self, slot: u8, call: &Call) -> Line {
        let task = self.task(slot, call)?;
        let came = task.run_at_once()?;
        self.told(&task, came)
    }

    fn bytes(&mut self, data: &Data) -> Vec<u8> {
        match data {
            Data::Text(text) => text.clone(),
            Data::Numbered(n) => {
                let sent = &mut self.world.common().sent;
                let first = *sent;
                *sent = first.wrapping_add(*n);
                (0..*n).map(|at| words::numbered(first.wrapping_add(at))).collect()
            }
        }
    }

    /// A call with what it takes, made out now.
    pub(super) fn task(&mut self, slot: u8, call: &Call) -> io::Result<Task> {
        let peer = match call {
            Call::Connect(place)
            | Call::SendTo(_, place)
            | Call::Message(_, Beside { to: Some(place), .. }) => Some(self.address(*place, slot)?),
            _ => None,
        };
        let parts = match call {
            Call::Send(data) | Call::SendTo(data, _) | Call::Message(data, _) => {
                data.iter().map(|data| self.bytes(data)).collect()
            }
            Call::Urgent(data) => vec![self.bytes(data)],
            _ => Vec::new(),
        };
        let thing = self.thing(slot)?;
        let rights = match call {
            Call::Message(_, beside) => {
                let things = beside.rights.iter().map(|slot| self.thing(*slot));
                let mut things = things.collect::<io::Result<Vec<_>>>()?;
                // When circles of Unix sockets in each other's queues are found is up to the system:
                // whenever anybody on it closes one.
                things.retain(|thing| !self.world.is_lenient || !is_of_unix(thing));
                things
            }
            _ => Vec::new(),
        };
        Ok(Task { thing, call: call.clone(), peer, within: None, parts, rights })
    }

    /// What a call came to, in words; what it brought goes where it belongs.
    pub(super) fn told(&mut self, task: &Task, came: Came) -> Line {
        let is_lenient = self.world.is_lenient;
        let from = |player: &mut Self, peer: &Option<SockAddr>| match peer {
            // The end comes from nobody, of whichever family.
            Some(peer) if is_lenient && is_nobody(peer) => "nobody".into(),
            Some(peer) => player.show(peer),
            None => "nobody".into(),
        };
        match came {
            Came::Done => done(()),
            Came::Shown(what) => Ok(awaited(what)),
            Came::Count(n) => {
                let asked: usize = task.parts.iter().map(Vec::len).sum();
                let is_numbered = task.is_numbered();
                if is_numbered {
                    // What was not taken is sent by the next.
                    let sent = &mut self.world.common().sent;
                    *sent = sent.wrapping_sub((asked - n.min(asked)) as u32);
                }
                Ok(match n < asked {
                    // How much fits is each hub's own affair.
                    true if self.world.is_lenient => "part".into(),
                    true => format!("{n} of {asked}"),
                    false => n.to_string(),
                })
            }
            Came::Bytes(bytes) => {
                self.received(bytes.len());
                Ok(words::shown(&bytes))
            }
            Came::BytesFrom(bytes, peer) => {
                Ok(format!("{} from {}", words::shown(&bytes), from(self, &peer)))
            }
            Came::Message(bytes, peer, said, handle) => {
                self.received(bytes.len());
                let from = from(self, &Some(peer));
                if let Some((into, socket)) = handle {
                    self.clear(&[into]);
                    self.put(into, socket)?;
                }
                Ok(format!("{} from {from}{said}", words::shown(&bytes)))
            }
            Came::Accepted(into, socket, peer) => {
                let peer = self.show(&peer);
                self.clear(&[into]);
                self.put(into, socket)?;
                Ok(format!("from {peer}"))
            }
        }
    }
}

fn is_of_unix(thing: &Thing) -> bool {
    thing.socket().and_then(Socket::domain).is_ok_and(|domain| domain == Domain::UNIX)
}

fn is_nobody(peer: &SockAddr) -> bool {
    peer.as_socket().is_some_and(|inet| inet.ip().is_unspecified() && inet.port() == 0)
}
