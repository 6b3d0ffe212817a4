//! The few system calls that neither std, mio nor socket2 offers in the form needed here. Nothing
//! is decided in this file, and with it and those below it ends this crate's `unsafe`.
#![allow(unsafe_code)]

pub(crate) mod control;
#[cfg(target_os = "linux")]
pub(crate) mod facts;
#[cfg(target_os = "linux")]
pub(crate) mod names;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use greenroom::hub::Readiness;
use socket2::{SockAddr, Socket};

/// A buffer as socket2 takes it.
pub(crate) fn as_uninit(buf: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: `MaybeUninit<u8>` has the layout of `u8`. Whoever gets the slice could only break it
    // by storing uninitialised bytes; socket2 hands it to recv(2) alone, which stores bytes.
    unsafe { &mut *(std::ptr::from_mut(buf) as *mut [MaybeUninit<u8>]) }
}

/// Takes the oldest finished connection, non-blocking from birth: one call instead of three.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    // SAFETY: the storage and its length are socket2's, sized for any address; accept4(2) fills
    // them in, or fails and leaves them unused.
    let accepted = unsafe {
        SockAddr::try_init(|storage, len| {
            let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
            match libc::accept4(listener.as_raw_fd(), storage.cast(), len, flags) {
                -1 => Err(io::Error::last_os_error()),
                fd => Ok(fd),
            }
        })
    };
    let (fd, peer) = accepted?;
    // SAFETY: accept4(2) just made this descriptor and nobody else has it.
    Ok((unsafe { Socket::from_raw_fd(fd) }, peer))
}

/// Takes the oldest finished connection.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, peer))
}

/// Takes bytes from a socket. The calls of the C library are points where a thread may be cancelled,
/// which no thread of a Rust program is: in a process of several threads, and the watchdog is one, to
/// say so takes twice as long as the call.
#[cfg(all(target_os = "linux", not(greenroom_threads)))]
pub(crate) fn recv(socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
    let (n, _) = rustix::net::recv(socket, buf, rustix::net::RecvFlags::empty())?;
    Ok(n)
}
/// Takes bytes from a socket; tools see the calls of the C library.
#[cfg(not(all(target_os = "linux", not(greenroom_threads))))]
pub(crate) fn recv(mut socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
    io::Read::read(&mut socket, buf)
}
/// Gives bytes to a socket, as [`recv`] takes them.
#[cfg(all(target_os = "linux", not(greenroom_threads)))]
pub(crate) fn send(socket: &Socket, buf: &[u8], flags: libc::c_int) -> io::Result<usize> {
    let flags = rustix::net::SendFlags::from_bits_retain(flags as u32);
    Ok(rustix::net::send(socket, buf, flags)?)
}
/// Gives bytes to a socket; tools see the calls of the C library.
#[cfg(not(all(target_os = "linux", not(greenroom_threads))))]
pub(crate) fn send(socket: &Socket, buf: &[u8], flags: libc::c_int) -> io::Result<usize> {
    socket.send_with_flags(buf, flags)
}

/// Reads from what is no socket.
pub(crate) fn read(file: &Socket, buf: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for writes of its length.
    count(unsafe { libc::read(file.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len()) })
}
/// Reads into several buffers, from what is no socket.
pub(crate) fn read_vectored(file: &Socket, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let len = libc::c_int::try_from(bufs.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: std promises that an `IoSliceMut` has the layout of an iovec; each is valid for
    // writes of its length.
    count(unsafe { libc::readv(file.as_raw_fd(), bufs.as_mut_ptr().cast(), len) })
}
/// Writes to what is no socket. There is no flag against SIGPIPE as for sockets; Rust's runtime has
/// the process ignore it.
pub(crate) fn write(file: &Socket, buf: &[u8]) -> io::Result<usize> {
    // SAFETY: the buffer is valid for reads of its length.
    count(unsafe { libc::write(file.as_raw_fd(), buf.as_ptr().cast(), buf.len()) })
}
/// Writes several buffers, to what is no socket.
pub(crate) fn write_vectored(file: &Socket, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let len = libc::c_int::try_from(bufs.len()).unwrap_or(libc::c_int::MAX);
    // SAFETY: std promises that an `IoSlice` has the layout of an iovec; each is valid for reads of
    // its length.
    count(unsafe { libc::writev(file.as_raw_fd(), bufs.as_ptr().cast(), len) })
}

fn count(answer: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::last_os_error())
}

/// What poll(2) reports of a number, and what a program finds there. `EBADF` for one that is not open.
pub(crate) fn readiness(fd: RawFd) -> io::Result<Readiness> {
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    let reported = polled(fd, libc::POLLIN | libc::POLLOUT | libc::POLLPRI | READ_CLOSED)?;
    let shown = |readiness: Readiness, of: i16| readiness.when(reported & of != 0);
    if reported & libc::POLLNVAL != 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    Ok(shown(Readiness::READ, libc::POLLIN)
        .with(shown(Readiness::WRITE, libc::POLLOUT))
        .with(shown(Readiness::HANG_UP, libc::POLLHUP))
        .with(shown(Readiness::READ_CLOSED, READ_CLOSED))
        .with(shown(Readiness::ERROR, libc::POLLERR))
        .with(shown(Readiness::URGENT, libc::POLLPRI))
        .as_found())
}

/// Elsewhere than on Linux poll(2) has no word for a socket that is shut for reading alone.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READ_CLOSED: libc::c_short = libc::POLLRDHUP;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READ_CLOSED: libc::c_short = libc::POLLHUP;

