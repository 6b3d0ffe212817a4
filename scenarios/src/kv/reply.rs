//! Replies: appended to a buffer by the server, read back by a client.
//! Not what a command answers (see `store`).

use std::io::{self, Read};

use super::buffer::ReadBuffer;
use super::request::{ARGS_MAX, BULK_BYTES_MAX, LINE_BYTES_MAX};
use super::resp::{parse_integer, push_bulk, push_header};

/// Arrays in arrays; the command that nests deepest in Redis needs fewer.
const DEPTH_MAX: usize = 32;

/// A reply as a value, for clients and tests. The server appends its replies with the functions
/// below (see also `replies`) and never builds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+OK`: a status.
    Simple(String),
    /// `-ERR …`: a refusal, in words.
    Error(String),
    /// `:7`: a number.
    Integer(i64),
    /// `$3`: bytes.
    Bulk(Vec<u8>),
    /// `$-1`, or `*-1`: nothing.
    Nil,
    /// `*2`: replies in a row.
    Array(Vec<Reply>),
}

impl Reply {
    /// Appends the reply as it goes over the wire.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Simple(text) => push_simple(out, text),
            Self::Error(text) => push_error(out, text),
            Self::Integer(value) => push_reply_integer(out, *value),
            Self::Bulk(bytes) => push_bulk(out, bytes),
            Self::Nil => push_nil(out),
            Self::Array(replies) => {
                push_array(out, replies.len());
                replies.iter().for_each(|reply| reply.encode(out));
            }
        }
    }
}

/// Appends a status.
pub fn push_simple(out: &mut Vec<u8>, text: &str) {
    push_line(out, b'+', text);
}

/// The text begins with a word in capitals (`ERR`, `NOPROTO`), by which clients tell errors apart.
pub fn push_error(out: &mut Vec<u8>, text: &str) {
    push_line(out, b'-', text);
}

/// Appends a number.
pub fn push_reply_integer(out: &mut Vec<u8>, value: i64) {
    push_header(out, b':', value);
}

/// Appends nothing, as a reply.
pub fn push_nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"$-1\r\n");
}

/// Begins an array; its `count` elements are to be appended next.
pub fn push_array(out: &mut Vec<u8>, count: usize) {
    push_header(out, b'*', count as i64);
}

