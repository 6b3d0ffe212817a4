//! When an acknowledgment of data in order may wait for something to ride on (RFC 1122 §4.2.3.2),
//! by Linux's rules: at once at the start of a stream, for every second full segment, and when the
//! application has read all there was; late where it answers what it reads.

use super::moment::Moment;

/// Acknowledgments at the start of a stream that do not wait (TCP_MAX_QUICKACKS).
const QUICK: u32 = 16;

/// What is received and not acknowledged yet.
#[derive(Clone, Debug)]
pub(super) struct Acks {
    quick: u32,
    /// Data left soon after data came: the next answer will carry the next ACK.
    is_interactive: bool,
    received_at: Moment,
    /// Data in order arrived since the last ACK left.
    is_owed: bool,
    due_at: Moment,
    /// First position that is not acknowledged.
    acknowledged: u64,
}

impl Acks {
    pub(super) fn new() -> Acks {
        Acks {
            quick: QUICK,
            is_interactive: false,
            received_at: Moment::NONE,
            is_owed: false,
            due_at: Moment::NONE,
            acknowledged: 0,
        }
    }

    /// Data in order. After a silence of a timeout the sender starts with a small window again and
    /// is helped along.
    #[inline]
    pub(super) fn received(&mut self, now: u64, timeout_ns: u64) {
        self.is_owed = true;
        let silent = |at: u64| now.saturating_sub(at) > timeout_ns;
        let last = std::mem::replace(&mut self.received_at, Moment::at(now));
        if last.get().is_some_and(silent) {
            self.quick = QUICK;
        }
    }

    /// Data left, and ACKs with it.
    #[inline]
    pub(super) fn answered(&mut self, now: u64, delay_ns: u64) {
        let soon = |at: u64| now.saturating_sub(at) < delay_ns;
        self.is_interactive |= self.received_at.get().is_some_and(soon);
    }

    /// An ACK of all before `next` left.
    #[inline]
    pub(super) fn sent(&mut self, next: u64) {
        self.quick = self.quick.saturating_sub(u32::from(self.is_owed));
        self.is_owed = false;
        self.due_at = Moment::NONE;
        self.acknowledged = next;
    }

    /// Must one leave now? `next` is the first position not received, `all_read` if the application
    /// has taken everything.
    #[inline]
    pub(super) fn is_due(&self, next: u64, mss: u64, all_read: bool) -> bool {
        let quick = !self.is_interactive && (self.quick > 0 || all_read);
        self.is_owed && (quick || next.saturating_sub(self.acknowledged) > mss)
    }

    /// Nothing else is said in this instant.
    #[inline]
    pub(super) fn wait(&mut self, now: u64, delay_ns: u64) {
        if self.is_owed {
            self.due_at.begin(now.saturating_add(delay_ns));
        }
    }

    /// Whether data in order came since an ACK left.
    #[inline]
    pub(super) fn is_owed(&self) -> bool {
        self.is_owed
    }

    #[inline]
    pub(super) fn due_at(&self) -> Moment {
        self.due_at
    }

    /// The wait was in vain: the application does not answer.
    pub(super) fn timed_out(&mut self) {
        self.due_at = Moment::NONE;
        self.is_interactive = false;
    }

    pub(super) fn stop(&mut self) {
        self.is_owed = false;
        self.due_at = Moment::NONE;
    }
}
