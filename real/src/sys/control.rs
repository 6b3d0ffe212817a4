//! sendmsg(2) and recvmsg(2) with control data, which is bytes laid out by the system's macros.
#![allow(unsafe_code)]

use std::io::{self, IoSlice, IoSliceMut};
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use greenroom::hub::{PacketInfoV4, PacketInfoV6, RIGHTS_MAX, RecvFlags};
use libc::c_int;
use socket2::{SockAddr, Socket};

/// Control data as the system takes and gives it.
pub(crate) enum Raw<Fd> {
    Rights(Vec<Fd>),
    V4(PacketInfoV4),
    V6(PacketInfoV6),
    Unread(u32),
}

/// What recvmsg(2) says.
pub(crate) struct Got {
    pub(crate) length: usize,
    pub(crate) peer: SockAddr,
    pub(crate) flags: RecvFlags,
    pub(crate) control: Vec<Raw<OwnedFd>>,
}

/// Sends a message. More descriptors than the system takes are its error to say.
pub(crate) fn send(
    socket: &Socket,
    bufs: &[IoSlice<'_>],
    to: Option<&SockAddr>,
    control: &[Raw<RawFd>],
    flags: c_int,
) -> io::Result<usize> {
    let pieces: Vec<Piece> = control.iter().filter_map(piece).collect();
    let mut room = vec![0_usize; space(&pieces).div_ceil(size_of::<usize>())];
    // SAFETY: a msghdr is numbers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some(to) = to {
        header.msg_name = to.as_ptr().cast_mut().cast();
        header.msg_namelen = to.len();
    }
    header.msg_iov = bufs.as_ptr().cast_mut().cast();
    header.msg_iovlen = bufs.len() as _;
    if !room.is_empty() {
        header.msg_control = room.as_mut_ptr().cast();
        header.msg_controllen = space(&pieces) as _;
        fill(&header, &pieces);
    }
    // SAFETY: name, buffers and control data are borrowed for the call, valid for their lengths, and
    // only read; std promises that an `IoSlice` has the layout of an iovec.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Receives a message. `room` is for control data, all that may come at once; without it the system
/// drops what came.
pub(crate) fn recv(
    socket: &Socket,
    bufs: &mut [IoSliceMut<'_>],
    flags: c_int,
    room: bool,
) -> io::Result<Got> {
    let mut space = [0_u64; ROOM];
    // SAFETY: a msghdr is numbers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = bufs.as_mut_ptr().cast();
    header.msg_iovlen = bufs.len() as _;
    if room {
        header.msg_control = space.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&space) as _;
    }
    // SAFETY: the storage and its length are socket2's, sized for any address. The buffers are
    // borrowed for the call and valid for writes of their lengths, as is the room for control data;
    // std promises that an `IoSliceMut` has the layout of an iovec. The system sets the name's
    // length, or fails and leaves the name unused.
    let received = unsafe {
        SockAddr::try_init(|storage, len| {
            header.msg_name = storage.cast();
            header.msg_namelen = *len;
            let n = libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags | CLOSE_ON_EXEC);
            *len = header.msg_namelen;
            usize::try_from(n).map_err(|_| io::Error::last_os_error())
        })
    };
    let (length, peer) = received?;
    // Linux gives back what it was asked.
    let flags = RecvFlags::from_bits(header.msg_flags & !CLOSE_ON_EXEC);
    Ok(Got { length, peer, flags, control: unpacked(&header) })
}

/// So that no program that the process runs gets what it receives.
#[cfg(not(target_vendor = "apple"))]
const CLOSE_ON_EXEC: c_int = libc::MSG_CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const CLOSE_ON_EXEC: c_int = 0;

/// Room for the descriptors of a message, two descriptions of a packet and a number, in words of
/// eight bytes, which are aligned as headers have to be.
const ROOM: usize = (RIGHTS_MAX * size_of::<RawFd>() + 256).div_ceil(8);

/// What the numbers of control data say that it is.
const RIGHTS: (c_int, c_int) = (libc::SOL_SOCKET, libc::SCM_RIGHTS);
#[cfg(target_os = "linux")]
mod linux {
    use libc::c_int;

    pub(super) const INFO_V4: (c_int, c_int) = (libc::IPPROTO_IP, libc::IP_PKTINFO);
    pub(super) const INFO_V6: (c_int, c_int) = (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO);
    pub(super) const UNREAD: (c_int, c_int) = (libc::IPPROTO_TCP, libc::TCP_CM_INQ);
    /// `SCM_PIDFD` of Linux 6.5: a descriptor of the sender's process, for who has set `SO_PASSPIDFD`.
    pub(super) const PIDFD: (c_int, c_int) = (libc::SOL_SOCKET, 4);
}

/// One piece of control data: its level and type, and its bytes.
type Piece = ((c_int, c_int), Vec<u8>);

