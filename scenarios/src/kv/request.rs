//! Requests as they arrive on a connection: arrays of bulk strings, or lines typed by hand.
//! Not the meaning of a request (see `store`); nothing here looks at a command's name.

use std::io::{self, Read};
use std::rc::Rc;

use super::buffer::ReadBuffer;
use super::inline::{self, Span};
use super::resp::{parse_integer, push_bulk, push_header};
use crate::budget::Account;

/// Redis's bound on a line, be it typed by hand or a header such as `*3`.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Redis's bound before 7.0, which then raised it to two billion for the authenticated.
pub const ARGS_MAX: i64 = 1024 * 1024;

/// Redis's `proto-max-bulk-len`, where nothing else is said: above it a length is nonsense.
pub const BULK_BYTES_MAX: i64 = 512 * 1024 * 1024;

/// One request with all its arguments, where nothing else is said: `client-query-buffer-limit`, which
/// Redis has at a gigabyte.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A connection gives back the memory that the arguments of a single request made it take.
const KEEP_ARGS_MAX: usize = 256;

/// Why there is no next request.
#[derive(Debug)]
pub enum RequestError {
    /// The peer closed between two requests.
    Closed,
    /// The peer closed inside a request.
    Truncated,
    /// The peer does not speak RESP. The text is Redis's, to be sent back after `-ERR `.
    Protocol(String),
    /// Reading failed; the request so far is kept.
    Io(io::Error),
}

/// A request's arguments, the command's name first. There is always at least one.
#[derive(Debug, Default)]
pub struct Request {
    buffer: ReadBuffer,
    args: Vec<Span>,
}

impl Request {
    /// How many arguments there are, the name among them.
    pub fn arg_count(&self) -> usize {
        self.args.len()
    }

    /// # Panics
    /// Panics if there are not so many, as indexing does.
    pub fn arg(&self, index: usize) -> &[u8] {
        let (from, to) = self.args[index];
        &self.buffer.unread()[from as usize..to as usize]
    }

    /// About how many bytes it has.
    pub(super) fn byte_count(&self) -> usize {
        self.args.last().map_or(0, |&(_, to)| to as usize)
    }

    /// The arguments after the first `skip`.
    pub fn args_from(&self, skip: usize) -> impl Iterator<Item = &[u8]> {
        (skip..self.args.len()).map(|index| self.arg(index))
    }
}

/// Appends a request the way clients send it.
pub fn encode_request(out: &mut Vec<u8>, args: &[&[u8]]) {
    push_header(out, b'*', args.len() as i64);
    for arg in args {
        push_bulk(out, arg);
    }
}

/// Cuts a stream of bytes into requests. The request handed out lies in the read buffer itself;
/// once that has its size, a request costs no allocation.
#[derive(Debug)]
pub struct RequestReader<R> {
    source: R,
    account: Rc<Account>,
    bounds: Bounds,
    request: Request,
    stage: Stage,
    /// How much of the unread bytes belongs to the request so far.
    parsed: usize,
    /// How far a line's end was looked for in vain, so that a line sent byte by byte costs no more
    /// than one sent whole.
    scanned: usize,
    /// A stream that went wrong stays wrong: after a lost byte no boundary can be trusted.
    broken: Option<String>,
}

/// How large what a peer sends may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// One argument.
    pub bulk_bytes_max: i64,
    /// One request. Also what keeps a span's ends within 32 bits.
    pub request_bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { bulk_bytes_max: BULK_BYTES_MAX, request_bytes_max: REQUEST_BYTES_MAX }
    }
}

/// What the next byte to be parsed is.
///
/// ```text
///           inline line
///   Start ──────────────────────────────► Ready ──► Taken ──► Start
///     │ *n                                  ▲
///     └───► Header ──$n──► Body ──last arg──┘
///             ▲──one more arg─┘
/// ```
#[derive(Clone, Copy, Debug)]
enum Stage {
    Start,
    Header { args_left: i64 },
    Body { args_left: i64, bulk_bytes: usize },
    Ready,
    Taken,
}

