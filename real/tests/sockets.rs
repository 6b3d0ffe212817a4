//! What std's sockets promise, kept by ours: kinds of errors, timeouts, ends, and whose turn it is.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use greenroom::net::{Domain, Shutdown, SockAddr, Socket, TcpListener, TcpStream, Type, UdpSocket};
use greenroom::thread;
use greenroom::wait::wait_read;
use greenroom_real::run;

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = thread::spawn(move || listener.accept().unwrap().0);
    (TcpStream::connect(address).unwrap(), accepting.join().unwrap())
}

#[test]
fn a_port_nobody_listens_on_refuses() {
    run(|| {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let refused = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn connect_timeout_ends_a_connect_to_a_full_backlog() {
    let listener =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _in_line = std::net::TcpStream::connect(address).unwrap();
    run(move || {
        let late = TcpStream::connect_timeout(&address, Duration::from_millis(20)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        let zero = TcpStream::connect_timeout(&address, Duration::ZERO).unwrap_err();
        assert_eq!(zero.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_read_timeout_is_would_block_and_the_stream_goes_on() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        ours.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut buf = [0; 8];
        assert_eq!(ours.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        theirs.write_all(b"late").unwrap();
        ours.set_read_timeout(None).unwrap();
        assert_eq!(ours.read(&mut buf).unwrap(), 4);
        ours.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        assert_eq!(ours.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn an_accept_and_a_receive_time_out() {
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_accept_timeout(Some(Duration::from_millis(2))).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
        assert_eq!(socket.recv_from(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn after_a_half_close_the_other_half_still_works() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        ours.write_all(b"question").unwrap();
        ours.shutdown(Shutdown::Write).unwrap();
        assert_eq!(ours.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        let mut asked = String::new();
        theirs.read_to_string(&mut asked).unwrap();
        assert_eq!(asked, "question");
        theirs.write_all(b"answer").unwrap();
        drop(theirs);
        let mut answer = String::new();
        ours.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "answer");
    });
}

#[test]
fn bytes_and_the_end_that_come_together_are_both_read() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            ours.read_to_end(&mut all).unwrap();
            all
        });
        thread::yield_now();
        theirs.write_all(b"last words").unwrap();
        drop(theirs);
        assert_eq!(reading.join().unwrap(), b"last words");
    });
}

#[test]
fn a_reset_is_reported_once_and_then_the_end() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        ours.write_all(b"never read").unwrap();
        greenroom::wait::wait_read(&theirs, None).unwrap();
        theirs.write_all(b"x").unwrap();
        drop(theirs);
        let mut buf = [0; 8];
        assert_eq!(ours.read(&mut buf).unwrap(), 1);
        assert_eq!(ours.read(&mut buf).unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(ours.read(&mut buf).unwrap(), 0);
    });
}

#[test]
fn shutdown_wakes_a_parked_reader() {
    run(|| {
        let (ours, _theirs) = pair();
        let mut reader = ours.try_clone().unwrap();
        let reading = thread::spawn(move || reader.read(&mut [0; 8]));
        thread::yield_now();
        assert!(!reading.is_finished());
        ours.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reading.join().unwrap().unwrap(), 0);
    });
}

#[test]
fn urgent_data_does_not_hide_what_comes_behind_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    run(move || {
        let mut ours = TcpStream::connect(address).unwrap();
        let peer: socket2::Socket = listener.accept().unwrap().0.into();
        let reading = thread::spawn(move || {
            let mut buf = [0; 64];
            let mut all = Vec::new();
            while all.len() < 12 {
                let n = ours.read(&mut buf).unwrap();
                all.extend_from_slice(&buf[..n]);
            }
            all
        });
        thread::yield_now();
        // A read stops at the mark although bytes lie behind it, and no new edge tells of them.
        peer.send(b"before").unwrap();
        peer.send_out_of_band(b"!").unwrap();
        peer.send(b"behind").unwrap();
        assert_eq!(reading.join().unwrap(), b"beforebehind");
    });
}

#[test]
fn acceptors_are_served_in_the_order_they_came() {
    run(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let served = Rc::new(RefCell::new(Vec::new()));
        let acceptors: Vec<_> = (0..4)
            .map(|number| {
                let (listener, served) = (listener.clone(), served.clone());
                thread::spawn(move || {
                    let (stream, _) = listener.accept().unwrap();
                    served.borrow_mut().push(number);
                    stream
                })
            })
            .collect();
        thread::yield_now();
        // All four connections stand before anyone looks: one report serves four acceptors.
        let _clients: Vec<_> =
            (0..4).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        for acceptor in acceptors {
            acceptor.join().unwrap();
        }
        assert_eq!(*served.borrow(), [0, 1, 2, 3]);
    });
}

#[test]
fn readers_are_served_in_the_order_they_came() {
    run(|| {
        let (ours, mut theirs) = pair();
        let ours = Rc::new(ours);
        let got = Rc::new(RefCell::new(Vec::new()));
        let readers: Vec<_> = (0..4)
            .map(|number| {
                let (ours, got) = (ours.clone(), got.clone());
                thread::spawn(move || {
                    let mut byte = [0];
                    (&*ours).read_exact(&mut byte).unwrap();
                    got.borrow_mut().push((number, byte[0]));
                })
            })
            .collect();
        thread::yield_now();
        theirs.write_all(b"ab").unwrap();
        theirs.write_all(b"cd").unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(*got.borrow(), [(0, b'a'), (1, b'b'), (2, b'c'), (3, b'd')]);
    });
}

