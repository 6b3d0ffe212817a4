//! Watching a descriptor that somebody else owns.
//!
//! It is known by its number alone, and its owner may close it at any time, upon which the system
//! gives the number to the next file that is opened. The poll knows better: it keeps a registration
//! by number *and* file, and drops it with the file. So a watch registers at once, and asks the poll
//! to renew that before each call returns: when the poll does not know it any more, the number means
//! something else or nothing, and the call fails with `EBADF`. Renewing also has the poll report a
//! readiness that it reported already.
//!
//! The poll takes each number once. A second watch of one, or a watch of what the hub itself has
//! registered, goes by a copy, which is closed with the watch; until then the file stays open though
//! its owner closes it. Files of which the poll can tell nothing (on a disk, `/dev/null`) are always
//! ready, as poll(2) has it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use greenroom::hub::{Io, Readiness};
use mio::unix::SourceFd;
use mio::{Registry, Token};

use crate::socket::everything;
use crate::sys::{self, FileId};

/// One watch of one number.
pub(crate) struct Watch {
    number: RawFd,
    by: By,
}

enum By {
    /// The poll reports the number itself.
    Number,
    /// The poll reports a copy.
    Copy(OwnedFd),
    /// The poll reports nothing of this file.
    Always(FileId),
    /// The number no longer means what it did.
    Gone,
}

/// Which watch is registered by which number.
pub(crate) type Numbers = BTreeMap<RawFd, Io>;

impl Watch {
    /// A watch that is still to be started.
    ///
    /// # Errors
    ///
    /// `EBADF` when nothing is open under this number.
    pub(crate) fn new(number: RawFd) -> io::Result<Watch> {
        sys::readiness(number)?;
        Ok(Watch { number, by: By::Gone })
    }

    pub(crate) fn number(&self) -> RawFd {
        self.number
    }

    /// The number that the poll reports it by: its own, or that of a copy.
    pub(crate) fn registered(&self) -> Option<RawFd> {
        match &self.by {
            By::Number => Some(self.number),
            By::Copy(copy) => Some(copy.as_raw_fd()),
            By::Always(_) | By::Gone => None,
        }
    }

    /// Has the poll report it.
    pub(crate) fn start(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match registry.register(&mut SourceFd(&self.number), token, everything()) {
            Ok(()) => self.by = By::Number,
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                self.by = By::Always(sys::file_id(self.number)?);
            }
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => {
                self.start_by_copy(registry, token)?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn start_by_copy(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let copy = sys::duplicate(self.number)?;
        registry.register(&mut SourceFd(&copy.as_raw_fd()), token, everything())?;
        self.by = By::Copy(copy);
        Ok(())
    }

    /// Leaves the number to a source of the hub, and goes on by a copy.
    pub(crate) fn step_aside(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.deregister(&mut SourceFd(&self.number))?;
        self.by = By::Gone;
        self.start_by_copy(registry, token)
    }

    /// Something else was registered by this number: what it meant is gone.
    pub(crate) fn lose(&mut self) {
        self.by = By::Gone;
    }

    /// What would not block now. Where that is nothing, the poll reports what comes.
    pub(crate) fn readiness(&mut self, registry: &Registry, token: Token) -> io::Result<Readiness> {
        let current = match &self.by {
            By::Number => {
                registry.reregister(&mut SourceFd(&self.number), token, everything()).is_ok()
            }
            By::Copy(copy) => {
                let copy = copy.as_raw_fd();
                registry.reregister(&mut SourceFd(&copy), token, everything())?;
                return sys::readiness(copy);
            }
            By::Always(file) => sys::file_id(self.number)? == *file,
            By::Gone => false,
        };
        if !current {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        sys::readiness(self.number)
    }

    /// Ends the reports.
    pub(crate) fn stop(&mut self, registry: &Registry) {
        if let Some(number) = self.registered() {
            // An error would say that the file is gone from the poll, as was asked.
            let _ = registry.deregister(&mut SourceFd(&number));
        }
    }
}
