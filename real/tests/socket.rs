//! `Socket` and the other ways into the system's own: options, BSD's verbs, descriptors of the
//! process, connections to several addresses.
#![cfg(target_os = "linux")]

#[path = "stage/mod.rs"]
#[allow(dead_code)] // The scenes of `parity` use the rest.
mod stage;

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use greenroom::io::{PipeReader, pipe};
use greenroom::net::{
    Domain, InterfaceIndexOrAddress, Protocol, RecvFlags, SockAddr, Socket, TcpKeepalive,
    TcpListener, TcpStream, Type, UdpSocket, connect_racing, create_connection,
};
use greenroom::os::linux::net::TcpStreamExt;
use greenroom::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use greenroom::thread;
use greenroom::wait::{wait_read, wait_write};
use greenroom_real::run;
use stage::{Full, said};

fn here() -> SockAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()
}

fn tcp() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()
}

fn udp() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.bind(&here()).unwrap();
    socket
}

fn listener() -> (Socket, SockAddr) {
    let socket = tcp();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&here()).unwrap();
    socket.listen(128).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn number<T>(result: io::Result<T>) -> i32 {
    result.err().and_then(|error| error.raw_os_error()).unwrap_or(0)
}

// Options.

#[test]
fn a_socket_knows_what_it_is() {
    run(|| {
        let (listening, address) = listener();
        assert!(listening.is_listener().unwrap());
        assert_eq!(listening.domain().unwrap(), Domain::IPV4);
        assert_eq!(listening.r#type().unwrap(), Type::STREAM);
        assert_eq!(listening.protocol().unwrap(), Some(Protocol::TCP));
        assert_eq!(Domain::for_address(address.as_socket().unwrap()), Domain::IPV4);
        assert!(address.is_ipv4() && address.as_socket_ipv6().is_none());
        let (near, far) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        assert_eq!(near.domain().unwrap(), Domain::UNIX);
        assert_eq!(near.r#type().unwrap(), Type::SEQPACKET);
        assert_eq!(near.protocol().unwrap(), None);
        assert!(far.local_addr().unwrap().is_unnamed());
        assert!(!udp().is_listener().unwrap());
    });
}

/// Sets a truth value both ways and asks for it.
macro_rules! toggles {
    ($socket:expr, $($get:ident $set:ident),* $(,)?) => {$(
        for on in [true, false] {
            $socket.$set(on).unwrap();
            assert_eq!($socket.$get().unwrap(), on, stringify!($get));
        }
    )*};
}

/// Sets a number and asks for it.
macro_rules! numbers {
    ($socket:expr, $($get:ident $set:ident $value:expr),* $(,)?) => {$(
        $socket.$set($value).unwrap();
        assert_eq!($socket.$get().unwrap(), $value, stringify!($get));
    )*};
}

#[test]
fn options_of_any_socket_come_back_as_they_were_set() {
    run(|| {
        let socket = tcp();
        toggles!(
            socket,
            reuse_address set_reuse_address,
            reuse_port set_reuse_port,
            broadcast set_broadcast,
            keepalive set_keepalive,
            out_of_band_inline set_out_of_band_inline,
        );
        numbers!(socket, priority set_priority 4);
        socket.set_send_buffer_size(20_000).unwrap();
        assert_eq!(socket.send_buffer_size().unwrap(), 40_000);
        socket.set_recv_buffer_size(30_000).unwrap();
        assert_eq!(socket.recv_buffer_size().unwrap(), 60_000);
        for linger in [None, Some(Duration::ZERO), Some(Duration::from_secs(7)), None] {
            socket.set_linger(linger).unwrap();
            assert_eq!(socket.linger().unwrap(), linger);
        }
        assert_eq!(socket.mark().unwrap(), 0);
        assert_eq!(socket.device().unwrap(), None);
        let unix = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        toggles!(unix, passcred set_passcred);
    });
}

#[test]
fn options_of_tcp_come_back_as_they_were_set() {
    run(|| {
        let socket = tcp();
        toggles!(
            socket,
            tcp_nodelay set_tcp_nodelay,
            tcp_cork set_tcp_cork,
            tcp_quickack set_tcp_quickack,
            tcp_thin_linear_timeouts set_tcp_thin_linear_timeouts,
        );
        numbers!(socket, tcp_notsent_lowat set_tcp_notsent_lowat 16_384);
        assert_eq!(socket.tcp_user_timeout().unwrap(), None);
        assert_eq!(number(socket.set_tcp_user_timeout(Some(Duration::MAX))), libc::EINVAL);
        // No packet came yet.
        assert_eq!(socket.cpu_affinity().unwrap(), usize::MAX);
        for timeout in [Some(Duration::from_millis(1500)), None] {
            socket.set_tcp_user_timeout(timeout).unwrap();
            assert_eq!(socket.tcp_user_timeout().unwrap(), timeout);
        }
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_millis(60_900))
            .with_interval(Duration::from_secs(10))
            .with_retries(3);
        socket.set_tcp_keepalive(&keepalive).unwrap();
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(10));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(5)).unwrap();
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
        let no_time = TcpKeepalive::new().with_time(Duration::ZERO);
        assert_eq!(number(socket.set_tcp_keepalive(&no_time)), libc::EINVAL);
        socket.set_tcp_mss(1000).unwrap();
        let in_use = socket.tcp_congestion().unwrap();
        assert!(in_use.iter().all(u8::is_ascii_graphic) && !in_use.is_empty(), "{in_use:?}");
        socket.set_tcp_congestion(&in_use).unwrap();
        assert_eq!(socket.set_tcp_congestion(b"no-such").unwrap_err().kind(), ErrorKind::NotFound);
        let unix = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        assert_eq!(number(unix.set_tcp_nodelay(true)), libc::EOPNOTSUPP);
    });
}

