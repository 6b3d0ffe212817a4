//! What was written before a connection is ended at once: Linux transmits inside write(2), so it leaves the
//! host before the reset, as far as the windows let it out. What arrived before a reset stays readable.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use greenroom::check::Shared;
use greenroom::net::{Shutdown, Socket, TcpListener, TcpStream};
use greenroom::thread::sleep;
use greenroom_sim::{Sim, Weather};

/// What a reader sees until the end: how many bytes, and how it ended.
fn read_all(stream: &mut TcpStream) -> (usize, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    (bytes.len(), ended.err().map(|error| error.kind()))
}

/// The server does `end` with a connection that was written twenty bytes; the client reads what comes.
fn ended_by(end: fn(TcpStream) -> std::io::Result<()>) -> (usize, Option<ErrorKind>) {
    let seen = Shared::new(None);
    let told = seen.clone();
    let run = Sim::new()
        .weather(Weather::calm())
        .server("srv", move || end(TcpListener::bind("0.0.0.0:1")?.accept()?.0))
        .client("cli", move || {
            let mut stream = TcpStream::connect("srv:1")?;
            stream.write_all(&[1; 20])?;
            let came = read_all(&mut stream);
            told.with(|told| *told = Some(came));
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    seen.with(|seen| seen.take()).expect("the client saw an end")
}

/// As `ended_by`, of a connection with nothing to read, as the socket that it is.
fn linger_of_zero_after(write: fn(&Socket) -> std::io::Result<()>) -> (usize, Option<ErrorKind>) {
    let write = Shared::new(write);
    let seen = Shared::new(None);
    let told = seen.clone();
    let run = Sim::new()
        .weather(Weather::calm())
        .server("srv", move || {
            let socket = Socket::from(TcpListener::bind("0.0.0.0:1")?.accept()?.0);
            socket.set_nonblocking(true)?;
            write.with(|write| *write)(&socket)?;
            socket.set_linger(Some(Duration::ZERO))
        })
        .client("cli", move || {
            let came = read_all(&mut TcpStream::connect("srv:1")?);
            told.with(|told| *told = Some(came));
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
    seen.with(|seen| seen.take()).expect("the client saw an end")
}

const RESET: Option<ErrorKind> = Some(ErrorKind::ConnectionReset);

#[test]
fn an_answer_written_before_a_close_over_unread_bytes_arrives() {
    let came = ended_by(|mut stream| {
        stream.read_exact(&mut [0; 10])?;
        stream.write_all(&[7; 200])
    });
    assert_eq!(came, (200, RESET));
}

#[test]
fn an_answer_written_before_a_close_that_lingers_no_time_arrives() {
    assert_eq!(linger_of_zero_after(|socket| socket.send(&[7; 200]).map(drop)), (200, RESET));
}

/// Ten segments are the first window.
#[test]
fn of_a_large_answer_arrives_what_the_window_lets_out() {
    let came = linger_of_zero_after(|socket| socket.send(&[7; 100_000]).map(drop));
    assert_eq!(came, (14_600, RESET));
}

/// By Nagle's rule the second small write waits for the first one's acknowledgement.
#[test]
fn what_nagles_rule_holds_back_is_lost_with_the_connection() {
    let came = linger_of_zero_after(|socket| {
        socket.send(&[1; 200])?;
        socket.send(&[2; 200]).map(drop)
    });
    assert_eq!(came, (200, RESET));
    let came = linger_of_zero_after(|socket| {
        socket.set_tcp_nodelay(true)?;
        socket.send(&[1; 200])?;
        socket.send(&[2; 200]).map(drop)
    });
    assert_eq!(came, (400, RESET));
}

#[test]
fn a_cork_holds_back_what_is_written_after_it_alone() {
    let came = linger_of_zero_after(|socket| {
        socket.set_tcp_cork(true)?;
        socket.send(&[1; 200]).map(drop)
    });
    assert_eq!(came, (0, RESET));
    let came = linger_of_zero_after(|socket| {
        socket.send(&[1; 200])?;
        socket.set_tcp_cork(true)
    });
    assert_eq!(came, (200, RESET));
}

#[test]
fn a_shutdown_before_the_end_ends_the_stream_in_order() {
    let came = linger_of_zero_after(|socket| {
        socket.send(&[7; 200])?;
        socket.shutdown(Shutdown::Write)
    });
    assert_eq!(came, (200, None));
}

/// What arrived is read before the reset is told of, whoever was not reading then.
#[test]
fn a_reader_that_comes_late_has_the_bytes_first() {
    let run = Sim::new()
        .weather(Weather::calm())
        .server("srv", || {
            let socket = Socket::from(TcpListener::bind("0.0.0.0:1")?.accept()?.0);
            socket.send(&[7; 200])?;
            socket.set_linger(Some(Duration::ZERO))
        })
        .client("cli", || {
            let mut stream = TcpStream::connect("srv:1")?;
            sleep(Duration::from_secs(1));
            assert_eq!(stream.read(&mut [0; 50])?, 50);
            assert_eq!(stream.take_error()?.map(|error| error.kind()), RESET);
            assert_eq!((stream.read(&mut [0; 999])?, stream.read(&mut [0; 9])?), (150, 0));
            Ok(())
        })
        .run();
    assert!(run.outcome.held(), "{}", run.outcome);
}
