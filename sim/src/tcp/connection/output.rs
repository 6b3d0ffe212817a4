//! What leaves: one segment a call, chosen from what is owed, the send buffer and the peer's window.
//! Not when to call: the owner asks at the end of an instant, so that an ACK rides on the reply.

use super::super::{Flags, Segment, State};
use super::Connection;

/// Duplicate ACKs sent for one instant's segments: three are a signal, more are noise.
const DUPLICATE_ACKS_MAX: u32 = 3;

impl Connection {
    /// The next segment, its bytes in `payload`; call until `None`.
    pub fn poll_transmit(&mut self, now: u64, payload: &mut Vec<u8>) -> Option<Segment> {
        payload.clear();
        if let Some(reset) = self.owed.reset.take() {
            return Some(reset);
        }
        match self.state {
            State::Closed => None,
            State::SynSent | State::SynReceived => self.handshake(now),
            _ => {
                let segment = self.text(now, payload).or_else(|| self.bare_ack());
                if segment.is_none() {
                    self.rest(now);
                }
                segment
            }
        }
    }

    fn handshake(&mut self, now: u64) -> Option<Segment> {
        if std::mem::take(&mut self.owed.syn) {
            self.owed.ack = false;
            self.timers.sent(now, self.snd_max, true, &self.config);
            let mut segment = self.header(self.iss);
            segment.flags = match self.state {
                State::SynSent => Flags::SYN,
                _ => Flags::SYN_ACK,
            };
            if self.state == State::SynSent {
                segment.ack = 0;
            }
            return Some(segment);
        }
        self.bare_ack()
    }

    /// Data, with FIN behind the last of it. As in Linux with TCP_NODELAY the window is filled to the
    /// last byte; that no silly windows are announced is the receiver's care.
    fn text(&mut self, now: u64, payload: &mut Vec<u8>) -> Option<Segment> {
        debug_assert!(self.snd_una <= self.snd_nxt && self.snd_nxt <= self.snd_max);
        let (seq, end) = (self.snd_nxt, self.outgoing.end());
        let waiting = end.saturating_sub(seq);
        let room = self.send_limit().saturating_sub(seq);
        let len = waiting.min(room).min(u64::from(self.config.mss.max(1)));
        let fin = self.shut_write && seq + len == end;
        if len == 0 && !fin {
            return None;
        }
        self.snd_nxt = seq + len + u64::from(fin);
        let fresh = seq == self.snd_max;
        self.snd_max = self.snd_max.max(self.snd_nxt);
        self.timers.sent(now, self.snd_nxt, fresh, &self.config);

        if len > 0 {
            self.outgoing.copy(seq, len as usize, payload);
        }
        let mut segment = self.header(seq);
        segment.len = len as u32;
        segment.flags.fin = fin;
        segment.flags.psh = len > 0 && len == waiting;
        Some(segment)
    }

    fn send_limit(&self) -> u64 {
        match &self.recovery {
            Some(recovery) => self.snd_edge.min(self.snd_una.saturating_add(recovery.window)),
            None => self.snd_edge,
        }
    }

    fn bare_ack(&mut self) -> Option<Segment> {
        if std::mem::take(&mut self.owed.probe) {
            // One position back, where the peer has to object and so tells its window.
            return Some(self.header(self.snd_una - 1));
        }
        // First the news, then its repetitions: they count as duplicates only after it.
        if self.owed.ack || self.window_update_due() {
            return Some(self.header(self.snd_max));
        }
        if self.owed.duplicate_acks > 0 {
            self.owed.duplicate_acks = self.owed.duplicate_acks.min(DUPLICATE_ACKS_MAX) - 1;
            return Some(self.header(self.snd_max));
        }
        None
    }

    fn window_update_due(&self) -> bool {
        self.state.is_synchronized()
            && !self.peer_finished
            && !self.orphan
            && self.incoming.update_due(self.config.mss)
    }

    /// Whatever leaves carries ACK and window, so nothing is owed of them after it. Not so the
    /// duplicates: a peer counts only those without data.
    fn header(&mut self, seq: u64) -> Segment {
        self.owed.ack = false;
        Segment {
            seq,
            ack: self.rcv_nxt(),
            flags: Flags::ACK,
            window: self.incoming.announce(self.config.mss),
            len: 0,
        }
    }

    /// Nothing more can be said now: set the timers that only matter then.
    fn rest(&mut self, now: u64) {
        let blocked = !self.in_flight() && self.unsent() > 0;
        self.timers.rest(now, blocked, &self.config);
        if self.orphan && self.state == State::FinWait2 {
            self.timers.close_once_after(now, self.config.fin_timeout_ns);
        }
    }
}
