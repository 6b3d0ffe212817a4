//! What the entity of a deviation did last before it, as a number. A token keeps it: where a changed
//! program does something else there, the deviation may hit another thing than it was recorded at.
//!
//! Counted are the last calls, waits and choices of the greenlet or on the socket, with their bytes;
//! not their times, who else ran, or what a socket is called. So a stranger changes nothing, nor a
//! slower link. Hosts and pairs of hosts have none, nor has a socket on which nothing was called yet.

use std::collections::HashMap;

use super::Log;
use super::event::{Event, Program, Schedule, What};
use super::names::SocketKey;
use crate::choices::{About, Deviation, Fixed, hash_bytes, mix};

/// How far back it looks.
const LAST: usize = 3;

/// What may have done something: a greenlet by its path, a socket by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Doer {
    Greenlet(u32),
    Socket(SocketKey),
}

impl Log {
    /// The context of each deviation, in their order.
    pub(crate) fn contexts(&self) -> Vec<Option<u16>> {
        let sockets = self.names.by_path();
        let mut done: HashMap<Doer, Vec<u64>, Fixed> = HashMap::default();
        let mut contexts = Vec::with_capacity(self.deviations.len());
        for event in &self.events {
            while contexts.len() < event.deviations as usize {
                contexts.push(self.context(&self.deviations[contexts.len()], &sockets, &done));
            }
            let Some(word) = word_of(event) else { continue };
            let socket = event.what.socket();
            let by = event.greenlet.map(Doer::Greenlet);
            let on = (socket != 0).then_some(Doer::Socket((event.host, socket)));
            for doer in by.into_iter().chain(on) {
                let last = done.entry(doer).or_default();
                last.drain(..(last.len() + 1).saturating_sub(LAST));
                last.push(word);
            }
        }
        while contexts.len() < self.deviations.len() {
            contexts.push(self.context(&self.deviations[contexts.len()], &sockets, &done));
        }
        contexts
    }

    fn context(
        &self,
        deviation: &Deviation,
        sockets: &HashMap<u32, SocketKey, Fixed>,
        done: &HashMap<Doer, Vec<u64>, Fixed>,
    ) -> Option<u16> {
        let path = deviation.path;
        let socket = sockets.get(&path).map(|&key| Doer::Socket(key));
        let above = || self.paths.above(path).map(Doer::Greenlet);
        let doer = match deviation.decision.entry().about {
            About::Greenlet => Some(Doer::Greenlet(path)),
            // A query and a job have no number, and are whose greenlet's they are.
            About::Socket => socket.or_else(above),
            About::Sender => socket,
            About::Label => above(),
            About::Host | About::File | About::Pair => None,
        };
        let last = done.get(&doer?)?;
        Some(last.iter().fold(0, |hash, word| mix(hash, *word)) as u16)
    }
}

/// What counts of an event.
fn word_of(event: &Event) -> Option<u64> {
    let call = match &event.what {
        What::Schedule(Schedule::Park { call, .. }) => hash_bytes(call.as_bytes()),
        What::Call(_) | What::Program(Program::Chose { .. }) => 0,
        _ => return None,
    };
    let digest = event.what.digest();
    Some(mix(u64::from(digest.number) ^ call, digest.value ^ digest.more.rotate_left(32)))
}
