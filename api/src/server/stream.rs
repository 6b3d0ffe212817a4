//! [`StreamServer`]: a greenlet for each connection.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::listener::{Listener, shared};
use super::pause::{Pause, Verdict, judge};
use crate::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use crate::pool::{Group, Place};
use crate::sync::{Event, Semaphore};
use crate::thread::{self, JoinHandle};

type Handler<L> = dyn Fn(<L as Listener>::Stream, <L as Listener>::Peer);
type Open<L> = dyn Fn() -> io::Result<L>;
type OnScarcity = dyn Fn(&io::Error, usize);

/// Serves each connection in a greenlet of its own, until it is stopped; it may be started again.
/// gevent's `StreamServer`.
///
/// A connection is closed when its handler returns. Where there is a [`limit`](StreamServer::limit),
/// nobody is accepted beyond it: callers wait in the backlog. When descriptors or memory are out,
/// those who are served go on, and accepting is tried again when one of them is done, or after a
/// pause that doubles from 10 ms to a second. An error that will not pass ends the server.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::server::StreamServer;
/// use greenroom::signal::Interrupt;
/// use std::io::{Read, Write};
/// use std::time::Duration;
///
/// let server = StreamServer::bind("0.0.0.0:7", |mut stream, _peer| {
///     let mut buf = [0; 1024];
///     while let Ok(n @ 1..) = stream.read(&mut buf) {
///         if stream.write_all(&buf[..n]).is_err() {
///             break;
///         }
///     }
/// })?
/// .limit(10_000);
/// server.start()?;
/// Interrupt::new()?.wait()?;
/// server.stop(Some(Duration::from_secs(30)));
/// # Ok(()) }
/// ```
pub struct StreamServer<L: Listener = TcpListener>(Rc<Server<L>>);

struct Server<L: Listener> {
    handler: Rc<Handler<L>>,
    open: Box<Open<L>>,
    room: RefCell<Option<Rc<Semaphore>>>,
    on_scarcity: RefCell<Option<Box<OnScarcity>>>,
    connections: Group,
    /// A connection is over.
    changed: Rc<Event>,
    listener: RefCell<Option<Rc<L>>>,
    is_serving: Cell<bool>,
    accepting: RefCell<Option<JoinHandle<()>>>,
    /// Set while nobody accepts.
    idle: Event,
    /// Why accepting ended, if nobody asked for it.
    failure: RefCell<Option<io::Error>>,
    accepted: Cell<u64>,
}

/// What became of the connections of a server that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How many were not done in time and were ended.
    pub killed: usize,
}

impl StreamServer<TcpListener> {
    /// A server that listens on the first of the addresses that can be had. Who connects before it is
    /// started waits. Started again it listens on the same address.
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    pub fn bind(
        addr: impl ToSocketAddrs,
        handler: impl Fn(TcpStream, SocketAddr) + 'static,
    ) -> io::Result<StreamServer> {
        let listener = TcpListener::bind(addr)?;
        let address = listener.local_addr()?;
        Ok(StreamServer::on(listener, move || TcpListener::bind(address), handler))
    }

    /// As [`bind`](StreamServer::bind), on a port that servers of other hubs listen on as well: the
    /// system divides the callers among them (`SO_REUSEPORT`). So several threads serve one port.
    ///
    /// # Errors
    ///
    /// As [`bind`](StreamServer::bind).
    pub fn bind_shared(
        addr: impl ToSocketAddrs,
        handler: impl Fn(TcpStream, SocketAddr) + 'static,
    ) -> io::Result<StreamServer> {
        let listener = shared(addr)?;
        let address = listener.local_addr()?;
        Ok(StreamServer::on(listener, move || shared(address), handler))
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// `NotConnected` while it is stopped.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &*self.0.listener.borrow() {
            Some(listener) => listener.local_addr(),
            None => Err(io::Error::new(io::ErrorKind::NotConnected, "the server is stopped")),
        }
    }
}

impl<L: Listener> StreamServer<L> {
    /// A server on any listener; `reopen` makes another one where it is started again.
    pub fn on(
        listener: L,
        reopen: impl Fn() -> io::Result<L> + 'static,
        handler: impl Fn(L::Stream, L::Peer) + 'static,
    ) -> StreamServer<L> {
        StreamServer(Rc::new(Server {
            handler: Rc::new(handler),
            open: Box::new(reopen),
            room: RefCell::new(None),
            on_scarcity: RefCell::new(None),
            connections: Group::new(),
            changed: Rc::default(),
            listener: RefCell::new(Some(Rc::new(listener))),
            is_serving: Cell::new(false),
            accepting: RefCell::new(None),
            idle: Event::new(),
            failure: RefCell::new(None),
            accepted: Cell::new(0),
        }))
    }

