//! What routers on the way say (ICMP): that a segment was too big for a hop, or has nowhere to go.

use super::super::errno::Errno;
use super::super::state::State;
use super::Connection;

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
            self.config.mss = mss;
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