impl<R: Read> RequestReader<R> {
    /// Reads requests from `source`.
    pub fn new(source: R) -> Self {
        Self::counted(source, Bounds::default(), Rc::new(Account::unlimited()))
    }

    /// As [`new`](Self::new), within bounds, what is held being counted.
    pub(super) fn counted(source: R, bounds: Bounds, account: Rc<Account>) -> Self {
        let (request, stage) = (Request::default(), Stage::Start);
        Self { source, account, bounds, request, stage, parsed: 0, scanned: 0, broken: None }
    }

    /// The next request, reading only if the bytes at hand do not hold one. An `Io` error leaves
    /// everything in place, so a read that timed out may be repeated.
    pub fn read(&mut self) -> Result<&Request, RequestError> {
        while !self.parse().map_err(RequestError::Protocol)? {
            let (args, account) = (self.args_size(), &self.account);
            let grow = |size| account.hold_requests(size + args);
            let due = match self.stage {
                Stage::Body { bulk_bytes, .. } => self.parsed + bulk_bytes + 2,
                _ => 0,
            };
            match self.request.buffer.fill(&mut self.source, due, grow) {
                Err(error) => return Err(RequestError::Io(error)),
                Ok(0) if self.request.buffer.unread().is_empty() => {
                    return Err(RequestError::Closed);
                }
                Ok(0) => return Err(RequestError::Truncated),
                Ok(_) => {}
            }
        }
        let size = self.request.buffer.size() + self.args_size();
        self.account.hold_requests(size).map_err(RequestError::Io)?;
        self.stage = Stage::Taken;
        Ok(&self.request)
    }

    fn args_size(&self) -> usize {
        self.request.args.capacity() * size_of::<Span>()
    }

    /// True if [`read`](Self::read) would answer without reading from the source.
    pub fn buffered(&mut self) -> bool {
        self.parse().unwrap_or(true)
    }

    /// Goes as far as the bytes at hand allow. True once the request is whole.
    fn parse(&mut self) -> Result<bool, String> {
        if self.broken.is_none() {
            match self.advance() {
                Ok(whole) => return Ok(whole),
                Err(text) => self.broken = Some(text),
            }
        }
        Err(self.broken.clone().unwrap_or_default())
    }

    fn advance(&mut self) -> Result<bool, String> {
        loop {
            let progress = match self.stage {
                Stage::Ready => return Ok(true),
                Stage::Taken => self.forget_request(),
                Stage::Start => self.parse_start()?,
                Stage::Header { args_left } => self.parse_header(args_left)?,
                Stage::Body { args_left, bulk_bytes } => self.parse_body(args_left, bulk_bytes)?,
            };
            if !progress {
                return Ok(false);
            }
        }
    }

    fn forget_request(&mut self) -> bool {
        self.request.buffer.consume(self.parsed);
        self.request.args.clear();
        self.request.args.shrink_to(KEEP_ARGS_MAX);
        self.stage = Stage::Start;
        self.parsed = 0;
        self.scanned = 0;
        true
    }

    fn parse_start(&mut self) -> Result<bool, String> {
        let Some(&first) = self.request.buffer.unread().first() else {
            return Ok(false);
        };
        if first != b'*' {
            return self.parse_inline();
        }
        let Some(line) = self.line("too big mbulk count string")? else {
            return Ok(false);
        };
        let args = header_number(line).filter(|&args| args <= ARGS_MAX);
        let args_left = args.ok_or("Protocol error: invalid multibulk length")?;
        self.finish_line();
        // Redis takes `*0` and `*-1` for nothing at all and looks for the next request.
        self.stage = if args_left > 0 { Stage::Header { args_left } } else { Stage::Taken };
        Ok(true)
    }

    fn parse_inline(&mut self) -> Result<bool, String> {
        if self.line("too big inline request")?.is_none() {
            return Ok(false);
        }
        let line = &mut self.request.buffer.unread_mut()[..self.scanned];
        inline::split(line, &mut self.request.args)
            .map_err(|_| "Protocol error: unbalanced quotes in request")?;
        self.finish_line();
        self.stage = if self.request.args.is_empty() { Stage::Taken } else { Stage::Ready };
        Ok(true)
    }

