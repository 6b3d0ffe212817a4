//! The server: a greenlet per connection, one store behind a lock. Blocking code and nothing else.
//! Not the protocol (see `resp`) nor the commands (see `store`).

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::PoisonError;

use greenroom::net::{Shutdown, TcpListener, TcpStream};
use greenroom::sync::{Arc, Condvar, Mutex, MutexGuard};
use greenroom::thread;
use greenroom::time::{Duration, Instant};

use super::Limits;
use super::replies::Replies;
use super::reply::push_error;
use super::resp::{RequestError, RequestReader};
use super::store::{Flow, Store};
use crate::budget::{Account, Budget, Counted, is_over_budget};
use crate::common::let_it_read;

/// Replies are gathered while requests are at hand, up to about this much.
const REPLIES_BYTES_MAX: usize = 64 * 1024;

/// A reply that may take more memory than this is counted before it is built, any other after.
const UNCOUNTED_BYTES_MAX: usize = 16 * 1024;

/// Failures to accept are of the moment (a peer that left the queue, no descriptors): others are
/// served on, and it is tried again after a pause.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How accepting ends on a listener that was closed here. The number is every Unix's.
const EBADF: i32 = 9;

/// What a connection is told that has to go for the sake of the others.
const OVER_BUDGET: &str = "the requests and replies of all clients take more memory than \
    'maxmemory-clients', and yours the most of it";

/// What a connection is told that is one too many.
const TOO_MANY: &str = "max number of clients reached: there are as many as 'maxclients'";

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    store: Mutex<Store>,
    connections: Mutex<Connections>,
    one_ended: Condvar,
    /// The store's time counts from here.
    start: Instant,
    limits: Limits,
    budget: Budget,
}

/// Those being attended, by number.
#[derive(Debug, Default)]
struct Connections {
    latest: u64,
    open: BTreeMap<u64, Arc<TcpStream>>,
}

impl Server {
    /// A server among friends: [`Limits::of_a_story`].
    pub fn new(timeout: Option<Duration>) -> Arc<Self> {
        Self::within(Limits::of_a_story(timeout))
    }