#[test]
fn options_of_ipv4_come_back_as_they_were_set() {
    run(|| {
        let socket = udp();
        toggles!(
            socket,
            recv_tos_v4 set_recv_tos_v4,
            freebind_v4 set_freebind_v4,
            multicast_loop_v4 set_multicast_loop_v4,
            multicast_all_v4 set_multicast_all_v4,
        );
        numbers!(
            socket,
            ttl_v4 set_ttl_v4 9,
            tos_v4 set_tos_v4 16,
            multicast_ttl_v4 set_multicast_ttl_v4 3,
        );
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        assert_eq!(socket.multicast_if_v4().unwrap(), Ipv4Addr::LOCALHOST);
    });
}

#[test]
fn options_of_ipv6_come_back_as_they_were_set() {
    run(|| {
        let Ok(socket) = Socket::new(Domain::IPV6, Type::DGRAM, None) else { return };
        toggles!(
            socket,
            only_v6 set_only_v6,
            recv_tclass_v6 set_recv_tclass_v6,
            recv_hoplimit_v6 set_recv_hoplimit_v6,
            freebind_v6 set_freebind_v6,
            multicast_loop_v6 set_multicast_loop_v6,
            multicast_all_v6 set_multicast_all_v6,
        );
        numbers!(
            socket,
            unicast_hops_v6 set_unicast_hops_v6 9,
            tclass_v6 set_tclass_v6 16,
            multicast_hops_v6 set_multicast_hops_v6 3,
            multicast_if_v6 set_multicast_if_v6 1,
        );
        let group = "ff01::77".parse().unwrap();
        socket.join_multicast_v6(&group, 1).unwrap();
        socket.leave_multicast_v6(&group, 1).unwrap();
    });
}