    fn parse_header(&mut self, args_left: i64) -> Result<bool, String> {
        let bulk_bytes_max = self.bounds.bulk_bytes_max;
        let Some(line) = self.line("too big bulk count string")? else {
            return Ok(false);
        };
        if line[0] != b'$' {
            let got = line[0].escape_ascii();
            return Err(format!("Protocol error: expected '$', got '{got}'"));
        }
        let allowed = 0..=bulk_bytes_max;
        let bytes = header_number(line).filter(|bytes| allowed.contains(bytes));
        let bulk_bytes = bytes.ok_or("Protocol error: invalid bulk length")? as usize;
        self.finish_line();
        if self.parsed + bulk_bytes > self.bounds.request_bytes_max {
            return Err("Protocol error: too big request".into());
        }
        self.stage = Stage::Body { args_left, bulk_bytes };
        Ok(true)
    }

    fn parse_body(&mut self, args_left: i64, bulk_bytes: usize) -> Result<bool, String> {
        let (from, to) = (self.parsed, self.parsed + bulk_bytes);
        let Some(end) = self.request.buffer.unread().get(to..to + 2) else {
            return Ok(false);
        };
        // Redis skips these two unseen. A stream that lost a byte should not pass for a good one.
        if end != b"\r\n" {
            return Err("Protocol error: expected CRLF after bulk".into());
        }
        self.request.args.push((from as u32, to as u32));
        self.parsed = to + 2;
        self.scanned = self.parsed;
        self.stage = match args_left - 1 {
            0 => Stage::Ready,
            args_left => Stage::Header { args_left },
        };
        Ok(true)
    }

    /// The line at `parsed` with its LF, once it is here; `scanned` is then where it ends. A bound
    /// for whole lines too, so that the verdict does not depend on how the bytes were cut.
    fn line(&mut self, too_big: &str) -> Result<Option<&[u8]>, String> {
        let unread = self.request.buffer.unread();
        let end = unread[self.scanned..].iter().position(|&byte| byte == b'\n');
        let line_end = end.map_or(unread.len(), |end| self.scanned + end + 1);
        if line_end - self.parsed > LINE_BYTES_MAX {
            return Err(format!("Protocol error: {too_big}"));
        }
        self.scanned = line_end;
        Ok(end.map(|_| &unread[self.parsed..line_end]))
    }

    fn finish_line(&mut self) {
        self.parsed = self.scanned;
    }
}

