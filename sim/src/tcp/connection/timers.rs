//! What happens when nothing happens: retransmission, persist, keepalive, user timeout, and the two
//! ways to end by waiting. Times are absolute nanoseconds of the owner's clock.

use super::super::config::Config;
use super::super::moment::Moment;
use super::super::rtt::RoundTrip;
use super::super::state::State;
use super::Connection;

/// tcp_synack_retries: 1 + 2 + 4 + 8 + 16 + 32 = 63 s until a half-open connection is forgotten.
const SYN_ACK_RETRIES: u32 = 5;
/// Linux's tcp_orphan_retries when set to 0: with no application waiting, patience is short.
const ORPHAN_RETRIES: u32 = 8;
/// tcp_invalid_ratelimit.
const CHALLENGE_INTERVAL_NS: u64 = 500_000_000;

#[derive(Debug)]
pub(super) struct Timers {
    pub(super) rtt: RoundTrip,
    pub(super) retransmit_at: Moment,
    persist_at: Moment,
    /// TIME-WAIT, or an orphan in FIN_WAIT2.
    close_at: Moment,
    /// Timeouts of the SYN.
    attempts: u32,
    /// Timeouts in a row, of whatever was waited for.
    timeouts: u32,
    /// First timeout of the segment that is waited for.
    retransmitting_since: Moment,
    /// Data waits and has made no progress since.
    stalled_since: Moment,
    probes: u32,
    probes_unanswered: u32,
    /// When the peer last said that its closed window is closed.
    window_closed_at: Moment,
    /// When something that takes a position last left.
    sent_at: u64,
    heard_at: u64,
    keepalive_probes: u32,
    /// When the peer last answered a keepalive probe.
    kept_alive_at: Moment,
    challenged_at: Moment,
}

impl Timers {
    pub(super) fn new(config: &Config) -> Timers {
        Timers {
            rtt: RoundTrip::new(config),
            retransmit_at: Moment::NONE,
            persist_at: Moment::NONE,
            close_at: Moment::NONE,
            attempts: 0,
            timeouts: 0,
            retransmitting_since: Moment::NONE,
            stalled_since: Moment::NONE,
            probes: 0,
            probes_unanswered: 0,
            window_closed_at: Moment::NONE,
            sent_at: 0,
            heard_at: 0,
            keepalive_probes: 0,
            kept_alive_at: Moment::NONE,
            challenged_at: Moment::NONE,
        }
    }

    /// Something that takes a position left; `fresh` if for the first time.
    #[inline]
    pub(super) fn sent(&mut self, now: u64, end: u64, fresh: bool, config: &Config) {
        match fresh && self.attempts == 0 {
            true => self.rtt.begin_sample(end, now),
            false => self.rtt.drop_sample(),
        }
        let timeout = self.rtt.timeout_ns(config);
        self.retransmit_at.begin(now.saturating_add(timeout));
        self.stalled_since.begin(now);
        self.sent_at = now;
        self.persist_at = Moment::NONE;
        self.probes = 0;
        self.window_closed_at = Moment::NONE;
    }

    /// Timeouts of the SYN so far.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Timeouts in a row.
    pub(super) fn timeouts(&self) -> u32 {
        self.timeouts
    }

    pub(super) fn opened(&mut self, now: u64, ack: u64, config: &Config) {
        self.progress(now, ack, false, config);
        if std::mem::take(&mut self.attempts) > 0 {
            self.rtt.distrust(config);
        }
    }

    /// The peer acknowledged something new; `outstanding` if more is to come.
    #[inline]
    pub(super) fn progress(&mut self, now: u64, ack: u64, outstanding: bool, config: &Config) {
        self.rtt.acknowledged(ack, now, config);
        self.timeouts = 0;
        self.retransmitting_since = Moment::NONE;
        let timeout = self.rtt.timeout_ns(config);
        self.retransmit_at = Moment::at(now.saturating_add(timeout)).when(outstanding);
        self.stalled_since = Moment::at(now).when(outstanding);
    }

    /// A router answers what was sent again, so it was not congestion that ate it: one doubling is
    /// taken back (RFC 6069), as from when it was sent.
    pub(super) fn forgive(&mut self, now: u64, config: &Config) {
        if self.retransmitting_since.is_some() && self.rtt.forgive() {
            let due = self.sent_at.saturating_add(self.rtt.timeout_ns(config));
            self.retransmit_at = Moment::at(due.max(now));
        }
    }

