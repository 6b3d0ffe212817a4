//! Errors as one number in a trace, and by name in its text.

use std::fmt;
use std::io;

/// Kinds without an errno start here.
const KIND_FIRST: u64 = 1 << 16;

const KINDS: [(io::ErrorKind, &str); 6] = [
    (io::ErrorKind::TimedOut, "TimedOut"),
    (io::ErrorKind::InvalidInput, "InvalidInput"),
    (io::ErrorKind::NotConnected, "NotConnected"),
    (io::ErrorKind::Unsupported, "Unsupported"),
    (io::ErrorKind::NotFound, "NotFound"),
    (io::ErrorKind::Other, "Other"),
];

const ERRNOS: &[(i32, &str)] = &[
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::EBADF, "EBADF"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::EACCES, "EACCES"),
    (libc::EINVAL, "EINVAL"),
    (libc::EMFILE, "EMFILE"),
    (libc::EPIPE, "EPIPE"),
    (libc::ENOTSOCK, "ENOTSOCK"),
    (libc::EDESTADDRREQ, "EDESTADDRREQ"),
    (libc::EMSGSIZE, "EMSGSIZE"),
    (libc::EPROTOTYPE, "EPROTOTYPE"),
    (libc::ENOPROTOOPT, "ENOPROTOOPT"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::EADDRINUSE, "EADDRINUSE"),
    (libc::EADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (libc::ENETUNREACH, "ENETUNREACH"),
    (libc::ECONNABORTED, "ECONNABORTED"),
    (libc::ECONNRESET, "ECONNRESET"),
    (libc::EISCONN, "EISCONN"),
    (libc::ENOTCONN, "ENOTCONN"),
    (libc::ETIMEDOUT, "ETIMEDOUT"),
    (libc::ECONNREFUSED, "ECONNREFUSED"),
    (libc::EHOSTUNREACH, "EHOSTUNREACH"),
    (libc::EALREADY, "EALREADY"),
    (libc::EINPROGRESS, "EINPROGRESS"),
    (libc::ECANCELED, "ECANCELED"),
    (libc::EINTR, "EINTR"),
    (libc::EIO, "EIO"),
    (libc::ENXIO, "ENXIO"),
    (libc::ESRCH, "ESRCH"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EFAULT, "EFAULT"),
    (libc::EBUSY, "EBUSY"),
    (libc::EEXIST, "EEXIST"),
    (libc::ENODEV, "ENODEV"),
    (libc::ENOTDIR, "ENOTDIR"),
    (libc::EISDIR, "EISDIR"),
    (libc::ENFILE, "ENFILE"),
    (libc::ENOTTY, "ENOTTY"),
    (libc::ESPIPE, "ESPIPE"),
    (libc::EDOM, "EDOM"),
    (libc::ERANGE, "ERANGE"),
    (libc::ENAMETOOLONG, "ENAMETOOLONG"),
    (libc::ELOOP, "ELOOP"),
    (libc::EPROTO, "EPROTO"),
    (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
    (libc::ENETDOWN, "ENETDOWN"),
    (libc::ENETRESET, "ENETRESET"),
    (libc::ENOBUFS, "ENOBUFS"),
    (libc::ESHUTDOWN, "ESHUTDOWN"),
    (libc::EHOSTDOWN, "EHOSTDOWN"),
];

/// An error by the name of its number (`ECONNRESET`), or of its kind where it has none.
pub fn error_name(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => ErrorCode::from(error).to_string(),
        None => format!("{:?}", error.kind()),
    }
}

/// An error as an event has it: its errno, or a number above those for a kind that has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorCode(pub(super) u64);

impl From<&io::Error> for ErrorCode {
    fn from(error: &io::Error) -> ErrorCode {
        ErrorCode(match error.raw_os_error() {
            Some(errno) => errno as u64,
            None => {
                let at = KINDS.iter().position(|(kind, _)| *kind == error.kind());
                KIND_FIRST + at.unwrap_or(KINDS.len() - 1) as u64
            }
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= KIND_FIRST {
            return f.write_str(
                KINDS.get((self.0 - KIND_FIRST) as usize).map_or("Other", |kind| kind.1),
            );
        }
        match ERRNOS.iter().find(|(errno, _)| *errno as u64 == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}
