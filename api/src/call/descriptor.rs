//! A descriptor: what a handle owns of a socket in a hub's table.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net as unix;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::closed;
use super::retry::Call;
use super::target::Target;
use crate::driver::{self, Driver, Mailbox};
use crate::hub::{Address, Domain, Hub, Io, Kind, Opt, Readiness, Take};

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

    /// Makes a socket in this thread's hub. Owned from birth, so that an error or a kill closes it.
    pub(crate) fn socket(domain: Domain, kind: Kind) -> io::Result<Descriptor> {
        driver::count_call();
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().socket(domain, kind)?;
        Ok(Descriptor::new(&driver, io))
    }

    /// Makes two sockets that are connected to each other.
    pub(crate) fn pair(domain: Domain, kind: Kind) -> io::Result<(Descriptor, Descriptor)> {
        driver::count_call();
        let driver = driver::current().ok_or_else(driver::outside)?;
        let (a, b) = driver.hub.borrow_mut().pair(domain, kind)?;
        Ok((Descriptor::new(&driver, a), Descriptor::new(&driver, b)))
    }

    /// Makes a pipe: the end that is read from and the end that is written to.
    pub(crate) fn pipe() -> io::Result<(Descriptor, Descriptor)> {
        driver::count_call();
        let driver = driver::current().ok_or_else(driver::outside)?;
        let (reader, writer) = driver.hub.borrow_mut().pipe()?;
        Ok((Descriptor::new(&driver, reader), Descriptor::new(&driver, writer)))
    }

    /// Takes in a descriptor of the process, where the hub has such.
    pub(crate) fn adopt(fd: OwnedFd) -> io::Result<Descriptor> {
        driver::count_call();
        let driver = driver::current().ok_or_else(driver::outside)?;
        let io = driver.hub.borrow_mut().adopt(fd)?;
        Ok(Descriptor::new(&driver, io))
    }

    pub(crate) fn target(&self) -> io::Result<Target> {
        Ok(Target::own(self.hub, self.io()?, self.mailbox.clone()))
    }

    /// The number of what is to go with a message of this descriptor's hub.
    pub(crate) fn same_hub(&self, target: &Target) -> io::Result<Io> {
        if target.hub == self.hub { Ok(target.io) } else { Err(foreign()) }
    }

    /// The number in the hub's table, while the descriptor is open.
    #[inline]
    pub(crate) fn io(&self) -> io::Result<Io> {
        if self.closed.load(Ordering::Relaxed) { Err(refused()) } else { Ok(self.io) }
    }

    /// Runs `f` with the driver of this descriptor, which must be this thread's.
    #[inline]
    pub(crate) fn with<T>(&self, f: impl FnOnce(&Driver, Io) -> io::Result<T>) -> io::Result<T> {
        let io = self.io()?;
        match driver::current() {
            Some(driver) if driver.id == self.hub => f(&driver, io),
            elsewhere => Err(out_of_place(&self.mailbox, elsewhere.is_some())),
        }
    }

    /// A call that never waits.
    pub(crate) fn ask<T>(
        &self,
        f: impl FnOnce(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        driver::count_call();
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
        self.block_unless(self.is_nonblocking(), op, direction, attempt)
    }

    /// As [`block`](Self::block), for a call that brings its own leave to wait.
    #[inline]
    pub(crate) fn block_unless<T>(
        &self,
        nonblocking: bool,
        op: &'static str,
        direction: Direction,
        attempt: impl FnMut(&mut dyn Hub, Io) -> io::Result<T>,
    ) -> io::Result<T> {
        let interest = match direction {
            Direction::Read => Readiness::READ,
            Direction::Write => Readiness::WRITE,
        };
        self.with(|driver, io| {
            let call = Call {
                op,
                io,
                interest,
                timeout_ns: self.timeout_ns(direction),
                expiry: io::ErrorKind::WouldBlock,
                nonblocking,
            };
            call.run(driver, attempt)
        })
    }

    // Connections.

    /// Takes the oldest connection. It is owned within the call, which may switch before it
    /// returns; whatever else is made of it is made after the call, for a drop needs the hub.
    pub(crate) fn accept(&self) -> io::Result<(Descriptor, Address)> {
        self.with(|driver, _| {
            self.block("accept", Direction::Read, |hub, io| {
                let (io, peer) = hub.accept(io)?;
                Ok((Descriptor::new(driver, io), peer))
            })
        })
    }

    // Bytes of a stream.

    pub(crate) fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.block("read", Direction::Read, |hub, io| hub.recv(io, buf, Take::Remove))
    }
    pub(crate) fn write(&self, buf: &[u8]) -> io::Result<usize> {
        self.block("write", Direction::Write, |hub, io| hub.send(io, buf))
    }
    pub(crate) fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.block("read", Direction::Read, |hub, io| hub.recv_vectored(io, bufs, Take::Remove))
    }
    pub(crate) fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.block("write", Direction::Write, |hub, io| hub.send_vectored(io, bufs))
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

    // The descriptor of the process behind it, where the hub has such.

    pub(crate) fn raw_fd(&self) -> io::Result<RawFd> {
        self.ask(|hub, io| hub.descriptor(io))
    }
    pub(crate) fn owned_fd(&self) -> io::Result<OwnedFd> {
        self.ask(|hub, io| hub.export(io))
    }

    // Addresses.

    pub(crate) fn local_inet(&self) -> io::Result<SocketAddr> {
        self.ask(|hub, io| hub.local_addr(io)?.inet())
    }
    pub(crate) fn peer_inet(&self) -> io::Result<SocketAddr> {
        self.ask(|hub, io| hub.peer_addr(io)?.inet())
    }
    pub(crate) fn local_unix(&self) -> io::Result<unix::SocketAddr> {
        self.ask(|hub, io| hub.local_addr(io)?.unix().cloned())
    }
    pub(crate) fn peer_unix(&self) -> io::Result<unix::SocketAddr> {
        self.ask(|hub, io| hub.peer_addr(io)?.unix().cloned())
    }

    // Modes and options.

    fn slot(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.shared.read_timeout_ns,
            Direction::Write => &self.shared.write_timeout_ns,
        }
    }

    #[inline]
    fn timeout_ns(&self, direction: Direction) -> Option<u64> {
        match self.slot(direction).load(Ordering::Relaxed) {
            0 => None,
            ns => Some(ns),
        }
    }

    pub(crate) fn timeout(&self, direction: Direction) -> Option<Duration> {
        self.timeout_ns(direction).map(Duration::from_nanos)
    }

    pub(crate) fn set_timeout(&self, direction: Direction, to: Option<Duration>) -> io::Result<()> {
        self.io()?;
        to.map_or(Ok(()), refuse_zero)?;
        // What is longer than can be counted is for ever, and read back as none, as on Linux.
        let ns = to.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0));
        self.slot(direction).store(ns, Ordering::Relaxed);
        Ok(())
    }

    /// Takes over another socket's timeouts.
    pub(crate) fn inherit_timeouts(&self, from: &Descriptor) {
        for direction in [Direction::Read, Direction::Write] {
            let ns = from.slot(direction).load(Ordering::Relaxed);
            self.slot(direction).store(ns, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.shared.nonblocking.load(Ordering::Relaxed)
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        driver::count_call();
        self.io()?;
        self.shared.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn get(&self, option: Opt) -> io::Result<u32> {
        self.ask(|hub, io| hub.option(io, option))
    }

    pub(crate) fn flag(&self, option: Opt) -> io::Result<bool> {
        Ok(self.get(option)? != 0)
    }

    pub(crate) fn set(&self, option: Opt, value: u32) -> io::Result<()> {
        self.ask(|hub, io| hub.set_option(io, option, value))
    }

    // As std's handles show themselves, with the hub's number for the descriptor.

    pub(crate) fn show_inet(
        &self,
        name: &str,
        has_peer: bool,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let mut shown = f.debug_struct(name);
        if let Ok(address) = self.local_inet() {
            shown.field("addr", &address);
        }
        if let (true, Ok(address)) = (has_peer, self.peer_inet()) {
            shown.field("peer", &address);
        }
        shown.field("io", &self.io).finish()
    }

    pub(crate) fn show_unix(
        &self,
        name: &str,
        has_peer: bool,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let mut shown = f.debug_struct(name);
        shown.field("io", &self.io);
        if let Ok(address) = self.local_unix() {
            shown.field("local", &address);
        }
        if let (true, Ok(address)) = (has_peer, self.peer_unix()) {
            shown.field("peer", &address);
        }
        shown.finish()
    }

    pub(crate) fn show_number(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name).field("io", &self.io).finish()
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        self.close();
    }
}

/// Why a handle of this hub does not work here.
#[cold]
pub(crate) fn out_of_place(mailbox: &Mailbox, is_under_a_hub: bool) -> io::Error {
    if mailbox.is_over() {
        ended()
    } else if is_under_a_hub {
        foreign()
    } else {
        driver::outside()
    }
}

/// A call on a closed handle, which never waits.
#[cold]
fn refused() -> io::Error {
    driver::count_call();
    closed()
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

/// std's sockets take no timeout of zero: on the system's own it would mean none.
pub(crate) fn refuse_zero(timeout: Duration) -> io::Result<()> {
    if timeout.is_zero() {
        let refusal = "cannot set a 0 duration timeout";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, refusal));
    }
    Ok(())
}
