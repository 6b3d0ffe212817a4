//! The server: a greenlet per connection, one store behind a lock. Blocking code and nothing else.
//! Not the protocol (see `resp`) nor the commands (see `store`).

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::PoisonError;

use greenroom::net::{Shutdown, TcpListener, TcpStream};
use greenroom::sync::{Arc, Condvar, Mutex, MutexGuard};
use greenroom::thread;
use greenroom::time::{Duration, Instant};

use super::reply::push_error;
use super::resp::{RequestError, RequestReader};
use super::store::{Flow, Store};

/// Replies are gathered while requests are at hand, up to about this much.
const REPLIES_BYTES_MAX: usize = 64 * 1024;

/// A connection gives back the memory a single huge reply made it take.
const KEEP_BYTES_MAX: usize = 1024 * 1024;

/// Failures to accept are mostly of the moment (a peer that left the queue, no descriptors), but a
/// listener that never works again should not spin.
const ACCEPT_FAILURES_MAX: usize = 100;
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How accepting ends on a listener that was closed here. The number is every Unix's.
const EBADF: i32 = 9;

/// How long a peer that was refused may take to notice, before its connection is cut off: several
/// retransmissions, for it may be in slow start on a bad line.
const LINGER: Duration = Duration::from_secs(5);

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    store: Mutex<Store>,
    connections: Mutex<Connections>,
    one_ended: Condvar,
    /// The store's time counts from here.
    start: Instant,
    idle_max: Option<Duration>,
}

/// Those being attended, by number.
#[derive(Debug, Default)]
struct Connections {
    latest: u64,
    open: BTreeMap<u64, Arc<TcpStream>>,
}

impl Server {
    /// A peer that sends nothing, or takes nothing, for `idle_max` is given up. Without it, one
    /// that vanished silently keeps its greenlet for good.
    pub fn new(idle_max: Option<Duration>) -> Arc<Self> {
        Arc::new(Self {
            store: Mutex::new(Store::new()),
            connections: Mutex::default(),
            one_ended: Condvar::new(),
            start: Instant::now(),
            idle_max,
        })
    }

    /// Accepts connections until the listener is closed, or fails for good.
    ///
    /// # Errors
    ///
    /// What `accept` answered, time after time.
    pub fn serve(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        let mut failures = 0;
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    failures = 0;
                    self.spawn_connection(stream);
                }
                Err(error) if error.raw_os_error() == Some(EBADF) => return Ok(()),
                Err(error) if failures == ACCEPT_FAILURES_MAX => return Err(error),
                Err(_) => {
                    failures += 1;
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    /// How many peers are attended.
    pub fn connection_count(&self) -> usize {
        self.connections().open.len()
    }

    /// Lets every connection end once it has answered what it has read; waits for that, but not
    /// for longer than `patience`.
    pub fn close_connections(&self, patience: Duration) {
        for stream in self.connections().open.values() {
            // One that its peer has ended already is about to go by itself.
            let _ = stream.shutdown(Shutdown::Read);
        }
        let some_open = |connections: &mut Connections| !connections.open.is_empty();
        drop(self.one_ended.wait_timeout_while(self.connections(), patience, some_open));
    }

    /// When there is no greenlet to be had, dropping the stream tells the peer so.
    fn spawn_connection(self: &Arc<Self>, stream: TcpStream) {
        let attended = Attended::new(self.clone(), Arc::new(stream));
        // However a connection ends, there is nobody left to tell.
        let connection = move || drop(attended.server.attend(&attended.stream));
        let _ = thread::Builder::new().name("conn".into()).spawn(connection);
    }

    fn attend(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(self.idle_max)?;
        stream.set_write_timeout(self.idle_max)?;
        if self.converse(stream, stream)? == Parting::Refused {
            let_it_read_why(stream)?;
        }
        Ok(())
    }

    /// Answers requests in order until either side is done. Replies go out in one write when the
    /// next request would have to be waited for, so a pipeline costs two system calls, not two
    /// for each request.
    fn converse(&self, input: impl Read, mut output: impl Write) -> io::Result<Parting> {
        let mut requests = RequestReader::new(input);
        let mut replies = Vec::new();
        loop {
            let parting = match requests.read() {
                Ok(request) => {
                    // Taken anew for each request, and never held over a read or a write.
                    let mut store = self.store.lock().map_err(|_| io::Error::other("poisoned"))?;
                    match store.execute(request, self.now_ns(), &mut replies) {
                        Flow::Continue => None,
                        Flow::Close => Some(Parting::Agreed),
                    }
                }
                Err(RequestError::Protocol(text)) => {
                    push_error(&mut replies, &format!("ERR {text}"));
                    Some(Parting::Refused)
                }
                Err(RequestError::Io(error)) => return Err(error),
                Err(RequestError::Closed | RequestError::Truncated) => return Ok(Parting::Agreed),
            };
            if parting.is_some() || replies.len() >= REPLIES_BYTES_MAX || !requests.buffered() {
                output.write_all(&replies)?;
                replies.clear();
                if replies.capacity() > KEEP_BYTES_MAX {
                    replies = Vec::new();
                }
            }
            if let Some(parting) = parting {
                return Ok(parting);
            }
        }
    }

    /// Asked for under the lock, so that the store sees time pass in the order of its commands.
    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a conversation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parting {
    /// The peer said it was done.
    Agreed,
    /// The peer does not speak RESP, and may still be talking.
    Refused,
}

/// Closing over unread bytes resets the connection, and a reset overtakes the reply that says what
/// was wrong: what the peer still sends is thrown away until it has had time to read.
fn let_it_read_why(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LINGER))?;
    let start = Instant::now();
    let mut rest = [0; 4096];
    while start.elapsed() < LINGER && stream.read(&mut rest)? > 0 {}
    Ok(())
}

