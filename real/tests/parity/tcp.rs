//! Streams and listeners of TCP.

use std::io::{Read, Write};
use std::time::Duration;

use super::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use super::stage::{Full, Seen, said, shown};
use super::thread;

const SOON: Duration = Duration::from_millis(20);

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listener();
    let near = TcpStream::connect(address).unwrap();
    (near, listener.accept().unwrap().0)
}

pub fn exchange() -> String {
    let mut seen = Seen::default();
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        let mut buf = [0; 5];
        stream.read_exact(&mut buf).unwrap();
        stream.write_all(&buf).unwrap();
        peer
    });
    let mut stream = TcpStream::connect(("127.0.0.1", address.port())).unwrap();
    seen.note(format!("{}", stream.peer_addr().unwrap() == address));
    seen.says(stream.write(b"hello"));
    let mut echo = [0; 5];
    seen.says(stream.read_exact(&mut echo));
    seen.note(format!("{echo:?}"));
    let peer = server.join().unwrap();
    seen.note(format!("{}", stream.local_addr().unwrap() == peer));
    seen.says(stream.read(&mut echo));
    seen.says(stream.read(&mut echo));
    seen.says(stream.take_error().map(|error| error.is_none()));
    seen.all()
}

pub fn half_close() -> String {
    let mut seen = Seen::default();
    let (mut near, mut far) = pair();
    near.write_all(b"question").unwrap();
    seen.says(near.shutdown(Shutdown::Write));
    seen.says(near.write(b"x"));
    seen.says(near.write(b""));
    seen.says(near.flush());
    let mut text = String::new();
    seen.says(far.read_to_string(&mut text));
    far.write_all(b"answer").unwrap();
    seen.says(far.shutdown(Shutdown::Both));
    seen.says(far.write(b"x"));
    seen.says(near.read_to_string(&mut text));
    seen.note(text);
    seen.says(near.shutdown(Shutdown::Read));
    seen.all()
}

pub fn refused() -> String {
    let mut seen = Seen::default();
    let (listener, address) = listener();
    drop(listener);
    seen.says(TcpStream::connect(address));
    seen.says(TcpStream::connect_timeout(&address, Duration::from_secs(5)));
    seen.says(TcpStream::connect_timeout(&address, Duration::ZERO));
    let good = TcpListener::bind("127.0.0.1:0").unwrap();
    let both = [address, good.local_addr().unwrap()];
    seen.says(TcpStream::connect(&both[..]).map(|stream| stream.peer_addr().unwrap() == both[1]));
    seen.says(TcpStream::connect(&both[..0]));
    seen.says(TcpListener::bind(&both[..0]));
    seen.all()
}

pub fn connect_timeout() -> String {
    let full = Full::new();
    said(TcpStream::connect_timeout(&full.address, SOON))
}

pub fn end_in_the_middle() -> String {
    let mut seen = Seen::default();
    let (mut near, mut far) = pair();
    far.write_all(b"abc").unwrap();
    drop(far);
    seen.says(near.read_exact(&mut [0; 5]));
    seen.says(near.read(&mut [0; 5]));
    seen.all()
}

pub fn peek() -> String {
    let mut seen = Seen::default();
    let (mut near, mut far) = pair();
    far.write_all(b"abc").unwrap();
    let mut buf = [0; 2];
    for _ in 0..2 {
        seen.says(near.peek(&mut buf));
        seen.note(format!("{buf:?}"));
    }
    seen.says(near.read(&mut buf));
    seen.says(near.peek(&mut buf));
    seen.says(near.read(&mut buf));
    drop(far);
    seen.says(near.peek(&mut buf));
    seen.all()
}

pub fn timeouts() -> String {
    let mut seen = Seen::default();
    let (mut near, mut far) = pair();
    seen.says(near.read_timeout());
    seen.says(near.set_read_timeout(Some(Duration::ZERO)));
    seen.says(near.set_write_timeout(Some(Duration::ZERO)));
    seen.says(near.set_read_timeout(Some(Duration::from_secs(1))));
    seen.says(near.read_timeout());
    seen.says(near.write_timeout());
    seen.says(near.set_read_timeout(Some(SOON)));
    seen.says(near.read(&mut [0; 4]));
    seen.says(near.peek(&mut [0; 4]));
    far.write_all(b"ab").unwrap();
    seen.says(near.read_exact(&mut [0; 4]));
    far.write_all(b"late").unwrap();
    seen.says(near.read(&mut [0; 4]));
    seen.says(near.set_write_timeout(Some(SOON)));
    let full = loop {
        if let Err(error) = near.write(&[0; 65536]) {
            break error;
        }
    };
    seen.says::<()>(Err(full));
    seen.says(near.set_read_timeout(None));
    seen.says(near.read_timeout());
    // Longer than the system counts is for ever.
    seen.says(near.set_read_timeout(Some(Duration::from_secs(u64::MAX))));
    seen.says(near.read_timeout());
    seen.all()
}

