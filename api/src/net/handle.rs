//! What handles have in common, said once: each macro gives a type that wraps a
//! [`Descriptor`](super::Descriptor) one noun's worth of methods.

/// What every handle has: a second one, an end, and what stands behind it.
macro_rules! handle {
    ($type:ident) => {
        impl $type {
            /// A second handle of the same socket or pipe. Timeouts, modes and options are common
            /// to both; waiters, and being closed, are each one's own.
            ///
            /// # Errors
            ///
            /// `EBADF` once closed; `EMFILE` where descriptors are out.
            pub fn try_clone(&self) -> io::Result<$type> {
                self.0.dup().map($type)
            }

            /// Closes this handle now: calls parked on it return `EBADF`, whoever reads first, and
            /// then, if it was the last, the other side sees the end. Every later call on it returns
            /// `EBADF`. It never switches; closing twice is nothing. Not in std, where only a drop
            /// closes.
            pub fn close(&self) {
                self.0.close();
            }

            /// Takes in a descriptor of the process, which belongs to the hub from here on. std's
            /// `From<OwnedFd>`, which cannot fail.
            ///
            /// The descriptor is made non-blocking, and so is every other one of the same socket.
            /// As in std, nobody asks whether it is of this type: calls that do not fit it return
            /// errors.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) on a hub that is not the operating
            /// system; [`NotConnected`](io::ErrorKind::NotConnected) outside any hub. The descriptor
            /// is closed then.
            pub fn from_fd(fd: std::os::fd::OwnedFd) -> io::Result<$type> {
                $crate::call::Descriptor::adopt(fd).map($type)
            }

            /// The descriptor of the process behind this handle, for calls that are not offered
            /// here. std's `AsRawFd`, which cannot fail.
            ///
            /// It is the hub's and non-blocking. It is gone when this handle is closed, and its
            /// number may then be another's: a `BorrowedFd` (`AsFd`) would promise that it is not,
            /// which next to `close(&self)` nobody can.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) on a hub that is not the operating
            /// system; `EBADF` once closed.
            pub fn try_as_raw_fd(&self) -> io::Result<std::os::fd::RawFd> {
                self.0.raw_fd()
            }

            /// A second descriptor of the process for the same socket or pipe, which the caller
            /// owns. With a drop of the handle it stands for std's `Into<OwnedFd>`, which cannot
            /// fail. Like the hub's own it is non-blocking.
            ///
            /// # Errors
            ///
            /// [`Unsupported`](io::ErrorKind::Unsupported) on a hub that is not the operating
            /// system; `EBADF` once closed; `EMFILE` where descriptors are out.
            pub fn try_to_owned_fd(&self) -> io::Result<std::os::fd::OwnedFd> {
                self.0.owned_fd()
            }
        }

        $crate::call::source!($type);
    };
}

/// What every socket has, but not a pipe.
macro_rules! socket_modes {
    ($type:ident) => {
        impl $type {
            /// Whether calls return [`WouldBlock`](io::ErrorKind::WouldBlock) where they would wait,
            /// for every clone.
            ///
            /// # Errors
            ///
            /// `EBADF` once closed.
            pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
                self.0.set_nonblocking(nonblocking)
            }

            /// Takes the pending error (`SO_ERROR`): the next call will not see it.
            ///
            /// # Errors
            ///
            /// `EBADF` once closed.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.0.ask(|hub, io| hub.take_error(io))
            }
        }
    };
}

/// How long calls may take.
macro_rules! timeouts {
    ($type:ident) => {
        impl $type {
            /// How long a call that receives may take as a whole; `None` is for ever. Then it
            /// returns [`WouldBlock`](io::ErrorKind::WouldBlock). A call that waits already keeps
            /// the limit it began with.
            ///
            /// The limit is kept to the nanosecond, where Linux rounds it up to its clock's ticks.
            ///
            /// # Errors
            ///
            /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero; `EBADF` once closed.
            pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                self.0.set_timeout(Direction::Read, timeout)
            }

            /// How long a call that sends may take as a whole; `None` is for ever. Then it returns
            /// [`WouldBlock`](io::ErrorKind::WouldBlock). `write_all` is several such calls.
            ///
            /// # Errors
            ///
            /// [`InvalidInput`](io::ErrorKind::InvalidInput) for zero; `EBADF` once closed.
            pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                self.0.set_timeout(Direction::Write, timeout)
            }

            /// How long a call that receives may take.
            ///
            /// # Errors
            ///
            /// `EBADF` once closed.
            pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
                self.0.io().map(|_| self.0.timeout(Direction::Read))
            }

            /// How long a call that sends may take.
            ///
            /// # Errors
            ///
            /// `EBADF` once closed.
            pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
                self.0.io().map(|_| self.0.timeout(Direction::Write))
            }
        }
    };
}

/// How far packets may go.
macro_rules! packet_ttl {
    ($type:ident) => {
        impl $type {
            /// Sets how many hops a packet may take (`IP_TTL`).
            ///
            /// # Errors
            ///
            /// `EINVAL` for what is not 1 to 255; `EBADF` once closed.
            pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
                self.0.set(Opt::Ttl, ttl)
            }

            /// How many hops a packet may take (`IP_TTL`).
            ///
            /// # Errors
            ///
            /// `EBADF` once closed.
            pub fn ttl(&self) -> io::Result<u32> {
                self.0.get(Opt::Ttl)
            }
        }
    };
}

/// `Read` for a handle and for a reference to it.
macro_rules! reads {
    ($($type:ty),*) => {$(
        impl io::Read for $type {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0.read(buf)
            }
            fn read_vectored(&mut self, bufs: &mut [io::IoSliceMut<'_>]) -> io::Result<usize> {
                self.0.read_vectored(bufs)
            }
        }
    )*};
}

/// `Write` for a handle and for a reference to it.
macro_rules! writes {
    ($($type:ty),*) => {$(
        impl io::Write for $type {
            fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
                self.0.write(buf)
            }
            fn write_vectored(&mut self, bufs: &[io::IoSlice<'_>]) -> io::Result<usize> {
                self.0.write_vectored(bufs)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
    )*};
}

pub(crate) use {handle, packet_ttl, reads, socket_modes, timeouts, writes};
