//! Hostile clients: each holds one connection at a time, ill-uses it in one of these ways, and comes
//! back with another.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use greenroom::net::{Socket, TcpStream};
use greenroom::rand;
use greenroom::thread;
use greenroom::time::{Instant, timeout};

use super::Soaking;
use super::clients::Tally;
use super::server::{Addresses, MB};

/// A way to ill-use a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SlowLoris,
    Garbage,
    Reset,
    HugeLength,
    Nothing,
    Deaf,
    Unfinished,
    SlowReader,
}

pub const KINDS: [Kind; 8] = [
    Kind::SlowLoris,
    Kind::Garbage,
    Kind::Reset,
    Kind::HugeLength,
    Kind::Nothing,
    Kind::Deaf,
    Kind::Unfinished,
    Kind::SlowReader,
];

impl Kind {
    pub fn about(self) -> &'static str {
        match self {
            Kind::SlowLoris => "a request byte by byte",
            Kind::Garbage => "garbage",
            Kind::Reset => "a reset amid a request",
            Kind::HugeLength => "huge lengths announced",
            Kind::Nothing => "connected, and nothing",
            Kind::Deaf => "pipelines, nothing read",
            Kind::Unfinished => "megabytes, unfinished",
            Kind::SlowReader => "large replies read slowly",
        }
    }
}

/// The longest session.
const SESSION_MAX: Duration = Duration::from_secs(15);
const STEP: Duration = Duration::from_millis(50);

/// Comes again and again until the time is over.
pub fn run(number: u64, addresses: Addresses, soaking: &Soaking, tally: &Tally) {
    let mut round = number;
    while !soaking.is_over() {
        let kind = (round % KINDS.len() as u64) as usize;
        let is_kv = (round / KINDS.len() as u64).is_multiple_of(2);
        let server = if is_kv { addresses.kv } else { addresses.http };
        // However it ends: the server may close it at any time, and is right to.
        let session = || Session { server, is_kv, soaking }.play(KINDS[kind]);
        match timeout(SESSION_MAX, session) {
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                soaking.fail(format!("nobody listens any more: {error}"));
            }
            _ => tally.borrow_mut()[kind].1 += 1,
        }
        round += 1 + rand::next_u64() % 16;
        thread::sleep(STEP);
    }
}

struct Session<'a> {
    server: SocketAddr,
    is_kv: bool,
    soaking: &'a Soaking,
}

impl Session<'_> {
    fn play(&self, kind: Kind) -> io::Result<()> {
        let stream = TcpStream::connect(self.server)?;
        match kind {
            Kind::SlowLoris => self.drip(&stream),
            Kind::Garbage => garbage(&stream),
            Kind::Reset => self.reset(stream),
            Kind::HugeLength => self.announce(&stream),
            Kind::Nothing => {
                self.linger(Duration::from_secs(1 + rand::next_u64() % 12));
                Ok(())
            }
            Kind::Deaf => self.pipeline(&stream),
            Kind::Unfinished => self.leave_unfinished(&stream),
            Kind::SlowReader => self.read_slowly(&stream),
        }
    }

    /// Waits, but not beyond the end.
    fn linger(&self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time && !self.soaking.is_over() {
            thread::sleep(STEP);
        }
    }

    fn request(&self) -> &'static [u8] {
        match self.is_kv {
            true => b"*3\r\n$3\r\nSET\r\n$7\r\nhostile\r\n$10\r\n0123456789\r\n",
            false => b"POST / HTTP/1.1\r\nHost: srv\r\nX-Slow: yes\r\nContent-Length: 10\r\n\r\n0123456789",
        }
    }

    fn drip(&self, mut stream: &TcpStream) -> io::Result<()> {
        for byte in self.request() {
            stream.write_all(&[*byte])?;
            self.linger(2 * STEP);
        }
        stream.read(&mut [0; 1024]).map(drop)
    }

    fn reset(&self, stream: TcpStream) -> io::Result<()> {
        let request = self.request();
        let cut = 1 + rand::next_u64() as usize % (request.len() - 1);
        (&stream).write_all(&request[..cut])?;
        Socket::from(stream).set_linger(Some(Duration::ZERO))
    }

    fn announce(&self, mut stream: &TcpStream) -> io::Result<()> {
        let heads: &[&[u8]] = match self.is_kv {
            true => &[
                b"*2147483647\r\n",
                b"*1048576\r\n$4\r\n",
                b"*2\r\n$4\r\nECHO\r\n$536870912\r\n",
                b"*2\r\n$4\r\nECHO\r\n$99999999999\r\nxxx",
            ],
            false => &[
                b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                b"POST / HTTP/1.1\r\nContent-Length: 16777216\r\n\r\nxxx",
                b"POST /chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nxxx",
                b"GET /99999999999999 HTTP/1.1\r\n\r\n",
            ],
        };
        stream.write_all(heads[rand::next_u64() as usize % heads.len()])?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.read(&mut [0; 1024]).map(drop)
    }

    /// Asks for more and more until there is no room on the way, and reads nothing.
    fn pipeline(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_write_timeout(Some(Duration::from_secs(1)))?;
        let requests = match self.is_kv {
            true => [self.request(), &mget()].concat(),
            false => b"GET /2000000 HTTP/1.1\r\n\r\n".repeat(100),
        };
        while !self.soaking.is_over() && stream.write_all(&requests).is_ok() {}
        self.linger(2 * STEP);
        Ok(())
    }

    /// Megabytes of a request that does not end; many of them are more than the budget.
    fn leave_unfinished(&self, mut stream: &TcpStream) -> io::Result<()> {
        let length = 1 + rand::next_u64() as usize % (12 * MB);
        let head = match self.is_kv {
            true => format!("*2\r\n$4\r\nECHO\r\n${}\r\n", length + 1),
            false => format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", length + 1),
        };
        stream.write_all(head.as_bytes())?;
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..length / piece.len() {
            stream.write_all(&piece)?;
        }
        self.linger(Duration::from_secs(2));
        Ok(())
    }

    fn read_slowly(&self, mut stream: &TcpStream) -> io::Result<()> {
        let large = match self.is_kv {
            true => mget(),
            false => b"GET /chunked/4000000 HTTP/1.1\r\n\r\n".to_vec(),
        };
        stream.write_all(&large)?;
        let mut some = [0; 4096];
        for _ in 0..100 {
            if self.soaking.is_over() || stream.read(&mut some)? == 0 {
                break;
            }
            thread::sleep(STEP);
        }
        Ok(())
    }
}

/// A value of half a megabyte, and the same many times over.
fn mget() -> Vec<u8> {
    use greenroom_scenarios::kv::resp::encode_request;
    let mut requests = Vec::new();
    encode_request(&mut requests, &[b"SET", b"large", &vec![b'l'; MB / 2]]);
    let mut args = vec![&b"MGET"[..]];
    args.resize(40, b"large");
    encode_request(&mut requests, &args);
    requests
}

fn garbage(mut stream: &TcpStream) -> io::Result<()> {
    let mut bytes = vec![0; 1 + rand::next_u64() as usize % (64 * 1024)];
    rand::fill(&mut bytes);
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(&bytes)?;
    let mut some = [0; 4096];
    while stream.read(&mut some)? > 0 {}
    Ok(())
}