#[test]
fn a_group_is_heard_by_who_joined_it_on_the_interface_they_said() {
    run(|| {
        let (group, here) = (Ipv4Addr::new(239, 9, 8, 7), Ipv4Addr::LOCALHOST);
        let sender = udp();
        sender.set_multicast_if_v4(&here).unwrap();
        let (by_address, by_index) =
            (InterfaceIndexOrAddress::Address(here), InterfaceIndexOrAddress::Index(1));
        type Step = fn(&Socket, Ipv4Addr, Ipv4Addr, InterfaceIndexOrAddress) -> io::Result<()>;
        let ways: [(Step, Step, InterfaceIndexOrAddress); 4] = [
            (
                |s, g, h, _| s.join_multicast_v4(&g, &h),
                |s, g, h, _| s.leave_multicast_v4(&g, &h),
                by_address,
            ),
            (
                |s, g, _, n| s.join_multicast_v4_n(&g, &n),
                |s, g, _, n| s.leave_multicast_v4_n(&g, &n),
                by_address,
            ),
            (
                |s, g, _, n| s.join_multicast_v4_n(&g, &n),
                |s, g, _, n| s.leave_multicast_v4_n(&g, &n),
                by_index,
            ),
            (
                |s, g, h, _| s.join_ssm_v4(&h, &g, &h),
                |s, g, h, _| s.leave_ssm_v4(&h, &g, &h),
                by_address,
            ),
        ];
        for (join, leave, interface) in ways {
            let heard = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
            heard.set_reuse_address(true).unwrap();
            heard.set_multicast_all_v4(false).unwrap();
            heard.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()).unwrap();
            let port = heard.local_addr().unwrap().as_socket().unwrap().port();
            join(&heard, group, here, interface).unwrap();
            sender.send_to(b"all", &SocketAddr::from((group, port)).into()).unwrap();
            let (n, from) = heard.recv_from(&mut [0; 8]).unwrap();
            assert_eq!((n, from), (3, sender.local_addr().unwrap()));
            leave(&heard, group, here, interface).unwrap();
            sender.send_to(b"all", &SocketAddr::from((group, port)).into()).unwrap();
            let left = heard.recv_with_flags(&mut [0; 8], libc::MSG_DONTWAIT);
            assert_eq!(number(left), libc::EAGAIN);
        }
    });
}

// Verbs.

#[test]
fn a_stream_does_not_say_who_sent() {
    run(|| {
        let (listening, address) = listener();
        let near = tcp();
        near.connect(&address).unwrap();
        listening.accept().unwrap().0.send(b"x").unwrap();
        let (n, sender) = near.recv_from(&mut [0; 4]).unwrap();
        assert!(n == 1 && sender.is_unnamed());
    });
}

