//! What sockets are called: by whom they lead to and by their own ordinal there, so that a socket more to
//! somewhere else changes neither a name nor what is drawn for it.

use std::io::{self, Read, Write};
use std::os::unix::net::SocketAddr;

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::os::unix::net::{UnixListener, UnixStream};
use greenroom::thread;
use greenroom_sim::run::Choice;
use greenroom_sim::{Run, Sim};

fn sink(port: u16) -> impl Fn() -> io::Result<()> + Send + Sync {
    move || {
        let listener = TcpListener::bind(("0.0.0.0", port))?;
        loop {
            let (mut stream, _) = listener.accept()?;
            thread::spawn(move || stream.read_to_end(&mut Vec::new()));
        }
    }
}

fn played(client: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Run {
    let sim = Sim::new().seed(3).server("srv", sink(7)).server("other", sink(8));
    let run = sim.client("cli", client).run();
    assert!(run.outcome.held(), "{}", run.outcome);
    run
}

fn send(to: &str) -> io::Result<()> {
    TcpStream::connect(to)?.write_all(b"data")
}

fn about(run: &Run, entity: &str) -> Vec<Choice> {
    run.deviations().into_iter().filter(|choice| choice.entity == entity).collect()
}

#[test]
fn a_connection_to_somebody_else_renames_nobody() {
    let before = played(|| send("srv:7"));
    let after = played(|| {
        send("other:8")?;
        drop(TcpListener::bind("0.0.0.0:0")?);
        UdpSocket::bind("0.0.0.0:0")?.send_to(b"x", "other:9")?;
        send("srv:7")
    });
    for entity in ["cli/.tcp>srv:7", "srv/.tcp:7/<cli", "cli/.query>srv"] {
        let ours = about(&before, entity);
        assert!(!ours.is_empty(), "{entity} deviates in {:?}", before.deviations());
        assert_eq!(ours, about(&after, entity));
    }
}

#[test]
fn connections_to_one_place_are_numbered_at_both_ends() {
    let run = played(|| (0..2).try_for_each(|_| send("srv:7")));
    for entity in ["cli/.tcp>srv:7", "cli/.tcp>srv:7#2", "srv/.tcp:7/<cli", "srv/.tcp:7/<cli#2"] {
        assert!(!about(&run, entity).is_empty(), "{entity}: {:?}", run.deviations());
    }
}

/// An address is its host's, whichever of them was named.
#[test]
fn a_host_has_one_name_by_any_address() {
    let run = played(|| {
        send("10.0.0.1:7")?;
        send("srv:7")
    });
    assert!(!about(&run, "cli/.tcp>srv:7#2").is_empty(), "{:?}", run.deviations());
}

#[test]
fn a_datagram_socket_is_called_by_its_port_or_by_whom_it_first_sends_to() {
    let run = played(|| {
        let bound = UdpSocket::bind("0.0.0.0:53")?;
        let unbound = UdpSocket::bind("0.0.0.0:0")?;
        for to in ["srv:9", "other:9"] {
            bound.send_to(b"x", to)?;
            unbound.send_to(b"x", to)?;
        }
        Ok(())
    });
    for entity in ["cli/.udp:53", "cli/.udp>srv:9"] {
        assert_eq!(about(&run, entity).len(), 2, "{entity}: {:?}", run.deviations());
    }
}

/// A Unix socket's name may hold whatever a token is read by.
#[test]
fn names_of_unix_sockets_are_escaped() {
    let sim = || {
        Sim::new().client("cli", || {
            let path = "/run/a#b;c@d='e' f,g";
            let listener = UnixListener::bind_addr(&SocketAddr::from_pathname(path)?)?;
            let mut near = UnixStream::connect(path)?;
            let (mut far, _) = listener.accept()?;
            (0..8).try_for_each(|_| near.write_all(b"piece"))?;
            far.read(&mut [0; 64]).map(drop)
        })
    };
    let name = "cli/.unix:|run|a~b%3bc%40d%3d%27e%27%20f%2cg/<cli";
    let found = (0..100).any(|seed| !about(&sim().seed(seed).run(), name).is_empty());
    assert!(found, "{:?}", (0..100).find_map(|seed| sim().seed(seed).run().deviations().pop()));
}
