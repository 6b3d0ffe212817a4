//! Errors by their numbers, as the system has them.

use std::io;

pub(crate) fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}