#[test]
fn a_connect_that_is_not_waited_for_goes_on() {
    run(|| {
        let (listening, address) = listener();
        let socket = tcp();
        socket.set_nonblocking(true).unwrap();
        assert_eq!(number(socket.connect(&address)), libc::EINPROGRESS);
        wait_write(&socket, None).unwrap();
        assert_eq!(number(socket.connect(&address)), 0);
        assert_eq!(number(socket.connect(&address)), libc::EISCONN);
        let (accepted, peer) = listening.accept().unwrap();
        assert_eq!(peer, socket.local_addr().unwrap());
        assert_eq!(accepted.peer_addr().unwrap(), peer);

        let full = Full::new();
        let socket = tcp();
        socket.set_nonblocking(true).unwrap();
        assert_eq!(number(socket.connect(&full.address.into())), libc::EINPROGRESS);
        assert_eq!(number(socket.connect(&full.address.into())), libc::EALREADY);
        let late = tcp().connect_timeout(&full.address.into(), Duration::from_millis(5));
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        let socket = tcp();
        socket.set_write_timeout(Some(Duration::from_millis(5))).unwrap();
        assert_eq!(number(socket.connect(&full.address.into())), libc::EINPROGRESS);
        assert_eq!(number(socket.connect(&full.address.into())), libc::EALREADY);

        drop(listening);
        let socket = tcp();
        socket.set_nonblocking(true).unwrap();
        assert_eq!(number(socket.connect(&address)), libc::EINPROGRESS);
        wait_write(&socket, None).unwrap();
        assert_eq!(number(socket.connect(&address)), libc::ECONNREFUSED);
        // Whoever takes the error leaves the next connect to say that there was one.
        let socket = tcp();
        socket.set_nonblocking(true).unwrap();
        assert_eq!(number(socket.connect(&address)), libc::EINPROGRESS);
        wait_write(&socket, None).unwrap();
        let taken = socket.take_error().unwrap().unwrap();
        assert_eq!(taken.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(number(socket.connect(&address)), libc::ECONNABORTED);
    });
}

/// What an attempt to connect that is not waited for comes to, with the same socket tried again, of
/// a socket given by its calls.
fn fails_and_tries_again(
    connect: impl Fn(SocketAddr) -> io::Result<()>,
    await_end: impl Fn(),
    recv: impl Fn(SocketAddr, bool) -> String,
) -> Vec<String> {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(said(connect(nobody)));
        await_end();
        seen.push(said(connect(nobody)));
    }
    seen.push(said(connect(listening.local_addr().unwrap())));
    await_end();
    seen.push(said(connect(listening.local_addr().unwrap())));
    let (mut far, peer) = listening.accept().unwrap();
    seen.push(recv(peer, false));
    far.write_all(b"x").unwrap();
    seen.push(recv(peer, true));
    seen
}

#[test]
fn a_socket_that_failed_to_connect_tries_again_as_socket2s_does() {
    let theirs = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    theirs.set_nonblocking(true).unwrap();
    let expected = fails_and_tries_again(
        |address| theirs.connect(&address.into()),
        || {
            let (mut poll, mut events) = (mio::Poll::new().unwrap(), mio::Events::with_capacity(1));
            let (source, token) = (theirs.as_raw_fd(), mio::Token(0));
            let mut source = mio::unix::SourceFd(&source);
            poll.registry().register(&mut source, token, mio::Interest::WRITABLE).unwrap();
            poll.poll(&mut events, None).unwrap();
        },
        |peer, waits| {
            theirs.set_nonblocking(!waits).unwrap();
            let at_peer = theirs.local_addr().unwrap().as_socket() == Some(peer);
            format!("{at_peer} {}", said((&theirs).read(&mut [0; 4])))
        },
    );
    let seen = run(|| {
        let ours = tcp();
        ours.set_nonblocking(true).unwrap();
        fails_and_tries_again(
            |address| ours.connect(&address.into()),
            || wait_write(&ours, None).unwrap(),
            |peer, waits| {
                ours.set_nonblocking(!waits).unwrap();
                let at_peer = ours.local_addr().unwrap() == peer.into();
                format!("{at_peer} {}", said(ours.recv(&mut [0; 4])))
            },
        )
    });
    assert_eq!(seen, expected);
}

#[test]
fn a_close_that_lingers_holds_nobody_up() {
    run(|| {
        let (listening, address) = listener();
        let near = tcp();
        near.connect(&address).unwrap();
        let (far, _) = listening.accept().unwrap();
        near.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(n) = near.send(&[7; 1 << 16]) {
            sent += n;
        }
        // Longer than any test: only what comes after the close can end it.
        near.set_linger(Some(Duration::from_secs(86_400))).unwrap();
        near.close();
        let (mut came, mut buf) = (0, vec![0; 1 << 16]);
        while let n @ 1.. = far.recv(&mut buf).unwrap() {
            came += n;
        }
        assert_eq!(came, sent);
    });
}