pub fn read_into_nothing() -> String {
    let mut seen = Seen::default();
    let (mut near, mut far) = pair();
    far.write_all(b"abc").unwrap();
    seen.says(near.peek(&mut [0; 1]));
    seen.says(near.read(&mut []));
    seen.says(near.read(&mut [0; 4]));
    seen.says(near.write(b""));
    drop(far);
    seen.says(near.read(&mut []));
    seen.all()
}

pub fn read_into_nothing_out_of_time() -> String {
    let (mut near, _far) = pair();
    near.set_read_timeout(Some(SOON)).unwrap();
    said(near.read(&mut []))
}

pub fn vectored() -> String {
    use std::io::{IoSlice, IoSliceMut};
    let mut seen = Seen::default();
    let (near, far) = pair();
    let parts = [IoSlice::new(b"one"), IoSlice::new(b""), IoSlice::new(b"two")];
    seen.says((&far).write_vectored(&parts));
    let (mut a, mut b) = ([0; 4], [0; 4]);
    seen.says((&near).read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]));
    seen.note(format!("{a:?} {b:?}"));
    drop(far);
    seen.says((&near).read_vectored(&mut [IoSliceMut::new(&mut a)]));
    seen.all()
}

pub fn nonblocking() -> String {
    let mut seen = Seen::default();
    let (listener, address) = listener();
    seen.says(listener.set_nonblocking(true));
    seen.says(listener.accept());
    seen.says(listener.incoming().next().expect("it never ends"));
    listener.set_nonblocking(false).unwrap();
    let near = TcpStream::connect(address).unwrap();
    // An accepted stream waits, whatever its listener did.
    let (mut far, _) = listener.accept().unwrap();
    near.set_nonblocking(true).unwrap();
    seen.says((&near).read(&mut [0; 4]));
    seen.says(near.peek(&mut [0; 4]));
    let full = loop {
        if let Err(error) = (&near).write(&[0; 65536]) {
            break error;
        }
    };
    seen.says::<()>(Err(full));
    seen.says(far.read(&mut [0; 4]));
    near.set_nonblocking(false).unwrap();
    far.write_all(b"abcd").unwrap();
    seen.says((&near).read(&mut [0; 4]));
    seen.all()
}

pub fn clones() -> String {
    let mut seen = Seen::default();
    let (near, mut far) = pair();
    let clone = near.try_clone().unwrap();
    near.set_nodelay(true).unwrap();
    near.set_ttl(9).unwrap();
    near.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    seen.says(clone.nodelay());
    seen.says(clone.ttl());
    seen.says(clone.read_timeout());
    drop(near);
    far.set_read_timeout(Some(SOON)).unwrap();
    seen.says(far.read(&mut [0; 4]));
    seen.says((&clone).write(b"still"));
    seen.says(far.read(&mut [0; 8]));
    clone.set_nonblocking(true).unwrap();
    seen.says((&clone.try_clone().unwrap()).read(&mut [0; 4]));
    drop(clone);
    seen.says(far.read(&mut [0; 4]));
    // What is unread makes it a reset once the last one closes.
    let (mut near, far) = pair();
    let clone = far.try_clone().unwrap();
    near.write_all(b"unread").unwrap();
    clone.peek(&mut [0; 1]).unwrap();
    drop(far);
    near.set_read_timeout(Some(SOON)).unwrap();
    seen.says(near.read(&mut [0; 4]));
    drop(clone);
    seen.says(near.read(&mut [0; 4]));
    seen.all()
}

pub fn options() -> String {
    let mut seen = Seen::default();
    let (near, far) = pair();
    for stream in [&near, &far] {
        seen.says(stream.nodelay());
        seen.says(stream.ttl());
        seen.says(stream.take_error().map(|error| error.is_none()));
    }
    seen.says(near.set_nodelay(true));
    seen.says(near.nodelay());
    seen.says(near.set_nodelay(false));
    seen.says(near.nodelay());
    seen.says(near.set_ttl(0));
    seen.says(near.set_ttl(256));
    seen.says(near.set_ttl(255));
    seen.says(near.ttl());
    seen.all()
}

#[allow(deprecated)]
pub fn listener_options() -> String {
    let mut seen = Seen::default();
    let (listener, _) = listener();
    seen.says(listener.ttl());
    seen.says(listener.set_ttl(7));
    seen.says(listener.ttl());
    seen.says(listener.take_error().map(|error| error.is_none()));
    seen.says(listener.only_v6());
    if let Ok(of_v6) = TcpListener::bind("[::]:0") {
        seen.says(of_v6.only_v6());
        seen.says(of_v6.set_only_v6(true));
        // Both families reach it.
        let port = of_v6.local_addr().unwrap().port();
        seen.says(TcpStream::connect(("127.0.0.1", port)).map(|_| ()));
        seen.says(of_v6.accept().map(|(_, peer)| peer.ip()));
    }
    seen.all()
}