/// Errors quote what the client sent, and a line break in it would end the reply early.
fn push_line(out: &mut Vec<u8>, mark: u8, text: &str) {
    out.push(mark);
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    for byte in &mut out[start..] {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Cuts a stream of bytes into replies.
#[derive(Debug)]
pub struct ReplyReader<R> {
    source: R,
    buffer: ReadBuffer,
    /// How much of the unread bytes belongs to the reply being read.
    parsed: usize,
}

impl<R: Read> ReplyReader<R> {
    /// Reads replies from `source`.
    pub fn new(source: R) -> Self {
        Self { source, buffer: ReadBuffer::default(), parsed: 0 }
    }

    /// The next reply. Fails with `UnexpectedEof` when the server has closed and `InvalidData`
    /// when it does not speak RESP2. A read that timed out may be repeated: nothing is consumed
    /// before the reply is whole.
    pub fn read(&mut self) -> io::Result<Reply> {
        self.parsed = 0;
        let reply = self.reply(DEPTH_MAX)?;
        self.buffer.consume(self.parsed);
        Ok(reply)
    }

    fn reply(&mut self, depth_left: usize) -> io::Result<Reply> {
        let (from, to) = self.line()?;
        let line = &self.buffer.unread()[from..to];
        let Some((mark, rest)) = line.split_first() else {
            return Err(invalid("empty line"));
        };
        let text = || String::from_utf8_lossy(rest).into_owned();
        let number = || parse_integer(rest).ok_or_else(|| invalid("malformed number"));
        match mark {
            b'+' => Ok(Reply::Simple(text())),
            b'-' => Ok(Reply::Error(text())),
            b':' => Ok(Reply::Integer(number()?)),
            b'$' => match number()? {
                -1 => Ok(Reply::Nil),
                bytes @ 0..=BULK_BYTES_MAX => self.bulk(bytes as usize),
                _ => Err(invalid("impossible bulk length")),
            },
            b'*' => match number()? {
                -1 => Ok(Reply::Nil),
                count @ 0..=ARGS_MAX => self.array(count, depth_left),
                _ => Err(invalid("impossible array length")),
            },
            _ => Err(invalid("unknown type of reply")),
        }
    }

    fn bulk(&mut self, bytes: usize) -> io::Result<Reply> {
        let (from, to) = (self.parsed, self.parsed + bytes);
        while self.buffer.unread().len() < to + 2 {
            self.fill()?;
        }
        let unread = self.buffer.unread();
        if &unread[to..to + 2] != b"\r\n" {
            return Err(invalid("bulk is not followed by CRLF"));
        }
        self.parsed = to + 2;
        Ok(Reply::Bulk(unread[from..to].to_vec()))
    }

    fn array(&mut self, count: i64, depth_left: usize) -> io::Result<Reply> {
        let depth_left = depth_left.checked_sub(1).ok_or_else(|| invalid("nested too deep"))?;
        // Collected without a size hint: memory follows what arrived, not what was announced.
        let mut replies = Vec::new();
        for _ in 0..count {
            replies.push(self.reply(depth_left)?);
        }
        Ok(Reply::Array(replies))
    }

    /// Where the next line lies, without its CRLF.
    fn line(&mut self) -> io::Result<(usize, usize)> {
        let from = self.parsed;
        let mut scanned = from;
        loop {
            let unread = self.buffer.unread();
            if let Some(end) = unread[scanned..].iter().position(|&byte| byte == b'\n') {
                let end = scanned + end;
                self.parsed = end + 1;
                return match unread[from..end].last() {
                    Some(b'\r') => Ok((from, end - 1)),
                    _ => Err(invalid("line does not end in CRLF")),
                };
            }
            scanned = unread.len();
            if scanned - from > LINE_BYTES_MAX {
                return Err(invalid("endless line"));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        match self.buffer.fill(&mut self.source, 0, |_| Ok(()))? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a RESP2 reply: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(stream: &str) -> String {
        ReplyReader::new(stream.as_bytes()).read().unwrap_err().to_string()
    }

    #[test]
    fn each_type_has_its_spelling() {
        let replies = [
            Reply::Simple("OK".into()),
            Reply::Error("ERR syntax error".into()),
            Reply::Integer(-7),
            Reply::Array(vec![Reply::Bulk(b"a\r\nb".to_vec()), Reply::Nil, Reply::Array(vec![])]),
        ];
        let mut out = Vec::new();
        replies.iter().for_each(|reply| reply.encode(&mut out));
        let expected = "+OK\r\n-ERR syntax error\r\n:-7\r\n*3\r\n$4\r\na\r\nb\r\n$-1\r\n*0\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn line_break_in_an_error_does_not_split_the_reply() {
        let mut out = Vec::new();
        push_error(&mut out, "ERR unknown command 'a\r\n+OK'");
        assert_eq!(out, b"-ERR unknown command 'a  +OK'\r\n");
    }

    #[test]
    fn nil_array_is_nil() {
        assert_eq!(ReplyReader::new(&b"*-1\r\n"[..]).read().unwrap(), Reply::Nil);
    }

    #[test]
    fn nonsense_is_refused() {
        for (stream, complaint) in [
            ("\r\n", "empty line"),
            ("\n", "line does not end in CRLF"),
            ("+OK\n", "line does not end in CRLF"),
            ("?\r\n", "unknown type of reply"),
            (":x\r\n", "malformed number"),
            ("$-2\r\n", "impossible bulk length"),
            ("$99999999999\r\n", "impossible bulk length"),
            ("$1\r\nab\r\n", "bulk is not followed by CRLF"),
            ("*1048577\r\n", "impossible array length"),
            (&"*1\r\n".repeat(33), "nested too deep"),
            (&"a".repeat(100_000), "endless line"),
        ] {
            assert_eq!(error_of(stream), format!("not a RESP2 reply: {complaint}"));
        }
    }
}
