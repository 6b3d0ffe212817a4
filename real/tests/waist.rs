//! The laws of the waist, on the hub alone: no driver, no greenlets.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::hub::{Domain, Hub, Io, Kind, Readiness, Ready, Take};
use greenroom_real::RealHub;

mod common;
use common::{await_named, finish, hub};

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A connection: a number of the hub's and std's socket on the other side.
fn pair(hub: &mut RealHub) -> (Io, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind(any()).unwrap();
    let peer = listener.local_addr().unwrap();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    let started = hub.connect(io, &peer.into()).unwrap_err();
    assert_eq!(started.raw_os_error(), Some(libc::EINPROGRESS));
    finish(hub, io, Readiness::WRITE, |hub| hub.connecting(io, &peer.into())).unwrap();
    (io, listener.accept().unwrap().0)
}

#[test]
fn a_poll_returns_at_its_deadline_and_not_before() {
    let mut hub = hub();
    let mut ready = Vec::new();
    for micros in [0, 100, 1_500] {
        let until = hub.now().after(Duration::from_micros(micros));
        hub.poll(Some(until), &mut ready).unwrap();
        assert!(hub.now() >= until && ready.is_empty());
    }
}

#[test]
fn the_hosts_clock_and_the_drivers_agree() {
    let hub = hub();
    let before = hub.now();
    let due = hub.due(hub.clock());
    assert!(before <= due && due <= hub.now());
    let other = RealHub::new().unwrap();
    let (first, second) = (hub.clock(), other.clock());
    assert!(first <= second, "hubs of one process share a clock");
}

#[test]
fn a_waker_ends_a_poll_as_mail() {
    let mut hub = hub();
    let waker = hub.waker();
    let waking = std::thread::spawn(move || waker.wake());
    let mut ready = Vec::new();
    hub.poll(None, &mut ready).unwrap();
    assert_eq!(ready, [Ready::Mail]);
    waking.join().unwrap();
}

#[test]
fn a_stale_number_is_ebadf() {
    let mut hub = hub();
    let io = hub.socket(Domain::V4, Kind::Stream).unwrap();
    hub.close(io);
    let successor = hub.socket(Domain::V4, Kind::Stream).unwrap();
    assert_eq!(successor.index(), io.index());
    let stale = hub.local_addr(io).unwrap_err();
    assert_eq!(stale.raw_os_error(), Some(libc::EBADF));
    hub.close(io);
    assert!(hub.local_addr(successor).is_ok(), "a second close hits nobody else");
}

#[test]
fn what_would_block_is_named_once_it_may_succeed() {
    let mut hub = hub();
    let (io, mut peer) = pair(&mut hub);
    let mut buf = [0; 8];
    let blocked = |hub: &mut RealHub, buf: &mut [u8]| {
        hub.recv(io, buf, Take::Remove).unwrap_err().kind() == ErrorKind::WouldBlock
    };
    assert!(blocked(&mut hub, &mut buf));
    for _ in 0..3 {
        peer.write_all(b"abc").unwrap();
        await_named(&mut hub, io, Readiness::READ);
        assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
        assert!(blocked(&mut hub, &mut buf));
    }
}

#[test]
fn a_drained_stream_is_only_once_taken_for_empty_without_being_asked() {
    let mut hub = hub();
    let (io, mut peer) = pair(&mut hub);
    let mut buf = [0; 8];
    peer.write_all(b"abc").unwrap();
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
    peer.write_all(b"def").unwrap();
    let _guess = hub.recv(io, &mut buf, Take::Remove).unwrap_err();
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
    // Asking for the readiness is asking the system.
    peer.write_all(b"ghi").unwrap();
    assert_eq!(hub.readiness(io, Readiness::READ).unwrap(), Readiness::READ);
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
}

#[test]
fn a_readiness_that_is_none_is_named_when_it_comes() {
    let mut hub = hub();
    let (io, mut peer) = pair(&mut hub);
    assert!(hub.readiness(io, Readiness::READ).unwrap().is_none());
    assert_eq!(hub.readiness(io, Readiness::WRITE).unwrap(), Readiness::WRITE);
    peer.write_all(b"x").unwrap();
    await_named(&mut hub, io, Readiness::READ);
    assert_eq!(hub.recv(io, &mut [0; 8], Take::Remove).unwrap(), 1);
    assert!(hub.readiness(io, Readiness::READ).unwrap().is_none());
    drop(peer);
    await_named(&mut hub, io, Readiness::READ);
    assert_eq!(hub.recv(io, &mut [0; 8], Take::Remove).unwrap(), 0);
}

#[test]
fn room_to_write_is_named_when_it_comes_back() {
    let mut hub = hub();
    let (io, mut peer) = pair(&mut hub);
    let mut written = 0;
    loop {
        match hub.send(io, &[1; 10_000]) {
            Ok(n) => written += n,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                if hub.readiness(io, Readiness::WRITE).unwrap().is_none() {
                    break;
                }
            }
        }
    }
    let draining = std::thread::spawn(move || {
        let mut all = vec![0; written];
        peer.read_exact(&mut all).unwrap();
        peer
    });
    await_named(&mut hub, io, Readiness::WRITE);
    assert!(hub.send(io, b"x").is_ok());
    draining.join().unwrap();
}

#[test]
fn one_report_stands_for_every_connection_in_line() {
    let mut hub = hub();
    let listener = hub.socket(Domain::V4, Kind::Stream).unwrap();
    hub.bind(listener, &any().into()).unwrap();
    hub.listen(listener, 16).unwrap();
    assert_eq!(hub.accept(listener).unwrap_err().kind(), ErrorKind::WouldBlock);
    let address = hub.local_addr(listener).unwrap().inet().unwrap();
    let clients = [(); 3].map(|()| std::net::TcpStream::connect(address).unwrap());
    await_named(&mut hub, listener, Readiness::READ);
    for client in &clients {
        let (_, peer) = hub.accept(listener).unwrap();
        assert_eq!(peer, client.local_addr().unwrap().into());
    }
    assert_eq!(hub.accept(listener).unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_closed_descriptor_is_not_named_though_its_copy_lives() {
    let mut hub = hub();
    let (io, mut peer) = pair(&mut hub);
    let copy = hub.dup(io).unwrap();
    for io in [io, copy] {
        assert!(hub.readiness(io, Readiness::READ).unwrap().is_none());
    }
    hub.close(io);
    peer.write_all(b"x").unwrap();
    let mut ready = Vec::new();
    while !ready
        .iter()
        .any(|event| matches!(event, Ready::Io(of, what) if *of == copy && what.is_readable()))
    {
        hub.poll(None, &mut ready).unwrap();
    }
    assert!(!ready.iter().any(|event| matches!(event, Ready::Io(of, _) if *of == io)));
}
