//! Connecting: a call that begins an attempt, and then waits for how that goes. The attempt outlives a call
//! that does not wait, or no longer.

use std::io;
use std::time::Duration;

use super::descriptor::{Descriptor, Direction};
use super::retry::Call;
use crate::hub::{Address, Domain, Readiness};

impl Descriptor {
    /// Connects, and waits for it no longer than `timeout`, whatever the socket's mode.
    pub(crate) fn connect(&self, peer: &Address, timeout: Option<Duration>) -> io::Result<()> {
        self.connect_within(peer, timeout, io::ErrorKind::TimedOut).0
    }

    /// As connect(2) has it: with the socket's write timeout, and an attempt that is not waited for
    /// goes on. `EINPROGRESS` says so once, `EALREADY` from then on, and the first call after its
    /// end how it went. One of the Unix domain is never under way: there it is `EAGAIN`.
    pub(crate) fn connect_or_go_on(&self, peer: &Address) -> io::Result<()> {
        if self.is_nonblocking() {
            // Whatever is said is the answer.
            let answer = self.block_unless(true, "connect", Direction::Write, |hub, io| {
                Ok(hub.connect(io, peer))
            });
            return answer?;
        }
        let timeout = self.timeout(Direction::Write);
        let (answer, attempt) = self.connect_within(peer, timeout, io::ErrorKind::WouldBlock);
        match (answer, attempt) {
            (Err(error), Some(under_way)) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(io::Error::from_raw_os_error(under_way))
            }
            (answer, _) => answer,
        }
    }

    /// Connects within a time; with what connect(2) said of an attempt that is waited for.
    fn connect_within(
        &self,
        peer: &Address,
        timeout: Option<Duration>,
        expiry: io::ErrorKind,
    ) -> (io::Result<()>, Option<i32>) {
        let mut under_way = None;
        let answer = self.with(|driver, io| {
            let call = Call {
                op: "connect",
                io,
                interest: Readiness::WRITE,
                timeout_ns: timeout.map(ns_of),
                expiry,
                nonblocking: false,
            };
            call.run(driver, |hub, io| {
                if under_way.is_none() {
                    match started(hub.connect(io, peer), peer) {
                        Started::Attempt(said) => under_way = Some(said),
                        Started::Over(answer) => return Ok(answer),
                        Started::Refused(error) => return Err(error),
                    }
                }
                hub.connecting(io, peer).map(Ok)
            })
        });
        (answer.and_then(|answer| answer), under_way)
    }

    /// Starts a connection and does not wait; whether it stands.
    pub(crate) fn begin_connect(&self, peer: &Address) -> io::Result<bool> {
        let answer = self.block_unless(true, "connect", Direction::Write, |hub, io| {
            Ok(match started(hub.connect(io, peer), peer) {
                Started::Attempt(_) => Ok(false),
                Started::Over(answer) => answer.map(|()| true),
                Started::Refused(error) => Err(error),
            })
        });
        answer?
    }

    /// Whether the connection that was begun stands.
    pub(crate) fn is_connected(&self, peer: &Address) -> io::Result<bool> {
        let answer = self
            .block_unless(true, "connect", Direction::Write, |hub, io| hub.connecting(io, peer));
        match answer {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What connect(2) said to a caller who would wait.
enum Started {
    /// An attempt is under way, said so by `EINPROGRESS` or `EALREADY`.
    Attempt(i32),
    Over(io::Result<()>),
    /// It is to be tried again.
    Refused(io::Error),
}

fn started(answer: io::Result<()>, peer: &Address) -> Started {
    match answer {
        Err(error) => match error.raw_os_error() {
            Some(said @ (libc::EINPROGRESS | libc::EALREADY)) => Started::Attempt(said),
            // Of the internet it says that no port is free, and nothing follows.
            Some(libc::EAGAIN) if peer.domain() == Domain::Unix => Started::Refused(error),
            _ => Started::Over(Err(error)),
        },
        stands => Started::Over(stands),
    }
}

/// In nanoseconds, as far as they can be counted.
fn ns_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
