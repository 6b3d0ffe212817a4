//! What a connection may be told, by its options and by the system it runs on.

const SECOND_NS: u64 = 1_000_000_000;

/// What a connection may be told; the defaults are Linux's, but for a send buffer that begins larger:
/// Linux's begins with what fits its accounting of memory, which is not modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Most bytes in a segment: 1500 of Ethernet less two headers of 20 (RFC 9293 §3.7.1).
    pub mss: u32,
    /// What the application may write ahead of the peer's acknowledgments, at first.
    pub send_buffer: u32,
    /// tcp_wmem: as far as it grows with the congestion window.
    pub send_buffer_max: u32,
    /// What the peer may send ahead of the application's reads, at first.
    pub recv_buffer: u32,
    /// tcp_rmem: as far as it grows with what the application reads in a round trip.
    pub recv_buffer_max: u32,
    /// Before any measurement (RFC 6298 2.1).
    pub rto_initial_ns: u64,
    /// Linux's TCP_RTO_MIN; RFC 6298 (2.4) would have one second.
    pub rto_min_ns: u64,
    /// Linux's TCP_RTO_MAX (RFC 6298 2.5 asks for at least 60 s).
    pub rto_max_ns: u64,
    /// tcp_syn_retries: how often a SYN is sent again after a time that doubles.
    pub syn_retries: u32,
    /// tcp_syn_linear_timeouts: how often before that after the first time again. With 4 and 6 it is
    /// sent 1, 2, 3, 4, 5, 7, 11, 19, 35 and 67 s after the first, and ETIMEDOUT comes after 131 s.
    pub syn_linear_timeouts: u32,
    /// tcp_retries2, as Linux counts it: not timeouts, but the time this many of them would take if
    /// the first were `rto_min_ns`; 15 make 924.6 s.
    pub retries: u32,
    /// TCP_TIMEWAIT_LEN; RFC 9293 §3.4.2 would have 2 MSL = 4 min.
    pub time_wait_ns: u64,
    /// tcp_fin_timeout: how long an orphan waits in FIN_WAIT2.
    pub fin_timeout_ns: u64,
    pub keepalive: Option<Keepalive>,
    /// TCP_USER_TIMEOUT (RFC 5482): how long data may wait for any progress.
    pub user_timeout_ns: Option<u64>,
    /// How long an ACK may wait for data to ride on: Linux's TCP_DELACK_MIN (RFC 1122 §4.2.3.2 allows
    /// half a second). Zero: it leaves at the end of the instant.
    pub ack_delay_ns: u64,
    /// TCP_NOTSENT_LOWAT: bytes that the windows hold back and that are as many as one may write
    /// ahead; `None` is as many as the buffer holds.
    pub unsent_max: Option<u32>,
    /// Nagle's rule (RFC 896), unless TCP_NODELAY: a segment that is not full waits while another
    /// such is not acknowledged.
    pub nagle: bool,
    /// TCP_CORK: a segment that is not full waits until it is, the cork is drawn, or a timeout's time
    /// has passed.
    pub cork: bool,
    /// SO_OOBINLINE: urgent bytes are among the others, and the mark only ends a read.
    pub urgent_inline: bool,
    /// Whether a congestion window limits what is in flight, or the peer's window alone.
    pub congestion_control: bool,
}

/// SO_KEEPALIVE with TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    pub idle_ns: u64,
    pub interval_ns: u64,
    pub count: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            mss: 1460,
            send_buffer: 256 * 1024,
            send_buffer_max: 4 << 20,
            recv_buffer: 128 * 1024,
            recv_buffer_max: 6 << 20,
            rto_initial_ns: SECOND_NS,
            rto_min_ns: SECOND_NS / 5,
            rto_max_ns: 120 * SECOND_NS,
            syn_retries: 6,
            syn_linear_timeouts: 4,
            retries: 15,
            time_wait_ns: 60 * SECOND_NS,
            fin_timeout_ns: 60 * SECOND_NS,
            keepalive: None,
            user_timeout_ns: None,
            ack_delay_ns: SECOND_NS / 25,
            unsent_max: None,
            nagle: true,
            cork: false,
            urgent_inline: false,
            congestion_control: true,
        }
    }
}

impl Config {
    /// SO_SNDBUF and SO_RCVBUF: a buffer whose size was told does not grow.
    pub fn with_buffers(mut self, send: Option<u32>, recv: Option<u32>) -> Config {
        if let Some(bytes) = send {
            (self.send_buffer, self.send_buffer_max) = (bytes, bytes);
        }
        if let Some(bytes) = recv {
            (self.recv_buffer, self.recv_buffer_max) = (bytes, bytes);
        }
        self
    }
}

impl Default for Keepalive {
    /// Linux: two hours, then nine probes 75 s apart (RFC 9293 §3.8.4 asks for the two hours).
    fn default() -> Keepalive {
        Keepalive { idle_ns: 7200 * SECOND_NS, interval_ns: 75 * SECOND_NS, count: 9 }
    }
}
