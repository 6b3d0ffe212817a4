//! Messages: what a [`Socket`] sends and receives together with an address and control data.
//!
//! Control data is typed here, where the system has bytes: a descriptor is a handle, and so has a
//! meaning in a simulation too.

use std::ffi::c_int;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};

use super::flags::Flags;
use super::{SockAddr, Socket};
use crate::call::{Descriptor, Direction, Source, Target};
use crate::driver::Driver;
use crate::hub::{self, Address, Ask, Message, PacketInfoV4, PacketInfoV6, RecvFlags};

/// What goes with the bytes of a message.
#[non_exhaustive]
#[derive(Clone, Copy)]
pub enum Control<'a> {
    /// Handles for the receiver (`SCM_RIGHTS`), over a socket of the Unix domain: it gets descriptors
    /// of its own to what they are of, and the sender keeps its. Elsewhere they count for nothing.
    /// What is on its way stays open. On the operating system the receiver makes it non-blocking, which the
    /// sender's descriptor of the same socket is then, too.
    ///
    /// On the operating system these may be of whatever has a descriptor; in a simulation, of this
    /// crate's sockets and pipes.
    Rights(&'a [&'a dyn Source]),
    /// Where a datagram of IPv4 leaves from (`IP_PKTINFO`).
    PacketInfoV4(PacketInfoV4),
    /// Where a datagram of IPv6 leaves from (`IPV6_PKTINFO`).
    PacketInfoV6(PacketInfoV6),
}

/// What came with the bytes of a message.
#[non_exhaustive]
#[derive(Debug)]
pub enum ReceivedControl {
    /// The descriptors that the sender gave, in its order. Those that are no sockets are held as
    /// such too, and turn into what they are by `From`, as into a
    /// [`PipeReader`](crate::io::PipeReader).
    Rights(Vec<Socket>),
    /// How a datagram of IPv4 came, after
    /// [`set_recv_packet_info_v4`](Socket::set_recv_packet_info_v4).
    PacketInfoV4(PacketInfoV4),
    /// How a datagram of IPv6 came, after
    /// [`set_recv_packet_info_v6`](Socket::set_recv_packet_info_v6).
    PacketInfoV6(PacketInfoV6),
    /// How many bytes of a TCP stream are left to read, after
    /// [`set_tcp_inq`](Socket::set_tcp_inq); the end of the stream counts as one.
    Unread(u32),
}

/// A message to be sent. See `socket2::MsgHdr`, which has control data as bytes.
#[derive(Clone, Copy, Default)]
pub struct MsgHdr<'a> {
    addr: Option<&'a SockAddr>,
    bufs: &'a [IoSlice<'a>],
    control: &'a [Control<'a>],
}

impl<'a> MsgHdr<'a> {
    /// A message of no bytes, to whom the socket is connected to.
    pub fn new() -> MsgHdr<'a> {
        MsgHdr::default()
    }

    /// Has it go to this address.
    #[must_use]
    pub fn with_addr(self, addr: &'a SockAddr) -> MsgHdr<'a> {
        MsgHdr { addr: Some(addr), ..self }
    }

    /// Has it carry the bytes of these buffers, one after the other.
    #[must_use]
    pub fn with_buffers(self, bufs: &'a [IoSlice<'a>]) -> MsgHdr<'a> {
        MsgHdr { bufs, ..self }
    }

    /// Has this go with it.
    #[must_use]
    pub fn with_control(self, control: &'a [Control<'a>]) -> MsgHdr<'a> {
        MsgHdr { control, ..self }
    }
}

/// Room for a message to be received, and what the system said of it. See `socket2::MsgHdrMut`,
/// which has control data as bytes.
#[derive(Default)]
pub struct MsgHdrMut<'a, 'data> {
    addr: Option<&'a mut SockAddr>,
    bufs: Option<&'a mut [IoSliceMut<'data>]>,
    control: Option<&'a mut Vec<ReceivedControl>>,
    flags: RecvFlags,
}

impl<'a, 'data> MsgHdrMut<'a, 'data> {
    /// Room for no bytes and nothing beside them.
    pub fn new() -> MsgHdrMut<'a, 'data> {
        MsgHdrMut::default()
    }

