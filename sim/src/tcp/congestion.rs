//! How much may be in flight: Reno's window (RFC 5681) with Linux's numbers, reduced in proportion to
//! what arrives while a loss is repaired (RFC 6937). Bytes only; what
//! is lost, when to send, what, and every timer are the connection's.
//!
//! ```text
//!                ┌────── a timeout ──────┐
//!                ▼                       │
//!  Restart: one segment, slow start    Open ◀── all of it arrived ── Repair: half the window
//!  over what is lost                     │                                     │
//!                │                       └────────── a loss ──────────────────▶│
//!                └── all of it arrived ──▶ Open         Restart ◀── a timeout ─┘
//! ```

/// Segments of the first flight (RFC 6928), and of one after a rest.
const INITIAL_SEGMENTS: u64 = 10;

/// The congestion window of one connection. Switched off, it limits nothing but what is sent again
/// after a timeout.
#[derive(Clone, Debug)]
pub(super) struct Congestion {
    is_on: bool,
    segment: u64,
    /// cwnd.
    window: u64,
    /// ssthresh.
    threshold: u64,
    /// Bytes acknowledged since congestion avoidance last opened the window.
    counted: u64,
    /// The window is what held the sender back, so an ACK may open it (RFC 7661).
    is_limit: bool,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Repair { until: u64, reduction: Reduction },
    Restart { until: u64 },
}

/// How far the window is reduced: bytes that arrived and that left since, of what was in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reduction {
    delivered: u64,
    out: u64,
    flight: u64,
}

impl Congestion {
    pub(super) fn new(is_on: bool, segment: u32) -> Congestion {
        let segment = u64::from(segment.max(1));
        Congestion {
            is_on,
            segment,
            window: INITIAL_SEGMENTS * segment,
            threshold: u64::MAX,
            counted: 0,
            is_limit: false,
            phase: Phase::Open,
        }
    }

    /// Bytes that may be in flight.
    #[inline]
    pub(super) fn window(&self) -> u64 {
        match self.phase {
            Phase::Open | Phase::Repair { .. } if !self.is_on => u64::MAX,
            _ => self.window,
        }
    }

    /// What it is when a loss is repaired, whether it limits anything or not.
    pub(super) fn steady(&self) -> u64 {
        match self.phase {
            Phase::Repair { .. } => self.threshold,
            Phase::Open | Phase::Restart { .. } => self.window,
        }
    }

    /// Whether something is lost and not yet there.
    #[inline]
    pub(super) fn repairs(&self) -> bool {
        self.phase != Phase::Open
    }

    /// The connection opened, after so many timeouts of its SYN. Linux forgives one of them.
    pub(super) fn opened(&mut self, timeouts: u32) {
        if timeouts > 1 {
            self.window = self.segment;
        }
    }

    /// Nothing more can be sent: `flight` bytes are in flight, and it is this window or not that
    /// holds back the next.
    #[inline]
    pub(super) fn used(&mut self, flight: u64, held_back: bool) {
        let slow = self.window < self.threshold;
        self.is_limit = held_back || (slow && flight.saturating_mul(2) >= self.window);
    }

    /// The peer has all before `ack`, `acked` bytes more than before. True: all that was lost is there.
    #[inline]
    pub(super) fn acknowledged(&mut self, ack: u64, acked: u64) -> bool {
        let is_through = match self.phase {
            Phase::Open => false,
            Phase::Repair { until, .. } | Phase::Restart { until } => ack >= until,
        };
        match self.phase {
            Phase::Repair { .. } if is_through => self.window = self.threshold,
            Phase::Repair { .. } => {}
            Phase::Open | Phase::Restart { .. } => self.grow(acked),
        }
        if is_through {
            self.phase = Phase::Open;
        }
        is_through
    }

    /// Slow start up to the threshold; what is left of the ACK counts for congestion avoidance, a
    /// segment for every window acknowledged.
    #[inline]
    fn grow(&mut self, acked: u64) {
        if !self.is_limit {
            return;
        }
        let slow = acked.min(self.threshold.saturating_sub(self.window));
        self.window = self.window.saturating_add(slow);
        self.counted = self.counted.saturating_add(acked - slow);
        while self.counted >= self.window {
            self.counted -= self.window;
            self.window += self.segment;
        }
    }

