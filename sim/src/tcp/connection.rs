//! One connection: its positions, and what may be asked of it. What it does is in five files: `calls`
//! (the application's side), `input` (segments in, and what routers say), `output` (segments out),
//! `timers`, `urgent`.

mod calls;
mod input;
mod output;
mod timers;
mod urgent;

use std::collections::VecDeque;
use std::rc::Rc;

use self::timers::Timers;
use super::acks::Acks;
use super::appetite::Appetite;
use super::buffer::{ReceiveBuffer, SendBuffer};
use super::config::Config;
use super::congestion::Congestion;
use super::errno::Errno;
use super::facts::{Counts, Facts};
use super::sack::{Blocks, Scoreboard};
use super::segment::Segment;
use super::state::State;
use super::urgent::Urgent;

/// Names as in RFC 9293 §3.3.1: SND.UNA is `snd_una`. The owner calls `poll_transmit` until `None`
/// after whatever it did, and `handle_timeout` when `poll_timeout` has come.
#[derive(Debug)]
pub struct Connection {
    /// Mostly the same as many others'.
    config: Rc<Config>,
    state: State,

    iss: u64,
    snd_una: u64,
    /// Next to send for the first time.
    snd_nxt: u64,
    sent: Scoreboard,
    /// Right edge of the peer's window: SND.UNA + SND.WND, only ever moving right.
    snd_edge: u64,
    snd_window_max: u64,
    outgoing: SendBuffer,
    /// Behind the last urgent byte, while the peer has not acknowledged it (SND.UP).
    snd_up: Option<u64>,
    /// Where the last segment that was not full ended (SND.SML of Minshall's Nagle).
    snd_small: u64,
    /// Where a write ended that leaves as it is, at the end of this instant.
    write_end: Option<u64>,
    /// All before this leaves without waiting to fill a segment.
    pushed: u64,
    /// The last write said that more belongs to it.
    more: bool,
    /// Linux's fast path (`pred_flags`): who connected is on it once the peer acknowledged or sent
    /// something.
    is_on_fast_path: bool,
    /// Where segments end because a record does, as far as the peer has not acknowledged it.
    ends: VecDeque<u64>,
    congestion: Congestion,

    irs: u64,
    incoming: ReceiveBuffer,
    urgent: Urgent,
    appetite: Appetite,
    /// Position of the peer's FIN, once one was seen, and whether all before it has arrived.
    peer_fin: Option<u64>,
    peer_finished: bool,

    acks: Acks,
    owed: Owed,
    timers: Timers,
    counts: Counts,

    error: Option<Errno>,
    /// What a router said since the peer was last heard: told if the connection dies of it.
    soft_error: Option<Errno>,
    shut_read: bool,
    shut_write: bool,
    /// Shut for writing before it was a connection: nothing may be written, and no FIN says so.
    mute: bool,
    /// No descriptor refers to it any more.
    orphan: bool,
    /// Made by a listener and not yet established: nobody is told when it dies.
    embryo: bool,
    asked: Asked,
}

/// What connect(2) has yet to say; Linux's `SS_` states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Connecting,
    /// It has said that it stands, or would have no reason to.
    Connected,
    /// Shut down before it said so.
    Disconnecting,
    /// The attempt failed and that was said: the next one begins anew.
    Nothing,
}

/// What the next `poll_transmit` has to say besides data.
#[derive(Debug, Default)]
struct Owed {
    reset: Option<Box<Segment>>,
    syn: bool,
    ack: bool,
    /// One for each segment that came out of order, with what was there then (RFC 2018 §4). Mostly there are
    /// none.
    duplicate_acks: VecDeque<Blocks>,
    probe: bool,
    /// A probe in the window, which the peer heeds, to announce an urgent byte.
    urgent: bool,
}

impl Owed {
    /// Whether anything is owed that mostly is not.
    #[inline]
    fn is_rare(&self) -> bool {
        self.reset.is_some() || !self.duplicate_acks.is_empty() || self.probe || self.urgent
    }
}

impl Connection {
    /// Active open: the SYN leaves with the next `poll_transmit`.
    pub fn connect(config: impl Into<Rc<Config>>, isn: u64) -> Connection {
        Connection::new(config.into(), State::SynSent, isn, 0)
    }