    /// Where to put who sent it: [unnamed](SockAddr::is_unnamed) where the system does not say, as of
    /// a connected stream of TCP.
    #[must_use]
    pub fn with_addr(self, addr: &'a mut SockAddr) -> MsgHdrMut<'a, 'data> {
        MsgHdrMut { addr: Some(addr), ..self }
    }

    /// Where to put its bytes, one buffer after the other.
    #[must_use]
    pub fn with_buffers(self, bufs: &'a mut [IoSliceMut<'data>]) -> MsgHdrMut<'a, 'data> {
        MsgHdrMut { bufs: Some(bufs), ..self }
    }

    /// Where to put what comes with it, in place of what is there. It has room for all of it: only
    /// where descriptors are out is something lost, as
    /// [`is_control_truncated`](RecvFlags::is_control_truncated) says.
    #[must_use]
    pub fn with_control(self, control: &'a mut Vec<ReceivedControl>) -> MsgHdrMut<'a, 'data> {
        MsgHdrMut { control: Some(control), ..self }
    }

    /// What the system said of the message that was received.
    pub fn flags(&self) -> RecvFlags {
        self.flags
    }
}

/// Messages.
///
/// Both return `WouldBlock` when they may not wait, or no longer, and `EBADF` once the socket is
/// closed.
///
/// # Examples
///
/// A connection handed to another greenlet, or another process:
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use std::io::{IoSlice, IoSliceMut};
///
/// use greenroom::net::{Control, MsgHdr, MsgHdrMut, ReceivedControl, Socket, TcpStream};
/// use greenroom::os::unix::net::UnixStream;
///
/// let (near, far) = UnixStream::pair()?;
/// let (near, far) = (Socket::from(near), Socket::from(far));
/// let connection = TcpStream::connect("127.0.0.1:80")?;
/// let bytes = [IoSlice::new(b"yours")];
/// let control = [Control::Rights(&[&connection])];
/// near.sendmsg(&MsgHdr::new().with_buffers(&bytes).with_control(&control), 0)?;
///
/// let (mut buf, mut control) = ([0; 16], Vec::new());
/// let mut bufs = [IoSliceMut::new(&mut buf)];
/// let mut message = MsgHdrMut::new().with_buffers(&mut bufs).with_control(&mut control);
/// assert_eq!(far.recvmsg(&mut message, 0)?, 5);
/// let Some(ReceivedControl::Rights(mut handles)) = control.pop() else { panic!("no handles") };
/// let connection = TcpStream::from(handles.remove(0));
/// # Ok(()) }
/// ```
impl Socket {
    /// Sends a message, as sendmsg(2), with flags as [`send_with_flags`](Socket::send_with_flags) has
    /// them, but for `MSG_OOB`. Where fewer bytes are taken than were given, what goes with them went.
    ///
    /// # Errors
    ///
    /// `EINVAL` for more than 253 handles at once; `EBADF` for one that is closed; `InvalidInput` for
    /// one of another hub; `ENETUNREACH`, of IPv6 `EINVAL`, for a source address that the host has
    /// not, and `ENODEV` for an interface; else those of [`send_to`](Socket::send_to).
    pub fn sendmsg(&self, msg: &MsgHdr<'_>, flags: c_int) -> io::Result<usize> {
        let flags = Flags::sending(flags)?.not_urgent()?;
        let (control, _lent) = self.given(msg.control)?;
        let message = Message {
            bufs: msg.bufs,
            to: msg.addr.map(|addr| &addr.0),
            control: &control,
            more: flags.more,
            end_of_record: flags.end_of_record,
        };
        self.send_message(&message, flags.nonblocking, "sendmsg")
    }

    /// Receives a message, as recvmsg(2), with flags as
    /// [`recv_from_with_flags`](Socket::recv_from_with_flags) has them. Descriptors that came with it
    /// and are not asked for are closed.
    ///
    /// # Errors
    ///
    /// Those of [`recv_from`](Socket::recv_from).
    pub fn recvmsg(&self, msg: &mut MsgHdrMut<'_, '_>, flags: c_int) -> io::Result<usize> {
        let flags = Flags::receiving(flags)?.not_urgent()?;
        let bufs = msg.bufs.as_deref_mut().unwrap_or_default();
        let ask = Ask { take: flags.take, control: msg.control.is_some() };
        let received = self.recv_message(bufs, ask, flags.nonblocking, "recvmsg")?;
        msg.flags = received.flags;
        if let Some(addr) = msg.addr.as_deref_mut() {
            *addr = SockAddr(received.from);
        }
        if let Some(control) = msg.control.as_deref_mut() {
            control.clear();
            control.extend(received.control.into_iter().map(Held::give));
        }
        Ok(received.length)
    }