    /// Something of the `flight` is lost: half of it is enough until all that was sent by now is there.
    pub(super) fn lost(&mut self, flight: u64, sent: u64) {
        self.threshold = self.half(flight);
        let reduction = Reduction { delivered: 0, out: 0, flight: flight.max(1) };
        self.lose(Phase::Repair { until: sent, reduction });
    }

    /// While a loss is repaired, `delivered` more arrived and `pipe` bytes are still in flight: how
    /// much may leave now. The first lost segment may in any case; of what is too much in flight, a
    /// part for each part that arrives; where it is too little, a segment more than what arrives.
    #[inline]
    pub(super) fn delivered(&mut self, delivered: u64, pipe: u64, is_progress: bool) {
        let Phase::Repair { reduction, .. } = &mut self.phase else { return };
        reduction.delivered += delivered;
        let count = if pipe > self.threshold {
            let part = u128::from(reduction.delivered) * u128::from(self.threshold);
            let part = part.div_ceil(u128::from(reduction.flight));
            u64::try_from(part).unwrap_or(u64::MAX).saturating_sub(reduction.out)
        } else {
            let conserved = reduction.delivered.saturating_sub(reduction.out).max(delivered);
            let more = if is_progress { self.segment } else { 0 };
            (conserved + more).min(self.threshold - pipe)
        };
        let least = if reduction.out == 0 { self.segment } else { 0 };
        self.window = pipe + count.max(least);
    }

    /// So many bytes left.
    #[inline]
    pub(super) fn sent(&mut self, bytes: u64) {
        if let Phase::Repair { reduction, .. } = &mut self.phase {
            reduction.out += bytes;
        }
    }

    /// A retransmission timeout: all that is in flight may be lost. The threshold is taken from the
    /// flight that met the loss: not again while that is repaired (as Linux has it), nor from a second
    /// timeout of the same segment (RFC 5681 §3.1).
    pub(super) fn timed_out(&mut self, flight: u64, sent: u64, is_first: bool) {
        let repairs = matches!(self.phase, Phase::Repair { .. });
        if is_first && self.is_on && !repairs {
            self.threshold = self.half(flight);
        }
        self.window = self.segment;
        // The one segment that goes out now is the whole window.
        self.is_limit = true;
        self.lose(Phase::Restart { until: sent });
    }

    /// What is in flight is sent again for no fault of the network's: the window stays.
    pub(super) fn resend(&mut self, sent: u64) {
        self.lose(Phase::Restart { until: sent });
    }

    /// Segments are smaller from now on; windows are kept in segments, so they shrink with them.
    pub(super) fn resize(&mut self, segment: u32) {
        let segment = u64::from(segment.max(1));
        self.window = (self.window / self.segment).max(1) * segment;
        self.segment = segment;
    }

    fn lose(&mut self, phase: Phase) {
        self.phase = phase;
        self.counted = 0;
    }

    /// What was in flight, or of it what the window allowed, halved.
    fn half(&self, flight: u64) -> u64 {
        (flight.min(self.window) / 2).max(2 * self.segment)
    }

    /// Nothing was sent for `idle_ns`: the window halves with each timeout's time in which nobody
    /// tried the path, down to the first one (RFC 5681 §4.1, and Linux's tcp_cwnd_restart).
    #[inline]
    pub(super) fn rested(&mut self, idle_ns: u64, timeout_ns: u64) {
        let halvings = idle_ns / timeout_ns.max(1);
        let initial = INITIAL_SEGMENTS * self.segment;
        if halvings == 0 || self.window <= initial || self.phase != Phase::Open {
            return;
        }
        self.threshold = self.threshold.max(self.window / 4 * 3);
        let halved = self.window.checked_shr(halvings.min(63) as u32).unwrap_or(0);
        self.window = halved.max(initial);
        self.counted = 0;
    }
}
