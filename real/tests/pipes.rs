//! The laws of the waist for pipes, buffers in lists and urgent bytes, on the hub alone.

use std::io::{ErrorKind, IoSlice, IoSliceMut};

use greenroom::hub::{Domain, Hub, Io, Kind, Opt, Readiness, Take};
use greenroom_real::RealHub;

mod common;
use common::{await_named, finish, hub};

fn errno<T: std::fmt::Debug>(answer: std::io::Result<T>) -> i32 {
    answer.unwrap_err().raw_os_error().unwrap()
}

/// Two ends of a TCP connection, both the hub's.
fn connection(hub: &mut RealHub) -> (Io, Io) {
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listener = hub.socket(Domain::V4, Kind::Stream).unwrap();
    hub.bind(listener, &any.into()).unwrap();
    hub.listen(listener, 1).unwrap();
    let peer = hub.local_addr(listener).unwrap();
    let client = hub.socket(Domain::V4, Kind::Stream).unwrap();
    hub.connect(client, &peer).unwrap_err();
    finish(hub, client, Readiness::WRITE, |hub| hub.connecting(client, &peer)).unwrap();
    let (server, _) = finish(hub, listener, Readiness::READ, |hub| hub.accept(listener)).unwrap();
    hub.close(listener);
    (client, server)
}

#[test]
fn a_pipe_carries_bytes_one_way_and_ends() {
    let mut hub = hub();
    let (reader, writer) = hub.pipe().unwrap();
    let mut buf = [0; 8];
    assert_eq!(errno(hub.recv(reader, &mut buf, Take::Remove)), libc::EAGAIN);
    assert!(hub.readiness(reader, Readiness::READ).unwrap().is_none());
    assert_eq!(hub.readiness(writer, Readiness::WRITE).unwrap(), Readiness::WRITE);
    for _ in 0..2 {
        assert_eq!(hub.send(writer, b"abc").unwrap(), 3);
        await_named(&mut hub, reader, Readiness::READ);
        assert_eq!(hub.recv(reader, &mut buf, Take::Remove).unwrap(), 3);
        assert_eq!(&buf[..3], b"abc");
        assert_eq!(errno(hub.recv(reader, &mut buf, Take::Remove)), libc::EAGAIN);
    }
    hub.close(writer);
    await_named(&mut hub, reader, Readiness::READ);
    assert_eq!(hub.recv(reader, &mut buf, Take::Remove).unwrap(), 0);
}

#[test]
fn a_short_read_of_a_pipe_proves_nothing() {
    let mut hub = hub();
    let (reader, writer) = hub.pipe().unwrap();
    let mut buf = [0; 8];
    for _ in 0..2 {
        hub.send(writer, b"abc").unwrap();
        assert_eq!(hub.recv(reader, &mut buf, Take::Remove).unwrap(), 3);
    }
}

#[test]
fn room_in_a_pipe_is_named_when_it_comes_back() {
    let mut hub = hub();
    let (reader, writer) = hub.pipe().unwrap();
    let mut written = 0;
    let refused = loop {
        match hub.send(writer, &[1; 5000]) {
            Ok(n) => written += n,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::WouldBlock);
    let mut rest = vec![0; written];
    while !rest.is_empty() {
        let n = hub.recv(reader, &mut rest, Take::Remove).unwrap();
        rest.truncate(rest.len() - n);
    }
    await_named(&mut hub, writer, Readiness::WRITE);
    assert_eq!(hub.send(writer, &[1; 5000]).unwrap(), 5000);
}

#[test]
fn what_only_sockets_do_a_pipe_refuses() {
    let mut hub = hub();
    let (reader, writer) = hub.pipe().unwrap();
    hub.send(writer, b"x").unwrap();
    assert_eq!(errno(hub.recv(reader, &mut [0; 1], Take::Peek)), libc::ENOTSOCK);
    assert_eq!(errno(hub.recv_from(reader, &mut [0; 1], Take::Remove)), libc::ENOTSOCK);
    assert_eq!(errno(hub.local_addr(reader)), libc::ENOTSOCK);
    assert_eq!(errno(hub.shutdown(writer, std::net::Shutdown::Both)), libc::ENOTSOCK);
    assert_eq!(errno(hub.option(writer, Opt::SendBuffer)), libc::ENOTSOCK);
    assert_eq!(errno(hub.recv(writer, &mut [0; 1], Take::Remove)), libc::EBADF);
    assert_eq!(errno(hub.send(reader, b"x")), libc::EBADF);
    assert_eq!(hub.recv(reader, &mut [0; 4], Take::Remove).unwrap(), 1);
}

#[test]
fn a_pipe_nobody_reads_is_an_error_and_no_signal() {
    let mut hub = hub();
    let (reader, writer) = hub.pipe().unwrap();
    let copy = hub.dup(writer).unwrap();
    hub.close(reader);
    assert_eq!(errno(hub.send(writer, b"x")), libc::EPIPE);
    assert_eq!(errno(hub.send_vectored(copy, &[IoSlice::new(b"x")])), libc::EPIPE);
}

#[test]
fn lists_of_buffers_are_filled_and_emptied_in_order() {
    let mut hub = hub();
    let pipe = hub.pipe().unwrap();
    let (client, server) = connection(&mut hub);
    let mut ends = vec![pipe, (server, client)];
    ends.push(hub.pair(Domain::Unix, Kind::Stream).unwrap());
    ends.push(hub.pair(Domain::Unix, Kind::Datagram).unwrap());
    for (reader, writer) in ends {
        let list = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        assert_eq!(hub.send_vectored(writer, &list).unwrap(), 5);
        let (mut first, mut second) = ([0; 1], [0; 9]);
        let n = finish(&mut hub, reader, Readiness::READ, |hub| {
            let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            hub.recv_vectored(reader, &mut bufs, Take::Remove)
        });
        assert_eq!((n.unwrap(), &first, &second[..4]), (5, b"a", &b"bcde"[..]));
        let refused = hub.recv_vectored(reader, &mut [IoSliceMut::new(&mut first)], Take::Remove);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::WouldBlock);
        hub.send(writer, b"z").unwrap();
        await_named(&mut hub, reader, Readiness::READ);
    }
}

