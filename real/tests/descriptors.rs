//! Descriptors of the process: taken in, shown, and watched while they stay their owner's.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use greenroom::hub::{Hub, Io, Readiness, Ready, Take};
use greenroom_real::RealHub;

mod common;
use common::{await_named, finish, hub};

fn errno<T: std::fmt::Debug>(answer: io::Result<T>) -> i32 {
    answer.unwrap_err().raw_os_error().unwrap()
}

fn reads(hub: &mut RealHub, io: Io) -> bool {
    hub.readiness(io, Readiness::READ).unwrap().is_readable()
}

/// What the hub names without waiting.
fn named(hub: &mut RealHub) -> Vec<Ready> {
    let (mut ready, now) = (Vec::new(), hub.now());
    hub.poll(Some(now), &mut ready).unwrap();
    ready
}

#[test]
fn an_adopted_socket_is_the_hubs_and_does_not_block() {
    let mut hub = hub();
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let number = ours.as_raw_fd();
    let io = hub.adopt(ours.into()).unwrap();
    assert_eq!(hub.descriptor(io).unwrap(), number);
    let mut buf = [0; 8];
    assert_eq!(errno(hub.recv(io, &mut buf, Take::Remove)), libc::EAGAIN);
    theirs.write_all(b"abc").unwrap();
    await_named(&mut hub, io, Readiness::READ);
    assert_eq!(hub.recv(io, &mut buf, Take::Peek).unwrap(), 3);
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
    hub.close(io);
    assert_eq!(errno(hub.descriptor(io)), libc::EBADF);
    assert_eq!(theirs.read(&mut buf).unwrap(), 0, "the hub owned it");
}

#[test]
fn adopted_listeners_and_connections_of_std_go_on() {
    let mut hub = hub();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listening = hub.adopt(listener.into()).unwrap();
    assert_eq!(errno(hub.accept(listening)), libc::EAGAIN);
    let client = std::net::TcpStream::connect(address).unwrap();
    let name = client.local_addr().unwrap();
    await_named(&mut hub, listening, Readiness::READ);
    let (server, peer) = hub.accept(listening).unwrap();
    assert_eq!(peer, name.into());
    let client = hub.adopt(client.into()).unwrap();
    assert_eq!(errno(hub.connect(client, &address.into())), libc::EISCONN);
    assert_eq!(hub.peer_addr(client).unwrap(), address.into());
    hub.send(client, b"abc").unwrap();
    let mut buf = [0; 8];
    let n =
        finish(&mut hub, server, Readiness::READ, |hub| hub.recv(server, &mut buf, Take::Remove));
    assert_eq!(n.unwrap(), 3);
}

#[test]
fn a_connect_under_way_is_followed_to_its_end() {
    let mut hub = hub();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let started = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    started.set_nonblocking(true).unwrap();
    let _under_way = started.connect(&address.into());
    let io = hub.adopt(started.into()).unwrap();
    finish(&mut hub, io, Readiness::WRITE, |hub| hub.connecting(io, &address.into())).unwrap();
    assert_eq!(errno(hub.connect(io, &address.into())), libc::EISCONN, "it was told");
    assert_eq!(hub.peer_addr(io).unwrap(), address.into());
}

