//! A client that asks one thing at a time and knows what is due.

use std::io;

use greenroom::net::{SocketAddr, TcpStream};
use greenroom::time::Duration;

use super::message::{Reader, write_sized};
use crate::bytes::pattern;

/// One kept connection.
pub struct Client {
    stream: TcpStream,
    answers: Reader<TcpStream>,
}

impl Client {
    /// A client that waits no longer than `patience` for what is due.
    ///
    /// # Errors
    ///
    /// As [`TcpStream::connect`].
    pub fn connect(server: SocketAddr, patience: Duration) -> io::Result<Client> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        let answers = Reader::new(stream.try_clone()?);
        Ok(Client { stream, answers })
    }

    /// Asks for so many bytes.
    ///
    /// # Errors
    ///
    /// `InvalidData` when it is answered with anything else; `TimedOut` when it is not answered.
    pub fn get(&mut self, length: usize) -> io::Result<()> {
        let start = format!("GET /{length} HTTP/1.1\r\nHost: srv\r\n");
        write_sized(&self.stream, &start, b"", 0)?;
        self.expect("GET", &pattern(0, 0, length))
    }

    /// Posts bytes, which are to come back.
    ///
    /// # Errors
    ///
    /// As [`get`](Client::get).
    pub fn post(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_sized(&self.stream, "POST / HTTP/1.1\r\nHost: srv\r\n", bytes, bytes.len())?;
        self.expect("POST", bytes)
    }

    fn expect(&mut self, method: &str, due: &[u8]) -> io::Result<()> {
        let head = self.answers.response()?;
        let body = self.answers.body(&head)?;
        if head.start == "200 OK" && body == due {
            return Ok(());
        }
        let (got, due) = (body.len(), due.len());
        let what = format!("{method} is answered {}, {got} bytes of {due}", head.start);
        Err(io::Error::new(io::ErrorKind::InvalidData, what))
    }
}