#[test]
fn a_list_can_be_looked_at_without_being_taken() {
    let mut hub = hub();
    let (reader, writer) = hub.pair(Domain::Unix, Kind::Stream).unwrap();
    hub.send(writer, b"abc").unwrap();
    for take in [Take::Peek, Take::Remove] {
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(hub.recv_vectored(reader, &mut bufs, take).unwrap(), 3);
        assert_eq!((&first, &second[..1]), (b"ab", &b"c"[..]));
    }
}

#[test]
fn a_list_longer_than_the_system_takes_is_a_short_write() {
    let mut hub = hub();
    let pipe = hub.pipe().unwrap();
    let pair = hub.pair(Domain::Unix, Kind::Stream).unwrap();
    for (reader, writer) in [pipe, pair] {
        let list: Vec<_> = (0..1500).map(|_| IoSlice::new(b"x")).collect();
        assert_eq!(hub.send_vectored(writer, &list).unwrap(), 1024);
        let mut bytes = [[0; 1]; 1500];
        let mut bufs: Vec<_> = bytes.iter_mut().map(|byte| IoSliceMut::new(byte)).collect();
        assert_eq!(hub.recv_vectored(reader, &mut bufs, Take::Remove).unwrap(), 1024);
    }
    // A message is not cut.
    let (_, writer) = hub.pair(Domain::Unix, Kind::Datagram).unwrap();
    let list: Vec<_> = (0..1500).map(|_| IoSlice::new(b"x")).collect();
    assert_eq!(errno(hub.send_vectored(writer, &list)), libc::EMSGSIZE);
}

#[test]
fn an_urgent_byte_goes_by_its_own_way() {
    let mut hub = hub();
    let (client, server) = connection(&mut hub);
    let mut buf = [0; 8];
    assert_eq!(errno(hub.recv_urgent(server, &mut buf)), libc::EINVAL);
    assert_eq!(errno(hub.recv(server, &mut buf, Take::Remove)), libc::EAGAIN);
    assert_eq!(hub.send_urgent(client, b"ab!").unwrap(), 3);
    await_named(&mut hub, server, Readiness::READ);
    // The announcement may come before the byte does.
    let n = finish(&mut hub, server, Readiness::READ, |hub| hub.recv_urgent(server, &mut buf));
    assert_eq!((n.unwrap(), buf[0]), (1, b'!'));
    assert_eq!(hub.recv(server, &mut buf, Take::Remove).unwrap(), 2);
    assert_eq!(&buf[..2], b"ab");

    let (client, server) = connection(&mut hub);
    hub.set_option(server, Opt::UrgentInline, 1).unwrap();
    hub.send_urgent(client, b"c?").unwrap();
    let mut inline = Vec::new();
    while inline.len() < 2 {
        let n = finish(&mut hub, server, Readiness::READ, |hub| {
            hub.recv(server, &mut buf, Take::Remove)
        });
        inline.extend_from_slice(&buf[..n.unwrap()]);
    }
    assert_eq!(inline, b"c?");
}

#[test]
fn an_end_of_a_pipe_becomes_a_childs_stdio_that_waits() {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};
    let said = greenroom_real::run(|| {
        let (theirs_in, mut ours) = greenroom::io::pipe().unwrap();
        let (mut answers, theirs_out) = greenroom::io::pipe().unwrap();
        // A clone here goes on without waiting: what the child has is apart from it.
        let kept = theirs_in.try_clone().unwrap();
        let mut child = Command::new("cat")
            .stdin(Stdio::try_from(theirs_in).unwrap())
            .stdout(Stdio::try_from(theirs_out).unwrap())
            .spawn()
            .unwrap();
        drop(kept);
        let mut said = String::new();
        for word in ["one ", "two"] {
            // `cat` stands in read(2) meanwhile, and would end with an error if that did not wait.
            greenroom::thread::sleep(std::time::Duration::from_millis(20));
            ours.write_all(word.as_bytes()).unwrap();
            let mut buf = [0; 8];
            let n = answers.read(&mut buf).unwrap();
            said.push_str(std::str::from_utf8(&buf[..n]).unwrap());
        }
        drop(ours);
        assert_eq!(answers.read(&mut [0]).unwrap(), 0);
        assert!(child.wait().unwrap().success());
        let (closed, _) = greenroom::io::pipe().unwrap();
        closed.close();
        assert_eq!(errno(Stdio::try_from(closed)), libc::EBADF);
        said
    });
    assert_eq!(said, "one two");
}
