//! Connecting: to several addresses, in turn and racing, and without waiting.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{
    CONNECTION_ATTEMPT_DELAY, Domain, Protocol, SockAddr, Socket, TcpStream, Type, connect_racing,
    create_connection,
};
use greenroom::wait::wait_write;
use greenroom::{note, thread, time};

use crate::scripted::{Played, ScriptHub, client, ms, peer, play, play_all};
use crate::{said, spawn};

/// An address nobody listens on, refused at once.
fn refusing() -> SocketAddr {
    "10.0.0.1:1".parse().unwrap()
}

fn port(stream: std::io::Result<TcpStream>) -> String {
    said(stream.map(|stream| stream.peer_addr().unwrap().port()))
}

/// A program that connects so to the script's ports of these numbers.
fn plays(hub: ScriptHub, connect: impl Fn(&[SocketAddr]) -> String + 'static) -> Played {
    let played = play(hub, move || {
        let addresses = [peer(1), peer(2), peer(3)];
        note!("{}", connect(&addresses));
    });
    played.done()
}

// One after the other.

#[test]
fn each_address_has_the_whole_timeout() {
    let hub = ScriptHub::new().dial_hangs(1).dial_takes(2, ms(10)).dial_takes(3, ms(9));
    let played = plays(hub, |all| port(create_connection(all, Some(ms(10)), None)));
    // At the very tick the connection wins.
    assert_eq!(played.told(), ["20 main: 2"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn the_last_error_is_the_answer() {
    let hub = ScriptHub::new().dial_hangs(1).dial_is_refused(2, ms(3)).dial_hangs(3);
    let played = plays(hub, |all| {
        note!("{}", port(create_connection(&all[..2], Some(ms(10)), None)));
        note!("{}", port(create_connection(all, Some(ms(10)), None)));
        port(create_connection(&[][..], None, None))
    });
    let told = ["13 main: ConnectionRefused", "36 main: TimedOut", "36 main: InvalidInput"];
    assert_eq!(played.told(), told);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn it_connects_from_the_source_and_a_source_that_is_taken_is_an_error() {
    let played = plays(ScriptHub::new(), |all| {
        let from: SocketAddr = "10.0.0.7:70".parse().unwrap();
        let stream = create_connection(all, None, Some(from)).unwrap();
        note!("{}", stream.local_addr().unwrap());
        let _listener = greenroom::net::TcpListener::bind("10.0.0.7:71").unwrap();
        port(create_connection(all, None, Some("10.0.0.7:71".parse().unwrap())))
    });
    assert_eq!(played.told(), ["0 main: 10.0.0.7:70", "0 main: AddrInUse"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn an_attempt_that_is_killed_or_cut_short_leaves_no_socket() {
    for race in [false, true] {
        let connect = move |all: &[SocketAddr]| match race {
            true => connect_racing(all, ms(10)),
            false => create_connection(all, Some(ms(10)), None),
        };
        let hub = ScriptHub::new().dial_hangs(1).dial_hangs(2).dial_hangs(3);
        let played = plays(hub, move |all| {
            let out_of_time = time::timeout(ms(15), || connect(all)).is_err();
            note!("{out_of_time}");
            let all = all.to_vec();
            let dialer = spawn("dialer", move || port(connect(&all)));
            thread::sleep(ms(15));
            dialer.kill();
            format!(
                "{:?}",
                dialer.join().map_err(|payload| payload.is::<greenroom::driver::Killed>())
            )
        });
        assert_eq!(played.told(), ["15 main: true", "30 main: Err(true)"], "racing: {race}");
        assert_eq!(played.hub.open(), 0);
    }
}

// Side by side.

#[test]
fn a_silent_address_costs_one_delay() {
    let hub = ScriptHub::new().dial_hangs(1).dial_takes(2, ms(20)).dial_hangs(3);
    let played = plays(hub, |all| port(connect_racing(all, CONNECTION_ATTEMPT_DELAY)));
    assert_eq!(played.told(), ["270 main: 2"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn the_first_to_stand_wins_even_if_it_began_first_and_is_slow() {
    let hub = ScriptHub::new().dial_takes(1, ms(25)).dial_takes(2, ms(16)).dial_takes(3, ms(4));
    let played = plays(hub, |all| port(connect_racing(all, ms(10))));
    assert_eq!(played.told(), ["24 main: 3"]);
    let hub = ScriptHub::new().dial_takes(1, ms(25)).dial_takes(2, ms(16)).dial_takes(3, ms(6));
    let played = plays(hub, |all| port(connect_racing(all, ms(10))));
    assert_eq!(played.told(), ["25 main: 1"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn a_failed_attempt_starts_the_next_at_once() {
    let hub = ScriptHub::new().dial_is_refused(1, ms(4)).dial_takes(2, ms(300)).dial_hangs(3);
    let played = plays(hub, |all| {
        let all = [&[refusing()], all].concat();
        port(connect_racing(&all[..], ms(250)))
    });
    assert_eq!(played.told(), ["304 main: 2"]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn when_all_fail_the_last_error_is_the_answer() {
    let hub = ScriptHub::new().dial_is_refused(1, ms(40)).dial_is_refused(2, ms(3));
    let played = plays(hub, |all| {
        note!("{}", port(connect_racing(&all[..2], ms(10))));
        note!("{}", port(connect_racing(&[refusing()][..], ms(10))));
        port(connect_racing(&[][..], ms(10)))
    });
    let told =
        ["40 main: ConnectionRefused", "40 main: ConnectionRefused", "40 main: InvalidInput"];
    assert_eq!(played.told(), told);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn attempts_are_ten_milliseconds_apart_at_least() {
    let hub = ScriptHub::new().dial_hangs(1).dial_takes(2, ms(1));
    let played = plays(hub, |all| port(connect_racing(&all[..2], Duration::ZERO)));
    assert_eq!(played.told(), ["11 main: 2"]);
}

#[test]
fn a_race_in_a_destructor_of_someone_killed_does_not_wait() {
    struct Dials;
    impl Drop for Dials {
        fn drop(&mut self) {
            note!("{}", connect_racing(peer(1), ms(10)).is_err());
        }
    }
    let played = plays(ScriptHub::new().dial_hangs(1), |_| {
        let killed = spawn("killed", || {
            let _dials = Dials;
            thread::sleep(ms(1000));
        });
        thread::yield_now();
        killed.kill();
        format!("{}", killed.join().is_err())
    });
    assert_eq!(played.told(), ["0 main/killed: true", "0 main: true"]);
    assert_eq!(played.hub.open(), 0);
}

// BSD's connect.

fn fresh() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap()
}

fn number(result: std::io::Result<()>) -> i32 {
    result.map_or_else(|error| error.raw_os_error().unwrap_or(-1), |()| 0)
}

#[test]
fn a_connect_that_is_not_waited_for_is_in_progress_then_already_then_done() {
    let hub = ScriptHub::new().dial_takes(1, ms(5)).dial_is_refused(2, ms(5));
    let played = plays(hub, |all| {
        for address in &all[..2] {
            let (socket, address) = (fresh(), SockAddr::from(*address));
            socket.set_nonblocking(true).unwrap();
            assert!(socket.nonblocking().unwrap());
            assert_eq!(number(socket.connect(&address)), libc::EINPROGRESS);
            assert_eq!(number(socket.connect(&address)), libc::EALREADY);
            wait_write(&socket, None).unwrap();
            note!("{}", number(socket.connect(&address)));
        }
        String::new()
    });
    let told = ["5 main: 0", &format!("10 main: {}", libc::ECONNREFUSED)];
    assert_eq!(played.told()[..2], told);
}

#[test]
fn a_connect_out_of_the_write_timeout_goes_on() {
    let hub = ScriptHub::new().dial_takes(1, ms(15)).dial_hangs(2);
    let played = plays(hub, |all| {
        let (socket, address) = (fresh(), SockAddr::from(all[0]));
        socket.set_write_timeout(Some(ms(10))).unwrap();
        note!("{}", number(socket.connect(&address)) == libc::EINPROGRESS);
        note!("{}", number(socket.connect(&address)));
        let late = fresh().connect_timeout(&all[1].into(), ms(5)).unwrap_err();
        note!("{:?}", late.kind());
        let never = fresh().connect_timeout(&all[1].into(), Duration::ZERO).unwrap_err();
        format!("{:?}", never.kind())
    });
    let told = ["10 main: true", "15 main: 0", "20 main: TimedOut", "20 main: TimedOut"];
    assert_eq!(played.told(), told);
}

#[test]
fn what_no_protocol_fits_is_refused_before_there_is_a_socket() {
    let played = plays(ScriptHub::new(), |_| {
        let made = |ty, protocol| Socket::new(Domain::IPV4, ty, Some(protocol)).unwrap_err();
        let wrong = made(Type::STREAM, Protocol::UDP);
        assert_eq!(wrong.raw_os_error(), Some(libc::EPROTONOSUPPORT));
        let unknown = made(Type::STREAM, Protocol::from(libc::IPPROTO_SCTP));
        assert_eq!(unknown.kind(), ErrorKind::Unsupported);
        let unix = Socket::new(Domain::UNIX, Type::STREAM, Some(Protocol::TCP)).unwrap_err();
        assert_eq!(unix.raw_os_error(), Some(libc::EPROTONOSUPPORT));
        let no_type = Socket::new(Domain::IPV4, Type::from(99), None).unwrap_err();
        assert_eq!(no_type.raw_os_error(), Some(libc::EINVAL));
        let no_family = Socket::new(Domain::from(250), Type::STREAM, None).unwrap_err();
        assert_eq!(no_family.raw_os_error(), Some(libc::EAFNOSUPPORT));
        let raw = made(Type::from(libc::SOCK_RAW), Protocol::TCP);
        assert_eq!(raw.kind(), ErrorKind::Unsupported);
        let netlink = Socket::new(Domain::from(libc::AF_NETLINK), Type::DGRAM, None).unwrap_err();
        format!("{:?} {netlink}", netlink.kind())
    });
    let told = "0 main: Unsupported this hub does not offer sockets of the address family 16";
    assert_eq!(played.told(), [told]);
    assert_eq!(played.hub.open(), 0);
}

#[test]
fn a_socket_turns_into_the_other_types_with_its_timeouts_and_back() {
    let played = plays(ScriptHub::new(), |all| {
        let socket = fresh();
        socket.connect(&all[0].into()).unwrap();
        socket.set_read_timeout(Some(ms(7))).unwrap();
        let stream = TcpStream::from(socket);
        note!("{:?}", stream.read_timeout().unwrap());
        note!("{}", crate::read(&stream, 1));
        let socket = Socket::from(stream);
        let flags = socket.recv_with_flags(&mut [0; 4], libc::MSG_WAITALL).unwrap_err();
        note!("{flags}");
        note!("{}", said(socket.recv_with_flags(&mut [0; 4], libc::MSG_DONTWAIT)));
        said(socket.recv_out_of_band(&mut [0]))
    });
    let told = [
        "0 main: Some(7ms)",
        "7 main: WouldBlock",
        "7 main: this hub does not offer the flags 0x100",
        "7 main: WouldBlock",
        "7 main: Unsupported",
    ];
    assert_eq!(played.told(), told);
}

// Where a socket may be used.

#[test]
fn what_is_made_or_used_in_the_wrong_place_errs_and_says_so() {
    use greenroom::io::pipe;
    use greenroom::os::unix::net::UnixStream;
    assert_eq!(said(UnixStream::pair()), "NotConnected");
    assert_eq!(said(pipe()), "NotConnected");
    assert_eq!(said(Socket::new(Domain::IPV4, Type::STREAM, None)), "NotConnected");
    assert_eq!(said(connect_racing(peer(1), ms(10))), "NotConnected");
    assert_eq!(said(create_connection(peer(1), None, None)), "NotConnected");

    let (send, receive) = std::sync::mpsc::channel();
    plays(ScriptHub::new(), move |all| {
        let stream = TcpStream::connect(all).unwrap();
        let clone = stream.try_clone().unwrap();
        let outside = std::thread::spawn(move || clone.ttl().unwrap_err()).join().unwrap();
        assert_eq!(outside.kind(), ErrorKind::NotConnected);
        assert!(outside.to_string().contains("run"), "{outside}");
        send.send(stream).unwrap();
        String::new()
    });
    let stream = receive.recv().unwrap();
    let ended = stream.ttl().unwrap_err();
    assert_eq!(
        (ended.kind(), &*ended.to_string()),
        (ErrorKind::NotConnected, "the hub of this socket has ended")
    );
    let shared = std::sync::Mutex::new(Some(stream));
    let under_another = move || {
        let stream = shared.lock().unwrap().take().unwrap();
        note!("{}", stream.ttl().unwrap_err());
        // Its hub is gone: there is nobody to tell, twice.
        stream.close();
        stream.close();
        note!("{}", said(stream.ttl()));
        note!("{}", said(wait_write(&stream, None)));
    };
    let played = play_all(ScriptHub::new(), vec![client("main", under_another)]).done();
    let told = ["0 main: the hub of this socket has ended", "0 main: EBADF", "0 main: EBADF"];
    assert_eq!(played.told(), told);
}

/// What was accepted used to be dropped while the hub was in use, which is a panic.
#[test]
fn a_listener_of_another_family_says_so_and_closes_what_it_took() {
    use greenroom::net::TcpListener;
    use greenroom::os::unix::net::UnixListener;

    let played = play(ScriptHub::new(), || {
        let listener = TcpListener::bind("127.0.0.1:7").unwrap();
        let _caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let listener = UnixListener::from(Socket::from(listener));
        note!("{}", said(listener.accept().map(|_| ())));
    });
    assert_eq!(played.done().told(), ["0 main: InvalidInput"]);
}