    /// Passive open, for a SYN that a listener let in.
    pub fn accept(config: impl Into<Rc<Config>>, isn: u64, syn: &Segment) -> Connection {
        let mut connection = Connection::new(config.into(), State::SynReceived, isn, syn.seq);
        connection.embryo = true;
        connection.counts.begin_behind(isn);
        connection.is_on_fast_path = true;
        connection.asked = Asked::Connected;
        connection.widen(0, syn.window);
        connection.bound_segment();
        connection
    }

    fn new(config: Rc<Config>, state: State, iss: u64, irs: u64) -> Connection {
        Connection {
            state,
            iss,
            snd_una: iss,
            snd_nxt: iss + 1,
            sent: Scoreboard::default(),
            snd_edge: iss + 1,
            snd_window_max: 0,
            outgoing: SendBuffer::new(iss + 1, config.send_buffer),
            snd_up: None,
            snd_small: iss,
            write_end: None,
            pushed: iss,
            more: false,
            is_on_fast_path: false,
            ends: VecDeque::new(),
            congestion: Congestion::new(config.congestion_control, config.mss),
            irs,
            incoming: ReceiveBuffer::new(irs.saturating_add(1), config.recv_buffer),
            urgent: Urgent::default(),
            appetite: Appetite::new(irs.saturating_add(1), &config),
            peer_fin: None,
            peer_finished: false,
            acks: Acks::new(),
            owed: Owed { syn: true, ..Owed::default() },
            timers: Timers::new(&config),
            counts: Counts::new(iss),
            error: None,
            soft_error: None,
            shut_read: false,
            shut_write: false,
            mute: false,
            orphan: false,
            embryo: false,
            asked: Asked::Connecting,
            config,
        }
    }

    #[inline]
    pub fn state(&self) -> State {
        self.state
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// setsockopt on a living connection. A smaller buffer takes nothing back that it holds or that
    /// the peer was promised; one that has grown stays as it is unless told otherwise.
    pub fn configure(&mut self, config: Config) {
        let sizes = |config: &Config| {
            let send = (config.send_buffer, config.send_buffer_max);
            (send, (config.recv_buffer, config.recv_buffer_max))
        };
        let (before, after) = (sizes(&self.config), sizes(&config));
        if before.0 != after.0 {
            self.outgoing.set_capacity(config.send_buffer);
        }
        if before.1 != after.1 {
            self.incoming.set_capacity(config.recv_buffer);
        }
        if self.config.nagle && !config.nagle {
            self.push();
        }
        self.config = Rc::new(config);
    }

    /// The sizes of the two buffers now, for sending and for receiving.
    pub fn buffers(&self) -> (u32, u32) {
        (self.outgoing.capacity(), self.incoming.capacity())
    }

    /// Nothing will come of it any more, and nobody looks at it: the world may forget it.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.state == State::Closed && self.orphan && self.owed.reset.is_none()
    }

    /// Its owner sees it closed; what goes on in TIME-WAIT is the system's affair.
    pub fn is_over(&self) -> bool {
        self.state.seen_by_owner() == State::Closed
    }

    /// The socket may be connected again.
    pub fn is_as_new(&self) -> bool {
        self.asked == Asked::Nothing
    }

    /// The system keeps TIME-WAIT no longer.
    pub fn leave_time_wait(&mut self) {
        if self.state == State::TimeWait {
            self.die(None);
        }
    }

    /// Bytes written that have not been sent even once.
    #[inline]
    pub fn unsent(&self) -> usize {
        (self.outgoing.end().saturating_sub(self.snd_nxt)) as usize
    }

    /// Whether bytes that were written, a SYN or a FIN have never been sent.
    #[inline]
    pub fn has_to_send(&self) -> bool {
        let end = self.outgoing.end() + u64::from(self.shut_write);
        self.owed.syn || (self.state.is_synchronized() && self.snd_nxt < end)
    }

    /// Bytes sent that the peer has not acknowledged.
    pub fn unacked(&self) -> usize {
        self.outgoing.len() - self.unsent()
    }

    pub fn facts(&self) -> Facts {
        let (counts, timers) = (&self.counts, &self.timers);
        Facts {
            state: self.state.seen_by_owner(),
            timeouts: timers.timeouts(),
            sent_again: counts.sent_again,
            rto_ns: timers.rtt.timeout_ns(&self.config),
            round_trip_ns: timers.rtt.measured_ns(),
            mss: self.config.mss,
            acked: counts.acked(self.snd_una),
            received: self.rcv_nxt().saturating_sub(self.irs.saturating_add(1)),
            segs_out: counts.segs_out,
            segs_in: counts.segs_in,
            unsent: if self.is_over() { 0 } else { self.written().saturating_sub(self.snd_nxt) },
        }
    }

