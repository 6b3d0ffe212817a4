//! Readiness as something to wait for, and what ends a wait: data, room, `cancel_wait`, `close`.

use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{TcpListener, TcpStream};
use greenroom::thread;
use greenroom::time::timeout;
use greenroom::wait::{Watcher, cancel_wait, cancel_wait_with, wait, wait_read, wait_write};
use greenroom_real::run;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = thread::spawn(move || listener.accept().unwrap().0);
    (TcpStream::connect(address).unwrap(), accepting.join().unwrap())
}

/// Writes until there is no room; answers how much that was.
fn fill(stream: &mut TcpStream) -> usize {
    stream.set_nonblocking(true).unwrap();
    let mut total = 0;
    loop {
        match stream.write(&[7; 65_536]) {
            Ok(n) => total += n,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                stream.set_nonblocking(false).unwrap();
                return total;
            }
        }
    }
}

#[test]
fn wait_read_returns_with_the_data_and_takes_none() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        let none = wait_read(&ours, Some(Duration::ZERO)).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::TimedOut);
        let writing = thread::spawn(move || {
            theirs.write_all(b"abc").unwrap();
            theirs
        });
        wait_read(&ours, None).unwrap();
        wait_read(&ours, None).unwrap();
        let mut buf = [0; 8];
        assert_eq!(ours.read(&mut buf).unwrap(), 3);
        let _theirs = writing.join().unwrap();
        // Nothing is left: the readiness of before is not remembered.
        assert!(wait_read(&ours, Some(Duration::ZERO)).is_err());
    });
}

#[test]
fn wait_write_waits_for_room() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        wait_write(&ours, Some(Duration::ZERO)).unwrap();
        let written = fill(&mut ours);
        assert!(wait_write(&ours, Some(Duration::ZERO)).is_err());
        let ours = Rc::new(ours);
        let waiting = {
            let ours = ours.clone();
            thread::spawn(move || wait_write(&*ours, None))
        };
        thread::yield_now();
        assert!(!waiting.is_finished());
        let mut drained = vec![0; written];
        theirs.read_exact(&mut drained).unwrap();
        waiting.join().unwrap().unwrap();
        (&*ours).write_all(b"room").unwrap();
    });
}

#[test]
fn a_write_parks_until_there_is_room() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        let written = fill(&mut ours);
        let writing = thread::spawn(move || ours.write_all(&[8; 100_000]));
        thread::yield_now();
        assert!(!writing.is_finished());
        let mut drained = vec![0; written + 100_000];
        theirs.read_exact(&mut drained).unwrap();
        writing.join().unwrap().unwrap();
        assert!(drained[written..].iter().all(|&byte| byte == 8));
    });
}

#[test]
fn every_watcher_of_a_source_wakes() {
    run(|| {
        let (ours, mut theirs) = pair();
        let ours = Rc::new(ours);
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let ours = ours.clone();
                thread::spawn(move || wait_read(&*ours, None))
            })
            .collect();
        thread::yield_now();
        theirs.write_all(b"x").unwrap();
        for waiting in waiting {
            waiting.join().unwrap().unwrap();
        }
    });
}

#[test]
fn cancel_wait_ends_a_wait_with_ebadf_or_the_error_given() {
    run(|| {
        let (ours, mut theirs) = pair();
        let watcher = Rc::new(Watcher::read(&ours).unwrap());
        // Where nobody waits it does nothing, and is not remembered.
        cancel_wait(&watcher);
        let park = |watcher: &Rc<Watcher>| {
            let watcher = watcher.clone();
            let waiting = thread::spawn(move || wait(&watcher, None));
            thread::yield_now();
            waiting
        };
        let waiting = park(&watcher);
        cancel_wait(&watcher);
        // The outcome is fixed: bytes that come now do not save it.
        theirs.write_all(b"x").unwrap();
        let cancelled = waiting.join().unwrap().unwrap_err();
        assert_eq!(cancelled.raw_os_error(), Some(libc::EBADF));
        assert_eq!((&ours).read(&mut [0; 4]).unwrap(), 1);

        let waiting = park(&watcher);
        cancel_wait_with(&watcher, ErrorKind::ConnectionAborted.into());
        let cancelled = waiting.join().unwrap().unwrap_err();
        assert_eq!(cancelled.kind(), ErrorKind::ConnectionAborted);
    });
}

#[test]
fn close_wakes_a_parked_reader_and_then_the_peer_sees_the_end() {
    run(|| {
        let (ours, mut theirs) = pair();
        let ours = Rc::new(ours);
        let reader = ours.clone();
        let reading = thread::spawn(move || (&*reader).read(&mut [0; 4]));
        thread::yield_now();
        ours.close();
        let closed = reading.join().unwrap().unwrap_err();
        assert_eq!(closed.raw_os_error(), Some(libc::EBADF));
        assert_eq!(theirs.read(&mut [0; 4]).unwrap(), 0);
        let closed = (&*ours).write(b"x").unwrap_err();
        assert_eq!(closed.raw_os_error(), Some(libc::EBADF));
    });
}

#[test]
fn close_from_another_thread_wakes_a_parked_reader() {
    run(|| {
        let (ours, _theirs) = pair();
        let ours = std::sync::Arc::new(ours);
        let reader = ours.clone();
        let reading = thread::spawn(move || (&*reader).read(&mut [0; 4]));
        thread::yield_now();
        std::thread::spawn(move || ours.close()).join().unwrap();
        let closed = reading.join().unwrap().unwrap_err();
        assert_eq!(closed.raw_os_error(), Some(libc::EBADF));
    });
}

#[test]
fn close_wakes_an_acceptor() {
    run(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let acceptor = listener.clone();
        let accepting = thread::spawn(move || acceptor.accept().map(|_| ()));
        thread::yield_now();
        listener.close();
        let closed = accepting.join().unwrap().unwrap_err();
        assert_eq!(closed.raw_os_error(), Some(libc::EBADF));
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

/// A read that got less than it asked for leaves the hub in the belief that there is no more.
#[test]
fn a_scope_that_is_over_at_once_still_reads_what_came_after_a_short_read() {
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut ours, _) = listener.accept().unwrap();
        let seen = std::net::TcpStream::from(ours.try_to_owned_fd().unwrap());
        let mut arrives = |bytes: &[u8]| {
            peer.write_all(bytes).unwrap();
            // The system has them, whatever the hub was told.
            while !seen.peek(&mut [0; 10]).is_ok_and(|n| n == bytes.len()) {
                std::thread::yield_now();
            }
        };
        let mut buf = [0; 10];
        for bytes in [b"ab", b"cd", b"ef"] {
            arrives(bytes);
            let read = timeout(Duration::ZERO, || ours.read(&mut buf));
            let read = read.expect("what was found in time does not elapse").unwrap();
            assert_eq!(&buf[..read], bytes);
        }
        let nothing = timeout(Duration::ZERO, || ours.read(&mut buf));
        assert!(nothing.is_err());
        arrives(b"gh");
        assert_eq!(ours.read(&mut buf).unwrap(), 2);
    });
}