#[test]
fn bytes_go_either_way_in_every_form() {
    run(|| {
        let (listening, address) = listener();
        let near = tcp();
        near.connect(&address).unwrap();
        let (far, _) = listening.accept().unwrap();
        assert_eq!(near.send_vectored(&[IoSlice::new(b"on"), IoSlice::new(b"e")]).unwrap(), 3);
        let mut buf = [0; 2];
        assert_eq!(far.peek(&mut buf).unwrap(), 2);
        assert_eq!(far.recv_with_flags(&mut buf, libc::MSG_PEEK).unwrap(), 2);
        let mut rest = [0; 4];
        let mut bufs = [IoSliceMut::new(&mut buf), IoSliceMut::new(&mut rest)];
        assert_eq!(far.recv_vectored(&mut bufs).unwrap(), (3, RecvFlags::default()));
        assert_eq!((buf, rest), (*b"on", *b"e\0\0\0"));
        assert_eq!(said(far.recv_with_flags(&mut buf, libc::MSG_DONTWAIT)), "WouldBlock 11");
        let unknown = far.recv_with_flags(&mut buf, libc::MSG_WAITALL).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::Unsupported);
        let unknown = far.send_with_flags(b"x", libc::MSG_CONFIRM).unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::Unsupported);

        assert_eq!(number(far.recv_out_of_band(&mut buf)), libc::EINVAL);
        assert_eq!(near.send_out_of_band(b"ab!").unwrap(), 3);
        wait_read(&far, None).unwrap();
        assert_eq!(far.recv_out_of_band(&mut buf).unwrap(), 1);
        assert_eq!(buf[0], b'!');
        assert_eq!(far.recv(&mut buf).unwrap(), 2);
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!((&far).read(&mut buf).unwrap(), 0);
        (&far).write_all(b"bye").unwrap();
        drop(far);
        let mut text = String::new();
        (&near).read_to_string(&mut text).unwrap();
        assert_eq!(text, "bye");
    });
}

#[test]
fn datagrams_go_in_every_form() {
    run(|| {
        let (a, b) = (udp(), udp());
        let (at, bt) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        assert_eq!(
            a.send_to_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")], &bt).unwrap(),
            4
        );
        assert_eq!(b.peek_sender().unwrap(), at);
        assert_eq!(b.peek_from(&mut [0; 8]).unwrap(), (4, at.clone()));
        let (mut one, mut two) = ([0; 3], [0; 3]);
        let mut bufs = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        let complete = RecvFlags::default();
        assert_eq!(b.recv_from_vectored(&mut bufs).unwrap(), (4, complete, at.clone()));
        assert_eq!((one, two), (*b"abc", *b"d\0\0"));
        a.connect(&bt).unwrap();
        assert_eq!(a.send(b"to b").unwrap(), 4);
        assert_eq!(b.recv_from(&mut [0; 8]).unwrap(), (4, at));
        b.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        assert_eq!(said(b.recv(&mut [0; 8])), "WouldBlock 11");
    });
}

#[test]
fn records_of_the_unix_domain_stay_apart_and_reach_an_abstract_name() {
    use std::os::linux::net::SocketAddrExt;
    run(|| {
        let name = format!("socket test {}", std::process::id());
        let name = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let address = SockAddr::from(name.clone());
        assert_eq!(address.as_abstract_namespace(), name.as_abstract_name());
        assert!(address.is_unix() && address.as_pathname().is_none());
        let listening = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        listening.bind(&address).unwrap();
        listening.listen(1).unwrap();
        let near = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        near.connect(&address).unwrap();
        assert_eq!(near.peer_addr().unwrap(), address);
        let (far, _) = listening.accept().unwrap();
        near.send(b"one").unwrap();
        near.send(b"two").unwrap();
        let mut buf = [0; 8];
        assert_eq!(far.recv(&mut buf).unwrap(), 3);
        assert_eq!(far.recv(&mut buf).unwrap(), 3);
    });
}