    /// SIOCINQ: bytes up to an urgent one that is apart from them, all where there is none.
    pub fn to_read(&self) -> usize {
        if self.state.is_opening() {
            return 0;
        }
        let start = self.incoming.start();
        match self.urgent.at() {
            Some(at)
                if !self.config.urgent_inline && (start..self.incoming.next()).contains(&at) =>
            {
                (at - start) as usize
            }
            _ => self.incoming.len(),
        }
    }

    /// SIOCOUTQ: what was written and not acknowledged, a FIN as one.
    pub fn to_acknowledge(&self) -> usize {
        if self.state.is_opening() || self.is_over() {
            return 0;
        }
        self.written().saturating_sub(self.snd_una) as usize
    }

    /// Behind all that is written, and behind a FIN.
    #[inline]
    fn written(&self) -> u64 {
        self.outgoing.end() + u64::from(self.shut_write)
    }

    /// May this SYN, at a connection in TIME-WAIT, begin a new one in its place? (RFC 6191, with
    /// positions instead of timestamps.) The world replaces the connection then.
    pub fn gives_way_to(&self, seg: &Segment) -> bool {
        self.state == State::TimeWait
            && seg.flags.syn
            && !seg.flags.rst
            && !seg.flags.ack
            && seg.seq > self.rcv_nxt()
    }

    /// The RST that answers a segment for a port where nothing lives (RFC 9293 §3.10.7.1).
    pub fn reset_for(seg: &Segment, payload_len: usize) -> Option<Segment> {
        if seg.flags.rst {
            None
        } else if seg.flags.ack {
            Some(Segment { seq: seg.ack, flags: super::Flags::RST, ..Segment::default() })
        } else {
            let (ack, flags) = (seg.end(payload_len), super::Flags::RST_ACK);
            Some(Segment { ack, flags, ..Segment::default() })
        }
    }

    /// A segment is no more than half of the window that the peer offers first, or every one would
    /// be held back as not full (tcp_bound_to_half_wnd).
    fn bound_segment(&mut self) {
        /// RFC 9293 §3.7.1: what any host takes. A window as small is not halved.
        const MSS_DEFAULT: u64 = 536;
        const MSS_MIN: u64 = 48;
        let window = self.snd_window_max;
        let half = if window > MSS_DEFAULT { window / 2 } else { window.max(MSS_MIN) };
        let half = u32::try_from(half).unwrap_or(u32::MAX);
        if half < self.config.mss {
            Rc::make_mut(&mut self.config).mss = half;
        }
        let is_on = self.config.congestion_control;
        self.congestion = Congestion::new(is_on, self.config.mss);
    }

    #[inline]
    fn rcv_nxt(&self) -> u64 {
        self.incoming.next().saturating_add(u64::from(self.peer_finished))
    }

    /// Bytes that may still be in flight.
    #[inline]
    fn pipe(&self) -> u64 {
        self.sent.pipe(self.snd_nxt - self.snd_una)
    }

    /// Something is sent and not acknowledged.
    #[inline]
    fn in_flight(&self) -> bool {
        self.snd_una < self.snd_nxt
    }

    #[inline]
    fn fin_acknowledged(&self) -> bool {
        self.shut_write && self.snd_una > self.outgoing.end()
    }

    /// Tells the peer that all is over, at the position where it is bound to believe it.
    #[cold]
    fn send_reset(&mut self) {
        self.counts.left();
        self.owed.reset = Some(Box::new(Segment {
            seq: self.snd_nxt,
            ack: self.rcv_nxt(),
            flags: super::Flags::RST_ACK,
            ..Segment::default()
        }));
    }

    /// The end, for whatever reason; Linux's tcp_done.
    #[cold]
    fn die(&mut self, error: Option<Errno>) {
        self.state = State::Closed;
        self.orphan |= self.embryo;
        self.error = error.or(self.error);
        self.shut_read = true;
        self.shut_write = true;
        self.owed = Owed { reset: self.owed.reset.take(), ..Owed::default() };
        self.timers.stop();
        self.acks.stop();
        self.counts.end(self.snd_una);
        self.snd_una = self.snd_nxt;
        self.sent = Scoreboard::default();
        self.outgoing.clear();
        match self.orphan {
            true => self.incoming.clear(),
            false => self.incoming.drop_islands(),
        }
    }
}
