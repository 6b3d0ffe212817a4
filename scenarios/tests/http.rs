//! What a peer may do to the HTTP server: ask for too much, announce too much, leave megabytes
//! unfinished. It is told and closed; the others are served on.

use std::io::{Read, Write};
use std::rc::Rc;

use greenroom::net::{SocketAddr, TcpStream};
use greenroom::server::StreamServer;
use greenroom::time::Duration;
use greenroom_scenarios::http::{Client, Server};

const PATIENCE: Duration = Duration::from_secs(20);

/// Plays it against a server whose clients may hold so many bytes.
fn with_server(memory_clients: usize, play: fn(SocketAddr)) {
    greenroom_real::run(move || {
        let pages = Rc::new(Server::within(memory_clients, None));
        let server = StreamServer::bind("127.0.0.1:0", move |stream, _| pages.serve_one(&stream));
        let server = server.expect("there is a port");
        server.start().expect("it starts");
        play(server.local_addr().expect("it listens"));
        server.stop(Some(Duration::ZERO));
    });
}

/// Says this, and reads the status that comes back.
fn status_of(server: SocketAddr, words: &[u8]) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(words).unwrap();
    let mut answer = [0; 1024];
    let count = stream.read(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer[..count]).into_owned();
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn what_is_too_much_is_refused_and_the_server_serves_on() {
    with_server(1 << 20, |server| {
        let mut honest = Client::connect(server, PATIENCE).unwrap();
        for (words, status) in [
            ("GET /99999999999999 HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("GET /18446744073709551615 HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("HEAD /chunked/99999999999999 HTTP/1.1\r\n\r\n", "404 Not Found"),
            ("GET /chunked/16000000 HTTP/1.1\r\n\r\n", "503 Service Unavailable"),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "400 Bad Request"),
            ("POST / HTTP/1.1\r\nContent-Length: 1e9\r\n\r\n", "400 Bad Request"),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
                "400 Bad Request",
            ),
            ("\x01\x02\x03\r\n\r\n", "400 Bad Request"),
        ] {
            assert_eq!(
                status_of(server, words.as_bytes()),
                format!("HTTP/1.1 {status}"),
                "{words}"
            );
            honest.get(1000).unwrap();
        }
        let endless = [b"GET /1 HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 20_000]].concat();
        assert_eq!(status_of(server, &endless), "HTTP/1.1 400 Bad Request");
    });
}

#[test]
fn a_large_body_comes_whole_and_costs_a_piece() {
    with_server(256 * 1024, |server| {
        let mut clients: Vec<_> =
            (0..3).map(|_| Client::connect(server, PATIENCE).unwrap()).collect();
        for length in [64 * 1024, 64 * 1024 + 1, 3_000_000] {
            clients.iter_mut().for_each(|client| client.get(length).unwrap());
        }
    });
}

/// Chunks add up to a body as a length does.
#[test]
fn the_largest_unfinished_body_goes_for_a_smaller_one() {
    with_server(1 << 20, |server| {
        let mut hogs: Vec<TcpStream> =
            [(); 2].map(|()| TcpStream::connect(server).unwrap()).into_iter().collect();
        let heads = [
            "POST / HTTP/1.1\r\nContent-Length: 800000\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
        ];
        let mut honest = Client::connect(server, PATIENCE).unwrap();
        for (hog, head) in hogs.iter_mut().zip(heads) {
            hog.write_all(head.as_bytes()).unwrap();
            hog.write_all(&[b'x'; 700_000]).unwrap();
            // Until it holds so much that it has to go.
            hog.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            while hog.peek(&mut [0]).is_err() {
                honest.post(&[b'y'; 400_000]).unwrap();
            }
        }
        for hog in &mut hogs {
            hog.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut answer = String::new();
            hog.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
        }
    });
}
