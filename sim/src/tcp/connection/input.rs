//! A segment arrives: RFC 9293 §3.10.7, in its order. Nothing is sent from here; what has to be said
//! is noted in `owed`. And what routers on the way say (ICMP): that a segment was too big for a hop, or
//! has nowhere to go.

use std::rc::Rc;

use super::super::buffer::Arrival;
use super::super::errno::Errno;
use super::super::segment::Segment;
use super::super::state::State;
use super::Connection;

impl Connection {
    /// Takes any segment whatever; `payload` is what counts, not `seg.len`.
    pub fn handle_segment(&mut self, now: u64, seg: &Segment, payload: &[u8]) {
        if !self.is_over() {
            self.counts.came();
        }
        match self.state {
            State::Closed => {
                self.owe_reset(seg, payload.len());
            }
            State::SynSent => self.opening(now, seg),
            _ => self.synchronized(now, seg, payload),
        }
    }

    /// What answers a segment that nothing here is meant by.
    #[cold]
    fn owe_reset(&mut self, seg: &Segment, payload_len: usize) {
        if self.owed.reset.is_none() {
            self.owed.reset = Connection::reset_for(seg, payload_len).map(Box::new);
        }
    }

    /// RFC 9293 §3.10.7.3. Data or FIN beside a SYN are left for the peer to send again.
    #[cold]
    fn opening(&mut self, now: u64, seg: &Segment) {
        let flags = seg.flags;
        if flags.ack && seg.ack != self.snd_nxt {
            self.owe_reset(seg, 0);
        } else if flags.rst && flags.ack {
            self.die(Some(Errno::ConnRefused));
        } else if flags.syn && !flags.rst {
            self.irs = seg.seq;
            self.incoming =
                super::ReceiveBuffer::new(seg.seq.saturating_add(1), self.config.recv_buffer);
            self.appetite = super::Appetite::new(seg.seq.saturating_add(1), &self.config);
            self.widen(if flags.ack { seg.ack } else { 0 }, seg.window);
            self.bound_segment();
            if flags.ack {
                self.establish(now);
                self.owed.ack = true;
            } else {
                self.state = State::SynReceived;
                self.owed.syn = true;
            }
        }
    }

    #[inline]
    fn synchronized(&mut self, now: u64, seg: &Segment, payload: &[u8]) {
        let crossing;
        let seg = match self.state {
            State::SynReceived => {
                crossing = self.without_crossing_syn(seg);
                &crossing
            }
            _ => seg,
        };
        if !self.is_acceptable(seg, payload.len()) {
            if !seg.flags.rst {
                let empty = seg.positions(payload.len()) == 0;
                self.challenge(now, empty && !self.is_probe(seg));
            }
            return;
        }
        if seg.flags.rst {
            return self.arriving_reset(seg);
        }
        if seg.flags.syn {
            // Our SYN-ACK was lost, or an old or new incarnation knocks (RFC 5961 §4).
            match self.state == State::SynReceived && seg.seq == self.irs {
                true => self.owed.syn = true,
                false => self.owed.ack = true,
            }
            return;
        }
        if seg.flags.ack && self.arriving_ack(now, seg, payload.len()) {
            self.timers.heard(now);
            self.arriving_urgent(seg, payload);
            self.arriving_text(now, seg, payload);
        }
    }

    /// In a simultaneous open the peer's SYN-ACK repeats the SYN that was taken already; only its
    /// ACK is news (RFC 9293 §3.5, figure 7).
    #[cold]
    fn without_crossing_syn(&self, seg: &Segment) -> Segment {
        let mut seg = *seg;
        if seg.flags.syn && seg.flags.ack && seg.seq == self.irs {
            seg.flags.syn = false;
            seg.seq = seg.seq.saturating_add(1);
        }
        seg
    }

    /// As lenient as Linux: a segment that touches the window is looked at, so that an ACK beside
    /// bytes we have no room for counts. One position more, for a FIN needs no room.
    #[inline]
    fn is_acceptable(&self, seg: &Segment, payload_len: usize) -> bool {
        let right = self.incoming.edge().max(self.rcv_nxt()).saturating_add(1);
        seg.end(payload_len) >= self.rcv_nxt() && seg.seq <= right
    }

    /// A zero-window or keepalive probe; an honest answer to it can never look like one.
    #[cold]
    fn is_probe(&self, seg: &Segment) -> bool {
        seg.seq.checked_add(1) == Some(self.rcv_nxt())
            && (self.snd_una..=self.snd_nxt).contains(&seg.ack)
    }

    /// A challenge ACK. Those that could answer each other for ever are limited in rate, as Linux
    /// limits them (tcp_invalid_ratelimit).
    #[cold]
    fn challenge(&mut self, now: u64, may_loop: bool) {
        if !may_loop || self.timers.may_challenge(now) {
            self.owed.ack = true;
        }
    }

