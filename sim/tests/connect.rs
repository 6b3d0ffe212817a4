//! `Socket`, and connections to several addresses, over the simulated network.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{
    Domain, Protocol, SockAddr, Socket, TcpListener, TcpStream, Type, UdpSocket, connect_racing,
    create_connection,
};
use greenroom::os::unix::net::UnixStream;
use greenroom::resolve::lookup_host;
use greenroom::time::Instant;
use greenroom::wait::wait_write;
use greenroom_sim::{Outcome, Sim, Weather};

/// A server that accepts, and a client's program; the run is expected to go well.
fn with_server(client: fn() -> std::io::Result<()>) {
    let server = || {
        let listener = TcpListener::bind("0.0.0.0:7")?;
        let mut held = Vec::new();
        loop {
            held.push(listener.accept()?);
        }
    };
    for seed in 0..20 {
        let sim = Sim::new().server("srv", server).client("cli", client);
        let run = sim.seed(seed).weather(Weather::calm()).run();
        assert!(matches!(run.outcome, Outcome::Held), "seed {seed}: {:?}", run.outcome);
    }
}

fn server_address() -> SocketAddr {
    lookup_host("srv:7").unwrap().next().unwrap()
}

fn number<T>(result: std::io::Result<T>) -> i32 {
    result.err().and_then(|error| error.raw_os_error()).unwrap_or(0)
}

/// A listener whose queue is full, on this host: connecting to it takes for ever.
fn full() -> (SocketAddr, (Socket, Vec<Socket>)) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let dial = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.connect_timeout(&address, Duration::from_secs(1)).map(|()| socket)
    };
    let held: Vec<Socket> = std::iter::from_fn(|| dial().ok()).collect();
    (address.as_socket().unwrap(), (listener, held))
}

#[test]
fn a_silent_address_costs_one_delay_and_a_refused_one_nothing() {
    with_server(|| {
        let (silent, _held) = full();
        let closed = SocketAddr::new(server_address().ip(), 8);
        let delay = Duration::from_millis(250);
        let start = Instant::now();
        let stream = connect_racing(&[silent, server_address()][..], delay)?;
        assert_eq!(stream.peer_addr()?, server_address());
        assert!(start.elapsed() >= delay, "{:?}", start.elapsed());
        let start = Instant::now();
        connect_racing(&[closed, server_address()][..], Duration::from_secs(60))?;
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
        let refused = connect_racing(closed, delay).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    });
}

#[test]
fn each_address_of_create_connection_has_its_own_time() {
    with_server(|| {
        let (silent, _held) = full();
        let limit = Duration::from_secs(5);
        let start = Instant::now();
        let stream = create_connection(&[silent, server_address()][..], Some(limit), None)?;
        assert_eq!(stream.peer_addr()?, server_address());
        assert!(start.elapsed() >= limit, "{:?}", start.elapsed());
        let late = create_connection(silent, Some(limit), None).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        let source = SocketAddr::new(stream.local_addr()?.ip(), 4444);
        let stream = create_connection("srv:7", None, Some(source))?;
        assert_eq!(stream.local_addr()?, source);
        Ok(())
    });
}

#[test]
fn bsds_connect_says_what_linux_says() {
    with_server(|| {
        let address = SockAddr::from(server_address());
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        assert_eq!(number(socket.connect(&address)), libc::EINPROGRESS);
        assert_eq!(number(socket.connect(&address)), libc::EALREADY);
        wait_write(&socket, None)?;
        assert_eq!(number(socket.connect(&address)), 0);
        assert_eq!(number(socket.connect(&address)), libc::EISCONN);
        let closed = SockAddr::from(SocketAddr::new(server_address().ip(), 8));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        assert_eq!(number(socket.connect(&closed)), libc::EINPROGRESS);
        wait_write(&socket, None)?;
        assert_eq!(number(socket.connect(&closed)), libc::ECONNREFUSED);
        Ok(())
    });
}

#[test]
fn a_socket_knows_what_it_is_and_has_no_descriptor_of_the_process() {
    with_server(|| {
        let stream = Socket::from(TcpStream::connect("srv:7")?);
        assert_eq!((stream.domain()?, stream.r#type()?), (Domain::IPV4, Type::STREAM));
        assert_eq!(stream.protocol()?, Some(Protocol::TCP));
        let datagrams = Socket::from(UdpSocket::bind("0.0.0.0:0")?);
        assert_eq!(datagrams.r#type()?, Type::DGRAM);
        assert_eq!(datagrams.protocol()?, Some(Protocol::UDP));
        let (records, _other) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None)?;
        assert_eq!((records.domain()?, records.r#type()?), (Domain::UNIX, Type::SEQPACKET));
        assert_eq!(records.protocol()?, None);
        assert_eq!(stream.try_as_raw_fd().unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(stream.try_to_owned_fd().unwrap_err().kind(), ErrorKind::Unsupported);
        let theirs = std::os::unix::net::UnixStream::pair()?.0;
        assert_eq!(UnixStream::from_fd(theirs.into()).unwrap_err().kind(), ErrorKind::Unsupported);
        Ok(())
    });
}