    /// How long nothing has been sent, and how long a timeout is.
    #[inline]
    pub(super) fn rested(&self, now: u64, config: &Config) -> (u64, u64) {
        (now.saturating_sub(self.sent_at), self.rtt.timeout_ns(config))
    }

    #[inline]
    pub(super) fn heard(&mut self, now: u64) {
        self.heard_at = now;
        if std::mem::take(&mut self.keepalive_probes) > 0 {
            self.kept_alive_at = Moment::at(now);
        }
    }

    #[inline]
    pub(super) fn probe_answered(&mut self, now: u64, still_closed: bool) {
        self.probes_unanswered = 0;
        self.window_closed_at = Moment::at(now).when(still_closed && self.probes > 0);
    }

    pub(super) fn may_challenge(&mut self, now: u64) -> bool {
        let quiet = |at: u64| now.saturating_sub(at) >= CHALLENGE_INTERVAL_NS;
        let may = self.challenged_at.get().is_none_or(quiet);
        if may {
            self.challenged_at = Moment::at(now);
        }
        may
    }

    /// `blocked`: data waits, none is in flight, and the window lets none out.
    #[inline]
    pub(super) fn rest(&mut self, now: u64, blocked: bool, config: &Config) {
        if blocked {
            let timeout = self.rtt.probe_timeout_ns(self.probes, config);
            self.persist_at.begin(now.saturating_add(timeout));
            self.stalled_since.begin(now);
        }
    }

    pub(super) fn close_after(&mut self, now: u64, wait_ns: u64) {
        self.close_at = Moment::at(now.saturating_add(wait_ns));
    }

    pub(super) fn close_once_after(&mut self, now: u64, wait_ns: u64) {
        self.close_at.begin(now.saturating_add(wait_ns));
    }

    pub(super) fn stop(&mut self) {
        self.retransmit_at = Moment::NONE;
        self.persist_at = Moment::NONE;
        self.close_at = Moment::NONE;
        self.stalled_since = Moment::NONE;
        self.window_closed_at = Moment::NONE;
    }
}

impl Connection {
    /// The earliest time at which `handle_timeout` has something to do.
    #[inline]
    pub fn poll_timeout(&self) -> Option<u64> {
        let timers = &self.timers;
        let earliest = timers.retransmit_at.min(timers.persist_at);
        let earliest = earliest.min(timers.close_at).min(self.acks.due_at());
        earliest.min(self.user_timeout_at()).min(self.keepalive_at()).get()
    }

    /// Only timers are pending that bring no application anything it waits for: TIME-WAIT,
    /// keepalive, an orphan in FIN_WAIT2.
    pub fn timer_is_background(&self) -> bool {
        let timers = &self.timers;
        timers.retransmit_at.is_none()
            && timers.persist_at.is_none()
            && self.acks.due_at().is_none()
            && self.user_timeout_at().is_none()
            && self.poll_timeout().is_some()
    }

    /// When the peer last confirmed, asked by a probe, that it has no room for the data that waits
    /// here. If nobody ran since, the persist timer keeps nobody alive either.
    pub fn window_closed_at(&self) -> Option<u64> {
        self.timers.window_closed_at.get()
    }

    /// Whether keepalive watches over the peer now.
    pub fn keeps_alive(&self) -> bool {
        self.keepalive_at().is_some()
    }

    /// When the peer last answered a keepalive probe. If nobody ran since, the next probes keep
    /// nobody alive; before that, they may be how a dead peer is found.
    pub fn kept_alive_at(&self) -> Option<u64> {
        self.timers.kept_alive_at.get()
    }

    pub fn handle_timeout(&mut self, now: u64) {
        let due = |at: Moment| at.is_due(now);
        if due(self.timers.close_at) {
            self.die(None);
        } else if due(self.user_timeout_at()) {
            self.give_up();
        } else if due(self.timers.retransmit_at) {
            match self.state.is_opening() {
                true => self.opening_timeout(now),
                false => self.retransmission_timeout(now),
            }
        } else if due(self.timers.persist_at) {
            self.persist_timeout(now);
        } else if due(self.acks.due_at()) {
            self.acks.timed_out();
            self.owed.ack = true;
        } else if due(self.keepalive_at()) {
            self.keepalive_timeout(now);
        }
    }