    /// What goes with a message, as the hub has it. Sources that were made for the call live as long
    /// as the second.
    fn given(&self, control: &[Control<'_>]) -> io::Result<(Vec<hub::Control>, Vec<Target>)> {
        let mut lent = Vec::new();
        let mut one = |control: &Control<'_>| {
            Ok(match control {
                Control::Rights(sources) => {
                    let first = lent.len();
                    for source in *sources {
                        lent.push(source.target()?);
                    }
                    let ios = lent[first..].iter().map(|target| self.0.same_hub(target));
                    hub::Control::Rights(ios.collect::<io::Result<_>>()?)
                }
                Control::PacketInfoV4(info) => hub::Control::PacketInfoV4(*info),
                Control::PacketInfoV6(info) => hub::Control::PacketInfoV6(*info),
            })
        };
        let given = control.iter().map(&mut one).collect::<io::Result<Vec<_>>>()?;
        Ok((given, lent))
    }

    pub(super) fn send_message(
        &self,
        message: &Message<'_>,
        nonblocking: bool,
        op: &'static str,
    ) -> io::Result<usize> {
        let nonblocking = nonblocking || self.0.is_nonblocking();
        self.0.block_unless(nonblocking, op, Direction::Write, |hub, io| {
            hub.send_message(io, message)
        })
    }

    pub(super) fn recv_message(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        ask: Ask,
        nonblocking: bool,
        op: &'static str,
    ) -> io::Result<Taken> {
        let nonblocking = nonblocking || self.0.is_nonblocking();
        self.0.with(|driver, _| {
            self.0.block_unless(nonblocking, op, Direction::Read, |hub, io| {
                let received = hub.recv_message(io, bufs, ask)?;
                let control = received.control.into_iter();
                Ok(Taken {
                    length: received.length,
                    from: received.from,
                    flags: received.flags,
                    // Owned within the call, which may switch before it returns.
                    control: control.map(|control| Held::own(driver, control)).collect(),
                })
            })
        })
    }
}

/// A message as it was received, with what came with it owned.
pub(super) struct Taken {
    pub(super) length: usize,
    pub(super) from: Address,
    pub(super) flags: RecvFlags,
    control: Vec<Held>,
}

enum Held {
    Rights(Vec<Descriptor>),
    Other(hub::Control),
}

impl Held {
    fn own(driver: &Driver, control: hub::Control) -> Held {
        match control {
            hub::Control::Rights(ios) => {
                Held::Rights(ios.into_iter().map(|io| Descriptor::new(driver, io)).collect())
            }
            other => Held::Other(other),
        }
    }

    fn give(self) -> ReceivedControl {
        match self {
            Held::Rights(owned) => ReceivedControl::Rights(owned.into_iter().map(Socket).collect()),
            Held::Other(hub::Control::PacketInfoV4(info)) => ReceivedControl::PacketInfoV4(info),
            Held::Other(hub::Control::PacketInfoV6(info)) => ReceivedControl::PacketInfoV6(info),
            Held::Other(hub::Control::Unread(bytes)) => ReceivedControl::Unread(bytes),
            Held::Other(hub::Control::Rights(_)) => unreachable!("rights are owned"),
        }
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Control::Rights(sources) => f.debug_tuple("Rights").field(&sources.len()).finish(),
            Control::PacketInfoV4(info) => f.debug_tuple("PacketInfoV4").field(info).finish(),
            Control::PacketInfoV6(info) => f.debug_tuple("PacketInfoV6").field(info).finish(),
        }
    }
}

impl fmt::Debug for MsgHdr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        "MsgHdr".fmt(f)
    }
}

impl fmt::Debug for MsgHdrMut<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        "MsgHdrMut".fmt(f)
    }
}