#[test]
fn a_socket_is_what_it_is_turned_into() {
    run(|| {
        let (listening, address) = listener();
        let listening = TcpListener::from(listening);
        let near = tcp();
        near.connect(&address).unwrap();
        let (far, _) = listening.accept().unwrap();
        let far = Socket::from(far);
        (&TcpStream::from(near)).write_all(b"hi").unwrap();
        assert_eq!(far.recv(&mut [0; 4]).unwrap(), 2);
        let stream = TcpStream::from(far);
        stream.set_quickack(false).unwrap();
        assert!(!stream.quickack().unwrap());

        let (a, b) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        (&UnixStream::from(a)).write_all(b"hi").unwrap();
        assert_eq!((&UnixStream::from(b)).read(&mut [0; 4]).unwrap(), 2);
        let (a, b) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
        UnixDatagram::from(a).send(b"hi").unwrap();
        assert_eq!(UnixDatagram::from(b).recv(&mut [0; 4]).unwrap(), 2);
        let socket = UdpSocket::from(udp());
        assert!(Socket::from(socket).local_addr().unwrap().is_ipv4());
        assert!(UnixListener::from(tcp()).accept().is_err());
    });
}

// Descriptors of the process.

#[test]
fn a_descriptor_of_std_is_taken_in_and_given_out() {
    run(|| {
        let theirs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = theirs.local_addr().unwrap();
        let listener = TcpListener::from_fd(OwnedFd::from(theirs)).unwrap();
        assert_eq!(listener.local_addr().unwrap(), address);
        let accepting = thread::spawn(move || listener.accept().unwrap().0);
        let near = TcpStream::connect(address).unwrap();
        let far = accepting.join().unwrap();

        // A second descriptor of ours outlives the handle, and is std's to use.
        let mut theirs = std::net::TcpStream::from(near.try_to_owned_fd().unwrap());
        assert_ne!(near.try_as_raw_fd().unwrap(), theirs.as_raw_fd());
        drop(near);
        theirs.set_nonblocking(false).unwrap();
        theirs.write_all(b"still").unwrap();
        assert_eq!((&far).read(&mut [0; 8]).unwrap(), 5);
        drop(theirs);
        assert_eq!((&far).read(&mut [0; 8]).unwrap(), 0);
    });
}

#[test]
fn a_raw_descriptor_is_good_for_what_is_not_offered_until_the_handle_is_closed() {
    run(|| {
        let socket = udp();
        let fd = socket.try_as_raw_fd().unwrap();
        // Another socket's options, through the number of this one.
        let theirs = socket2::Socket::from(socket.try_to_owned_fd().unwrap());
        assert!(theirs.cookie().unwrap() > 0);
        assert!(fd >= 0);
        socket.close();
        assert_eq!(number(socket.try_as_raw_fd()), libc::EBADF);
        assert_eq!(number(socket.try_to_owned_fd()), libc::EBADF);
    });
}

#[test]
fn pipes_and_unix_sockets_are_taken_in_too() {
    run(|| {
        let (theirs, mut writer) = std::io::pipe().unwrap();
        let mut reader = PipeReader::from_fd(theirs.into()).unwrap();
        let reading = thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        thread::yield_now();
        writer.write_all(b"from std").unwrap();
        drop(writer);
        assert_eq!(reading.join().unwrap().unwrap(), "from std");

        let (theirs, ours) = std::os::unix::net::UnixStream::pair().unwrap();
        let ours = UnixStream::from_fd(ours.into()).unwrap();
        (&theirs).write_all(b"x").unwrap();
        assert_eq!((&ours).read(&mut [0; 4]).unwrap(), 1);
        let (reader, writer) = pipe().unwrap();
        let mut theirs = std::io::PipeWriter::from(writer.try_to_owned_fd().unwrap());
        drop(writer);
        theirs.write_all(b"y").unwrap();
        drop(theirs);
        let mut text = String::new();
        (&reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "y");
    });
}

// Several addresses.

