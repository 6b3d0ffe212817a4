//! [`DatagramServer`]: a greenlet for each datagram.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::pause::{Pause, Verdict, judge};
use super::stream::Stopped;
use crate::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use crate::pool::Pool;
use crate::sync::Event;
use crate::thread::{self, JoinHandle};

/// Answers each datagram in a greenlet of its own, until it is stopped; it may be started again.
/// gevent's `DatagramServer`. No more than a thousand are answered at once, or as many as
/// [`limit`](DatagramServer::limit) says: the rest wait in the socket's queue, which drops what it
/// has no room for.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> std::io::Result<()> {
/// use greenroom::server::DatagramServer;
///
/// DatagramServer::bind("0.0.0.0:9", |question| {
///     let _ = question.reply(&question.bytes);
/// })?
/// .serve()?;
/// # Ok(()) }
/// ```
pub struct DatagramServer(Rc<Server>);

struct Server {
    handler: Rc<dyn Fn(Datagram)>,
    address: SocketAddr,
    answering: RefCell<Pool>,
    socket: RefCell<Option<Rc<UdpSocket>>>,
    receiving: RefCell<Option<JoinHandle<()>>>,
    is_serving: Cell<bool>,
    idle: Event,
    failure: RefCell<Option<io::Error>>,
    received: Cell<u64>,
}

/// What came, and whom from.
#[derive(Debug)]
pub struct Datagram {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Who sent it.
    pub peer: SocketAddr,
    socket: Rc<UdpSocket>,
}

impl Datagram {
    /// Sends an answer from where the datagram came to.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::send_to`]. A datagram keeps the socket open: a stopped server's are answered.
    pub fn reply(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send_to(bytes, self.peer)
    }
}

/// Datagrams answered at once, where nothing else is said.
const LIMIT: usize = 1000;
/// The largest there is.
const DATAGRAM_MAX: usize = 65_535;

impl DatagramServer {
    /// A server on the first of the addresses that can be had. Started again it is bound to the same
    /// address.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::bind`].
    pub fn bind(
        addr: impl ToSocketAddrs,
        handler: impl Fn(Datagram) + 'static,
    ) -> io::Result<DatagramServer> {
        let socket = UdpSocket::bind(addr)?;
        Ok(DatagramServer(Rc::new(Server {
            handler: Rc::new(handler),
            address: socket.local_addr()?,
            answering: RefCell::new(Pool::new(LIMIT)),
            socket: RefCell::new(Some(Rc::new(socket))),
            receiving: RefCell::new(None),
            is_serving: Cell::new(false),
            idle: Event::new(),
            failure: RefCell::new(None),
            received: Cell::new(0),
        })))
    }

    /// Answers no more than `datagrams` at once.
    ///
    /// # Panics
    ///
    /// If it is 0: nobody would be answered.
    pub fn limit(self, datagrams: usize) -> DatagramServer {
        assert!(datagrams > 0, "a server of no datagrams answers nobody");
        self.0.answering.replace(Pool::new(datagrams));
        self
    }

    /// Begins to receive, in a greenlet of its own; does nothing if it does already.
    ///
    /// # Errors
    ///
    /// When it was stopped and the address cannot be had again.
    pub fn start(&self) -> io::Result<()> {
        if self.is_serving() {
            return Ok(());
        }
        let socket = match self.0.socket.take() {
            Some(socket) => socket,
            None => Rc::new(UdpSocket::bind(self.0.address)?),
        };
        self.0.socket.replace(Some(socket.clone()));
        self.0.is_serving.set(true);
        self.0.idle.clear();
        let server = Receiving(self.0.clone());
        let receiving = thread::spawn(move || server.0.receive_all(&socket));
        self.0.receiving.replace(Some(receiving));
        Ok(())
    }

    /// Starts, and waits until somebody stops it.
    ///
    /// # Errors
    ///
    /// As [`start`](DatagramServer::start), and the socket's error that ended it.
    pub fn serve(&self) -> io::Result<()> {
        self.start()?;
        self.0.idle.wait(None);
        self.0.failure.take().map_or(Ok(()), Err)
    }

    /// Receives no more, waits until every datagram is answered, but no longer than `within`, and
    /// ends those that are left. The socket is open until then, so that answers leave.
    pub fn stop(&self, within: Option<Duration>) -> Stopped {
        // Answers hold on to the socket; nobody else does from here on.
        self.0.socket.take();
        if let Some(receiving) = self.0.receiving.take() {
            receiving.kill();
            let _ = receiving.join();
        }
        let answering = self.0.answering.borrow().clone();
        let in_time = answering.join(within);
        let killed = if in_time { 0 } else { answering.count() };
        answering.kill();
        answering.join(None);
        Stopped { killed }
    }

    /// Whether it receives.
    pub fn is_serving(&self) -> bool {
        self.0.is_serving.get()
    }
    /// Where it is bound.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.address
    }
    /// Datagrams that were ever received.
    pub fn received(&self) -> u64 {
        self.0.received.get()
    }
}

impl Server {
    fn receive_all(&self, socket: &Rc<UdpSocket>) {
        let mut buf = vec![0; DATAGRAM_MAX];
        let mut pause = Pause::new();
        let answering = self.answering.borrow().clone();
        loop {
            answering.wait_available(None);
            match socket.recv_from(&mut buf) {
                Ok((length, peer)) => {
                    pause.reset();
                    self.received.set(self.received.get() + 1);
                    let bytes = buf[..length].to_vec();
                    let datagram = Datagram { bytes, peer, socket: socket.clone() };
                    let handler = self.handler.clone();
                    drop(answering.spawn(move || handler(datagram)));
                }
                Err(error) => match judge(&error) {
                    Verdict::Next => {}
                    Verdict::Later => thread::sleep(pause.next()),
                    Verdict::Over => {
                        self.socket.take();
                        self.failure.replace(Some(error));
                        return;
                    }
                },
            }
        }
    }
}

/// Held while somebody receives, whatever becomes of it.
struct Receiving(Rc<Server>);

impl Drop for Receiving {
    fn drop(&mut self) {
        self.0.is_serving.set(false);
        self.0.idle.set();
    }
}

impl fmt::Debug for DatagramServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramServer")
            .field("address", &self.0.address)
            .field("is_serving", &self.is_serving())
            .field("received", &self.received())
            .finish()
    }
}
