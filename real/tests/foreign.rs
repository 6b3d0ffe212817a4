//! Waiting for what the process has and the hub does not own: std's sockets, pipes, files.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::time::Duration;

use greenroom::wait::{
    Raw, Watcher, any, cancel_wait, wait, wait_read, wait_readwrite, wait_write,
};
use greenroom::{net::TcpStream, sync::Event, thread};
use greenroom_real::run;

/// A connection of std's, and our end of it.
fn mixed() -> (std::net::TcpStream, TcpStream) {
    let listener = greenroom::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (theirs, listener.accept().unwrap().0)
}

#[test]
fn a_socket_of_stds_is_waited_for_while_others_run() {
    run(|| {
        let (mut theirs, mut ours) = mixed();
        let soon = Some(Duration::ZERO);
        assert_eq!(wait_read(&theirs, soon).unwrap_err().kind(), ErrorKind::TimedOut);
        wait_write(&theirs, None).unwrap();
        wait_readwrite(&theirs, None).unwrap();
        let writer = thread::spawn(move || {
            ours.write_all(b"x").unwrap();
            ours
        });
        wait_read(&theirs, None).unwrap();
        let mut byte = [0];
        theirs.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        // Its end is a thing to read as well.
        drop(writer.join().unwrap());
        wait_read(&theirs, None).unwrap();
        assert_eq!(theirs.read(&mut byte).unwrap(), 0);
    });
}

#[test]
fn any_number_of_watchers_of_one_number_all_wake() {
    run(|| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let reader = Rc::new(reader);
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let reader = reader.clone();
                thread::spawn(move || wait_read(&*reader, None))
            })
            .collect();
        let raw = reader.as_raw_fd();
        let by_number = thread::spawn(move || wait_read(&Raw(raw), None));
        thread::yield_now();
        writer.write_all(b"x").unwrap();
        for waiter in waiters {
            waiter.join().unwrap().unwrap();
        }
        by_number.join().unwrap().unwrap();
        // Nobody took the byte.
        wait_read(&reader.as_fd(), Some(Duration::ZERO)).unwrap();
    });
}

#[test]
fn a_watcher_of_a_foreign_descriptor_is_cancelled_and_used_again() {
    run(|| {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let watcher = Rc::new(Watcher::read(&reader).unwrap());
        let theirs = watcher.clone();
        let waiter = thread::spawn(move || wait(&theirs, None));
        thread::yield_now();
        cancel_wait(&watcher);
        assert_eq!(waiter.join().unwrap().unwrap_err().raw_os_error(), Some(libc::EBADF));
        writer.write_all(b"x").unwrap();
        wait(&watcher, None).unwrap();
        let flag = Event::new();
        assert_eq!(any(&[&flag, &*watcher], None).unwrap(), 1);
    });
}

#[test]
fn a_regular_file_is_always_ready_and_what_is_not_open_says_so() {
    run(|| {
        let file = File::open(std::env::current_exe().unwrap()).unwrap();
        wait_read(&file, None).unwrap();
        wait_write(&file, Some(Duration::ZERO)).unwrap();
        // No other test of this process opens these.
        for closed in [Raw(i32::MAX), Raw(-1)] {
            let error = wait_read(&closed, None).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EBADF), "{closed:?}");
        }
    });
}

#[test]
fn outside_a_hub_there_is_nobody_to_wait_with() {
    let (reader, _writer) = std::io::pipe().unwrap();
    assert_eq!(wait_read(&reader, None).unwrap_err().kind(), ErrorKind::NotConnected);
}