    fn opening_timeout(&mut self, now: u64) {
        let (linear, doubling) = match self.state {
            State::SynSent => (self.config.syn_linear_timeouts, self.config.syn_retries),
            _ => (0, SYN_ACK_RETRIES),
        };
        if self.timers.attempts >= linear.saturating_add(doubling) {
            return self.give_up();
        }
        self.timers.attempts += 1;
        self.timers.timeouts += 1;
        self.counts.was_sent_again();
        if self.timers.attempts > linear {
            self.timers.rtt.back_off();
        }
        self.owed.syn = true;
        self.rearm(now);
    }

    /// Everything in flight may be lost: start again at the oldest, with one segment.
    fn retransmission_timeout(&mut self, now: u64) {
        let is_first = self.timers.retransmitting_since.is_none();
        self.timers.retransmitting_since.begin(now);
        let since = self.timers.retransmitting_since.get().unwrap_or(now);
        if now.saturating_sub(since) >= self.patience_ns() {
            return self.give_up();
        }
        self.timers.rtt.back_off();
        self.timers.timeouts += 1;
        self.congestion.timed_out(self.snd_nxt - self.snd_una, self.snd_nxt, is_first);
        self.sent.lose_all(self.snd_una, self.snd_nxt);
        self.rearm(now);
    }

    pub(super) fn rearm(&mut self, now: u64) {
        let timeout = self.timers.rtt.timeout_ns(&self.config);
        self.timers.retransmit_at = Moment::at(now.saturating_add(timeout));
    }

    fn persist_timeout(&mut self, now: u64) {
        if self.snd_edge > self.snd_nxt {
            // It was no closed window, but a cork (tcp_write_wakeup).
            self.timers.persist_at = Moment::NONE;
            self.pushed = self.outgoing.end();
            return;
        }
        if self.timers.probes_unanswered >= self.retries() {
            return self.give_up();
        }
        self.timers.probes_unanswered += 1;
        self.timers.probes = self.timers.probes.saturating_add(1);
        let timeout = self.timers.rtt.probe_timeout_ns(self.timers.probes, &self.config);
        self.timers.persist_at = Moment::at(now.saturating_add(timeout));
        self.owed.probe = true;
        self.owed.urgent = self.snd_up.is_some();
    }

    fn keepalive_timeout(&mut self, now: u64) {
        let Some(keepalive) = self.config.keepalive else {
            return;
        };
        let probes = self.timers.keepalive_probes;
        let silence = now.saturating_sub(self.timers.heard_at);
        let out_of_time = self.config.user_timeout_ns.is_some_and(|limit| silence >= limit);
        if probes >= keepalive.count || (probes > 0 && out_of_time) {
            self.send_reset();
            return self.give_up();
        }
        self.timers.keepalive_probes += 1;
        self.owed.probe = true;
    }

    /// Counted from the last word of the peer, while nothing is in flight or waiting: otherwise the
    /// other timers find out whether it lives.
    #[inline]
    fn keepalive_at(&self) -> Moment {
        let Some(keepalive) = self.config.keepalive else { return Moment::NONE };
        let idle = !self.in_flight() && self.unsent() == 0;
        let open = self.state.is_synchronized() && self.state != State::TimeWait;
        if !idle || !open {
            return Moment::NONE;
        }
        let probes = u64::from(self.timers.keepalive_probes);
        let wait = keepalive.idle_ns.saturating_add(keepalive.interval_ns.saturating_mul(probes));
        Moment::at(self.timers.heard_at.saturating_add(wait))
    }

    #[inline]
    fn user_timeout_at(&self) -> Moment {
        match (self.config.user_timeout_ns, self.timers.stalled_since.get()) {
            (Some(limit_ns), Some(since)) => Moment::at(since.saturating_add(limit_ns)),
            _ => Moment::NONE,
        }
    }

    fn retries(&self) -> u32 {
        match self.orphan {
            true => self.config.retries.min(ORPHAN_RETRIES),
            false => self.config.retries,
        }
    }

    /// Linux's retransmits_timed_out: the time that so many doublings of the shortest RTO take.
    fn patience_ns(&self) -> u64 {
        let (min, max) = (self.config.rto_min_ns.max(1), self.config.rto_max_ns.max(1));
        let doublings = (max / min).max(1).ilog2().min(self.retries());
        let doubled = (2_u64.checked_shl(doublings).unwrap_or(u64::MAX) - 1).saturating_mul(min);
        let rest = u64::from(self.retries() - doublings).saturating_mul(max);
        doubled.saturating_add(rest)
    }
}
