//! What std's sockets and pipes can do, a line each: compiled against std's modules and ours.
// std deprecates `only_v6`, and has `TCP_QUICKACK` since a release after the oldest one we build on.
#![allow(deprecated, clippy::incompatible_msrv)]

use std::fmt::Debug;
use std::io::{Read, Result, Write};
use std::iter::FusedIterator;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::PathBuf;
use std::time::Duration;

use super::linux::{SocketAddrExt, TcpStreamExt};
use super::net::{
    Incoming, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, SocketAddrV6,
    TcpListener, TcpStream, ToSocketAddrs, UdpSocket,
};
use super::pipes::{PipeReader, PipeWriter, pipe};
use super::unix::{self, UnixDatagram, UnixListener, UnixStream};

type Sent<By> = (usize, By);
type Patience = Option<Duration>;
type Errors = Option<std::io::Error>;

const _: fn(String) -> Result<TcpStream> = TcpStream::connect;
const _: fn(&SocketAddr, Duration) -> Result<TcpStream> = TcpStream::connect_timeout;
const _: fn(&TcpStream) -> Result<SocketAddr> = TcpStream::peer_addr;
const _: fn(&TcpStream) -> Result<SocketAddr> = TcpStream::local_addr;
const _: fn(&TcpStream, Shutdown) -> Result<()> = TcpStream::shutdown;
const _: fn(&TcpStream) -> Result<TcpStream> = TcpStream::try_clone;
const _: fn(&TcpStream, Patience) -> Result<()> = TcpStream::set_read_timeout;
const _: fn(&TcpStream, Patience) -> Result<()> = TcpStream::set_write_timeout;
const _: fn(&TcpStream) -> Result<Patience> = TcpStream::read_timeout;
const _: fn(&TcpStream) -> Result<Patience> = TcpStream::write_timeout;
const _: fn(&TcpStream, &mut [u8]) -> Result<usize> = TcpStream::peek;
const _: fn(&TcpStream, bool) -> Result<()> = TcpStream::set_nodelay;
const _: fn(&TcpStream) -> Result<bool> = TcpStream::nodelay;
const _: fn(&TcpStream, u32) -> Result<()> = TcpStream::set_ttl;
const _: fn(&TcpStream) -> Result<u32> = TcpStream::ttl;
const _: fn(&TcpStream) -> Result<Errors> = TcpStream::take_error;
const _: fn(&TcpStream, bool) -> Result<()> = TcpStream::set_nonblocking;
const _: fn(&TcpStream, bool) -> Result<()> = TcpStreamExt::set_quickack;
const _: fn(&TcpStream) -> Result<bool> = TcpStreamExt::quickack;

const _: fn(String) -> Result<TcpListener> = TcpListener::bind;
const _: fn(&TcpListener) -> Result<SocketAddr> = TcpListener::local_addr;
const _: fn(&TcpListener) -> Result<TcpListener> = TcpListener::try_clone;
const _: fn(&TcpListener) -> Result<(TcpStream, SocketAddr)> = TcpListener::accept;
const _: fn(&TcpListener) -> Incoming<'_> = TcpListener::incoming;
const _: fn(&TcpListener, u32) -> Result<()> = TcpListener::set_ttl;
const _: fn(&TcpListener) -> Result<u32> = TcpListener::ttl;
const _: fn(&TcpListener, bool) -> Result<()> = TcpListener::set_only_v6;
const _: fn(&TcpListener) -> Result<bool> = TcpListener::only_v6;
const _: fn(&TcpListener) -> Result<Errors> = TcpListener::take_error;
const _: fn(&TcpListener, bool) -> Result<()> = TcpListener::set_nonblocking;

