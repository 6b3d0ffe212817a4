//! Where a connection stands, and which transport a port is of.

use std::net::SocketAddr;

use crate::id::HostId;

/// TCP and UDP ports are two name spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// What tells a connection from all others: its host, its address and port there, the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Flow {
    pub(crate) host: HostId,
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}
