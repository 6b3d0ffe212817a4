//! What leaves: one segment a call, chosen from what is owed, the send buffer and the peer's window.
//! Not when to call: the owner asks at the end of an instant, so that an ACK rides on the reply.

use std::ops::Range;

use super::super::segment::{Flags, Segment};
use super::super::state::State;
use super::Connection;

impl Connection {
    /// The next segment, its bytes in `payload`; call until `None`.
    pub fn poll_transmit(&mut self, now: u64, payload: &mut Vec<u8>) -> Option<Segment> {
        payload.clear();
        if let Some(reset) = self.owed.reset.take() {
            return Some(*reset);
        }
        let segment = self.next_segment(now, payload);
        // What a listener answers, and what is said in TIME-WAIT, does not come from the socket.
        if segment.is_some() && !self.embryo && self.state != State::TimeWait {
            self.counts.left();
        }
        segment
    }

    #[inline]
    fn next_segment(&mut self, now: u64, payload: &mut Vec<u8>) -> Option<Segment> {
        match self.state {
            State::Closed => None,
            State::SynSent | State::SynReceived => self.handshake(now),
            _ => {
                self.feed_appetite(now);
                let text = if self.has_text() { self.text(now, payload) } else { None };
                let segment = text.or_else(|| self.bare_ack());
                if segment.is_none() {
                    self.rest(now);
                }
                segment
            }
        }
    }

    /// Whether `poll_transmit` has certainly nothing to send now; it need not be asked then. That is how it goes
    /// most often: after every segment, and whenever something came that is acknowledged later.
    #[inline]
    pub fn falls_silent(&mut self, now: u64) -> bool {
        if !self.state.is_synchronized() || self.has_text() || self.owed.is_rare() {
            return false;
        }
        self.feed_appetite(now);
        let is_silent = !self.has_news();
        if is_silent {
            self.rest(now);
        }
        is_silent
    }

    /// As above, in less, right after a segment left: that one told all that there is to tell of what came.
    #[inline]
    pub fn has_said_all(&mut self) -> bool {
        let owes = self.owed.is_rare() || self.owed.ack || self.acks.is_owed();
        let is_through = self.state.is_synchronized() && !self.has_text() && !owes && !self.orphan;
        if is_through {
            debug_assert!(!self.has_news(), "a segment announces the window");
            self.congestion.used(self.pipe(), false);
        }
        is_through
    }

    /// Whether `poll_transmit`, which had nothing to say last, still has nothing and would change nothing: time
    /// alone has gone by since.
    pub fn is_at_rest(&self, now: u64) -> bool {
        let is_quiet = self.unsent() == 0 && !self.has_news();
        self.state.is_synchronized() && is_quiet && !self.appetite_is_due(now)
    }

