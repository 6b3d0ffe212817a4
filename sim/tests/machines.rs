//! Machines of several links, and of limits, as programs see them. Rows are linux-truth's.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::resolve::lookup_host;
use greenroom::scenario::Machine;
use greenroom::{io::pipe, thread};
use greenroom_sim::{Outcome, Sim, Weather};

fn calm() -> Sim {
    Sim::new().weather(Weather::calm())
}

#[track_caller]
fn holds(sim: &Sim) {
    let run = sim.run();
    assert_eq!(run.outcome, Outcome::Held);
}

fn ips(name: &str) -> io::Result<Vec<String>> {
    Ok(lookup_host((name, 0))?.map(|address| address.ip().to_string()).collect())
}

/// The error's number.
fn code<T>(outcome: io::Result<T>) -> Option<i32> {
    outcome.err().and_then(|error| error.raw_os_error())
}

#[test]
fn names_resolve_to_what_is_declared_and_near_comes_first() {
    let sim = calm()
        .server("plain", || Ok(()))
        .server("wide", || Ok(()))
        .server("new", || Ok(()))
        .client("near", || {
            assert_eq!(ips("plain")?, ["10.0.0.1"]);
            assert_eq!(ips("wide")?, ["10.0.0.2", "10.1.0.2", "fd00::2"]);
            assert_eq!(ips("new")?, ["fd00::3"]);
            Ok(())
        })
        .client("far", || {
            assert_eq!(ips("wide")?, ["fd00::2", "10.0.0.2", "10.1.0.2"]);
            Ok(())
        })
        .machine("wide", Machine::new().v4(2).v6(1))
        .machine("new", Machine::new().v4(0).v6(1))
        .machine("near", Machine::new().v4(2))
        .machine("far", Machine::new().v4(0));
    holds(&sim);
}

/// 21, 56: a destination on no link is unreachable; what leaves has the address of its link.
#[test]
fn a_link_leads_to_those_on_it_from_its_own_address() {
    fn answer() -> io::Result<()> {
        let listener = TcpListener::bind("[::]:80")?;
        loop {
            let (mut stream, peer) = listener.accept()?;
            stream.write_all(peer.ip().to_canonical().to_string().as_bytes())?;
        }
    }
    fn ask(to: &str) -> io::Result<String> {
        let mut seen = String::new();
        TcpStream::connect(to)?.read_to_string(&mut seen)?;
        Ok(seen)
    }
    let sim = calm()
        .server("srv", answer)
        .machine("srv", Machine::new().v4(2).v6(2))
        .client("both", || {
            for (to, from) in [
                ("10.0.0.1:80", "10.0.0.2"),
                ("10.1.0.1:80", "10.1.0.2"),
                ("[fd00::1]:80", "fd00::2"),
                ("[fd00:1::1]:80", "fd00:1::2"),
            ] {
                assert_eq!(ask(to)?, from, "{to}");
            }
            let own = TcpStream::connect("10.1.0.2:9");
            assert_eq!(own.unwrap_err().kind(), ErrorKind::ConnectionRefused);
            Ok(())
        })
        .machine("both", Machine::new().v4(2).v6(2))
        .client("one", || {
            assert_eq!(ask("10.0.0.1:80")?, "10.0.0.3");
            for to in ["10.1.0.1:80", "[fd00:1::1]:80", "203.0.113.1:80", "[2001:db8::1]:80"] {
                assert_eq!(code(TcpStream::connect(to)), Some(libc::ENETUNREACH), "{to}");
                let to: SocketAddr = to.parse().unwrap();
                let socket = UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
                assert_eq!(code(socket.send_to(b"x", to)), Some(libc::ENETUNREACH), "{to}");
                assert_eq!(code(socket.connect(to)), Some(libc::ENETUNREACH), "{to}");
            }
            assert_eq!(code(UdpSocket::bind("10.1.0.3:0")), Some(libc::EADDRNOTAVAIL));
            Ok(())
        });
    holds(&sim);
}

/// What leaves from an address of another link finds no way back where the peer is not on that.
#[test]
fn a_source_that_the_peer_cannot_answer_gets_nothing() {
    let sim = calm()
        .server("srv", || {
            let socket = UdpSocket::bind("0.0.0.0:9")?;
            loop {
                let (length, from) = socket.recv_from(&mut [0; 8])?;
                assert!(length == 1 && socket.send_to(b"y", from).is_ok() == (from.port() == 1));
            }
        })
        .machine("srv", Machine::new().v4(1))
        .client("cli", || {
            for (local, hears) in [("10.0.0.2:1", true), ("10.1.0.2:2", false)] {
                let socket = UdpSocket::bind(local)?;
                socket.set_read_timeout(Some(Duration::from_secs(1)))?;
                socket.send_to(b"x", "10.0.0.1:9")?;
                assert_eq!(socket.recv_from(&mut [0; 8]).is_ok(), hears, "{local}");
            }
            Ok(())
        })
        .machine("cli", Machine::new().v4(2));
    holds(&sim);
}

