//! Servers over the operating system: few descriptors and many callers, handlers that panic, and
//! one port for several hubs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use greenroom::net::{SocketAddr, TcpStream};
use greenroom::server::StreamServer;
use greenroom::sync::Event;
use greenroom_real::{run, run_on};

const CHILD: &str = "GREENROOM_TEST_FEW_DESCRIPTORS";

fn echo(mut stream: TcpStream, _: SocketAddr) {
    let mut buf = [0; 64];
    while let Ok(n @ 1..) = stream.read(&mut buf) {
        if stream.write_all(&buf[..n]).is_err() {
            break;
        }
    }
}

/// Sends a byte and reads it back.
fn echoes(stream: &mut net::TcpStream) {
    stream.write_all(b"x").unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"x");
}

/// A process that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_server_out_of_descriptors_says_how_many_it_holds_serves_those_and_recovers() {
    if std::env::var_os(CHILD).is_some() {
        return run(|| {
            let server = StreamServer::bind("127.0.0.1:0", echo)
                .unwrap()
                .on_scarcity(|_, held| println!("\nheld {held}"));
            println!("\nport {}", server.local_addr().unwrap().port());
            server.serve().unwrap();
        });
    }
    let mut child = Command::new("sh");
    child.args(["-c", "ulimit -n 256; exec \"$@\"", "sh"]).arg(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "a_server_out_of_descriptors_says_how_many_it_holds_serves_those_and_recovers",
        "--nocapture",
    ]);
    let mut child = Ended(child.env(CHILD, "1").stdout(Stdio::piped()).spawn().unwrap());
    let said = BufReader::new(child.0.stdout.take().unwrap());
    let mut numbers = said.lines().map_while(Result::ok);
    let mut number = |of: &str| -> usize {
        let line = numbers.by_ref().find(|line| line.starts_with(of));
        line.unwrap_or_else(|| panic!("it never said {of:?}"))[of.len()..].parse().unwrap()
    };
    let address = ("127.0.0.1", number("port ") as u16);
    let connect = || net::TcpStream::connect(address).unwrap();

    // More than it can hold, and no more beyond that than the backlog can.
    let mut streams: Vec<net::TcpStream> = (0..340).map(|_| connect()).collect();
    let held = number("held ");
    assert!((200..256).contains(&held), "{held} of 256 descriptors");
    for _ in 0..3 {
        streams[..held].iter_mut().for_each(echoes);
    }
    // As some go, those who wait come in.
    streams.drain(..held / 2);
    streams.iter_mut().for_each(echoes);
    drop(streams);
    for _ in 0..10_000 {
        echoes(&mut connect());
    }
}

/// Contract 64.
#[test]
fn a_handler_that_panics_closes_its_own_connection_only() {
    run(|| {
        let server = StreamServer::bind("127.0.0.1:0", |mut stream, peer| {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            assert_ne!(&byte, b"!", "a handler that panics");
            stream.write_all(&byte).unwrap();
            echo(stream, peer);
        });
        let server = server.unwrap();
        server.start().unwrap();
        let connect = || TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let echoes = |stream: &mut TcpStream| {
            stream.write_all(b"x").unwrap();
            stream.read_exact(&mut [0]).unwrap();
        };
        let mut before = connect();
        echoes(&mut before);
        let mut panics = connect();
        panics.write_all(b"!").unwrap();
        assert_eq!(panics.read(&mut [0]).unwrap(), 0);
        echoes(&mut before);
        echoes(&mut connect());
        drop(before);
        assert_eq!(server.stop(None).killed, 0);
    });
}

#[test]
fn hubs_on_several_threads_serve_one_port_together() {
    const THREADS: usize = 3;
    const CALLERS: usize = 200;
    static PORT: AtomicU16 = AtomicU16::new(0);
    static SERVED: AtomicUsize = AtomicUsize::new(0);
    /// Heard by every hub.
    static ALL_SERVED: Event = Event::new();
    let (first_listens, all_listen) = (Barrier::new(THREADS), Arc::new(Barrier::new(THREADS + 1)));
    let theirs = all_listen.clone();
    let callers = std::thread::spawn(move || {
        theirs.wait();
        let address = ("127.0.0.1", PORT.load(Ordering::SeqCst));
        let connect = |_| net::TcpStream::connect(address).unwrap();
        (0..CALLERS).map(connect).collect::<Vec<_>>().iter_mut().for_each(echoes);
    });
    let accepted = run_on(THREADS, move |number| {
        if number > 0 {
            first_listens.wait();
        }
        let server = StreamServer::bind_shared(
            ("127.0.0.1", PORT.load(Ordering::SeqCst)),
            move |stream, peer| {
                echo(stream, peer);
                if SERVED.fetch_add(1, Ordering::SeqCst) + 1 == CALLERS {
                    ALL_SERVED.set();
                }
            },
        );
        let server = server.unwrap();
        server.start().unwrap();
        if number == 0 {
            PORT.store(server.local_addr().unwrap().port(), Ordering::SeqCst);
            first_listens.wait();
        }
        all_listen.wait();
        ALL_SERVED.wait(None);
        server.stop(None);
        server.accepted()
    });
    callers.join().unwrap();
    assert_eq!(accepted.iter().sum::<u64>(), CALLERS as u64);
    assert!(accepted.iter().all(|&count| count > 0), "each has its share: {accepted:?}");
}