#[test]
fn files_are_read_and_written_and_always_ready() {
    let path = std::env::temp_dir().join(format!("greenroom-file-{}", std::process::id()));
    std::fs::write(&path, b"abc").unwrap();
    let open = || File::options().read(true).append(true).open(&path).unwrap();
    let mut hub = hub();
    let io = hub.adopt(open().into()).unwrap();
    assert_eq!(hub.readiness(io, Readiness::BOTH).unwrap(), Readiness::BOTH);
    let mut buf = [0; 8];
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 0);
    assert_eq!(hub.send(io, b"def").unwrap(), 3);
    assert_eq!(std::fs::read(&path).unwrap(), b"abcdef");
    assert_eq!(errno(hub.recv(io, &mut buf, Take::Peek)), libc::ENOTSOCK);

    let file = open();
    for number in [file.as_raw_fd(), File::open("/dev/null").unwrap().into_raw_fd()] {
        let watch = hub.watch(number).unwrap();
        assert_eq!(hub.readiness(watch, Readiness::READ).unwrap(), Readiness::READ);
        assert_eq!(hub.descriptor(watch).unwrap(), number);
        hub.close(watch);
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_fifo_is_a_pipe_with_a_name() {
    let path = std::env::temp_dir().join(format!("greenroom-fifo-{}", std::process::id()));
    // A run that was killed may have left it.
    let _ = std::fs::remove_file(&path);
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    // Opened for both, it waits for nobody.
    let fifo = File::options().read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    let mut writer = fifo.try_clone().unwrap();
    let mut hub = hub();
    let watch = hub.watch(fifo.as_raw_fd()).unwrap();
    assert!(!reads(&mut hub, watch));
    let io = hub.adopt(fifo.into()).unwrap();
    let mut buf = [0; 8];
    assert_eq!(errno(hub.recv(io, &mut buf, Take::Remove)), libc::EAGAIN);
    writer.write_all(b"abc").unwrap();
    for io in [io, watch] {
        assert!(reads(&mut hub, io));
    }
    assert_eq!(hub.recv(io, &mut buf, Take::Remove).unwrap(), 3);
    assert!(!reads(&mut hub, watch));
    writer.write_all(b"d").unwrap();
    await_named(&mut hub, watch, Readiness::READ);
}

#[test]
fn a_terminal_gives_what_it_echoes() {
    let Ok(terminal) = File::options().read(true).write(true).open("/dev/ptmx") else { return };
    let mut hub = hub();
    let io = hub.adopt(terminal.into()).unwrap();
    let mut buf = [0; 8];
    assert_eq!(errno(hub.recv(io, &mut buf, Take::Remove)), libc::EAGAIN);
    for _ in 0..2 {
        assert_eq!(hub.send(io, b"ab\n").unwrap(), 3);
        let mut echo = Vec::new();
        while echo.len() < 4 {
            let n =
                finish(&mut hub, io, Readiness::READ, |hub| hub.recv(io, &mut buf, Take::Remove));
            echo.extend_from_slice(&buf[..n.unwrap()]);
        }
        assert_eq!(echo, b"ab\r\n");
    }
}

#[test]
fn a_watch_follows_readiness_and_takes_nothing() {
    let mut hub = hub();
    let (mut reader, mut writer) = io::pipe().unwrap();
    let watch = hub.watch(reader.as_raw_fd()).unwrap();
    for round in 0..3_u8 {
        assert!(!reads(&mut hub, watch));
        writer.write_all(&[round]).unwrap();
        await_named(&mut hub, watch, Readiness::READ);
        assert!(reads(&mut hub, watch));
        // A readiness that was reported is reported again once it was asked for.
        assert!(reads(&mut hub, watch));
        await_named(&mut hub, watch, Readiness::READ);
        let mut byte = [9];
        reader.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [round]);
    }
    assert!(!reads(&mut hub, watch));
    drop(writer);
    await_named(&mut hub, watch, Readiness::READ);
    assert_eq!(errno(hub.recv(watch, &mut [0], Take::Remove)), libc::ENOTSOCK);
    hub.close(watch);
    assert_eq!(errno(hub.readiness(watch, Readiness::READ)), libc::EBADF);
    assert_eq!(named(&mut hub), []);
}

#[test]
fn a_wake_from_another_thread_reaches_a_watch() {
    let mut hub = hub();
    let (reader, mut writer) = io::pipe().unwrap();
    let watch = hub.watch(reader.as_raw_fd()).unwrap();
    assert!(!reads(&mut hub, watch));
    let writing = std::thread::spawn(move || writer.write_all(b"x"));
    await_named(&mut hub, watch, Readiness::READ);
    writing.join().unwrap().unwrap();
}