    #[cold]
    fn handshake(&mut self, now: u64) -> Option<Segment> {
        if std::mem::take(&mut self.owed.syn) {
            self.owed.ack = false;
            self.timers.sent(now, self.snd_nxt, true, &self.config);
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

    /// Whether there is anything that `text` might send: most often there is not.
    #[inline]
    fn has_text(&self) -> bool {
        self.snd_nxt < self.written() || self.sent.has_gaps()
    }

    /// Data, with FIN behind the last of it: first a hole, then what the windows let out. The peer's
    /// is filled to the last byte; that no silly windows are announced is the receiver's care. Ours,
    /// which counts in segments, is filled with whole ones.
    #[inline]
    fn text(&mut self, now: u64, payload: &mut Vec<u8>) -> Option<Segment> {
        if let Some(hole) = self.sent.next(self.mss()) {
            let end = self.record_end(hole.start).map_or(hole.end, |end| end.min(hole.end));
            let hole = hole.start..end;
            let fits = hole.end - hole.start <= self.congestion_room();
            return fits.then(|| self.send_again(now, hole, payload));
        }
        let (seq, end) = (self.snd_nxt, self.outgoing.end());
        let waiting = end.saturating_sub(seq);
        let to_write_end = self.write_end.map_or(waiting, |write_end| write_end - seq);
        let to_end = self.record_end(seq).map_or(to_write_end, |end| to_write_end.min(end - seq));
        let whole = to_end.min(self.mss());
        let len = whole.min(self.snd_edge.saturating_sub(seq));
        let fin = self.shut_write && seq + len == end;
        let nothing = len == 0 && !fin;
        if nothing || len > self.room_after_rest(now) || (!fin && self.is_held(seq, len)) {
            return None;
        }
        Some(self.emit(now, seq..seq + len, fin, payload))
    }

    /// Whether a segment has to wait until it is full: for the cork, or by Nagle's rule as Linux has
    /// it, after Minshall: one that is not full may be out. Urgent data waits for neither.
    #[inline]
    fn is_held(&self, seq: u64, len: u64) -> bool {
        let corked = seq >= self.pushed;
        let urgent = self.snd_up.is_some();
        let waits = self.config.cork || self.more || (self.config.nagle && self.small_is_out());
        waits && !urgent && corked && len < self.mss() && !self.is_finished_record(seq + len)
    }

    /// The end of the record that a segment from here stands in, if it has one.
    #[inline]
    pub(super) fn record_end(&self, seq: u64) -> Option<u64> {
        self.ends.iter().copied().find(|end| *end > seq)
    }

    /// The peer has all up to here.
    #[inline]
    pub(super) fn forget_ends(&mut self, ack: u64) {
        while self.ends.front().is_some_and(|end| *end <= ack) {
            self.ends.pop_front();
        }
    }

    /// Nothing will fill a segment that ends here: a record does, and the next is there.
    fn is_finished_record(&self, end: u64) -> bool {
        end < self.outgoing.end() && self.ends.contains(&end)
    }

    #[inline]
    pub(super) fn small_is_out(&self) -> bool {
        self.snd_small > self.snd_una
    }

    /// What is lost, up to a segment of it. When it is the oldest, the timeout begins anew.
    #[cold]
    fn send_again(&mut self, now: u64, lost: Range<u64>, payload: &mut Vec<u8>) -> Segment {
        let end = self.outgoing.end();
        let fin = lost.end > end;
        self.sent.sent_again(lost.clone(), self.snd_nxt, now);
        if lost.start == self.snd_una {
            self.rearm(now);
        }
        self.emit(now, lost.start..lost.end.min(end), fin, payload)
    }

    #[inline(always)] // Into `text`: the other caller is cold.
    fn emit(&mut self, now: u64, bytes: Range<u64>, fin: bool, payload: &mut Vec<u8>) -> Segment {
        let (seq, len) = (bytes.start, bytes.end - bytes.start);
        let next = bytes.end + u64::from(fin);
        let fresh = seq == self.snd_nxt;
        if !fresh {
            self.counts.was_sent_again();
        }
        self.snd_nxt = self.snd_nxt.max(next);
        self.write_end = self.write_end.filter(|write_end| *write_end > self.snd_nxt);
        self.timers.sent(now, next, fresh, &self.config);
        self.congestion.sent(next - seq);
        if len > 0 {
            self.acks.answered(now, self.config.ack_delay_ns);
            if fresh && len < self.mss() {
                self.snd_small = bytes.end;
            }
            self.outgoing.copy(seq, len as usize, payload);
        }
        let mut segment = self.header(seq);
        segment.len = len as u32;
        segment.flags.fin = fin;
        segment.flags.psh = len > 0 && bytes.end == self.outgoing.end();
        segment
    }

    /// Whether it is time to look at how much was read.
    fn appetite_is_due(&self, now: u64) -> bool {
        self.incoming.capacity() < self.config.recv_buffer_max
            && self.timers.rtt.smoothed_ns().is_some_and(|ns| self.appetite.is_due(now, ns))
    }

    #[inline]
    fn feed_appetite(&mut self, now: u64) {
        let max = self.config.recv_buffer_max;
        if self.incoming.capacity() >= max {
            return;
        }
        let Some(round_trip_ns) = self.timers.rtt.smoothed_ns() else { return };
        let (read, mss) = (self.incoming.start(), self.mss());
        if let Some(window) = self.appetite.measured(now, read, round_trip_ns, mss) {
            self.incoming.grow(window.min(u64::from(max)));
        }
    }

    #[inline]
    pub(super) fn mss(&self) -> u64 {
        u64::from(self.config.mss.max(1))
    }

    /// The room for something that leaves now, be it after a rest.
    #[inline]
    fn room_after_rest(&mut self, now: u64) -> u64 {
        if !self.in_flight() {
            let (idle_ns, timeout_ns) = self.timers.rested(now, &self.config);
            self.congestion.rested(idle_ns, timeout_ns);
        }
        self.congestion_room()
    }

    #[inline]
    fn congestion_room(&self) -> u64 {
        self.congestion.window().saturating_sub(self.pipe())
    }

    #[inline]
    fn bare_ack(&mut self) -> Option<Segment> {
        if std::mem::take(&mut self.owed.urgent) {
            return Some(self.header(self.snd_una));
        }
        if std::mem::take(&mut self.owed.probe) {
            // One position back, where the peer has to object and so tells its window. It heeds
            // nothing else of it, so what is owed to it stays so.
            return Some(self.header_of_probe());
        }
        // First the news, then its repetitions: they count as duplicates only after it.
        if self.has_news() {
            return Some(self.header(self.snd_nxt));
        }
        let sack = self.owed.duplicate_acks.pop_front()?;
        Some(Segment { sack, ..self.header(self.snd_nxt) })
    }

    #[inline]
    fn has_news(&self) -> bool {
        self.owed.ack || self.ack_due() || self.window_update_due()
    }

    #[inline]
    fn ack_due(&self) -> bool {
        self.acks.is_due(self.rcv_nxt(), self.mss(), self.incoming.len() == 0)
    }

    #[inline]
    fn window_update_due(&self) -> bool {
        self.state.is_synchronized()
            && !self.peer_finished
            && !self.orphan
            && self.incoming.update_due(self.config.mss)
    }

    /// Whatever leaves carries ACK and window, so nothing is owed of them after it. Not so the
    /// duplicates: a peer counts only those without data.
    #[inline]
    fn header(&mut self, seq: u64) -> Segment {
        self.owed.ack = false;
        self.acks.sent(self.rcv_nxt());
        self.header_of(seq)
    }

    #[cold]
    fn header_of_probe(&mut self) -> Segment {
        self.header_of(self.snd_una - 1)
    }

    #[inline]
    fn header_of(&mut self, seq: u64) -> Segment {
        Segment {
            seq,
            ack: self.rcv_nxt(),
            flags: Flags::ACK,
            window: self.incoming.announce(self.config.mss),
            urgent: self.urgent_pointer(seq),
            sack: self.incoming.blocks(),
            len: 0,
        }
    }

    /// Nothing more can be said now: set the timers that only matter then.
    #[inline]
    fn rest(&mut self, now: u64) {
        let flight = self.pipe();
        let waiting = match self.sent.next(self.mss()) {
            Some(lost) => lost.end - lost.start,
            None if self.snd_edge > self.snd_nxt => self.unsent() as u64,
            None => 0,
        };
        let held_back = waiting > 0 && flight + waiting.min(self.mss()) > self.congestion.window();
        self.congestion.used(flight, held_back);
        self.acks.wait(now, self.config.ack_delay_ns);
        let blocked = !self.in_flight() && self.unsent() > 0;
        self.timers.rest(now, blocked, &self.config);
        if self.orphan && self.state == State::FinWait2 {
            self.timers.close_once_after(now, self.config.fin_timeout_ns);
        }
    }
}
