//! [`TcpKeepalive`]: when and how an idle connection is asked whether it still stands.

use std::time::Duration;

/// When and how an idle TCP connection is asked whether it still stands; what is not said keeps its
/// value. For [`Socket::set_tcp_keepalive`](super::Socket::set_tcp_keepalive).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use greenroom::net::TcpKeepalive;
///
/// // After a quiet minute ask every ten seconds, and give up after the third.
/// let _ = TcpKeepalive::new()
///     .with_time(Duration::from_secs(60))
///     .with_interval(Duration::from_secs(10))
///     .with_retries(3);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpKeepalive {
    pub(super) time: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) retries: Option<u32>,
}

impl TcpKeepalive {
    /// Says nothing yet.
    pub const fn new() -> TcpKeepalive {
        TcpKeepalive { time: None, interval: None, retries: None }
    }
    /// How long a connection is quiet before it is asked (`TCP_KEEPIDLE`), in whole seconds: what is
    /// over is cut.
    pub const fn with_time(self, time: Duration) -> TcpKeepalive {
        TcpKeepalive { time: Some(time), ..self }
    }
    /// How long an answer is waited for (`TCP_KEEPINTVL`), in whole seconds.
    pub const fn with_interval(self, interval: Duration) -> TcpKeepalive {
        TcpKeepalive { interval: Some(interval), ..self }
    }
    /// After how many unanswered questions the connection is given up (`TCP_KEEPCNT`).
    pub const fn with_retries(self, retries: u32) -> TcpKeepalive {
        TcpKeepalive { retries: Some(retries), ..self }
    }
}