#[test]
fn an_event_queue_of_the_kernel_can_be_watched() {
    let mut hub = hub();
    let queue = mio::Poll::new().unwrap();
    let bell = mio::Waker::new(queue.registry(), mio::Token(0)).unwrap();
    let watch = hub.watch(queue.as_raw_fd()).unwrap();
    assert!(!reads(&mut hub, watch));
    bell.wake().unwrap();
    await_named(&mut hub, watch, Readiness::READ);
}

#[test]
fn watches_of_one_number_do_not_disturb_each_other() {
    let mut hub = hub();
    let (mut reader, mut writer) = io::pipe().unwrap();
    let watches = [(); 3].map(|()| hub.watch(reader.as_raw_fd()).unwrap());
    // The first is the one the poll knows by the number.
    for gone in 0..watches.len() {
        let left = &watches[gone..];
        for &watch in left {
            assert!(!reads(&mut hub, watch));
        }
        writer.write_all(b"x").unwrap();
        let mut awaited: Vec<Io> = left.to_vec();
        while !awaited.is_empty() {
            let mut ready = Vec::new();
            hub.poll(None, &mut ready).unwrap();
            for event in ready {
                let Ready::Io(io, _) = event else { panic!("{event:?}") };
                assert!(left.contains(&io));
                awaited.retain(|&awaited| awaited != io);
            }
        }
        reader.read_exact(&mut [0]).unwrap();
        hub.close(watches[gone]);
    }
}

#[test]
fn what_the_hub_owns_can_be_watched_before_and_after_it_is_in_use() {
    let mut hub = hub();
    for in_use_first in [false, true] {
        let (io, writer) = hub.pipe().unwrap();
        let number = hub.descriptor(io).unwrap();
        let block = |hub: &mut RealHub| errno(hub.recv(io, &mut [0; 4], Take::Remove));
        if in_use_first {
            assert_eq!(block(&mut hub), libc::EAGAIN);
        }
        let watch = hub.watch(number).unwrap();
        assert_eq!(block(&mut hub), libc::EAGAIN);
        assert!(!reads(&mut hub, watch));
        for closing in [None, Some(watch)] {
            if let Some(watch) = closing {
                hub.close(watch);
            }
            hub.send(writer, b"x").unwrap();
            if closing.is_none() {
                assert!(reads(&mut hub, watch));
            }
            await_named(&mut hub, io, Readiness::READ);
            assert_eq!(hub.recv(io, &mut [0; 4], Take::Remove).unwrap(), 1);
            assert_eq!(block(&mut hub), libc::EAGAIN);
        }
    }
}

#[test]
fn two_hubs_may_watch_one_descriptor() {
    let (mut one, mut other) = (hub(), hub());
    let (ours, theirs) = one.pipe().unwrap();
    let number = one.descriptor(ours).unwrap();
    assert_eq!(errno(one.recv(ours, &mut [0; 4], Take::Remove)), libc::EAGAIN);
    let watch = other.watch(number).unwrap();
    assert!(!reads(&mut other, watch));
    one.send(theirs, b"x").unwrap();
    await_named(&mut other, watch, Readiness::READ);
    await_named(&mut one, ours, Readiness::READ);
    other.close(watch);
    assert_eq!(one.recv(ours, &mut [0; 4], Take::Remove).unwrap(), 1);
}

#[test]
fn a_poll_that_names_a_watch_ends_early_and_else_on_time() {
    let mut hub = hub();
    let (reader, _writer) = io::pipe().unwrap();
    let watch = hub.watch(reader.as_raw_fd()).unwrap();
    assert!(!reads(&mut hub, watch));
    let until = hub.now().after(Duration::from_millis(2));
    let mut ready = Vec::new();
    hub.poll(Some(until), &mut ready).unwrap();
    assert!(ready.is_empty() && hub.now() >= until);
}
