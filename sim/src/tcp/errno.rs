//! The handful of Linux error numbers that TCP reports. Not a general table: numbers, because the
//! simulator behaves as Linux does whatever system it runs on.

use std::io;

/// What a connection fails with; the value is Linux's number (asm-generic/errno.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Errno {
    Again = 11,
    Inval = 22,
    Pipe = 32,
    NetUnreach = 101,
    ConnAborted = 103,
    ConnReset = 104,
    IsConn = 106,
    NotConn = 107,
    TimedOut = 110,
    ConnRefused = 111,
    HostUnreach = 113,
}

impl Errno {
    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self as i32)
    }
}