/// What poll(2) reports now.
fn polled(fd: RawFd, events: libc::c_short) -> io::Result<libc::c_short> {
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one pollfd, borrowed for the call, which touches nothing else of ours.
    while unsafe { libc::poll(&raw mut asked, 1, 0) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(asked.revents)
}

/// A second descriptor of the file that is open under a number.
pub(crate) fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the call takes numbers alone; one that is not open is an error.
    match unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: fcntl(2) just made this descriptor and nobody else has it.
        copy => Ok(unsafe { OwnedFd::from_raw_fd(copy) }),
    }
}

/// Whether a descriptor is closed when the process runs another program.
pub(crate) fn cloexec(fd: RawFd) -> io::Result<bool> {
    // SAFETY: the call takes numbers alone; one that is not open is an error.
    match unsafe { libc::fcntl(fd, libc::F_GETFD) } {
        -1 => Err(io::Error::last_os_error()),
        flags => Ok(flags & libc::FD_CLOEXEC != 0),
    }
}

/// What tells two files on disks, or two devices, apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId(libc::dev_t, libc::ino_t);

/// The file that is open under a number.
pub(crate) fn file_id(fd: RawFd) -> io::Result<FileId> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the result goes into room of ours for it; a number that is not open is an error.
    if unsafe { libc::fstat(fd, stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: fstat(2) succeeded, so it is filled in.
    let stat = unsafe { stat.assume_init() };
    Ok(FileId(stat.st_dev, stat.st_ino))
}

/// The system's monotonic clock, in half the instructions that std's `Instant` takes to subtract:
/// every wait reads it.
#[inline]
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time goes into a timespec of ours. This clock exists everywhere, so it succeeds.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Fills the buffer from the kernel's random source.
pub(crate) fn random(bytes: &mut [u8]) {
    // The size up to which getrandom(2) is never cut short, and what getentropy(3) takes at most.
    for chunk in bytes.chunks_mut(256) {
        // SAFETY: the buffer is valid for writes of its length.
        let done = unsafe { libc::getentropy(chunk.as_mut_ptr().cast(), chunk.len()) };
        assert_eq!(done, 0, "no randomness: {}", io::Error::last_os_error());
    }
}

/// Gives a socket its source address and leaves the port to connect(2), which may then share one
/// among connections to different peers.
pub(crate) fn bind_source(socket: &Socket, source: Ipv4Addr) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let on: libc::c_int = 1;
        // SAFETY: the option's value is an int, borrowed for the call. Kernels without the option
        // refuse it, and the bind below then takes a port of its own.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_IP,
                libc::IP_BIND_ADDRESS_NO_PORT,
                (&raw const on).cast(),
                size_of_val(&on) as libc::socklen_t,
            )
        };
    }
    socket.bind(&SockAddr::from(std::net::SocketAddrV4::new(source, 0)))
}

/// Has a socket be as one that never connected, by connect(2) to no family.
pub(crate) fn disconnect(socket: &Socket) -> io::Result<()> {
    // SAFETY: an address of zeroes is one of no family.
    let mut nowhere: libc::sockaddr = unsafe { std::mem::zeroed() };
    nowhere.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    let length = size_of_val(&nowhere) as libc::socklen_t;
    // SAFETY: the address is ours and of this length, borrowed for the call.
    let done = unsafe { libc::connect(socket.as_raw_fd(), &raw const nowhere, length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The numbers of a connection that is kept alive.
#[derive(Clone, Copy)]
pub(crate) enum KeepAlive {
    Idle,
    Interval,
    Count,
}

/// Sets one of them. socket2 would switch keeping alive on with it.
pub(crate) fn set_keep_alive(socket: &Socket, which: KeepAlive, value: u32) -> io::Result<()> {
    #[cfg(not(target_vendor = "apple"))]
    const IDLE: libc::c_int = libc::TCP_KEEPIDLE;
    #[cfg(target_vendor = "apple")]
    const IDLE: libc::c_int = libc::TCP_KEEPALIVE;
    let name = match which {
        KeepAlive::Idle => IDLE,
        KeepAlive::Interval => libc::TCP_KEEPINTVL,
        KeepAlive::Count => libc::TCP_KEEPCNT,
    };
    // What is too great for the system is too great for it as any negative number is.
    let value = libc::c_int::try_from(value).unwrap_or(-1);
    set_number(socket, libc::IPPROTO_TCP, name, value)
}

/// What an option is set to that is a number and that socket2 does not offer.
#[cfg(target_os = "linux")]
pub(crate) fn number_option(
    socket: &Socket,
    level: libc::c_int,
    name: libc::c_int,
) -> io::Result<u32> {
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: the value and its length are ours, borrowed for the call, which writes no more than
    // that length.
    let done = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut length)
    };
    if done == 0 { Ok(value as u32) } else { Err(io::Error::last_os_error()) }
}

/// Sets such an option.
#[cfg(target_os = "linux")]
pub(crate) fn set_number_option(
    socket: &Socket,
    level: libc::c_int,
    name: libc::c_int,
    value: u32,
) -> io::Result<()> {
    set_number(socket, level, name, value as libc::c_int)
}

fn set_number(
    socket: &Socket,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    // SAFETY: the option's value is an int, borrowed for the call.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes a copy of this process, for tests of what a hub finds there; 0 is returned in the copy.
#[cfg(test)]
pub(crate) fn fork() -> io::Result<libc::pid_t> {
    // SAFETY: the copy has the calling thread alone. The C library sees to its own locks; those of the
    // program that others may hold are the caller's to mind.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        id => Ok(id),
    }
}