#[test]
fn a_full_listener_costs_a_moment_and_not_the_connection() {
    run(|| {
        let full = Full::new();
        let good = TcpListener::bind("127.0.0.1:0").unwrap();
        let all = [full.address, good.local_addr().unwrap()];
        let moment = Duration::from_millis(10);
        let stream = connect_racing(&all[..], moment).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), all[1]);
        let stream = create_connection(&all[..], Some(moment), None).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), all[1]);
        let late = create_connection(full.address, Some(moment), None).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        let source = SocketAddr::from(([127, 0, 0, 77], 0));
        let stream = create_connection(all[1], None, Some(source)).unwrap();
        assert_eq!(stream.local_addr().unwrap().ip(), source.ip());
        drop(good);
        let refused = connect_racing(all[1], moment).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

// Where a socket may be used.

#[test]
fn a_handle_in_the_wrong_place_errs_closes_and_never_panics() {
    let (pipe_end, datagrams) = run(|| {
        let (reader, writer) = pipe().unwrap();
        let datagrams = UnixDatagram::unbound().unwrap();
        let clone = datagrams.try_clone().unwrap();
        let outside = std::thread::spawn(move || {
            let error = clone.local_addr().unwrap_err();
            clone.close();
            clone.close();
            (error.kind(), error.to_string(), number(clone.local_addr()))
        });
        let (kind, text, closed) = outside.join().unwrap();
        assert_eq!((kind, closed), (ErrorKind::NotConnected, libc::EBADF));
        assert!(text.contains("run"), "{text}");
        writer.close();
        writer.close();
        assert_eq!(number((&writer).write(b"x")), libc::EBADF);
        assert_eq!(number(wait_write(&writer, None)), libc::EBADF);
        assert_eq!((&reader).read(&mut [0; 4]).unwrap(), 0);
        (reader, datagrams)
    });
    let ended = (&pipe_end).read(&mut [0; 4]).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::NotConnected);
    assert!(ended.to_string().contains("ended"), "{ended}");
    run(move || {
        let ended = datagrams.send(b"x").unwrap_err();
        assert_eq!(ended.kind(), ErrorKind::NotConnected);
        assert!(ended.to_string().contains("ended"), "{ended}");
        datagrams.close();
        assert_eq!(number(datagrams.send(b"x")), libc::EBADF);
    });
    assert_eq!(number(UdpSocket::from_fd(std::io::pipe().unwrap().0.into())), 0);
    let nowhere = UdpSocket::from_fd(std::io::pipe().unwrap().0.into()).unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotConnected);
}

/// Of a path, of none, and of a name behind a zero byte.
#[test]
fn an_address_of_the_unix_domain_is_what_socket2_makes_of_it() {
    for path in ["", "/run/db.sock", "db", "\0abstract", "\0"] {
        let (ours, theirs) =
            (SockAddr::unix(path).unwrap(), socket2::SockAddr::unix(path).unwrap());
        assert_eq!(ours.is_unnamed(), theirs.is_unnamed(), "{path:?}");
        assert_eq!(ours.as_pathname(), theirs.as_pathname(), "{path:?}");
        assert_eq!(ours.as_abstract_namespace(), theirs.as_abstract_namespace(), "{path:?}");
    }
    let long = "x".repeat(108);
    let long_name = format!("\0{long}");
    for path in [&long, "a\0b", &long_name] {
        assert!(SockAddr::unix(path).is_err(), "{path:?}");
    }
    for (ours, theirs) in [
        (format!("{:?}", Domain::IPV6), format!("{:?}", socket2::Domain::IPV6)),
        (format!("{:?}", Domain::UNIX), format!("{:?}", socket2::Domain::UNIX)),
        (format!("{:?}", Type::SEQPACKET), format!("{:?}", socket2::Type::SEQPACKET)),
        (format!("{:?}", Protocol::UDP), format!("{:?}", socket2::Protocol::UDP)),
        (format!("{:?}", Domain::from(77)), format!("{:?}", socket2::Domain::from(77))),
    ] {
        assert_eq!(ours, theirs);
    }
}
