//! The server: answers requests of a connection, within what its clients may use of memory.

use std::io::{self, Read, Write};
use std::rc::Rc;

use greenroom::net::TcpStream;
use greenroom::time::Duration;

use super::message::{BODY_BYTES_MAX, Head, Reader, write_chunked, write_sized};
use crate::budget::{Account, Budget, Counted, is_over_budget};
use crate::bytes::pattern;
use crate::common::let_it_read;

/// A longer body is written in pieces of this size, not with its head.
const PIECE_BYTES: usize = 64 * 1024;

/// A server among strangers: a client that uses too much is told so and its connection closed.
#[derive(Debug)]
pub struct Server {
    budget: Budget,
    timeout: Option<Duration>,
}

impl Server {
    /// A server whose clients may hold so many bytes of unfinished requests and unsent replies
    /// together, and may send nothing, or take nothing, for no longer than `timeout`.
    pub fn within(memory_clients: usize, timeout: Option<Duration>) -> Server {
        Server { budget: Budget::new(Some(memory_clients)), timeout }
    }

    /// Serves one connection until it is over.
    pub fn serve_one(&self, stream: &TcpStream) {
        // However a connection ends, there is nobody left to tell.
        drop(self.attend(stream));
    }

    fn attend(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(self.timeout)?;
        stream.set_write_timeout(self.timeout)?;
        let account = Rc::new(self.budget.open());
        let Err(error) = converse(Counted::new(stream, &account), &account) else { return Ok(()) };
        let status = match error.kind() {
            _ if is_over_budget(&error) => "503 Service Unavailable",
            io::ErrorKind::InvalidData => "400 Bad Request",
            _ => return Err(error),
        };
        drop(account);
        let mut refusal = Vec::new();
        let start = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
        write_sized(&mut refusal, &start, b"", 0)?;
        let_it_read(stream, |mut out| out.write_all(&refusal))
    }
}

/// Answers requests until one says that it is the last, or none comes.
pub(super) fn converse<S: Read + Write + Copy>(stream: S, account: &Rc<Account>) -> io::Result<()> {
    let mut requests = Reader::counted(stream, account.clone());
    while let Some(head) = requests.request()? {
        let body = requests.body(&head)?;
        answer(stream, &head, &body, account)?;
        drop(body);
        // To hold less is refused to nobody.
        account.hold_replies(0)?;
        account.hold_requests(0)?;
        if head.says("connection", "close") {
            break;
        }
    }
    Ok(())
}

const OK: &str = "HTTP/1.1 200 OK\r\nServer: greenroom\r\n";

/// `POST` is answered with what was posted, `GET /N` with N bytes; in chunks below `/chunked`.
fn answer(mut to: impl Write, head: &Head, posted: &[u8], account: &Account) -> io::Result<()> {
    let (method, path) = head.start.split_once(' ').unwrap_or_default();
    let (in_chunks, rest) = match path.strip_prefix("/chunked") {
        Some(rest) => (true, rest),
        None => (false, path),
    };
    let length = rest.trim_start_matches('/').parse::<usize>();
    let length = length.map(|length| Some(length).filter(|&n| n as u64 <= BODY_BYTES_MAX));
    match (method, length) {
        ("POST", Err(_)) if in_chunks => write_chunked(to, OK, posted),
        ("POST", Err(_)) => write_sized(to, OK, posted, posted.len()),
        ("HEAD", Ok(Some(length))) => write_sized(to, OK, b"", length),
        ("GET", Ok(Some(length))) if in_chunks => {
            account.hold_replies(length)?;
            write_chunked(to, OK, &pattern(0, 0, length))
        }
        ("GET", Ok(Some(length))) if length <= PIECE_BYTES => {
            write_sized(to, OK, &pattern(0, 0, length), length)
        }
        ("GET", Ok(Some(length))) => {
            account.hold_replies(PIECE_BYTES)?;
            write_sized(&mut to, OK, b"", length)?;
            (0..length).step_by(PIECE_BYTES).try_for_each(|from| {
                let piece = pattern(0, from as u64, PIECE_BYTES.min(length - from));
                to.write_all(&piece)
            })
        }
        _ => write_sized(to, "HTTP/1.1 404 Not Found\r\n", b"", 0),
    }
}
