//! What readiness can be waited for: ours, and whatever has a descriptor of the process.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;

use super::descriptor::Descriptor;
use crate::driver::{self, Mailbox};
use crate::hub::Io;

/// Something that readiness can be waited for: every socket and pipe of this crate, and, on a hub
/// of the operating system, whatever has a descriptor of the process ([`AsFd`]): std's own sockets
/// and files, a terminal, an eventfd.
pub trait Source: sealed::Sealed {
    #[doc(hidden)]
    fn target(&self) -> io::Result<Target>;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

impl<T: AsFd + ?Sized> sealed::Sealed for T {}
impl<T: AsFd + ?Sized> Source for T {
    fn target(&self) -> io::Result<Target> {
        Target::foreign(self.as_fd().as_raw_fd())
    }
}

/// What a wait is for: a source of a hub.
pub struct Target {
    pub(crate) hub: u64,
    pub(crate) io: Io,
    pub(crate) mailbox: Arc<Mailbox>,
    /// A source made for the wait, which ends with it.
    _lent: Option<Descriptor>,
}

impl Target {
    /// A source of this hub's that somebody else owns.
    pub(super) fn own(hub: u64, io: Io, mailbox: Arc<Mailbox>) -> Target {
        Target { hub, io, mailbox, _lent: None }
    }

    /// A descriptor of the process, for as long as the target lives.
    pub(crate) fn foreign(descriptor: RawFd) -> io::Result<Target> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().watch(descriptor)?;
        let lent = Descriptor::new(&driver, io);
        let mailbox = driver.mailbox.clone();
        Ok(Target { hub: driver.id, io, mailbox, _lent: Some(lent) })
    }
}

/// Makes a type that owns a descriptor, as its field 0, a source.
macro_rules! source {
    ($($type:ty),*) => {$(
        impl $crate::call::sealed::Sealed for $type {}
        impl $crate::call::Source for $type {
            fn target(&self) -> std::io::Result<$crate::call::Target> {
                self.0.target()
            }
        }
        impl $crate::call::sealed::Sealed for &$type {}
        impl $crate::call::Source for &$type {
            fn target(&self) -> std::io::Result<$crate::call::Target> {
                self.0.target()
            }
        }
    )*};
}
pub(crate) use source;
