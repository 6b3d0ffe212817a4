//! Servers: an orderly end with and without patience, starting again, limits, datagrams.

use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;

use greenroom::net::{SocketAddr, TcpStream, UdpSocket};
use greenroom::server::{DatagramServer, Stopped, StreamServer};
use greenroom::sync::Event;
use greenroom::thread::{spawn, yield_now};
use greenroom::time::Duration;

use crate::on_both;

const ANY: &str = "127.0.0.1:0";
const SHORT: Option<Duration> = Some(Duration::from_millis(1));

fn echo(mut stream: TcpStream, _: SocketAddr) {
    let mut buf = [0; 64];
    while let Ok(n @ 1..) = stream.read(&mut buf) {
        if stream.write_all(&buf[..n]).is_err() {
            break;
        }
    }
}

/// Sends a byte and reads it back.
fn echoes(stream: &mut TcpStream) {
    stream.write_all(b"x").unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"x");
}

/// A server of connections that read a byte, say so, wait until they are told to go on, and answer.
fn slow(asked: &Rc<Event>, go: &Rc<Event>) -> Rc<StreamServer> {
    let (asked, go) = (asked.clone(), go.clone());
    let server = StreamServer::bind(ANY, move |mut stream, _| {
        let mut byte = [0];
        if stream.read_exact(&mut byte).is_ok() {
            asked.set();
            go.wait(None);
            stream.write_all(&byte).unwrap();
        }
    });
    Rc::new(server.unwrap())
}

#[test]
fn a_stop_lets_requests_finish_and_takes_no_new_ones() {
    on_both(|| {
        let (asked, go) = (Rc::<Event>::default(), Rc::<Event>::default());
        let server = slow(&asked, &go);
        server.start().unwrap();
        let address = server.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(b"x").unwrap();
        asked.wait(None);
        let theirs = server.clone();
        let stopping = spawn(move || theirs.stop(None));
        while server.is_serving() {
            yield_now();
        }
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(server.connections(), 1);
        assert!(!stopping.is_finished(), "somebody is still served");
        go.set();
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        assert_eq!(stopping.join().unwrap(), Stopped { killed: 0 });
    });
}

#[test]
fn a_stop_ends_those_that_are_not_done_in_time() {
    on_both(|| {
        let (asked, go) = (Rc::<Event>::default(), Rc::<Event>::default());
        let server = slow(&asked, &go);
        server.start().unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        client.write_all(b"x").unwrap();
        asked.wait(None);
        assert_eq!(server.stop(SHORT), Stopped { killed: 1 });
        assert_eq!(client.read(&mut [0]).unwrap(), 0, "its end of the connection is closed");
        assert_eq!(server.stop(None), Stopped { killed: 0 }, "to stop it again does nothing");
    });
}

#[test]
fn a_server_stops_and_starts_again_on_the_same_port() {
    on_both(|| {
        let server = StreamServer::bind(ANY, echo).unwrap();
        let address = server.local_addr().unwrap();
        for _ in 0..3 {
            server.start().unwrap();
            server.start().unwrap();
            assert!(server.is_serving());
            assert_eq!(server.local_addr().unwrap(), address);
            let mut client = TcpStream::connect(address).unwrap();
            echoes(&mut client);
            drop(client);
            assert_eq!(server.stop(None), Stopped { killed: 0 });
            assert!(!server.is_serving());
            assert_eq!(server.local_addr().unwrap_err().kind(), ErrorKind::NotConnected);
            assert!(TcpStream::connect(address).is_err());
        }
        assert_eq!(server.accepted(), 3);
    });
}

#[test]
fn who_serves_goes_on_until_somebody_stops_it() {
    on_both(|| {
        let server = Rc::new(StreamServer::bind(ANY, echo).unwrap());
        let address = server.local_addr().unwrap();
        let theirs = server.clone();
        let serving = spawn(move || theirs.serve());
        echoes(&mut TcpStream::connect(address).unwrap());
        assert!(!serving.is_finished());
        server.stop(None);
        serving.join().unwrap().unwrap();
    });
}

/// Contract 63.
#[test]
fn a_full_server_serves_the_next_connection_when_a_place_is_free() {
    on_both(|| {
        let server = StreamServer::bind(ANY, echo).unwrap().limit(2);
        server.start().unwrap();
        let address = server.local_addr().unwrap();
        let mut served = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        served.iter_mut().for_each(echoes);
        let mut third = TcpStream::connect(address).unwrap();
        third.write_all(b"x").unwrap();
        served.iter_mut().for_each(echoes);
        assert_eq!((server.connections(), server.accepted()), (2, 2), "the third waits");
        let [first, mut second] = served;
        drop(first);
        third.read_exact(&mut [0]).unwrap();
        echoes(&mut second);
        assert_eq!(server.accepted(), 3);
        drop((second, third));
        server.stop(None);
    });
}

#[test]
fn a_full_server_can_be_stopped() {
    on_both(|| {
        let server = StreamServer::bind(ANY, echo).unwrap().limit(1);
        server.start().unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        echoes(&mut client);
        assert_eq!(server.stop(SHORT), Stopped { killed: 1 });
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        server.start().unwrap();
        echoes(&mut TcpStream::connect(server.local_addr().unwrap()).unwrap());
        server.stop(None);
    });
}

#[test]
fn a_datagram_server_answers_each_and_starts_again() {
    on_both(|| {
        let server = DatagramServer::bind(ANY, |question| {
            question.reply(&question.bytes).unwrap();
        });
        let server = server.unwrap().limit(2);
        let client = UdpSocket::bind(ANY).unwrap();
        for round in 1..=2 {
            server.start().unwrap();
            for question in 0..3u8 {
                client.send_to(&[question], server.local_addr()).unwrap();
            }
            let mut answers: Vec<u8> = Vec::new();
            for _ in 0..3 {
                let mut answer = [0; 2];
                let (length, from) = client.recv_from(&mut answer).unwrap();
                assert_eq!((length, from), (1, server.local_addr()));
                answers.push(answer[0]);
            }
            answers.sort_unstable();
            assert_eq!(answers, [0, 1, 2]);
            assert_eq!(server.received(), round * 3);
            assert_eq!(server.stop(None), Stopped { killed: 0 });
            assert!(!server.is_serving());
        }
    });
}

#[test]
fn a_datagram_server_ends_answers_that_take_too_long() {
    on_both(|| {
        let asked = Rc::<Event>::default();
        let theirs = asked.clone();
        let server = DatagramServer::bind(ANY, move |_| {
            theirs.set();
            Event::new().wait(None);
        });
        let server = server.unwrap();
        server.start().unwrap();
        UdpSocket::bind(ANY).unwrap().send_to(b"x", server.local_addr()).unwrap();
        asked.wait(None);
        assert_eq!(server.stop(SHORT), Stopped { killed: 1 });
    });
}