const _: fn(String) -> Result<UdpSocket> = UdpSocket::bind;
const _: fn(&UdpSocket, &mut [u8]) -> Result<Sent<SocketAddr>> = UdpSocket::recv_from;
const _: fn(&UdpSocket, &mut [u8]) -> Result<Sent<SocketAddr>> = UdpSocket::peek_from;
const _: fn(&UdpSocket, &[u8], String) -> Result<usize> = UdpSocket::send_to;
const _: fn(&UdpSocket) -> Result<SocketAddr> = UdpSocket::peer_addr;
const _: fn(&UdpSocket) -> Result<SocketAddr> = UdpSocket::local_addr;
const _: fn(&UdpSocket) -> Result<UdpSocket> = UdpSocket::try_clone;
const _: fn(&UdpSocket, Patience) -> Result<()> = UdpSocket::set_read_timeout;
const _: fn(&UdpSocket, Patience) -> Result<()> = UdpSocket::set_write_timeout;
const _: fn(&UdpSocket) -> Result<Patience> = UdpSocket::read_timeout;
const _: fn(&UdpSocket) -> Result<Patience> = UdpSocket::write_timeout;
const _: fn(&UdpSocket, bool) -> Result<()> = UdpSocket::set_broadcast;
const _: fn(&UdpSocket) -> Result<bool> = UdpSocket::broadcast;
const _: fn(&UdpSocket, bool) -> Result<()> = UdpSocket::set_multicast_loop_v4;
const _: fn(&UdpSocket) -> Result<bool> = UdpSocket::multicast_loop_v4;
const _: fn(&UdpSocket, u32) -> Result<()> = UdpSocket::set_multicast_ttl_v4;
const _: fn(&UdpSocket) -> Result<u32> = UdpSocket::multicast_ttl_v4;
const _: fn(&UdpSocket, bool) -> Result<()> = UdpSocket::set_multicast_loop_v6;
const _: fn(&UdpSocket) -> Result<bool> = UdpSocket::multicast_loop_v6;
const _: fn(&UdpSocket, u32) -> Result<()> = UdpSocket::set_ttl;
const _: fn(&UdpSocket) -> Result<u32> = UdpSocket::ttl;
const _: fn(&UdpSocket, &Ipv4Addr, &Ipv4Addr) -> Result<()> = UdpSocket::join_multicast_v4;
const _: fn(&UdpSocket, &Ipv6Addr, u32) -> Result<()> = UdpSocket::join_multicast_v6;
const _: fn(&UdpSocket, &Ipv4Addr, &Ipv4Addr) -> Result<()> = UdpSocket::leave_multicast_v4;
const _: fn(&UdpSocket, &Ipv6Addr, u32) -> Result<()> = UdpSocket::leave_multicast_v6;
const _: fn(&UdpSocket) -> Result<Errors> = UdpSocket::take_error;
const _: fn(&UdpSocket, String) -> Result<()> = UdpSocket::connect;
const _: fn(&UdpSocket, &[u8]) -> Result<usize> = UdpSocket::send;
const _: fn(&UdpSocket, &mut [u8]) -> Result<usize> = UdpSocket::recv;
const _: fn(&UdpSocket, &mut [u8]) -> Result<usize> = UdpSocket::peek;
const _: fn(&UdpSocket, bool) -> Result<()> = UdpSocket::set_nonblocking;

const _: fn(PathBuf) -> Result<UnixStream> = UnixStream::connect;
const _: fn(&unix::SocketAddr) -> Result<UnixStream> = UnixStream::connect_addr;
const _: fn() -> Result<(UnixStream, UnixStream)> = UnixStream::pair;
const _: fn(&UnixStream) -> Result<UnixStream> = UnixStream::try_clone;
const _: fn(&UnixStream) -> Result<unix::SocketAddr> = UnixStream::local_addr;
const _: fn(&UnixStream) -> Result<unix::SocketAddr> = UnixStream::peer_addr;
const _: fn(&UnixStream, Patience) -> Result<()> = UnixStream::set_read_timeout;
const _: fn(&UnixStream, Patience) -> Result<()> = UnixStream::set_write_timeout;
const _: fn(&UnixStream) -> Result<Patience> = UnixStream::read_timeout;
const _: fn(&UnixStream) -> Result<Patience> = UnixStream::write_timeout;
const _: fn(&UnixStream, bool) -> Result<()> = UnixStream::set_nonblocking;
const _: fn(&UnixStream) -> Result<Errors> = UnixStream::take_error;
const _: fn(&UnixStream, Shutdown) -> Result<()> = UnixStream::shutdown;

const _: fn(PathBuf) -> Result<UnixListener> = UnixListener::bind;
const _: fn(&unix::SocketAddr) -> Result<UnixListener> = UnixListener::bind_addr;
const _: fn(&UnixListener) -> Result<(UnixStream, unix::SocketAddr)> = UnixListener::accept;
const _: fn(&UnixListener) -> Result<UnixListener> = UnixListener::try_clone;
const _: fn(&UnixListener) -> Result<unix::SocketAddr> = UnixListener::local_addr;
const _: fn(&UnixListener, bool) -> Result<()> = UnixListener::set_nonblocking;
const _: fn(&UnixListener) -> Result<Errors> = UnixListener::take_error;
const _: fn(&UnixListener) -> unix::Incoming<'_> = UnixListener::incoming;

