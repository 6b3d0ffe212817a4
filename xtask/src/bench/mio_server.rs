//! The peer: an echo server as a plain mio loop, without tasks or stacks. It is the limit.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use super::echo::{BUFFER, announce};

const LISTENER: Token = Token(usize::MAX);

struct Connection {
    stream: TcpStream,
    /// What an earlier round could not write.
    pending: Vec<u8>,
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    buf: Vec<u8>,
}

/// Serves until the last connection of the first crowd is gone.
pub fn serve() -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address"));
    listener.and_then(serve_on).map_err(|error| error.to_string())
}

fn serve_on(mut listener: TcpListener) -> io::Result<()> {
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    announce(listener.local_addr()?);
    let (connections, free, buf) = (Vec::new(), Vec::new(), vec![0; BUFFER]);
    let mut server = Server { poll, listener, connections, free, buf };
    let mut events = Events::with_capacity(1024);
    loop {
        match server.poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => server.accept()?,
                Token(index) => server.turn(index, event.is_readable())?,
            }
        }
        if !server.connections.is_empty() && server.free.len() == server.connections.len() {
            return Ok(());
        }
    }
}

impl Server {
    fn accept(&mut self) -> io::Result<()> {
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(index), both)?;
            self.connections[index] = Some(Connection { stream, pending: Vec::new() });
        }
        Ok(())
    }

    fn turn(&mut self, index: usize, readable: bool) -> io::Result<()> {
        let Some(connection) = &mut self.connections[index] else { return Ok(()) };
        if connection.echo(readable, &mut self.buf).is_ok() {
            return Ok(());
        }
        self.poll.registry().deregister(&mut connection.stream)?;
        self.connections[index] = None;
        self.free.push(index);
        Ok(())
    }
}

impl Connection {
    /// Writes what was left, then echoes until drained; the end of the stream is an error here.
    fn echo(&mut self, readable: bool, buf: &mut [u8]) -> io::Result<()> {
        while !self.pending.is_empty() {
            match would_block(self.stream.write(&self.pending))? {
                Some(count) => drop(self.pending.drain(..count)),
                None => return Ok(()),
            }
        }
        if !readable {
            return Ok(());
        }
        loop {
            let Some(count) = would_block(self.stream.read(buf))? else { return Ok(()) };
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut written = 0;
            while written < count {
                match would_block(self.stream.write(&buf[written..count]))? {
                    Some(more) => written += more,
                    None => {
                        self.pending.extend_from_slice(&buf[written..count]);
                        return Ok(());
                    }
                }
            }
            // A short read means drained: no second call to be told so.
            if count < buf.len() {
                return Ok(());
            }
        }
    }
}

/// `None` for a call that would block.
pub fn would_block(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
