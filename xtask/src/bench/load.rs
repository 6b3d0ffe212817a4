//! The load generator: a closed loop on mio, one message in flight a connection, one thread.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::mio_server::would_block;
use super::process::cpu_ns;

struct Connection {
    stream: TcpStream,
    sent: usize,
    got: usize,
    since: Instant,
}

/// When to stop: so many messages, or so long after warming up.
enum Amount {
    Messages(u64),
    Time(Duration),
}

const WARM_UP: Duration = Duration::from_millis(200);
/// A server that answers nothing for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loads the server on `port`; `amount` is a number of messages, or milliseconds as `1000ms`.
///
/// Prints messages, wall ns, the server's CPU ns, and the median latency in ns.
pub fn run(
    port: &str,
    server: &str,
    connections: &str,
    size: &str,
    amount: &str,
) -> Result<(), String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    let amount = match amount.strip_suffix("ms") {
        Some(ms) => Amount::Time(Duration::from_millis(number(ms)?)),
        None => Amount::Messages(number(amount)?),
    };
    let (port, count, size) = (number(port)? as u16, number(connections)?, number(size)? as usize);
    let figures = load(port, server, count, size, &amount).map_err(|error| error.to_string())?;
    say!("{figures}");
    Ok(())
}

fn load(port: u16, server: &str, count: u64, size: usize, amount: &Amount) -> io::Result<String> {
    let mut poll = Poll::new()?;
    let message: Vec<u8> = (0..size).map(|index| index as u8).collect();
    let mut connections = connect(&poll, port, count)?;
    for connection in &mut connections {
        connection.push(&message)?;
    }
    let mut events = Events::with_capacity(1024);
    let mut buf = vec![0; size];
    let mut latencies = Vec::new();
    let (mut start, mut cpu) = (Instant::now(), cpu_ns(server));
    let mut warm = matches!(amount, Amount::Messages(_));
    loop {
        poll.poll(&mut events, Some(PATIENCE))?;
        if events.is_empty() {
            return Err(io::Error::new(ErrorKind::TimedOut, "the server answers nothing"));
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            let latency = connection.turn(event.is_readable(), &message, &mut buf)?;
            latencies.extend(latency.map(|latency| latency.as_nanos() as u64));
        }
        let enough = match *amount {
            Amount::Messages(most) => latencies.len() as u64 >= most,
            Amount::Time(time) => warm && start.elapsed() >= time,
        };
        if enough {
            break;
        }
        if !warm && start.elapsed() >= WARM_UP {
            warm = true;
            latencies.clear();
            (start, cpu) = (Instant::now(), cpu_ns(server));
        }
    }
    let (wall, cpu) = (start.elapsed().as_nanos(), cpu_ns(server) - cpu);
    latencies.sort_unstable();
    Ok(format!("{} {wall} {cpu} {}", latencies.len(), latencies[latencies.len() / 2]))
}

fn connect(poll: &Poll, port: u16, count: u64) -> io::Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for index in 0..count {
        // A blocking connect keeps the accept queue short.
        let stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, Token(index as usize), both)?;
        connections.push(Connection { stream, sent: 0, got: 0, since: Instant::now() });
    }
    Ok(connections)
}

impl Connection {
    /// Writes what is left of the message; whether all of it is gone.
    fn push(&mut self, message: &[u8]) -> io::Result<bool> {
        while self.sent < message.len() {
            match would_block(self.stream.write(&message[self.sent..]))? {
                Some(count) => self.sent += count,
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Goes on with the message; once its echo is whole, returns how long that took and sends
    /// the next one.
    fn turn(
        &mut self,
        readable: bool,
        message: &[u8],
        buf: &mut [u8],
    ) -> io::Result<Option<Duration>> {
        if !self.push(message)? || !readable {
            return Ok(None);
        }
        while self.got < message.len() {
            match would_block(self.stream.read(&mut buf[self.got..]))? {
                Some(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Some(count) => self.got += count,
                None => return Ok(None),
            }
        }
        if buf != message {
            return Err(io::Error::new(ErrorKind::InvalidData, "the echo differs"));
        }
        let now = Instant::now();
        let latency = now - self.since;
        (self.sent, self.got, self.since) = (0, 0, now);
        self.push(message)?;
        Ok(Some(latency))
    }
}
