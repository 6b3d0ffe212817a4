//! Messages of HTTP/1.1 (RFC 9112) on a stream: heads parsed by `httparse`, bodies by length or in
//! chunks. Knows no socket.

use std::error::Error;
use std::io::{self, Read, Write};
use std::rc::Rc;

use httparse::Status::{Complete, Partial};
use httparse::{EMPTY_HEADER, Header};

use crate::budget::Account;
use crate::bytes::Checksum;

const HEADERS_MAX: usize = 16;
/// More than this in a head, or announced for a body, is a stream gone wrong.
const HEAD_BYTES_MAX: usize = 8 * 1024;
pub(super) const BODY_BYTES_MAX: u64 = 1 << 24;
/// The largest chunk that is sent.
const CHUNK_BYTES_MAX: usize = 64_000;

/// The start line without the version, and the headers.
pub(super) struct Head {
    /// `POST /path`, or `200 OK`.
    pub(super) start: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn of(start: String, headers: &[Header<'_>]) -> Head {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let headers = headers.iter().map(|h| (h.name.to_ascii_lowercase(), text(h.value)));
        Head { start, headers: headers.collect() }
    }
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
    /// Whether a header has this value.
    pub(super) fn says(&self, name: &str, value: &str) -> bool {
        self.header(name).is_some_and(|said| said.eq_ignore_ascii_case(value))
    }
}

/// Reads message after message, however the bytes come.
pub(super) struct Reader<R> {
    from: R,
    held: Vec<u8>,
    account: Rc<Account>,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(from: R) -> Reader<R> {
        Reader::counted(from, Rc::new(Account::unlimited()))
    }

    /// What is held of a body is counted.
    pub(super) fn counted(from: R, account: Rc<Account>) -> Reader<R> {
        Reader { from, held: Vec::new(), account }
    }

    /// The head of a request; `None` where the stream ends between two.
    pub(super) fn request(&mut self) -> io::Result<Option<Head>> {
        if self.is_at_end()? {
            return Ok(None);
        }
        let head = self.parse(|bytes| {
            let mut headers = [EMPTY_HEADER; HEADERS_MAX];
            let mut request = httparse::Request::new(&mut headers);
            let Complete(length) = request.parse(bytes).map_err(invalid)? else { return Ok(None) };
            let start = [request.method, request.path].map(Option::unwrap_or_default);
            Ok(Some((length, Head::of(start.join(" "), request.headers))))
        });
        head.map(Some)
    }

    /// The head of a response.
    pub(super) fn response(&mut self) -> io::Result<Head> {
        self.parse(|bytes| {
            let mut headers = [EMPTY_HEADER; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut headers);
            let Complete(length) = response.parse(bytes).map_err(invalid)? else { return Ok(None) };
            let (code, reason) = (response.code, response.reason.unwrap_or_default());
            let start = format!("{} {reason}", code.unwrap_or_default());
            Ok(Some((length, Head::of(start, response.headers))))
        })
    }

    /// The body after a head; without a word about it, none.
    pub(super) fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.says("transfer-encoding", "chunked") {
            return self.chunks();
        }
        let length = head.header("content-length").unwrap_or("0").parse().map_err(invalid)?;
        let mut body = Vec::new();
        self.exactly(length, &mut body)?;
        Ok(body)
    }

    /// Whether nothing more comes.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.held.is_empty() && !self.fill()?)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.parse(|bytes| match httparse::parse_chunk_size(bytes) {
                Ok(Complete(found)) => Ok(Some(found)),
                Ok(Partial) => Ok(None),
                Err(_) => Err(invalid("no size of a chunk")),
            })?;
            if size == 0 {
                break;
            }
            self.exactly(size, &mut body)?;
            self.line_end()?;
        }
        let sum = self.parse(|bytes| {
            let mut trailers = [EMPTY_HEADER; HEADERS_MAX];
            match httparse::parse_headers(bytes, &mut trailers).map_err(invalid)? {
                Complete((length, found)) => Ok(Some((length, Head::of(String::new(), found)))),
                Partial => Ok(None),
            }
        })?;
        match sum.says("x-sum", &sum_of(&body)) {
            true => Ok(body),
            false => Err(invalid("the body is not what the trailer says")),
        }
    }

    fn line_end(&mut self) -> io::Result<()> {
        while self.held.len() < 2 {
            self.fill_or_fail()?;
        }
        let end: Vec<u8> = self.held.drain(..2).collect();
        match end.as_slice() {
            b"\r\n" => Ok(()),
            other => Err(invalid(format!("a chunk ends in {other:?}"))),
        }
    }

    /// Asks a parser for as long as it needs more; takes what it has parsed off.
    fn parse<T>(
        &mut self,
        parser: impl Fn(&[u8]) -> io::Result<Option<(usize, T)>>,
    ) -> io::Result<T> {
        loop {
            if let Some((length, parsed)) = parser(&self.held)? {
                self.held.drain(..length);
                return Ok(parsed);
            }
            if self.held.len() > HEAD_BYTES_MAX {
                return Err(invalid("a head without an end"));
            }
            self.fill_or_fail()?;
        }
    }

    /// Appends so many bytes to a body.
    fn exactly(&mut self, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
        if length.saturating_add(body.len() as u64) > BODY_BYTES_MAX {
            return Err(invalid(format!("a body of {length} bytes or more is announced")));
        }
        let whole = body.len() + length as usize;
        while body.len() < whole {
            if self.held.is_empty() {
                self.fill_or_fail()?;
            }
            let count = self.held.len().min(whole - body.len());
            // Growth follows what has come, never what was announced.
            if body.capacity() - body.len() < count {
                let size = (2 * body.capacity()).clamp(body.len() + count, whole.max(count));
                self.account.hold_requests(size)?;
                body.reserve_exact(size - body.len());
            }
            body.extend(self.held.drain(..count));
        }
        Ok(())
    }

    fn fill_or_fail(&mut self) -> io::Result<()> {
        if self.fill()? { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Reads once; answers whether anything came.
    fn fill(&mut self) -> io::Result<bool> {
        let mut piece = [0; 4096];
        let count = self.from.read(&mut piece)?;
        self.held.extend(&piece[..count]);
        Ok(count > 0)
    }
}

/// Writes a message, a short one in one piece. `start` is its start line and headers of its own; the length told
/// is not the body's where the answer is to `HEAD`.
pub(super) fn write_sized(
    mut to: impl Write,
    start: &str,
    body: &[u8],
    length: usize,
) -> io::Result<()> {
    let (first, later) = body.split_at(body.len().min(CHUNK_BYTES_MAX));
    to.write_all(&[format!("{start}Content-Length: {length}\r\n\r\n").as_bytes(), first].concat())?;
    to.write_all(later)
}

/// Writes a message in chunks that grow, each in a write of its own, and a sum after them.
pub(super) fn write_chunked(mut to: impl Write, start: &str, body: &[u8]) -> io::Result<()> {
    let head = format!("{start}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
    to.write_all(head.as_bytes())?;
    let (mut rest, mut size) = (body, 1);
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.len().min(size));
        to.write_all(&[format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())?;
        (rest, size) = (after, (size * 40).min(CHUNK_BYTES_MAX));
    }
    to.write_all(format!("0\r\nX-Sum: {}\r\n\r\n", sum_of(body)).as_bytes())
}

fn sum_of(body: &[u8]) -> String {
    format!("{:016x}", Checksum::of(body))
}

fn invalid(why: impl Into<Box<dyn Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
