//! Many clients and one server on one thread: bytes come back as they went.

use std::io::{self, Read, Write};

use greenroom::net::{TcpListener, TcpStream, UdpSocket};
use greenroom::thread;
use greenroom_real::run;

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buf = [0; 4096];
    loop {
        match stream.read(&mut buf)? {
            0 => return Ok(()),
            n => stream.write_all(&buf[..n])?,
        }
    }
}

#[test]
fn fifty_clients_are_echoed() {
    const CLIENTS: usize = 50;
    const ROUNDS: usize = 20;
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            for stream in listener.incoming().take(CLIENTS) {
                let stream = stream.unwrap();
                thread::spawn(move || echo(stream).unwrap());
            }
        });
        let client = move |number: usize| {
            let mut stream = TcpStream::connect(address).unwrap();
            for round in 0..ROUNDS {
                let sent = format!("client {number} in round {round}");
                stream.write_all(sent.as_bytes()).unwrap();
                let mut back = vec![0; sent.len()];
                stream.read_exact(&mut back).unwrap();
                assert_eq!(back, sent.as_bytes());
            }
        };
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| thread::spawn(move || client(number))).collect();
        for client in clients {
            client.join().unwrap();
        }
        server.join().unwrap();
    });
}

#[test]
fn a_message_larger_than_every_buffer_is_echoed_whole() {
    const BYTES: usize = 16 << 20;
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || echo(listener.accept().unwrap().0));
        let mut reader = TcpStream::connect(address).unwrap();
        let mut writer = reader.try_clone().unwrap();
        let sent: Vec<u8> = (0..BYTES).map(|index| (index / 7) as u8).collect();
        let copy = sent.clone();
        let writing = thread::spawn(move || writer.write_all(&copy).unwrap());
        let mut back = vec![0; BYTES];
        reader.read_exact(&mut back).unwrap();
        writing.join().unwrap();
        assert!(back == sent, "the bytes come back in order");
    });
}

#[test]
fn datagrams_are_echoed_with_their_borders() {
    run(|| {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        thread::spawn(move || {
            let mut buf = [0; 64];
            loop {
                let (n, peer) = server.recv_from(&mut buf).unwrap();
                server.send_to(&buf[..n], peer).unwrap();
            }
        });
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(address).unwrap();
        for sent in [&b"one"[..], b"", b"three"] {
            client.send(sent).unwrap();
        }
        let mut buf = [0; 64];
        for sent in [&b"one"[..], b"", b"three"] {
            let n = client.recv(&mut buf).unwrap();
            assert_eq!(&buf[..n], sent);
        }
    });
}

#[test]
fn ipv6_works_as_ipv4_does() {
    run(|| {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || echo(listener.accept().unwrap().0));
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"six").unwrap();
        let mut back = [0; 3];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"six");
        assert_eq!(stream.peer_addr().unwrap(), address);
    });
}
