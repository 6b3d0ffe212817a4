//! What a program says of which bytes belong together: `MSG_MORE` holds a segment back until it is
//! full, `MSG_EOR` ends one.

use std::io;

use super::Connection;

impl Connection {
    /// send(2) with MSG_MORE: what does not fill a segment waits for the next write, for a word from
    /// the peer that has Linux look at what it may send, or for as long as a corked one waits.
    pub fn send_more(&mut self, data: &[u8]) -> io::Result<usize> {
        let before = std::mem::replace(&mut self.more, true);
        let taken = self.write(data);
        if !matches!(taken, Ok(1..)) {
            self.more = before;
        }
        taken
    }

    /// MSG_EOR: no byte that is written later goes into the segment of the last one.
    pub fn end_record(&mut self) {
        let end = self.outgoing.end();
        if self.ends.back() != Some(&end) && end > self.snd_nxt {
            self.ends.push_back(end);
        }
    }

    /// TCP_NODELAY lets out even what is corked.
    pub fn push(&mut self) {
        self.pushed = self.outgoing.end();
        self.let_out();
    }

    /// What waits for more to be written waits no longer.
    pub fn let_out(&mut self) {
        self.more = false;
    }

    /// The end of the record that a segment from here stands in, if it has one.
    pub(super) fn record_end(&self, seq: u64) -> Option<u64> {
        self.ends.iter().copied().find(|end| *end > seq)
    }

    /// The peer has all up to here.
    pub(super) fn forget_ends(&mut self, ack: u64) {
        while self.ends.front().is_some_and(|end| *end <= ack) {
            self.ends.pop_front();
        }
    }
}
