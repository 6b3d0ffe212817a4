//! Events in words that stand by themselves, to say where two runs that should be one part.

use super::event::Event;
use super::words::Words;
use super::{Log, PayloadAs};
use crate::choices::{Ns, mix};

impl Log {
    /// Each event in words, with a number for all of it that is compared.
    pub(crate) fn described(&self) -> impl Iterator<Item = (String, u64)> {
        self.events.iter().enumerate().map(|(at, event)| (self.say(at, event), self.number(event)))
    }

    fn say(&self, at: usize, event: &Event) -> String {
        let who = match event.greenlet {
            Some(greenlet) => self.paths.text(greenlet),
            None => self.hosts[usize::from(event.host)].0.clone(),
        };
        let words = Words { log: self, event, at, payload: Some(PayloadAs::Text) };
        format!("event {}, {who} at {}: {}", at + 1, Ns(event.at_ns), words.said())
    }

    fn number(&self, event: &Event) -> u64 {
        let digest = event.what.digest();
        let who = event.greenlet.map_or(0, |greenlet| self.paths.hash(greenlet));
        let what = mix(u64::from(digest.socket) << 8 | u64::from(digest.number), digest.value);
        mix(mix(event.at_ns ^ u64::from(event.host).rotate_left(48), who), mix(what, digest.more))
    }
}