    /// RFC 5961 §3: only the exact position ends a connection; close to it, the peer is asked.
    #[cold]
    fn arriving_reset(&mut self, seg: &Segment) {
        if seg.seq != self.rcv_nxt() {
            self.owed.ack = true;
            return;
        }
        let error = match self.state {
            State::TimeWait => None,
            State::CloseWait => Some(Errno::Pipe),
            _ => Some(Errno::ConnReset),
        };
        self.die(error);
    }

    /// False if the segment is to be looked at no further.
    #[inline]
    fn arriving_ack(&mut self, now: u64, seg: &Segment, payload_len: usize) -> bool {
        let ack = seg.ack;
        if self.state == State::SynReceived {
            if ack <= self.snd_una || ack > self.snd_nxt {
                self.owe_reset(seg, payload_len);
                return false;
            }
            self.establish(now);
        }
        // Too new, or older than any window of ours: another incarnation (RFC 5961 §5).
        if ack > self.snd_nxt || self.snd_una.saturating_sub(ack) > self.snd_window_max {
            self.challenge(now, payload_len == 0);
            return false;
        }
        self.soft_error = None;
        let wider = self.widen(ack, seg.window);
        self.timers.probe_answered(now, !wider);
        let had = self.snd_una + self.sent.there();
        self.sent.update(ack, &seg.sack, self.snd_una.max(ack), self.snd_nxt);
        let is_progress = ack > self.snd_una;
        if is_progress {
            self.advance(now, ack);
        }
        // Linux looks at what it may send, but not on its fast path when data came that acknowledges
        // nothing new.
        if is_progress || payload_len == 0 || !self.is_on_fast_path {
            self.let_out();
        }
        self.is_on_fast_path |= is_progress || payload_len > 0;
        self.repair(now);
        let delivered = (self.snd_una + self.sent.there()).saturating_sub(had);
        self.congestion.delivered(delivered, self.pipe(), is_progress);
        self.fin_progress(now);
        self.state != State::Closed
    }

    /// Is more of the peer's window open than before? Windows do not shrink here, so an old segment
    /// cannot mislead and SND.WL1 and SND.WL2 are not needed.
    #[inline]
    pub(super) fn widen(&mut self, ack: u64, window: u32) -> bool {
        self.snd_window_max = self.snd_window_max.max(u64::from(window));
        let edge = ack.max(self.iss + 1).saturating_add(u64::from(window));
        let wider = edge > self.snd_edge;
        self.snd_edge = self.snd_edge.max(edge);
        wider
    }

    #[cold]
    fn establish(&mut self, now: u64) {
        // Linux sends the FIN that was asked for too early only where the peer's SYN came first.
        self.shut_write |= self.mute && self.state == State::SynReceived;
        self.state = if self.shut_write { State::FinWait1 } else { State::Established };
        if std::mem::take(&mut self.embryo) {
            self.counts.was_opened();
        }
        self.owed.syn = false;
        self.timers.heard(now);
        self.congestion.opened(self.timers.attempts());
        self.timers.opened(now, self.snd_nxt, &self.config);
        self.snd_una = self.snd_nxt;
    }

    #[inline]
    fn advance(&mut self, now: u64, ack: u64) {
        let acked = ack - self.snd_una;
        self.snd_una = ack;
        self.snd_up = self.snd_up.filter(|up| *up > ack);
        self.outgoing.acknowledge(ack);
        self.forget_ends(ack);
        self.sent.acknowledged(ack);
        if self.congestion.acknowledged(ack, acked) {
            self.sent.repaired();
        }
        // Twice the window: what is in flight, and as much to follow it.
        let room = self.congestion.steady().saturating_mul(2);
        self.outgoing.grow(room.min(u64::from(self.config.send_buffer_max)));
        let outstanding = self.in_flight();
        self.timers.progress(now, ack, outstanding, &self.config);
    }

    /// Once enough is there beyond a gap, what is missing is lost.
    #[inline]
    fn repair(&mut self, now: u64) {
        if !self.congestion.repairs() && self.sent.shows_loss(self.mss()) {
            self.congestion.lost(self.snd_nxt - self.snd_una, self.snd_nxt);
        }
        if self.congestion.repairs() {
            let answerable = self.timers.rtt.least_ns().and_then(|least| now.checked_sub(least));
            self.sent.find_lost(self.snd_una, answerable);
        }
    }

    #[inline]
    fn fin_progress(&mut self, now: u64) {
        if !self.fin_acknowledged() {
            return;
        }
        match self.state {
            State::FinWait1 => self.state = State::FinWait2,
            State::Closing => self.time_wait(now),
            State::LastAck => self.die(None),
            _ => {}
        }
    }

