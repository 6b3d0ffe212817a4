//! What Linux states of a socket by number: the lengths of its queues (ioctl(2)) and how its TCP
//! stands (`TCP_INFO`).

use std::io;
use std::os::fd::AsRawFd;

use socket2::Socket;

/// What there is to read (`FIONREAD`).
pub(crate) fn to_read(socket: &Socket) -> io::Result<usize> {
    length(socket, libc::FIONREAD)
}

/// What was written and is held (`SIOCOUTQ`, by the name that terminals have for the number).
pub(crate) fn to_send(socket: &Socket) -> io::Result<usize> {
    length(socket, libc::TIOCOUTQ)
}

fn length(socket: &Socket, request: libc::Ioctl) -> io::Result<usize> {
    let mut length: libc::c_int = 0;
    // SAFETY: both requests store one int, and it is ours, borrowed for the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), request, &raw mut length) } {
        0 => Ok(usize::try_from(length).unwrap_or(0)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Linux's `struct tcp_info`, as long as this kernel has it. It only ever grew at its end.
pub(crate) struct TcpRecord {
    bytes: [u8; TcpRecord::ROOM],
    length: usize,
}

impl TcpRecord {
    /// More than what is read here; a longer one is cut.
    const ROOM: usize = 256;

    pub(crate) fn of(socket: &Socket) -> io::Result<TcpRecord> {
        let mut bytes = [0; TcpRecord::ROOM];
        let mut length = TcpRecord::ROOM as libc::socklen_t;
        // SAFETY: the buffer is ours and of this length, and the system stores no more than that; it
        // is bytes, so whatever is stored is a value of its type.
        let done = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_INFO,
                bytes.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        match done {
            0 => Ok(TcpRecord { bytes, length: (length as usize).min(TcpRecord::ROOM) }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Whether this kernel fills in so many bytes of it; those behind are zero.
    pub(crate) fn reaches(&self, length: usize) -> bool {
        self.length >= length
    }

    /// The byte at this offset.
    pub(crate) fn u8(&self, at: usize) -> u8 {
        self.bytes[at]
    }
    /// The number of four bytes there.
    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.field(at))
    }
    /// The number of eight bytes there.
    pub(crate) fn u64(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.field(at))
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes[at..at + N].try_into().expect("a slice of this length")
    }
}
