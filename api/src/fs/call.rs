//! One operation on files: begun, waited for, and what came of it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::call::{Call, Descriptor, begin};
use crate::driver::{self, Driver};
use crate::hub::{FileAnswer, FileCall, Io, Readiness, Stat};

/// Has the hub do it, and waits. Who is killed meanwhile, or runs out of time, does not wait for its end.
pub(super) fn perform(op: &'static str, call: FileCall) -> io::Result<FileAnswer> {
    perform_as(op, call, |_, answer| answer)
}

/// As [`perform`]. What is opened is owned within the call, which may switch before it returns.
pub(super) fn open(call: FileCall) -> io::Result<Descriptor> {
    let opened = perform_as("open", call, |driver, answer| match answer {
        FileAnswer::Opened(io) => Some(Descriptor::new(driver, io)),
        _ => None,
    });
    opened?.ok_or_else(unexpected)
}

fn perform_as<T>(
    op: &'static str,
    call: FileCall,
    mut take: impl FnMut(&Driver, FileAnswer) -> T,
) -> io::Result<T> {
    let driver = driver::current().ok_or_else(driver::outside)?;
    // A call inside a timeout that is over does nothing.
    begin(&driver)?;
    let io = driver.hub.borrow_mut().file(call)?;
    // Owned during the wait, so that a kill or a timeout gives the answer up.
    let _operation = Descriptor::new(&driver, io);
    let call = Call {
        op,
        io,
        interest: Readiness::READ,
        timeout_ns: None,
        expiry: io::ErrorKind::TimedOut,
        nonblocking: false,
    };
    call.run(&driver, |hub, io: Io| hub.file_done(io).map(|answer| take(&driver, answer)))
}

pub(super) fn done(op: &'static str, call: FileCall) -> io::Result<()> {
    match perform(op, call)? {
        FileAnswer::Done => Ok(()),
        _ => Err(unexpected()),
    }
}

pub(super) fn count(op: &'static str, call: FileCall) -> io::Result<u64> {
    match perform(op, call)? {
        FileAnswer::Count(count) => Ok(count),
        _ => Err(unexpected()),
    }
}

pub(super) fn stat(op: &'static str, call: FileCall) -> io::Result<Stat> {
    match perform(op, call)? {
        FileAnswer::Stat(stat) => Ok(stat),
        _ => Err(unexpected()),
    }
}

pub(super) fn path(op: &'static str, call: FileCall) -> io::Result<PathBuf> {
    match perform(op, call)? {
        FileAnswer::Path(path) => Ok(path),
        _ => Err(unexpected()),
    }
}

#[cold]
pub(super) fn unexpected() -> io::Error {
    io::Error::other("the hub's answer is to another operation")
}

/// A path as the system takes it; std's error for one with a zero byte in it.
pub(super) fn named(path: &Path) -> io::Result<PathBuf> {
    checked(path.as_os_str())?;
    Ok(path.to_owned())
}

fn checked(name: &OsStr) -> io::Result<()> {
    match name.as_bytes().contains(&0) {
        false => Ok(()),
        true => {
            let text = "file name contained an unexpected NUL byte";
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        }
    }
}
