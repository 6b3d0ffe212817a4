//! Messages on the operating system: what becomes of descriptors, and of those who make them.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};

use greenroom::net::{
    Control, Domain, MsgHdr, MsgHdrMut, ReceivedControl, Socket, Source, Type, UdpSocket,
};
use greenroom::thread;
use greenroom_real::run;

fn pair() -> (Socket, Socket) {
    Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap()
}

fn pass(socket: &Socket, rights: &[&dyn Source]) -> usize {
    let (bufs, control) = ([IoSlice::new(b"x")], [Control::Rights(rights)]);
    socket.sendmsg(&MsgHdr::new().with_buffers(&bufs).with_control(&control), 0).unwrap()
}

fn take(socket: &Socket) -> Vec<Socket> {
    let (mut byte, mut control) = ([0], Vec::new());
    let mut bufs = [IoSliceMut::new(&mut byte)];
    let mut message = MsgHdrMut::new().with_buffers(&mut bufs).with_control(&mut control);
    assert_eq!(socket.recvmsg(&mut message, 0).unwrap(), 1);
    assert!(!message.flags().is_control_truncated());
    match control.pop() {
        Some(ReceivedControl::Rights(handles)) => handles,
        other => panic!("no handles: {other:?}"),
    }
}

/// What this process has open of this file.
fn open(file: &File) -> usize {
    let name = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = entries.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| *link == name).count()
}

/// A file of nobody else's.
fn file() -> File {
    let path = std::env::temp_dir().join(format!("greenroom-{}-passed", std::process::id()));
    let file = File::create_new(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

#[test]
fn whatever_has_a_descriptor_is_passed_and_nothing_is_left_open() {
    run(|| {
        let (near, far) = pair();
        let mut file = file();
        file.write_all(b"of the system").unwrap();
        pass(&near, &[&file]);
        assert_eq!(open(&file), 1, "the one on its way has no number");
        let handle = take(&far).remove(0);
        assert_eq!(open(&file), 2);
        assert!(handle.cloexec().unwrap());
        let fd: OwnedFd = handle.try_to_owned_fd().unwrap();
        drop(handle);
        let mut theirs = File::from(fd);
        theirs.rewind().unwrap();
        drop(theirs);
        // Received by a call that has no place for it, and by nobody.
        pass(&near, &[&file]);
        (&far).read_exact(&mut [0]).unwrap();
        pass(&near, &[&file]);
        drop((near, far));
        assert_eq!(open(&file), 1);
    });
}

#[test]
fn a_message_is_waited_for_as_bytes_are() {
    run(|| {
        let (near, far) = pair();
        let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), pair().0);
        let taking = thread::spawn(move || take(&far).len());
        thread::yield_now();
        assert_eq!(pass(&near, &[&a, &b]), 1);
        assert_eq!(taking.join().unwrap(), 2);
    });
}

#[test]
fn a_handle_of_another_hub_is_refused() {
    let elsewhere = std::thread::spawn(|| run(|| pair().0)).join().unwrap();
    run(move || {
        let (near, _far) = pair();
        let rights: [&dyn Source; 1] = [&elsewhere];
        let control = [Control::Rights(&rights)];
        let refused = near.sendmsg(&MsgHdr::new().with_control(&control), 0).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    });
}
