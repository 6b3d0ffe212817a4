//! The server by itself, for a command line: until it is asked to stop.

use std::io;
use std::rc::Rc;

use greenroom::net::{SocketAddr, ToSocketAddrs};
use greenroom::server::StreamServer;
use greenroom::signal::{Kind, Signal};
use greenroom::time::Duration;
use greenroom::wait::{Watcher, any};

use super::Limits;
use super::server::Server;
use crate::common::spawn;

/// How long connections may take to end once the server is to stop.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves until Ctrl-C or SIGTERM, then lets the connections end and returns. `announce` is told the
/// address once peers can connect to it, `on_scarcity` when descriptors or memory are out, with how
/// many connections are served meanwhile.
///
/// # Errors
///
/// When the address cannot be bound, the hub has no signals, or the listener fails for good.
pub fn serve(
    addr: impl ToSocketAddrs,
    limits: Limits,
    announce: impl FnOnce(SocketAddr),
    on_scarcity: impl Fn(&io::Error, usize) + 'static,
) -> io::Result<()> {
    // Before anybody is served: no signal then ends the process amid a request.
    let (interrupt, terminate) = (Signal::new(Kind::Interrupt)?, Signal::new(Kind::Terminate)?);
    let store = Server::within(limits);
    let ours = store.clone();
    let server = StreamServer::bind(addr, move |stream, _| ours.serve_one(stream))?;
    let server = Rc::new(server.on_scarcity(on_scarcity));
    server.start()?;
    announce(server.local_addr()?);
    let stopped = server.clone();
    let stopping = spawn("signals", move || {
        any(&[&Watcher::read(&interrupt)?, &Watcher::read(&terminate)?], None)?;
        store.say_goodbye();
        stopped.stop(Some(FAREWELL));
        Ok::<(), io::Error>(())
    })?;
    server.serve()?;
    stopping.join().map_err(|_| io::Error::other("whoever heard the signal panicked"))?
}
