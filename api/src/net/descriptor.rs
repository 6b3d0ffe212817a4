//! A descriptor: what a handle owns of a socket in a hub's table.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::block::{Call, closed};
use crate::driver::{self, Driver, Mailbox};
use crate::hub::{Hub, Interest, Io, Opt};

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
    /// A source made for the wait, which ends with it.
    _lent: Option<Descriptor>,
}

impl Target {
    /// A descriptor of the process, for as long as the target lives.
    pub(crate) fn foreign(descriptor: RawFd) -> io::Result<Target> {
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().watch(descriptor)?;
        let lent = Descriptor::new(&driver, io);
        Ok(Target { hub: driver.id, io, _lent: Some(lent) })
    }
}

/// Makes a type that owns a descriptor, as its field 0, a source.
macro_rules! source {
    ($($type:ty),*) => {$(
        impl $crate::net::sealed::Sealed for $type {}
        impl $crate::net::Source for $type {
            fn target(&self) -> std::io::Result<$crate::net::Target> {
                self.0.target()
            }
        }
        impl $crate::net::sealed::Sealed for &$type {}
        impl $crate::net::Source for &$type {
            fn target(&self) -> std::io::Result<$crate::net::Target> {
                self.0.target()
            }
        }
    )*};
}
pub(crate) use source;

/// One descriptor over a socket that others may share. Waiters and the closed flag are its own;
/// timeouts and modes belong to the socket, as with `dup`.
pub struct Descriptor {
    hub: u64,
    io: Io,
    mailbox: Arc<Mailbox>,
    closed: AtomicBool,
    shared: Arc<Shared>,
}

/// What all descriptors of one socket have in common above the waist.
#[derive(Default)]
struct Shared {
    /// Nanoseconds; 0 is none. std refuses a zero timeout.
    read_timeout_ns: AtomicU64,
    write_timeout_ns: AtomicU64,
    nonblocking: AtomicBool,
}

/// Which of the two timeouts of a socket.
#[derive(Clone, Copy)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl Descriptor {
    /// Owns a fresh entry of this thread's hub.
    pub(crate) fn new(driver: &Driver, io: Io) -> Descriptor {
        Descriptor {
            hub: driver.id,
            io,
            mailbox: driver.mailbox.clone(),
            closed: AtomicBool::new(false),
            shared: Arc::default(),
        }
    }

    pub(crate) fn target(&self) -> io::Result<Target> {
        Ok(Target { hub: self.hub, io: self.io()?, _lent: None })
    }

    /// The number in the hub's table, while the descriptor is open.
    pub(crate) fn io(&self) -> io::Result<Io> {
        if self.closed.load(Ordering::Relaxed) { Err(closed()) } else { Ok(self.io) }
    }

    /// Runs `f` with the driver of this descriptor, which must be this thread's.
    #[inline]
    pub(crate) fn with<T>(&self, f: impl FnOnce(&Driver, Io) -> io::Result<T>) -> io::Result<T> {
        let io = self.io()?;
        let driver = driver::current().ok_or_else(driver::outside)?;
        if driver.id != self.hub {
            return Err(if self.mailbox.is_over() { ended() } else { foreign() });
        }
        f(&driver, io)
    }

    /// A call that never waits.
    pub(crate) fn ask<T>(
        &self,
        f: impl FnOnce(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        self.with(|driver, io| f(&mut **driver.hub.borrow_mut(), io))
    }

    /// A call that waits for this direction, with the socket's timeout for it.
    #[inline]
    pub(crate) fn block<T>(
        &self,
        op: &'static str,
        direction: Direction,
        attempt: impl FnMut(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        let interest = match direction {
            Direction::Read => Interest::READ,
            Direction::Write => Interest::WRITE,
        };
        self.with(|driver, io| {
            let call = Call {
                op,
                io,
                interest,
                timeout: self.timeout(direction),
                expiry: io::ErrorKind::WouldBlock,
                nonblocking: self.shared.nonblocking.load(Ordering::Relaxed),
            };
            call.run(driver, attempt)
        })
    }

    /// Closes now: waiters wake with `EBADF`, reader first. Closing twice is nothing.
    pub(crate) fn close(&self) {
        if self.closed.swap(true, Ordering::Relaxed) {
            return;
        }
        let here = driver::with_current(|driver| {
            let ours = driver.id == self.hub;
            if ours {
                driver.close(self.io);
            }
            ours
        });
        if here != Some(true) {
            self.mailbox.post(driver::Mail::Close(self.io));
        }
    }

    pub(crate) fn dup(&self) -> io::Result<Descriptor> {
        let io = self.ask(|hub, io| hub.dup(io))?;
        Ok(Descriptor {
            hub: self.hub,
            io,
            mailbox: self.mailbox.clone(),
            closed: AtomicBool::new(false),
            shared: self.shared.clone(),
        })
    }

    // Modes and options.

    fn slot(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.shared.read_timeout_ns,
            Direction::Write => &self.shared.write_timeout_ns,
        }
    }

    #[inline]
    pub(crate) fn timeout(&self, direction: Direction) -> Option<Duration> {
        match self.slot(direction).load(Ordering::Relaxed) {
            0 => None,
            ns => Some(Duration::from_nanos(ns)),
        }
    }

    pub(crate) fn set_timeout(&self, direction: Direction, to: Option<Duration>) -> io::Result<()> {
        self.io()?;
        let ns = match to {
            None => 0,
            Some(Duration::ZERO) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "cannot set a 0 duration timeout",
                ));
            }
            Some(duration) => u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX),
        };
        self.slot(direction).store(ns, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.io()?;
        self.shared.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn flag(&self, option: Opt) -> io::Result<bool> {
        Ok(self.ask(|hub, io| hub.option(io, option))? != 0)
    }

    pub(crate) fn set(&self, option: Opt, value: u32) -> io::Result<()> {
        self.ask(|hub, io| hub.set_option(io, option, value))
    }

    /// As std's sockets show themselves, with the hub's number for the descriptor.
    pub(crate) fn debug(&self, name: &str, peer: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(name);
        if let Ok(address) = self.ask(|hub, io| hub.local_addr(io)?.inet()) {
            shown.field("addr", &address);
        }
        if let (false, Ok(address)) =
            (peer.is_empty(), self.ask(|hub, io| hub.peer_addr(io)?.inet()))
        {
            shown.field(peer, &address);
        }
        shown.field("io", &self.io).finish()
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.close();
    }
}

/// The error of a handle used under another hub than its own.
pub(crate) fn foreign() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "this socket belongs to another hub: use it on the thread whose hub made it",
    )
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the hub of this socket has ended")
}