/// A group is heard on the link where it was joined.
#[test]
fn groups_are_of_one_link() {
    let sim = calm()
        .server("srv", || {
            let socket = UdpSocket::bind("0.0.0.0:9")?;
            socket
                .join_multicast_v4(&"239.1.2.3".parse().unwrap(), &"10.1.0.1".parse().unwrap())?;
            let socket6 = UdpSocket::bind("[::]:10")?;
            socket6.join_multicast_v6(&"ff0e::5".parse().unwrap(), 3)?;
            let mut from = Vec::new();
            for socket in [socket, socket6] {
                from.push(socket.recv_from(&mut [0; 8])?.1.ip().to_string());
                socket.set_read_timeout(Some(Duration::from_secs(5)))?;
                assert!(socket.recv_from(&mut [0; 8]).is_err(), "the other link's");
            }
            assert_eq!(from, ["10.1.0.2", "fd00:1::2"]);
            Ok(())
        })
        .machine("srv", Machine::new().v4(2).v6(2))
        .client("cli", || {
            thread::sleep(Duration::from_secs(1));
            for local in ["10.0.0.2:0", "10.1.0.2:0"] {
                UdpSocket::bind(local)?.send_to(b"x", "239.1.2.3:9")?;
            }
            let socket = greenroom::net::Socket::new(
                greenroom::net::Domain::IPV6,
                greenroom::net::Type::DGRAM,
                None,
            )?;
            let to: SocketAddr = "[ff0e::5]:10".parse().unwrap();
            socket.send_to(b"x", &to.into())?;
            socket.set_multicast_if_v6(3)?;
            socket.send_to(b"x", &to.into())?;
            thread::sleep(Duration::from_secs(30));
            Ok(())
        })
        .machine("cli", Machine::new().v4(2).v6(2));
    holds(&sim);
}

/// 47
#[test]
fn descriptors_run_out_and_what_waits_goes_on_to_wait() {
    let sim = calm()
        .client("srv", || {
            let listener = TcpListener::bind("0.0.0.0:80")?;
            thread::sleep(Duration::from_secs(1));
            let (first, _) = listener.accept()?;
            let copy = first.try_clone()?;
            assert_eq!(code(listener.accept()), Some(libc::EMFILE));
            assert_eq!(code(UdpSocket::bind("0.0.0.0:0")), Some(libc::EMFILE));
            assert_eq!(code(pipe()), Some(libc::EMFILE));
            assert_eq!(code(first.try_clone()), Some(libc::EMFILE));
            greenroom::wait::wait_read(&listener, None)?;
            assert_eq!(code(std::hint::black_box(listener.accept())), Some(libc::EMFILE));
            drop(copy);
            assert_eq!(code(pipe()), Some(libc::EMFILE), "it takes two");
            assert_eq!(code(greenroom::os::unix::net::UnixStream::pair()), Some(libc::EMFILE));
            let (second, peer) = listener.accept()?;
            assert!(peer.port() > 0);
            drop((first, second));
            pipe().map(drop)
        })
        .machine("srv", Machine::new().descriptors(3))
        .client("cli", || {
            thread::sleep(Duration::from_millis(100));
            let streams = [TcpStream::connect("srv:80")?, TcpStream::connect("srv:80")?];
            thread::sleep(Duration::from_secs(5));
            drop(streams);
            Ok(())
        });
    holds(&sim);
}

/// Datagrams are dropped; a stream gets all its bytes through, however long others hold the memory.
#[test]
fn memory_of_sockets_drops_datagrams_and_holds_streams_up() {
    const BYTES: usize = 200_000;
    const MEMORY: u64 = 20_000;
    let sim = calm()
        .server("srv", || {
            let hoard = UdpSocket::bind("0.0.0.0:9")?;
            let listener = TcpListener::bind("0.0.0.0:80")?;
            let (mut stream, _) = listener.accept()?;
            thread::sleep(Duration::from_secs(2));
            hoard.set_nonblocking(true)?;
            let mut kept = 0;
            while hoard.recv(&mut [0; 2000]).is_ok() {
                kept += 1;
            }
            assert!((5..MEMORY / 1000).contains(&kept), "{kept}");
            let mut all = Vec::new();
            stream.read_to_end(&mut all)?;
            stream.write_all(&(all.len() as u64).to_be_bytes())
        })
        .machine("srv", Machine::new().socket_memory(MEMORY))
        .client("cli", || {
            thread::sleep(Duration::from_millis(100));
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            let mut stream = TcpStream::connect("srv:80")?;
            for _ in 0..100 {
                socket.send_to(&[0; 1000], "srv:9")?;
            }
            stream.set_nonblocking(true)?;
            let first = stream.write(&[7; BYTES])?;
            assert!(first as u64 <= MEMORY, "{first}");
            assert_eq!(stream.write(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
            stream.set_nonblocking(false)?;
            stream.write_all(&vec![7; BYTES - first])?;
            stream.shutdown(std::net::Shutdown::Write)?;
            let mut count = [0; 8];
            stream.read_exact(&mut count)?;
            assert_eq!(u64::from_be_bytes(count), BYTES as u64);
            Ok(())
        })
        .machine("cli", Machine::new().socket_memory(MEMORY));
    holds(&sim);
}

/// Both families between two hosts, by std's own calls: what is heard, from whom, and by which name.
#[test]
fn both_families_reach_a_listener_of_both() {
    let sim = calm()
        .server("srv", || {
            let listener = TcpListener::bind("[::]:80")?;
            let mut seen: Vec<IpAddr> = Vec::new();
            while seen.len() < 2 {
                seen.push(listener.accept()?.1.ip());
            }
            assert_eq!(
                seen,
                ["::ffff:10.0.0.2", "fd00::2"].map(|ip| ip.parse::<IpAddr>().unwrap())
            );
            loop {
                thread::park();
            }
        })
        .client("cli", || {
            thread::sleep(Duration::from_millis(100));
            for to in ["10.0.0.1:80", "[fd00::1]:80"] {
                let stream = TcpStream::connect(to)?;
                assert_eq!(stream.peer_addr()?.to_string(), to);
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        });
    holds(&sim);
}