/// The number in `*3\r\n` or `$3\r\n`.
fn header_number(line: &[u8]) -> Option<i64> {
    parse_integer(line[1..].strip_suffix(b"\r\n")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Hands out the stream in the given pieces, then ends.
    struct Pieces<'a>(VecDeque<&'a [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.front_mut() else {
                return Ok(0);
            };
            let count = piece.len().min(buf.len());
            buf[..count].copy_from_slice(&piece[..count]);
            *piece = &piece[count..];
            if piece.is_empty() {
                self.0.pop_front();
            }
            Ok(count)
        }
    }

    /// What a stream amounts to, as text: a line per request, then how it ended.
    fn story(source: impl Read) -> String {
        let mut reader = RequestReader::new(source);
        let mut story = String::new();
        loop {
            match reader.read() {
                Ok(request) => {
                    let args = request.args_from(0).map(|arg| arg.escape_ascii().to_string());
                    story += &format!("{}\n", args.collect::<Vec<_>>().join(" "));
                }
                Err(RequestError::Protocol(text)) => return story + &text,
                Err(error) => return story + &format!("{error:?}"),
            }
        }
    }

    /// The same story, however the bytes are cut.
    #[track_caller]
    fn check(stream: &[u8], expected: &str) {
        assert_eq!(story(stream), expected);
        assert_eq!(story(Pieces(stream.chunks(1).collect())), expected);
        assert_eq!(story(Pieces(stream.chunks(7).collect())), expected);
    }

    #[test]
    fn arrays_and_lines_mix() {
        check(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\nSET k v\r\nPING\n", "GET a\nSET k v\nPING\nClosed");
        check(b"*1\r\n$0\r\n\r\n*1\r\n$4\r\n\r\n\r\n\r\n", "\n\\r\\n\\r\\n\nClosed");
    }

    #[test]
    fn nothing_at_all_is_skipped() {
        check(b"\r\n\n  \r\n*0\r\n*-1\r\nPING\r\n", "PING\nClosed");
    }

    #[test]
    fn end_inside_a_request_is_truncation() {
        for stream in [&b"P"[..], b"*", b"*1\r\n", b"*1\r\n$4\r\nPI", b"*1\r\n$4\r\nPING\r"] {
            check(stream, "Truncated");
        }
        check(b"PING\r\n*2\r\n$1\r\na\r\n", "PING\nTruncated");
    }

    #[test]
    fn bad_lengths_are_refused() {
        for header in ["*x", "*", "*1 ", "*+1", "*01", "*1048577", "*99999999999999999999"] {
            check(format!("{header}\r\n").as_bytes(), "Protocol error: invalid multibulk length");
        }
        for header in ["$-1", "$", "$x", "$-0", "$536870913", "$99999999999", "$ 1"] {
            let stream = format!("*1\r\n{header}\r\n");
            check(stream.as_bytes(), "Protocol error: invalid bulk length");
        }
        check(b"*1\n", "Protocol error: invalid multibulk length");
        check(b"*1\r\n$536870912\r\n", "Protocol error: too big request");
    }

    #[test]
    fn garbage_is_refused_where_it_starts() {
        check(b"PING\r\n*1\r\nGET\r\n", "PING\nProtocol error: expected '$', got 'G'");
        check(b"*1\r\n\r\n", "Protocol error: expected '$', got '\\r'");
        check(b"*1\r\n$1\r\nab\r\n", "Protocol error: expected CRLF after bulk");
        check(b"GET \"a\r\n", "Protocol error: unbalanced quotes in request");
    }

    #[test]
    fn endless_lines_are_refused() {
        let long = "a".repeat(LINE_BYTES_MAX);
        check(long.as_bytes(), "Truncated");
        check(format!("{long}a").as_bytes(), "Protocol error: too big inline request");
        check(format!("{long}\r\n").as_bytes(), "Protocol error: too big inline request");
        check(format!("*{long}").as_bytes(), "Protocol error: too big mbulk count string");
        check(format!("*1\r\n${long}").as_bytes(), "Protocol error: too big bulk count string");
    }

    #[test]
    fn pipeline_is_parsed_from_one_read() {
        let mut reader = RequestReader::new(Pieces(VecDeque::from([
            &b"PING\r\n*1\r\n$1\r\na\r\nGE"[..],
            b"T a\n",
        ])));
        assert!(!reader.buffered());
        assert_eq!(reader.read().unwrap().arg(0), b"PING");
        assert!(reader.buffered());
        assert!(reader.buffered());
        assert_eq!(reader.read().unwrap().arg(0), b"a");
        assert!(!reader.buffered());
        assert_eq!(reader.read().unwrap().arg(1), b"a");
        assert!(!reader.buffered());
    }

    #[test]
    fn broken_stream_stays_broken() {
        let mut reader = RequestReader::new(&b"'a'b\r\nPING\r\n"[..]);
        assert!(matches!(reader.read(), Err(RequestError::Protocol(_))));
        assert!(reader.buffered());
        assert!(matches!(reader.read(), Err(RequestError::Protocol(_))));
    }

    #[test]
    fn timed_out_read_may_be_repeated() {
        struct Sluggish<'a>(Pieces<'a>, bool);
        impl Read for Sluggish<'_> {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 { Err(io::ErrorKind::TimedOut.into()) } else { self.0.read(buf) }
            }
        }
        let pieces = Pieces(b"*1\r\n$4\r\nPING\r\n".chunks(3).collect());
        let mut reader = RequestReader::new(Sluggish(pieces, false));
        let mut timeouts = 0;
        while let Err(RequestError::Io(_)) = reader.read() {
            timeouts += 1;
        }
        assert_eq!(timeouts, 5);
    }
}