    /// A server that grants its clients so much and no more.
    pub fn within(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            store: Mutex::new(Store::bounded(limits.memory)),
            connections: Mutex::default(),
            one_ended: Condvar::new(),
            start: Instant::now(),
            budget: Budget::new(limits.memory_clients),
            limits,
        })
    }

    /// Accepts connections until the listener is closed, each served by a greenlet `conn`.
    ///
    /// # Errors
    ///
    /// When the listener does not listen.
    pub fn serve(self: &Arc<Self>, listener: &TcpListener) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((stream, _)) => self.spawn_connection(stream),
                Err(error) if error.raw_os_error() == Some(EBADF) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
                Err(_) => thread::sleep(ACCEPT_PAUSE),
            }
        }
    }

    /// Serves one connection until it is over.
    pub fn serve_one(self: &Arc<Self>, stream: TcpStream) {
        let attended = Attended::new(self.clone(), Arc::new(stream));
        // However a connection ends, there is nobody left to tell.
        drop(self.attend(&attended));
    }

    /// How many peers are attended.
    pub fn connection_count(&self) -> usize {
        self.connections().open.len()
    }

    /// Lets every connection end once it has answered what it has read.
    pub fn say_goodbye(&self) {
        for stream in self.connections().open.values() {
            // One that its peer has ended already is about to go by itself.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    /// As [`say_goodbye`](Server::say_goodbye), and waits until all have ended, but not for longer
    /// than `patience`.
    pub fn close_connections(&self, patience: Duration) {
        self.say_goodbye();
        let some_open = |connections: &mut Connections| !connections.open.is_empty();
        drop(self.one_ended.wait_timeout_while(self.connections(), patience, some_open));
    }

    /// When there is no greenlet to be had, dropping the stream tells the peer so.
    fn spawn_connection(self: &Arc<Self>, stream: TcpStream) {
        let attended = Attended::new(self.clone(), Arc::new(stream));
        // However a connection ends, there is nobody left to tell.
        let connection = move || drop(attended.server.attend(&attended));
        let _ = thread::Builder::new().name("conn".into()).spawn(connection);
    }

    fn attend(&self, attended: &Attended) -> io::Result<()> {
        let stream = &*attended.stream;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(self.limits.timeout)?;
        stream.set_write_timeout(self.limits.timeout)?;
        let account = Rc::new(self.budget.open());
        let counted = Counted::new(stream, &account);
        let parting = match attended.is_one_too_many {
            true => Parting::refused(Replies::default(), TOO_MANY),
            false => self.converse(counted, counted, &account)?,
        };
        match parting {
            Parting::Agreed => Ok(()),
            Parting::Refused(mut why) => {
                drop(account);
                let_it_read(stream, |mut out| why.write_to(&mut out))
            }
        }
    }

    /// Answers requests in order until either side is done. Replies go out in one write when the
    /// next request would have to be waited for, so a pipeline costs two system calls, not two
    /// for each request.
    fn converse(
        &self,
        input: impl Read,
        mut output: impl Write,
        account: &Rc<Account>,
    ) -> io::Result<Parting> {
        let bounds = self.limits.bounds();
        let mut requests = RequestReader::counted(input, bounds, account.clone());
        let mut replies = Replies::default();
        loop {
            let parting = match self.answer_next(&mut requests, &mut replies, account) {
                Ok(Flow::Continue) => None,
                Ok(Flow::Close) => Some(Parting::Agreed),
                Err(RequestError::Protocol(text)) => {
                    return Ok(Parting::refused(replies, &text));
                }
                Err(RequestError::Io(error)) if is_over_budget(&error) => {
                    return Ok(Parting::refused(replies, OVER_BUDGET));
                }
                Err(RequestError::Io(error)) => return Err(error),
                Err(RequestError::Closed | RequestError::Truncated) => return Ok(Parting::Agreed),
            };
            if parting.is_some() || replies.len() >= REPLIES_BYTES_MAX || !requests.buffered() {
                replies.write_to(&mut output)?;
                // To hold less is refused to nobody.
                let _ = account.hold_replies(replies.size());
            }
            if let Some(parting) = parting {
                return Ok(parting);
            }
        }
    }

    fn answer_next(
        &self,
        requests: &mut RequestReader<impl Read>,
        replies: &mut Replies,
        account: &Account,
    ) -> Result<Flow, RequestError> {
        let request = requests.read()?;
        let growth = Replies::growth_max(request.arg_count(), request.byte_count());
        if growth > UNCOUNTED_BYTES_MAX {
            account.hold_replies(replies.size() + growth).map_err(RequestError::Io)?;
        }
        let flow = {
            // Taken anew for each request, and never held over a read or a write.
            let poisoned = |_| RequestError::Io(io::Error::other("poisoned"));
            let mut store = self.store.lock().map_err(poisoned)?;
            store.execute(request, self.now_ns(), replies)
        };
        account.hold_replies(replies.size()).map_err(RequestError::Io)?;
        Ok(flow)
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
#[derive(Debug)]
enum Parting {
    /// The peer said it was done.
    Agreed,
    /// The peer does not speak RESP, or asks for too much, and may still be talking. It is to read
    /// this.
    Refused(Replies),
}

impl Parting {
    fn refused(mut replies: Replies, why: &str) -> Parting {
        push_error(&mut replies.bytes, &format!("ERR {why}"));
        Parting::Refused(replies)
    }
}

/// A connection on the server's list, from when it is accepted until its greenlet is over, however
/// that ends.
struct Attended {
    server: Arc<Server>,
    number: u64,
    stream: Arc<TcpStream>,
    is_one_too_many: bool,
}

impl Attended {
    fn new(server: Arc<Server>, stream: Arc<TcpStream>) -> Attended {
        let (number, count) = {
            let mut connections = server.connections();
            connections.latest += 1;
            let number = connections.latest;
            connections.open.insert(number, stream.clone());
            (number, connections.open.len())
        };
        let is_one_too_many = count > server.limits.clients;
        Attended { server, number, stream, is_one_too_many }
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

    fn converse(input: impl Read) -> Writes {
        let (mut writes, account) = (Writes::default(), Rc::new(Account::unlimited()));
        let parting = Server::new(None).converse(input, &mut writes, &account).unwrap();
        if let Parting::Refused(mut replies) = parting {
            replies.write_to(&mut writes).unwrap();
        }
        writes
    }

    #[track_caller]
    fn check(input: impl Read, expected: &[&str]) {
        assert_eq!(converse(input).0, expected);
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
        assert!(converse(input.as_slice()).0.len() >= 2);
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
