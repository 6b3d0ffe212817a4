//! Where a connection stands, and which transport a port is of.

use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

use crate::choices::mix;
use crate::id::{HostId, Id};

/// TCP and UDP ports are two name spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Tcp,
    Udp,
}

/// What tells a connection from all others: its host, its address and port there, the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) host: HostId,
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// Two words: every segment that arrives is looked up.
impl Hash for Flow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(word(self.local) ^ (self.host.row() as u64) << 48);
        state.write_u64(word(self.peer));
    }
}

fn word(address: SocketAddr) -> u64 {
    match address {
        SocketAddr::V4(v4) => u64::from(v4.ip().to_bits()) << 16 | u64::from(v4.port()),
        SocketAddr::V6(v6) => {
            let ip = v6.ip().to_bits();
            mix((ip >> 64) as u64, ip as u64) ^ u64::from(v6.port())
        }
    }
}