fn piece(control: &Raw<RawFd>) -> Option<Piece> {
    match control {
        Raw::Rights(fds) => Some((RIGHTS, fds.iter().flat_map(|fd| fd.to_ne_bytes()).collect())),
        #[cfg(target_os = "linux")]
        Raw::V4(info) => {
            let mut bytes = info.interface.to_ne_bytes().to_vec();
            bytes.extend(info.local.octets());
            bytes.extend(info.destination.octets());
            Some((linux::INFO_V4, bytes))
        }
        #[cfg(target_os = "linux")]
        Raw::V6(info) => {
            let mut bytes = info.address.octets().to_vec();
            bytes.extend(info.interface.to_ne_bytes());
            Some((linux::INFO_V6, bytes))
        }
        // It is only received, or this system has no such thing.
        _ => None,
    }
}

/// What pieces take with their headers.
fn space(pieces: &[Piece]) -> usize {
    // SAFETY: this computes a length of a number alone.
    pieces.iter().map(|(_, bytes)| unsafe { libc::CMSG_SPACE(length(bytes)) } as usize).sum()
}

fn length(bytes: &[u8]) -> libc::c_uint {
    libc::c_uint::try_from(bytes.len()).expect("a list of handles is in memory")
}

/// Writes pieces into the room for control data, which is as long as they take, and zero.
fn fill(header: &libc::msghdr, pieces: &[Piece]) {
    // SAFETY: the room is valid for its length, and aligned as headers have to be.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    for ((level, kind), bytes) in pieces {
        assert!(!next.is_null(), "there is room for every piece");
        // SAFETY: the macros return null or a place within the room, and the room is as long as the
        // system says that headers and bytes are: header and bytes fit here. The next place follows
        // from the length that was just written.
        unsafe {
            (*next).cmsg_len = libc::CMSG_LEN(length(bytes)) as _;
            (*next).cmsg_level = *level;
            (*next).cmsg_type = *kind;
            libc::CMSG_DATA(next).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            next = libc::CMSG_NXTHDR(header, next);
        }
    }
}

/// What the system left in the room for control data. Every descriptor in it is owned from here on.
fn unpacked(header: &libc::msghdr) -> Vec<Raw<OwnedFd>> {
    let mut control = Vec::new();
    // SAFETY: recvmsg(2) filled the room in, which is borrowed by `header` still, and set its length
    // to what is valid.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !next.is_null() {
        // SAFETY: the macros return null or a header within what is valid.
        let (one, data) = unsafe { (next.read(), libc::CMSG_DATA(next)) };
        // SAFETY: this computes a length of a number alone.
        let before = unsafe { libc::CMSG_LEN(0) } as usize;
        #[allow(clippy::unnecessary_cast, reason = "not every system has a size here")]
        let length = (one.cmsg_len as usize).saturating_sub(before);
        let of = (one.cmsg_level, one.cmsg_type);
        if of == RIGHTS {
            let fds = (0..length / size_of::<RawFd>()).map(|at| {
                // SAFETY: within the data, whose length the header tells. The system just made each
                // descriptor for this process, and nobody else has it.
                unsafe { OwnedFd::from_raw_fd(data.cast::<RawFd>().add(at).read_unaligned()) }
            });
            control.push(Raw::Rights(fds.collect()));
        }
        #[cfg(target_os = "linux")]
        if of == linux::PIDFD && length >= size_of::<RawFd>() {
            // SAFETY: the data is one descriptor, which the system just made for this process. It has no
            // type here and is closed.
            drop(unsafe { OwnedFd::from_raw_fd(data.cast::<RawFd>().read_unaligned()) });
        }
        #[cfg(target_os = "linux")]
        control.extend(described(of, data, length));
        // SAFETY: as for the first one.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    control
}

/// What is neither descriptors nor unknown.
#[cfg(target_os = "linux")]
fn described(of: (c_int, c_int), data: *const u8, length: usize) -> Option<Raw<OwnedFd>> {
    match of {
        linux::INFO_V4 => {
            let info: libc::in_pktinfo = plain(data, length)?;
            Some(Raw::V4(PacketInfoV4 {
                interface: info.ipi_ifindex as u32,
                local: u32::from_be(info.ipi_spec_dst.s_addr).into(),
                destination: u32::from_be(info.ipi_addr.s_addr).into(),
            }))
        }
        linux::INFO_V6 => {
            let info: libc::in6_pktinfo = plain(data, length)?;
            let (address, interface) = (info.ipi6_addr.s6_addr.into(), info.ipi6_ifindex);
            Some(Raw::V6(PacketInfoV6 { address, interface }))
        }
        linux::UNREAD => Some(Raw::Unread(plain::<c_int>(data, length)? as u32)),
        _ => None,
    }
}

/// Numbers of the system's, if all of them are there.
#[cfg(target_os = "linux")]
fn plain<T: Copy>(data: *const u8, length: usize) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    if length < size_of::<T>() {
        return None;
    }
    // SAFETY: the data is at least as long as the value, which is of numbers alone (the callers name
    // the types), so that any bytes are one.
    unsafe {
        data.copy_to_nonoverlapping(value.as_mut_ptr().cast(), size_of::<T>());
        Some(value.assume_init())
    }
}
