//! What a server does about an error of its listener or socket.

use std::io;
use std::time::Duration;

/// What an error of accept(2) or recvfrom(2) means for those who come after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was that one's alone: go on.
    Next,
    /// Something is out, and may be there again in a while.
    Later,
    /// It will not get better.
    Over,
}

pub(super) fn judge(error: &io::Error) -> Verdict {
    match error.raw_os_error() {
        // accept(2): what is wrong with a new connection already is told here, and is to be treated
        // like EAGAIN.
        Some(
            libc::ECONNABORTED
            | libc::EINTR
            | libc::EPERM
            | libc::EPROTO
            | libc::ECONNREFUSED
            | libc::ECONNRESET
            | libc::ENETDOWN
            | libc::ENETUNREACH
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENOPROTOOPT
            | libc::ENONET
            | libc::EOPNOTSUPP,
        ) => Verdict::Next,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Verdict::Later,
        Some(_) => Verdict::Over,
        // Without a number it is our own: a timeout set on the listener, a scope.
        None if error.kind() == io::ErrorKind::WouldBlock => Verdict::Next,
        None => Verdict::Over,
    }
}

/// How long to wait before another try: twice as long each time, up to a second.
pub(super) struct Pause(Duration);

impl Pause {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(super) fn new() -> Pause {
        Pause(Pause::FIRST)
    }
    /// It went well.
    pub(super) fn reset(&mut self) {
        self.0 = Pause::FIRST;
    }
    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(Pause::LONGEST);
        now
    }
}
