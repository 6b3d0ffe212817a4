//! Options of TCP.

use std::io;
use std::time::Duration;

use super::super::{Socket, TcpKeepalive};
use super::whole_seconds;
use crate::hub::{NameOpt, Opt};

/// Options of TCP (`IPPROTO_TCP`).
impl Socket {
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub fn tcp_nodelay(&self) -> io::Result<bool> {
        self.0.flag(Opt::NoDelay)
    }
    /// Sets whether small writes are sent at once (`TCP_NODELAY`).
    pub fn set_tcp_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.set(Opt::NoDelay, nodelay.into())
    }

    /// How long an idle connection is quiet before it is asked whether it stands (`TCP_KEEPIDLE`).
    pub fn tcp_keepalive_time(&self) -> io::Result<Duration> {
        Ok(Duration::from_secs(self.0.get(Opt::KeepIdle)?.into()))
    }
    /// How long the answer to that is waited for (`TCP_KEEPINTVL`).
    pub fn tcp_keepalive_interval(&self) -> io::Result<Duration> {
        Ok(Duration::from_secs(self.0.get(Opt::KeepInterval)?.into()))
    }
    /// After how many unanswered questions the connection is given up (`TCP_KEEPCNT`).
    pub fn tcp_keepalive_retries(&self) -> io::Result<u32> {
        self.0.get(Opt::KeepCount)
    }
    /// Has an idle connection asked whether it still stands (`SO_KEEPALIVE`), so.
    ///
    /// # Errors
    ///
    /// `EINVAL` for what the system does not take, such as less than a second.
    pub fn set_tcp_keepalive(&self, params: &TcpKeepalive) -> io::Result<()> {
        self.set_keepalive(true)?;
        if let Some(time) = params.time {
            self.0.set(Opt::KeepIdle, whole_seconds(time))?;
        }
        if let Some(interval) = params.interval {
            self.0.set(Opt::KeepInterval, whole_seconds(interval))?;
        }
        if let Some(retries) = params.retries {
            self.0.set(Opt::KeepCount, retries)?;
        }
        Ok(())
    }

    /// How long sent bytes may go unacknowledged before the connection is given up
    /// (`TCP_USER_TIMEOUT`); `None` is the system's own.
    pub fn tcp_user_timeout(&self) -> io::Result<Option<Duration>> {
        let milliseconds = self.0.get(Opt::UserTimeout)?;
        Ok((milliseconds != 0).then(|| Duration::from_millis(milliseconds.into())))
    }
    /// Sets how long sent bytes may go unacknowledged before the connection is given up
    /// (`TCP_USER_TIMEOUT`), in whole milliseconds.
    ///
    /// # Errors
    ///
    /// `EINVAL` for more than `i32::MAX` of them, which Linux refuses.
    pub fn set_tcp_user_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        let milliseconds = timeout.map_or(0, |time| time.as_millis().min(u32::MAX.into()) as u32);
        self.0.set(Opt::UserTimeout, milliseconds)
    }

    /// How many unsent bytes make the socket not writable (`TCP_NOTSENT_LOWAT`).
    pub fn tcp_notsent_lowat(&self) -> io::Result<u32> {
        self.0.get(Opt::UnsentLowWater)
    }
    /// Sets how many unsent bytes make the socket not writable (`TCP_NOTSENT_LOWAT`).
    pub fn set_tcp_notsent_lowat(&self, lowat: u32) -> io::Result<()> {
        self.0.set(Opt::UnsentLowWater, lowat)
    }

    /// How many bytes a segment holds at most (`TCP_MAXSEG`).
    pub fn tcp_mss(&self) -> io::Result<u32> {
        self.0.get(Opt::MaxSegment)
    }
    /// Sets how many bytes a segment holds at most (`TCP_MAXSEG`).
    pub fn set_tcp_mss(&self, mss: u32) -> io::Result<()> {
        self.0.set(Opt::MaxSegment, mss)
    }

    /// Whether only full segments are sent (`TCP_CORK`).
    pub fn tcp_cork(&self) -> io::Result<bool> {
        self.0.flag(Opt::Cork)
    }
    /// Sets whether only full segments are sent (`TCP_CORK`).
    pub fn set_tcp_cork(&self, cork: bool) -> io::Result<()> {
        self.0.set(Opt::Cork, cork.into())
    }

    /// Whether what arrives is acknowledged at once (`TCP_QUICKACK`).
    pub fn tcp_quickack(&self) -> io::Result<bool> {
        self.0.flag(Opt::QuickAck)
    }
    /// Sets whether what arrives is acknowledged at once (`TCP_QUICKACK`). The system
    /// returns to its own judgement.
    pub fn set_tcp_quickack(&self, quickack: bool) -> io::Result<()> {
        self.0.set(Opt::QuickAck, quickack.into())
    }

    /// Whether a thin stream repeats what was lost at even intervals (`TCP_THIN_LINEAR_TIMEOUTS`).
    pub fn tcp_thin_linear_timeouts(&self) -> io::Result<bool> {
        self.0.flag(Opt::ThinLinearTimeouts)
    }
    /// Sets whether a thin stream repeats what was lost at even intervals (`TCP_THIN_LINEAR_TIMEOUTS`).
    pub fn set_tcp_thin_linear_timeouts(&self, timeouts: bool) -> io::Result<()> {
        self.0.set(Opt::ThinLinearTimeouts, timeouts.into())
    }

    /// Whether messages say how many bytes are left to read (`TCP_INQ`).
    pub fn tcp_inq(&self) -> io::Result<bool> {
        self.0.flag(Opt::Inq)
    }
    /// Sets whether messages say how many bytes are left to read (`TCP_INQ`):
    /// [`ReceivedControl::Unread`](crate::net::ReceivedControl::Unread).
    pub fn set_tcp_inq(&self, inq: bool) -> io::Result<()> {
        self.0.set(Opt::Inq, inq.into())
    }

    /// The congestion control in use, by name (`TCP_CONGESTION`).
    pub fn tcp_congestion(&self) -> io::Result<Vec<u8>> {
        self.0.ask(|hub, io| hub.name_option(io, NameOpt::Congestion))
    }
    /// Sets the congestion control, by name (`TCP_CONGESTION`).
    ///
    /// # Errors
    ///
    /// `NotFound` for one the system does not have; `PermissionDenied` for one it keeps to itself.
    pub fn set_tcp_congestion(&self, tcp_ca_name: &[u8]) -> io::Result<()> {
        self.0.ask(|hub, io| hub.set_name_option(io, NameOpt::Congestion, tcp_ca_name))
    }
}
