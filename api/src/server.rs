//! Servers: a greenlet for each connection or datagram, a limit, an orderly end.

mod datagram;
mod listener;
mod pause;
mod stream;

pub use datagram::{Datagram, DatagramServer};
pub use listener::Listener;
pub use stream::{Stopped, StreamServer};
