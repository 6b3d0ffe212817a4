//! One question, asked until somebody answers: rounds through the servers, each waited for longer;
//! datagrams, and a stream where an answer does not fit one.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::Config;
use super::message::{DATAGRAM_MAX, Header, Question, code};
use crate::net::{TcpStream, UdpSocket};
use crate::rand;
use crate::time::Instant;

/// Why nobody's answer is of use.
pub(super) enum Failure {
    /// Somebody answered that it cannot.
    Refused,
    /// Nobody answered.
    Silent,
}

/// Asks the servers, from the `first` on, until one has an answer.
pub(super) fn ask(config: &Config, first: usize, question: &Question) -> Result<Vec<u8>, Failure> {
    let mut failure = Failure::Silent;
    for round in 0..config.attempts {
        let patience = config.patience(round);
        for at in 0..config.servers.len() {
            let server = config.servers[(first + at) % config.servers.len()];
            // A server that cannot be reached, or whose answer is no answer, is as one that is silent.
            let Ok(answer) = ask_server(config, server, question, patience) else { continue };
            match Header::of(&answer).map(|header| header.code) {
                Some(code::NO_ERROR | code::NO_NAME) => return Ok(answer),
                _ => failure = Failure::Refused,
            }
        }
    }
    Err(failure)
}

/// One server: once more without EDNS, where it did not understand that.
fn ask_server(
    config: &Config,
    server: SocketAddr,
    question: &Question,
    patience: Duration,
) -> io::Result<Vec<u8>> {
    let answer = ask_once(config, server, question, patience, config.edns)?;
    let code = Header::of(&answer).map(|header| header.code);
    let baffled = matches!(code, Some(code::FORMAT_ERROR | code::NOT_IMPLEMENTED));
    if config.edns && baffled {
        return ask_once(config, server, question, patience, false);
    }
    Ok(answer)
}

fn ask_once(
    config: &Config,
    server: SocketAddr,
    question: &Question,
    patience: Duration,
    edns: bool,
) -> io::Result<Vec<u8>> {
    let id = rand::next_u64() as u16;
    let asked = question.write(id, edns).ok_or(ErrorKind::InvalidInput)?;
    if !config.use_tcp {
        let answer = by_datagram(server, question, id, &asked, patience)?;
        if !Header::of(&answer).is_some_and(|header| header.is_cut) {
            return Ok(answer);
        }
    }
    by_stream(server, question, id, &asked, patience)
}

/// From a port of its own, and hearing nobody else.
fn by_datagram(
    server: SocketAddr,
    question: &Question,
    id: u16,
    asked: &[u8],
    patience: Duration,
) -> io::Result<Vec<u8>> {
    let until = Instant::now() + patience;
    let socket = match server {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
    };
    socket.connect(server)?;
    socket.send(asked)?;
    let mut buf = vec![0; DATAGRAM_MAX.into()];
    loop {
        socket.set_read_timeout(Some(left(until)?))?;
        let len = socket.recv(&mut buf)?;
        let answer = &buf[..len];
        let Some(header) = Header::of(answer) else { continue };
        // One that is cut may be cut anywhere: it is asked for again, whatever else it says.
        let fits = header.is_cut || question.is_repeated_in(answer);
        if header.id == id && header.is_answer && fits {
            return Ok(answer.to_vec());
        }
    }
}

/// With a length of two bytes before each message.
fn by_stream(
    server: SocketAddr,
    question: &Question,
    id: u16,
    asked: &[u8],
    patience: Duration,
) -> io::Result<Vec<u8>> {
    let until = Instant::now() + patience;
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_write_timeout(Some(left(until)?))?;
    let len = u16::try_from(asked.len()).map_err(|_| ErrorKind::InvalidInput)?;
    stream.write_all(&[&len.to_be_bytes(), asked].concat())?;
    let mut len = [0; 2];
    fill(&mut stream, &mut len, until)?;
    let mut answer = vec![0; u16::from_be_bytes(len).into()];
    fill(&mut stream, &mut answer, until)?;
    match Header::of(&answer) {
        Some(header) if header.id == id && header.is_answer && question.is_repeated_in(&answer) => {
            Ok(answer)
        }
        _ => Err(ErrorKind::InvalidData.into()),
    }
}

/// All of a buffer, in time as a whole.
fn fill(stream: &mut TcpStream, mut buf: &mut [u8], until: Instant) -> io::Result<()> {
    while !buf.is_empty() {
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(buf)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            n => buf = &mut buf[n..],
        }
    }
    Ok(())
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