    /// Serves no more than `connections` at once; the rest wait in the backlog.
    ///
    /// # Panics
    ///
    /// If it is 0: nobody would be served.
    pub fn limit(self, connections: usize) -> StreamServer<L> {
        assert!(connections > 0, "a server of no connections serves nobody");
        self.0.room.replace(Some(Rc::new(Semaphore::new(connections))));
        self
    }

    /// Has `f` told each time that descriptors or memory are out: the error, and how many
    /// connections are served meanwhile.
    pub fn on_scarcity(self, f: impl Fn(&io::Error, usize) + 'static) -> StreamServer<L> {
        self.0.on_scarcity.replace(Some(Box::new(f)));
        self
    }

    /// Begins to accept, in a greenlet of its own; does nothing if it does already.
    ///
    /// # Errors
    ///
    /// When it was stopped and the address cannot be had again.
    pub fn start(&self) -> io::Result<()> {
        if self.is_serving() {
            return Ok(());
        }
        let listener = match self.0.listener.take() {
            Some(listener) => listener,
            None => Rc::new((self.0.open)()?),
        };
        self.0.listener.replace(Some(listener.clone()));
        self.0.is_serving.set(true);
        self.0.idle.clear();
        let server = Accepting(self.0.clone());
        let accepting = thread::spawn(move || server.0.accept_all(&*listener));
        self.0.accepting.replace(Some(accepting));
        Ok(())
    }

    /// Starts, and waits until somebody stops it.
    ///
    /// # Errors
    ///
    /// As [`start`](StreamServer::start), and the listener's error that ended it.
    pub fn serve(&self) -> io::Result<()> {
        self.start()?;
        self.0.idle.wait(None);
        self.0.failure.take().map_or(Ok(()), Err)
    }

    /// Stops listening, waits until every connection is done, but no longer than `within`, and ends
    /// those that are left. `None` waits for as long as it takes. To stop it again does nothing.
    pub fn stop(&self, within: Option<Duration>) -> Stopped {
        if let Some(listener) = self.0.listener.take() {
            listener.end();
        }
        // It may wait for a place or for a descriptor as well as for a caller.
        let accepting = self.0.accepting.take();
        if let Some(accepting) = accepting {
            accepting.kill();
            let _ = accepting.join();
        }
        let connections = &self.0.connections;
        if connections.join(within) {
            return Stopped { killed: 0 };
        }
        let killed = connections.count();
        connections.kill();
        connections.join(None);
        Stopped { killed }
    }

    /// Whether it accepts.
    pub fn is_serving(&self) -> bool {
        self.0.is_serving.get()
    }
    /// Connections that are served now.
    pub fn connections(&self) -> usize {
        self.0.connections.len()
    }
    /// Connections that were ever accepted.
    pub fn accepted(&self) -> u64 {
        self.0.accepted.get()
    }
}

impl<L: Listener> Server<L> {
    fn accept_all(self: &Rc<Server<L>>, listener: &L) {
        let mut pause = Pause::new();
        loop {
            let place = self.room.borrow().clone().map(Place::take);
            match listener.next() {
                Ok((stream, peer)) => {
                    pause.reset();
                    self.serve_one(stream, peer, place);
                }
                // It was stopped.
                Err(_) if self.listener.borrow().is_none() => return,
                Err(error) => match judge(&error) {
                    Verdict::Next => {}
                    Verdict::Later => self.wait_for_room(&error, pause.next()),
                    Verdict::Over => {
                        self.listener.take();
                        self.failure.replace(Some(error));
                        return;
                    }
                },
            }
        }
    }

    fn serve_one(&self, stream: L::Stream, peer: L::Peer, place: Option<Place>) {
        self.accepted.set(self.accepted.get() + 1);
        let handler = self.handler.clone();
        let done = Done { changed: self.changed.clone(), _place: place };
        drop(self.connections.spawn(move || {
            let _done = done;
            handler(stream, peer);
        }));
    }

    fn wait_for_room(&self, error: &io::Error, pause: Duration) {
        if let Some(tell) = &*self.on_scarcity.borrow() {
            tell(error, self.connections.count());
        }
        self.changed.clear();
        self.changed.wait(Some(pause));
    }
}

/// Held while somebody accepts, whatever becomes of it.
struct Accepting<L: Listener>(Rc<Server<L>>);

impl<L: Listener> Drop for Accepting<L> {
    fn drop(&mut self) {
        self.0.is_serving.set(false);
        self.0.idle.set();
    }
}

/// Told when a connection is over. Its stream was dropped before: there is a descriptor to be had.
struct Done {
    changed: Rc<Event>,
    _place: Option<Place>,
}

impl Drop for Done {
    fn drop(&mut self) {
        self.changed.set();
    }
}

impl<L: Listener> fmt::Debug for StreamServer<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamServer")
            .field("is_serving", &self.is_serving())
            .field("connections", &self.connections())
            .field("accepted", &self.accepted())
            .finish()
    }
}
