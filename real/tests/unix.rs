//! The laws of the waist for Unix sockets, on the hub alone.
#![cfg(target_os = "linux")]

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net as unix;
use std::path::PathBuf;

use greenroom::hub::{Address, Domain, Hub, Io, Kind, Opt, Readiness, Take};
use greenroom_real::RealHub;

mod common;
use common::{await_named, finish, hub};

/// A path in a directory of the test's own, which goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Scratch {
        // A run that was killed left its own behind, and numbers of processes come again.
        (0_u32..)
            .map(|n| format!("greenroom-{}-{test}-{n}", std::process::id()))
            .map(|name| std::env::temp_dir().join(name))
            .find_map(|directory| match std::fs::create_dir(&directory) {
                Ok(()) => Some(Scratch(directory)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => None,
                Err(error) => panic!("{}: {error}", directory.display()),
            })
            .unwrap()
    }
    fn path(&self, name: &str) -> Address {
        unix::SocketAddr::from_pathname(self.0.join(name)).unwrap().into()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn abstractly(test: &str) -> Address {
    let name = format!("greenroom {} {test}", std::process::id());
    unix::SocketAddr::from_abstract_name(name).unwrap().into()
}

fn socket(hub: &mut RealHub, kind: Kind) -> Io {
    hub.socket(Domain::Unix, kind).unwrap()
}

fn bound(hub: &mut RealHub, kind: Kind, name: &Address) -> Io {
    let io = socket(hub, kind);
    hub.bind(io, name).unwrap();
    io
}

fn errno<T: std::fmt::Debug>(answer: std::io::Result<T>) -> i32 {
    answer.unwrap_err().raw_os_error().unwrap()
}

#[test]
fn streams_connect_by_path_and_by_abstract_name() {
    let scratch = Scratch::new("streams");
    let mut hub = hub();
    for kind in [Kind::Stream, Kind::SeqPacket] {
        for name in [scratch.path(&format!("{kind:?}")), abstractly(&format!("{kind:?}"))] {
            let client = socket(&mut hub, kind);
            let missing = hub.connect(client, &name).unwrap_err();
            let is_missing =
                matches!(missing.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
            assert!(is_missing, "{missing}");
            let listener = bound(&mut hub, kind, &name);
            hub.listen(listener, 4).unwrap();
            assert_eq!(hub.local_addr(listener).unwrap(), name);
            assert_eq!(hub.accept(listener).unwrap_err().kind(), ErrorKind::WouldBlock);
            hub.connect(client, &name).unwrap();
            await_named(&mut hub, listener, Readiness::READ);
            let (server, peer) = hub.accept(listener).unwrap();
            assert_eq!(peer, Address::unnamed());
            assert_eq!(errno(hub.connect(client, &name)), libc::EISCONN);
            assert_eq!(hub.peer_addr(client).unwrap(), name);
            assert_eq!(hub.local_addr(server).unwrap(), name);
            assert_eq!(hub.local_addr(client).unwrap(), Address::unnamed());

            let mut buf = [0; 8];
            assert_eq!(
                hub.recv(server, &mut buf, Take::Remove).unwrap_err().kind(),
                ErrorKind::WouldBlock
            );
            for part in [&b"ab"[..], b"cde"] {
                assert_eq!(hub.send(client, part).unwrap(), part.len());
            }
            await_named(&mut hub, server, Readiness::READ);
            let whole = if kind == Kind::Stream { 5 } else { 2 };
            assert_eq!(hub.recv(server, &mut buf, Take::Peek).unwrap(), whole);
            assert_eq!(hub.recv(server, &mut buf, Take::Remove).unwrap(), whole);
            hub.close(client);
            hub.close(listener);
        }
    }
}

#[test]
fn a_full_backlog_is_tried_again_until_there_is_room() {
    let name = abstractly("backlog");
    let mut hub = hub();
    let listener = bound(&mut hub, Kind::Stream, &name);
    hub.listen(listener, 0).unwrap();
    let first = socket(&mut hub, Kind::Stream);
    hub.connect(first, &name).unwrap();
    let late = socket(&mut hub, Kind::Stream);
    assert_eq!(errno(hub.connect(late, &name)), libc::EAGAIN);
    // It is named again and again while there is no room.
    for _ in 0..3 {
        await_named(&mut hub, late, Readiness::WRITE);
        assert_eq!(errno(hub.connect(late, &name)), libc::EAGAIN);
    }
    hub.accept(listener).unwrap();
    finish(&mut hub, late, Readiness::WRITE, |hub| hub.connect(late, &name)).unwrap();
    // And ends when the listener does.
    let last = socket(&mut hub, Kind::Stream);
    assert_eq!(errno(hub.connect(last, &name)), libc::EAGAIN);
    hub.close(listener);
    let gone = finish(&mut hub, last, Readiness::WRITE, |hub| hub.connect(last, &name));
    assert_eq!(errno(gone), libc::ECONNREFUSED);
}

#[test]
fn a_closed_socket_is_not_tried_again() {
    let name = abstractly("closed");
    let mut hub = hub();
    let listener = bound(&mut hub, Kind::Stream, &name);
    hub.listen(listener, 0).unwrap();
    let clients = [(); 2].map(|()| socket(&mut hub, Kind::Stream));
    hub.connect(clients[0], &name).unwrap();
    assert_eq!(errno(hub.connect(clients[1], &name)), libc::EAGAIN);
    hub.close(clients[1]);
    let mut ready = Vec::new();
    let until = hub.now().after(std::time::Duration::from_millis(5));
    hub.poll(Some(until), &mut ready).unwrap();
    assert_eq!(ready, []);
    assert!(hub.now() >= until);
}

#[test]
fn datagrams_carry_their_senders_name_or_none() {
    let scratch = Scratch::new("datagrams");
    let (here, there) = (scratch.path("here"), abstractly("there"));
    let mut hub = hub();
    let receiver = bound(&mut hub, Kind::Datagram, &here);
    let mut buf = [0; 8];
    assert_eq!(
        hub.recv_from(receiver, &mut buf, Take::Remove).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let nobody = socket(&mut hub, Kind::Datagram);
    assert_eq!(hub.send_to(nobody, b"x", &here).unwrap(), 1);
    await_named(&mut hub, receiver, Readiness::READ);
    let unnamed = (1, Address::unnamed());
    assert_eq!(hub.recv_from(receiver, &mut buf, Take::Peek).unwrap(), unnamed);
    assert_eq!(hub.recv_from(receiver, &mut buf, Take::Remove).unwrap(), unnamed);

    let somebody = bound(&mut hub, Kind::Datagram, &there);
    hub.connect(somebody, &here).unwrap();
    assert_eq!(hub.send(somebody, b"yz").unwrap(), 2);
    assert_eq!(hub.recv_from(receiver, &mut buf, Take::Remove).unwrap(), (2, there));

    let made_up = bound(&mut hub, Kind::Datagram, &Address::unnamed());
    assert_eq!(hub.send_to(made_up, b"", &here).unwrap(), 0);
    let (n, peer) = hub.recv_from(receiver, &mut buf, Take::Remove).unwrap();
    assert_eq!((n, &peer), (0, &hub.local_addr(made_up).unwrap()));
    assert_ne!(peer, Address::unnamed());
    assert_eq!(hub.send_to(receiver, b"back", &peer).unwrap(), 4);
    assert_eq!(hub.recv(made_up, &mut buf, Take::Remove).unwrap(), 4);
}

#[test]
fn a_full_peer_is_tried_again_until_it_has_room() {
    let name = abstractly("full");
    let mut hub = hub();
    let receiver = bound(&mut hub, Kind::Datagram, &name);
    let sender = socket(&mut hub, Kind::Datagram);
    let connected = socket(&mut hub, Kind::Datagram);
    hub.connect(connected, &name).unwrap();
    for to in [Some(&name), None] {
        let (io, mut sent) = (if to.is_some() { sender } else { connected }, 0_u32);
        let send = |hub: &mut RealHub| match to {
            Some(name) => hub.send_to(io, b"x", name),
            None => hub.send(io, b"x"),
        };
        let refused = loop {
            match send(&mut hub) {
                Ok(_) => sent += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        assert!(to.is_none() || sent > 0);
        hub.recv(receiver, &mut [0; 1], Take::Remove).unwrap();
        assert_eq!(finish(&mut hub, io, Readiness::WRITE, send).unwrap(), 1);
    }
}

#[test]
fn a_refusal_between_two_threads_is_made_good() {
    let name = abstractly("threads");
    let mut hub = hub();
    let receiver = unix::UnixDatagram::bind_addr(name.unix().unwrap()).unwrap();
    let sender = socket(&mut hub, Kind::Datagram);
    let reading = std::thread::spawn(move || {
        for n in 0..200_u8 {
            let mut buf = [0; 2];
            assert_eq!(receiver.recv(&mut buf).unwrap(), 1);
            assert_eq!(buf[0], n);
        }
    });
    for n in 0..200_u8 {
        finish(&mut hub, sender, Readiness::WRITE, |hub| hub.send_to(sender, &[n], &name)).unwrap();
    }
    reading.join().unwrap();
}

#[test]
fn a_writer_of_a_full_stream_hears_of_a_shutdown_at_either_end() {
    let mut hub = hub();
    for vectored in [false, true] {
        for (shut_by_peer, how) in [(true, Shutdown::Read), (false, Shutdown::Write)] {
            let (near, far) = hub.pair(Domain::Unix, Kind::Stream).unwrap();
            let send = |hub: &mut RealHub| match vectored {
                true => hub.send_vectored(near, &[IoSlice::new(&[0; 4096])]),
                false => hub.send(near, &[0; 4096]),
            };
            let refused = loop {
                if let Err(error) = send(&mut hub) {
                    break error;
                }
            };
            assert_eq!(refused.kind(), ErrorKind::WouldBlock);
            hub.shutdown(if shut_by_peer { far } else { near }, how).unwrap();
            let answer = finish(&mut hub, near, Readiness::WRITE, send);
            assert_eq!(errno(answer), libc::EPIPE);
        }
    }
}

#[test]
fn a_pair_is_connected_and_the_internet_has_none() {
    let mut hub = hub();
    for kind in [Kind::Stream, Kind::Datagram, Kind::SeqPacket] {
        let (one, other) = hub.pair(Domain::Unix, kind).unwrap();
        let mut buf = [0; 4];
        assert_eq!(
            hub.recv(one, &mut buf, Take::Remove).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        hub.send(other, b"hi").unwrap();
        await_named(&mut hub, one, Readiness::READ);
        assert_eq!(hub.recv(one, &mut buf, Take::Remove).unwrap(), 2);
        assert_eq!(hub.peer_addr(one).unwrap(), Address::unnamed());
        hub.close(other);
        if kind != Kind::Datagram {
            await_named(&mut hub, one, Readiness::READ);
            assert_eq!(hub.recv(one, &mut buf, Take::Remove).unwrap(), 0);
        }
    }
    assert_eq!(errno(hub.pair(Domain::V4, Kind::Stream)), libc::EOPNOTSUPP);
}

#[test]
fn a_stream_that_reads_short_is_not_taken_for_empty() {
    let mut hub = hub();
    let (ours, theirs) = hub.pair(Domain::Unix, Kind::Stream).unwrap();
    hub.send(theirs, b"abc").unwrap();
    let mut buf = [0; 8];
    assert_eq!(hub.recv(ours, &mut buf, Take::Remove).unwrap(), 3);
    hub.send(theirs, b"def").unwrap();
    assert_eq!(hub.recv(ours, &mut buf, Take::Remove).unwrap(), 3);
}

#[test]
fn errors_are_the_systems() {
    let scratch = Scratch::new("errors");
    let path = scratch.path("stream");
    let mut hub = hub();
    let client = socket(&mut hub, Kind::Stream);
    assert_eq!(errno(hub.connect(client, &path)), libc::ENOENT);
    assert_eq!(errno(hub.listen(client, 1)), libc::EINVAL);
    assert_eq!(errno(hub.connect(client, &Address::unnamed())), libc::EINVAL);
    let listener = bound(&mut hub, Kind::Stream, &path);
    assert_eq!(errno(hub.connect(client, &path)), libc::ECONNREFUSED);
    assert_eq!(errno(hub.bind(listener, &scratch.path("other"))), libc::EINVAL);
    let second = socket(&mut hub, Kind::Stream);
    assert_eq!(errno(hub.bind(second, &path)), libc::EADDRINUSE);
    let datagram = socket(&mut hub, Kind::Datagram);
    assert_eq!(errno(hub.send_to(datagram, b"x", &path)), libc::EPROTOTYPE);
    assert_eq!(errno(hub.set_option(client, Opt::NoDelay, 1)), libc::EOPNOTSUPP);
    hub.close(listener);
    assert_eq!(errno(hub.bind(second, &path)), libc::EADDRINUSE, "the path stays");
}

#[test]
fn stds_sockets_are_on_the_other_side() {
    let scratch = Scratch::new("std");
    let name = scratch.path("stream");
    let mut hub = hub();
    let listener = bound(&mut hub, Kind::Stream, &name);
    hub.listen(listener, 1).unwrap();
    let mut std = unix::UnixStream::connect_addr(name.unix().unwrap()).unwrap();
    let (ours, _) = hub.accept(listener).unwrap();
    std.write_all(b"ping").unwrap();
    let mut buf = [0; 8];
    let n = finish(&mut hub, ours, Readiness::READ, |hub| hub.recv(ours, &mut buf, Take::Remove));
    assert_eq!(n.unwrap(), 4);
    hub.send(ours, b"pong").unwrap();
    std.read_exact(&mut buf[..4]).unwrap();
    assert_eq!(&buf[..4], b"pong");
}