#[test]
fn a_clone_reads_what_the_other_left() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        let mut copy = ours.try_clone().unwrap();
        let first = thread::spawn(move || {
            let mut buf = [0; 2];
            ours.read_exact(&mut buf).unwrap();
            buf
        });
        let second = thread::spawn(move || {
            let mut buf = [0; 2];
            copy.read_exact(&mut buf).unwrap();
            buf
        });
        thread::yield_now();
        theirs.write_all(b"abcd").unwrap();
        let mut all = [first.join().unwrap(), second.join().unwrap()].concat();
        all.sort_unstable();
        assert_eq!(all, b"abcd");
    });
}

#[test]
fn peek_leaves_the_bytes() -> io::Result<()> {
    run(|| {
        let (mut ours, mut theirs) = pair();
        theirs.write_all(b"look")?;
        let mut buf = [0; 16];
        assert_eq!(ours.peek(&mut buf)?, 4);
        assert_eq!(ours.peek(&mut buf)?, 4);
        assert_eq!(ours.read(&mut buf)?, 4);
        Ok(())
    })
}

#[test]
fn options_are_the_systems() -> io::Result<()> {
    run(|| {
        let (ours, _theirs) = pair();
        assert!(!ours.nodelay()?);
        ours.set_nodelay(true)?;
        assert!(ours.nodelay()?);
        ours.set_ttl(42)?;
        assert_eq!(ours.ttl()?, 42);
        assert_eq!(ours.set_ttl(0).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(ours.take_error()?.is_none());
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_broadcast(true)?;
        assert!(socket.broadcast()?);
        Ok(())
    })
}

#[test]
fn a_nonblocking_read_sees_what_came_after_a_short_one() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        let copy = ours.try_clone().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut buf = [0; 8];
        for _ in 0..3 {
            theirs.write_all(b"ab").unwrap();
            // The copy waits, so that nobody tells `ours` that there is more.
            wait_read(&copy, None).unwrap();
            assert_eq!(ours.read(&mut buf).unwrap(), 2);
        }
        assert_eq!(ours.read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn polling_a_nonblocking_socket_starves_nobody() {
    run(|| {
        let (mut ours, mut theirs) = pair();
        ours.set_nonblocking(true).unwrap();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(2));
            theirs.write_all(b"x").unwrap();
        });
        let mut buf = [0; 8];
        let count = loop {
            match ours.read(&mut buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                answer => break answer.unwrap(),
            }
        };
        assert_eq!(count, 1);
    });
}

/// The README's row: as a call that waits, from whichever handle, whether or not anybody waited before.
#[test]
fn shut_for_reading_a_call_that_does_not_wait_is_told_the_end() {
    run(|| {
        let datagrams = |domain| Socket::new(domain, Type::DGRAM, None).unwrap();
        let (inet, unix) = (datagrams(Domain::IPV4), datagrams(Domain::UNIX));
        inet.bind(&SockAddr::from(SocketAddr::from(([127, 0, 0, 1], 0)))).unwrap();
        for socket in [inet, unix, Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap().0] {
            socket.set_nonblocking(true).unwrap();
            let copy = socket.try_clone().unwrap();
            let waits = socket.recv(&mut [0; 4]).unwrap_err();
            assert_eq!(waits.kind(), ErrorKind::WouldBlock);
            // Without a peer it says so, and is shut all the same.
            let _ = copy.shutdown(Shutdown::Read);
            for handle in [&socket, &copy, &socket.try_clone().unwrap()] {
                assert_eq!(handle.recv(&mut [0; 4]).unwrap(), 0);
                assert_eq!(handle.peek(&mut [0; 4]).unwrap(), 0);
                assert_eq!(handle.recv_from(&mut [0; 4]).unwrap().0, 0);
                let mut into = [0; 4];
                let mut parts = [std::io::IoSliceMut::new(&mut into)];
                assert_eq!(handle.recv_vectored(&mut parts).unwrap().0, 0);
            }
        }
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::unix("").unwrap()).unwrap();
        listener.listen(1).unwrap();
        listener.set_nonblocking(true).unwrap();
        let copy = listener.try_clone().unwrap();
        assert_eq!(copy.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        copy.shutdown(Shutdown::Read).unwrap();
        for handle in [&listener, &copy, &listener.try_clone().unwrap()] {
            assert_eq!(handle.accept().unwrap_err().raw_os_error(), Some(libc::EINVAL));
        }
    });
}

#[test]
fn shutdown_wakes_who_waits_for_a_datagram_or_a_connection() {
    run(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        let socket = Rc::new(socket);
        let ours = socket.clone();
        let receiving = thread::spawn(move || {
            let first = ours.recv(&mut [0; 4]).unwrap();
            (first, ours.recv_from(&mut [0; 4]).unwrap().0, ours.peek(&mut [0; 4]).unwrap())
        });
        let listener = Rc::new(Socket::new(Domain::UNIX, Type::STREAM, None).unwrap());
        listener.bind(&SockAddr::unix("").unwrap()).unwrap();
        listener.listen(1).unwrap();
        let ours = listener.clone();
        let accepting = thread::spawn(move || ours.accept().unwrap_err().raw_os_error());
        thread::yield_now();
        assert!(!receiving.is_finished() && !accepting.is_finished());
        Socket::from(socket.try_clone().unwrap()).shutdown(Shutdown::Read).unwrap();
        listener.shutdown(Shutdown::Read).unwrap();
        assert_eq!(receiving.join().unwrap(), (0, 0, 0));
        assert_eq!(accepting.join().unwrap(), Some(libc::EINVAL));
    });
}
