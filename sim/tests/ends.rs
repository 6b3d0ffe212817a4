//! How connections begin and end over the simulated network: at once from both sides, to oneself, and
//! with bytes that nobody has read yet. The rows are those of linux-truth.md.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use greenroom::net::{Domain, Shutdown, Socket, TcpListener, TcpStream, Type};
use greenroom::thread;
use greenroom::time::Instant;
use greenroom_sim::{Sim, Weather};

fn bound(address: impl Into<SocketAddr>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&address.into().into())?;
    Ok(socket)
}

/// RFC 9293 §3.5, figure 7: neither listens, and both calls connect them to each other.
#[test]
fn two_hosts_that_call_each_other_at_once_are_connected() {
    /// What each of the two does, from its port to the other's.
    fn call(own: u16, other: ([u8; 4], u16), says: u8) -> io::Result<()> {
        let socket = bound((Ipv4Addr::UNSPECIFIED, own))?;
        socket.connect(&SocketAddr::from(other).into())?;
        let mut stream = TcpStream::from(socket);
        stream.write_all(&[says])?;
        let mut heard = [0];
        stream.read_exact(&mut heard)?;
        assert_eq!(u16::from(says) + u16::from(heard[0]), 1);
        // And end as they began.
        stream.shutdown(Shutdown::Write)?;
        assert_eq!(stream.read(&mut heard)?, 0);
        Ok(())
    }
    for weather in [Weather::calm(), Weather::default()] {
        let run = Sim::new()
            .weather(weather)
            .client("left", || call(1, ([10, 0, 0, 2], 2), 0))
            .client("right", || call(2, ([10, 0, 0, 1], 1), 1))
            .run();
        assert!(run.outcome.held(), "{}", run.outcome);
    }
}

/// 17
#[test]
fn a_socket_that_calls_itself_is_connected_to_itself() {
    let run = Sim::new()
        .client("host", || {
            let socket = bound(([127, 0, 0, 1], 7))?;
            socket.connect(&socket.local_addr()?)?;
            assert_eq!(socket.peer_addr()?.as_socket(), socket.local_addr()?.as_socket());
            assert_eq!(socket.send(b"hi")?, 2);
            let mut buf = [0; 9];
            assert_eq!((socket.recv(&mut buf)?, &buf[..2]), (2, &b"hi"[..]));
            socket.shutdown(Shutdown::Write)?;
            assert_eq!(socket.recv(&mut buf)?, 0);
            let error = socket.send(b"x").expect_err("it is shut");
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
            Ok(())
        })
        .weather(Weather::calm())
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

/// 96 (b) and (c): the time of a lingering close ends nothing. close(2) itself waits on Linux; ours
/// does not, on either hub.
#[test]
fn a_close_that_lingers_waits_for_nobody_and_loses_nothing() {
    const BYTES: usize = 300_000;
    let run = Sim::new()
        .server("srv", || {
            let (mut stream, _) = TcpListener::bind("0.0.0.0:7")?.accept()?;
            thread::sleep(Duration::from_secs(30));
            let mut all = Vec::new();
            stream.read_to_end(&mut all)?;
            assert_eq!(all.len(), BYTES);
            stream.write_all(b"late").or_else(|error| match error.kind() {
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(()),
                _ => Err(error),
            })
        })
        .client("cli", || {
            let stream = TcpStream::connect("srv:7")?;
            let socket = Socket::from(stream);
            socket.set_linger(Some(Duration::from_secs(1)))?;
            socket.set_send_buffer_size(BYTES)?;
            TcpStream::from(socket.try_clone()?).write_all(&vec![7; BYTES])?;
            let start = Instant::now();
            drop(socket);
            assert_eq!(start.elapsed(), Duration::ZERO);
            thread::sleep(Duration::from_secs(60));
            Ok(())
        })
        .weather(Weather::calm())
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}

/// 10, 11 (a) and (b): a listener holds one more than its backlog; who comes later asks again a second
/// later, and is let in if there is room then.
#[test]
fn who_meets_a_full_backlog_asks_again_a_second_later() {
    let run = Sim::new()
        .server("srv", || {
            let socket = bound((Ipv4Addr::UNSPECIFIED, 7))?;
            socket.listen(0)?;
            let listener = TcpListener::from(socket);
            thread::sleep(Duration::from_millis(300));
            let _first = listener.accept()?;
            let _second = listener.accept()?;
            thread::sleep(Duration::from_secs(60));
            Ok(())
        })
        .client("cli", || {
            thread::sleep(Duration::from_millis(10));
            let _first = TcpStream::connect("srv:7")?;
            let start = Instant::now();
            let _second = TcpStream::connect("srv:7")?;
            let took = start.elapsed();
            assert!((1000..1020).contains(&took.as_millis()), "{took:?}");
            Ok(())
        })
        .weather(Weather::calm())
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}