const _: fn(PathBuf) -> Result<UnixDatagram> = UnixDatagram::bind;
const _: fn(&unix::SocketAddr) -> Result<UnixDatagram> = UnixDatagram::bind_addr;
const _: fn() -> Result<UnixDatagram> = UnixDatagram::unbound;
const _: fn() -> Result<(UnixDatagram, UnixDatagram)> = UnixDatagram::pair;
const _: fn(&UnixDatagram, PathBuf) -> Result<()> = UnixDatagram::connect;
const _: fn(&UnixDatagram, &unix::SocketAddr) -> Result<()> = UnixDatagram::connect_addr;
const _: fn(&UnixDatagram) -> Result<UnixDatagram> = UnixDatagram::try_clone;
const _: fn(&UnixDatagram) -> Result<unix::SocketAddr> = UnixDatagram::local_addr;
const _: fn(&UnixDatagram) -> Result<unix::SocketAddr> = UnixDatagram::peer_addr;
const _: fn(&UnixDatagram, &mut [u8]) -> Result<Sent<unix::SocketAddr>> = UnixDatagram::recv_from;
const _: fn(&UnixDatagram, &mut [u8]) -> Result<usize> = UnixDatagram::recv;
const _: fn(&UnixDatagram, &[u8], PathBuf) -> Result<usize> = UnixDatagram::send_to;
const _: fn(&UnixDatagram, &[u8], &unix::SocketAddr) -> Result<usize> = UnixDatagram::send_to_addr;
const _: fn(&UnixDatagram, &[u8]) -> Result<usize> = UnixDatagram::send;
const _: fn(&UnixDatagram, Patience) -> Result<()> = UnixDatagram::set_read_timeout;
const _: fn(&UnixDatagram, Patience) -> Result<()> = UnixDatagram::set_write_timeout;
const _: fn(&UnixDatagram) -> Result<Patience> = UnixDatagram::read_timeout;
const _: fn(&UnixDatagram) -> Result<Patience> = UnixDatagram::write_timeout;
const _: fn(&UnixDatagram, bool) -> Result<()> = UnixDatagram::set_nonblocking;
const _: fn(&UnixDatagram) -> Result<Errors> = UnixDatagram::take_error;
const _: fn(&UnixDatagram, Shutdown) -> Result<()> = UnixDatagram::shutdown;

const _: fn() -> Result<(PipeReader, PipeWriter)> = pipe;
const _: fn(&PipeReader) -> Result<PipeReader> = PipeReader::try_clone;
const _: fn(&PipeWriter) -> Result<PipeWriter> = PipeWriter::try_clone;

const _: fn(String) -> Result<unix::SocketAddr> = unix::SocketAddr::from_abstract_name;
const _: fn(&unix::SocketAddr) -> Option<&[u8]> = unix::SocketAddr::as_abstract_name;

// Traits.

const fn is_plain<T: Debug + Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
const fn reads<T: Read>() {}
const fn writes<T: Write>() {}
const fn yields<T: Iterator<Item = Result<S>>, S>() {}
const fn is_fused<T: FusedIterator>() {}
const fn is_walked<T: IntoIterator<Item = Result<UnixStream>>>() {}
const fn names<T: ToSocketAddrs + ?Sized>() {}

const _: () = {
    is_plain::<TcpStream>();
    is_plain::<TcpListener>();
    is_plain::<UdpSocket>();
    is_plain::<UnixStream>();
    is_plain::<UnixListener>();
    is_plain::<UnixDatagram>();
    is_plain::<PipeReader>();
    is_plain::<PipeWriter>();
    is_plain::<Incoming<'static>>();
    is_plain::<unix::Incoming<'static>>();

    reads::<TcpStream>();
    reads::<&TcpStream>();
    reads::<UnixStream>();
    reads::<&UnixStream>();
    reads::<PipeReader>();
    reads::<&PipeReader>();
    writes::<TcpStream>();
    writes::<&TcpStream>();
    writes::<UnixStream>();
    writes::<&UnixStream>();
    writes::<PipeWriter>();
    writes::<&PipeWriter>();

    yields::<Incoming<'static>, TcpStream>();
    yields::<unix::Incoming<'static>, UnixStream>();
    is_fused::<Incoming<'static>>();
    is_walked::<&UnixListener>();

    names::<&[SocketAddr]>();
    names::<&SocketAddr>();
    names::<(&str, u16)>();
    names::<(IpAddr, u16)>();
    names::<(Ipv4Addr, u16)>();
    names::<(Ipv6Addr, u16)>();
    names::<(String, u16)>();
    names::<SocketAddr>();
    names::<SocketAddrV4>();
    names::<SocketAddrV6>();
    names::<String>();
    names::<str>();
};