/// A connection on the server's list, from when it is accepted until its greenlet is over, however
/// that ends.
struct Attended {
    server: Arc<Server>,
    number: u64,
    stream: Arc<TcpStream>,
}

impl Attended {
    fn new(server: Arc<Server>, stream: Arc<TcpStream>) -> Attended {
        let number = {
            let mut connections = server.connections();
            connections.latest += 1;
            let number = connections.latest;
            connections.open.insert(number, stream.clone());
            number
        };
        Attended { server, number, stream }
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.server.connections().open.remove(&self.number);
        self.server.one_ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::resp::encode_request;

    /// Notes each write apart.
    #[derive(Default)]
    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[track_caller]
    fn check(input: impl Read, expected: &[&str]) {
        let mut writes = Writes::default();
        Server::new(None).converse(input, &mut writes).unwrap();
        assert_eq!(writes.0, expected);
    }

    #[test]
    fn pipeline_is_answered_in_one_write() {
        check(&b"SET a 1\r\nINCR a\r\nGET a\r\n"[..], &["+OK\r\n:2\r\n$1\r\n2\r\n"]);
        check((&b"INCR a\r\nIN"[..]).chain(&b"CR a\r\n"[..]), &[":1\r\n", ":2\r\n"]);
    }

    #[test]
    fn long_answers_do_not_wait_for_the_pipeline_to_end() {
        let value = "x".repeat(REPLIES_BYTES_MAX / 2);
        let mut input = Vec::new();
        (0..4).for_each(|_| encode_request(&mut input, &[b"ECHO", value.as_bytes()]));
        let mut writes = Writes::default();
        Server::new(None).converse(input.as_slice(), &mut writes).unwrap();
        assert!(writes.0.len() >= 2);
    }

    #[test]
    fn nonsense_is_answered_and_ends_the_connection() {
        check(
            &b"PING\r\n*1\r\n$-1\r\nPING\r\n"[..],
            &["+PONG\r\n-ERR Protocol error: invalid bulk length\r\n"],
        );
        check(&b"*1\r\n$4\r\nPI"[..], &[]);
    }

    #[test]
    fn quit_leaves_the_rest_of_the_pipeline_unanswered() {
        check(&b"QUIT\r\nPING\r\n"[..], &["+OK\r\n"]);
    }
}