pub fn reset() -> String {
    let mut seen = Seen::default();
    let (mut near, far) = pair();
    near.write_all(b"never read").unwrap();
    seen.says(far.peek(&mut [0; 16]));
    drop(far);
    seen.says(near.read(&mut [0; 4]));
    seen.says(near.read(&mut [0; 4]));
    seen.says(near.peer_addr());
    seen.says(near.shutdown(Shutdown::Write));
    seen.says(near.write(b"x"));
    seen.says(near.take_error().map(|error| error.is_none()));
    seen.all()
}

pub fn write_to_nobody() -> String {
    let mut seen = Seen::default();
    let (mut near, far) = pair();
    drop(far);
    seen.says(near.read(&mut [0; 4]));
    seen.says(near.write(b"x"));
    seen.says(near.write(b"x"));
    seen.says(near.take_error().map(|error| error.is_none()));
    seen.all()
}

pub fn binding() -> String {
    let mut seen = Seen::default();
    let (held, address) = listener();
    seen.says(TcpListener::bind(address));
    let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
    seen.says(TcpListener::bind(&[address, free][..]).map(|_| ()));
    seen.says(TcpListener::bind(&[free, address][..]).map(|_| ()));
    seen.says(TcpListener::bind("192.0.2.1:0"));
    seen.says(TcpStream::connect("255.255.255.255:9"));
    drop(held);
    seen.says(TcpListener::bind(address).map(|_| ()));
    // The side that closes first keeps the port for a while, which hinders no listener.
    let (listener, address) = listener();
    let mut near = TcpStream::connect(address).unwrap();
    drop(listener.accept().unwrap());
    seen.says(near.read(&mut [0; 4]));
    drop((near, listener));
    seen.says(TcpListener::bind(address).map(|_| ()));
    seen.all()
}

pub fn backlog() -> String {
    let mut seen = Seen::default();
    let (_listener, address) = listener();
    let fit = (0..129).filter(|_| TcpStream::connect(address).is_ok());
    seen.note(fit.count().to_string());
    seen.says(TcpStream::connect_timeout(&address, SOON).map(|_| ()));
    seen.all()
}

pub fn shutdown_wakes() -> String {
    let mut seen = Seen::default();
    for how in [Shutdown::Read, Shutdown::Both] {
        let (near, _far) = pair();
        let mut clone = near.try_clone().unwrap();
        let reading = thread::spawn(move || said(clone.read(&mut [0; 4])));
        thread::yield_now();
        seen.says(near.shutdown(how));
        seen.note(reading.join().unwrap());
    }
    seen.all()
}

pub fn bad_addresses() -> String {
    let mut seen = Seen::default();
    let texts = [
        "nohostport",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:99999",
        "127.0.0.1:http",
        "127.0.0.1:-1",
        ":80:",
        "[::1]",
        "nul\0host:80",
        "127.0.0.1:80",
        "[::1]:80",
        "localhost:80",
    ];
    for text in texts {
        let all = text.to_socket_addrs().map(|all| all.collect::<Vec<_>>());
        seen.note(format!("{text:?}: {}", said(all)));
        seen.says(String::from(text).to_socket_addrs().map(|_| ()));
    }
    seen.says(("::1", 80).to_socket_addrs().map(|all| all.collect::<Vec<_>>()));
    seen.says(("nul\0host", 80).to_socket_addrs().map(|_| ()));
    seen.says(TcpStream::connect("nohostport"));
    seen.all()
}

pub fn many() -> String {
    let (listener, address) = listener();
    let server = thread::spawn(move || {
        let serving: Vec<_> = listener
            .incoming()
            .take(8)
            .map(|stream| {
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let mut text = String::new();
                    stream.read_to_string(&mut text).unwrap();
                    stream.write_all(text.to_uppercase().as_bytes()).unwrap();
                })
            })
            .collect();
        serving.into_iter().for_each(|one| one.join().unwrap());
    });
    let clients: Vec<_> = (0..8)
        .map(|n| {
            thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                write!(stream, "client {n}").unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).unwrap();
                answer
            })
        })
        .collect();
    let mut seen = Seen::default();
    clients.into_iter().for_each(|one| seen.note(one.join().unwrap()));
    server.join().unwrap();
    seen.all()
}

pub fn shown_as() -> String {
    let mut seen = Seen::default();
    let (listener, address) = listener();
    let stream = TcpStream::connect(address).unwrap();
    let (far, _) = listener.accept().unwrap();
    let (near_name, far_name) = (stream.local_addr().unwrap(), address);
    let names = [(&*near_name.to_string(), "near"), (&*far_name.to_string(), "far")];
    seen.note(shown(&listener, &names));
    seen.note(shown(&stream, &names));
    seen.note(shown(&far, &names));
    seen.note(shown(listener.incoming(), &names));
    seen.all()
}