    #[inline]
    fn arriving_text(&mut self, now: u64, seg: &Segment, payload: &[u8]) {
        if seg.positions(payload.len()) == 0 {
            return;
        }
        if !matches!(self.state, State::Established | State::FinWait1 | State::FinWait2) {
            // After a FIN there can only be what was sent before, and our ACK of it was lost.
            self.owed.ack = true;
            if self.state == State::TimeWait {
                self.timers.close_after(now, self.config.time_wait_ns);
            }
            return;
        }
        let end = seg.seq.saturating_add(payload.len() as u64);
        if self.shut_read && self.state != State::Established && end > self.rcv_nxt() {
            // Both directions are shut: what comes can reach nobody (RFC 1122 §4.2.2.13).
            self.send_reset();
            return self.die(Some(Errno::ConnReset));
        }
        if seg.flags.fin && end >= self.rcv_nxt() && end <= self.incoming.edge() {
            self.peer_fin.get_or_insert(end);
        }
        self.take_text(now, seg.seq, payload);
        self.take_fin(now);
    }

    #[inline]
    fn take_text(&mut self, now: u64, seq: u64, payload: &[u8]) {
        let limit = self.peer_fin.unwrap_or(u64::MAX);
        let had_gap = self.incoming.has_islands();
        match self.incoming.insert(seq, payload, limit) {
            Arrival::Island => {
                let sack = self.incoming.blocks();
                self.owed.duplicate_acks.push_back(sack);
            }
            Arrival::Useless => self.owed.ack = true,
            Arrival::Next => {
                // A gap that closes is news for the sender (RFC 5681 §4.2).
                let at_once = had_gap || self.config.ack_delay_ns == 0;
                match at_once {
                    true => self.owed.ack = true,
                    false => self.acks.received(now, self.timers.rtt.timeout_ns(&self.config)),
                }
                self.owed.duplicate_acks.clear();
            }
        }
    }

    #[inline]
    fn take_fin(&mut self, now: u64) {
        if self.peer_fin != Some(self.incoming.next()) {
            return;
        }
        self.peer_finished = true;
        self.shut_read = true;
        self.owed.ack = true;
        match self.state {
            State::Established => self.state = State::CloseWait,
            State::FinWait1 => self.state = State::Closing,
            _ => self.time_wait(now),
        }
    }

    #[cold]
    fn time_wait(&mut self, now: u64) {
        let ack = self.owed.ack;
        self.die(None);
        self.state = State::TimeWait;
        self.owed.ack = ack;
        self.timers.close_after(now, self.config.time_wait_ns);
    }
}

// What routers say.

impl Connection {
    /// Fragmentation was needed and not allowed: segments carry at most `mss` bytes from now on, and
    /// what is in flight is sent again in such, at once (Linux's tcp_simple_retransmit). `seq` is the
    /// position of the segment that the router sends back a piece of; false if it is none of ours, or
    /// the size no news.
    pub fn too_big(&mut self, now: u64, seq: u64, mss: u32) -> bool {
        let is_ours = self.is_outstanding(seq) && !self.state.is_opening();
        if !is_ours || !self.limit_segments(mss) {
            return false;
        }
        if self.in_flight() {
            self.congestion.resend(self.snd_nxt);
            self.sent.lose_all(self.snd_una, self.snd_nxt);
            self.timers.rtt.drop_sample();
            self.rearm(now);
        }
        true
    }

    /// Segments carry at most `mss` bytes from now on; false if they do already.
    pub fn limit_segments(&mut self, mss: u32) -> bool {
        let is_news = mss < self.config.mss;
        if is_news {
            Rc::make_mut(&mut self.config).mss = mss;
            self.congestion.resize(mss);
        }
        is_news
    }

    /// No way leads to the peer's network, or to the peer. That ends an attempt to connect. Later it
    /// may pass: it is what the connection dies of if it does not, and until then what SO_ERROR says
    /// once (RFC 1122 §4.2.3.9). A half-open connection is forgotten.
    pub fn unreachable(&mut self, now: u64, seq: u64, is_net: bool) {
        let error = if is_net { Errno::NetUnreach } else { Errno::HostUnreach };
        if !self.is_outstanding(seq) {
            return;
        }
        match self.state {
            State::Closed | State::TimeWait => {}
            State::SynReceived if self.embryo => self.die(None),
            State::SynSent | State::SynReceived => self.die(Some(error)),
            _ => {
                self.soft_error = Some(error);
                if seq == self.snd_una {
                    self.timers.forgive(now, &self.config);
                }
            }
        }
    }

    /// Giving up, of what was heard last if anything was.
    pub(super) fn give_up(&mut self) {
        self.die(Some(self.soft_error.unwrap_or(Errno::TimedOut)));
    }

    fn is_outstanding(&self, seq: u64) -> bool {
        (self.snd_una..=self.snd_nxt).contains(&seq)
    }
}
