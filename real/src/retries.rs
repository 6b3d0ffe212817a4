//! Calls that are tried again by the clock, for what the system refuses and never reports.
//!
//! A Unix socket that connects to a full backlog, or sends to a full peer it is not connected to,
//! is told `EAGAIN` and nothing after that: epoll watches the socket, and what is full is another.
//! Nor is the writer of a full Unix stream told that it was shut, at this end or the other.
//! The hub names such a source after a while, and again later each time it is refused: after 1 ms,
//! 2 ms and so on to 32 ms. So a wait ends at most that much after the room is there, and a source
//! that nobody tries any more is named once and forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use greenroom::hub::{Io, Tick};

const FIRST_MS: u32 = 1;
const LAST_MS: u32 = 32;

#[derive(Default)]
pub(crate) struct Retries(BTreeSet<(Tick, Io)>);

/// What one source knows of its own retries.
#[derive(Clone, Copy, Default)]
pub(crate) struct Patience {
    /// When it is named next; a past time where it is not to be.
    due: Tick,
    /// How long the last pause was.
    pause_ms: u32,
}

impl Patience {
    /// A call went through: the next refusal starts from the shortest pause.
    pub(crate) fn relax(&mut self) {
        self.pause_ms = 0;
    }
}

impl Retries {
    /// Has the source named after its next pause, unless it is to be named already.
    pub(crate) fn add(&mut self, io: Io, patience: &mut Patience, now: Tick) {
        if patience.due <= now {
            patience.pause_ms = (patience.pause_ms * 2).clamp(FIRST_MS, LAST_MS);
            patience.due = now.after(Duration::from_millis(patience.pause_ms.into()));
            self.0.insert((patience.due, io));
        }
    }

    /// When the next source is to be named.
    pub(crate) fn next(&self) -> Option<Tick> {
        self.0.first().map(|(due, _)| *due)
    }

    /// Takes out a source whose pause is over.
    pub(crate) fn pop_due(&mut self, now: Tick) -> Option<Io> {
        let is_due = self.next().is_some_and(|due| due <= now);
        if is_due { self.0.pop_first().map(|(_, io)| io) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_start_over_after_a_success() {
        let (mut retries, mut patience) = (Retries::default(), Patience::default());
        let io = Io::new(0);
        let mut now = Tick::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            retries.add(io, &mut patience, now);
            retries.add(io, &mut patience, now);
            assert_eq!(retries.0.len(), 1, "one naming stands for every refusal before it");
            let due = retries.next().unwrap();
            assert_eq!(retries.pop_due(Tick::from_ns(due.as_ns() - 1)), None);
            assert_eq!(retries.pop_due(due), Some(io));
            pauses.push(due.since(now).as_millis());
            now = due;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32, 32]);
        patience.relax();
        retries.add(io, &mut patience, now);
        assert_eq!(retries.next().unwrap().since(now), Duration::from_millis(1));
    }
}
